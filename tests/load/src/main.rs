//! Load generator and ledger checker.
fn main() {}
