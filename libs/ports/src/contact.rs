//! Whether what was sent to somebody's sockets came out of their gateway, as far as presence knows.

/// What is known of the sessions that somebody had at some moment: whether what was sent to them then came
/// out of their gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contact {
    /// A session that was there has been heard of since: its gateway was alive.
    Heard,
    /// Nothing has been heard of them since. They count still.
    Unsure,
    /// Nothing was heard of them any more: their gateway had died, or had lost the broker.
    Lost,
}
