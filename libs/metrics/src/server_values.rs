//! Label values of the servers that a process depends on.

use crate::label::Label;

/// `part`: a server that the process depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dependency {
    /// The message broker.
    Broker,
    /// The store of messages and threads.
    Store,
    /// The registry of gateways.
    Registry,
}

/// `outcome` of a call to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// The server answered.
    Ok,
    /// The server answered with an error, or not in time.
    Failed,
}

/// `operation` at Redis: which port the call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedisOperation {
    /// Who is connected to which gateway.
    Registry,
    /// Who is online.
    Presence,
    /// What gateways have emitted.
    Journal,
}

impl Label for Dependency {
    const ALL: &'static [Self] = &[Self::Broker, Self::Store, Self::Registry];

    fn as_str(self) -> &'static str {
        match self {
            Self::Broker => "broker",
            Self::Store => "store",
            Self::Registry => "registry",
        }
    }
}

impl Label for CallOutcome {
    const ALL: &'static [Self] = &[Self::Ok, Self::Failed];

    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
        }
    }
}

impl Label for RedisOperation {
    const ALL: &'static [Self] = &[Self::Registry, Self::Presence, Self::Journal];

    fn as_str(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Presence => "presence",
            Self::Journal => "journal",
        }
    }
}
