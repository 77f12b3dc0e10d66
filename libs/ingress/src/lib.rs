//! The edge: who are you, may you, is it well formed; then a command on the broker, or a read from the store.
//!
//! [`ws`] is the socket gateway, [`http`] the REST routes. Both use the checks of the other modules, and
//! [`commands`]. Nothing here writes to a database. What passes the checks is not checked again behind the
//! broker, except for membership.
//!
//! | question | module |
//! |---|---|
//! | Who asks? | [`identity`] (tokens), [`revocation`], `client_address` |
//! | Does the request come from a page of ours? | [`origin`], [`csrf`] |
//! | How often may they ask? | [`sliding_window`] (a socket), `buckets` (a user, an address) |
//! | May they start this thread? | `new_threads` |
//! | Is it well formed? | `eventflow_protocol::client` |
//! | Was it sent twice by one click? | `twin` |
//! | May they? | [`commands`] (membership), [`contacts`] (presence) |
//! | Which threads do they have? | `thread_list` |
//! | What is sent later, and when? | `scheduling`, [`due_messages`] |
//! | What is kept of a person, and how is it erased? | `export`, [`erasing`] |
//! | What do they upload, and who gets it? | `files` |
//! | How is a no said? | [`refusal`], and to the operator `notices` |
//! | What does all of it look like, for machines? | [`contract`] |
//! | What is it built from? | `settings`, `parts`, `edge` |

mod buckets;
mod client_address;
pub mod commands;
pub mod contacts;
pub mod contract;
pub mod csrf;
mod derived_key;
pub mod due_messages;
mod edge;
pub mod erasing;
mod export;
mod files;
pub mod http;
pub mod identity;
mod mentions;
mod names;
mod new_threads;
mod notices;
mod ops;
pub mod origin;
mod parts;
pub mod refusal;
mod replies;
pub mod revocation;
mod scheduling;
mod seal;
mod searches;
mod seen_receipts;
mod settings;
pub mod sliding_window;
mod templates;
#[cfg(test)]
mod testing;
mod thread_list;
mod throttle;
mod twin;
pub mod ws;

pub use client_address::{ForwardedHeader, NotProxies, ProxyTrust, TrustedProxies};
pub use files::FileSettings;
pub use new_threads::{StartWith, ThreadRules};
pub use notices::Notices;
pub use ops::OpsParts;
pub use parts::IngressParts;
pub use refusal::Refusal;
pub use settings::{IngressConfig, SetupError};
pub use templates::{NotificationTemplates, TemplateError};
