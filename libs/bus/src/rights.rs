//! Rights: what a role may do at RabbitMQ, derived from what it consumes and says.
//!
//! RabbitMQ takes three patterns for each user: names that it may configure (make and delete), write to, and
//! read from. The patterns hold for every number of shards. Two limits come from RabbitMQ itself: whoever may
//! publish to the default exchange may publish to every queue, and a role that may not configure finds the
//! queues made by an operator (`eventflow topology apply`).

use crate::topology::{
    DEAD_PREFIX, Delay, GATEWAY_PREFIX, GATEWAYS_EXCHANGE, Queue, SHARD_LOG, Sharded, WORKERS_EXCHANGE,
};

/// Patterns of the names of all queues.
const QUEUES: [&str; 3] =
    ["(persist|cursors|fanout)[.][0-9]+", "(gateway|retry|dead)[.].*", "notify|email|push|presence"];
/// A pattern that no name matches.
const NOTHING: &str = "^$";
/// How RabbitMQ calls the default exchange in patterns.
const DEFAULT_EXCHANGE: &str = "amq.default";
/// How RabbitMQ calls queues that it names itself: those in which workers hear each other.
const NAMED_BY_THE_BROKER: &str = "amq.gen-";

/// What a role does at the broker, beside publishing to queues by their names.
#[derive(Clone, Debug, Default)]
pub struct Uses {
    consumes: Vec<String>,
    has_gateway_queue: bool,
    tells_all_gateways: bool,
    hellos: Hellos,
    looks_at_queues: bool,
    /// What it reads beside that, and never sends to the retry ladder.
    reads: Vec<String>,
}

/// A role's part in the hellos of workers and gateways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Hellos {
    #[default]
    None,
    SaysAndHears,
}

impl Uses {
    /// The role consumes a queue. What fails goes to the retry ladder.
    #[must_use]
    pub fn queue<T>(mut self, queue: &Queue<T>) -> Self {
        self.consumes.push(literal(queue.name()));
        self
    }

    /// The role consumes shards and says hello to the others that do.
    #[must_use]
    pub fn shards<T>(mut self, shards: &Sharded<T>) -> Self {
        self.consumes.push(format!("{}[0-9]+", literal(&format!("{}.", shards.stage()))));
        self.hellos = Hellos::SaysAndHears;
        self
    }

    /// The role makes, consumes and deletes the queue of a gateway.
    #[must_use]
    pub fn gateway_queue(mut self) -> Self {
        self.has_gateway_queue = true;
        self
    }

    /// The role publishes to all gateways at once.
    #[must_use]
    pub fn all_gateways(mut self) -> Self {
        self.tells_all_gateways = true;
        self
    }

    /// The role consumes every dead-letter queue. What it cannot keep waits on the retry ladder.
    #[must_use]
    pub fn dead_letters(mut self) -> Self {
        self.consumes.push(format!("{}.*", literal(DEAD_PREFIX)));
        self
    }

    /// The role follows the number of shards: it reads the shard log, and says hello to whoever changes it.
    #[must_use]
    pub fn shard_log(mut self) -> Self {
        self.reads.push(literal(SHARD_LOG));
        self.hellos = Hellos::SaysAndHears;
        self
    }

    /// The role asks how full every queue is. RabbitMQ 4.3 tells that only to users with some right to the
    /// queue; the right to bind one says the least.
    #[must_use]
    pub fn looks(mut self) -> Self {
        self.looks_at_queues = true;
        self
    }

    /// The least rights that this takes.
    pub fn rights(&self) -> Rights {
        let (mut configure, mut read) = (Vec::new(), self.consumes.clone());
        let mut write = vec![literal(DEFAULT_EXCHANGE)];
        let of_gateway = format!("{}.*", literal(GATEWAY_PREFIX));
        let of_broker = format!("{}.*", literal(NAMED_BY_THE_BROKER));
        if self.has_gateway_queue {
            configure.push(of_gateway.clone());
            // To bind a queue takes writing to it and reading from the exchange.
            write.push(of_gateway.clone());
            read.extend([of_gateway, literal(GATEWAYS_EXCHANGE)]);
        }
        if self.hellos == Hellos::SaysAndHears {
            configure.push(of_broker.clone());
            write.extend([of_broker.clone(), literal(WORKERS_EXCHANGE)]);
            read.extend([of_broker, literal(WORKERS_EXCHANGE)]);
        }
        read.extend(self.reads.iter().cloned());
        if self.looks_at_queues {
            write.extend(QUEUES.map(str::to_owned));
        }
        if self.tells_all_gateways {
            write.push(literal(GATEWAYS_EXCHANGE));
        }
        if self.has_gateway_queue || !self.consumes.is_empty() {
            write.extend(Delay::LADDER.map(|delay| literal(delay.queue())));
        }
        Rights { configure: pattern(&configure), write: pattern(&write), read: pattern(&read) }
    }
}

/// RabbitMQ's three patterns for one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// What the user may make and delete.
    pub configure: String,
    /// What the user may publish to, and which queues it may bind.
    pub write: String,
    /// What the user may consume, and which exchanges it may bind to.
    pub read: String,
}

fn literal(name: &str) -> String {
    name.replace('.', "[.]")
}

fn pattern(names: &[String]) -> String {
    if names.is_empty() { NOTHING.to_owned() } else { format!("^({})$", names.join("|")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::{FANOUT, PRESENCE};

    #[test]
    fn who_consumes_nothing_may_only_publish_to_queues() {
        let rights = Uses::default().rights();
        assert_eq!(rights.configure, "^$");
        assert_eq!(rights.write, "^(amq[.]default)$");
        assert_eq!(rights.read, "^$");
    }

    #[test]
    fn who_follows_the_number_of_shards_reads_the_log_and_says_hello() {
        let rights = Uses::default().shard_log().rights();
        assert_eq!(rights.read, "^(amq[.]gen-.*|workers|shards)$");
        assert_eq!(rights.write, "^(amq[.]default|amq[.]gen-.*|workers)$");
    }

    #[test]
    fn who_shares_shards_makes_the_queue_it_listens_to_and_no_other() {
        let rights = Uses::default().shards(&FANOUT).all_gateways().rights();
        assert_eq!(rights.configure, "^(amq[.]gen-.*)$");
        assert_eq!(rights.read, "^(fanout[.][0-9]+|amq[.]gen-.*|workers)$");
        assert!(rights.write.contains("|gateways|retry[.]1s|"), "{}", rights.write);
        assert_eq!(Uses::default().queue(&PRESENCE).rights().read, "^(presence)$");
    }
}
