//! Events become deliveries.

fn main() -> std::process::ExitCode {
    eventflow::main(&[eventflow::Role::FanoutWorker])
}
