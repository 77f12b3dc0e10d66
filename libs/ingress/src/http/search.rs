//! The search route: messages of all the caller's threads by their words.

use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::caller::Caller;
use crate::http::page_bytes::PageRoom;
use crate::http::query::Query;
use crate::http::search_cursor::{self, InvalidCursor};
use crate::refusal::Refusal;
use crate::seen_receipts;
use axum::extract::State;
use eventflow_ports::quotes;
use eventflow_ports::search::{Found, Hit, SearchQuery, find};
use eventflow_protocol::UserId;
use eventflow_protocol::client::answers::{SearchAnswer, SearchHit};
use eventflow_protocol::client::{Sorted, Success, WithId};
use eventflow_protocol::search::{InvalidTerms, Terms};
use std::sync::Arc;

/// `GET /search?q&threadId&sender&from&to&hasAttachment&limit&cursor`: newest first. Of a thread that the
/// caller is not in, naming it is refused as for one that does not exist.
pub(crate) async fn search(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    query: Query,
) -> RouteResult<SearchAnswer> {
    let wanted = wanted(&query, caller.user)?;
    if let Some(thread) = wanted.thread {
        edge.commands.require_reader(thread, &wanted.user).await?;
    }
    let turn = edge.searches.admit(&wanted.user).await?;
    let timer = edge.metrics.search.seconds.start_timer();
    let mut found = find(&*edge.search, &wanted).await?;
    timer.observe_duration();
    drop(turn);
    if !found.is_complete {
        edge.metrics.search.incomplete.inc();
    }
    cut(&mut found);
    quotes::quote(&*edge.store, found.hits.iter_mut().map(|hit| &mut hit.message).collect()).await?;
    let messages = found.hits.iter_mut().map(|hit| &mut hit.message).collect();
    seen_receipts::hide(&edge.apart, &wanted.user, messages).await?;
    let next_cursor = found.next.map(|place| search_cursor::written(&wanted, place));
    let hits = found.hits.into_iter().map(shown).collect();
    Ok(RouteAnswer::Ok(SearchAnswer { complete: found.is_complete, hits, next_cursor, success: Success }))
}

fn wanted(query: &Query, user: UserId) -> Result<SearchQuery, Refusal> {
    let terms: Terms = query.text("q").ok_or_else(|| Refusal::invalid("q is missing"))?.parse()?;
    let thread = query.text("threadId").map(str::parse).transpose();
    let sender = query.text("sender").map(str::parse).transpose();
    let mut wanted = SearchQuery {
        user,
        terms,
        thread: thread.map_err(|_| Refusal::not_found("thread"))?,
        sender: sender.map_err(|error| Refusal::invalid(format!("sender: {error}")))?,
        from: query.time("from")?,
        to: query.time("to")?,
        has_attachment: query.flag("hasAttachment")?,
        after: None,
        limit: query.limit()? as usize,
    };
    let after = query.text("cursor").map(|cursor| search_cursor::read(&wanted, cursor)).transpose()?;
    wanted.after = after;
    Ok(wanted)
}

/// Keeps the hits that fit into a page; the next one goes on after the last of them.
fn cut(found: &mut Found) {
    let mut room = PageRoom::new();
    let kept = found.hits.iter().take_while(|hit| room.take(&(&hit.message, &hit.highlights))).count();
    if kept < found.hits.len() {
        found.hits.truncate(kept);
        found.next = found.hits.last().map(|last| (last.message.created_at, last.message.id));
    }
}

fn shown(Hit { message, highlights }: Hit) -> SearchHit {
    SearchHit { highlights, message: Sorted(WithId(message)) }
}

impl From<InvalidTerms> for Refusal {
    fn from(error: InvalidTerms) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<InvalidCursor> for Refusal {
    fn from(error: InvalidCursor) -> Self {
        Self::invalid(error.to_string())
    }
}
