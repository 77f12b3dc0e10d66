//! Public keys as an identity provider publishes them: a JWK set (RFC 7517) in, keys that check signatures
//! out.
//!
//! The algorithm of a key follows from the key: RSA checks RS256, the curve P-256 ES256, Ed25519 `EdDSA`.
//! Keys for other uses, of other kinds or too weak are passed over, as RFC 7517 (section 5) asks for. A
//! symmetric key is never taken from a document that everybody can read.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::Algorithm;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::Value;

/// Keys of a set: providers publish two to five. A token without `kid` is checked with each of its algorithm.
pub const KEYS_MAX: usize = 32;
/// Sizes of an RSA modulus in bytes: what RS256 allows (RFC 7518, section 3.3), up to what is checked
/// quickly.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1_024;
/// Bytes of an exponent: 65537 in all practice.
const EXPONENT_BYTES: std::ops::RangeInclusive<usize> = 1..=5;

/// Why a document is no set of keys.
#[derive(Debug, thiserror::Error)]
pub enum JwksError {
    /// It is no JSON object with a list `keys`.
    #[error("it is no JWK set (a JSON object with a list `keys`)")]
    NoSet(#[source] serde_json::Error),
    /// There are more keys than anybody needs.
    #[error("it has {0} keys, and at most {KEYS_MAX} are read")]
    TooMany(usize),
    /// No key of the set can check a signature here.
    #[error(
        "none of its {0} keys is an RSA key of 2048 bits or more, a key on P-256 or Ed25519, for signatures"
    )]
    NoneUsable(usize),
}

/// The keys of a set that can be used.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<PublicKey>,
}

/// One key that checks signatures.
#[derive(Clone, Debug)]
pub(super) struct PublicKey {
    id: Option<String>,
    material: Material,
}

#[derive(Clone, Debug)]
enum Material {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// The fields of a key that are read (RFC 7517, section 4; RFC 7518, section 6; RFC 8037, section 2).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// The keys of a JWK set; at least one must be of use.
    pub fn parse(json: &[u8]) -> Result<Self, JwksError> {
        let Document { keys: found } = serde_json::from_slice(json).map_err(JwksError::NoSet)?;
        let count = found.len();
        if count > KEYS_MAX {
            return Err(JwksError::TooMany(count));
        }
        let jwks = found.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let keys: Vec<PublicKey> = jwks.filter_map(|jwk| PublicKey::of(&jwk)).collect();
        if keys.is_empty() { Err(JwksError::NoneUsable(count)) } else { Ok(Self { keys }) }
    }

    /// The keys of both sets.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.keys.extend(other.keys.iter().cloned());
        self
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys of this algorithm that a token of this `kid` may be signed with. A key without an id, and a
    /// token without one, may belong to any.
    pub(super) fn candidates(&self, algorithm: Algorithm, named: Option<&str>) -> Vec<&PublicKey> {
        let may_be = |key: &&PublicKey| {
            let is_named = key.id.as_deref().is_none_or(|id| named.is_none_or(|named| named == id));
            is_named && key.algorithm() == algorithm
        };
        self.keys.iter().filter(may_be).collect()
    }
}

impl PublicKey {
    /// `None` for a key that is of no use here.
    fn of(jwk: &Jwk) -> Option<Self> {
        let is_for_signatures = jwk.purpose.as_deref().is_none_or(|purpose| purpose == "sig");
        let verifies = jwk.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        let (material, algorithm) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => (rsa(jwk)?, "RS256"),
            ("EC", Some("P-256")) => (p256(jwk)?, "ES256"),
            ("OKP", Some("Ed25519")) => (ed25519(jwk)?, "EdDSA"),
            _ => return None,
        };
        let is_meant = jwk.alg.as_deref().is_none_or(|alg| alg == algorithm);
        (is_for_signatures && verifies && is_meant).then(|| Self { id: jwk.kid.clone(), material })
    }

    fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Rsa { .. } => Algorithm::RS256,
            Material::P256(_) => Algorithm::ES256,
            Material::Ed25519(_) => Algorithm::EdDSA,
        }
    }

    /// Whether the owner of this key has signed the message.
    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let checked = match &self.material {
            Material::Rsa { modulus, exponent } => RsaPublicKeyComponents { n: modulus, e: exponent }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
            Material::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            Material::Ed25519(point) => UnparsedPublicKey::new(&ED25519, point).verify(message, signature),
        };
        checked.is_ok()
    }
}

fn rsa(jwk: &Jwk) -> Option<Material> {
    let (modulus, exponent) = (number(jwk.n.as_deref()?)?, number(jwk.e.as_deref()?)?);
    let fits = MODULUS_BYTES.contains(&modulus.len()) && EXPONENT_BYTES.contains(&exponent.len());
    fits.then_some(Material::Rsa { modulus, exponent })
}

fn p256(jwk: &Jwk) -> Option<Material> {
    let (x, y) = (coordinate(jwk.x.as_deref()?)?, coordinate(jwk.y.as_deref()?)?);
    // SEC 1, section 2.3.3: an uncompressed point.
    Some(Material::P256([&[4], x.as_slice(), y.as_slice()].concat()))
}

fn ed25519(jwk: &Jwk) -> Option<Material> {
    coordinate(jwk.x.as_deref()?).map(Material::Ed25519)
}

/// A number without the zeros in front, as ring wants it.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = BASE64.decode(text).ok()?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    Some(bytes[zeros..].to_vec())
}

/// 32 bytes, as both curves have them.
fn coordinate(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok().filter(|bytes| bytes.len() == 32)
}
