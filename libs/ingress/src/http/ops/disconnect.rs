//! `POST /ops/users/{id}/disconnect {why}`: ends somebody's sockets at every gateway.
//!
//! The audit log has it before it is done (docs/adr/0016). Repeating it ends the sockets that are there then.

use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::body::JsonBody;
use crate::http::caller::Caller;
use crate::http::path::IdPath;
use crate::refusal::Refusal;
use axum::extract::State;
use eventflow_bus::port::{BrokerError, Destination, Outgoing};
use eventflow_protocol::client::answers::DoneAnswer;
use eventflow_protocol::client::requests::DisconnectBody;
use eventflow_protocol::dead_letters::{AuditAction, AuditEntry};
use eventflow_protocol::event::{Audience, GatewayEvent};
use eventflow_protocol::frame::{Envelope, Frame};
use eventflow_protocol::person::Disconnection;
use eventflow_protocol::{EventId, Timestamp, UserId, codec};
use std::sync::Arc;
use uuid::Uuid;

/// 200 once the broker has it for every gateway.
pub(crate) async fn disconnect(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(user): IdPath<UserId>,
    JsonBody(request): JsonBody<DisconnectBody>,
) -> RouteResult<DoneAnswer> {
    let (why, now) = (request.why.into_string(), edge.clock.now());
    let entry = AuditEntry::new(AuditAction::Disconnect, caller.user, why.clone(), now);
    let entry = AuditEntry { detail: Some(user.to_string()), ..entry };
    edge.dead_letters.record_audit(&[entry]).await?;
    tell_gateways(&edge, Disconnection { user_id: user, why }, now).await.map_err(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the gateways were not told to disconnect somebody"
        );
        Refusal::unavailable()
    })?;
    Ok(RouteAnswer::Ok(DoneAnswer::default()))
}

async fn tell_gateways(edge: &Edge, wanted: Disconnection, now: Timestamp) -> Result<(), BrokerError> {
    let id = EventId(Uuid::now_v7());
    let mut event = GatewayEvent::new(id, Audience::Gateways, "disconnected", "{}".to_owned(), now);
    event.disconnection = Some(wanted);
    let body = codec::encode(&event).expect("texts and numbers always encode");
    let frame = Frame::of(Envelope { id: id.0, attempt: 0, body, trace: None });
    let message =
        Outgoing::of_frame(Destination::AllGateways, &frame).expect("envelopes of bytes always encode");
    let mut publisher = edge.ops.broker.publisher(None).await?;
    publisher.publish(vec![message]).await.pop().unwrap_or(Ok(()))
}
