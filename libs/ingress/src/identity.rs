//! Authentication: the token that a request carries, and the identity that it proves.
//!
//! [`bearer`] and [`cookies`] find the token in the headers. [`Verifier`] verifies it and gives an
//! [`Identity`], or a [`TokenFault`] that says which rule it breaks. Of several credentials, the first that
//! holds counts. Whether a credential that holds was revoked is asked in [`crate::revocation`].

mod claims;
mod fault;
mod headers;
mod hs256;
mod jwks;
mod keys;
mod public_keys;
mod session;
mod tokens;
mod verifier;

pub use claims::ExpectedClaims;
pub use fault::TokenFault;
pub use headers::{COOKIE_NAME, TOKEN_MAX_BYTES, bare, bearer, cookies, has_token_in_url};
pub use jwks::{JwksError, KEYS_MAX, KeySet};
pub use keys::{SECRET_MIN_BYTES, WeakSecret};
pub use public_keys::PublicKeys;
pub use session::{ADMIN_ROLE, Identity, Session};
pub use tokens::Tokens;
pub use verifier::{LEEWAY, Verifier};

#[cfg(test)]
mod public_key_tests;
#[cfg(test)]
mod tests;
