//! Compose file: it gives the roles every setting that has a short name and nothing else, secrets only to
//! those who need them, and uses only variables that the example of `.env` names.

use crate::repository::read;
use eventflow::Role;
use eventflow_config::aliases;
use std::collections::BTreeSet;

/// Settings of processes outside of containers: a role of the fleet keeps nothing in a data folder.
const NOT_FOR_CONTAINERS: [&str; 1] = ["DATA_DIR"];
/// What a setting is called whose value is in a file.
const FILE: &str = "_FILE";

#[test]
fn the_roles_get_every_setting_that_has_a_short_name_and_nothing_else() {
    let text = read("docker-compose.yml");
    let names = aliases().map(|(name, _)| name);
    let known: BTreeSet<&str> = names.filter(|name| !NOT_FOR_CONTAINERS.contains(name)).collect();
    // Some settings end like this by themselves.
    let setting =
        |key: &'_ str| key.strip_suffix(FILE).filter(|name| known.contains(name)).map_or(key.len(), str::len);
    let passed: BTreeSet<&str> = blocks(&text).flat_map(keys).map(|key| &key[..setting(key)]).collect();
    assert!(
        passed.contains("RABBITMQ_URL"),
        "the environments of the roles were not found in docker-compose.yml"
    );
    let unknown: Vec<&&str> = passed.difference(&known).collect();
    assert!(unknown.is_empty(), "no setting has these names of docker-compose.yml: {unknown:?}");
    let missing: Vec<&&str> = known.difference(&passed).collect();
    assert!(
        missing.is_empty(),
        "an operator cannot set these; add them to an environment of the roles in docker-compose.yml, and to \
         .env.example: {missing:?}"
    );
}

#[test]
fn every_role_takes_the_common_environment_and_the_secrets_that_it_needs_and_no_others() {
    let text = read("docker-compose.yml");
    for role in Role::ALL {
        let name = role.name();
        let service = service(&text, name);
        let environment =
            service.lines().find(|line| line.starts_with("    environment: ")).unwrap_or_default();
        let own_broker = format!("- {{ source: rabbitmq_url_{name}, target: rabbitmq_url }}");
        assert!(environment.contains("<<: [*role-environment"), "{name}: {environment}");
        assert!(service.contains(&own_broker), "{name} has a user of its own at the broker");
        for (needed, block, secret) in [
            (role.needs().store, "*store-environment", "      - mongodb_uri\n"),
            (role.needs().secret, "*token-environment", "      - jwt_secret\n"),
        ] {
            assert_eq!(environment.contains(block), needed, "{name}: {block}");
            assert_eq!(service.contains(secret), needed, "{name}: {secret}");
        }
    }
}

#[test]
fn every_secret_of_the_compose_file_is_made() {
    let (text, script) = (read("docker-compose.yml"), read("deploy/make-secrets"));
    let list = text.split_once("\nsecrets:\n").expect("there are secrets").1;
    let named = list.lines().map_while(|line| line.strip_prefix("  ")?.split(':').next());
    let named: Vec<&str> = named.collect();
    assert!(named.len() > 10, "the secrets were not found in docker-compose.yml");
    for name in named {
        let role = name.strip_prefix("rabbitmq_url_").is_some_and(|user| user != "operator");
        let written = if role { "rabbitmq_url_$user" } else { name.trim_end_matches("_operator") };
        assert!(script.contains(written), "deploy/make-secrets does not make {name}");
    }
}

#[test]
fn every_variable_of_the_compose_file_is_in_the_example() {
    let (text, example) = (read("docker-compose.yml"), read(".env.example"));
    let named: BTreeSet<&str> = example.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    let used = text.split("${").skip(1).filter_map(|rest| rest.split([':', '}']).next());
    let missing: BTreeSet<&str> = used.filter(|name| !named.contains(name)).collect();
    assert!(
        missing.is_empty(),
        "docker-compose.yml uses variables that .env.example does not name: {missing:?}"
    );
}

/// The environments of roles: mappings at the top of the file.
fn blocks(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").filter(|block| block.lines().any(is_environment))
}

fn is_environment(line: &str) -> bool {
    line.starts_with("x-") && line.contains("-environment: &")
}

fn keys(block: &str) -> impl Iterator<Item = &str> {
    let lines = block.lines().filter_map(|line| line.strip_prefix("  "));
    lines.filter(|line| !line.starts_with('#')).filter_map(|line| Some(line.split_once(':')?.0))
}

/// The lines of one service.
fn service<'a>(text: &'a str, name: &str) -> &'a str {
    let from = text.split_once(&format!("\n  {name}:\n")).unwrap_or_else(|| panic!("no service {name}")).1;
    from.split("\n\n").next().unwrap_or_default()
}
