//! Authentication: the token that a request carries, and the identity that it proves.
//!
//! [`bearer`] and [`cookie`] find the token in the headers, [`Tokens`] verifies it and gives an [`Identity`].
//! Whether a credential that holds was revoked is asked in [`crate::revocation`].

mod claims;
mod headers;
mod hs256;
mod keys;
mod session;
mod tokens;

pub use claims::ExpectedClaims;
pub use headers::{COOKIE_NAME, bare, bearer, cookie, has_token_in_url};
pub use keys::{SECRET_MIN_BYTES, WeakSecret};
pub use session::{ADMIN_ROLE, Identity, Session};
pub use tokens::{LEEWAY, TOKEN_MAX_BYTES, Tokens};

#[cfg(test)]
mod tests;
