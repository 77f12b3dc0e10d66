//! The ports to storage, lookup and time, and for each port the contract that every adapter must honour.
//!
//! A port says what the system needs, in the system's own terms. The tests of an adapter run the contract
//! suite of its port.

pub mod apart;
pub mod blobs;
pub mod blobs_contract;
pub mod blocks;
pub mod blocks_contract;
pub mod clock;
mod contact;
pub mod dead_letters;
pub mod dead_letters_contract;
pub mod devices;
pub mod directory;
pub mod directory_contract;
pub mod drafts;
pub mod drafts_contract;
pub mod erased_people;
pub mod erasures;
pub mod erasures_contract;
mod failing;
pub mod fallback_presence;
pub mod inbox;
pub mod inbox_contract;
pub mod journal;
pub mod journal_contract;
pub mod mailer;
pub mod membership;
pub mod memory_journal;
pub mod memory_presence;
pub mod outbound;
pub mod outbound_contract;
pub mod outbox;
pub mod outbox_contract;
pub mod outbox_pusher;
pub mod preferences_contract;
pub mod presence;
pub mod presence_contract;
pub mod push_devices;
pub mod push_devices_contract;
pub mod pusher;
pub mod quotes;
pub mod registry;
pub mod registry_contract;
pub mod reports;
pub mod reports_contract;
pub mod scheduled;
pub mod scheduled_contract;
pub mod search;
pub mod search_contract;
pub mod sends;
pub mod sends_contract;
pub mod store;
pub mod store_contract;
pub mod suppressions;
pub mod suppressions_contract;
pub mod ticks;
pub mod uploads;
pub mod uploads_contract;
mod whole_store;

pub use apart::Apart;
pub use blobs::{BlobError, BlobKey, BlobStream, Blobs};
pub use blocks::{BlockPage, Blocks};
pub use clock::{Clock, FixedClock, SystemClock};
pub use dead_letters::{
    AuditPage, DeadLetters, Kept, LetterCount, LetterGroup, LetterOrder, LetterPage, ReplayCounts,
};
pub use directory::{Directory, NameEntry, People, Segment};
pub use drafts::{DraftPage, Drafts};
pub use erased_people::ErasedPeople;
pub use erasures::{Erasures, FoundThreads, OwnErased};
pub use failing::Failing;
pub use fallback_presence::FallbackPresence;
pub use inbox::{Inbox, NotificationPage};
pub use journal::{Journal, JournalError, NoJournal};
pub use mailer::{Accepted, Mail, MailError, MailId, Mailbox, Mailer};
pub use membership::Membership;
pub use memory_journal::{MemoryJournal, PassedOver};
pub use memory_presence::MemoryPresence;
pub use outbound::{DeliveriesOf, DeliveryCount, DeliveryPage, Held, Hold, KeptMail, Outbound, Taken};
pub use outbox::{Outbox, OutboxItem, OutboxMailer};
pub use outbox_pusher::OutboxPusher;
pub use presence::{GatewayReport, GatewayStats, NoPresence, PresenceError, PresenceStore};
pub use push_devices::PushDevices;
pub use pusher::Pusher;
pub use registry::{Located, MemoryRegistry, NoRegistry, Registry, RegistryError};
pub use reports::{ReportPage, Reports};
pub use scheduled::{Backlog, DueMessage, Rescheduling, Scheduled, ScheduledPage, Scheduling};
pub use search::SearchIndex;
pub use sends::{AddedSend, CancelledSend, SendPage, Sends};
pub use store::{
    Appended, ChangePage, ChangedMessage, ChangedMessages, Left, MessagePage, NewMessage, PinPage, Place,
    Store, StoreError, ThreadPage, WithCommandId,
};
pub use suppressions::{SuppressionPage, Suppressions};
pub use ticks::ticks;
pub use uploads::{FileUsage, Uploads, change_upload};
pub use whole_store::WholeStore;
