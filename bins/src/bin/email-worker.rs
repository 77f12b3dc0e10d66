//! E-mail worker: tells people by e-mail what came while they were away.

fn main() -> std::process::ExitCode {
    eventflow::main(&[eventflow::Role::EmailWorker])
}
