//! Answers: what a REST route answers, and what the callback of a Socket.IO event is called with.
//!
//! A refusal is an [`ErrorBody`](crate::ErrorBody) in both. A write that the broker has and the store has not
//! done yet is answered with [`QueuedAnswer`].

mod attachments;
mod blocks;
mod dead_letters;
mod deliveries;
mod drafts;
mod erasures;
mod mail;
mod messages;
mod notifications;
mod ops;
mod people;
mod push;
mod replays;
mod reports;
mod scheduled;
mod search;
mod sends;
mod service;
mod sync;
mod threads;

pub use attachments::{AttachmentAnswer, UploadAnswer};
pub use blocks::{BlockAnswer, BlocksAnswer, ListedBlock};
pub use dead_letters::{
    EditedLetterAnswer, LetterAnswer, LetterEventWord, LetterGroupsAnswer, LettersAnswer, ShownGroup,
    ShownHappened, ShownLetter, ShownVersion,
};
pub use deliveries::{DeliveriesAnswer, DeliveryWord, ListedDelivery};
pub use drafts::{DraftAnswer, DraftsAnswer, ShownDraft};
pub use erasures::{
    EXPORT_VERSION, ErasureAnswer, ExportRecord, ExportedFile, ExportedMessage, ExportedThread, ShownErasure,
};
pub use mail::{SuppressedAddress, SuppressionsAnswer};
pub use messages::{
    ChangeAction, ChangeAnswer, EarlierWording, EditsAnswer, HistoryAnswer, MessageAnswer, PinsAnswer,
};
pub use notifications::{
    CountAnswer, NotificationsAnswer, NotifiedAnswer, PreferencesAnswer, UnreadCountAnswer,
};
pub use ops::{
    ConnectedAnswer, ConnectedUser, GatewaysAnswer, Hop, ListedGateway, ListedWorker, OutcomeCount,
    OutcomesAnswer, PartProblem, PipelineAnswer, ProcessStatus, QueueFigures, RetryRung, ServerHealth,
    ServerState, ServersAnswer, WorkerChange, WorkerFate,
};
pub use people::{
    AuthAnswer, CsrfTokenAnswer, FoundUsersAnswer, PresenceAnswer, PresenceChoiceAnswer, PresenceListAnswer,
    UserAnswer, UsersAnswer,
};
pub use push::{DeviceAnswer, DeviceKind, DevicesAnswer, PushKeyAnswer, ShownDevice};
pub use replays::{
    AuditAnswer, DiscardedAnswer, DryRun, DryRunAnswer, DryRunQueue, DryRunRefusal, ReplayAnswer, ShownAudit,
    ShownReplay,
};
pub use reports::{OwnReport, ReportAnswer, ReportedAnswer, ReportsAnswer, ShownReport};
pub use scheduled::{ScheduledAnswer, ScheduledListAnswer, ShownScheduled};
pub use search::{SearchAnswer, SearchHit};
pub use sends::{SendAnswer, SendTo, SendsAnswer, ShownSend};
pub use service::{DoneAnswer, QueuedAnswer, QueuedStatus, ServiceHealth, ServiceStats, StatusAnswer};
pub use sync::{RefusedThread, SyncAnswer, SyncedMessages, SyncedThread};
pub use threads::{
    ArchiveAnswer, CursorAnswer, ListedThread, MembersAnswer, ParticipantsAnswer, ThreadAck, ThreadAnswer,
    ThreadCompanion, ThreadMember, ThreadsAnswer,
};
