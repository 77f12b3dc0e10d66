//! How the service is doing, for administrators: the published health answer, summed over all gateways.

use crate::edge::Edge;
use crate::http::answer;
use axum::extract::State;
use axum::response::Response;
use eventflow_bus::port::Health;
use eventflow_ports::presence::GatewayStats;
use serde_json::json;
use std::sync::Arc;

/// `GET /messaging/status`: `degraded` if the broker, the store or the presence store cannot be used now.
pub(crate) async fn status(State(edge): State<Arc<Edge>>) -> Response {
    let broker = matches!(*edge.broker_health.borrow(), Health::Up);
    let store = edge.store.ping().await.is_ok();
    let reports = edge.presence.reports().await;
    let parts = [("broker", broker), ("store", store), ("presence", reports.is_ok())];
    let status = if parts.iter().all(|(_, is_up)| *is_up) { "healthy" } else { "degraded" };
    let down: Vec<&str> = parts.iter().filter(|(_, is_up)| !is_up).map(|(name, _)| *name).collect();
    let sums = sum(&reports.unwrap_or_default());
    answer::ok(
        json!({ "success": true, "status": status, "stats": sums, "unavailable": down, "timestamp": edge.clock.now() }),
    )
}

fn sum(reports: &[GatewayStats]) -> GatewayStats {
    let total = |of: fn(&GatewayStats) -> u64| reports.iter().map(of).sum();
    GatewayStats {
        connected_clients: total(|one| one.connected_clients),
        online_users: total(|one| one.online_users),
        typing_users: total(|one| one.typing_users),
        rooms: total(|one| one.rooms),
    }
}
