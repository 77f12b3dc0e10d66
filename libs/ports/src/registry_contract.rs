//! The contract of every [`Registry`], as checks that an adapter's tests call.
//!
//! Each check uses names of its own, so one registry serves all checks, at the same time and repeatedly.
//! [`check_all`] runs them; a broken promise panics and says what was expected. Leases and completeness
//! differ by adapter and are tested with each.

use crate::Registry;
use eventflow_protocol::{CommandId, GatewayId, UserId};
use std::collections::{BTreeSet, HashMap};

/// Number of users, more than any adapter writes or asks for at once.
const MANY: usize = 2_500;

/// Runs every check of the port.
pub async fn check_all(registry: &dyn Registry) {
    who_entered_is_found_there(registry).await;
    a_user_is_found_at_every_gateway(registry).await;
    entering_again_changes_nothing(registry).await;
    leaving_ends_it_at_that_gateway_only(registry).await;
    leaving_where_one_is_not_changes_nothing(registry).await;
    who_left_can_come_back(registry).await;
    strangers_are_absent(registry).await;
    nobody_is_nowhere(registry).await;
    gateways_with_users_are_named(registry).await;
    asking_for_somebody_twice_answers_once(registry).await;
    every_well_formed_user_id_works(registry).await;
    many_users_go_in_one_call(registry).await;
}

/// Users who entered are found, and nobody else is.
pub async fn who_entered_is_found_there(registry: &dyn Registry) {
    let (gateway, users) = (GatewayId::new(), fresh_users(3));
    enter(registry, &gateway, &users[..2]).await;
    assert_located(registry, &users, &[(&users[0], &[&gateway]), (&users[1], &[&gateway])]).await;
}

/// A user with sockets at several gateways is found at all of them.
pub async fn a_user_is_found_at_every_gateway(registry: &dyn Registry) {
    let first = GatewayId::new();
    let second = GatewayId::new();
    let user = fresh_users(1);
    enter(registry, &first, &user).await;
    enter(registry, &second, &user).await;
    assert_located(registry, &user, &[(&user[0], &[&first, &second])]).await;
}

/// Entering again renews the entry, and the gateway is named once.
pub async fn entering_again_changes_nothing(registry: &dyn Registry) {
    let (gateway, user) = (GatewayId::new(), fresh_users(1));
    for _ in 0..3 {
        enter(registry, &gateway, &user).await;
    }
    enter(registry, &gateway, &[user[0].clone(), user[0].clone()]).await;
    assert_located(registry, &user, &[(&user[0], &[&gateway])]).await;
}

/// Every gateway that entered users is named, whoever asks.
pub async fn gateways_with_users_are_named(registry: &dyn Registry) {
    let first = GatewayId::new();
    let second = GatewayId::new();
    let users = fresh_users(2);
    for gateway in [&first, &second] {
        enter(registry, gateway, &users).await;
    }
    leave(registry, &first, &users[..1]).await;
    let named = registry.gateways().await.expect("name the gateways");
    for gateway in [&first, &second] {
        assert_eq!(named.iter().filter(|named| *named == gateway).count(), 1, "{gateway} is named once");
    }
}

/// Leaving one gateway affects no other gateway and no other user.
pub async fn leaving_ends_it_at_that_gateway_only(registry: &dyn Registry) {
    let first = GatewayId::new();
    let second = GatewayId::new();
    let users = fresh_users(2);
    enter(registry, &first, &users).await;
    enter(registry, &second, &users[..1]).await;
    leave(registry, &first, &users[..1]).await;
    assert_located(registry, &users, &[(&users[0], &[&second]), (&users[1], &[&first])]).await;
    leave(registry, &second, &users[..1]).await;
    assert_located(registry, &users, &[(&users[1], &[&first])]).await;
}

/// Leaving twice, or without having entered, is no error.
pub async fn leaving_where_one_is_not_changes_nothing(registry: &dyn Registry) {
    let home = GatewayId::new();
    let elsewhere = GatewayId::new();
    let user = fresh_users(1);
    leave(registry, &elsewhere, &user).await;
    enter(registry, &home, &user).await;
    leave(registry, &elsewhere, &user).await;
    assert_located(registry, &user, &[(&user[0], &[&home])]).await;
    leave(registry, &home, &user).await;
    leave(registry, &home, &user).await;
    assert_located(registry, &user, &[]).await;
}

/// A user who left can enter again.
pub async fn who_left_can_come_back(registry: &dyn Registry) {
    let (gateway, user) = (GatewayId::new(), fresh_users(1));
    enter(registry, &gateway, &user).await;
    leave(registry, &gateway, &user).await;
    enter(registry, &gateway, &user).await;
    assert_located(registry, &user, &[(&user[0], &[&gateway])]).await;
}

/// A user who never entered has no entry, not an empty one.
pub async fn strangers_are_absent(registry: &dyn Registry) {
    assert_located(registry, &fresh_users(2), &[]).await;
}

/// Empty lists are allowed everywhere.
pub async fn nobody_is_nowhere(registry: &dyn Registry) {
    let gateway = GatewayId::new();
    enter(registry, &gateway, &[]).await;
    leave(registry, &gateway, &[]).await;
    assert_located(registry, &[], &[]).await;
}

/// A request may name a user twice.
pub async fn asking_for_somebody_twice_answers_once(registry: &dyn Registry) {
    let (gateway, user) = (GatewayId::new(), fresh_users(1));
    enter(registry, &gateway, &user).await;
    let twice = [user[0].clone(), user[0].clone()];
    assert_located(registry, &twice, &[(&user[0], &[&gateway])]).await;
}

/// No character of an id has a special meaning, and ids with a common prefix stay apart.
pub async fn every_well_formed_user_id_works(registry: &dyn Registry) {
    let (gateway, stem) = (GatewayId::new(), CommandId::new());
    let endings = ["", ":", "::x", "@host", "_-", "A", "a"];
    let mut users: Vec<UserId> = endings.iter().map(|ending| user(&format!("{stem}{ending}"))).collect();
    users.push(user(&format!("{stem}{}", "x".repeat(128 - 36))));
    for one in &users {
        assert_located(registry, std::slice::from_ref(one), &[]).await;
        enter(registry, &gateway, std::slice::from_ref(one)).await;
        assert_located(registry, std::slice::from_ref(one), &[(one, &[&gateway])]).await;
    }
}

/// A gateway renews all its users in one call, and one call locates a large thread.
pub async fn many_users_go_in_one_call(registry: &dyn Registry) {
    let (gateway, users) = (GatewayId::new(), fresh_users(MANY));
    enter(registry, &gateway, &users).await;
    let home = [&gateway];
    let expected: Vec<(&UserId, &[&GatewayId])> = users.iter().map(|user| (user, home.as_slice())).collect();
    assert_located(registry, &users, &expected).await;
    leave(registry, &gateway, &users).await;
    assert_located(registry, &users, &[]).await;
}

async fn enter(registry: &dyn Registry, gateway: &GatewayId, users: &[UserId]) {
    registry.enter(gateway, users).await.expect("enter");
}

async fn leave(registry: &dyn Registry, gateway: &GatewayId, users: &[UserId]) {
    registry.leave(gateway, users).await.expect("leave");
}

/// Expects that locating `users` finds exactly `expected`, with each gateway named once, in any order.
async fn assert_located(registry: &dyn Registry, users: &[UserId], expected: &[(&UserId, &[&GatewayId])]) {
    let located = registry.locate(users).await.expect("locate").gateways;
    let texts =
        |gateways: &mut dyn Iterator<Item = &GatewayId>| gateways.map(|id| id.as_str().to_owned()).collect();
    let expected: HashMap<&UserId, BTreeSet<String>> =
        expected.iter().map(|(user, gateways)| (*user, texts(&mut gateways.iter().copied()))).collect();
    let found: HashMap<&UserId, BTreeSet<String>> =
        located.iter().map(|(user, gateways)| (user, texts(&mut gateways.iter()))).collect();
    assert_eq!(found, expected);
    for (user, gateways) in &located {
        assert_eq!(gateways.len(), found[user].len(), "{user}'s gateways are named once: {gateways:?}");
    }
}

fn fresh_users(count: usize) -> Vec<UserId> {
    let stem = CommandId::new();
    (0..count).map(|index| user(&format!("auth0|{stem}.{index} é"))).collect()
}

fn user(text: &str) -> UserId {
    text.parse().expect("a well formed user id")
}

#[cfg(test)]
mod tests {
    use crate::{MemoryRegistry, Registry};

    #[tokio::test]
    async fn the_registry_of_one_process_keeps_every_promise() {
        super::check_all(&MemoryRegistry::default()).await;
    }

    #[tokio::test]
    async fn the_registry_of_one_process_is_always_complete() {
        assert!(MemoryRegistry::default().locate(&[]).await.unwrap().complete);
    }
}
