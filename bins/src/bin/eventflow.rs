//! All roles in one process.
fn main() {}
