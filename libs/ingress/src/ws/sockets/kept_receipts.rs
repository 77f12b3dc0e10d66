//! Receipts that wait for a parked socket: how far its client will have got once what is kept for it has been
//! replayed.

use eventflow_protocol::ThreadId;
use std::collections::HashMap;

/// Threads whose newest kept message one socket remembers. Messages of further threads get their receipt when
/// they are read.
const THREADS_MAX: usize = 64;

/// The newest message of each thread that is kept for the socket's return.
#[derive(Debug, Default)]
pub(crate) struct KeptReceipts(HashMap<ThreadId, u64>);

impl KeptReceipts {
    /// The message at `seq` is kept for the socket.
    pub(crate) fn keep(&mut self, thread: ThreadId, seq: u64) {
        if self.0.len() < THREADS_MAX || self.0.contains_key(&thread) {
            let newest = self.0.entry(thread).or_default();
            *newest = seq.max(*newest);
        }
    }

    /// Takes out the newest kept message of each thread: they are on their way to the client now.
    pub(crate) fn take(&mut self) -> HashMap<ThreadId, u64> {
        std::mem::take(&mut self.0)
    }
}
