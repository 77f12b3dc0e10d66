//! Faults of tokens: which rule a token breaks, in words for whoever issues tokens.
//!
//! What a token claims is told only to those who can sign: of a token whose signature does not hold, no claim
//! has been looked at. No text repeats a value of the token.

use super::headers::TOKEN_MAX_BYTES;
use crate::refusal::Refusal;
use eventflow_protocol::ErrorCode;
use eventflow_protocol::id::USER_ID_RULE;
use jsonwebtoken::Algorithm;
use jsonwebtoken::errors::{Error, ErrorKind};

/// The rule that a token breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TokenFault {
    /// The token was good, and its time is over.
    #[error("the token has expired")]
    Expired,
    /// The token is longer than a header may be.
    #[error("the token is not valid: it has more than {TOKEN_MAX_BYTES} bytes")]
    TooLong,
    /// The text is no JWT.
    #[error("the token is not valid: it is no JWT, which has three base64url parts with points between")]
    NoJwt,
    /// The header is no JSON object, or names an algorithm that does not exist.
    #[error("the token is not valid: its header must be JSON with `alg` HS256, RS256, ES256 or EdDSA")]
    Header,
    /// The token is signed in a way for which there are no keys here.
    #[error("the token is not valid: it is signed with {0:?}, and no key of this server is for that")]
    Algorithm(Algorithm),
    /// The header demands something that is not known here (RFC 7515, section 4.1.11).
    #[error("the token is not valid: its header has `crit`, which is not supported")]
    Critical,
    /// No owner of our keys has signed the token, or it was changed.
    #[error("the token is not valid: its signature does not hold (another key, or the token was changed)")]
    Signature,
    /// The identity provider has no key of this name and algorithm.
    #[error("the token is not valid: the identity provider publishes no key with its `kid` and `alg`")]
    UnknownKey,
    /// No keys of the identity provider are known now, so nobody can say whether the token holds.
    #[error("the token cannot be checked: the keys of the identity provider are not known yet")]
    NoKeys,
    /// The claims are no JSON object with each claim once.
    #[error("the token is not valid: its claims must be a JSON object in which each claim comes once")]
    Claims,
    /// Neither `id` nor `sub` is there.
    #[error(
        "the token is not valid: `id` or `sub` must name the user (`userId` and other names are not read)"
    )]
    NobodyNamed,
    /// `id` and `sub` name different users.
    #[error("the token is not valid: `id` and `sub` must be equal if both are there")]
    TwoNamed,
    /// The user id is not what user ids must be.
    #[error("the token is not valid: {USER_ID_RULE}")]
    UserId,
    /// This claim is no text.
    #[error("the token is not valid: `{0}` must be a text")]
    NoText(&'static str),
    /// This claim is no number.
    #[error("the token is not valid: `{0}` must be a number of seconds since 1970")]
    NoNumber(&'static str),
    /// This claim is in milliseconds.
    #[error("the token is not valid: `{0}` must be in seconds, and it is in milliseconds")]
    Milliseconds(&'static str),
    /// There is no `exp`.
    #[error("the token is not valid: `exp` is missing")]
    ExpMissing,
    /// `nbf` lies in the future.
    #[error("the token is not valid: it begins in the future (`nbf`)")]
    NotYet,
    /// `iss` is not what the settings say.
    #[error("the token is not valid: `iss` is not the issuer that is expected here")]
    Issuer,
    /// `aud` is not what the settings say.
    #[error("the token is not valid: `aud` does not name the audience that is expected here")]
    Audience,
}

impl TokenFault {
    /// Why a header could not be read.
    pub(super) fn of_header(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Json(_) => Self::Header,
            _ => Self::NoJwt,
        }
    }
}

impl From<TokenFault> for Refusal {
    /// [`ErrorCode::TokenExpired`] if a new token helps, [`ErrorCode::Unavailable`] if the same one may help
    /// later, else [`ErrorCode::Unauthenticated`].
    fn from(fault: TokenFault) -> Self {
        let code = match fault {
            TokenFault::Expired => ErrorCode::TokenExpired,
            TokenFault::NoKeys => ErrorCode::Unavailable,
            _ => ErrorCode::Unauthenticated,
        };
        Self::new(code, fault.to_string())
    }
}
