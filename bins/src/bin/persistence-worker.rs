//! Persistence worker: carries out commands and stores documents.

fn main() -> std::process::ExitCode {
    eventflow::main(&[eventflow::Role::PersistenceWorker])
}
