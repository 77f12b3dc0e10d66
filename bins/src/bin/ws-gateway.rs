//! Socket gateway: serves the sockets of clients.

fn main() -> std::process::ExitCode {
    eventflow::main(&[eventflow::Role::WsGateway])
}
