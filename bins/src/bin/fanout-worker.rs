//! Fan-out worker: turns events into deliveries to gateways.

fn main() -> std::process::ExitCode {
    eventflow::main(&[eventflow::Role::FanoutWorker])
}
