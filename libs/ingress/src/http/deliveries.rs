//! The routes about the delivery log: what became of a notification, and of everything that one person was to
//! be told. The log holds no address and no content.

use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::caller::Caller;
use crate::http::path::IdPath;
use crate::http::query::{self, Query};
use crate::refusal::Refusal;
use axum::extract::State;
use eventflow_ports::{DeliveriesOf, DeliveryPage};
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::{DeliveriesAnswer, ListedDelivery};
use eventflow_protocol::{NotificationId, UserId};
use std::sync::Arc;

/// `GET /notifications/{id}/deliveries?limit&cursor`: for its owner, and for administrators. These see the
/// log of a notification that its owner has deleted, too.
pub(crate) async fn of_notification(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<NotificationId>,
    query: Query,
) -> RouteResult<DeliveriesAnswer> {
    if !caller.is_admin() && edge.inbox.notification(&caller.user, id).await?.is_none() {
        return Err(Refusal::not_found("notification"));
    }
    list(&edge, &DeliveriesOf::Notification(id), &query).await
}

/// `GET /users/{id}/deliveries?limit&cursor`: for administrators.
pub(crate) async fn of_user(
    State(edge): State<Arc<Edge>>,
    IdPath(user): IdPath<UserId>,
    query: Query,
) -> RouteResult<DeliveriesAnswer> {
    list(&edge, &DeliveriesOf::User(user), &query).await
}

async fn list(edge: &Edge, of: &DeliveriesOf, query: &Query) -> RouteResult<DeliveriesAnswer> {
    let page = DeliveryPage { after: query.cursor()?, limit: query.limit()? };
    let found = edge.outbound.deliveries_of(of, page).await?;
    let next_cursor =
        query::last_of_full(&found, page.limit).map(|entry| query::cursor_after(entry.at, entry.id));
    let deliveries = found.into_iter().map(ListedDelivery::from).collect();
    Ok(RouteAnswer::Ok(DeliveriesAnswer { deliveries, next_cursor, success: Success }))
}
