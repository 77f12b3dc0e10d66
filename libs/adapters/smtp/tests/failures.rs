//! A mail server that fails in each way that a real one does: what the mailer says of it, and that it
//! goes on afterwards.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod mail_server;

use eventflow_ports::mailer::{Blame, MailError, RefusedPart, SEND_LIMIT};
use eventflow_ports::{Accepted, Mailer};
use eventflow_protocol::MailAddress;
use eventflow_smtp::{CONNECTIONS_MAX, SmtpMailer, SmtpSettings};
use mail_server::{MailServer, mail_to, mailer};
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpListener;

/// What the tests tell apart.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Accepted,
    Later(Blame),
    PerhapsSent,
    Refused(RefusedPart),
    Broken,
}

fn verdict(sent: &Result<Accepted, MailError>) -> Verdict {
    match sent {
        Ok(_) => Verdict::Accepted,
        Err(MailError::Temporary { perhaps_sent: true, .. }) => Verdict::PerhapsSent,
        Err(MailError::Temporary { blame, .. }) => Verdict::Later(*blame),
        Err(MailError::Refused { what, .. }) => Verdict::Refused(*what),
        Err(MailError::Broken { .. }) => Verdict::Broken,
    }
}

fn sender() -> MailAddress {
    "noreply@example.com".parse().unwrap()
}

async fn send(mailer: &SmtpMailer, local: &str) -> Result<Accepted, MailError> {
    let sent = mailer.send(&mail_to(&format!("{local}@example.com"))).await;
    let said = format!("{sent:?}");
    assert!(!said.contains("example.com"), "an answer holds an address: {said}");
    assert!(!said.contains("canary"), "an answer holds what somebody wrote: {said}");
    sent
}

#[tokio::test]
async fn every_answer_to_a_mail_means_what_the_standard_says() {
    let server = MailServer::start(&[]).await;
    let mailer = server.mailer();
    for (local, expected) in [
        ("rcpt-450", Verdict::Later(Blame::Mail)),
        ("rcpt-451", Verdict::Later(Blame::Mail)),
        ("rcpt-452", Verdict::Later(Blame::Mail)),
        ("rcpt-421", Verdict::Later(Blame::Provider)),
        ("rcpt-550", Verdict::Refused(RefusedPart::Address)),
        ("rcpt-551", Verdict::Refused(RefusedPart::Address)),
        ("rcpt-553", Verdict::Refused(RefusedPart::Address)),
        ("rcpt-552", Verdict::Refused(RefusedPart::Mail)),
        ("rcpt-554", Verdict::Refused(RefusedPart::Mail)),
        ("policy-550", Verdict::Refused(RefusedPart::Mail)),
        ("relay-550", Verdict::Refused(RefusedPart::Mail)),
        ("relay-551", Verdict::Refused(RefusedPart::Mail)),
        ("relay-553", Verdict::Refused(RefusedPart::Mail)),
        ("blocked-550", Verdict::Refused(RefusedPart::Mail)),
        ("unknown-550", Verdict::Refused(RefusedPart::Address)),
        ("leak-550", Verdict::Refused(RefusedPart::Address)),
        ("data-450", Verdict::Later(Blame::Mail)),
        ("data-452", Verdict::Later(Blame::Mail)),
        ("data-550", Verdict::Refused(RefusedPart::Mail)),
        ("data-552", Verdict::Refused(RefusedPart::Mail)),
        ("data-554", Verdict::Refused(RefusedPart::Mail)),
        ("data-354", Verdict::PerhapsSent),
        ("data-199", Verdict::PerhapsSent),
        ("endless", Verdict::PerhapsSent),
        ("close", Verdict::PerhapsSent),
        ("keep-then-close", Verdict::PerhapsSent),
        ("bob", Verdict::Accepted),
    ] {
        let sent = send(&mailer, local).await;
        assert_eq!(verdict(&sent), expected, "{local}: {sent:?}");
        let after = send(&mailer, "bob").await;
        assert_eq!(verdict(&after), Verdict::Accepted, "after {local}: {after:?}");
    }
}

#[tokio::test]
async fn a_server_that_takes_nothing_is_to_blame_and_not_the_mail() {
    for (options, expected) in [
        (["--answer", "mail=421"], Verdict::Later(Blame::Provider)),
        (["--answer", "mail=451"], Verdict::Later(Blame::Provider)),
        (["--answer", "ehlo=421"], Verdict::Later(Blame::Provider)),
        (["--answer", "mail=354"], Verdict::Later(Blame::Provider)),
        (["--answer", "mail=550"], Verdict::Broken),
    ] {
        let server = MailServer::start(&options).await;
        let sent = send(&server.mailer(), "bob").await;
        assert_eq!(verdict(&sent), expected, "{options:?}: {sent:?}");
        let probed = server.mailer().probe(&sender()).await.map(|()| Accepted { answer: String::new() });
        assert_eq!(verdict(&probed), expected, "a probe finds the same: {options:?}: {probed:?}");
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let refused = send(&mailer(&format!("smtp://127.0.0.1:{port}?tls=none")), "bob").await;
    assert_eq!(verdict(&refused), Verdict::Later(Blame::Provider), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_says_nothing_more_holds_a_mail_up_for_a_limited_time() {
    for (place, expected) in [("ehlo", Verdict::Later(Blame::Provider)), ("data", Verdict::PerhapsSent)] {
        let mut server = MailServer::start(&["--hang", place]).await;
        let mailer = Arc::new(server.mailer());
        let sending = Arc::clone(&mailer);
        let tracker = tokio_util::task::TaskTracker::new();
        let sent = tracker.spawn(async move { send(&sending, "bob").await });
        while server.next().await["event"] != place {}
        // From here on nothing happens but the passing of time.
        let begun = tokio::time::Instant::now();
        tokio::time::pause();
        let sent = sent.await.unwrap();
        assert!(begun.elapsed() < SEND_LIMIT, "{place}");
        tokio::time::resume();
        assert_eq!(verdict(&sent), expected, "{place}: {sent:?}");
    }
}

#[tokio::test]
async fn a_session_is_used_again_and_one_that_the_server_closed_is_replaced() {
    let mut server = MailServer::start(&[]).await;
    let mailer = server.mailer();
    let mut ports = Vec::new();
    for local in ["bob", "cat", "rcpt-550", "dan", "close", "eve"] {
        let sent = send(&mailer, local).await;
        if sent.is_ok() {
            ports.push(server.mail().await["peer"][1].as_u64().unwrap());
        }
    }
    assert_eq!((ports[0], ports[0]), (ports[1], ports[2]), "a refusal leaves the session in order");
    assert_ne!(ports[2], ports[3], "a session that ended is not used again");
}

#[tokio::test]
async fn many_mails_at_once_share_a_few_connections() {
    let mut server = MailServer::start(&[]).await;
    let mailer = Arc::new(server.mailer());
    let sends = (0..40).map(|n| {
        let mailer = Arc::clone(&mailer);
        async move { send(&mailer, &format!("user{n}")).await }
    });
    let mut ports = std::collections::BTreeSet::new();
    let reads = async {
        for _ in 0..40 {
            ports.insert(server.mail().await["peer"][1].as_u64().unwrap());
        }
    };
    let (sent, ()) = tokio::join!(futures_util::future::join_all(sends), reads);
    assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    assert!(ports.len() <= CONNECTIONS_MAX, "{ports:?}");
}

#[tokio::test]
async fn asking_a_server_again_and_again_takes_no_connection_beyond_the_limit() {
    let server = MailServer::start(&["--answer", "mail=451"]).await;
    let mailer = server.mailer();
    // Each of them leaves its session in order.
    let locals = ["ann", "bob", "cat", "dan"];
    for _ in 0..2 {
        let sent = futures_util::future::join_all(locals.map(|local| send(&mailer, local))).await;
        assert!(sent.iter().all(|sent| verdict(sent) == Verdict::Later(Blame::Provider)), "{sent:?}");
        assert_eq!(server.connections(), CONNECTIONS_MAX);
        let sender = sender();
        let asked = futures_util::future::join_all((0..3).map(|_| mailer.probe(&sender))).await;
        assert!(asked.iter().all(Result::is_err), "{asked:?}");
        assert!(server.connections() <= CONNECTIONS_MAX, "{}", server.connections());
    }
}

#[tokio::test]
async fn mails_go_over_tls_to_a_server_whose_certificate_holds_and_to_no_other() {
    for (tls, scheme) in [("starttls", "smtp"), ("smtps", "smtps")] {
        let server = MailServer::start(&["--tls", tls, "--auth", "user:pass"]).await;
        let trusting = server.trusting(scheme, "user:pass@");
        assert_eq!(verdict(&send(&trusting, "bob").await), Verdict::Accepted, "{tls}");
        assert_eq!(trusting.probe(&sender()).await, Ok(()), "{tls}");
        let strange = send(&mailer(&format!("{scheme}://localhost:{}", server.port)), "bob").await;
        assert_eq!(verdict(&strange), Verdict::Later(Blame::Provider), "{tls}: {strange:?}");
        assert!(strange.unwrap_err().answer().contains("TLS"), "{tls}");
    }
}

/// Of a line that does not end `lettre` keeps everything that it has read.
#[tokio::test]
async fn an_answer_that_does_not_end_is_cut_however_it_is_encrypted() {
    for (tls, scheme) in [("none", "smtp"), ("starttls", "smtp"), ("smtps", "smtps")] {
        let server = MailServer::start(&["--tls", tls]).await;
        let mailer = if tls == "none" { server.mailer() } else { server.trusting(scheme, "") };
        let begun = Instant::now();
        let sent = send(&mailer, "endless").await;
        assert_eq!(verdict(&sent), Verdict::PerhapsSent, "{tls}: {sent:?}");
        assert_eq!(sent.unwrap_err().answer(), "the answer does not end (the mail)", "{tls}");
        assert!(begun.elapsed() < SEND_LIMIT / 9, "{tls}");
    }
}

#[tokio::test]
async fn a_server_without_starttls_gets_nothing() {
    let server = MailServer::start(&[]).await;
    let sent = send(&mailer(&format!("smtp://localhost:{}", server.port)), "bob").await;
    assert_eq!(verdict(&sent), Verdict::Broken, "{sent:?}");
}

#[tokio::test]
async fn wrong_credentials_are_the_operators_to_mend() {
    let server = MailServer::start(&["--auth", "user:pass"]).await;
    let with = |user: &str| mailer(&format!("smtp://{user}@127.0.0.1:{}?tls=none", server.port));
    assert_eq!(with("user:pass").probe(&sender()).await, Ok(()));
    let refused = with("user:wrong").probe(&sender()).await.unwrap_err();
    assert!(matches!(refused, MailError::Broken { .. }), "{refused:?}");
    assert!(!format!("{refused:?}").contains("example.com"), "{refused:?}");
}

#[tokio::test]
async fn postmark_gets_its_token_twice_and_its_headers() {
    let mut server = MailServer::start(&["--auth", "token:token"]).await;
    let url = format!("smtp://127.0.0.1:{}?tls=none", server.port);
    let mailer = SmtpMailer::new(SmtpSettings::postmark(&url, "token", "outbound").unwrap()).unwrap();
    let begun = Instant::now();
    assert_eq!(mailer.provider(), "postmark");
    assert!(send(&mailer, "bob").await.is_ok());
    assert!(begun.elapsed() < SEND_LIMIT);
    let mail = server.mail().await;
    assert_eq!(mail["headers"]["x-pm-message-stream"], "outbound");
    assert_eq!(mail["headers"]["x-pm-keepid"], "true", "the Message-ID stays ours");
}
