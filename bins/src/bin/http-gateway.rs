//! REST for clients.

fn main() -> std::process::ExitCode {
    eventflow::main(&[eventflow::Role::HttpGateway])
}
