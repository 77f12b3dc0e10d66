//! The routes that decide about dead letters, for administrators: replay them, or discard them; and the audit
//! log.
//!
//! A replay is kept before the answer, and a worker carries it out. As the other routes about dead letters,
//! these write to the store themselves, and record what is done before it is done.

use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::body::JsonBody;
use crate::http::caller::Caller;
use crate::http::path::IdPath;
use crate::http::query::{self, Query};
use crate::refusal::Refusal;
use axum::extract::State;
use eventflow_bus::dead::replayed;
use eventflow_ports::{AuditPage, LetterOrder, LetterPage, StoreError};
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::{
    AuditAnswer, DiscardedAnswer, DryRun, DryRunAnswer, DryRunQueue, DryRunRefusal, ReplayAnswer, ShownAudit,
    ShownReplay,
};
use eventflow_protocol::client::requests::{DiscardBody, LETTERS_MAX, ReplayBody};
use eventflow_protocol::dead_letters::{
    AuditAction, AuditEntry, DeadLetter, DeadLetterId, LetterChange, LetterFilter, LetterPlace, LetterState,
    Replay, ReplayId, ReplayState, WhichLetters,
};
use futures_util::stream::iter;
use futures_util::{StreamExt, TryStreamExt};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Refusals that a dry run names: enough to see what is wrong.
const REFUSED_MAX: usize = 100;
/// Letters of a page, while all that are meant are looked at.
const PAGE: u32 = 100;
/// Questions to the store at the same time: few enough to leave connections to others.
const ASKED_AT_ONCE: usize = 8;

/// What `POST /ops/replays` answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum BeginAnswer {
    /// What a replay would do.
    DryRun(DryRunAnswer),
    /// The replay, which goes on.
    Replay(ReplayAnswer),
}

/// `POST /ops/replays`: 201 kept, 200 for a dry run.
pub(crate) async fn begin(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    JsonBody(request): JsonBody<ReplayBody>,
) -> RouteResult<BeginAnswer> {
    let now = edge.clock.now();
    let which = request.which(now)?;
    let per_second = per_second(request.per_second, edge.replays_per_second)?;
    if request.dry_run {
        let dry_run = dry_run(&edge, &which).await?;
        return Ok(RouteAnswer::Ok(BeginAnswer::DryRun(DryRunAnswer { dry_run, success: Success })));
    }
    let total = count(&edge, &which).await?;
    let (by, why) = (caller.user, request.why.into_string());
    let id = ReplayId::new();
    let entry = AuditEntry::new(AuditAction::Replay, by.clone(), why.clone(), now);
    let detail = Some(format!("{total} letters"));
    edge.dead_letters.record_audit(&[AuditEntry { replay: Some(id), detail, ..entry }]).await?;
    let replay = Replay {
        id,
        by,
        why,
        which,
        per_second,
        total,
        created_at: now,
        state: ReplayState::Running,
        ended_at: None,
        cursor: None,
        claimable_at: Some(now),
    };
    edge.dead_letters.add_replay(&replay).await?;
    let replay = ShownReplay::new(replay, 0, 0, 0);
    Ok(RouteAnswer::Created(BeginAnswer::Replay(ReplayAnswer { replay, success: Success })))
}

/// `GET /ops/replays/{id}`: how far it has come.
pub(crate) async fn show(
    State(edge): State<Arc<Edge>>,
    IdPath(id): IdPath<ReplayId>,
) -> RouteResult<ReplayAnswer> {
    let replay = edge.dead_letters.replay(id).await?.ok_or_else(|| Refusal::not_found("replay"))?;
    let counts = edge.dead_letters.replay_counts(id).await?;
    let waiting = LetterFilter { state: Some(LetterState::Waiting), ..LetterFilter::default() };
    let of_it = edge.dead_letters.count_letters(&LetterFilter { replay: Some(id), ..waiting }).await?;
    // Those that could not be sent wait too, with the same replay as their last.
    let failed_again = of_it.saturating_sub(counts.refused);
    let replay = ShownReplay::new(replay, counts.replayed, counts.refused, failed_again);
    Ok(RouteAnswer::Ok(ReplayAnswer { replay, success: Success }))
}

/// `POST /ops/discards`: up to a bounded number at a time.
pub(crate) async fn discard(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    JsonBody(request): JsonBody<DiscardBody>,
) -> RouteResult<DiscardedAnswer> {
    let now = edge.clock.now();
    let which = request.which(now)?;
    let (by, why) = (caller.user, request.why.into_string());
    let meant: Vec<DeadLetterId> =
        waiting(&edge, &which, LETTERS_MAX).await?.iter().map(|letter| letter.id).collect();
    let entry =
        |id: &DeadLetterId| AuditEntry::new(AuditAction::Discard, by.clone(), why.clone(), now).about(*id);
    edge.dead_letters.record_audit(&meant.iter().map(entry).collect::<Vec<_>>()).await?;
    let change = LetterChange::Discard { by: by.clone(), why: why.clone() };
    let discarded = edge.dead_letters.change_letters(&meant, &change, now).await?.len() as u64;
    let left = match &which {
        WhichLetters::Ids(_) => 0,
        WhichLetters::Matching(_) => count(&edge, &which).await?,
    };
    Ok(RouteAnswer::Ok(DiscardedAnswer { discarded, left, success: Success }))
}

/// `GET /ops/audit?letter&limit&cursor`: newest first.
pub(crate) async fn audit(State(edge): State<Arc<Edge>>, query: Query) -> RouteResult<AuditAnswer> {
    let letter = query.text("letter").map(str::parse::<DeadLetterId>).transpose();
    let letter = letter.map_err(|_| Refusal::invalid("letter must be the id of a dead letter"))?;
    let page = AuditPage { letter, after: query.cursor()?, limit: query.limit()? };
    let found = edge.dead_letters.audit(&page).await?;
    let next_cursor =
        query::last_of_full(&found, page.limit).map(|entry| query::cursor_after(entry.at, &entry.id));
    let entries = found.into_iter().map(ShownAudit::from).collect();
    Ok(RouteAnswer::Ok(AuditAnswer { entries, next_cursor, success: Success }))
}

fn per_second(asked: Option<u32>, most: u32) -> Result<u32, Refusal> {
    match asked {
        None => Ok(most),
        Some(asked) if (1..=most).contains(&asked) => Ok(asked),
        Some(_) => Err(Refusal::invalid(format!("perSecond must be 1 to {most}"))),
    }
}

/// How many of the letters that are meant wait.
async fn count(edge: &Edge, which: &WhichLetters) -> Result<u64, Refusal> {
    match which {
        WhichLetters::Ids(ids) => Ok(waiting_of(edge, ids).await?.len() as u64),
        WhichLetters::Matching(filter) => Ok(edge.dead_letters.count_letters(filter).await?),
    }
}

/// The letters that are meant and wait, the oldest first, at most `most`.
async fn waiting(edge: &Edge, which: &WhichLetters, most: usize) -> Result<Vec<DeadLetter>, Refusal> {
    let filter = match which {
        WhichLetters::Ids(ids) => return Ok(waiting_of(edge, ids).await?),
        WhichLetters::Matching(filter) => filter,
    };
    let (mut found, mut after) = (Vec::new(), None);
    while found.len() < most {
        let page = LetterPage { after, limit: PAGE, order: LetterOrder::OldestFirst };
        let letters = edge.dead_letters.dead_letters(filter, page).await?;
        let Some(last) = letters.last() else { break };
        after = Some(LetterPlace { at: last.last_at, id: last.id });
        found.extend(letters);
    }
    found.truncate(most);
    Ok(found)
}

async fn waiting_of(edge: &Edge, ids: &[DeadLetterId]) -> Result<Vec<DeadLetter>, StoreError> {
    let asked: Vec<_> = ids.iter().map(|id| edge.dead_letters.dead_letter(*id)).collect();
    let found: Vec<Option<DeadLetter>> = iter(asked).buffered(ASKED_AT_ONCE).try_collect().await?;
    Ok(found.into_iter().flatten().filter(|letter| letter.state == LetterState::Waiting).collect())
}

/// What a replay would do. It reads the letters, and changes and records nothing.
async fn dry_run(edge: &Edge, which: &WhichLetters) -> Result<DryRun, Refusal> {
    let letters = waiting(edge, which, LETTERS_MAX).await?;
    let looked = letters.len() as u64;
    let total = match which {
        // No more can be named than are looked at.
        WhichLetters::Ids(_) => looked,
        WhichLetters::Matching(_) => count(edge, which).await?,
    };
    let mut dry_run = DryRun { total, looked, ..DryRun::default() };
    let mut queues: BTreeMap<String, u64> = BTreeMap::new();
    let asked: Vec<_> = letters.iter().map(|letter| would_go(edge, letter)).collect();
    let mut judged = iter(asked).buffered(ASKED_AT_ONCE);
    while let Some((id, place)) = judged.try_next().await? {
        match place {
            Ok(queue) => *queues.entry(queue).or_default() += 1,
            Err(reason) if dry_run.refused.len() < REFUSED_MAX => {
                dry_run.refused.push(DryRunRefusal { id, reason });
            }
            Err(_) => {}
        }
    }
    dry_run.replayable = queues.values().sum();
    dry_run.queues = queues.into_iter().map(|(queue, count)| DryRunQueue { count, queue }).collect();
    Ok(dry_run)
}

/// The queue to which a letter would go, or why it would not.
async fn would_go(
    edge: &Edge,
    letter: &DeadLetter,
) -> Result<(DeadLetterId, Result<String, String>), StoreError> {
    let body = edge.dead_letters.letter_body(letter, letter.version()).await?.unwrap_or_default();
    let place = replayed(&edge.topology, letter, body).map(|(queue, _)| queue);
    Ok((letter.id, place.map_err(|reason| reason.to_string())))
}
