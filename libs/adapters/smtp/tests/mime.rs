//! The bytes of a mail as another library reads them (Python's `email`), with every field hostile (S9).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod mail_server;

use eventflow_ports::{Mail, MailId, Mailbox, Mailer};
use mail_server::{MailServer, mail_to};
use serde_json::{Value, json};

/// Headers of every mail, in lower case; there are no others.
const HEADERS: [&str; 14] = [
    "auto-submitted",
    "content-language",
    "content-type",
    "date",
    "from",
    "in-reply-to",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "message-id",
    "mime-version",
    "references",
    "subject",
    "to",
    "x-auto-response-suppress",
];

async fn read_back(mail: &Mail) -> Value {
    let mut server = MailServer::start(&[]).await;
    server.mailer().send(mail).await.unwrap();
    server.mail().await
}

/// A mail with every header.
fn full() -> Mail {
    Mail {
        in_reply_to: Some(MailId::new("thread", "0123", "example.com")),
        unsubscribe: Some("https://chat.example.com/api/v2/unsubscribe/AbC-_9".to_owned()),
        ..mail_to("bob@example.com")
    }
}

fn names(read: &Value) -> Vec<String> {
    let mut names: Vec<String> =
        read["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_lowercase()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_mail_is_read_as_it_was_written() {
    let text = "Grüße, Bob 📦\n.\n..\n.hidden\n\nFrom here to there\n";
    let html = "<!doctype html><p>Grüße &lt;Bob&gt; 📦</p>\n";
    let mail = Mail {
        subject: "Grüße 📦 von Ann – und noch etwas mehr, damit die Zeile lang genug wird".to_owned(),
        text: text.to_owned(),
        html: html.to_owned(),
        language: "de".to_owned(),
        ..full()
    };
    let read = read_back(&mail).await;
    assert_eq!(names(&read), HEADERS, "each header once");
    let headers = &read["headers"];
    assert_eq!(headers["subject"], mail.subject.as_str());
    assert_eq!(headers["message-id"], "<mail.0199@example.com>");
    assert_eq!(headers["in-reply-to"], "<thread.0123@example.com>");
    assert_eq!(headers["references"], "<thread.0123@example.com>");
    assert_eq!(headers["list-unsubscribe"], "<https://chat.example.com/api/v2/unsubscribe/AbC-_9>");
    assert_eq!(headers["list-unsubscribe-post"], "List-Unsubscribe=One-Click");
    assert_eq!(
        (&headers["content-language"], &headers["auto-submitted"]),
        (&json!("de"), &json!("auto-generated"))
    );
    assert_eq!(headers["date"], "Fri, 15 Jan 2027 08:00:00 +0000");
    assert_eq!(read["type"], "multipart/alternative");
    assert_eq!(read["parts"], json!(["text/plain", "text/html"]));
    assert_eq!(read["charsets"], json!(["utf-8", "utf-8"]));
    let lines = |value: &Value| value.as_str().unwrap().replace("\r\n", "\n").trim_end().to_owned();
    assert_eq!(lines(&read["text"]), text.trim_end());
    assert_eq!(lines(&read["html"]), html.trim_end());
    assert_eq!((&read["from"], &read["to"]), (&json!(["noreply@example.com"]), &json!(["bob@example.com"])));
    assert_eq!(read["rcpt_tos"], json!(["bob@example.com"]));
    assert_eq!(read["defects"], json!([]));
}

#[tokio::test]
async fn no_field_adds_a_header_or_a_recipient() {
    let hostile = [
        "x\r\nBcc: eve@evil.test",
        "x\nBcc: eve@evil.test\n\nbody",
        "x\rBcc: eve@evil.test",
        "x\0y",
        "\r\n\r\n<script>",
        "=?utf-8?q?=0D=0ABcc:_eve@evil.test?=",
        "=?utf-8?b?DQpCY2M6IGV2ZUBldmlsLnRlc3Q=?=",
        "=?us-ascii?q?a?= =?x",
        "Eve <eve@evil.test>",
        "a\" <eve@evil.test>, \"b",
        "eve@evil.test,bob",
        "a;b:c,d@e",
        "(comment) \\",
        "\u{202e}gnp.exe",
        "a\u{2028}Bcc: eve@evil.test",
        "\u{85}Bcc: eve@evil.test",
        "\u{b}\u{c}x",
        "名前 <x@y>, 名前",
        &"w".repeat(5_000),
        &"ü".repeat(3_000),
        &"a b ".repeat(2_000),
        "\"",
        "\\",
        "<",
        ">",
        "",
        " ",
        "\r\n.\r\n",
        ".\r\nRCPT TO:<eve@evil.test>",
    ];
    let mut server = MailServer::start(&[]).await;
    let mailer = server.mailer();
    for text in hostile {
        let named =
            |address: &str| Mailbox { name: Some(text.to_owned()), address: address.parse().unwrap() };
        let mail = Mail {
            from: named("noreply@example.com"),
            to: named("bob@example.com"),
            subject: text.to_owned(),
            text: text.to_owned(),
            html: text.to_owned(),
            id: MailId::new("mail", text, text),
            in_reply_to: Some(MailId::new("thread", text, text)),
            unsubscribe: Some("https://chat.example.com/u/x".to_owned()),
            ..full()
        };
        mailer.send(&mail).await.unwrap();
        let read = server.mail().await;
        let shown: String = text.chars().take(40).collect();
        assert_eq!(names(&read), HEADERS, "{shown:?}");
        assert_eq!(read["rcpt_tos"], json!(["bob@example.com"]), "{shown:?}");
        assert_eq!(
            (&read["to"], &read["from"]),
            (&json!(["bob@example.com"]), &json!(["noreply@example.com"])),
            "{shown:?}"
        );
        assert!(read["longest_line"].as_u64().unwrap() <= 998, "{shown:?}: {}", read["longest_line"]);
        assert_eq!((&read["bare_breaks"], &read["zeros"]), (&json!(0), &json!(0)), "{shown:?}");
        assert_eq!(read["parts"], json!(["text/plain", "text/html"]), "{shown:?}");
        let kept = text.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty());
        let kept = kept.collect::<Vec<_>>().join(" ").replace(['\u{202e}', '\u{2028}'], "");
        let subject = read["headers"]["subject"].as_str().unwrap();
        assert_eq!(subject.replace('\u{2028}', " "), kept, "{shown:?}: the subject says what was typed");
        // Python shows a space between the encoded words of a name, which RFC 2047 says is none.
        let without_spaces = |name: &str| name.replace(' ', "");
        let name = read["to_names"][0].as_str().unwrap();
        assert_eq!(without_spaces(name), without_spaces(&kept), "{shown:?}: and the name too");
    }
}

#[tokio::test]
async fn addresses_of_every_script_reach_the_server_in_its_own_form() {
    let mut server = MailServer::start(&[]).await;
    let mailer = server.mailer();
    for (address, on_the_wire) in [
        ("bob@bücher.example", "bob@xn--bcher-kva.example"),
        ("jürgen@example.com", "jürgen@example.com"),
        ("o'neil+tag=x@example.com", "o'neil+tag=x@example.com"),
    ] {
        mailer.send(&mail_to(address)).await.unwrap();
        let read = server.mail().await;
        assert_eq!((&read["rcpt_tos"], &read["to"]), (&json!([on_the_wire]), &json!([on_the_wire])));
    }
}
