//! The outbound port: open windows of e-mail and push, and the log of what became of everything.
//!
//! A window gathers what one mail or push message will say. It is open until it is full or a dispatcher
//! claims it, and then takes nothing more in. Whoever sends it closes it together with its rows of the log.
//! Every method may be repeated. [`crate::outbound_contract`] checks these promises.

use crate::mailer::Mail;
use crate::store::StoreError;
use async_trait::async_trait;
use eventflow_protocol::client::answers::DeliveryWord;
use eventflow_protocol::outbound::{
    About, Channel, DeliveryEntry, DeliveryOutcome, Reason, Told, WaitsFor, Window, WindowId,
};
use eventflow_protocol::{NotificationId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use uuid::Uuid;

/// How much longer than the log a window is kept that was due and never closed. It may wait for a mail server
/// that is away, for somebody who is connected for weeks, or for an operator who replays its dead letter.
/// After a year nobody will: its letter was discarded. Without a bound such windows would stay for ever.
pub const ABANDONED_AFTER: Duration = Duration::from_hours(365 * 24);

/// Something to put into a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The person.
    pub user_id: UserId,
    /// How the person is to be told.
    pub channel: Channel,
    /// What the person is to be told.
    pub told: Told,
    /// When it should be sent. The earliest of a window's items counts.
    pub due_at: Timestamp,
    /// What it waits for until then.
    pub waits_for: WaitsFor,
    /// When this was decided.
    pub now: Timestamp,
    /// The person was taken for connected when they were to be told it first, and were not. It may be held
    /// once more for that.
    pub again: bool,
}

impl Hold {
    /// The id of the row of the log that says that this is in a window.
    pub fn row_id(&self) -> Uuid {
        let waiting_id = if self.again { DeliveryEntry::waiting_again_id } else { DeliveryEntry::waiting_id };
        waiting_id(&self.user_id, self.channel, &self.told.about)
    }

    /// The row that says that this is in a window now, unless it was before.
    pub fn row(&self, held: Held) -> Option<DeliveryEntry> {
        let (id, outcome) = match held {
            Held::Opened(id) => {
                let (until, waits_for) = (self.due_at, Some(self.waits_for));
                (id, DeliveryOutcome::Held { until, waits_for, answer: None })
            }
            Held::Folded(id) => (id, DeliveryOutcome::Folded { window_id: id }),
            Held::Before => return None,
        };
        let user = self.user_id.clone();
        let row = DeliveryEntry::new(user, self.channel, self.told.about, Some(id), outcome, self.now);
        Some(DeliveryEntry { id: self.row_id(), ..row })
    }
}

/// What became of a [`Hold`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It opened this window.
    Opened(WindowId),
    /// It joined this window, which was open.
    Folded(WindowId),
    /// It was put into a window before; nothing has changed.
    Before,
}

/// What the taker of a window gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The window, to send and close.
    Window(Box<Window>),
    /// Somebody else has it, until this time at the latest.
    Busy(Timestamp),
    /// It is closed, or never existed: there is nothing to send.
    Closed,
}

/// The mail of a window, which its recipient may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptMail {
    /// The mail.
    pub mail: Mail,
    /// What it leaves out of the window, and why.
    pub left_out: Vec<(About, Reason)>,
}

/// Selects rows of the delivery log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveriesOf {
    /// Everything that this person was to be told.
    User(UserId),
    /// What became of this notification.
    Notification(NotificationId),
}

/// Selects a page of the delivery log. The newest rows come first; among equal times the larger ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryPage {
    /// Cursor: continue after the row with this time and id.
    pub after: Option<(Timestamp, Uuid)>,
    /// Page size, 1 to [`crate::store::PAGE_MAX`].
    pub limit: u32,
}

/// How many rows of the delivery log say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryCount {
    /// The channel.
    pub channel: Channel,
    /// What became of it.
    pub outcome: DeliveryWord,
    /// Why it was not sent.
    pub reason: Option<Reason>,
    /// Rows.
    pub rows: u64,
}

/// Keeps windows and the delivery log.
#[async_trait]
pub trait Outbound: Send + Sync + 'static {
    /// Puts items into the open windows of their keys ([`Told::window_key`]), opening windows where none is
    /// open. Writes for each a row of the log: held, or folded into a window. Returns one answer per item, in
    /// order. A window with [`WINDOW_ITEMS_MAX`] items is followed by the next one.
    ///
    /// [`WINDOW_ITEMS_MAX`]: eventflow_protocol::outbound::WINDOW_ITEMS_MAX
    ///
    /// A key has one open window at any time, also with several callers. An item that was held before, for
    /// the same person and channel, is [`Held::Before`], also after its window is closed, as long as the log
    /// keeps its row. With [`Hold::again`] that is true of items that were held so.
    async fn hold(&self, holds: &[Hold]) -> Result<Vec<Held>, StoreError>;

    /// Claims windows that are due and not claimed, and windows whose claim has run out, earliest first. A
    /// claimed window takes nothing more in.
    ///
    /// The claim holds until `now` plus `lease`, or for ever once [`Outbound::hand_over`] is called. Of two
    /// concurrent callers only one gets a window.
    async fn claim_due(
        &self,
        channel: Channel,
        now: Timestamp,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<Window>, StoreError>;

    /// Notes that the jobs of these claimed windows are in a durable queue, so that nobody claims the windows
    /// again.
    async fn hand_over(&self, windows: &[WindowId]) -> Result<(), StoreError>;

    /// Reads a window; `None` once it is closed.
    async fn window(&self, id: WindowId) -> Result<Option<Window>, StoreError>;

    /// Takes a window to send it, until `now` plus `lease` at the latest. Until then other takers get
    /// [`Taken::Busy`], so that two jobs for one window send it once.
    async fn take_window(&self, id: WindowId, now: Timestamp, lease: Duration) -> Result<Taken, StoreError>;

    /// Keeps the mail of a window that was taken, before a mail server gets it; or forgets it, since no
    /// server has taken it. A window that keeps one takes nothing in, and joins no other, until it is closed.
    async fn keep_mail(&self, id: WindowId, mail: Option<&KeptMail>) -> Result<(), StoreError>;

    /// The mail that a window keeps.
    async fn kept_mail(&self, id: WindowId) -> Result<Option<KeptMail>, StoreError>;

    /// Lets go of a window that was taken, so that its next taker need not wait for the lease.
    async fn release_window(&self, id: WindowId) -> Result<(), StoreError>;

    /// Lets go of a window that was taken, so that it is claimed again at `until`. Until then it takes items
    /// in again. If another window was opened for its key meanwhile, its items join this one, so that both
    /// are told together; if they are too many for one, they stay where they are.
    ///
    /// A window that keeps a mail, or whose taker did not let go of it in time, takes nothing in, and joins
    /// no other: its mail or push message may have been sent, and one mail says one thing for ever.
    ///
    /// Whenever callers die, an item is in one window that is claimed.
    async fn postpone_window(&self, id: WindowId, until: Timestamp) -> Result<(), StoreError>;

    /// Lets this person's windows that would be claimed later than `at` be claimed at `at`, because what they
    /// wait for may be over. Windows that were handed over stay as they are.
    async fn hasten_windows(&self, user: &UserId, at: Timestamp) -> Result<(), StoreError>;

    /// Closes a window and adds these rows to the log. Returns whether it was closed now; a window that was
    /// closed before keeps its rows, and these are not added.
    async fn close_window(&self, id: WindowId, entries: &[DeliveryEntry]) -> Result<bool, StoreError>;

    /// Adds rows to the log. Rows whose ids exist stay as they are.
    async fn log_deliveries(&self, entries: &[DeliveryEntry]) -> Result<(), StoreError>;

    /// Reads a page of the log.
    async fn deliveries_of(
        &self,
        of: &DeliveriesOf,
        page: DeliveryPage,
    ) -> Result<Vec<DeliveryEntry>, StoreError>;

    /// Counts the rows of the log from `since` on by what they say, in no order. For operators.
    async fn count_deliveries(&self, since: Timestamp) -> Result<Vec<DeliveryCount>, StoreError>;

    /// Deletes rows of the log older than `before`, and windows that were due [`ABANDONED_AFTER`] before
    /// that. A window that still waits stays. Returns how many rows and windows it deleted, a bounded number
    /// at a time: repeat it until it is 0.
    async fn forget_deliveries(&self, before: Timestamp) -> Result<u64, StoreError>;
}
