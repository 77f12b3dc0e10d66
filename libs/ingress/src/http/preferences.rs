//! The routes about a person's notification preferences.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::body::{JsonBody, OptionalJsonBody};
use crate::http::caller::Caller;
use crate::http::path::IdPath;
use axum::extract::State;
use eventflow_protocol::client::answers::PreferencesAnswer;
use eventflow_protocol::client::requests::{MuteEndBody, PreferencesBody};
use eventflow_protocol::client::{Sorted, Success};
use eventflow_protocol::command::Command;
use eventflow_protocol::inbox::{Preferences, SetPreferences};
use eventflow_protocol::preferences::{ChangePreferences, PreferencesChange};
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::schedule::Mute;
use eventflow_protocol::{ThreadId, UserId};
use std::sync::Arc;

/// `GET /notifications/preferences`: the defaults if the caller never set any.
pub(crate) async fn show(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
) -> RouteResult<PreferencesAnswer> {
    Ok(RouteAnswer::Ok(answer(edge.inbox.preferences(&caller.user).await?)))
}

/// `POST` or `PUT /notifications/preferences`: replaces them, so repeating it changes nothing.
pub(crate) async fn set(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    JsonBody(body): JsonBody<PreferencesBody>,
) -> RouteResult<PreferencesAnswer> {
    let preferences = body.into_preferences(edge.clock.now())?;
    let set = SetPreferences { user_id: caller.user, preferences };
    store(&edge, &Command::SetPreferences(set)).await
}

/// `PATCH /notifications/preferences`: changes what the body names. The change itself goes to the worker, so
/// that of two changes at the same moment both count.
pub(crate) async fn change(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    JsonBody(body): JsonBody<PreferencesBody>,
) -> RouteResult<PreferencesAnswer> {
    changed(&edge, caller.user, body.into_change()?).await
}

/// `PUT /notifications/preferences/mutes/{thread}`: mutes one thread, or gives its mute another end. Others
/// stay, also those that another of the caller's devices sets at the same moment.
pub(crate) async fn mute(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(thread_id): IdPath<ThreadId>,
    OptionalJsonBody(MuteEndBody { until }): OptionalJsonBody<MuteEndBody>,
) -> RouteResult<PreferencesAnswer> {
    edge.commands.require_reader(thread_id, &caller.user).await?;
    changed(&edge, caller.user, PreferencesChange::Mute(Mute { thread_id, until })).await
}

/// `DELETE /notifications/preferences/mutes/{thread}`: ends its mute. Who has left the thread may, too.
pub(crate) async fn unmute(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(thread_id): IdPath<ThreadId>,
) -> RouteResult<PreferencesAnswer> {
    changed(&edge, caller.user, PreferencesChange::Unmute(thread_id)).await
}

async fn changed(edge: &Edge, user_id: UserId, change: PreferencesChange) -> RouteResult<PreferencesAnswer> {
    let change = ChangePreferences { user_id, change, at: edge.clock.now() };
    store(edge, &Command::ChangePreferences(change)).await
}

/// Answers with what is stored.
async fn store(edge: &Edge, command: &Command) -> RouteResult<PreferencesAnswer> {
    match edge.commands.send_command(command).await?.result().await? {
        CommandResult::Preferences { preferences } => Ok(RouteAnswer::Ok(answer(*preferences))),
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
}

fn answer(preferences: Preferences) -> PreferencesAnswer {
    PreferencesAnswer { preferences: Sorted(preferences), success: Success }
}
