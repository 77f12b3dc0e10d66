//! Signs of devices become presence.

fn main() -> std::process::ExitCode {
    eventflow::main(&[eventflow::Role::PresenceSweeper])
}
