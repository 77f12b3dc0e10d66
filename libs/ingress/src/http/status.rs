//! The route that tells administrators how the service is, summed over all gateways.

use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use axum::extract::State;
use eventflow_bus::port::Health;
use eventflow_ports::presence::GatewayStats;
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::{ServiceHealth, ServiceStats, StatusAnswer};
use std::sync::Arc;

/// `GET /messaging/status`: `degraded` if the broker, the store or the presence store cannot be used now.
pub(crate) async fn status(State(edge): State<Arc<Edge>>) -> RouteResult<StatusAnswer> {
    let is_broker_up = matches!(*edge.broker_health.borrow(), Health::Up);
    let is_store_up = edge.store.ping().await.is_ok();
    let reports = edge.presence.reports().await;
    let parts = [("broker", is_broker_up), ("store", is_store_up), ("presence", reports.is_ok())];
    let unavailable: Vec<String> =
        parts.into_iter().filter(|(_, is_up)| !is_up).map(|(name, _)| name.to_owned()).collect();
    Ok(RouteAnswer::Ok(StatusAnswer {
        stats: sum(&reports.unwrap_or_default()),
        status: if unavailable.is_empty() { ServiceHealth::Healthy } else { ServiceHealth::Degraded },
        success: Success,
        timestamp: edge.clock.now(),
        unavailable,
    }))
}

fn sum(reports: &[GatewayStats]) -> ServiceStats {
    let total = |of: fn(&GatewayStats) -> u64| reports.iter().map(of).sum();
    ServiceStats {
        connected_clients: total(|report| report.connected_clients),
        online_users: total(|report| report.online_users),
        rooms: total(|report| report.rooms),
        typing_users: total(|report| report.typing_users),
    }
}
