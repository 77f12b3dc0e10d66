//! Commands become documents.

fn main() -> std::process::ExitCode {
    eventflow::main(&[eventflow::Role::PersistenceWorker])
}
