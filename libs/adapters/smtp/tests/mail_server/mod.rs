//! A real mail server (`tests/smtp/server.py`) for one test; it ends with the test.

#![allow(dead_code, reason = "each test binary uses its part")]

use eventflow_ports::{Mail, MailId, Mailbox};
use eventflow_protocol::Timestamp;
use eventflow_smtp::{SmtpMailer, SmtpSettings};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A running server.
pub(crate) struct MailServer {
    pub(crate) port: u16,
    /// The file of its certificate, if it has one.
    pub(crate) ca: Option<String>,
    said: Lines<BufReader<ChildStdout>>,
    /// The server ends when this closes.
    _input: ChildStdin,
    _child: Child,
    _folder: tempfile::TempDir,
}

impl MailServer {
    /// Starts a server with these options.
    pub(crate) async fn start(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/smtp/server.py");
        let mut child = Command::new("python3")
            .arg(script)
            .args(options)
            .arg("--folder")
            .arg(folder.path())
            .env("PYTHONPATH", packages())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("python3 runs");
        let input = child.stdin.take().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut server = Self { port: 0, ca: None, said, _input: input, _child: child, _folder: folder };
        let first = server.next().await;
        server.port = first["port"].as_u64().unwrap().try_into().unwrap();
        server.ca = first["ca"].as_str().map(str::to_owned);
        server
    }

    /// The next thing that happens at the server.
    pub(crate) async fn next(&mut self) -> Value {
        let line = self.said.next_line().await.unwrap();
        let line = line.expect("the server runs; aiosmtpd is installed by tests/services mail");
        serde_json::from_str(&line).unwrap()
    }

    /// The next mail that the server takes, as Python reads it.
    pub(crate) async fn mail(&mut self) -> Value {
        loop {
            let said = self.next().await;
            if let Some(mail) = said.get("mail") {
                return mail.clone();
            }
        }
    }

    /// Open connections to this server, from the side that opened them.
    pub(crate) fn connections(&self) -> usize {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
        let to_here = format!(":{:04X}", self.port);
        rows.filter(|row| row[2].ends_with(&to_here) && row[3] == "01").count()
    }

    /// A mailer for this server, without encryption.
    pub(crate) fn mailer(&self) -> SmtpMailer {
        mailer(&format!("smtp://127.0.0.1:{}?tls=none", self.port))
    }

    /// A mailer that trusts the server's certificate.
    pub(crate) fn trusting(&self, scheme: &str, user: &str) -> SmtpMailer {
        let ca = self.ca.as_deref().unwrap();
        mailer(&format!("{scheme}://{user}localhost:{}?ca={ca}", self.port))
    }
}

pub(crate) fn mailer(url: &str) -> SmtpMailer {
    SmtpMailer::new(SmtpSettings::from_url(url).unwrap()).unwrap()
}

/// A mail to an address.
pub(crate) fn mail_to(address: &str) -> Mail {
    let mailbox = |name: &str, address: &str| Mailbox {
        name: Some(name.to_owned()),
        address: address.parse().unwrap(),
    };
    Mail {
        from: mailbox("EventFlow", "noreply@example.com"),
        to: mailbox("Bob", address),
        subject: "Ann wrote to you".to_owned(),
        text: "Ann: hello\n".to_owned(),
        html: "<p>Ann: hello</p>\n".to_owned(),
        id: MailId::new("mail", "0199", "example.com"),
        in_reply_to: None,
        unsubscribe: None,
        language: "en".to_owned(),
        at: Timestamp(1_800_000_000_000),
    }
}

/// Where `tests/services mail` puts the packages.
#[allow(
    clippy::disallowed_methods,
    reason = "the environment says where the test's packages are; there is no configuration"
)]
fn packages() -> PathBuf {
    let cache = std::env::var_os("EVENTFLOW_CACHE_DIR").map(PathBuf::from);
    let home =
        || PathBuf::from(std::env::var_os("HOME").expect("there is a home folder")).join(".cache/eventflow");
    cache.unwrap_or_else(home).join("python")
}
