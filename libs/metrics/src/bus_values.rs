//! Label values of publishing and consuming.

use crate::label::Label;

/// `outcome` of an envelope at a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SettleOutcome {
    /// Its effects are durable.
    Done,
    /// The retry ladder has it.
    Retry,
    /// The dead-letter queue has it.
    Parked,
}

/// `delay`: the rung of the retry ladder that an envelope waits on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryDelay {
    /// 1 s.
    OneSecond,
    /// 5 s.
    FiveSeconds,
    /// 30 s.
    ThirtySeconds,
    /// 2 min.
    TwoMinutes,
    /// 10 min.
    TenMinutes,
    /// 1 h.
    OneHour,
}

/// `reason` why an envelope was parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParkReason {
    /// It cannot be decoded.
    Unreadable,
    /// Its handler or the store refused it for good.
    Refused,
    /// It failed on every rung of the retry ladder.
    TriesUsedUp,
    /// Its handler panicked or hung at each try.
    Crashed,
}

/// `side`: one of the connections to the message broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokerSide {
    /// The connection for publishers.
    Publish,
    /// The connection for subscriptions and declarations.
    Consume,
    /// The connection for replies, which is opened for the first one.
    Reply,
}

impl Label for SettleOutcome {
    const ALL: &'static [Self] = &[Self::Done, Self::Retry, Self::Parked];

    fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retry => "retry",
            Self::Parked => "parked",
        }
    }
}

impl Label for RetryDelay {
    const ALL: &'static [Self] = &[
        Self::OneSecond,
        Self::FiveSeconds,
        Self::ThirtySeconds,
        Self::TwoMinutes,
        Self::TenMinutes,
        Self::OneHour,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::OneSecond => "1s",
            Self::FiveSeconds => "5s",
            Self::ThirtySeconds => "30s",
            Self::TwoMinutes => "2m",
            Self::TenMinutes => "10m",
            Self::OneHour => "1h",
        }
    }
}

impl Label for ParkReason {
    const ALL: &'static [Self] = &[Self::Unreadable, Self::Refused, Self::TriesUsedUp, Self::Crashed];

    fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Refused => "refused",
            Self::TriesUsedUp => "tries_used_up",
            Self::Crashed => "crashed",
        }
    }
}

impl Label for BrokerSide {
    const ALL: &'static [Self] = &[Self::Publish, Self::Consume, Self::Reply];

    fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Consume => "consume",
            Self::Reply => "reply",
        }
    }
}
