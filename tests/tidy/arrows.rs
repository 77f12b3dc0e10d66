//! Crate dependencies: arrows point down only, and only its adapter names a driver.
//!
//! The check reads the manifests. Dependencies of tests are free. So are the packages below `tests/`, on
//! which nothing may depend.

use crate::repository::{files_below, read};
use std::collections::BTreeMap;
use toml::Table;

/// Crates by layer, from the bottom. A crate may depend only on crates of lower layers.
const LAYERS: [&[&str]; 4] = [
    &["eventflow-protocol", "eventflow-metrics", "eventflow-config"],
    &["eventflow-bus", "eventflow-ports", "eventflow-socketio"],
    &[
        "eventflow-ingress",
        "eventflow-workers",
        "eventflow-boot",
        "eventflow-amqp",
        "eventflow-blobs",
        "eventflow-mongo",
        "eventflow-redis",
        "eventflow-embedded",
        "eventflow-smtp",
        "eventflow-push-http",
    ],
    &["eventflow"],
];
/// Crates for tests: nothing that runs in production may depend on them.
const FOR_TESTS: [&str; 3] = ["eventflow-testkit", "eventflow-tests", "eventflow-load"];
/// Each driver, with the crates that may name it.
const DRIVERS: [(&str, &[&str]); 13] = [
    ("lapin", &["eventflow-amqp"]),
    ("backoff", &["eventflow-amqp"]),
    ("mongodb", &["eventflow-mongo"]),
    ("deadpool-redis", &["eventflow-redis"]),
    ("rusqlite", &["eventflow-embedded"]),
    ("object_store", &["eventflow-blobs"]),
    ("image", &["eventflow-ingress"]),
    ("tokio-tungstenite", &["eventflow-socketio", "eventflow-load", "eventflow-testkit"]),
    ("lettre", &["eventflow-smtp"]),
    ("minijinja", &["eventflow-ingress", "eventflow-workers"]),
    ("figment", &["eventflow-config"]),
    ("opentelemetry-otlp", &["eventflow-boot"]),
    ("opentelemetry_sdk", &["eventflow-boot"]),
];
/// The only file that may name `backoff`.
const RECONNECT: &str = "libs/adapters/amqp/src/reconnect.rs";

#[test]
fn every_crate_has_its_layer() {
    let known: Vec<&str> = LAYERS.concat().into_iter().chain(FOR_TESTS).collect();
    let unknown: Vec<String> =
        manifests().into_keys().filter(|name| !known.contains(&name.as_str())).collect();
    assert!(
        unknown.is_empty(),
        "give these crates a layer in tests/tidy/arrows.rs, with an ADR: {unknown:?}"
    );
}

#[test]
fn arrows_between_crates_point_down() {
    let mut wrong = Vec::new();
    for (name, dependencies) in manifests() {
        let Some(own) = layer(&name) else { continue };
        let ours = dependencies.into_iter().filter(|dependency| dependency.starts_with("eventflow"));
        let up = ours.filter(|dependency| layer(dependency).is_none_or(|other| other >= own));
        wrong.extend(up.map(|dependency| format!("{name} -> {dependency}")));
    }
    assert!(wrong.is_empty(), "these arrows do not point down: {wrong:?}");
}

#[test]
fn a_driver_is_named_by_its_adapter_only() {
    let manifests = manifests();
    for (driver, owners) in DRIVERS {
        let users = manifests
            .iter()
            .filter(|(_, all)| all.iter().any(|one| one == driver))
            .map(|(name, _)| name.as_str());
        let users: Vec<&str> = users.collect();
        assert!(!users.is_empty(), "nothing depends on {driver} any more: take it out of this list");
        let others: Vec<&&str> = users.iter().filter(|name| !owners.contains(name)).collect();
        assert!(others.is_empty(), "{driver} belongs to {owners:?}, not to {others:?}");
    }
}

#[test]
fn the_unmaintained_crate_is_named_in_one_file() {
    let sources = files_below("libs").into_iter().chain(files_below("bins"));
    let users = sources
        .filter(|file| file.has_extension("rs") && file.text.contains("backoff::"))
        .map(|file| file.path);
    assert_eq!(users.collect::<Vec<_>>(), [RECONNECT]);
}

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

/// Every package of the workspace with its dependencies outside of tests.
fn manifests() -> BTreeMap<String, Vec<String>> {
    let workspace: Table = read("Cargo.toml").parse().expect("the workspace's manifest is TOML");
    let members = workspace["workspace"]["members"].as_array().expect("the workspace has members");
    members
        .iter()
        .filter_map(toml::Value::as_str)
        .map(|member| manifest(&format!("{member}/Cargo.toml")))
        .collect()
}

fn manifest(path: &str) -> (String, Vec<String>) {
    let manifest: Table = read(path).parse().unwrap_or_else(|error| panic!("{path}: {error}"));
    let name = manifest["package"]["name"].as_str().expect("a package has a name").to_owned();
    let targets = manifest.get("target").and_then(toml::Value::as_table).into_iter().flat_map(Table::values);
    let tables = targets.filter_map(toml::Value::as_table).chain([&manifest]);
    let dependencies =
        tables.flat_map(|table| ["dependencies", "build-dependencies"].map(|key| table.get(key)));
    let names = dependencies.flatten().filter_map(toml::Value::as_table).flat_map(Table::keys);
    (name, names.cloned().collect())
}
