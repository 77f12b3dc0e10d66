//! The e-mail stage: it sends each window as one mail.
//!
//! In come [`WindowJob`]s; out go mails, and rows of the delivery log. Just before sending it is decided
//! again what of the window is still to be told ([`decide_again`]). A window is closed together with its rows
//! once the mail server has taken its mail.
//!
//! Safe to repeat because a closed window is dropped, two workers cannot have one window at a time
//! ([`eventflow_ports::Outbound::take_window`]), and a mail that may have been accepted without an answer is
//! sent again under the same `Message-ID`. [`breaker`] stops the queue while the mail server is away,
//! [`compose`], [`digest`] and [`templates`] write the mail.

mod breaker;
mod compose;
pub mod digest;
mod parts;
pub mod templates;

use self::breaker::{Admission, Breaker};
use self::compose::clipped;
pub use self::parts::{EmailParts, EmailSettings};
use crate::notify::again::{self, Remaining, decide_again};
use crate::notify::busy::busy;
use async_trait::async_trait;
use eventflow_bus::handler::{BatchHandler, Item, Performed, Unavailable};
use eventflow_bus::settle::Outcome;
use eventflow_metrics::{EmailMetrics, MailOutcome, Metrics, SuppressedMail};
use eventflow_ports::mailer::{DISPLAY_NAME_MAX_CHARS, RefusedPart, SEND_LIMIT};
use eventflow_ports::{Mail, MailError, Mailbox, StoreError, Taken};
use eventflow_protocol::content::typed;
use eventflow_protocol::mail::{ChangeSuppression, SuppressionChange, SuppressionReason};
use eventflow_protocol::outbound::{
    Channel, DeliveryEntry, DeliveryOutcome, Reason, Told, Window, WindowId, WindowJob,
};
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
/// opens the breaker long before.
pub const BATCH_LIMIT: Duration = Duration::from_mins(15);

/// Sends windows as mails.
pub struct EmailWorker {
    parts: EmailParts,
    series: EmailMetrics,
    breaker: Breaker,
    /// Windows whose mail was accepted and that could not be closed yet.
    unclosed: Mutex<HashMap<WindowId, Vec<DeliveryEntry>>>,
}

/// Why a job is not done.
enum Trouble {
    /// Something that every job needs is down.
    Down(Unavailable),
    /// This job ends so.
    Settled(Outcome),
    /// The person's quiet hours have begun meanwhile; the window waits for their end.
    Quiet(Timestamp),
}

/// The process stops.
#[derive(Debug, thiserror::Error)]
#[error("the process is ending")]
struct Ending;

/// The mail server has failed a few times in a row.
#[derive(Debug, thiserror::Error)]
#[error("it has failed several times; the next try is soon")]
struct BreakerOpen;

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } => Self::Down(Unavailable::new("the store", error)),
            StoreError::Failed { .. } => Self::Settled(Outcome::retry_for(&error)),
            StoreError::Refused { .. } => Self::Settled(Outcome::reject_for(&error)),
        }
    }
}

impl EmailWorker {
    /// Opens the stage.
    pub fn new(parts: EmailParts, metrics: &Metrics) -> Self {
        let series = metrics.email.clone();
        Self { parts, series, breaker: Breaker::default(), unclosed: Mutex::default() }
    }

    async fn deliver(&self, job: &WindowJob) -> Result<Outcome, Unavailable> {
        match self.try_deliver(job).await {
            Ok(()) | Err(Trouble::Quiet(_)) => Ok(Outcome::Done),
            Err(Trouble::Settled(outcome)) => Ok(outcome),
            Err(Trouble::Down(cause)) => Err(cause),
        }
    }

    async fn try_deliver(&self, job: &WindowJob) -> Result<(), Trouble> {
        let id = job.window_id;
        if self.unclosed.lock().contains_key(&id) {
            return self.close(id).await;
        }
        self.may_go_on()?;
        let now = self.parts.clock.now();
        let window = match self.parts.outbound.take_window(id, now, LEASE).await? {
            Taken::Window(window) => *window,
            Taken::Closed => return Ok(()),
            Taken::Busy(until) => return Err(Trouble::Settled(busy(now, until))),
        };
        match self.send_window(&window).await {
            Ok(entries) => {
                self.unclosed.lock().insert(id, entries);
                self.close(id).await
            }
            Err(Trouble::Quiet(until)) => Ok(self.parts.outbound.postpone_window(id, until).await?),
            Err(trouble) => {
                self.release(id).await;
                Err(trouble)
            }
        }
    }

    /// Stops a batch whose other mails cannot be sent either.
    fn may_go_on(&self) -> Result<(), Trouble> {
        if self.parts.stop.is_cancelled() {
            return Err(Trouble::Down(Unavailable::new("the next process", Ending)));
        }
        if self.breaker.is_paused() {
            return Err(Trouble::Down(Unavailable::new("the mail server", BreakerOpen)));
        }
        Ok(())
    }

    /// Sends what is left of a window. Returns the rows of the log with which it is to be closed.
    async fn send_window(&self, window: &Window) -> Result<Vec<DeliveryEntry>, Trouble> {
        if !self.parts.settings.is_enabled {
            self.series.suppressed.of(SuppressedMail::SwitchedOff).inc();
            return Ok(self.switched_off(window));
        }
        let mut remaining = decide_again(&self.parts.again, window).await?;
        let mut entries = std::mem::take(&mut remaining.suppressed);
        if remaining.left.is_empty() {
            self.series.suppressed.of(SuppressedMail::NothingLeft).inc();
            return Ok(entries);
        }
        if let Some(until) = remaining.waits_until {
            return Err(Trouble::Quiet(until));
        }
        let outcome = match self.recipient(&window.user_id).await? {
            Ok(to) => self.hand_over(&self.mail(window, &remaining, to).await?).await?,
            Err((reason, label)) => {
                self.series.suppressed.of(label).inc();
                DeliveryOutcome::Suppressed { reason }
            }
        };
        entries.extend(again::rows(window, &remaining.left, &outcome, self.parts.clock.now()));
        Ok(entries)
    }

    fn switched_off(&self, window: &Window) -> Vec<DeliveryEntry> {
        let outcome = DeliveryOutcome::Suppressed { reason: Reason::SwitchedOff };
        let now = self.parts.clock.now();
        let row = |told: &Told| {
            let user = window.user_id.clone();
            DeliveryEntry::new(user, Channel::Email, told.about, Some(window.id), outcome.clone(), now)
        };
        window.items.iter().map(row).collect()
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
        mail.map_err(|error| Trouble::Settled(Outcome::reject_for(&error)))
    }

    /// Hands a mail over. `Ok` says what became of it for ever.
    async fn hand_over(&self, mail: &Mail) -> Result<DeliveryOutcome, Trouble> {
        let started = Instant::now();
        let sent = self.parts.mailer.send(mail).await;
        self.series.send_seconds.observe(started.elapsed().as_secs_f64());
        self.series.mails.of(label(&sent)).inc();
        let now = self.parts.clock.now();
        match sent {
            Ok(accepted) => {
                self.breaker.succeeded();
                let provider = self.parts.mailer.provider().to_owned();
                Ok(DeliveryOutcome::Sent { provider, answer: accepted.answer })
            }
            Err(MailError::Refused { what, answer }) => {
                self.breaker.succeeded();
                if what == RefusedPart::Address {
                    self.suppress(&mail.to.address, &answer).await?;
                }
                Ok(DeliveryOutcome::Failed { answer })
            }
            Err(error @ MailError::Broken { .. }) => {
                self.breaker.is_broken(now);
                self.show_breaker();
                Err(Trouble::Down(Unavailable::new("the mail server", error)))
            }
            Err(error @ MailError::Temporary { .. }) => {
                if error.is_of_the_provider() && self.breaker.failed(now) {
                    self.show_breaker();
                    return Err(Trouble::Down(Unavailable::new("the mail server", error)));
                }
                Err(Trouble::Settled(Outcome::retry_for(&error)))
            }
        }
    }

    /// An address that its server refuses gets no more mail.
    async fn suppress(&self, address: &MailAddress, answer: &str) -> Result<(), Trouble> {
        let change =
            SuppressionChange::Suppress { reason: SuppressionReason::Refused, detail: answer.to_owned() };
        let change = ChangeSuppression { address: address.clone(), change, at: self.parts.clock.now() };
        self.parts.suppressions.change_suppression(&change).await?;
        Ok(())
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

    /// Asks the mail server again, if it has failed and it is time to.
    async fn admit(&self) -> Result<(), Unavailable> {
        match self.breaker.admission(self.parts.clock.now()) {
            Admission::Open => Ok(()),
            Admission::Wait => Err(Unavailable::new("the mail server", BreakerOpen)),
            Admission::Probe => {
                let probed = self.parts.mailer.probe().await;
                match &probed {
                    Ok(()) => self.breaker.succeeded(),
                    Err(_) => self.breaker.probe_failed(self.parts.clock.now()),
                }
                self.show_breaker();
                probed.map_err(|error| Unavailable::new("the mail server", error))
            }
        }
    }

    fn show_breaker(&self) {
        self.series.breaker_open.set(i64::from(self.breaker.is_paused()));
    }
}

#[async_trait]
impl BatchHandler for EmailWorker {
    type Value = WindowJob;
    type Outbox = ();

    async fn perform(&self, batch: &[Item<WindowJob>]) -> Result<Performed<()>, Unavailable> {
        self.admit().await?;
        let jobs: Vec<_> = batch.iter().map(|item| self.deliver(&item.value)).collect();
        // All of them end before the batch may wait for the server: a mail on its way must not be cut off,
        // and its window not be left taken.
        let ended: Vec<Result<Outcome, Unavailable>> =
            stream::iter(jobs).buffered(CONCURRENT).collect().await;
        let outcomes: Result<Vec<Outcome>, Unavailable> = ended.into_iter().collect();
        Ok(Performed { outcomes: outcomes?, outbox: () })
    }

    async fn announce(&self, _outbox: &()) -> Result<(), Unavailable> {
        Ok(())
    }
}

fn label(sent: &Result<eventflow_ports::Accepted, MailError>) -> MailOutcome {
    match sent {
        Ok(_) => MailOutcome::Accepted,
        Err(MailError::Temporary { perhaps_sent: true, .. }) => MailOutcome::Unknown,
        Err(MailError::Temporary { perhaps_sent: false, .. }) => MailOutcome::Later,
        Err(MailError::Refused { what: RefusedPart::Address, .. }) => MailOutcome::AddressRefused,
        Err(MailError::Refused { what: RefusedPart::Mail, .. }) => MailOutcome::MailRefused,
        Err(MailError::Broken { .. }) => MailOutcome::Broken,
    }
}
