//! The message store on MongoDB.
//!
//! Collections: `messages` follows the published schema and adds `seq`, `deliveredTo`, `clientMessageId`,
//! `pair`, `marks`, `revision`, `editedAt`, `wordings`, `mentions`, `pinned` and `deletedAt`. `threads` adds
//! `lastSeq`, `activityAt`, `readSeq`, `deliveredSeq`, `toldSeq`, `unreadAt`, `unreads`, `sentBeyond`,
//! `takenBackSeq`, `takenBackTimes`, `archivedBy` and who is kept apart (`apart`) and what a group is
//! (`group`, `groupDone`, `groupRevision`, `joinedAt`, `sinceSeq`); threads of more than 50 people have
//! neither `activityAt` nor the schema's `unreadCount`. `changes` says which messages changed, in order.
//! `notifications`, `preferences`, `profiles`, `tokenNames`, `names` and `revocations` are the system's own,
//! as are `blocks`, `reports`, `sends`, `drafts`, `scheduledMessages`, `suppressions`, `outbox`,
//! `pushDevices`, `pushShown`, `deadLetters`, `deadLetterBodies`, `deadLetterReplays`, `audit`, `uploads` and
//! `searchBlocks`; the host application's `users` is only read, and `probes` has one document, which shows
//! whether the server takes writes. Transactions: none. A message is one insert, a thread's counters are one
//! compare-and-set, and repeating either changes nothing. Writes wait for a majority and its journal, but for
//! blocks of search; reads come from the primary and see what a majority has.
//!
//! Read in this order: [`store`] (the collections), `append` (places without gaps), `pairing` (one click, one
//! message), `touch` (counters), `cursors` with `advances` (how far people have come, and what is unread),
//! `receipts`, `mark_unread`, `change`, `wordings`, `mentions`, `pins`, `taken_back`, `change_log` (what
//! changed since), `archive`, `leave`, `group`, `blocks`, `away`, `read`, `threads`, `lists`, `inbox`,
//! `directory`, `names`, `segments`, `search`, `sends`, `drafts`, `scheduled`, `reports`, `dead_letters`
//! (with `letters`, `letter_bodies` and `replays`), `suppressions`, `uploads`, `outbox`, `foreign` (whose
//! documents these are). Below them: `host_users` (how people of the host are found), `thread_lookup` and
//! `thread_memory` (threads by id), `earlier` (threads of earlier versions), `record` and `free_form`
//! (documents), `indexes`, `inspection` (what an operator asks), `connection` (options and time limits),
//! `call` (how the driver is called).

mod advances;
mod append;
mod archive;
mod away;
mod blocks;
mod bulk;
mod call;
mod change;
mod change_log;
mod connection;
mod cursors;
mod dead_letters;
mod deliveries;
mod directory;
mod drafts;
mod earlier;
mod erase_own;
mod erasures;
mod fingerprint;
mod foreign;
mod group;
mod host_users;
mod inbox;
mod indexes;
mod inspection;
mod kept_mail;
mod leave;
pub mod legacy;
mod letter_bodies;
mod letters;
mod lists;
mod mark_unread;
mod mentions;
mod moves;
mod names;
mod outbound;
mod outbox;
mod pairing;
mod pins;
mod postponed;
mod push;
mod read;
mod receipts;
mod record;
mod replays;
mod reports;
mod scheduled;
mod scrub;
mod search;
mod segments;
mod sends;
pub mod store;
mod suppressions;
mod taken_back;
mod thread_lookup;
mod thread_memory;
mod threads;
mod touch;
mod uploads;
mod wordings;

pub use host_users::HostKey;
pub use inspection::ServerFacts;
pub use legacy::{LegacyCursor, LegacyFile, LegacyMessage, LegacyReaction, LegacyStore, LegacyThread};
pub use store::{MongoOptions, MongoStore};
