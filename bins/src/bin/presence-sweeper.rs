//! Presence sweeper: turns device signals into presence.

fn main() -> std::process::ExitCode {
    eventflow::main(&[eventflow::Role::PresenceSweeper])
}
