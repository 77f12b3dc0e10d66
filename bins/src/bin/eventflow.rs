//! Runs all roles in one process, or an operator's command.

fn main() -> std::process::ExitCode {
    eventflow::main(&eventflow::Role::ALL)
}
