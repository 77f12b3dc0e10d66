//! HTTP gateway: serves REST to clients.

fn main() -> std::process::ExitCode {
    eventflow::main(&[eventflow::Role::HttpGateway])
}
