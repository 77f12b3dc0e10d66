//! The deadlines of a connection: pings, and the time limits for a client that does not behave.
//!
//! One timer per connection serves all of them. Engine.IO v4: the server pings, first one interval after
//! OPEN, then one interval after each pong. The client has to answer a ping within the timeout.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::Config;
use crate::reason::DisconnectReason;

/// Lateness: a ping that leaves later than this counts from when it left. An earlier one counts from when it
/// was due, as the client counts.
const PING_LATENESS: Duration = Duration::from_millis(20);

/// The deadlines of a connection.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    ping: Ping,
    connect: Option<Instant>,
    write: Option<Instant>,
    close: Option<Instant>,
    ping_interval: Duration,
    ping_timeout: Duration,
    connect_timeout: Duration,
    write_timeout: Duration,
}

#[derive(Debug)]
enum Ping {
    Due(Instant),
    Sent { at: Instant, answered_by: Instant },
}

/// What a deadline makes the connection do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HeartbeatAction {
    /// Send a ping.
    Ping,
    /// Nothing.
    Nothing,
    /// End the connection.
    End(DisconnectReason),
}

impl Heartbeat {
    pub(crate) fn new(config: &Config) -> Self {
        let now = Instant::now();
        Self {
            ping: Ping::Due(now + config.ping_interval),
            connect: None,
            write: None,
            close: None,
            ping_interval: config.ping_interval,
            ping_timeout: config.ping_timeout,
            connect_timeout: config.connect_timeout,
            write_timeout: config.write_timeout,
        }
    }

    /// The next deadline.
    pub(crate) fn next(&self) -> Instant {
        let (Ping::Due(ping) | Ping::Sent { answered_by: ping, .. }) = self.ping;
        [self.connect, self.write, self.close].into_iter().flatten().fold(ping, Instant::min)
    }

    /// The deadline of the missing pong, if one is missing.
    pub(crate) fn pong_due(&self) -> Option<Instant> {
        match self.ping {
            Ping::Due(_) => None,
            Ping::Sent { answered_by, .. } => Some(answered_by),
        }
    }

    /// Takes a pong and gives the time since its ping. One that no ping asked for changes nothing.
    pub(crate) fn pong(&mut self) -> Option<Duration> {
        let Ping::Sent { at, .. } = self.ping else { return None };
        let now = Instant::now();
        self.ping = Ping::Due(now + self.ping_interval);
        Some(now - at)
    }

    /// Says whether the client is in a namespace. A client in none has to join one in time.
    pub(crate) fn set_in(&mut self, is_in: bool) {
        self.connect = match (is_in, self.connect) {
            (true, _) => None,
            (false, None) => Some(Instant::now() + self.connect_timeout),
            (false, deadline) => deadline,
        };
    }

    /// Says whether writing is at a standstill.
    pub(crate) fn set_stalled(&mut self, stalled: bool) {
        self.write = match (stalled, self.write) {
            (false, _) => None,
            (true, None) => Some(Instant::now() + self.write_timeout),
            (true, deadline) => deadline,
        };
    }

    /// Begins the orderly end, for which the client has as long as for a write.
    pub(crate) fn set_closing(&mut self) {
        self.close.get_or_insert_with(|| Instant::now() + self.write_timeout);
    }

    /// What is due now. While the application is `busy` with a packet nothing is read, so a missing pong or
    /// CONNECT is not the client's fault and its deadline moves on.
    pub(crate) fn due(&mut self, busy: bool) -> HeartbeatAction {
        let now = Instant::now();
        let passed = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if passed(self.write) || passed(self.close) {
            return HeartbeatAction::End(DisconnectReason::SlowClient);
        }
        if passed(self.connect) {
            if !busy {
                return HeartbeatAction::End(DisconnectReason::ConnectTimeout);
            }
            self.connect = Some(now + self.connect_timeout);
        }
        match self.ping {
            Ping::Due(at) if at <= now => {
                let sent = if now - at > PING_LATENESS { now } else { at };
                self.ping = Ping::Sent { at: now, answered_by: sent + self.ping_timeout };
                HeartbeatAction::Ping
            }
            Ping::Sent { at, answered_by } if answered_by <= now => {
                if !busy {
                    return HeartbeatAction::End(DisconnectReason::PingTimeout);
                }
                self.ping = Ping::Sent { at, answered_by: now + self.ping_timeout };
                HeartbeatAction::Nothing
            }
            _ => HeartbeatAction::Nothing,
        }
    }
}
