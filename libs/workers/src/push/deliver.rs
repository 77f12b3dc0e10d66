//! One push to several devices: at the same time, each with its own outcome.
//!
//! A device that is gone is deleted, unless it was registered again meanwhile. What was taken is
//! remembered, so that a repetition of the job leaves these devices out.

use super::breaker::Breaker;
use super::parts::PushParts;
use eventflow_metrics::{PushMetrics, PushOutcome};
use eventflow_ports::StoreError;
use eventflow_ports::push_devices::Shown;
use eventflow_ports::pusher::{Accepted, Push, PushAct, PushError};
use eventflow_protocol::Timestamp;
use eventflow_protocol::push::{PushDevice, PushTarget, RemovePushDevice};
use futures_util::future::join_all;
use std::time::Duration;

/// What became of a push to several devices.
#[derive(Debug, Default)]
pub(super) struct Delivered {
    /// The devices whose services took it, or that had it before.
    pub(super) taken: usize,
    /// Who took it and what they said, of the last one.
    pub(super) accepted: Option<Accepted>,
    /// The devices that are gone.
    pub(super) gone: usize,
    /// What a service said that will never take it, or that there is none.
    pub(super) refused: Option<String>,
    /// What a service said that is to be asked again.
    pub(super) again: Option<String>,
    /// The longest wait that a service asks for.
    pub(super) after: Option<Duration>,
}

/// Sends to devices.
pub(super) struct Delivery<'a> {
    pub(super) parts: &'a PushParts,
    pub(super) breaker: &'a Breaker,
    pub(super) metrics: &'a PushMetrics,
}

impl Delivery<'_> {
    /// Sends `push` to these devices. `note` is what is remembered of a device that shows it.
    pub(super) async fn send(
        &self,
        devices: &[PushDevice],
        push: &Push,
        note: impl Fn(&PushDevice, Timestamp) -> Option<Shown>,
    ) -> Result<Delivered, StoreError> {
        let mut sends = Vec::with_capacity(devices.len());
        for device in devices {
            sends.push(self.send_one(device, push));
        }
        let results = join_all(sends).await;
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
                Err(PushError::Gone { .. }) => {
                    delivered.gone += 1;
                    self.delete(device).await?;
                }
                Err(PushError::Refused { answer }) => delivered.refused = Some(answer),
                Err(error @ PushError::NoProvider { .. }) => delivered.refused = Some(error.to_string()),
                Err(PushError::Limited { answer, after } | PushError::Failed { answer, after }) => {
                    delivered.again = Some(answer);
                    delivered.after = delivered.after.max(after);
                }
            }
        }
        self.parts.devices.note_shown(&shown).await?;
        Ok(delivered)
    }

    async fn send_one(&self, device: &PushDevice, push: &Push) -> Result<Accepted, PushError> {
        let timer = self.metrics.answer_seconds.start_timer();
        let result = self.parts.pusher.push(&device.target, push).await;
        timer.observe_duration();
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
        if matches!(device.target, PushTarget::Fcm { .. }) {
            match outcome {
                PushOutcome::Failed => self.breaker.failed(self.parts.clock().now()),
                PushOutcome::NoProvider => {}
                _ => self.breaker.answered(),
            }
            self.metrics.breaker_open.set(i64::from(self.breaker.is_open()));
        }
        result
    }

    /// Deletes the device as it was registered: a later registration stays.
    async fn delete(&self, device: &PushDevice) -> Result<(), StoreError> {
        let removal =
            RemovePushDevice { device_id: device.id, user_id: device.user_id.clone(), at: device.at };
        self.parts.devices.remove_device(&removal).await.map(drop)
    }
}
