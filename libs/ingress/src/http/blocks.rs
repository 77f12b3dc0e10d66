//! The routes about blocks: block somebody, end that, and list whom one blocks.
//!
//! Any id can be blocked, whether anybody has it or not: nobody learns by it who there is. Repeating either
//! changes nothing; under the key of the first request it does so also if the block was changed meanwhile.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::body;
use crate::http::caller::Caller;
use crate::http::path::IdPath;
use crate::http::query::{Query, last_of_full};
use crate::refusal::Refusal;
use axum::extract::State;
use eventflow_ports::BlockPage;
use eventflow_protocol::blocks::{Block, ChangeBlock};
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::{BlockAnswer, BlocksAnswer, DoneAnswer, ListedBlock};
use eventflow_protocol::client::values::ClientKey;
use eventflow_protocol::command::Command;
use eventflow_protocol::person::Participant;
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::{ErrorCode, Timestamp, UserId};
use http::HeaderMap;
use std::collections::HashMap;
use std::sync::Arc;

/// The sentence for somebody who would bring in or write to whom they block.
const BLOCKED_BY_CALLER: &str = "you have blocked somebody of these people: end that first";

/// What became of a change.
enum Outcome {
    /// Since when the block holds; `None` if it does not.
    Done(Option<Timestamp>),
    Queued(eventflow_protocol::CommandId),
}

/// `PUT /users/{id}/block`.
pub(crate) async fn put(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(other): IdPath<UserId>,
    headers: HeaderMap,
) -> RouteResult<BlockAnswer> {
    match change(&edge, caller.user, &other, &headers, true).await? {
        // Under the key of a request of before the block may have ended since.
        Outcome::Done(blocked_at) => {
            let shown = edge.people.shown(std::slice::from_ref(&other)).await;
            let block = blocked_at.map(|at| listed(Block { other, at }, &shown));
            Ok(RouteAnswer::Ok(BlockAnswer { block, success: Success }))
        }
        Outcome::Queued(command) => Ok(RouteAnswer::queued(command)),
    }
}

/// `DELETE /users/{id}/block`.
pub(crate) async fn delete(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(other): IdPath<UserId>,
    headers: HeaderMap,
) -> RouteResult<DoneAnswer> {
    match change(&edge, caller.user, &other, &headers, false).await? {
        Outcome::Done(_) => Ok(RouteAnswer::Ok(DoneAnswer::default())),
        Outcome::Queued(command) => Ok(RouteAnswer::queued(command)),
    }
}

/// `GET /users/blocks?limit&cursor`: whom the caller blocks, sorted by id.
pub(crate) async fn list(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    query: Query,
) -> RouteResult<BlocksAnswer> {
    let limit = query.limit()?;
    let after = query.user("cursor")?;
    let found = edge.apart.blocks().blocks_of(&caller.user, BlockPage { after, limit }).await?;
    let people: Vec<UserId> = found.iter().map(|block| block.other.clone()).collect();
    let shown = edge.people.shown(&people).await;
    let next_cursor = last_of_full(&found, limit).map(|last| last.other.to_string());
    let blocks = found.into_iter().map(|block| listed(block, &shown)).collect();
    Ok(RouteAnswer::Ok(BlocksAnswer { blocks, next_cursor, success: Success }))
}

fn listed(Block { other, at }: Block, shown: &HashMap<UserId, Participant>) -> ListedBlock {
    let user = shown.get(&other).cloned().unwrap_or_else(|| Participant::unknown(other));
    ListedBlock { blocked_at: at, user }
}

async fn change(
    edge: &Edge,
    user_id: UserId,
    other: &UserId,
    headers: &HeaderMap,
    is_blocked: bool,
) -> Result<Outcome, Refusal> {
    if user_id == *other {
        return Err(Refusal::invalid("nobody can block themselves"));
    }
    let key = body::idempotency_key(headers, None, "the key of the body")?.map(ClientKey::into_string);
    let key = key.map(|key| ChangeBlock::key_of(&user_id, other, &key));
    let at = edge.clock.now();
    let change = ChangeBlock { user_id: user_id.clone(), other: other.clone(), is_blocked, key, at };
    let result = edge.commands.send_command(&Command::ChangeBlock(change)).await?.result().await;
    // This process may hear of it later than its caller, or never.
    edge.apart.forget(&user_id);
    edge.contacts.forget(&[user_id, other.clone()]);
    match result? {
        CommandResult::Block { blocked_at, threads } => {
            edge.commands.forget_away(&threads);
            Ok(Outcome::Done(blocked_at))
        }
        CommandResult::Queued { command } => Ok(Outcome::Queued(command)),
        other => Err(unexpected(&other)),
    }
}

/// Refuses a caller who starts a thread with somebody whom they block, or adds them to one. Whoever is
/// blocked is not refused, or they would notice.
pub(crate) async fn refuse_blocked(edge: &Edge, caller: &UserId, others: &[UserId]) -> Result<(), Refusal> {
    let lists = edge.apart.lists([caller]).await?;
    if others.iter().any(|other| lists.blocks(caller, other)) {
        return Err(Refusal::new(ErrorCode::Forbidden, BLOCKED_BY_CALLER));
    }
    Ok(())
}
