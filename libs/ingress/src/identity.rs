//! Authentication: the token that a request carries, and the identity that it proves.
//!
//! [`bearer`] and [`cookies`] find the token in the headers. [`Tokens`] verifies it and gives an
//! [`Identity`], or a [`TokenFault`] that says which rule it breaks. Of several credentials, the first that
//! holds counts. Whether a credential that holds was revoked is asked in [`crate::revocation`].

mod claims;
mod fault;
mod headers;
mod hs256;
mod keys;
mod session;
mod tokens;

pub use claims::ExpectedClaims;
pub use fault::TokenFault;
pub use headers::{COOKIE_NAME, TOKEN_MAX_BYTES, bare, bearer, cookies, has_token_in_url};
pub use keys::{SECRET_MIN_BYTES, WeakSecret};
pub use session::{ADMIN_ROLE, Identity, Session};
pub use tokens::{LEEWAY, Tokens};

#[cfg(test)]
mod tests;
