//! Bytes of an upload that is not whole yet, as a blob store finds them again.

use serde::{Deserialize, Serialize};

/// What a blob store needs to go on with an upload, also in another process. The store of records keeps it
/// and does not look into it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    /// How many bytes are there.
    pub length: u64,
    /// The name that the blob store has given to the upload, if it has.
    pub session: Option<String>,
    /// The names of the parts that it has, in order.
    pub parts: Vec<String>,
    /// The last bytes, which are too few for a part and are kept apart.
    pub tail: u64,
}
