//! The routes about dead letters, for administrators: list, group, look, reveal, edit.
//!
//! These routes write to the store themselves (docs/adr/0016): whoever mends a stage must not need that
//! stage. What somebody does is in the audit log before it is done. Nothing that a person typed leaves here,
//! except by a reveal.

use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::body::JsonBody;
use crate::http::caller::Caller;
use crate::http::path::IdPath;
use crate::http::query::{self, Query};
use crate::refusal::Refusal;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use eventflow_ports::{LetterGroup, LetterOrder, LetterPage};
use eventflow_protocol::ErrorCode;
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::{
    EditedLetterAnswer, LetterAnswer, LetterGroupsAnswer, LettersAnswer, ShownGroup, ShownHappened,
    ShownLetter, ShownVersion,
};
use eventflow_protocol::client::requests::{EditLetterBody, RevealBody};
use eventflow_protocol::dead_letters::{
    AuditAction, AuditEntry, Cause, DeadLetter, DeadLetterId, Edit, LetterChange, LetterFilter, LetterPlace,
    LetterState, Work, masked,
};
use serde_json::Value;
use std::sync::Arc;

/// Word of the query that stands for letters in any state.
pub(crate) const ANY_STATE: &str = "any";
/// Bytes of a letter that nobody can read that a reveal shows: enough to see what it is.
const RAW_MAX_BYTES: usize = 1024 * 1024;

/// `GET /ops/dead-letters?queue&cause&kind&state&from&to&limit&cursor`.
pub(crate) async fn list(State(edge): State<Arc<Edge>>, query: Query) -> RouteResult<LettersAnswer> {
    let after = query.cursor()?.map(|(at, id)| LetterPlace { at, id });
    let page = LetterPage { after, limit: query.limit()?, order: LetterOrder::NewestFirst };
    let found = edge.dead_letters.dead_letters(&filter(&query)?, page).await?;
    let next_cursor =
        query::last_of_full(&found, page.limit).map(|letter| query::cursor_after(letter.last_at, letter.id));
    let letters = found.iter().map(ShownLetter::from).collect();
    Ok(RouteAnswer::Ok(LettersAnswer { letters, next_cursor, success: Success }))
}

/// `GET /ops/dead-letters/groups?queue&cause&kind&state&from&to`.
pub(crate) async fn groups(State(edge): State<Arc<Edge>>, query: Query) -> RouteResult<LetterGroupsAnswer> {
    let found = edge.dead_letters.letter_groups(&filter(&query)?).await?;
    let groups = found.into_iter().map(shown_group).collect();
    Ok(RouteAnswer::Ok(LetterGroupsAnswer { groups, success: Success }))
}

/// `GET /ops/dead-letters/{id}`: masked.
pub(crate) async fn show(
    State(edge): State<Arc<Edge>>,
    IdPath(id): IdPath<DeadLetterId>,
) -> RouteResult<LetterAnswer> {
    let letter = known(&edge, id).await?;
    let body = body_of(&edge, &letter, letter.version()).await?;
    let (body, body_error) = match Work::read(id.carried, &body) {
        Ok(work) => (Some(masked(&work.json())), None),
        Err(error) => (None, Some(error.to_string())),
    };
    Ok(RouteAnswer::Ok(LetterAnswer { body, body_error, ..answer(letter) }))
}

/// `POST /ops/dead-letters/{id}/reveal`: as it is, recorded first.
pub(crate) async fn reveal(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<DeadLetterId>,
    JsonBody(request): JsonBody<RevealBody>,
) -> RouteResult<LetterAnswer> {
    let letter = known(&edge, id).await?;
    let version = request.version.unwrap_or_else(|| letter.version());
    let bytes = body_of(&edge, &letter, version).await?;
    let (why, now) = (request.why.into_string(), edge.clock.now());
    let entry = AuditEntry::new(AuditAction::Reveal, caller.user, why, now).about(id);
    let entry = AuditEntry { detail: Some(format!("version {version}")), ..entry };
    edge.dead_letters.record_audit(&[entry]).await?;
    let answer = LetterAnswer { revealed: true, ..answer(letter) };
    Ok(RouteAnswer::Ok(match Work::read(id.carried, &bytes) {
        Ok(work) => LetterAnswer { body: Some(work.json()), ..answer },
        Err(error) => {
            let shown = &bytes[..bytes.len().min(RAW_MAX_BYTES)];
            let raw = Some(STANDARD.encode(shown));
            LetterAnswer { body_error: Some(error.to_string()), raw, ..answer }
        }
    }))
}

/// `PUT /ops/dead-letters/{id}/body`: 200 with the next version.
pub(crate) async fn edit(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<DeadLetterId>,
    JsonBody(request): JsonBody<EditLetterBody>,
) -> RouteResult<EditedLetterAnswer> {
    let letter = known(&edge, id).await?;
    let EditLetterBody { body, version, why } = request;
    if letter.state != LetterState::Waiting || letter.version() != version {
        return Err(too_late());
    }
    let before = body_of(&edge, &letter, version).await?;
    let body = edited(id, &before, Value::Object(body))?;
    let (by, why) = (caller.user, why.into_string());
    let now = edge.clock.now();
    let entry = AuditEntry::new(AuditAction::Edit, by.clone(), why.clone(), now).about(id);
    let entry = AuditEntry { detail: Some(format!("version {}", version + 1)), ..entry };
    edge.dead_letters.record_audit(&[entry]).await?;
    let change = LetterChange::Edit(Edit { version, body, by, why });
    let changed = edge.dead_letters.change_letters(&[id], &change, now).await?;
    let letter = changed.first().map(ShownLetter::from).ok_or_else(too_late)?;
    Ok(RouteAnswer::Ok(EditedLetterAnswer { letter, success: Success }))
}

/// The new body, which must be the same sort of work about the same thread or person.
fn edited(id: DeadLetterId, before: &[u8], body: Value) -> Result<Bytes, Refusal> {
    let work = Work::from_json(id.carried, body).map_err(|error| Refusal::invalid(error.to_string()))?;
    // What nobody could read before has nothing to compare with.
    if let Ok(before) = Work::read(id.carried, before)
        && !work.is_about_the_same(&before)
    {
        let error = "body must be of the same kind, and about the same thread or person";
        return Err(Refusal::invalid(error));
    }
    work.encode().map_err(|error| Refusal::invalid(format!("body: {error}")))
}

fn too_late() -> Refusal {
    let error = "the letter does not wait any more, or somebody else has edited it";
    Refusal::new(ErrorCode::TooLate, error)
}

async fn known(edge: &Edge, id: DeadLetterId) -> Result<DeadLetter, Refusal> {
    edge.dead_letters.dead_letter(id).await?.ok_or_else(|| Refusal::not_found("dead letter"))
}

async fn body_of(edge: &Edge, letter: &DeadLetter, version: u32) -> Result<Bytes, Refusal> {
    let body = edge.dead_letters.letter_body(letter, version).await?;
    body.ok_or_else(|| Refusal::not_found("version of this dead letter"))
}

fn answer(letter: DeadLetter) -> LetterAnswer {
    LetterAnswer {
        body: None,
        body_error: None,
        letter: ShownLetter::from(&letter),
        raw: None,
        revealed: false,
        success: Success,
        versions: ShownVersion::all(&letter.versions),
        history: letter.history.into_iter().map(ShownHappened::from).collect(),
    }
}

fn shown_group(group: LetterGroup) -> ShownGroup {
    let LetterGroup { queue, cause, kind, count, oldest_at, newest_at, reason } = group;
    ShownGroup { cause, count, kind, newest_at, oldest_at, queue, reason }
}

fn filter(query: &Query) -> Result<LetterFilter, Refusal> {
    let text = |name| query.text(name).map(str::to_owned);
    let state = match query.text("state") {
        None => Some(LetterState::Waiting),
        Some(ANY_STATE) => None,
        Some(word) => {
            Some(one_of("state", word, LetterState::ALL.iter().map(|state| (state.name(), *state)))?)
        }
    };
    let cause = query.text("cause");
    let cause =
        cause.map(|word| one_of("cause", word, Cause::ALL.iter().map(|cause| (cause.name(), *cause))));
    Ok(LetterFilter {
        queue: text("queue"),
        cause: cause.transpose()?,
        kind: text("kind"),
        state,
        from: query.time("from")?,
        to: query.time("to")?,
        replay: None,
    })
}

fn one_of<T>(
    name: &str,
    word: &str,
    mut known: impl Iterator<Item = (&'static str, T)>,
) -> Result<T, Refusal> {
    let found = known.find(|(name, _)| *name == word).map(|(_, value)| value);
    found.ok_or_else(|| Refusal::invalid(format!("{name} is none of its words")))
}
