//! One connection to the mail server: how it is opened, and how a mail goes through it.
//!
//! Each step has a time limit of its own, since `lettre` has one for connecting only, and a limit for what
//! the server may send ([`Allowance`]). A session that failed in the middle of an answer is dropped, never
//! used again: the answer of one mail must not be taken for that of the next.

use crate::encryption::Encrypter;
use crate::failure::{self, Cause, Step};
use crate::settings::SmtpSettings;
use crate::stream::Allowance;
use lettre::Address;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::{Response, Severity};
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
    allowance: Allowance,
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
    pub(crate) async fn open(settings: &SmtpSettings, encrypter: &Encrypter) -> Result<Self, Failure> {
        let deadline = Instant::now() + OPEN_LIMIT;
        let allowance = Allowance::new();
        let connect = encrypter.connect(settings, &allowance);
        let mut connection = within(deadline, Step::Connect, &allowance, connect).await?;
        if let Some((user, password)) = &settings.credentials {
            let credentials = Credentials::new(user.clone(), password.clone());
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            let sign_in = async { Ok(connection.auth(&mechanisms, &credentials).await?) };
            within(deadline, Step::SignIn, &allowance, sign_in).await?;
        }
        Ok(Self { connection, allowance, mails: 0, idle_since: Instant::now() })
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
        let Self { connection, allowance, .. } = self;
        let answered = async { expected(step, command(connection).await?) };
        within(Instant::now() + limit, step, allowance, answered).await
    }
}

/// The answer, if it is the one that ends this step well. `lettre` also lets pass what asks for more.
fn expected(step: Step, answer: Response) -> Result<Response, Cause> {
    let wanted =
        if step == Step::Data { Severity::PositiveIntermediate } else { Severity::PositiveCompletion };
    if answer.code().severity == wanted { Ok(answer) } else { Err(Cause::Unexpected(answer.code().into())) }
}

/// The work of one step, which ends in time and reads a limited number of bytes.
async fn within<T>(
    deadline: Instant,
    step: Step,
    allowance: &Allowance,
    work: impl Future<Output = Result<T, Cause>>,
) -> Result<T, Failure> {
    allowance.renew();
    match timeout_at(deadline, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) if allowance.is_used_up() => Err(Failure { step, cause: Cause::Endless }),
        Ok(Err(cause)) => Err(Failure { step, cause }),
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
