//! Summary of an import in words: how much was written, how much existed already, and what was left out and
//! why.

use std::collections::BTreeMap;
use std::fmt;

/// Number of example ids shown for each reason.
const EXAMPLES: usize = 3;

/// The counts of an import.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) is_dry_run: bool,
    pub(super) threads: Counts,
    pub(super) messages: Counts,
    /// Files that messages refer to.
    pub(super) attachments: Counts,
    /// Reactions to messages.
    pub(super) reactions: Counts,
}

/// Counts of one kind of document.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Documents written now; in a dry run, documents that could be written.
    pub(super) written: u64,
    /// Documents that an earlier run has written.
    pub(super) known: u64,
    left_out: BTreeMap<String, Reason>,
    remarks: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Default)]
struct Reason {
    count: u64,
    examples: Vec<String>,
}

impl Counts {
    /// Counts a document that the import leaves out.
    pub(super) fn leave_out(&mut self, id: &str, reason: impl Into<String>) {
        let reason = self.left_out.entry(reason.into()).or_default();
        reason.count += 1;
        if reason.examples.len() < EXAMPLES && !id.is_empty() {
            reason.examples.push(id.to_owned());
        }
    }

    /// Counts a document of which the import leaves out a part.
    pub(super) fn remark(&mut self, what: &'static str) {
        *self.remarks.entry(what).or_default() += 1;
    }

    /// Number of documents that were left out.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out.values().map(|reason| reason.count).sum()
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>, what: &str, written: &str) -> fmt::Result {
        let left_out = self.left_out();
        let read = self.written + self.known + left_out;
        writeln!(
            f,
            "{what}: {read} read, {} {written}, {} there before, {left_out} left out",
            self.written, self.known
        )?;
        for (reason, Reason { count, examples }) in &self.left_out {
            let examples = if examples.is_empty() {
                String::new()
            } else {
                format!(" (such as {})", examples.join(", "))
            };
            writeln!(f, "  left out, {reason}: {count}{examples}")?;
        }
        self.remarks.iter().try_for_each(|(what, count)| writeln!(f, "  {what}: {count}"))
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = if self.is_dry_run { "to write" } else { "written" };
        self.threads.describe(f, "threads", written)?;
        self.messages.describe(f, "messages", written)?;
        self.attachments.describe(f, "attachments", written)?;
        self.reactions.describe(f, "reactions", written)?;
        if self.is_dry_run { writeln!(f, "nothing was written: this was a dry run") } else { Ok(()) }
    }
}
