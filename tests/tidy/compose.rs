//! Compose file: it gives the roles only settings that they read, and uses only variables that the example of
//! `.env` names.

use crate::repository::read;
use eventflow_config::aliases;
use std::collections::BTreeSet;

/// The mapping that gives every role its environment.
const ROLE_ENVIRONMENT: &str = "x-role-environment: &role-environment";

#[test]
fn every_environment_key_of_a_role_is_a_setting() {
    let text = read("docker-compose.yml");
    let known: BTreeSet<&str> = aliases().map(|(name, _)| name).collect();
    let block = text.lines().skip_while(|line| *line != ROLE_ENVIRONMENT).skip(1);
    let lines = block.take_while(|line| line.starts_with("  ")).map(str::trim);
    let keys: Vec<&str> = lines
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| Some(line.split_once(':')?.0))
        .collect();
    assert!(
        keys.contains(&"RABBITMQ_URL"),
        "the environment of the roles was not found in docker-compose.yml"
    );
    let unknown: Vec<&str> = keys.into_iter().filter(|key| !known.contains(key)).collect();
    assert!(unknown.is_empty(), "no setting has these names of docker-compose.yml: {unknown:?}");
}

#[test]
fn every_role_takes_the_common_environment() {
    let text = read("docker-compose.yml");
    let roles = text.matches("\n    <<: *role\n").count();
    assert!(roles >= 4, "the roles were not found in docker-compose.yml");
    assert_eq!(
        text.matches("\n    environment: *role-environment\n").count(),
        roles,
        "a role has an environment of its own"
    );
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
