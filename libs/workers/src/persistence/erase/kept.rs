//! A person's words in what is kept for others: copies in reports, and work that nobody could do.

use super::super::Persistence;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{LetterOrder, LetterPage, ReportPage, StoreError};
use eventflow_protocol::dead_letters::{Carried, DeadLetter, LetterFilter, LetterPlace, Work};
use eventflow_protocol::erasure::{Erasure, ErasurePlace, tells_of};
use eventflow_protocol::reports::{Report, ReportId};
use eventflow_protocol::{Timestamp, UserId};

/// Letters that one step looks at: each may have 256 KiB.
const LETTERS: u32 = 20;

impl Persistence {
    /// Reports stay, with who reported what when and why; what the person wrote goes.
    pub(super) async fn erase_reports(
        &self,
        erasure: &mut Erasure,
        is_handled: bool,
        after: Option<(Timestamp, ReportId)>,
    ) -> Result<(), StoreError> {
        let page = ReportPage { is_handled, after, limit: PAGE_MAX };
        let reports = self.parts.reports.reports(page).await?;
        for report in &reports {
            if let Some(scrubbed) = without_words_of(report, &erasure.user_id) {
                self.parts.erasures.rewrite_report(&scrubbed).await?;
                erasure.counts.reports += 1;
            }
        }
        let last = reports.last().map(|last| (last.created_at, last.id));
        erasure.place = match (reports.len() < PAGE_MAX as usize, is_handled) {
            (false, _) => ErasurePlace::Reports { is_handled, after: last },
            (true, false) => ErasurePlace::Reports { is_handled: true, after: None },
            (true, true) => ErasurePlace::Letters { after: None },
        };
        Ok(())
    }

    /// Work that is the person's doing, or tells their words, is deleted: a replay would be refused, or tell
    /// what is erased.
    pub(super) async fn erase_letters(
        &self,
        erasure: &mut Erasure,
        after: Option<LetterPlace>,
    ) -> Result<(), StoreError> {
        let page = LetterPage { after, limit: LETTERS, order: LetterOrder::OldestFirst };
        let letters = self.parts.letters.dead_letters(&LetterFilter::default(), page).await?;
        let mut theirs = Vec::new();
        for letter in &letters {
            if self.is_of(letter, &erasure.user_id).await? {
                theirs.push(letter.id);
            }
        }
        erasure.counts.dead_letters += self.parts.erasures.delete_letters(&theirs).await?;
        erasure.place = match letters.last() {
            Some(last) if letters.len() == LETTERS as usize => {
                ErasurePlace::Letters { after: Some(LetterPlace { at: last.last_at, id: last.id }) }
            }
            Some(_) | None => ErasurePlace::Files,
        };
        Ok(())
    }

    /// Whether any version of what a letter carries is of this person.
    async fn is_of(&self, letter: &DeadLetter, user: &UserId) -> Result<bool, StoreError> {
        for version in 1..=letter.version() {
            let Some(body) = self.parts.letters.letter_body(letter, version).await? else { continue };
            let is_theirs = match Work::read(letter.id.carried, &body) {
                Ok(work) => tells_of(&work, user),
                // Nobody can read it, so it goes if it names the person at all.
                Err(_) => names(&body, user, letter.id.carried),
            };
            if is_theirs {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The report without what this person wrote; `None` if there is nothing of theirs.
fn without_words_of(report: &Report, user: &UserId) -> Option<Report> {
    let mut scrubbed = report.clone();
    if report.message.sender_id == *user {
        scrubbed.message.content.clear();
        scrubbed.message.attachments.clear();
    }
    if report.reporter == *user {
        scrubbed.text.clear();
    }
    (scrubbed != *report).then_some(scrubbed)
}

/// Whether bytes that no program can read have the id of a person in them. An id of few letters is in
/// anything; then only what is no frame is taken for theirs.
fn names(body: &[u8], user: &UserId, carried: Carried) -> bool {
    const TELLING: usize = 4;
    let id = user.as_str().as_bytes();
    let is_telling = id.len() >= TELLING || carried == Carried::Message;
    is_telling && body.windows(id.len()).any(|part| part == id)
}
