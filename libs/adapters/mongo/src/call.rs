//! How the store calls the driver, and what the driver's errors mean for a retry.
//!
//! The driver's futures must not be dropped half-way (its documentation, "Warning about timeouts /
//! cancellation"). So each call runs in a task of its own, and after the time limit the store only stops
//! waiting for it. What such a call still does later is harmless: every write of this crate may be repeated
//! and overtaken.
//!
//! A call that runs out of time has two explanations: nothing gets through, or this statement alone takes too
//! long. The first is waited for, the second must not stop those behind it. So the store then makes a small
//! write of its own. If the server carries that out, the statement is to blame.

use eventflow_metrics::{CallMetrics, CallOutcome};
use eventflow_ports::StoreError;
use mongodb::Collection;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error, ErrorKind, RETRYABLE_WRITE_ERROR, TRANSIENT_TRANSACTION_ERROR, WriteFailure};
use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::task::JoinError;
use tokio_util::task::TaskTracker;

/// The server's code for a unique index that is violated.
const DUPLICATE_KEY: i32 = 11000;

/// Server codes of errors that pass by themselves: network (6, 7, 89, 9001, 202), elections and shutdown (91,
/// 189, 10058, 10107, 11600, 11602, 13435, 13436), time limits (50, 262), write concern not met in time (64,
/// 79, 100), the majority's view not there yet (133, 134), locks (24, 46, 112), credentials that an operator
/// is changing (11, 13, 18), a full disk (14031).
const PASSING: [i32; 27] = [
    6, 7, 11, 13, 18, 24, 46, 50, 64, 79, 89, 91, 100, 112, 133, 134, 189, 202, 262, 9001, 10058, 10107,
    11600, 11602, 13435, 13436, 14031,
];

/// Server code: the statement ran past its own time limit.
const MAX_TIME_EXPIRED: i32 = 50;
/// Probe: a server that takes longer for a write of a few bytes does not count as up. Far more than such a
/// write takes on a busy server, far less than the limit that the slow call has used up.
const PROBE_LIMIT: Duration = Duration::from_secs(2);

/// Runs the calls of the driver, each in a tracked task.
#[derive(Clone, Default)]
pub(crate) struct Calls {
    tracker: TaskTracker,
    /// The collection of the small write; none for a database that is only read.
    probe: Option<Collection<Document>>,
    /// Where durations are noted, if anywhere.
    metrics: Option<CallMetrics>,
}

/// Why a call has no answer.
#[derive(Debug)]
pub(crate) struct CallError {
    what: &'static str,
    cause: Cause,
}

/// What happened to the call.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Cause {
    /// The driver or the server answered with an error.
    #[error("{}", told(.0))]
    Driver(Box<Error>),
    /// One of the statements of an `update` command failed.
    #[error("the server answered an update with code {code}")]
    Statement {
        /// The server's code. Its message may quote the document.
        code: i32,
    },
    /// No answer came in time.
    #[error("no answer within {0:?}")]
    Late(Duration),
    /// The call ran out of time, and the server carried out another one meanwhile.
    #[error("the statement alone was not done within {0:?}")]
    Slow(Duration),
    /// The task of the call panicked or was cancelled.
    #[error("the call was not finished")]
    Ended(#[source] JoinError),
    /// Other writers won every round of a compare-and-set.
    #[error("other writers were faster in {0} rounds")]
    Contended(u32),
    /// The document that the call would change is not one that this crate wrote.
    #[error("the stored document cannot be read")]
    Unreadable,
}

impl Calls {
    /// Calls that tell a slow statement from an outage by a small write to `probe`.
    pub(crate) fn probing(probe: Collection<Document>, metrics: Option<CallMetrics>) -> Self {
        Self { tracker: TaskTracker::new(), probe: Some(probe), metrics }
    }

    /// Waits at most `limit` for `call`, and then a little longer to learn whether the server is to blame.
    pub(crate) async fn run<T, F>(&self, what: &'static str, limit: Duration, call: F) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        let answer = self.run_briefly(what, limit, call).await;
        let is_out_of_time = answer.as_ref().is_err_and(|error| error.cause.is_out_of_time());
        if is_out_of_time && self.is_written_to().await {
            return Err(CallError { what, cause: Cause::Slow(limit) });
        }
        answer
    }

    /// Waits at most `limit` for `call`, and no longer: for a call that only asks whether the server is
    /// there.
    pub(crate) async fn run_briefly<T, F>(
        &self,
        what: &'static str,
        limit: Duration,
        call: F,
    ) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        let began = Instant::now();
        let answer = tokio::time::timeout(limit, self.tracker.spawn(call)).await;
        self.note(what, matches!(answer, Ok(Ok(Ok(_)))), began.elapsed());
        let cause = match answer {
            Ok(Ok(Ok(answer))) => return Ok(answer),
            Ok(Ok(Err(error))) => Cause::Driver(Box::new(error)),
            Ok(Err(ended)) => Cause::Ended(ended),
            Err(_) => Cause::Late(limit),
        };
        Err(CallError { what, cause })
    }

    fn note(&self, what: &'static str, is_ok: bool, took: Duration) {
        if let Some(metrics) = &self.metrics {
            metrics.took(what, if is_ok { CallOutcome::Ok } else { CallOutcome::Failed }, took);
        }
    }

    /// Whether the server carries out a write now, as durably as all writes.
    async fn is_written_to(&self) -> bool {
        let Some(probe) = self.probe.clone() else { return false };
        let now = doc! { "$currentDate": { "at": true } };
        let write = async move { probe.update_one(doc! { "_id": "write" }, now).upsert(true).await };
        match tokio::time::timeout(PROBE_LIMIT, self.tracker.spawn(write)).await {
            Ok(Ok(Ok(_))) => true,
            // Two first probes at the same moment: the server has stored the other one.
            Ok(Ok(Err(error))) => CallError::driver("probe", error).is_duplicate(),
            Ok(Err(_)) | Err(_) => false,
        }
    }

    /// Waits until every call has ended, including those that ran past their time limit.
    pub(crate) async fn finish(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}

/// What may be told of an error, in logs and in the reasons of dead letters. What the server says of a
/// document that it refuses may quote the document, so of that only the code is told.
fn told(error: &Error) -> String {
    let of_codes = |codes: Vec<i32>| format!("the server refused the write with code {codes:?}");
    match &*error.kind {
        ErrorKind::Write(WriteFailure::WriteError(write)) => of_codes(vec![write.code]),
        ErrorKind::InsertMany(insert) => {
            let errors = insert.write_errors.as_deref().unwrap_or_default();
            let concern = insert.write_concern_error.as_ref().map(|concern| concern.code);
            let mut codes: Vec<i32> = errors.iter().map(|write| write.code).chain(concern).collect();
            codes.dedup();
            of_codes(codes)
        }
        // An outage concerns no document, and operators need its words.
        ErrorKind::Command(command) if !PASSING.contains(&command.code) => {
            format!("the server answered with code {} ({})", command.code, command.code_name)
        }
        ErrorKind::BsonDeserialization(_) => "a stored document cannot be read".to_owned(),
        ErrorKind::BsonSerialization(_) => "a document cannot be written".to_owned(),
        _ => error.to_string(),
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").field("probe", &self.probe).finish_non_exhaustive()
    }
}

impl Cause {
    fn is_out_of_time(&self) -> bool {
        let Self::Driver(error) = self else { return matches!(self, Self::Late(_)) };
        matches!(&*error.kind, ErrorKind::Command(command) if command.code == MAX_TIME_EXPIRED)
    }
}

impl CallError {
    /// An error of the call `what`.
    pub(crate) fn new(what: &'static str, cause: Cause) -> Self {
        Self { what, cause }
    }

    /// An error of the driver itself.
    pub(crate) fn driver(what: &'static str, error: Error) -> Self {
        Self::new(what, Cause::Driver(Box::new(error)))
    }

    /// Ordered insert: the index of the document that violates a unique index, if nothing else went wrong.
    /// The documents before it are stored as the write concern demands; that one and those after it are not
    /// stored.
    pub(crate) fn duplicate_at(&self) -> Option<usize> {
        let Cause::Driver(error) = &self.cause else { return None };
        let ErrorKind::InsertMany(insert) = &*error.kind else { return None };
        match (insert.write_errors.as_deref(), &insert.write_concern_error) {
            (Some([only]), None) if only.code == DUPLICATE_KEY => Some(only.index),
            _ => None,
        }
    }

    /// Unordered insert: the indexes of the documents that violate a unique index, if nothing else went
    /// wrong. All other documents are stored.
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

    /// Single insert or upsert, also one that gives the document back: whether it violates a unique index.
    pub(crate) fn is_duplicate(&self) -> bool {
        let Cause::Driver(error) = &self.cause else { return false };
        match &*error.kind {
            ErrorKind::Write(WriteFailure::WriteError(error)) => error.code == DUPLICATE_KEY,
            ErrorKind::Command(error) => error.code == DUPLICATE_KEY,
            _ => false,
        }
    }
}

/// Server codes of errors that a retry never mends: the command is not well formed or breaks a rule of the
/// schema (2, 9, 14, 15, 16, 22, 28, 40, 51, 52, 56, 57, 66, 72, 73, 121), it violates a unique index where
/// none may be violated (11000), the document is too large (10334, 17280, 17419), or the server does not know
/// the command (59, 115).
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

/// Whether a retry can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The error passes by itself: wait.
    Passes,
    /// Unknown: a few retries are worth it.
    Unknown,
    /// A retry never helps.
    Permanent,
}

impl From<CallError> for StoreError {
    fn from(CallError { what, cause }: CallError) -> Self {
        let verdict = match &cause {
            Cause::Driver(error) => judge(error),
            Cause::Statement { code, .. } => judge_code(*code),
            Cause::Late(_) | Cause::Contended(_) => Verdict::Passes,
            // A panic of the driver comes again with the same call: those behind it must not wait for it.
            Cause::Slow(_) | Cause::Ended(_) => Verdict::Unknown,
            Cause::Unreadable => Verdict::Permanent,
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

/// Judges an error of the driver.
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
        // A document that this crate handed to the driver cannot be written, or one that is stored cannot be
        // read.
        ErrorKind::InvalidArgument { .. }
        | ErrorKind::BsonSerialization(_)
        | ErrorKind::BsonDeserialization(_) => Verdict::Permanent,
        _ => Verdict::Unknown,
    }
}

/// Several documents: one that may still be stored is reason enough to retry.
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
        let error = |code| StoreError::from(CallError::new("test", Cause::Statement { code }));
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
    fn a_statement_that_alone_is_too_slow_is_no_outage() {
        let error = |cause| StoreError::from(CallError::new("test", cause));
        let limit = Duration::from_secs(1);
        assert!(matches!(error(Cause::Slow(limit)), StoreError::Failed { .. }));
        assert!(matches!(error(Cause::Late(limit)), StoreError::Unavailable { .. }));
        let expired = Cause::Statement { code: MAX_TIME_EXPIRED };
        assert!(
            matches!(error(expired), StoreError::Unavailable { .. }),
            "nobody asked whether the server is up"
        );
    }

    #[tokio::test]
    async fn a_call_that_panics_is_no_outage() {
        let failed: Result<(), Error> = Err(Error::custom("no idea"));
        let panicking = async move { failed.inspect_err(|_| panic!("a fault of the driver")) };
        let error = Calls::default().run("panic", Duration::from_secs(5), panicking).await;
        assert!(matches!(StoreError::from(error.unwrap_err()), StoreError::Failed { what: "panic", .. }));
    }

    #[test]
    fn what_is_told_of_a_command_quotes_no_document() {
        let failed = |code: i32, name: &str, message: &str| {
            let answer = doc! { "code": code, "codeName": name, "errmsg": message };
            let command = mongodb::bson::deserialize_from_document(answer).unwrap();
            told(&Error::from(ErrorKind::Command(command)))
        };
        let quoting = "Plan executor error during findAndModify: {_id: 1, content: \"meet me\"}";
        let of_document = failed(28, "PathNotViable", quoting);
        assert_eq!(of_document, "the server answered with code 28 (PathNotViable)");
        let outage = failed(91, "ShutdownInProgress", "the server is in quiesce mode");
        assert!(outage.contains("quiesce"), "{outage}");
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
