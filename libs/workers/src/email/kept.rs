//! The mail of a window from its first try on.
//!
//! A mail is kept with its window before the mail server gets it. While it may have been taken, what is sent
//! again for the window is this mail, byte for byte: a mail client drops the second of two mails with one
//! `Message-ID`, and what it would say beyond the first would be lost. Once a server has said that it did not
//! take the mail, it is forgotten, and the next try says how things are by then.

use super::EmailWorker;
use super::tried::{Tried, left_out};
use super::trouble::Trouble;
use crate::notify::again::Remaining;
use eventflow_ports::{KeptMail, Mailbox};
use eventflow_protocol::outbound::{
    About, Channel, DeliveryEntry, DeliveryOutcome, Reason, Window, WindowId,
};

impl EmailWorker {
    /// Sends the mail of a window: the one that its recipient may have already, else a new one.
    pub(super) async fn send_mail(
        &self,
        window: &Window,
        remaining: &Remaining,
        to: Mailbox,
    ) -> Result<Tried, Trouble> {
        let outbound = &self.parts.outbound;
        // Another address has not got it.
        let before = outbound.kept_mail(window.id).await?.filter(|kept| kept.mail.to.address == to.address);
        let is_first = before.is_none();
        let KeptMail { mail, left_out } = if let Some(kept) = before {
            kept
        } else {
            let mail = self.mail(window, remaining, to).await?;
            let kept = KeptMail { mail, left_out: left_out(remaining) };
            outbound.keep_mail(window.id, Some(&kept)).await?;
            kept
        };
        let outcome = self.hand_over(window.id, &mail).await;
        if is_first && matches!(outcome, Err(Trouble::Unsent { perhaps_sent: false, .. })) {
            self.forget_mail(window.id).await;
        }
        Ok(Tried { outcome, left_out })
    }

    /// If it fails, the same mail is tried again.
    async fn forget_mail(&self, id: WindowId) {
        if let Err(error) = self.parts.outbound.keep_mail(id, None).await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, window = %id, "a mail that was not sent is repeated as it is");
        }
    }

    /// The rows with which a window closes whose mail had this outcome.
    pub(super) fn rows_but(
        &self,
        window: &Window,
        left_out: &[(About, Reason)],
        outcome: &DeliveryOutcome,
    ) -> Vec<DeliveryEntry> {
        let now = self.parts.clock.now();
        let of = |about: About| {
            let reason = left_out.iter().find(|(left_out, _)| *left_out == about).map(|(_, reason)| *reason);
            reason.map_or_else(|| outcome.clone(), |reason| DeliveryOutcome::Suppressed { reason })
        };
        let row = |about| {
            let user = window.user_id.clone();
            DeliveryEntry::new(user, Channel::Email, about, Some(window.id), of(about), now)
        };
        window.items.iter().map(|told| row(told.about)).collect()
    }
}
