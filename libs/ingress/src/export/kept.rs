//! What is kept of a person outside of threads.

use super::{Export, ExportError, Moment, next};
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{
    BlockPage, DeliveriesOf, DeliveryPage, DraftPage, NotificationPage, ReportPage, ScheduledPage,
};
use eventflow_protocol::client::answers::{ExportRecord, SuppressedAddress};
use eventflow_protocol::{MailAddress, UserId};
use uuid::Uuid;

impl Export {
    pub(super) async fn kept(&mut self) -> Result<(), ExportError> {
        self.person().await?;
        self.blocks().await?;
        self.devices().await?;
        self.drafts().await?;
        self.scheduled().await?;
        self.notifications().await?;
        self.deliveries().await?;
        self.reports(false).await?;
        self.reports(true).await?;
        self.files().await
    }

    async fn person(&mut self) -> Result<(), ExportError> {
        let edge = self.edge.clone();
        let user = self.user.clone();
        let profile = edge.directory.profiles(std::slice::from_ref(&user)).await?.remove(&user);
        let address =
            profile.as_ref().and_then(|profile| profile.email.as_ref()?.parse::<MailAddress>().ok());
        self.send(ExportRecord::Person { profile }).await?;
        for revocation in edge.directory.revocations(&user).await? {
            let (at, session) = (revocation.at, revocation.session);
            self.send(ExportRecord::Revocation { at, session }).await?;
        }
        let preferences = edge.inbox.preferences(&user).await?;
        self.send(ExportRecord::Preferences { preferences }).await?;
        if let Some(address) = address
            && let Some(found) = edge.suppressions.suppression(&address).await?
        {
            self.send(ExportRecord::Suppression { suppression: SuppressedAddress::from(found) }).await?;
        }
        Ok(())
    }

    async fn blocks(&mut self) -> Result<(), ExportError> {
        let mut after: Option<UserId> = None;
        loop {
            let page = BlockPage { after: after.take(), limit: PAGE_MAX };
            let found = self.edge.apart.blocks().blocks_of(&self.user, page).await?;
            after = next(&found, |last| last.other.clone());
            for block in found {
                self.send(ExportRecord::Block { at: block.at, user_id: block.other }).await?;
            }
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn devices(&mut self) -> Result<(), ExportError> {
        for device in self.edge.devices.devices_of(&self.user).await? {
            self.send(ExportRecord::Device { device: device.into() }).await?;
        }
        Ok(())
    }

    async fn drafts(&mut self) -> Result<(), ExportError> {
        let mut after = None;
        loop {
            let page = DraftPage { after, limit: PAGE_MAX };
            let found = self.edge.drafts.drafts_of(&self.user, page).await?;
            after = next(&found, |last| (last.updated_at.unwrap_or_default(), last.thread_id));
            for draft in found {
                self.send(ExportRecord::Draft { draft: draft.into() }).await?;
            }
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn scheduled(&mut self) -> Result<(), ExportError> {
        let mut after = None;
        loop {
            let page = ScheduledPage { after, limit: PAGE_MAX };
            let found = self.edge.scheduled.scheduled_of(&self.user, page).await?;
            after = next(&found, |last| (last.send_at, last.id));
            for kept in found {
                self.send(ExportRecord::Scheduled { scheduled: kept.into() }).await?;
            }
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn notifications(&mut self) -> Result<(), ExportError> {
        let mut after = None;
        loop {
            let page = NotificationPage { unread_only: false, after, skip: 0, limit: PAGE_MAX };
            let found = self.edge.inbox.notifications_of(&self.user, page).await?;
            after = next(&found, |last| (last.created_at, last.id));
            for notification in found {
                self.send(ExportRecord::Notification { notification }).await?;
            }
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn deliveries(&mut self) -> Result<(), ExportError> {
        let of = DeliveriesOf::User(self.user.clone());
        let mut after: Moment<Uuid> = None;
        loop {
            let page = DeliveryPage { after, limit: PAGE_MAX };
            let found = self.edge.outbound.deliveries_of(&of, page).await?;
            after = next(&found, |last| (last.at, last.id));
            for entry in found {
                self.send(ExportRecord::Delivery { delivery: entry.into() }).await?;
            }
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Reports are few, and no index has their authors: all of them are looked through.
    async fn reports(&mut self, is_handled: bool) -> Result<(), ExportError> {
        let mut after = None;
        loop {
            let page = ReportPage { is_handled, after, limit: PAGE_MAX };
            let found = self.edge.reports.reports(page).await?;
            after = next(&found, |last| (last.created_at, last.id));
            for report in found {
                if report.reporter == self.user {
                    self.send(ExportRecord::of_report(report)).await?;
                }
            }
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn files(&mut self) -> Result<(), ExportError> {
        let mut after = None;
        loop {
            let found = self.erasures().uploads_of(&self.user, after, PAGE_MAX).await?;
            after = next(&found, |last| last.id);
            for upload in found {
                self.send(ExportRecord::File(upload.into())).await?;
            }
            if after.is_none() {
                return Ok(());
            }
        }
    }
}
