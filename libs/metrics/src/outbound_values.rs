//! Label values of what is told outside: e-mail and push.

use crate::label::Label;

/// `outcome` of a mail at the mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailOutcome {
    /// The server has taken the mail.
    Accepted,
    /// The server may take the mail later.
    Later,
    /// The server may have taken the mail and has not said so.
    Unknown,
    /// The server refused the address for ever.
    AddressRefused,
    /// The server refused the mail for ever.
    MailRefused,
    /// The server takes no mail from this system.
    Broken,
}

/// `reason` of a mail that was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuppressedMail {
    /// Everything in it was read, muted, taken back or unwanted meanwhile.
    NothingLeft,
    /// Nobody knows an address of the person.
    NoAddress,
    /// The address is on the suppression list.
    AddressSuppressed,
    /// Mails are switched off.
    SwitchedOff,
}

/// `outcome` of a push to one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushOutcome {
    /// The service took it.
    Sent,
    /// The service took a push that takes away what the device shows.
    Cleared,
    /// The device does not exist any more, and is deleted.
    Gone,
    /// The service will never take it.
    Refused,
    /// The service takes no more for now.
    Limited,
    /// The service could not be reached, failed, or was not understood.
    Failed,
    /// There are no credentials for this kind of device.
    NoProvider,
}

/// `outcome` of a window of pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushWindowOutcome {
    /// At least one device was pushed to.
    Sent,
    /// There was nothing to tell any more.
    Suppressed,
    /// It waits for the end of its person's quiet hours.
    Postponed,
    /// The person has no device.
    NoDevice,
    /// No service will ever take it.
    Failed,
    /// A service will be asked again.
    Retried,
    /// It had been sent before.
    Repeated,
}

impl Label for MailOutcome {
    const ALL: &'static [Self] =
        &[Self::Accepted, Self::Later, Self::Unknown, Self::AddressRefused, Self::MailRefused, Self::Broken];

    fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Later => "later",
            Self::Unknown => "unknown",
            Self::AddressRefused => "address_refused",
            Self::MailRefused => "mail_refused",
            Self::Broken => "broken",
        }
    }
}

impl Label for SuppressedMail {
    const ALL: &'static [Self] =
        &[Self::NothingLeft, Self::NoAddress, Self::AddressSuppressed, Self::SwitchedOff];

    fn as_str(self) -> &'static str {
        match self {
            Self::NothingLeft => "nothing_left",
            Self::NoAddress => "no_address",
            Self::AddressSuppressed => "address_suppressed",
            Self::SwitchedOff => "switched_off",
        }
    }
}

impl Label for PushOutcome {
    const ALL: &'static [Self] = &[
        Self::Sent,
        Self::Cleared,
        Self::Gone,
        Self::Refused,
        Self::Limited,
        Self::Failed,
        Self::NoProvider,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Cleared => "cleared",
            Self::Gone => "gone",
            Self::Refused => "refused",
            Self::Limited => "limited",
            Self::Failed => "failed",
            Self::NoProvider => "no_provider",
        }
    }
}

impl Label for PushWindowOutcome {
    const ALL: &'static [Self] = &[
        Self::Sent,
        Self::Suppressed,
        Self::Postponed,
        Self::NoDevice,
        Self::Failed,
        Self::Retried,
        Self::Repeated,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Suppressed => "suppressed",
            Self::Postponed => "postponed",
            Self::NoDevice => "no_device",
            Self::Failed => "failed",
            Self::Retried => "retried",
            Self::Repeated => "repeated",
        }
    }
}

/// `reason` why something was not pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuppressedPush {
    /// It was read meanwhile.
    Read,
    /// Its sender has taken it back.
    TakenBack,
    /// The person has muted the thread.
    Muted,
    /// The person has archived the thread.
    Archived,
    /// The person has left the thread.
    Left,
    /// A block keeps the person and the sender apart.
    Blocked,
    /// The person does not want it.
    Preference,
    /// The person's credentials are revoked.
    Revoked,
    /// The person has no device.
    NoDevice,
    /// The person is looking.
    Online,
    /// It does not exist any more.
    Gone,
    /// Anything else.
    Other,
}

impl Label for SuppressedPush {
    const ALL: &'static [Self] = &[
        Self::Read,
        Self::TakenBack,
        Self::Muted,
        Self::Archived,
        Self::Left,
        Self::Blocked,
        Self::Preference,
        Self::Revoked,
        Self::NoDevice,
        Self::Online,
        Self::Gone,
        Self::Other,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::TakenBack => "taken_back",
            Self::Muted => "muted",
            Self::Archived => "archived",
            Self::Left => "left",
            Self::Blocked => "blocked",
            Self::Preference => "preference",
            Self::Revoked => "revoked",
            Self::NoDevice => "no_device",
            Self::Online => "online",
            Self::Gone => "gone",
            Self::Other => "other",
        }
    }
}
