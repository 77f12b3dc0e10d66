//! How a connection is opened and encrypted, as the settings say.
//!
//! `lettre` does STARTTLS on a stream that it is given. It does not do TLS from the first byte on one, so
//! that is done here, with the same certificate authorities.

use crate::failure::Cause;
use crate::settings::{Encryption, SmtpSettings};
use crate::stream::{Allowance, Limited};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, InvalidDnsNameError, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// What opening a connection needs, prepared once.
pub(crate) enum Encrypter {
    /// No encryption.
    None,
    /// STARTTLS.
    StartTls(TlsParameters),
    /// TLS from the first byte.
    Tls(TlsConnector, ServerName<'static>),
}

/// Why a mailer cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file of the certificate authority cannot be read.
    #[error("read the certificate authority in {}", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// The file of the certificate authority holds none.
    #[error("the file {} holds no certificate", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The certificate authority cannot be used.
    #[error("set up TLS")]
    Tls(#[source] tokio_rustls::rustls::Error),
    /// The certificate authority or the host name cannot be used.
    #[error("set up STARTTLS")]
    StartTls(#[source] lettre::transport::smtp::Error),
    /// The name of the host is none that a certificate can have.
    #[error("the host is no name that a certificate can have")]
    Host(#[source] InvalidDnsNameError),
}

impl Encrypter {
    pub(crate) fn new(settings: &SmtpSettings) -> Result<Self, OpenError> {
        match settings.encryption {
            Encryption::None => Ok(Self::None),
            Encryption::StartTls => Ok(Self::StartTls(start_tls(settings)?)),
            Encryption::Tls => {
                let host = ServerName::try_from(settings.host.clone()).map_err(OpenError::Host)?;
                Ok(Self::Tls(connector(settings)?, host))
            }
        }
    }

    /// Connects, reads the greeting, and encrypts.
    pub(crate) async fn connect(
        &self,
        settings: &SmtpSettings,
        allowance: &Allowance,
    ) -> Result<AsyncSmtpConnection, Cause> {
        let hello = ClientId::default();
        let server = (settings.host.as_str(), settings.port);
        let tcp = TcpStream::connect(server).await.map_err(Cause::Connection)?;
        let peer = tcp.peer_addr().map_err(Cause::Connection)?;
        if let Self::Tls(connector, host) = self {
            let tls = connector.connect(host.clone(), tcp).await.map_err(Cause::Connection)?;
            let stream = Box::new(Limited::new(tls, peer, allowance.clone()));
            return Ok(AsyncSmtpConnection::connect_with_transport(stream, &hello).await?);
        }
        let stream = Box::new(Limited::new(tcp, peer, allowance.clone()));
        let mut connection = AsyncSmtpConnection::connect_with_transport(stream, &hello).await?;
        if let Self::StartTls(parameters) = self {
            connection.starttls(parameters.clone(), &hello).await?;
        }
        Ok(connection)
    }
}

fn start_tls(settings: &SmtpSettings) -> Result<TlsParameters, OpenError> {
    let mut builder = TlsParameters::builder(settings.host.clone());
    for authority in authorities(settings)? {
        let certificate = Certificate::from_der(authority.to_vec()).map_err(OpenError::StartTls)?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(OpenError::StartTls)
}

fn connector(settings: &SmtpSettings) -> Result<TlsConnector, OpenError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for authority in authorities(settings)? {
        roots.add(authority).map_err(OpenError::Tls)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(OpenError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// The certificate authorities that the settings add.
fn authorities(settings: &SmtpSettings) -> Result<Vec<CertificateDer<'static>>, OpenError> {
    let Some(path) = &settings.ca else { return Ok(Vec::new()) };
    let pem = std::fs::read(path).map_err(|source| OpenError::Authority { path: path.clone(), source })?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(OpenError::NoCertificate { path: path.clone() }),
    }
}
