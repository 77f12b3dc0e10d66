//! The mailer over SMTP: pooled connections with STARTTLS or TLS, and mails in MIME.
//!
//! In goes a [`eventflow_ports::Mail`]; out comes the server's acceptance, or an error that says who is to
//! blame: the mail, the server, or the configuration. Every wait has a limit ([`session`]), so no server can
//! hold a worker up. Read in this order: [`mailer`] (the port), [`settings`] (the URL), [`pool`],
//! [`session`], [`encryption`] and [`stream`] (connections), [`failure`] and [`answer`] (what an answer
//! means), [`mime`] and [`header`] (the bytes of a mail).

mod answer;
mod encryption;
mod failure;
mod header;
mod mailer;
mod mime;
mod pool;
mod session;
mod settings;
mod stream;

pub use encryption::OpenError;
pub use mailer::SmtpMailer;
pub use pool::CONNECTIONS_MAX;
pub use settings::{SmtpSettings, UnusableUrl};
