//! One connection to the mail server: how it is opened, and how a mail goes through it.
//!
//! Each step has a time limit of its own, since `lettre` has one for connecting only. A session that failed
//! in the middle of an answer is dropped, never used again: the answer of one mail must not be taken for that
//! of the next.

use crate::failure::{self, Cause, Step};
use crate::settings::{Encryption, SmtpSettings};
use lettre::Address;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Opening: TCP, greeting, EHLO, STARTTLS, EHLO and signing in, together. RFC 5321 allows minutes for each; a
/// server that needs them is down for those who wait behind.
const OPEN_LIMIT: Duration = Duration::from_secs(20);
/// One command and its answer. Servers that look an address up need a second or two.
const COMMAND_LIMIT: Duration = Duration::from_secs(10);
/// The mail and the answer to its last line: servers filter before they answer.
const CONTENT_LIMIT: Duration = Duration::from_secs(30);
/// Idle sessions: older ones are not used again, since servers close them after a minute or so.
const IDLE_MAX: Duration = Duration::from_secs(20);
/// Mails through one session. Servers limit them; a hundred makes the cost of opening small.
const MAILS_MAX: u32 = 100;

/// What a session sends: the envelope and the bytes of a mail.
pub(crate) struct Outgoing {
    pub(crate) from: Address,
    pub(crate) to: Address,
    pub(crate) bytes: Vec<u8>,
}

/// An open, signed-in connection.
pub(crate) struct Session {
    connection: AsyncSmtpConnection,
    mails: u32,
    idle_since: Instant,
}

/// A failed step.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) step: Step,
    pub(crate) cause: Cause,
}

impl Session {
    /// Connects, encrypts and signs in.
    pub(crate) async fn open(settings: &SmtpSettings, tls: Option<&TlsParameters>) -> Result<Self, Failure> {
        let deadline = Instant::now() + OPEN_LIMIT;
        let mut connection = within(deadline, Step::Connect, connect(settings, tls)).await?;
        if let Some((user, password)) = &settings.credentials {
            let credentials = Credentials::new(user.clone(), password.clone());
            let sign_in = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials);
            within(deadline, Step::SignIn, sign_in).await?;
        }
        Ok(Self { connection, mails: 0, idle_since: Instant::now() })
    }

    /// Sends one mail. After a failure that leaves the connection in order the session can go on
    /// ([`failure::leaves_connection`]).
    pub(crate) async fn send(&mut self, mail: &Outgoing) -> Result<Response, Failure> {
        self.mails += 1;
        let options = self.options(mail)?;
        let sender = Mail::new(Some(mail.from.clone()), options);
        self.command(Step::Sender, COMMAND_LIMIT, async |to| to.command(sender).await).await?;
        let recipient = Rcpt::new(mail.to.clone(), Vec::new());
        self.command(Step::Recipient, COMMAND_LIMIT, async |to| to.command(recipient).await).await?;
        self.command(Step::Data, COMMAND_LIMIT, async |to| to.command(Data).await).await?;
        let accepted =
            self.command(Step::Content, CONTENT_LIMIT, async |to| to.message(&mail.bytes).await).await;
        self.idle_since = Instant::now();
        accepted
    }

    /// Forgets a mail that failed half-way. `false` if the connection is of no more use.
    pub(crate) async fn reset(&mut self) -> bool {
        let reset = self.command(Step::Sender, COMMAND_LIMIT, async |to| to.command(Rset).await).await;
        self.idle_since = Instant::now();
        reset.is_ok()
    }

    /// Asks whether the server takes mails from this sender, and sends none.
    pub(crate) async fn probe(&mut self, from: Address) -> Result<(), Failure> {
        let sender = Mail::new(Some(from), Vec::new());
        self.command(Step::Sender, COMMAND_LIMIT, async |to| to.command(sender).await).await?;
        self.command(Step::Sender, COMMAND_LIMIT, async |to| to.command(Rset).await).await.map(drop)
    }

    /// Whether the session may send another mail.
    pub(crate) fn is_fresh(&self) -> bool {
        self.mails < MAILS_MAX && self.idle_since.elapsed() < IDLE_MAX
    }

    /// Addresses with letters that are no ASCII need a server that takes them (RFC 6531).
    fn options(&self, mail: &Outgoing) -> Result<Vec<MailParameter>, Failure> {
        let is_ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
        if is_ascii(&mail.from) && is_ascii(&mail.to) {
            return Ok(Vec::new());
        }
        let server = self.connection.server_info();
        let takes = |extension| server.supports_feature(extension);
        if takes(Extension::SmtpUtfEight) && takes(Extension::EightBitMime) {
            return Ok(vec![
                MailParameter::SmtpUtfEight,
                MailParameter::Body(MailBodyParameter::EightBitMime),
            ]);
        }
        Err(Failure { step: Step::Recipient, cause: Cause::Unsupported })
    }

    async fn command(
        &mut self,
        step: Step,
        limit: Duration,
        command: impl AsyncFnOnce(&mut AsyncSmtpConnection) -> Result<Response, SmtpError>,
    ) -> Result<Response, Failure> {
        within(Instant::now() + limit, step, command(&mut self.connection)).await
    }
}

async fn connect(
    settings: &SmtpSettings,
    tls: Option<&TlsParameters>,
) -> Result<AsyncSmtpConnection, SmtpError> {
    let hello = ClientId::default();
    let server = (settings.host.as_str(), settings.port);
    let at_once = tls.filter(|_| settings.encryption == Encryption::Tls).cloned();
    let limit = Some(OPEN_LIMIT);
    let mut connection = AsyncSmtpConnection::connect_tokio1(server, limit, &hello, at_once, None).await?;
    if let (Encryption::StartTls, Some(tls)) = (settings.encryption, tls) {
        connection.starttls(tls.clone(), &hello).await?;
    }
    Ok(connection)
}

async fn within<T>(
    deadline: Instant,
    step: Step,
    work: impl Future<Output = Result<T, SmtpError>>,
) -> Result<T, Failure> {
    match timeout_at(deadline, work).await {
        Ok(done) => done.map_err(|error| Failure { step, cause: Cause::Smtp(error) }),
        Err(_) => Err(Failure { step, cause: Cause::Late }),
    }
}

impl Failure {
    /// Whether the session can go on after it.
    pub(crate) fn leaves_connection(&self) -> bool {
        failure::leaves_connection(&self.cause)
    }

    /// Whether the session had ended before the mail.
    pub(crate) fn is_stale(&self) -> bool {
        failure::is_stale(self.step, &self.cause)
    }
}
