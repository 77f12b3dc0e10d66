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
    6, 7, 11, 13, 18, 24, 46, 50, 64, 79, 89, 91, 100, 112, 133, 134, 189, 202, 262, 9001, 10058, 10107,
    11600, 11602, 13435, 13436, 14031,
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

/// Codes of the server that say that this very command can never be done: what was sent is not well formed or breaks a rule of the schema
/// (2, 9, 14, 15, 16, 22, 28, 40, 51, 52, 56, 57, 66, 72, 73, 121), a unique index is violated where none may be (11000), the document is
/// too large (10334, 17280, 17419), or the server does not know the command (59, 115).
const PERMANENT: [i32; 22] = [
    2,
    9,
    14,
    15,
    16,
    22,
    28,
    40,
    51,
    52,
    56,
    57,
    59,
    66,
    72,
    73,
    115,
    121,
    DUPLICATE_KEY,
    10334,
    17280,
    17419,
];

/// What an error says of trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It passes by itself: wait.
    Passes,
    /// Nobody knows, so it is tried a few times more.
    Unknown,
    /// It never helps.
    Permanent,
}

impl From<CallError> for StoreError {
    fn from(CallError { what, cause }: CallError) -> Self {
        let verdict = match &cause {
            Cause::Driver(error) => judge(error),
            Cause::Statement { code, .. } => judge_code(*code),
            Cause::Late(_) | Cause::Ended(_) | Cause::Contended(_) => Verdict::Passes,
        };
        let source = Box::new(cause);
        match verdict {
            Verdict::Passes => Self::Unavailable { what, source },
            Verdict::Unknown => Self::Failed { what, source },
            Verdict::Permanent => Self::Refused { what, source },
        }
    }
}

fn judge_code(code: i32) -> Verdict {
    match code {
        code if PASSING.contains(&code) => Verdict::Passes,
        code if PERMANENT.contains(&code) => Verdict::Permanent,
        _ => Verdict::Unknown,
    }
}

/// Whether waiting and repeating can help.
fn judge(error: &Error) -> Verdict {
    if error.contains_label(RETRYABLE_WRITE_ERROR) || error.contains_label(TRANSIENT_TRANSACTION_ERROR) {
        return Verdict::Passes;
    }
    match &*error.kind {
        ErrorKind::Io(_)
        | ErrorKind::ServerSelection { .. }
        | ErrorKind::ConnectionPoolCleared { .. }
        | ErrorKind::DnsResolve { .. }
        | ErrorKind::Authentication { .. }
        | ErrorKind::Shutdown
        | ErrorKind::Write(WriteFailure::WriteConcernError(_)) => Verdict::Passes,
        ErrorKind::Command(command) => judge_code(command.code),
        ErrorKind::Write(WriteFailure::WriteError(write)) => judge_code(write.code),
        ErrorKind::InsertMany(insert) if insert.write_concern_error.is_some() => Verdict::Passes,
        ErrorKind::InsertMany(insert) => {
            let errors = insert.write_errors.as_deref().unwrap_or_default();
            worst(errors.iter().map(|write| judge_code(write.code)))
        }
        // What we handed to the driver, or what it found stored, cannot be written or read.
        ErrorKind::InvalidArgument { .. }
        | ErrorKind::BsonSerialization(_)
        | ErrorKind::BsonDeserialization(_) => Verdict::Permanent,
        _ => Verdict::Unknown,
    }
}

/// Of several documents: one that may still be stored is reason enough to try again.
fn worst(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    let verdicts: Vec<Verdict> = verdicts.collect();
    [Verdict::Passes, Verdict::Unknown, Verdict::Permanent]
        .into_iter()
        .find(|one| verdicts.contains(one))
        .unwrap_or(Verdict::Unknown)
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
    async fn a_network_error_passes_and_of_an_unknown_one_nobody_knows() {
        let io = Error::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        assert_eq!(judge(&io), Verdict::Passes);
        assert_eq!(judge(&Error::custom("no idea")), Verdict::Unknown);
    }

    #[test]
    fn only_codes_that_are_known_to_be_for_good_park_a_command() {
        let error = |code| {
            StoreError::from(CallError::new("test", Cause::Statement { code, message: String::new() }))
        };
        for code in PASSING {
            assert!(matches!(error(code), StoreError::Unavailable { .. }), "{code}");
        }
        for code in PERMANENT {
            assert!(matches!(error(code), StoreError::Refused { .. }), "{code}");
        }
        for interrupted in [11601, 237, 175, 43, 0, -1, 999_999] {
            assert!(matches!(error(interrupted), StoreError::Failed { .. }), "{interrupted}");
        }
        assert!(PASSING.iter().all(|code| !PERMANENT.contains(code)));
    }

    #[test]
    fn of_several_documents_one_that_may_still_be_stored_counts() {
        use Verdict::{Passes, Permanent, Unknown};
        for (verdicts, together) in [
            (vec![Permanent, Permanent], Permanent),
            (vec![Permanent, Unknown], Unknown),
            (vec![Permanent, Unknown, Passes], Passes),
            (vec![], Unknown),
        ] {
            assert_eq!(worst(verdicts.into_iter()), together);
        }
    }
}
