//! `GET /ops/servers`: the process that answers, and the servers as it finds them.

use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use axum::extract::State;
use eventflow_bus::explain::explain;
use eventflow_bus::port::Health;
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::{ServerHealth, ServerState, ServersAnswer};
use std::sync::Arc;
use std::time::Instant;

/// Each server is asked anew, except for the broker, whose connection tells.
pub(crate) async fn servers(State(edge): State<Arc<Edge>>) -> RouteResult<ServersAnswer> {
    let servers = vec![broker(&edge), store(&edge).await, presence(&edge).await];
    let process = (edge.ops.process)();
    let timestamp = edge.clock.now();
    Ok(RouteAnswer::Ok(ServersAnswer { process, servers, success: Success, timestamp }))
}

fn broker(edge: &Edge) -> ServerState {
    let (state, problem) = match &*edge.broker_health.borrow() {
        Health::Up => (ServerHealth::Up, None),
        Health::Blocked(why) => (ServerHealth::Blocked, Some(why.clone())),
        Health::Down(why) => (ServerHealth::Down, Some(why.clone())),
    };
    ServerState { answered_in_ms: None, name: "broker".to_owned(), problem, state }
}

async fn store(edge: &Edge) -> ServerState {
    let asked = Instant::now();
    let answer = edge.store.ping().await.map_err(|error| explain(&error));
    server("store", asked, answer)
}

async fn presence(edge: &Edge) -> ServerState {
    let asked = Instant::now();
    match edge.presence.connected(edge.clock.now()).await {
        Err(error) if error.is_not_shared() => ServerState {
            answered_in_ms: None,
            name: "presence".to_owned(),
            problem: Some(explain(&error)),
            state: ServerHealth::Absent,
        },
        answer => server("presence", asked, answer.map(drop).map_err(|error| explain(&error))),
    }
}

fn server(name: &str, asked: Instant, answer: Result<(), String>) -> ServerState {
    let took = u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (name, is_up) = (name.to_owned(), answer.is_ok());
    ServerState {
        answered_in_ms: is_up.then_some(took),
        name,
        problem: answer.err(),
        state: if is_up { ServerHealth::Up } else { ServerHealth::Down },
    }
}
