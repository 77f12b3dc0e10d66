//! Whether the data file takes writes, judged by the outcome of the last one.

use crate::DatabaseError;
use eventflow_bus::port::{BrokerError, Health};
use tokio::sync::watch;

/// Publishes the state. Every outcome of a write of the broker passes through [`HealthSender::observe`].
pub(super) struct HealthSender(watch::Sender<Health>);

impl HealthSender {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Health::Up))
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Health> {
        self.0.subscribe()
    }

    pub(super) fn is_up(&self) -> bool {
        *self.0.borrow() == Health::Up
    }

    /// Takes note of the outcome and passes it on.
    pub(super) fn observe<T>(&self, outcome: Result<T, DatabaseError>) -> Result<T, DatabaseError> {
        let now = match &outcome {
            Ok(_) => Health::Up,
            Err(error) if error.is_full() => Health::Blocked("the disk is full".to_owned()),
            Err(error) => Health::Down(reason(error)),
        };
        self.0.send_if_modified(|before| {
            let changed = *before != now;
            *before = now;
            changed
        });
        outcome
    }
}

/// The error of the port for a write that failed.
pub(super) fn broker_error(error: DatabaseError) -> BrokerError {
    if error.is_full() { BrokerError::Blocked } else { BrokerError::Unavailable(Box::new(error)) }
}

fn reason(error: &DatabaseError) -> String {
    match error {
        DatabaseError::Sqlite(source) => format!("{error}: {source}"),
        other => format!("{other}"),
    }
}
