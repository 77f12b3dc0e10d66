//! The e-mail stage: it sends each window as one mail.
//!
//! In come [`WindowJob`]s; out go mails, and rows of the delivery log. Just before sending it is decided
//! again what of the window is still to be told ([`decide_again`]). A window is closed together with its rows
//! once the mail server has taken its mail.
//!
//! Safe to repeat because a closed window is dropped, two workers cannot have one window at a time
//! ([`eventflow_ports::Outbound::take_window`]), and a mail that may have been accepted without an answer is
//! sent again byte for byte ([`kept`]). A mail that fails climbs the retry ladder, whatever the reason,
//! and ends in the dead-letter queue with rows that say so. [`provider`] talks to the mail server and
//! [`breaker`] stops the queue while it is away; [`compose`], [`digest`] and [`templates`] write the mail.

mod breaker;
mod compose;
pub mod digest;
mod kept;
mod parts;
mod provider;
pub mod templates;
mod tried;
mod trouble;

use self::breaker::{Breaker, BreakerOpen};
use self::compose::clipped;
pub use self::parts::{EmailParts, EmailSettings};
use self::tried::{Tried, left_out};
use self::trouble::Trouble;
use crate::notify::again::{self, Remaining, decide_again};
use crate::notify::busy::busy;
use async_trait::async_trait;
use eventflow_bus::handler::{BatchHandler, Item, Performed, Unavailable};
use eventflow_bus::settle::{Outcome, RETRY_LIMIT, waits};
use eventflow_metrics::{EmailMetrics, Metrics, SuppressedMail};
use eventflow_ports::mailer::{DISPLAY_NAME_MAX_CHARS, SEND_LIMIT};
use eventflow_ports::{Mail, Mailbox, StoreError, Taken};
use eventflow_protocol::content::typed;
use eventflow_protocol::outbound::{DeliveryEntry, DeliveryOutcome, Reason, Window, WindowId, WindowJob};
use eventflow_protocol::{MailAddress, Timestamp, UserId};
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Mails on their way at a time: as many as there are connections to the mail server.
const CONCURRENT: usize = 4;
/// Lease of a window: longer than a mail and the calls of the store around it can take. After a crash it is
/// how long its window waits.
const LEASE: Duration = Duration::from_secs(SEND_LIMIT.as_secs() + 60);
/// Time limit of a batch: one of 256 mails at a server that takes ten seconds for each. A server that hangs
/// does not get that far.
pub const BATCH_LIMIT: Duration = Duration::from_mins(15);
/// Time in which a batch begins mails. Those that are on their way then end within [`BATCH_LIMIT`]; the rest
/// of the batch begins anew.
const BEGINS_FOR: Duration = Duration::from_mins(10);
/// Outcomes that are remembered: several batches of them.
const REMEMBERED_MAX: usize = 1_024;

/// Sends windows as mails.
pub struct EmailWorker {
    parts: EmailParts,
    series: EmailMetrics,
    breaker: Breaker,
    /// Windows whose mail was accepted and that could not be closed yet.
    unclosed: Mutex<HashMap<WindowId, Vec<DeliveryEntry>>>,
    /// How jobs failed, by window and attempt, whose batch could not be ended. It comes again, and what
    /// failed in it must not be tried again in the same attempt.
    settled: Mutex<HashMap<(WindowId, u32), Outcome>>,
}

/// What becomes of a window with which nothing went wrong.
enum Next {
    /// It is closed with these rows of the log.
    Closes(Vec<DeliveryEntry>),
    /// It waits until then, with rows of the log that say so.
    Waits(Timestamp, Vec<DeliveryEntry>),
}

/// The process stops.
#[derive(Debug, thiserror::Error)]
#[error("the process is ending")]
struct Ending;

/// The mail server needs long for each mail.
#[derive(Debug, thiserror::Error)]
#[error("it answers slowly; what is left of the batch begins anew")]
struct Slow;

impl EmailWorker {
    /// Opens the stage.
    pub fn new(parts: EmailParts, metrics: &Metrics) -> Self {
        let series = metrics.email.clone();
        Self {
            parts,
            series,
            breaker: Breaker::default(),
            unclosed: Mutex::default(),
            settled: Mutex::default(),
        }
    }

    /// Delivers the jobs of one person one after the other, so that the person's mails come in their order.
    async fn deliver_in_order(
        &self,
        jobs: Vec<(usize, &Item<WindowJob>)>,
        begun: Instant,
    ) -> Vec<(usize, Result<Outcome, Unavailable>)> {
        let mut ended = Vec::with_capacity(jobs.len());
        for (index, job) in jobs {
            ended.push((index, self.deliver(job, begun).await));
        }
        ended
    }

    async fn deliver(&self, job: &Item<WindowJob>, begun: Instant) -> Result<Outcome, Unavailable> {
        if let Some(outcome) = self.settled.lock().get(&(job.value.window_id, job.attempt)) {
            return Ok(outcome.clone());
        }
        match self.try_deliver(job, begun).await {
            Ok(()) => Ok(Outcome::Done),
            Err(Trouble::Settled(outcome) | Trouble::Unsent { outcome, .. }) => Ok(outcome),
            Err(Trouble::Down(cause)) => Err(cause),
        }
    }

    async fn try_deliver(&self, job: &Item<WindowJob>, begun: Instant) -> Result<(), Trouble> {
        let id = job.value.window_id;
        if self.unclosed.lock().contains_key(&id) {
            return self.close(id).await;
        }
        self.may_go_on(begun)?;
        let now = self.parts.clock.now();
        let window = match self.parts.outbound.take_window(id, now, LEASE).await? {
            Taken::Window(window) => *window,
            Taken::Closed => return Ok(()),
            Taken::Busy(until) => return Err(Trouble::Settled(busy(now, until))),
        };
        match self.send_window(&window).await {
            Ok(Next::Closes(entries)) => {
                self.unclosed.lock().insert(id, entries);
                self.close(id).await
            }
            Ok(Next::Waits(until, rows)) => {
                self.parts.outbound.log_deliveries(&rows).await?;
                Ok(self.parts.outbound.postpone_window(id, until).await?)
            }
            Err(trouble) => {
                self.note_failure(&window, &trouble, job.attempt).await;
                self.release(id).await;
                Err(trouble)
            }
        }
    }

    /// Stops a batch whose other mails cannot be sent either.
    fn may_go_on(&self, begun: Instant) -> Result<(), Trouble> {
        if self.parts.stop.is_cancelled() {
            return Err(Trouble::Down(Unavailable::new("the next process", Ending)));
        }
        if self.breaker.is_paused() {
            return Err(Trouble::Down(Unavailable::new("the mail server", BreakerOpen)));
        }
        if begun.elapsed() >= BEGINS_FOR {
            return Err(Trouble::Down(Unavailable::new("the mail server", Slow)));
        }
        Ok(())
    }

    /// Writes into the log that a window was given up, if this was its last attempt, or that its mail was put
    /// off. The window stays, so that an operator can replay its dead letter.
    async fn note_failure(&self, window: &Window, trouble: &Trouble, attempt: u32) {
        let failed = DeliveryOutcome::Failed { answer: "the store failed".to_owned() };
        let rows = match trouble {
            Trouble::Unsent { outcome: Outcome::Retry { after, .. }, answer, rows, .. }
                if attempt < RETRY_LIMIT =>
            {
                let until = self.parts.clock.now().plus(waits(attempt, *after));
                again::put_off(rows, until, answer)
            }
            Trouble::Unsent { outcome: Outcome::Retry { .. } | Outcome::Reject { .. }, rows, .. } => {
                rows.clone()
            }
            Trouble::Settled(Outcome::Reject { .. }) => self.rows_of_all(window, &failed),
            Trouble::Settled(Outcome::Retry { .. }) if attempt >= RETRY_LIMIT => {
                self.rows_of_all(window, &failed)
            }
            Trouble::Settled(_) | Trouble::Unsent { .. } | Trouble::Down(_) => return,
        };
        if let Err(error) = self.parts.outbound.log_deliveries(&rows).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, window = %window.id, "the log does not say why a mail was not sent");
        }
    }

    /// Sends what is left of a window, if it is time.
    async fn send_window(&self, window: &Window) -> Result<Next, Trouble> {
        if !self.parts.settings.is_enabled {
            self.series.suppressed.of(SuppressedMail::SwitchedOff).inc();
            let suppressed = DeliveryOutcome::Suppressed { reason: Reason::SwitchedOff };
            return Ok(Next::Closes(self.rows_of_all(window, &suppressed)));
        }
        let remaining = decide_again(&self.parts.again, window).await?;
        if remaining.left.is_empty() {
            self.series.suppressed.of(SuppressedMail::NothingLeft).inc();
            return Ok(Next::Closes(remaining.suppressed));
        }
        let now = self.parts.clock.now();
        if let Some(until) = remaining.waits_until {
            return Ok(Next::Waits(until, again::held_again(window, &remaining, until, now)));
        }
        let Tried { outcome, left_out } = match self.recipient(&window.user_id).await? {
            Ok(to) => self.send_mail(window, &remaining, to).await?,
            Err((reason, label)) => {
                self.series.suppressed.of(label).inc();
                let outcome = Ok(DeliveryOutcome::Suppressed { reason });
                Tried { outcome, left_out: left_out(&remaining) }
            }
        };
        let rows = |told: &DeliveryOutcome| self.rows_but(window, &left_out, told);
        match outcome {
            Ok(outcome) => Ok(Next::Closes(rows(&outcome))),
            Err(Trouble::Unsent { outcome, answer, perhaps_sent, .. }) => {
                let rows = rows(&DeliveryOutcome::Failed { answer: answer.clone() });
                Err(Trouble::Unsent { outcome, answer, rows, perhaps_sent })
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// A row for each item of a window.
    fn rows_of_all(&self, window: &Window, outcome: &DeliveryOutcome) -> Vec<DeliveryEntry> {
        self.rows_but(window, &[], outcome)
    }

    /// Where a person's mails go, or why they go nowhere.
    async fn recipient(&self, user: &UserId) -> Result<Result<Mailbox, (Reason, SuppressedMail)>, Trouble> {
        let mut profiles = self.parts.directory.profiles(std::slice::from_ref(user)).await?;
        let profile = profiles.remove(user);
        let address = profile.as_ref().and_then(|profile| profile.email.as_deref()?.parse().ok());
        let Some(address): Option<MailAddress> = address else {
            return Ok(Err((Reason::NoAddress, SuppressedMail::NoAddress)));
        };
        if self.parts.suppressions.suppression(&address).await?.is_some() {
            return Ok(Err((Reason::AddressSuppressed, SuppressedMail::AddressSuppressed)));
        }
        let name = profile.map(|profile| clipped(&typed(&profile.name), DISPLAY_NAME_MAX_CHARS));
        Ok(Ok(Mailbox { name, address }))
    }

    async fn mail(&self, window: &Window, remaining: &Remaining, to: Mailbox) -> Result<Mail, Trouble> {
        let mail = compose::mail(&self.parts, window, remaining, to).await;
        mail.map_err(|error| Trouble::Unsent {
            outcome: Outcome::reject_for(&error),
            answer: "the templates failed".to_owned(),
            rows: Vec::new(),
            perhaps_sent: false,
        })
    }

    /// Closes a window with the rows that are kept for it.
    async fn close(&self, id: WindowId) -> Result<(), Trouble> {
        let entries = self.unclosed.lock().get(&id).cloned().unwrap_or_default();
        let closed = self.parts.outbound.close_window(id, &entries).await;
        // While the store is away or fails, the rows stay: this process has sent the mail and must not send
        // it again.
        if !matches!(closed, Err(StoreError::Unavailable { .. } | StoreError::Failed { .. })) {
            self.unclosed.lock().remove(&id);
        }
        closed?;
        Ok(())
    }

    /// Lets another worker take the window. If that fails, the lease ends by itself.
    async fn release(&self, id: WindowId) {
        if let Err(error) = self.parts.outbound.release_window(id).await {
            tracing::debug!(error = &error as &dyn std::error::Error, window = %id, "a window waits for its lease");
        }
    }

    /// The outcomes of a batch; or why it comes again, after the outcomes of those that ended are noted.
    fn outcomes(
        &self,
        batch: &[Item<WindowJob>],
        ended: Vec<Result<Outcome, Unavailable>>,
    ) -> Result<Vec<Outcome>, Unavailable> {
        let keys = batch.iter().map(|item| (item.value.window_id, item.attempt));
        let mut settled = self.settled.lock();
        if ended.iter().all(Result::is_ok) {
            keys.for_each(|key| drop(settled.remove(&key)));
        } else {
            // A batch that another process got never comes back to forget its own.
            if settled.len() > REMEMBERED_MAX {
                settled.clear();
            }
            // What is done stays done; a window that was postponed comes again under the same key.
            let failed = keys.zip(&ended).filter_map(|(key, ended)| Some((key, ended.as_ref().ok()?)));
            let failed = failed.filter(|(_, outcome)| **outcome != Outcome::Done);
            settled.extend(failed.map(|(key, outcome)| (key, outcome.clone())));
        }
        drop(settled);
        ended.into_iter().collect()
    }
}

#[async_trait]
impl BatchHandler for EmailWorker {
    type Value = WindowJob;
    type Outbox = ();

    async fn perform(&self, batch: &[Item<WindowJob>]) -> Result<Performed<()>, Unavailable> {
        self.admit().await?;
        let begun = Instant::now();
        let jobs: Vec<_> =
            by_person(batch).into_iter().map(|jobs| self.deliver_in_order(jobs, begun)).collect();
        // All of them end before the batch may wait for the server: a mail on its way must not be cut off,
        // and its window not be left taken.
        let ended: Vec<Vec<(usize, Result<Outcome, Unavailable>)>> =
            stream::iter(jobs).buffer_unordered(CONCURRENT).collect().await;
        let mut ended: Vec<(usize, Result<Outcome, Unavailable>)> = ended.into_iter().flatten().collect();
        ended.sort_by_key(|(index, _)| *index);
        let ended = ended.into_iter().map(|(_, ended)| ended).collect();
        Ok(Performed { outcomes: self.outcomes(batch, ended)?, outbox: () })
    }

    async fn announce(&self, _outbox: &()) -> Result<(), Unavailable> {
        Ok(())
    }
}

/// The jobs of a batch with their places, those of one person together and in their order.
fn by_person(batch: &[Item<WindowJob>]) -> Vec<Vec<(usize, &Item<WindowJob>)>> {
    let mut people: Vec<Vec<(usize, &Item<WindowJob>)>> = Vec::new();
    let mut places: HashMap<&UserId, usize> = HashMap::new();
    for (index, item) in batch.iter().enumerate() {
        let place = *places.entry(&item.value.user_id).or_insert_with(|| {
            people.push(Vec::new());
            people.len() - 1
        });
        people[place].push((index, item));
    }
    people
}
