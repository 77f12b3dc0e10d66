//! `GET /ops/gateways`: the socket gateways, by their reports and by the registry of who is where.

use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use axum::extract::State;
use eventflow_bus::pipeline::figures;
use eventflow_bus::topology::gateway;
use eventflow_ports::presence::GatewayReport;
use eventflow_protocol::GatewayId;
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::{GatewaysAnswer, ListedGateway};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A gateway that only the registry names has no figures: it does not report any more, or not yet.
pub(crate) async fn gateways(State(edge): State<Arc<Edge>>) -> RouteResult<GatewaysAnswer> {
    let mut unknown = BTreeMap::new();
    let mut found: BTreeMap<String, Option<GatewayReport>> = BTreeMap::new();
    match edge.registry.gateways().await {
        Ok(gateways) => found.extend(gateways.into_iter().map(|gateway| (gateway.to_string(), None))),
        Err(error) => {
            tracing::debug!(error = &error as &dyn std::error::Error, "the registry names no gateways");
            unknown.insert("gateways".to_owned(), "the registry of gateways does not answer".to_owned());
        }
    }
    match edge.presence.reports().await {
        Ok(reports) => found.extend(reports.into_iter().map(|report| (report.gateway.clone(), Some(report)))),
        Err(error) => {
            let why = if error.is_not_shared() {
                "the processes of this system share no presence store (REDIS_URL), so gateways report to nobody"
            } else {
                "the presence store, which has the reports of the gateways, does not answer"
            };
            unknown.insert("sockets".to_owned(), why.to_owned());
        }
    }
    let mut gateways = Vec::with_capacity(found.len());
    for (id, report) in found {
        gateways.push(listed(&edge, id, report).await);
    }
    let timestamp = edge.clock.now();
    Ok(RouteAnswer::Ok(GatewaysAnswer { gateways, success: Success, timestamp, unknown }))
}

async fn listed(edge: &Edge, id: String, report: Option<GatewayReport>) -> ListedGateway {
    let queue = gateway(&GatewayId::from(id.as_str()));
    let queue = figures(queue.name(), edge.ops.broker.depth(queue.name()).await);
    let stats = report.as_ref().map(|report| &report.stats);
    ListedGateway {
        backlog: queue.messages,
        id,
        problem: queue.problem,
        report_age_ms: report
            .as_ref()
            .map(|report| u64::try_from(report.age.as_millis()).unwrap_or(u64::MAX)),
        rooms: stats.map(|stats| stats.rooms),
        sockets: stats.map(|stats| stats.connected_clients),
        typing: stats.map(|stats| stats.typing_users),
    }
}
