//! What the gateway reports to the rest of the system of its own accord: who is connected here
//! ([`registry_sync`]), and how far messages have got ([`receipts`]). [`signals`] are the ways into the
//! broker that it, `presence` and `typing` use.

pub(crate) mod receipts;
pub(crate) mod registry_sync;
pub(crate) mod signals;
