//! A person of whom the store has something of every kind, each with a word that nothing else has.

use crate::dead_letters::Kept;
use crate::mailer::{Mail, MailId, Mailbox};
use crate::outbound::{DeliveriesOf, DeliveryPage, Held, Hold, KeptMail};
use crate::outbox::OutboxItem;
use crate::push_devices::Shown;
use crate::reports::ReportPage;
use crate::scheduled::ScheduledPage;
use crate::search::block::{block_of_edited, catch_up};
use crate::store::PAGE_MAX;
use crate::store_contract::fixtures::{Scene, append, at, change, change_one, commanded, fresh_people, say};
use crate::{BlockPage, DraftPage, NotificationPage, WholeStore};
use eventflow_protocol::blocks::ChangeBlock;
use eventflow_protocol::change::{Change, Changed, Wish};
use eventflow_protocol::codec;
use eventflow_protocol::command::{Command, LeaveThread};
use eventflow_protocol::content::Content;
use eventflow_protocol::dead_letters::{Arrival, Carried, Cause, DeadLetterId};
use eventflow_protocol::document::{Attachment, AttachmentKind, Message};
use eventflow_protocol::drafts::SaveDraft;
use eventflow_protocol::erasure::nobody;
use eventflow_protocol::inbox::{Channels, Notification, Notify, Preferences, SetPreferences};
use eventflow_protocol::mail::{ChangeSuppression, SuppressionChange, SuppressionReason};
use eventflow_protocol::outbound::{About, Channel, DeliveryEntry, DeliveryOutcome, Told, WaitsFor};
use eventflow_protocol::pairing::{Leg, Pairing};
use eventflow_protocol::person::{Profile, Revocation, TokenName};
use eventflow_protocol::push::{PushDevice, PushTarget};
use eventflow_protocol::reports::{HandleReport, Report, ReportMessage, ReportReason};
use eventflow_protocol::scheduled::ScheduleMessage;
use eventflow_protocol::uploads::{FileUse, Upload};
use eventflow_protocol::{CommandId, MailAddress, NotificationId, ScheduledId, UserId};
use serde_json::Map;
use uuid::Uuid;

/// What is looked for, in lower case: it is in whatever the person wrote, in their name and in their address.
pub const NAMED: [&str; 2] = ["xylophone", "zwiebelfisch"];
/// In how many tables or collections something of it is before the erasure, at least: each kind of data has
/// one, and whoever writes a new kind raises it.
pub const KINDS: usize = 18;

/// Their name.
const NAME: &str = "Xenia Zwiebelfisch";

/// Something of every kind, of one person.
pub struct World {
    /// The person.
    pub user: UserId,
    /// Their thread with two others; they come first in it.
    pub scene: Scene,
    /// A dead letter that carries a message of theirs.
    pub letter: DeadLetterId,
    other: UserId,
}

impl World {
    /// Writes something of every kind.
    pub async fn fill(store: &dyn WholeStore) -> Self {
        let mut people = fresh_people(3);
        people.sort_unstable();
        let scene = Scene::between(store, people.clone()).await;
        let letter = DeadLetterId::of_envelope(Carried::Command, Uuid::now_v7());
        let (user, other) = (people[0].clone(), people[1].clone());
        let world = Self { user, scene, letter, other };
        world.say(store).await;
        world.leave_another_thread(store).await;
        world.be_known(store).await;
        world.prepare(store).await;
        world.be_told(store).await;
        world.be_reported(store).await;
        world.upload(store).await;
        world.fail(store).await;
        world
    }

    /// Their address.
    pub fn address(&self) -> MailAddress {
        format!("xenia.{}@zwiebelfisch.example", self.letter.envelope.simple()).parse().expect("it is one")
    }

    /// How they are shown afterwards.
    pub fn nobody(&self) -> Profile {
        nobody(self.user.clone())
    }

    async fn say(&self, store: &dyn WholeStore) {
        let mut keyed = self.scene.say_keyed(0, "the first xylophone", "xylophone-key");
        keyed.send.client_message_id = Some(format!("xylophone-{}", self.letter.envelope));
        keyed.send.attachments = vec![file("xylophone.pdf")];
        let mut paired = self.scene.say(0, "a xylophone by two ways");
        paired.send.pairing = Some(Pairing {
            key: format!("xylophone {}", self.letter.envelope),
            leg: Leg::Socket,
            opened_at: None,
        });
        let mut mentioning = self.scene.say(1, "I mean you");
        mentioning.send.mentions = vec![self.user.clone()];
        let plain = self.scene.say(0, "taken back: xylophone");
        let messages = append(store, &[keyed, paired, mentioning, plain]).await;
        store.touch_threads(&messages).await.expect("touch");
        catch_up(store, &[self.scene.thread]).await.expect("index");
        let content = Content::parse("the second xylophone").expect("it is content");
        let edit = Change::Edit { content, mentions: None };
        if let Changed::Done(edited, _) = change_one(store, &change(&messages[0], &self.user, edit, 5)).await
        {
            store.add_edited(&[block_of_edited(&edited)]).await.expect("index");
        }
        let react = Change::React { emoji: "👍".to_owned(), wish: Wish::Add };
        change_one(store, &change(&messages[2], &self.user, react, 6)).await;
        change_one(store, &change(&messages[3], &self.user, Change::Delete, 7)).await;
    }

    async fn leave_another_thread(&self, store: &dyn WholeStore) {
        let left = Scene::between(store, self.scene.people.clone()).await;
        let said = append(store, &[say(left.thread, &self.user, "a xylophone that was left")]).await;
        store.touch_threads(&said).await.expect("touch");
        catch_up(store, &[left.thread]).await.expect("index");
        let leave = LeaveThread { thread_id: left.thread, user_id: self.user.clone(), at: at(8) };
        store.leave(&commanded(leave)).await.expect("leave");
    }

    async fn be_known(&self, store: &dyn WholeStore) {
        let profile = Profile {
            id: self.user.clone(),
            name: NAME.to_owned(),
            avatar: Some("/pictures/xylophone.png".to_owned()),
            email: Some(self.address().as_str().to_owned()),
            role: Some("xylophone player".to_owned()),
        };
        store.put_profile(&profile).await.expect("write a profile");
        let name = TokenName { user_id: self.user.clone(), name: NAME.to_owned() };
        store.note_token_name(&name).await.expect("note a name");
        let session = Some("xylophone session".to_owned());
        let ended = Revocation { user_id: self.user.clone(), session, at: at(1) };
        store.revoke(&ended).await.expect("revoke");
        let channels = Channels { in_app: true, email: false, push: false };
        let types = [("xylophone lessons".to_owned(), channels.into())].into();
        let preferences = Preferences { types, ..Preferences::default() };
        let set = SetPreferences { user_id: self.user.clone(), preferences };
        store.set_preferences(&set).await.expect("set preferences");
        let suppress = SuppressionChange::Suppress {
            reason: SuppressionReason::Bounce,
            detail: "no zwiebelfisch here".to_owned(),
        };
        let address = self.address();
        let change = ChangeSuppression { address, change: suppress, at: at(2) };
        store.change_suppression(&change).await.expect("suppress");
        let other = self.other.clone();
        let block =
            ChangeBlock { user_id: self.user.clone(), other, is_blocked: true, key: None, at: at(90) };
        store.change_block(&commanded(block)).await.expect("block");
    }

    async fn prepare(&self, store: &dyn WholeStore) {
        let save = SaveDraft {
            thread_id: self.scene.thread,
            user_id: self.user.clone(),
            content: Content::parse("a xylophone that is not finished").expect("it is content"),
            reply_to: None,
            based_on: None,
            at: at(3),
        };
        store.save_draft(&commanded(save)).await.expect("save a draft");
        let mut message = self.scene.say(0, "a xylophone of tomorrow").send;
        message.client_message_id = Some("xylophone-later".to_owned());
        let id = ScheduledId::of_key(&self.user, &self.letter.to_string());
        let new = ScheduleMessage { id, message, send_at: at(100_000) };
        store.schedule(&new).await.expect("schedule");
    }

    async fn be_told(&self, store: &dyn WholeStore) {
        let hidden = Notification { is_hidden: true, ..self.notification() };
        store.add_notifications(&[self.notification(), hidden]).await.expect("notify");
        let about = About::Notification { notification_id: NotificationId::from(CommandId::new()) };
        let told = Told { about, at: at(0), critical: false, was_online: false };
        let hold = Hold {
            user_id: self.user.clone(),
            channel: Channel::Email,
            told,
            due_at: at(60),
            waits_for: WaitsFor::Digest,
            now: at(0),
            again: false,
        };
        let waiting = store.hold(&[hold]).await.expect("hold").remove(0);
        let Held::Opened(window) = waiting else { panic!("it opened no window: {waiting:?}") };
        store.keep_mail(window, Some(&self.mail())).await.expect("keep a mail");
        let outcome = DeliveryOutcome::Sent {
            provider: "smtp".to_owned(),
            answer: format!("250 sent to {}", self.address().as_str()),
        };
        let entry =
            DeliveryEntry::new(self.user.clone(), Channel::Email, about, Some(window), outcome, at(2));
        store.log_deliveries(&[entry]).await.expect("log");
        let token = format!("token-{}", self.letter.envelope);
        let phone = PushDevice::new(
            self.user.clone(),
            PushTarget::Fcm { token },
            "xylophone phone".to_owned(),
            at(1),
        );
        store.register_device(&phone).await.expect("register");
        let shown = Shown {
            device_id: phone.id,
            user_id: self.user.clone(),
            tag: "xylophone tag".to_owned(),
            push: "a push".to_owned(),
            seq: 1,
            at: at(3),
        };
        store.note_shown(&[shown]).await.expect("note");
        let item = OutboxItem {
            id: format!("mail.{}", self.letter.envelope),
            channel: Channel::Email,
            to: format!("{NAME} <{}>", self.address().as_str()),
            title: "a xylophone".to_owned(),
            text: "xylophone".to_owned(),
            html: None,
            headers: Vec::new(),
            at: at(4),
        };
        store.keep(&item).await.expect("keep");
    }

    async fn be_reported(&self, store: &dyn WholeStore) {
        let newest = self.newest(store).await;
        let report = |reporter: &UserId, message: &Message, text: &str| ReportMessage {
            reporter: reporter.clone(),
            reason: ReportReason::Spam,
            text: text.to_owned(),
            message: message.into(),
            at: at(9),
        };
        let about_them = report(&self.other, &newest, "too loud");
        store.add_report(&about_them).await.expect("report");
        let mut others = newest.clone();
        others.id = CommandId::new().into();
        others.sender_id = self.other.clone();
        "a drum".clone_into(&mut others.content);
        others.attachments.clear();
        let by_them = store.add_report(&report(&self.user, &others, "no xylophone")).await.expect("report").0;
        let (id, thread_id) = (by_them.id, self.scene.thread);
        let handled = HandleReport { id, thread_id, by: self.other.clone(), note: String::new(), at: at(10) };
        store.handle_report(&handled).await.expect("handle");
    }

    async fn upload(&self, store: &dyn WholeStore) {
        let mut upload = Upload::begin(self.user.clone(), "xylophone.png".to_owned(), Some(3), 3, at(1));
        upload.uses = vec![FileUse { message_id: self.newest(store).await.id, thread_id: self.scene.thread }];
        assert!(store.add_upload(&upload).await.expect("add"));
    }

    async fn fail(&self, store: &dyn WholeStore) {
        let send = self.scene.say(0, "a xylophone that nobody could store").send;
        let body = codec::encode(&Command::SendMessage(send)).expect("it encodes");
        let arrival = Arrival {
            id: self.letter,
            queue: "persist.0".to_owned(),
            origin: "persist.0".to_owned(),
            kind: Some("send_message".to_owned()),
            cause: Cause::Refused,
            reason: "the store refused".to_owned(),
            attempts: 1,
            body,
            at: at(5),
        };
        assert_eq!(store.keep_letters(&[arrival]).await.expect("keep"), [Kept::New]);
    }

    fn notification(&self) -> Notification {
        let notify = Notify {
            user_id: self.user.clone(),
            kind: "lesson".to_owned(),
            title: "Your xylophone".to_owned(),
            text: "is tuned".to_owned(),
            data: Map::new(),
            thread_id: None,
            key: None,
            typed: None,
            at: at(2),
        };
        Notification::new(NotificationId::from(CommandId::new()), notify)
    }

    fn mail(&self) -> KeptMail {
        let mail = Mail {
            from: Mailbox { name: None, address: "from@example.com".parse().expect("it is one") },
            to: Mailbox { name: Some(NAME.to_owned()), address: self.address() },
            subject: "a xylophone".to_owned(),
            text: "xylophone".to_owned(),
            html: "<p>xylophone".to_owned(),
            id: MailId::new("mail", "1", "example.com"),
            in_reply_to: None,
            unsubscribe: None,
            language: "en".to_owned(),
            at: at(60),
        };
        KeptMail { mail, left_out: Vec::new() }
    }

    /// Their newest message that was not taken back.
    async fn newest(&self, store: &dyn WholeStore) -> Message {
        let page = crate::MessagePage { limit: PAGE_MAX, ..crate::MessagePage::default() };
        let messages = store.messages(self.scene.thread, page).await.expect("read");
        let theirs = |message: &Message| message.sender_id == self.user && message.deleted_at.is_none();
        messages.into_iter().rev().find(theirs).expect("they have said something")
    }

    /// Reports of theirs, and about what they said.
    pub async fn reports(&self, store: &dyn WholeStore) -> Vec<Report> {
        let mut found = Vec::new();
        for is_handled in [false, true] {
            let page = ReportPage { is_handled, after: None, limit: PAGE_MAX };
            found.extend(store.reports(page).await.expect("list"));
        }
        found.retain(|report| report.reporter == self.user || report.message.sender_id == self.user);
        found
    }

    /// What of theirs alone the store has, kind by kind.
    pub async fn kinds_there(&self, store: &dyn WholeStore) -> Vec<(&'static str, bool)> {
        let user = &self.user;
        let drafts = store.drafts_of(user, DraftPage { after: None, limit: 10 }).await.expect("list");
        let scheduled =
            store.scheduled_of(user, ScheduledPage { after: None, limit: 10 }).await.expect("list");
        let page = NotificationPage { unread_only: false, after: None, skip: 0, limit: 10 };
        let notifications = store.notifications_of(user, page).await.expect("list");
        let of = DeliveriesOf::User(user.clone());
        let deliveries =
            store.deliveries_of(&of, DeliveryPage { after: None, limit: 10 }).await.expect("list");
        let devices = store.devices_of(user).await.expect("list");
        let blocks = store.blocks_of(user, BlockPage { after: None, limit: 10 }).await.expect("list");
        let profile = store.profiles(std::slice::from_ref(user)).await.expect("read").remove(user);
        let email = profile.and_then(|profile| profile.email);
        let suppression = store.suppression(&self.address()).await.expect("read");
        let preferences = store.preferences(user).await.expect("read");
        let logins = store.revocations(user).await.expect("read");
        vec![
            ("drafts", !drafts.is_empty()),
            ("scheduled", !scheduled.is_empty()),
            ("notifications", !notifications.is_empty()),
            ("deliveries", !deliveries.is_empty()),
            ("devices", !devices.is_empty()),
            ("blocks", !blocks.is_empty()),
            ("address", email.is_some()),
            ("suppression", suppression.is_some()),
            ("preferences", preferences != Preferences::default()),
            ("logins", logins.iter().any(|login| login.session.is_some())),
        ]
    }
}

fn file(filename: &str) -> Attachment {
    Attachment {
        kind: AttachmentKind::Document,
        url: format!("https://files.example/{filename}"),
        filename: filename.to_owned(),
        size: 7,
        mime_type: "application/pdf".to_owned(),
        metadata: Map::new(),
        id: None,
        thumbnail_url: None,
        width: None,
        height: None,
    }
}
