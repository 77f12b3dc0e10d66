//! Compose file: it gives the roles every setting that has a short name and nothing else, and uses only
//! variables that the example of `.env` names.

use crate::repository::read;
use eventflow_config::aliases;
use std::collections::BTreeSet;

/// The mapping that gives every role its environment.
const ROLE_ENVIRONMENT: &str = "x-role-environment: &role-environment";

/// Settings of processes outside of containers: a role of the fleet keeps nothing in a data folder.
const NOT_FOR_CONTAINERS: [&str; 1] = ["DATA_DIR"];

#[test]
fn the_roles_get_every_setting_that_has_a_short_name_and_nothing_else() {
    let text = read("docker-compose.yml");
    let names = aliases().map(|(name, _)| name);
    let known: BTreeSet<&str> = names.filter(|name| !NOT_FOR_CONTAINERS.contains(name)).collect();
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
    let passed: BTreeSet<&str> = keys.into_iter().collect();
    let unknown: Vec<&&str> = passed.difference(&known).collect();
    assert!(unknown.is_empty(), "no setting has these names of docker-compose.yml: {unknown:?}");
    let missing: Vec<&&str> = known.difference(&passed).collect();
    assert!(
        missing.is_empty(),
        "an operator cannot set these; add them to the environment of the roles in docker-compose.yml, and to \
         .env.example: {missing:?}"
    );
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
