//! Files that clients upload: how bytes come in, what they are, who gets them.
//!
//! Nothing else at the edge writes: an upload is no change of a conversation, its bytes do not fit through
//! the broker, and a client that resumes has to be told exactly what is kept. So the gateway keeps the bytes
//! ([`eventflow_ports::Blobs`]) and the record ([`eventflow_ports::Uploads`]) itself. What a message shows
//! of a file goes with its command, and the worker notes who uses it.
//!
//! | module | tells |
//! |---|---|
//! | [`service`] | begins an upload, finds one, deletes one |
//! | [`slots`] | how many requests bring bytes at a time |
//! | [`intake`] | takes the bytes of one request, piece by piece |
//! | [`finish`] | looks at a whole file: type, picture, hash |
//! | [`sniff`], [`picture`] | what bytes are, and the small picture |
//! | [`access`] | who gets a file |
//! | [`signed`] | addresses on the origin of files, which hold for a short time |
//! | [`sending`] | the files of a message that is being sent |

pub(crate) mod access;
mod finish;
pub(crate) mod intake;
mod picture;
pub(crate) mod sending;
pub(crate) mod service;
mod settings;
pub(crate) mod signed;
mod slots;
pub(crate) mod sniff;

pub use settings::FileSettings;
