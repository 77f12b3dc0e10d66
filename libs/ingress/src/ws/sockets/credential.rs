//! The credential that a socket stands on: until when it holds, of which login it is, and what its owner may
//! see.

use crate::identity::{Identity, Session};
use crate::revocation;
use eventflow_protocol::Timestamp;
use eventflow_protocol::person::Revocation;

/// The credential of a socket's user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Credential {
    /// When the credential ends.
    pub(crate) expires: Timestamp,
    /// The login it belongs to.
    pub(crate) session: Session,
    /// When it was issued; `None` if the token does not say.
    pub(crate) issued_at: Option<Timestamp>,
    /// Whether the user may see and do what others may not.
    pub(crate) is_admin: bool,
}

impl Credential {
    /// The credential that proved this identity.
    pub(crate) fn of(identity: &Identity) -> Self {
        let Identity { expires, session, issued_at, .. } = *identity;
        Self { expires, session, issued_at, is_admin: identity.is_admin() }
    }

    /// Whether `revocation`, which must be of the same user, takes this credential back.
    pub(crate) fn is_ended_by(&self, revocation: &Revocation) -> bool {
        revocation::is_revoked_by(revocation, self.session, self.issued_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revocation_ends_one_login_or_everything_older() {
        let credential = Credential {
            expires: Timestamp(5),
            session: Session([7; 32]),
            issued_at: Some(Timestamp(2)),
            is_admin: false,
        };
        let revocation = |session: Option<[u8; 32]>, at| Revocation {
            user_id: "ann".parse().unwrap(),
            session: session.map(|bytes| Session(bytes).to_string()),
            at: Timestamp(at),
        };
        assert!(credential.is_ended_by(&revocation(Some([7; 32]), 0)));
        assert!(!credential.is_ended_by(&revocation(Some([8; 32]), 9)));
        assert!(credential.is_ended_by(&revocation(None, 3)));
        assert!(!credential.is_ended_by(&revocation(None, 2)), "issued at that moment or later");
    }
}
