//! The e-mail stage on the embedded store, with a mailer that does what a test says.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod mail_desk;

use eventflow_bus::handler::BatchHandler;
use eventflow_bus::settle::{Outcome, RETRY_LIMIT};
use eventflow_ports::mailer::{Blame, MailError, RefusedPart};
use eventflow_ports::store_contract::fixtures::{Scene, commanded};
use eventflow_ports::{Directory, Held, Inbox, Outbound, Store, Suppressions};
use eventflow_protocol::change::{AdvanceCursor, Change, ChangeMessage, Cursor};
use eventflow_protocol::command::LeaveThread;
use eventflow_protocol::inbox::{Preferences, SetPreferences};
use eventflow_protocol::mail::SuppressionReason;
use eventflow_protocol::outbound::{Channel, DeliveryOutcome, Reason, WaitsFor};
use eventflow_protocol::person::Profile;
use eventflow_protocol::schedule::{QuietHours, TimeZoneName};
use eventflow_protocol::{CommandId, Timestamp};
use mail_desk::{Desk, NOW, job};
use std::time::Duration;

fn later(blame: Blame) -> MailError {
    MailError::Temporary { blame, answer: "450 4.2.0 busy (RCPT TO)".to_owned(), perhaps_sent: false }
}

/// The connection ends behind the last line of a mail.
fn breaks() -> MailError {
    let answer = "the connection failed (the mail)".to_owned();
    MailError::Temporary { blame: Blame::Provider, answer, perhaps_sent: true }
}

#[tokio::test]
async fn a_window_is_one_mail_and_every_repetition_none() {
    let desk = Desk::new().await;
    let scene = desk.thread_with_address(0).await;
    let window = desk.window_of(&scene, 3).await;
    assert_eq!(desk.deliver(&[&window]).await, [Outcome::Done]);
    assert_eq!(desk.deliver(&[&window, &window]).await, [Outcome::Done, Outcome::Done]);
    let mails = desk.mails();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(mail.to.address.as_str(), "bob@example.com");
    assert_eq!(mail.id.to_string(), format!("<mail.{}@example.com>", window.id));
    assert_eq!(
        mail.in_reply_to.as_ref().unwrap().to_string(),
        format!("<thread.{}@example.com>", scene.thread)
    );
    assert!(mail.text.contains("message 0") && mail.text.contains("message 2"), "{}", mail.text);
    assert!(mail.html.contains(&format!("https://chat.example.com/#{}", scene.thread)), "{}", mail.html);
    let link = mail.unsubscribe.as_ref().unwrap();
    let token = link.strip_prefix("https://chat.example.com/api/v2/unsubscribe/").unwrap();
    assert_eq!(desk.unsubscribe.user(token, NOW).unwrap(), scene.people[1]);
    assert!(mail.text.contains(link) && mail.html.contains(link));
    let sent = desk.outcomes(&scene.people[1]).await;
    let provider = |outcome: &DeliveryOutcome| matches!(outcome, DeliveryOutcome::Sent { provider, .. } if provider == "scripted");
    assert_eq!(sent.iter().filter(|outcome| provider(outcome)).count(), 3, "{sent:?}");
}

#[tokio::test]
async fn what_was_read_or_taken_back_or_unwanted_meanwhile_is_not_mailed() {
    let desk = Desk::new().await;
    for reason in [Reason::Read, Reason::TakenBack, Reason::Left, Reason::Preference, Reason::Muted] {
        let scene = desk.thread_with_address(0).await;
        let window = desk.window_of(&scene, 1).await;
        let bob = scene.people[1].clone();
        match reason {
            Reason::Read => {
                let (thread_id, user_id) = (scene.thread, bob.clone());
                let read = AdvanceCursor { thread_id, user_id, cursor: Cursor::Read, up_to: None, at: NOW };
                desk.store.advance(&[read]).await.unwrap();
            }
            Reason::TakenBack => desk.take_back(&scene, &window).await,
            Reason::Left => {
                let leave = LeaveThread { thread_id: scene.thread, user_id: bob.clone(), at: NOW };
                desk.store.leave(&commanded(leave)).await.unwrap();
            }
            Reason::Muted => {
                let mute = eventflow_protocol::schedule::Mute { thread_id: scene.thread, until: None };
                desk.prefer(&bob, |preferences| preferences.mutes.push(mute)).await;
            }
            _ => desk.prefer(&bob, |preferences| preferences.channels.email = false).await,
        }
        assert_eq!(desk.deliver(&[&window]).await, [Outcome::Done], "{reason:?}");
        assert_eq!(desk.mails(), [], "{reason:?}");
        let outcomes = desk.outcomes(&bob).await;
        assert!(outcomes.contains(&DeliveryOutcome::Suppressed { reason }), "{reason:?}: {outcomes:?}");
    }
}

#[tokio::test]
async fn somebody_without_a_usable_address_gets_a_reason_instead_of_a_mail() {
    let desk = Desk::new().await;
    for email in [None, Some("not an address"), Some("bob@example.com\r\nBcc: eve@example.com")] {
        let scene = Scene::with_people(&*desk.store, 2).await;
        let bob = scene.people[1].clone();
        let profile = Profile {
            id: bob.clone(),
            name: "Bob".into(),
            avatar: None,
            email: email.map(str::to_owned),
            role: None,
        };
        desk.store.put_profile(&profile).await.unwrap();
        let window = desk.window_of(&scene, 1).await;
        assert_eq!(desk.deliver(&[&window]).await, [Outcome::Done]);
        let reason = Reason::NoAddress;
        assert!(desk.outcomes(&bob).await.contains(&DeliveryOutcome::Suppressed { reason }), "{email:?}");
    }
    assert_eq!(desk.mails(), []);
}

#[tokio::test]
async fn an_address_that_is_refused_gets_no_more_mail_and_a_mail_that_is_refused_no_second_try() {
    let desk = Desk::new().await;
    let scene = desk.thread_with_address(0).await;
    let bob = scene.people[1].clone();
    let (first, second) = (desk.window_of(&scene, 1).await, desk.window_of(&scene, 1).await);
    let answer = "550 5.1.1 no such user (RCPT TO)".to_owned();
    desk.mailer.next(Err(MailError::Refused { what: RefusedPart::Address, answer: answer.clone() }));
    assert_eq!(desk.deliver(&[&first]).await, [Outcome::Done]);
    let suppressed = desk.store.suppression(&"bob@example.com".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((suppressed.reason, &suppressed.detail), (SuppressionReason::Refused, &answer));
    assert!(desk.outcomes(&bob).await.contains(&DeliveryOutcome::Failed { answer }));
    assert_eq!(desk.deliver(&[&second]).await, [Outcome::Done]);
    let reason = Reason::AddressSuppressed;
    assert!(desk.outcomes(&bob).await.contains(&DeliveryOutcome::Suppressed { reason }));
    assert_eq!(desk.mailer.tries(), 1);

    let desk = Desk::new().await;
    let scene = desk.thread_with_address(0).await;
    let window = desk.window_of(&scene, 1).await;
    let answer = "552 5.3.4 too large (the mail)".to_owned();
    desk.mailer.next(Err(MailError::Refused { what: RefusedPart::Mail, answer: answer.clone() }));
    for _ in 0..2 {
        assert_eq!(desk.deliver(&[&window]).await, [Outcome::Done]);
    }
    assert_eq!(desk.store.suppression(&"bob@example.com".parse().unwrap()).await.unwrap(), None);
    assert!(desk.outcomes(&scene.people[1]).await.contains(&DeliveryOutcome::Failed { answer }));
    assert_eq!(desk.mailer.tries(), 1);
}

#[tokio::test]
async fn a_mail_that_may_come_through_later_climbs_the_ladder_and_keeps_its_identity() {
    let desk = Desk::new().await;
    let scene = desk.thread_with_address(0).await;
    let window = desk.window_of(&scene, 1).await;
    desk.mailer.next(Err(later(Blame::Mail)));
    desk.mailer.next(Err(breaks()));
    for attempt in 0..2 {
        let outcome = desk.deliver_after(&window, attempt).await;
        let Outcome::Retry { reason, after: None } = &outcome else { panic!("{outcome:?}") };
        assert!(!reason.contains("example.com") && !reason.contains("message"), "{reason}");
    }
    let put_off = |outcome: &DeliveryOutcome| match outcome {
        DeliveryOutcome::Held { answer, .. } => answer.clone(),
        _ => None,
    };
    let mut said: Vec<String> = desk.outcomes(&scene.people[1]).await.iter().filter_map(put_off).collect();
    said.sort();
    assert_eq!(said, ["450 4.2.0 busy (RCPT TO)", "the connection failed (the mail)"], "the log says why");
    assert_eq!(desk.deliver(&[&window]).await, [Outcome::Done]);
    let ids: Vec<String> = desk.mailer.all().iter().map(|mail| mail.id.to_string()).collect();
    assert_eq!(ids, [ids[0].as_str(); 3], "the same mail each time");
    assert_eq!(desk.metrics.email.mails.of(eventflow_metrics::MailOutcome::Unknown).get(), 1);
}

#[tokio::test]
async fn a_mail_that_may_have_been_sent_is_repeated_as_it_was_and_what_came_later_is_another_mail() {
    let desk = Desk::new().await;
    let scene = desk.thread_with_address(0).await;
    let bob = scene.people[1].clone();
    let window = desk.window_of(&scene, 1).await;
    desk.mailer.next(Err(breaks()));
    assert!(matches!(desk.deliver_after(&window, 0).await, Outcome::Retry { .. }));
    // In between they choose a digest, are told more, and want another language.
    let quiet = |from: &'static str, until: &'static str| {
        let (from, until) = (from.parse().unwrap(), until.parse().unwrap());
        move |preferences: &mut Preferences| {
            preferences.quiet_hours = QuietHours { enabled: true, from, until };
        }
    };
    desk.prefer(&bob, quiet("07:00", "09:00")).await;
    let Held::Opened(later) = desk.hold_another(&scene, &window).await else { panic!("in another one") };
    assert_eq!(desk.deliver_after(&window, 1).await, Outcome::Done, "it waits");
    assert_eq!(desk.mailer.tries(), 1);
    desk.prefer(&bob, quiet("01:00", "02:00")).await;
    desk.prefer(&bob, |preferences| preferences.locale = "de".to_owned()).await;
    assert_eq!(desk.deliver(&[&window]).await, [Outcome::Done]);
    let [first, again] = &desk.mailer.all()[..] else { panic!("two tries") };
    assert_eq!(first, again, "a mail client drops the second of two");
    assert!(first.text.contains("message 0") && !first.text.contains("at night"), "{}", first.text);
    let later = desk.store.window(later).await.unwrap().unwrap();
    assert_eq!(desk.deliver(&[&later]).await, [Outcome::Done]);
    let mail = desk.mails().pop().unwrap();
    assert!(mail.text.contains("at night") && mail.id != first.id, "{}", mail.text);
}

#[tokio::test]
async fn a_mail_that_no_server_took_says_how_things_are_at_its_next_try() {
    let desk = Desk::new().await;
    let scene = desk.thread_with_address(0).await;
    let window = desk.window_of(&scene, 1).await;
    desk.mailer.next(Err(later(Blame::Mail)));
    assert!(matches!(desk.deliver_after(&window, 0).await, Outcome::Retry { .. }));
    assert_eq!(desk.store.kept_mail(window.id).await.unwrap(), None);
    desk.prefer(&scene.people[1], |preferences| preferences.locale = "de".to_owned()).await;
    assert_eq!(desk.deliver(&[&window]).await, [Outcome::Done]);
    assert_eq!(desk.mails()[0].language, "de");
}

#[tokio::test]
async fn mails_that_break_their_connection_climb_the_ladder_and_hold_nobody_up() {
    for error in [later(Blame::Provider), breaks(), MailError::Broken { answer: "550 (MAIL FROM)".into() }] {
        let desk = Desk::new().await;
        let mut windows = Vec::new();
        for _ in 0..12 {
            windows.push(desk.window_of(&desk.thread_with_address(0).await, 1).await);
        }
        for window in &windows[..6] {
            desk.mailer.fail_always(window.id, error.clone());
        }
        let outcomes = desk.deliver(&windows.iter().collect::<Vec<_>>()).await;
        let is_retry = |outcome: &Outcome| matches!(outcome, Outcome::Retry { .. });
        assert!(outcomes[..6].iter().all(is_retry), "{outcomes:?}");
        assert_eq!(outcomes[6..], [const { Outcome::Done }; 6], "{error:?}");
        assert_eq!((desk.mails().len(), desk.metrics.email.breaker_open.get()), (6, 0));
        assert!(desk.mailer.probes() > 0, "the server was asked");
    }
}

#[tokio::test]
async fn a_mail_that_breaks_its_connection_is_tried_seven_times_and_then_failed() {
    let desk = Desk::new().await;
    let scene = desk.thread_with_address(0).await;
    let bob = &scene.people[1];
    let (bad, good) = (desk.window_of(&scene, 2).await, desk.window_of(&scene, 1).await);
    desk.mailer.fail_always(bad.id, breaks());
    let is_failed = |outcome: &&DeliveryOutcome| outcome.name() == "failed";
    for attempt in 0..=RETRY_LIMIT {
        assert_eq!(desk.outcomes(bob).await.iter().filter(is_failed).count(), 0);
        let outcome = desk.deliver_after(&bad, attempt).await;
        assert!(matches!(outcome, Outcome::Retry { .. }), "{attempt}: {outcome:?}");
    }
    assert_eq!(desk.mailer.tries(), 7);
    assert_eq!(desk.outcomes(bob).await.iter().filter(is_failed).count(), 2, "both messages");
    assert_eq!(desk.deliver(&[&good]).await, [Outcome::Done]);
    // An operator replays the dead letter.
    desk.mailer.forgive();
    assert_eq!(desk.deliver(&[&bad]).await, [Outcome::Done]);
    assert_eq!(desk.mails().len(), 2);
}

#[tokio::test]
async fn a_mail_server_that_is_away_stops_the_queue_and_costs_the_mails_that_met_it_a_rung() {
    let desk = Desk::new().await;
    let scene = desk.thread_with_address(0).await;
    let mut windows = Vec::new();
    for _ in 0..6 {
        windows.push(desk.window_of(&scene, 1).await);
    }
    let all: Vec<_> = windows.iter().collect();
    desk.mailer.fail_all(Some(later(Blame::Provider)));
    let batch: Vec<_> = all.iter().map(|window| job(window)).collect();
    let stopped = desk.worker.perform(&batch).await.unwrap_err();
    assert_eq!(stopped.what, "the mail server");
    assert_eq!(desk.metrics.email.breaker_open.get(), 1);
    assert_eq!((desk.mailer.tries(), desk.mailer.probes()), (3, 1));
    assert!(desk.worker.perform(&batch).await.is_err());
    assert_eq!(desk.mailer.probes(), 1, "nobody asks before the pause is over");
    desk.clock.advance(2_000);
    assert!(desk.worker.perform(&batch).await.is_err());
    assert_eq!((desk.mailer.tries(), desk.mailer.probes()), (3, 2), "one probe, no mail");
    desk.mailer.fail_all(None);
    desk.clock.advance(60_000);
    let outcomes = desk.deliver(&all).await;
    assert!(outcomes[..3].iter().all(|outcome| matches!(outcome, Outcome::Retry { .. })), "{outcomes:?}");
    assert_eq!(outcomes[3..], [const { Outcome::Done }; 3]);
    for window in &all[..3] {
        assert_eq!(desk.deliver_after(window, 1).await, Outcome::Done);
    }
    assert_eq!((desk.mails().len(), desk.metrics.email.breaker_open.get()), (6, 0));
}

#[tokio::test]
async fn wrong_credentials_stop_the_queue_at_once() {
    let desk = Desk::new().await;
    let scene = desk.thread_with_address(0).await;
    let (first, second) = (desk.window_of(&scene, 1).await, desk.window_of(&scene, 1).await);
    desk.mailer.fail_all(Some(MailError::Broken { answer: "535 5.7.8 no (signing in)".into() }));
    assert!(desk.worker.perform(&[job(&first), job(&second)]).await.is_err());
    assert_eq!(desk.mailer.tries(), 1);
    desk.mailer.fail_all(None);
    desk.clock.advance(60_000);
    let outcomes = desk.deliver(&[&first, &second]).await;
    assert!(matches!(&outcomes[..], [Outcome::Retry { .. }, Outcome::Done]), "{outcomes:?}");
    assert_eq!(desk.mails().len(), 1);
}

#[tokio::test]
async fn the_mails_of_one_person_come_in_their_order() {
    let desk = Desk::new().await;
    let scene = desk.thread_with_address(0).await;
    let mut windows = Vec::new();
    for _ in 0..5 {
        windows.push(desk.window_of(&scene, 1).await);
    }
    desk.mailer.hesitate();
    assert_eq!(desk.deliver(&windows.iter().collect::<Vec<_>>()).await, vec![Outcome::Done; 5]);
    let expected: Vec<String> =
        windows.iter().map(|window| format!("<mail.{}@example.com>", window.id)).collect();
    assert_eq!(desk.mails().iter().map(|mail| mail.id.to_string()).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_mail_that_was_accepted_is_not_sent_again_while_the_store_is_away() {
    let desk = Desk::new().await;
    let scene = desk.thread_with_address(0).await;
    let window = desk.window_of(&scene, 1).await;
    desk.outbound.refuse_to_close(true);
    for _ in 0..3 {
        assert!(desk.worker.perform(&[job(&window)]).await.is_err());
    }
    desk.outbound.refuse_to_close(false);
    assert_eq!(desk.deliver(&[&window]).await, [Outcome::Done]);
    assert_eq!(desk.mails().len(), 1);
    assert_eq!(desk.store.window(window.id).await.unwrap(), None, "it is closed");
}

#[tokio::test]
async fn of_two_workers_with_one_window_one_sends_it() {
    let desk = Desk::new().await;
    let scene = desk.thread_with_address(0).await;
    let window = desk.window_of(&scene, 1).await;
    let lease = std::time::Duration::from_secs(30);
    desk.store.take_window(window.id, NOW, lease).await.unwrap();
    let outcomes = desk.deliver(&[&window]).await;
    assert!(
        matches!(&outcomes[..], [Outcome::Retry { after: Some(wait), .. }] if *wait == lease),
        "{outcomes:?}"
    );
    assert_eq!(desk.mails(), []);
    desk.clock.advance(30_001);
    assert_eq!(desk.deliver(&[&window]).await, [Outcome::Done]);
    assert_eq!(desk.mails().len(), 1);
}

#[tokio::test]
async fn a_digest_gathers_conversations_and_notifications_in_the_readers_language() {
    let desk = Desk::new().await;
    let scene = desk.thread_with_address(0).await;
    let bob = scene.people[1].clone();
    let other = Scene::between(&*desk.store, vec![scene.people[0].clone(), bob.clone()]).await;
    desk.prefer(&bob, |preferences: &mut Preferences| {
        "de-AT".clone_into(&mut preferences.locale);
        preferences.time_zone = TimeZoneName::known("Europe/Vienna").unwrap();
    })
    .await;
    let window = desk.digest(&[&scene, &other], 2, 1).await;
    assert_eq!(desk.deliver(&[&window]).await, [Outcome::Done]);
    let mail = &desk.mails()[0];
    assert_eq!(
        (mail.subject.as_str(), mail.language.as_str()),
        ("4 neue Nachrichten und 1 neue Benachrichtigung", "de")
    );
    assert_eq!(mail.in_reply_to, None);
    assert!(mail.text.contains("CET"), "{}", mail.text);
    assert!(mail.html.contains("Unterhaltung öffnen"), "{}", mail.html);
}

#[tokio::test]
async fn quiet_hours_that_began_meanwhile_hold_the_window_and_lose_nothing() {
    let desk = Desk::new().await;
    let scene = desk.thread_with_address(0).await;
    let bob = scene.people[1].clone();
    let window = desk.window_of(&scene, 1).await;
    desk.prefer(&bob, |preferences| {
        let (from, until) = ("07:00".parse().unwrap(), "09:00".parse().unwrap());
        preferences.quiet_hours = QuietHours { enabled: true, from, until };
    })
    .await;
    assert_eq!(desk.deliver(&[&window]).await, [Outcome::Done]);
    assert_eq!(desk.mails(), []);
    let minute = Duration::from_mins(1);
    assert_eq!(desk.store.claim_due(Channel::Email, NOW, minute, 10).await.unwrap(), []);
    // It takes in what comes at night, and the log says how long it waits.
    assert_eq!(desk.hold_another(&scene, &window).await, Held::Folded(window.id));
    let until = Timestamp(NOW.0 + 3_600_000);
    let held = DeliveryOutcome::Held { until, waits_for: Some(WaitsFor::QuietHours), answer: None };
    assert_eq!(desk.outcomes(&bob).await.iter().filter(|outcome| **outcome == held).count(), 1);
    let hour = 3_600_000;
    desk.clock.advance(hour);
    let due = desk.store.claim_due(Channel::Email, Timestamp(NOW.0 + hour), minute, 10).await.unwrap();
    assert_eq!(due.iter().map(|window| window.id).collect::<Vec<_>>(), [window.id], "at their end");
    desk.store.hand_over(&[window.id]).await.unwrap();
    assert_eq!(desk.deliver(&[&window]).await, [Outcome::Done]);
    let [mail] = &desk.mails()[..] else { panic!("one mail") };
    assert!(mail.text.contains("message 0") && mail.text.contains("at night"), "{}", mail.text);
}

#[tokio::test]
async fn many_messages_of_one_conversation_hide_nothing_else() {
    let desk = Desk::new().await;
    let chat = desk.thread_with_address(3).await;
    let bob = chat.people[1].clone();
    let mut scenes = vec![(chat, 150)];
    for _ in 0..45 {
        let people = vec![scenes[0].0.people[0].clone(), bob.clone()];
        scenes.push((Scene::between(&*desk.store, people).await, 1));
    }
    let counts: Vec<(&Scene, usize)> = scenes.iter().map(|(scene, count)| (scene, *count)).collect();
    let window = desk.digest_of(&counts, 25).await;
    assert_eq!(window.items.len(), 150 + 45 + 25);
    assert_eq!(desk.deliver(&[&window]).await, [Outcome::Done]);
    let mail = &desk.mails()[0];
    for text in [&mail.text, &mail.html] {
        for (scene, _) in &scenes {
            assert!(text.contains(&scene.thread.to_string()), "{}", scene.thread);
        }
        assert_eq!(text.matches("Your order").count(), 25);
        // One more is the line that lists of mails show.
        assert!((20..=21).contains(&text.matches("is on its way").count()), "the others by their title");
        assert!(text.contains("message 149") && !text.contains("message 144"), "the last ones");
        assert!(!text.contains("not listed"), "{text}");
        assert!(text.find("Your order").unwrap() < text.find("message 149").unwrap());
    }
    let sent = |outcome: &&DeliveryOutcome| outcome.name() == "sent";
    assert_eq!(desk.all_outcomes(&bob).await.iter().filter(sent).count(), 220);
}

#[tokio::test]
async fn texts_of_people_are_shown_as_they_were_typed_and_are_no_markup() {
    let desk = Desk::new().await;
    let hostile = "<\u{2060}script>alert(1)<\u{2060}/script> {{ product }} \" & '";
    let scene = desk.thread_with_address(0).await;
    let ann = &scene.people[0];
    let profile = Profile {
        id: ann.clone(),
        name: "Ann <\u{2060}b>\r\nBcc: x@y".into(),
        avatar: None,
        email: None,
        role: None,
    };
    desk.store.put_profile(&profile).await.unwrap();
    let window = desk.window_saying(&scene, hostile).await;
    assert_eq!(desk.deliver(&[&window]).await, [Outcome::Done]);
    let mail = &desk.mails()[0];
    assert!(!mail.html.contains("<script") && !mail.html.contains("<b>"), "{}", mail.html);
    assert!(mail.html.contains("&lt;script&gt;alert(1)"), "{}", mail.html);
    assert!(mail.text.contains("<script>alert(1)</script> {{ product }} \" & '"), "{}", mail.text);
    assert!(!mail.subject.contains(['\r', '\n']), "{}", mail.subject);
}

#[tokio::test]
async fn switched_off_means_no_mail_and_a_reason() {
    let desk = Desk::with(|settings| settings.is_enabled = false).await;
    let scene = desk.thread_with_address(0).await;
    let window = desk.window_of(&scene, 1).await;
    assert_eq!(desk.deliver(&[&window]).await, [Outcome::Done]);
    assert_eq!(desk.mails(), []);
    let reason = Reason::SwitchedOff;
    assert!(desk.outcomes(&scene.people[1]).await.contains(&DeliveryOutcome::Suppressed { reason }));
}

impl Desk {
    async fn take_back(&self, scene: &Scene, window: &eventflow_protocol::outbound::Window) {
        let eventflow_protocol::outbound::About::Message { message_id, .. } = window.items[0].about else {
            panic!("it is a message")
        };
        let (thread_id, by) = (scene.thread, scene.people[0].clone());
        let wanted = ChangeMessage { thread_id, message_id, by, change: Change::Delete, at: NOW };
        let wanted = eventflow_ports::WithCommandId { command_id: CommandId::new(), wanted };
        self.store.change_messages(&[wanted]).await.unwrap();
    }

    async fn prefer(&self, user: &eventflow_protocol::UserId, change: impl FnOnce(&mut Preferences)) {
        let mut preferences = self.store.preferences(user).await.unwrap();
        change(&mut preferences);
        preferences.updated_at = Some(Timestamp(preferences.updated_at.map_or(NOW.0, |before| before.0) + 1));
        let set = SetPreferences { user_id: user.clone(), preferences };
        self.store.set_preferences(&set).await.unwrap();
    }
}
