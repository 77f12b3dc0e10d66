//! The mail server: handing a mail over, and deciding whether the server is to blame for what fails.
//!
//! In goes a mail; out comes what became of it. A failure that may pass always sends its own mail up the
//! retry ladder. Only a probe that fails too stops the others.

use super::breaker::{Admission, BreakerOpen};
use super::{EmailWorker, Trouble};
use eventflow_bus::handler::Unavailable;
use eventflow_bus::settle::Outcome;
use eventflow_metrics::MailOutcome;
use eventflow_ports::mailer::RefusedPart;
use eventflow_ports::{Accepted, Mail, MailError};
use eventflow_protocol::MailAddress;
use eventflow_protocol::mail::{ChangeSuppression, SuppressionChange, SuppressionReason};
use eventflow_protocol::outbound::{DeliveryOutcome, WindowId};
use std::time::Instant;

impl EmailWorker {
    /// Hands a mail over. `Ok` says what became of it for ever.
    pub(super) async fn hand_over(&self, window: WindowId, mail: &Mail) -> Result<DeliveryOutcome, Trouble> {
        let started = Instant::now();
        let sent = self.parts.mailer.send(mail).await;
        self.series.send_seconds.observe(started.elapsed().as_secs_f64());
        self.series.mails.of(label(&sent)).inc();
        match sent {
            Ok(accepted) => {
                self.breaker.succeeded();
                let provider = self.parts.mailer.provider().to_owned();
                Ok(DeliveryOutcome::Sent { provider, answer: accepted.answer })
            }
            Err(MailError::Refused { what, answer }) => {
                self.breaker.succeeded();
                if what == RefusedPart::Address {
                    self.suppress(&mail.to.address, &answer).await?;
                }
                Ok(DeliveryOutcome::Failed { answer })
            }
            Err(error @ (MailError::Broken { .. } | MailError::Temporary { .. })) => {
                self.suspect(window, &error).await;
                let perhaps_sent = matches!(error, MailError::Temporary { perhaps_sent: true, .. });
                let (outcome, answer) = (Outcome::retry_for(&error), error.answer().to_owned());
                Err(Trouble::Unsent { outcome, answer, rows: Vec::new(), perhaps_sent })
            }
        }
    }

    /// Asks the mail server whether it is to blame for a failure, if that is likely: several mails have
    /// failed, or it says that it takes none.
    async fn suspect(&self, window: WindowId, error: &MailError) {
        let takes_none = matches!(error, MailError::Broken { .. });
        if !error.is_of_the_provider() || !(self.breaker.failed(window) || takes_none) {
            return;
        }
        if let Err(error) = self.probe().await {
            self.breaker.outage_found(self.parts.clock.now());
            tracing::warn!(error = &error as &dyn std::error::Error, "mails wait for the mail server");
        }
        self.show_breaker();
    }

    async fn probe(&self) -> Result<(), MailError> {
        self.parts.mailer.probe(&self.parts.settings.from.address).await
    }

    /// An address that its server refuses gets no more mail.
    async fn suppress(&self, address: &MailAddress, answer: &str) -> Result<(), Trouble> {
        let change =
            SuppressionChange::Suppress { reason: SuppressionReason::Refused, detail: answer.to_owned() };
        let change = ChangeSuppression { address: address.clone(), change, at: self.parts.clock.now() };
        self.parts.suppressions.change_suppression(&change).await?;
        Ok(())
    }

    /// Asks the mail server again, if it has failed and it is time to.
    pub(super) async fn admit(&self) -> Result<(), Unavailable> {
        match self.breaker.admission(self.parts.clock.now()) {
            Admission::Open => Ok(()),
            Admission::Wait => Err(Unavailable::new("the mail server", BreakerOpen)),
            Admission::Probe => {
                let probed = self.probe().await;
                match &probed {
                    Ok(()) => self.breaker.succeeded(),
                    Err(_) => self.breaker.probe_failed(self.parts.clock.now()),
                }
                self.show_breaker();
                probed.map_err(|error| Unavailable::new("the mail server", error))
            }
        }
    }

    fn show_breaker(&self) {
        self.series.breaker_open.set(i64::from(self.breaker.is_paused()));
    }
}

fn label(sent: &Result<Accepted, MailError>) -> MailOutcome {
    match sent {
        Ok(_) => MailOutcome::Accepted,
        Err(MailError::Temporary { perhaps_sent: true, .. }) => MailOutcome::Unknown,
        Err(MailError::Temporary { perhaps_sent: false, .. }) => MailOutcome::Later,
        Err(MailError::Refused { what: RefusedPart::Address, .. }) => MailOutcome::AddressRefused,
        Err(MailError::Refused { what: RefusedPart::Mail, .. }) => MailOutcome::MailRefused,
        Err(MailError::Broken { .. }) => MailOutcome::Broken,
    }
}
