//! The mailer: takes a session, sends the mail, and says what became of it.
//!
//! A session that the server had closed while it was idle is replaced by a new one, once and before anything
//! of the mail was sent. Everything else is the caller's to repeat.

use crate::answer;
use crate::encryption::{Encrypter, OpenError};
use crate::failure;
use crate::mime::{self, UnfitMail};
use crate::pool::Pool;
use crate::session::{Failure, Outgoing, Session};
use crate::settings::SmtpSettings;
use async_trait::async_trait;
use eventflow_ports::mailer::RefusedPart;
use eventflow_ports::{Accepted, Mail, MailError, Mailer};
use eventflow_protocol::MailAddress;
use lettre::transport::smtp::response::Response;

/// Sends mails to one mail server. Share it in an `Arc`.
pub struct SmtpMailer {
    settings: SmtpSettings,
    encrypter: Encrypter,
    pool: Pool,
}

impl SmtpMailer {
    /// A mailer with these settings. It connects with the first mail.
    pub fn new(settings: SmtpSettings) -> Result<Self, OpenError> {
        let encrypter = Encrypter::new(&settings)?;
        Ok(Self { settings, encrypter, pool: Pool::new() })
    }

    async fn open(&self) -> Result<Session, Failure> {
        Session::open(&self.settings, &self.encrypter).await
    }

    async fn hand_over(&self, mail: &Outgoing) -> Result<Response, Failure> {
        if let Some(session) = self.pool.take() {
            match self.send_through(session, mail).await {
                Err(failure) if failure.is_stale() => {
                    tracing::debug!("the mail server had closed an idle connection");
                }
                done => return done,
            }
        }
        let session = self.open().await?;
        self.send_through(session, mail).await
    }

    async fn send_through(&self, mut session: Session, mail: &Outgoing) -> Result<Response, Failure> {
        let sent = session.send(mail).await;
        let goes_on = match &sent {
            Ok(_) => true,
            Err(failure) => failure.leaves_connection() && session.reset().await,
        };
        if goes_on {
            self.pool.give_back(session);
        }
        sent
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<Accepted, MailError> {
        let outgoing = mime::outgoing(mail, &self.settings.headers).map_err(|unfit| unwritable(&unfit))?;
        let _room = self.pool.enter().await;
        match self.hand_over(&outgoing).await {
            Ok(response) => Ok(Accepted { answer: accepted(&response) }),
            Err(failure) => Err(error(&failure)),
        }
    }

    async fn probe(&self, from: &MailAddress) -> Result<(), MailError> {
        let from = mime::address(from).map_err(|unfit| unwritable(&unfit))?;
        let _room = self.pool.enter().await;
        // A new connection says more than one that is open, and takes the place of one that is idle.
        drop(self.pool.take());
        let mut session = self.open().await.map_err(|failure| error(&failure))?;
        session.probe(from).await.map_err(|failure| error(&failure))?;
        self.pool.give_back(session);
        Ok(())
    }

    fn provider(&self) -> &'static str {
        self.settings.provider
    }
}

fn error(Failure { step, cause }: &Failure) -> MailError {
    failure::classify(*step, cause)
}

fn accepted(response: &Response) -> String {
    let text = response.message().collect::<Vec<_>>().join(" ");
    answer::accepted(&response.code().to_string(), &text)
}

fn unwritable(unfit: &UnfitMail) -> MailError {
    MailError::Refused { what: RefusedPart::Mail, answer: format!("the mail cannot be written: {unfit}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Cause, Step};

    #[test]
    fn a_failure_without_an_answer_is_the_providers() {
        let late = Failure { step: Step::Content, cause: Cause::Late };
        let MailError::Temporary { perhaps_sent, .. } = error(&late) else { panic!("it may pass") };
        assert!(perhaps_sent && error(&late).is_of_the_provider());
    }
}
