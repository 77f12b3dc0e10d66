//! All roles in one process, and operators' commands.

fn main() -> std::process::ExitCode {
    eventflow::main(&eventflow::Role::ALL)
}
