//! The route that tells administrators how the service is: sums over the gateways that reported lately, and
//! how many people are connected.

use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use axum::extract::State;
use eventflow_bus::port::Health;
use eventflow_ports::PresenceError;
use eventflow_ports::presence::{GatewayReport, GatewayStats, REPORT_EVERY};
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::{ServiceHealth, ServiceStats, StatusAnswer};
use std::sync::Arc;
use std::time::Duration;

/// A gateway whose report is older than this has missed one: it hangs, or was killed.
const OVERDUE_AFTER: Duration = REPORT_EVERY.saturating_mul(2);

/// What the presence store knows of gateways and people.
#[derive(Default)]
struct Figures {
    reports: Vec<GatewayReport>,
    connected: u64,
}

/// `GET /messaging/status`: `degraded` if the broker, the store or the presence store cannot be used now, or
/// if the report of a gateway is overdue.
pub(crate) async fn status(State(edge): State<Arc<Edge>>) -> RouteResult<StatusAnswer> {
    let is_broker_up = matches!(*edge.broker_health.borrow(), Health::Up);
    let is_store_up = edge.store.ping().await.is_ok();
    let figures = figures(&edge).await;
    let is_presence_up = figures.is_ok();
    let Figures { reports, connected } = figures.unwrap_or_default();
    let oldest = reports.iter().map(|report| report.age).max();
    let parts = [
        ("broker", is_broker_up),
        ("store", is_store_up),
        ("presence", is_presence_up),
        ("gateway", oldest.is_none_or(|age| age <= OVERDUE_AFTER)),
    ];
    let unavailable: Vec<String> =
        parts.into_iter().filter(|(_, is_up)| !is_up).map(|(name, _)| name.to_owned()).collect();
    Ok(RouteAnswer::Ok(StatusAnswer {
        gateways: reports.len() as u64,
        stats: sum(&reports, connected),
        stats_age_ms: oldest.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
        status: if unavailable.is_empty() { ServiceHealth::Healthy } else { ServiceHealth::Degraded },
        success: Success,
        timestamp: edge.clock.now(),
        unavailable,
    }))
}

async fn figures(edge: &Edge) -> Result<Figures, PresenceError> {
    let reports = edge.presence.reports().await?;
    let connected = edge.presence.connected(edge.clock.now()).await?;
    Ok(Figures { reports, connected })
}

fn sum(reports: &[GatewayReport], connected: u64) -> ServiceStats {
    let total = |of: fn(&GatewayStats) -> u64| reports.iter().map(|report| of(&report.stats)).sum();
    ServiceStats {
        connected_clients: total(|stats| stats.connected_clients),
        online_users: connected,
        rooms: total(|stats| stats.rooms),
        typing_users: total(|stats| stats.typing_users),
    }
}
