//! Errors in words, where they leave the process as text: reasons in headers, and the state of a stage.

use std::error::Error;

/// An error with its causes, on one line.
pub fn explain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
