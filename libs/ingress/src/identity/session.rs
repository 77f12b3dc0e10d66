//! Somebody whose credential holds, and the login that the credential belongs to.

use eventflow_protocol::{Timestamp, UserId};
use sha2::{Digest, Sha256};
use std::fmt;

/// The role that may do what concerns everybody.
pub const ADMIN_ROLE: &str = "admin";

/// Somebody whose credential holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: UserId,
    /// What they are to the host application; `user` if the token names no role.
    pub role: String,
    /// What they are called; the user id if the token names none.
    pub name: String,
    /// The login that the token belongs to.
    pub session: Session,
    /// When the credential ends, without leeway.
    pub expires: Timestamp,
    /// When the token was issued; `None` if it does not say, or says something out of any sensible range.
    pub issued_at: Option<Timestamp>,
}

/// One login: a hash over the token's `jti`, or over the token if it has none. Shown as 64 hexadecimal
/// digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Session(pub [u8; 32]);

impl Identity {
    /// Whether they may do what concerns everybody: the token names the role [`ADMIN_ROLE`].
    pub fn is_admin(&self) -> bool {
        self.role == ADMIN_ROLE
    }
}

impl Session {
    /// The login of `token`. The user and whether there is a `jti` are hashed too, so that no two logins of
    /// different users or kinds can be the same.
    pub(super) fn of(user: &UserId, jti: Option<&str>, token: &str) -> Self {
        let hash = Sha256::new_with_prefix(user.as_str()).chain_update([0, u8::from(jti.is_some())]);
        Self(hash.chain_update(jti.unwrap_or(token)).finalize().into())
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}
