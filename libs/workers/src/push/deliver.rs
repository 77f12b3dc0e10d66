//! One push to several devices: at the same time, as far as their services have room ([`super::in_flight`]),
//! each with its own outcome.
//!
//! A device that is gone is deleted, unless it was registered again meanwhile. What was taken is
//! remembered, so that a repetition of the job leaves these devices out. What may have been taken is
//! remembered too, so that it is taken away once it is read, and sent again until somebody says that he has
//! it. Devices that are put aside ([`super::aside`]) are not asked.

use super::aside::{Aside, host_of};
use super::breaker::Breaker;
use super::in_flight::InFlight;
use super::parts::PushParts;
use super::turns::Turn;
use eventflow_metrics::{PushMetrics, PushOutcome};
use eventflow_ports::StoreError;
use eventflow_ports::push_devices::Shown;
use eventflow_ports::pusher::{Accepted, Push, PushAct, PushError};
use eventflow_protocol::Timestamp;
use eventflow_protocol::push::{PushDevice, PushTarget, RemovePushDevice};
use futures_util::future::join_all;
use std::time::Duration;
use tokio::time::Instant;

/// What became of a push to several devices.
#[derive(Clone, Debug, Default)]
pub(super) struct Delivered {
    /// The devices whose services took it, or that had it before.
    pub(super) taken: usize,
    /// Who took it and what they said, of the last one.
    pub(super) accepted: Option<Accepted>,
    /// What a service said that will never take it, or that there is none.
    pub(super) refused: Option<String>,
    /// What a service said that is to be asked again.
    pub(super) again: Option<String>,
    /// The longest wait that a service asks for.
    pub(super) after: Option<Duration>,
    /// The operator's own provider is among those that are to be asked again.
    pub(super) is_providers: bool,
    /// The devices that did not get it: their services failed, refused it, or were not asked.
    pub(super) missed: usize,
    /// Why devices were not asked that are to be asked soon. No service has failed by that.
    pub(super) unasked: Option<&'static str>,
}

/// A device that is put aside for longer than this is left out: by then the app itself tells.
const LEFT_OUT_AFTER: Duration = Duration::from_hours(1);
/// What the log says of a device that is put aside.
const PUT_ASIDE: &str = "its push service has failed or was late, and is not asked now";

/// What the log says of a push that the breaker stops.
const STOPPED: &str = "FCM fails again and again, and is not asked now";
/// What the log says of a push for which there was no room in time.
const NO_ROOM: &str = "its push service is slow, and was not asked yet";

/// Why a device has not got a push.
enum Missed {
    /// Its service said so.
    Said(PushError),
    /// It is put aside until then.
    Aside(Timestamp),
    /// It was not asked, for this reason.
    Unasked(&'static str),
}

/// Sends to devices.
pub(super) struct Delivery<'a> {
    pub(super) parts: &'a PushParts,
    pub(super) breaker: &'a Breaker,
    pub(super) aside: &'a Aside,
    pub(super) in_flight: &'a InFlight,
    pub(super) metrics: &'a PushMetrics,
}

impl Delivery<'_> {
    /// Sends `push` to these devices. `note` is what is remembered of a device that shows it.
    pub(super) async fn send(
        &self,
        turn: &mut Turn<'_>,
        devices: &[PushDevice],
        push: &Push,
        note: impl Fn(&PushDevice, Timestamp) -> Option<Shown>,
    ) -> Result<Delivered, StoreError> {
        let mut sends = Vec::with_capacity(devices.len());
        for device in devices {
            sends.push(self.send_one(device, push, turn.until));
        }
        let results = turn.outside(join_all(sends)).await;
        let now = self.parts.clock().now();
        let mut delivered = Delivered::default();
        let mut shown = Vec::new();
        for (device, result) in devices.iter().zip(results) {
            match result {
                Ok(accepted) => {
                    shown.extend(note(device, now));
                    delivered.taken += 1;
                    delivered.accepted = Some(accepted);
                }
                Err(missed) => {
                    if let Missed::Said(PushError::Failed { .. }) = missed {
                        shown.extend(note(device, now).map(perhaps));
                    }
                    self.miss(&mut delivered, device, missed, now).await?;
                }
            }
        }
        self.parts.devices.note_shown(&shown).await?;
        Ok(delivered)
    }

    async fn miss(
        &self,
        delivered: &mut Delivered,
        device: &PushDevice,
        missed: Missed,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (answer, after) = match missed {
            Missed::Said(PushError::Gone { .. }) => return self.delete(device).await,
            Missed::Said(PushError::Refused { answer }) => (Err(answer), None),
            Missed::Said(error @ PushError::NoProvider { .. }) => (Err(error.to_string()), None),
            Missed::Said(PushError::Limited { answer, after } | PushError::Failed { answer, after }) => {
                (Ok(answer), after)
            }
            Missed::Aside(until) => match now.age_at(until) {
                long if long > LEFT_OUT_AFTER => (Err(PUT_ASIDE.to_owned()), None),
                short => (Ok(PUT_ASIDE.to_owned()), Some(short)),
            },
            Missed::Unasked(why) => {
                delivered.missed += 1;
                delivered.unasked = Some(why);
                delivered.is_providers |= matches!(device.target, PushTarget::Fcm { .. });
                return Ok(());
            }
        };
        delivered.missed += 1;
        match answer {
            Ok(again) => {
                delivered.again = Some(again);
                delivered.after = delivered.after.max(after);
                delivered.is_providers |= matches!(device.target, PushTarget::Fcm { .. });
            }
            Err(refused) => delivered.refused = Some(refused),
        }
        Ok(())
    }

    async fn send_one(&self, device: &PushDevice, push: &Push, until: Instant) -> Result<Accepted, Missed> {
        let is_app = matches!(device.target, PushTarget::Fcm { .. });
        let place = self.in_flight.place(host_of(&device.target), until).await;
        let _place = place.ok_or(Missed::Unasked(NO_ROOM))?;
        if is_app && self.breaker.is_open() {
            return Err(Missed::Unasked(STOPPED));
        }
        let asked_at = self.parts.clock().now();
        self.aside.ask(device, asked_at).map_err(Missed::Aside)?;
        let result = self.parts.pusher.push(&device.target, push).await;
        let now = self.parts.clock().now();
        let took = asked_at.age_at(now);
        self.metrics.answer_seconds.observe(took.as_secs_f64());
        self.aside.answered(device, took, matches!(result, Err(PushError::Failed { .. })), now);
        let outcome = match &result {
            Ok(_) if push.act == PushAct::Clear => PushOutcome::Cleared,
            Ok(_) => PushOutcome::Sent,
            Err(PushError::Gone { .. }) => PushOutcome::Gone,
            Err(PushError::Refused { .. }) => PushOutcome::Refused,
            Err(PushError::Limited { .. }) => PushOutcome::Limited,
            Err(PushError::Failed { .. }) => PushOutcome::Failed,
            Err(PushError::NoProvider { .. }) => PushOutcome::NoProvider,
        };
        self.metrics.pushes.of(outcome).inc();
        if is_app {
            match outcome {
                PushOutcome::Failed => self.breaker.failed(now),
                PushOutcome::NoProvider => {}
                _ => self.breaker.answered(),
            }
            self.metrics.breaker_open.set(i64::from(self.breaker.is_open()));
        }
        result.map_err(Missed::Said)
    }

    /// Deletes the device as it was registered: a later registration stays.
    async fn delete(&self, device: &PushDevice) -> Result<(), StoreError> {
        let removal =
            RemovePushDevice { device_id: device.id, user_id: device.user_id.clone(), at: device.at };
        self.parts.devices.remove_device(&removal).await.map(drop)
    }
}

/// What is remembered of a device that may show a push: no repetition takes it for shown.
fn perhaps(shown: Shown) -> Shown {
    Shown { push: format!("perhaps {}", shown.push), ..shown }
}
