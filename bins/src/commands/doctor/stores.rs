//! MongoDB, Redis and the mail server.

use super::finding::Finding;
use crate::backends::open_mongo;
use eventflow_bus::explain::explain;
use eventflow_config::{Config, MEMORY};
use eventflow_mongo::{MongoStore, ServerFacts};
use eventflow_ports::{Clock as _, Store as _, SystemClock};
use eventflow_protocol::Timestamp;

const STORE: &str = "store";
const PRESENCE: &str = "presence";
const MAIL: &str = "mail";
/// Free connections of a MongoDB below which a fleet may run out of them.
const CONNECTIONS_FREE: i64 = 200;

pub(super) async fn look_at_store(config: &Config) -> Vec<Finding> {
    if config.embedded_store() {
        return vec![Finding::ok(STORE, "reach", "embedded: the data file, in the process itself")];
    }
    let address = config.store.url.address();
    let store = match open_mongo(config, None).await {
        Ok(store) => store,
        Err(error) => return vec![Finding::bad(STORE, "reach", format!("{error:#}"), "mend MONGODB_URI")],
    };
    let facts = match store.server_facts().await {
        Ok(facts) => facts,
        Err(error) => {
            let advice = "check that MongoDB runs, and host, user and password in MONGODB_URI";
            return vec![Finding::bad(STORE, "reach", format!("{address}: {}", explain(&error)), advice)];
        }
    };
    let mut findings = vec![Finding::ok(STORE, "reach", format!("MongoDB {} at {address}", facts.version))];
    findings.extend(server(&facts));
    findings.push(writes(&store).await);
    findings.push(indexes(&store).await);
    if let Some(warning) = store.warning() {
        findings.push(Finding::warning(STORE, "users of the host", warning, "see the sentence"));
    }
    store.close().await;
    findings
}

fn server(facts: &ServerFacts) -> Vec<Finding> {
    let replica = match &facts.replica_set {
        Some(name) => Finding::ok(STORE, "replica set", name.clone()),
        None => Finding::warning(
            STORE,
            "replica set",
            "none",
            "a single server can lose what it confirmed when it fails over by hand: run a replica set",
        ),
    };
    let connections = match facts.connections {
        None => Finding::unknown(STORE, "connections", "this user may not ask", ""),
        Some((open, free)) if free < CONNECTIONS_FREE => Finding::warning(
            STORE,
            "connections",
            format!("{open} open, {free} free"),
            "each process takes up to 32: raise maxIncomingConnections or ulimit -n of mongod",
        ),
        Some((open, free)) => Finding::ok(STORE, "connections", format!("{open} open, {free} free")),
    };
    vec![replica, connections, Finding::clock(STORE, facts.time.map(difference))]
}

/// The store's own probe writes one document, which is what readiness asks too.
async fn writes(store: &MongoStore) -> Finding {
    const CHECK: &str = "read and write";
    match store.ping().await {
        Ok(()) => Finding::ok(STORE, CHECK, "works, with a majority"),
        Err(error) => Finding::bad(
            STORE,
            CHECK,
            explain(&error),
            "the user needs readWrite on the database; without a majority see rs.status()",
        ),
    }
}

async fn indexes(store: &MongoStore) -> Finding {
    const CHECK: &str = "indexes";
    match store.missing_indexes().await {
        Ok(missing) if missing.is_empty() => Finding::ok(STORE, CHECK, "all there"),
        Ok(missing) => Finding::bad(
            STORE,
            CHECK,
            format!("missing: {}", missing.join("; ")),
            "start any process that uses the store: it makes them",
        ),
        Err(error) => Finding::unknown(STORE, CHECK, explain(&error), "the user may not list indexes"),
    }
}

pub(super) async fn look_at_presence(config: &Config) -> Vec<Finding> {
    let url = config.presence.url.expose();
    if url == MEMORY {
        return vec![if config.embedded_broker() {
            Finding::ok(PRESENCE, "reach", "in memory, in the process itself")
        } else {
            let seen = "none: events go to every gateway, and nobody can be asked who is online";
            Finding::warning(PRESENCE, "reach", seen, "set REDIS_URL")
        }];
    }
    let address = config.presence.url.address();
    let facts = match eventflow_redis::inspect(url).await {
        Ok(facts) => facts,
        Err(error) => {
            let advice = "check that Redis runs, and host, user and password in REDIS_URL";
            return vec![Finding::bad(PRESENCE, "reach", format!("{address}: {}", explain(&error)), advice)];
        }
    };
    let eviction = match facts.eviction.as_deref() {
        None => Finding::unknown(PRESENCE, "eviction", "the server does not tell", ""),
        Some("noeviction") => Finding::ok(PRESENCE, "eviction", "noeviction"),
        Some(policy) => Finding::warning(
            PRESENCE,
            "eviction",
            policy,
            "set maxmemory-policy noeviction: a key that is thrown away is a person who is looked for in vain",
        ),
    };
    vec![
        Finding::ok(PRESENCE, "reach", format!("Redis {} at {address}, reads and writes", facts.version)),
        eviction,
        Finding::clock(PRESENCE, facts.time.map(difference)),
    ]
}

pub(super) async fn look_at_mail(config: &Config) -> Vec<Finding> {
    match crate::email::try_out(config).await {
        None => {
            vec![Finding::ok(MAIL, "reach", "no mail server is configured: mails are kept in the outbox")]
        }
        Some(Ok(())) => vec![Finding::ok(MAIL, "reach", "the mail server takes our login")],
        Some(Err(error)) => {
            let why = format!("{error:#}");
            let advice = crate::email::advice(&why);
            vec![Finding::bad(MAIL, "reach", why, advice)]
        }
    }
}

/// How far a server's clock is from ours, in milliseconds.
fn difference(server: Timestamp) -> u64 {
    server.0.abs_diff(SystemClock.now().0)
}
