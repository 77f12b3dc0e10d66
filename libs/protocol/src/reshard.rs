//! What processes tell each other to change the number of shards: records of the shard log, and barriers.
//!
//! Every gateway reads all records in the same order, so all agree on the number, whatever is repeated or
//! comes late. Barriers may be repeated and lost: whoever waits for one sends another.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A record of the shard log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShardRecord {
    /// Somebody reads up to here: who finds their own mark has read everything before it.
    Here {
        /// Made up anew for each reading.
        mark: Uuid,
    },
    /// The number in force. The first one comes from the settings of the first gateway; one that repeats what
    /// is in force changes nothing.
    Number {
        /// Counts the changes of the number, from 1.
        generation: u64,
        /// The number of shards.
        shards: u16,
    },
    /// An attempt to change the number begins: gateways hold their commands back.
    Hold {
        /// The attempt.
        attempt: Uuid,
        /// The generation that is to end. Void if another one is in force.
        generation: u64,
        /// The wanted number.
        to: u16,
    },
    /// The attempt succeeds: its number is in force. Void if the attempt was given up before.
    GoOn {
        /// The attempt.
        attempt: Uuid,
    },
    /// The attempt is given up: the number stays. Void if it succeeded before.
    GiveUp {
        /// The attempt.
        attempt: Uuid,
    },
}

/// A message that a worker passes on behind everything that was in the queue before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Barrier {
    /// Identity of the barrier, for the answer.
    pub barrier: Uuid,
    /// Names of the queues that it has still to pass, in order. Whoever finds none answers.
    pub then: Vec<String>,
}

/// The answer to a barrier: everything that was in its queues before it is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BarrierPassed {
    /// The barrier.
    pub barrier: Uuid,
}
