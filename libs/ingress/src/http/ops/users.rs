//! `GET /ops/users?search&limit&cursor`: who is connected. `search` is a part of an id or a name.

use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::query::Query;
use crate::refusal::Refusal;
use axum::extract::State;
use eventflow_protocol::UserId;
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::{ConnectedAnswer, ConnectedUser};
use eventflow_protocol::person::Participant;
use std::collections::HashMap;
use std::sync::Arc;

/// People whose names are looked up at a time while a search goes on.
const SEARCHED_AT_ONCE: usize = 500;
/// Longest text to search for, in characters.
const SEARCH_MAX: usize = 128;

/// In the order of their ids.
pub(crate) async fn users(State(edge): State<Arc<Edge>>, query: Query) -> RouteResult<ConnectedAnswer> {
    let limit = usize::try_from(query.limit()?).unwrap_or(usize::MAX);
    let search = query.text("search").map(str::to_lowercase);
    if search.as_ref().is_some_and(|search| search.chars().count() > SEARCH_MAX) {
        return Err(Refusal::invalid(format!("search has more than {SEARCH_MAX} characters")));
    }
    let after: Option<UserId> = match query.text("cursor") {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| Refusal::invalid("cursor is not one of ours"))?),
    };
    let everybody = edge.presence.connected_people(edge.clock.now()).await?;
    let from = after.map_or(0, |after| everybody.partition_point(|user| *user <= after));
    let mut found = Vec::new();
    // Without a search everybody fits, so no more names are read than are shown.
    let at_once = if search.is_some() { SEARCHED_AT_ONCE } else { limit.saturating_add(1) };
    for some in everybody[from..].chunks(at_once) {
        let names = edge.people.shown(some).await;
        let fits = |user: &&UserId| search.as_ref().is_none_or(|search| is_found(user, &names, search));
        found.extend(some.iter().filter(fits).map(|user| named(user, &names)));
        // One more than asked for shows that there is a next page.
        if found.len() > limit {
            break;
        }
    }
    let next_cursor = (found.len() > limit).then(|| found[limit - 1].id.clone());
    found.truncate(limit);
    let users = shown(&edge, found).await?;
    Ok(RouteAnswer::Ok(ConnectedAnswer {
        connected: everybody.len() as u64,
        next_cursor,
        success: Success,
        users,
    }))
}

fn named(user: &UserId, names: &HashMap<UserId, Participant>) -> Participant {
    names.get(user).cloned().unwrap_or_else(|| Participant::unknown(user.clone()))
}

fn is_found(user: &UserId, names: &HashMap<UserId, Participant>, search: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(search);
    has(user.as_str()) || names.get(user).is_some_and(|person| has(&person.name))
}

async fn shown(edge: &Edge, people: Vec<Participant>) -> Result<Vec<ConnectedUser>, Refusal> {
    let ids: Vec<UserId> = people.iter().map(|person| person.id.clone()).collect();
    let presence = edge.presence.presence(&ids, edge.clock.now()).await?;
    let located = edge.registry.locate(&ids).await.ok().filter(|located| located.complete);
    let gateways = |user: &UserId| {
        let at = located.as_ref()?.gateways.get(user).map(Vec::as_slice).unwrap_or_default();
        Some(at.iter().map(ToString::to_string).collect())
    };
    let user = |person: Participant| {
        let presence = presence.get(&person.id);
        ConnectedUser {
            gateways: gateways(&person.id),
            last_seen: presence.and_then(|presence| presence.last_seen),
            status: presence.map(|presence| presence.status).unwrap_or_default(),
            id: person.id,
            name: person.name,
        }
    };
    Ok(people.into_iter().map(user).collect())
}
