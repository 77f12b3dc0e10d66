//! The hub: which sockets each user has here. Read for each recipient of each event, changed when sockets
//! come and go.
//!
//! The hub is sharded, so that a storm of reconnects does not hold up deliveries; an entry is one id and one
//! short list. A parked session counts as here, since what is emitted to it is kept for its return. Adding
//! and removing can be repeated.

use eventflow_protocol::UserId;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// Locks over the users. More than the cores that ever deliver and connect at the same time.
const SHARDS: usize = 32;

type Shard<S> = RwLock<HashMap<UserId, Vec<S>>>;

/// The sockets of this process by user.
pub(crate) struct Hub<S> {
    shards: Box<[Shard<S>]>,
    hasher: RandomState,
}

impl<S: Clone + PartialEq> Hub<S> {
    /// A hub without sockets.
    pub(crate) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Shard::default()).collect(), hasher: RandomState::new() }
    }

    /// Adds a socket of the user.
    pub(crate) fn add(&self, user: &UserId, socket: S) {
        let mut shard = self.shard(user).write();
        let sockets = shard.entry(user.clone()).or_insert_with(|| Vec::with_capacity(1));
        if !sockets.contains(&socket) {
            sockets.push(socket);
        }
    }

    /// Removes a socket of the user. `true` if that was their last one.
    pub(crate) fn remove(&self, user: &UserId, socket: &S) -> bool {
        let mut shard = self.shard(user).write();
        let Some(sockets) = shard.get_mut(user) else { return false };
        sockets.retain(|other| other != socket);
        let is_last = sockets.is_empty();
        if is_last {
            shard.remove(user);
        }
        is_last
    }

    /// Whether the user has any socket here.
    pub(crate) fn has(&self, user: &UserId) -> bool {
        self.shard(user).read().contains_key(user)
    }

    /// Calls `act` with each socket of the user. It must not call the hub.
    pub(crate) fn each(&self, user: &UserId, act: impl FnMut(&S)) {
        if let Some(sockets) = self.shard(user).read().get(user) {
            sockets.iter().for_each(act);
        }
    }

    /// Every user with a socket here.
    pub(crate) fn users(&self) -> Vec<UserId> {
        self.shards.iter().flat_map(|shard| shard.read().keys().cloned().collect::<Vec<_>>()).collect()
    }

    /// At most `limit` users with a socket for which `is` holds.
    pub(crate) fn some_users(&self, limit: usize, is: impl Fn(&S) -> bool) -> Vec<UserId> {
        let mut found = Vec::new();
        for shard in &self.shards {
            let shard = shard.read();
            let users =
                shard.iter().filter(|(_, sockets)| sockets.iter().any(&is)).map(|(user, _)| user.clone());
            found.extend(users.take(limit - found.len()));
        }
        found
    }

    /// How many users have a socket here.
    pub(crate) fn count(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().len()).sum()
    }

    /// Every socket of every user.
    pub(crate) fn sockets(&self) -> Vec<S> {
        self.shards
            .iter()
            .flat_map(|shard| shard.read().values().flatten().cloned().collect::<Vec<_>>())
            .collect()
    }

    fn shard(&self, user: &UserId) -> &Shard<S> {
        let hash = usize::try_from(self.hasher.hash_one(user) % SHARDS as u64)
            .expect("less than the number of shards");
        &self.shards[hash]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        name.parse().unwrap()
    }

    fn sockets_of(hub: &Hub<u32>, name: &str) -> Vec<u32> {
        let mut found = Vec::new();
        hub.each(&user(name), |socket| found.push(*socket));
        found
    }

    #[test]
    fn a_user_is_here_from_the_first_socket_to_the_last() {
        let hub = Hub::new();
        hub.add(&user("ann"), 1);
        hub.add(&user("ann"), 2);
        hub.add(&user("ann"), 2);
        hub.add(&user("bob"), 3);
        assert_eq!((sockets_of(&hub, "ann"), sockets_of(&hub, "zoe"), hub.count()), (vec![1, 2], vec![], 2));
        assert!(!hub.remove(&user("ann"), &1));
        assert!(hub.has(&user("ann")));
        assert!(hub.remove(&user("ann"), &2));
        assert!(!hub.remove(&user("ann"), &2));
        assert!(!hub.has(&user("ann")));
        assert_eq!((hub.users(), hub.sockets()), (vec![user("bob")], vec![3]));
    }

    #[test]
    fn users_are_told_by_their_sockets() {
        let hub = Hub::new();
        for (name, socket) in [("ann", 1), ("ann", 2), ("bob", 3), ("eve", 4)] {
            hub.add(&user(name), socket);
        }
        assert_eq!(hub.some_users(9, |socket| *socket == 3), [user("bob")]);
        assert_eq!(hub.some_users(2, |_| true).len(), 2);
    }
}
