//! What lapin's errors mean to a caller of the broker seam.

use eventflow_bus::port::{BrokerError, Source};
use lapin::ErrorKind;

const ACCESS_REFUSED: u16 = 403;
const NOT_FOUND: u16 = 404;
const RESOURCE_LOCKED: u16 = 405;
const PRECONDITION_FAILED: u16 = 406;

/// There is no connection, or it broke.
pub(crate) fn unavailable(source: impl Into<Source>) -> BrokerError {
    BrokerError::Unavailable(source.into())
}

/// The broker did not answer in time.
pub(crate) fn late(what: &'static str) -> BrokerError {
    unavailable(format!("{what}: no answer in time"))
}

/// Whether there is no such queue or exchange.
pub(crate) fn is_not_found(error: &lapin::Error) -> bool {
    reply_code(error) == Some(NOT_FOUND)
}

/// Whether the broker's user may not do that.
pub(crate) fn is_refused(error: &lapin::Error) -> bool {
    reply_code(error) == Some(ACCESS_REFUSED)
}

/// Whether something of that name exists with other properties.
pub(crate) fn is_mismatch(error: &lapin::Error) -> bool {
    matches!(reply_code(error), Some(RESOURCE_LOCKED | PRECONDITION_FAILED))
}

/// What an error of a question about `queue` means.
pub(crate) fn about_queue(queue: &str, error: lapin::Error) -> BrokerError {
    if is_not_found(&error) {
        BrokerError::Unroutable(queue.to_owned())
    } else if is_mismatch(&error) {
        BrokerError::Mismatch { queue: queue.to_owned(), source: error.into() }
    } else {
        unavailable(error)
    }
}

fn reply_code(error: &lapin::Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => Some(error.get_id()),
        _ => None,
    }
}
