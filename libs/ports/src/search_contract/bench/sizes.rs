//! The sizes of the measurement of search.

use std::num::ParseIntError;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Messages of all threads.
    pub messages: usize,
    /// Messages of a thread on average.
    pub per_thread: usize,
    /// Searches of each kind, by ordinary people and by the busy one each.
    pub searches: usize,
}

impl Sizes {
    /// The sizes that a command line names: messages, messages of a thread, searches of each kind.
    pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, ParseIntError> {
        let given = arguments.map(|size| size.parse()).collect::<Result<Vec<usize>, _>>()?;
        let size = |at: usize, usual: usize| given.get(at).copied().unwrap_or(usual).max(1);
        Ok(Self { messages: size(0, 100_000), per_thread: size(1, 100), searches: size(2, 200) })
    }
}
