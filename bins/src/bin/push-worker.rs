//! Push worker: sends notifications to apps and browsers.

fn main() -> std::process::ExitCode {
    eventflow::main(&[eventflow::Role::PushWorker])
}
