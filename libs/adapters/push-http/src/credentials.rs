//! The service account that may send pushes to apps: Google's JSON file, checked when the process starts.

use http::Uri;
use ring::signature::RsaKeyPair;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use std::fmt;
use std::sync::Arc;

/// A service account of a Firebase project.
#[derive(Clone)]
pub struct ServiceAccount {
    pub(crate) project_id: String,
    pub(crate) client_email: String,
    pub(crate) private_key_id: Option<String>,
    pub(crate) private_key: Arc<RsaKeyPair>,
    pub(crate) token_uri: Uri,
}

/// A text is no service account. The errors repeat nothing of it.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// It is no JSON object with the fields of a service account.
    #[error("read a service account: {0}")]
    Unreadable(String),
    /// Its `private_key` is no RSA key in PKCS #8 PEM form.
    #[error("read the private key of a service account: it is no RSA key in PKCS #8 PEM form")]
    Key,
    /// Its `token_uri` is no https address.
    #[error("read the token address of a service account: it must be an https address")]
    TokenUri,
}

/// The fields that are used of the file.
#[derive(Deserialize)]
struct Fields {
    project_id: String,
    client_email: String,
    #[serde(default)]
    private_key_id: Option<String>,
    private_key: String,
    #[serde(default = "google")]
    token_uri: String,
}

fn google() -> String {
    "https://oauth2.googleapis.com/token".to_owned()
}

impl ServiceAccount {
    /// Reads the JSON of a service account, as the Firebase console gives it.
    pub fn parse(json: &str) -> Result<Self, CredentialsError> {
        let fields: Fields = serde_json::from_str(json).map_err(|error| unreadable(&error))?;
        let der = PrivatePkcs8KeyDer::from_pem_slice(fields.private_key.as_bytes())
            .map_err(|_| CredentialsError::Key)?;
        let key = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| CredentialsError::Key)?;
        let token_uri: Uri = fields.token_uri.parse().map_err(|_| CredentialsError::TokenUri)?;
        if token_uri.scheme_str() != Some("https") || token_uri.host().is_none() {
            return Err(CredentialsError::TokenUri);
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        if fields.project_id.is_empty() || !fields.project_id.bytes().all(is_plain) {
            return Err(CredentialsError::Unreadable("project_id is no name of a project".to_owned()));
        }
        Ok(Self {
            project_id: fields.project_id,
            client_email: fields.client_email,
            private_key_id: fields.private_key_id,
            private_key: Arc::new(key),
            token_uri,
        })
    }
}

/// What is missing, or where it ceases to be JSON; never what stands there.
fn unreadable(error: &serde_json::Error) -> CredentialsError {
    let text = error.to_string();
    let told = if text.starts_with("missing field") {
        text
    } else {
        format!("line {} column {} is not as in Google's file", error.line(), error.column())
    };
    CredentialsError::Unreadable(told)
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount").field("project_id", &self.project_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_credentials_say_what_is_wrong_and_repeat_nothing() {
        for (json, said) in [
            ("", "line 1"),
            ("{\"canary\": 1}", "missing field"),
            (
                r#"{"project_id":"p","client_email":"canary@x","private_key":"canary"}"#,
                "no RSA key in PKCS #8 PEM form",
            ),
            (r#"{"project_id":7,"canary":1}"#, "is not as in Google's file"),
        ] {
            let error = ServiceAccount::parse(json).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
