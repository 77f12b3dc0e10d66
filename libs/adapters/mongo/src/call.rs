//! How the driver is called, and what its errors mean.
//!
//! The driver's futures must not be dropped half-way (its documentation, "Warning about timeouts / cancellation"), so each call
//! runs in a task of its own and only the waiting for it is given up. What such a call still does later is harmless: every
//! write of this crate may be repeated and overtaken.

use eventflow_ports::StoreError;
use mongodb::error::{Error, ErrorKind, RETRYABLE_WRITE_ERROR, TRANSIENT_TRANSACTION_ERROR, WriteFailure};
use std::future::Future;
use std::time::Duration;
use tokio::task::JoinError;
use tokio_util::task::TaskTracker;

/// The server's code for a unique index that is violated.
const DUPLICATE_KEY: i32 = 11000;

/// Codes of the server that pass by themselves: network (6, 7, 89, 9001, 202), elections and shutdown (91, 189, 10058, 10107,
/// 11600, 11602, 13435, 13436), time limits (50, 262), write concern not met in time (64, 79, 100), the majority's view not
/// there yet (133, 134), locks (24, 46, 112), credentials that an operator is changing (11, 13, 18), a full disk (14031).
const PASSING: [i32; 27] = [
    6, 7, 11, 13, 18, 24, 46, 50, 64, 79, 89, 91, 100, 112, 133, 134, 189, 202, 262, 9001, 10058, 10107, 11600, 11602, 13435,
    13436, 14031,
];

/// Runs the driver's calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls {
    tracker: TaskTracker,
}

/// Why a call has no answer.
#[derive(Debug)]
pub(crate) struct CallError {
    what: &'static str,
    cause: Cause,
}

/// What happened to it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Cause {
    /// The driver or the server said so.
    #[error(transparent)]
    Driver(Box<Error>),
    /// One of the statements of an `update` command failed.
    #[error("the server answered an update with code {code}: {message}")]
    Statement {
        /// The server's code.
        code: i32,
        /// The server's words.
        message: String,
    },
    /// Nobody said anything in time.
    #[error("no answer within {0:?}")]
    Late(Duration),
    /// The task of the call ended without an answer.
    #[error("the call was not finished")]
    Ended(#[source] JoinError),
    /// Others were faster each time.
    #[error("other writers were faster in {0} rounds")]
    Contended(u32),
}

impl Calls {
    /// Waits at most `limit` for `call`.
    pub(crate) async fn run<T, F>(&self, what: &'static str, limit: Duration, call: F) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        let cause = match tokio::time::timeout(limit, self.tracker.spawn(call)).await {
            Ok(Ok(Ok(answer))) => return Ok(answer),
            Ok(Ok(Err(error))) => Cause::Driver(Box::new(error)),
            Ok(Err(ended)) => Cause::Ended(ended),
            Err(_) => Cause::Late(limit),
        };
        Err(CallError { what, cause })
    }

    /// Waits until every call has ended, also those nobody waits for any more.
    pub(crate) async fn finish(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}

impl CallError {
    /// An error that is not the driver's.
    pub(crate) fn new(what: &'static str, cause: Cause) -> Self {
        Self { what, cause }
    }

    /// An error of the driver itself.
    pub(crate) fn driver(what: &'static str, error: Error) -> Self {
        Self::new(what, Cause::Driver(Box::new(error)))
    }

    /// Which document of an ordered insert violates a unique index, if that and nothing else went wrong: those before it are
    /// stored as the write concern demands, it and those after it are not.
    pub(crate) fn duplicate_at(&self) -> Option<usize> {
        let Cause::Driver(error) = &self.cause else { return None };
        let ErrorKind::InsertMany(insert) = &*error.kind else { return None };
        match (insert.write_errors.as_deref(), &insert.write_concern_error) {
            (Some([only]), None) if only.code == DUPLICATE_KEY => Some(only.index),
            _ => None,
        }
    }

    /// Which documents of an unordered insert violate a unique index, if that and nothing else went wrong: all others are stored.
    pub(crate) fn duplicates(&self) -> Option<Vec<usize>> {
        let Cause::Driver(error) = &self.cause else { return None };
        let ErrorKind::InsertMany(insert) = &*error.kind else { return None };
        match (insert.write_errors.as_deref(), &insert.write_concern_error) {
            (Some(errors), None) if errors.iter().all(|error| error.code == DUPLICATE_KEY) => {
                Some(errors.iter().map(|error| error.index).collect())
            }
            _ => None,
        }
    }

    /// Whether a single insert or upsert violates a unique index.
    pub(crate) fn is_duplicate(&self) -> bool {
        let Cause::Driver(error) = &self.cause else { return false };
        matches!(&*error.kind, ErrorKind::Write(WriteFailure::WriteError(error)) if error.code == DUPLICATE_KEY)
    }
}

impl From<CallError> for StoreError {
    fn from(CallError { what, cause }: CallError) -> Self {
        let passing = match &cause {
            Cause::Driver(error) => passes(error),
            Cause::Statement { code, .. } => PASSING.contains(code),
            Cause::Late(_) | Cause::Ended(_) | Cause::Contended(_) => true,
        };
        let source = Box::new(cause);
        if passing { Self::Unavailable { what, source } } else { Self::Refused { what, source } }
    }
}

/// Whether waiting and repeating can help.
fn passes(error: &Error) -> bool {
    if error.contains_label(RETRYABLE_WRITE_ERROR) || error.contains_label(TRANSIENT_TRANSACTION_ERROR) {
        return true;
    }
    match &*error.kind {
        ErrorKind::Io(_)
        | ErrorKind::ServerSelection { .. }
        | ErrorKind::ConnectionPoolCleared { .. }
        | ErrorKind::DnsResolve { .. }
        | ErrorKind::Authentication { .. }
        | ErrorKind::Shutdown
        | ErrorKind::Write(WriteFailure::WriteConcernError(_)) => true,
        ErrorKind::Command(command) => PASSING.contains(&command.code),
        ErrorKind::Write(WriteFailure::WriteError(write)) => PASSING.contains(&write.code),
        ErrorKind::InsertMany(insert) => {
            let errors = insert.write_errors.as_deref().unwrap_or_default();
            insert.write_concern_error.is_some() || errors.iter().any(|write| PASSING.contains(&write.code))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_that_does_not_answer_is_given_up_and_still_finished() {
        let calls = Calls::default();
        let (tx, rx) = tokio::sync::oneshot::channel::<()>();
        let hung = calls.run("hang", Duration::from_secs(5), async move {
            rx.await.map_err(Error::custom)?;
            Ok(())
        });
        let error = StoreError::from(hung.await.unwrap_err());
        assert!(matches!(error, StoreError::Unavailable { what: "hang", .. }), "{error:?}");
        tx.send(()).unwrap();
        calls.finish().await;
    }

    #[tokio::test]
    async fn a_network_error_passes_and_an_unknown_one_does_not() {
        let io = Error::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        assert!(passes(&io));
        assert!(!passes(&Error::custom("no idea")));
    }
}
