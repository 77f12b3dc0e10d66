//! The page behind the unsubscribe link of a mail, and the one-click request of RFC 8058.
//!
//! `GET` shows a page with a button and never acts: mail filters open every link of a mail. `POST` acts, from
//! that button or from a mail client, without a login and without a CSRF token, since the token in the path
//! says who it is about and is in nobody's browser but the reader's. Repeating it changes nothing.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::refusal::Refusal;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use eventflow_protocol::UserId;
use eventflow_protocol::command::Command;
use eventflow_protocol::preferences::{ChangePreferences, PreferencesChange};
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::unsubscribe::BadToken;
use http::header::{ACCEPT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use http::{HeaderMap, StatusCode};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// The style of the page. The policy allows it by its hash, and nothing else.
const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:17px/1.5 system-ui,sans-serif;margin:0;min-height:100vh;display:grid;place-items:center;background:#eef1f5;color:#17202a}\
main{background:#fff;border-radius:14px;padding:32px 36px;max-width:26em;margin:16px}\
h1{font-size:22px;margin:0 0 8px}p{margin:0 0 20px}\
button{font:inherit;font-weight:600;color:#fff;background:#2f62e3;border:0;border-radius:8px;padding:11px 22px;cursor:pointer}\
@media(prefers-color-scheme:dark){body{background:#101418;color:#e8edf2}main{background:#1a2027}}";

/// What the page says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    Ask,
    Done,
    Forged,
    Expired,
    Later,
}

/// The languages of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    English,
    German,
}

/// `GET /unsubscribe/{token}`: asks whether to unsubscribe.
pub(crate) async fn show(
    State(edge): State<Arc<Edge>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    match edge.unsubscribe.user(&token, edge.clock.now()) {
        Ok(_) => page(StatusCode::OK, Page::Ask, &headers),
        Err(bad) => refused(bad, &headers),
    }
}

/// `POST /unsubscribe/{token}`: no more mail for the person that the token names.
pub(crate) async fn act(
    State(edge): State<Arc<Edge>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    let user = match edge.unsubscribe.user(&token, edge.clock.now()) {
        Ok(user) => user,
        Err(bad) => return refused(bad, &headers),
    };
    match stop_mails(&edge, user).await {
        // 202: the broker has it, and it will be done.
        Ok(status) => page(status, Page::Done, &headers),
        Err(_) => page(StatusCode::SERVICE_UNAVAILABLE, Page::Later, &headers),
    }
}

/// Takes e-mail out of the person's preferences, of every kind.
async fn stop_mails(edge: &Edge, user_id: UserId) -> Result<StatusCode, Refusal> {
    let (change, at) = (PreferencesChange::StopMails, edge.clock.now());
    let command = Command::ChangePreferences(ChangePreferences { user_id, change, at });
    match edge.commands.send_command(&command).await?.result().await? {
        CommandResult::Preferences { .. } => Ok(StatusCode::OK),
        CommandResult::Queued { .. } => Ok(StatusCode::ACCEPTED),
        other => Err(unexpected(&other)),
    }
}

fn refused(bad: BadToken, headers: &HeaderMap) -> Response {
    match bad {
        BadToken::Forged => page(StatusCode::NOT_FOUND, Page::Forged, headers),
        BadToken::Expired => page(StatusCode::GONE, Page::Expired, headers),
    }
}

fn page(status: StatusCode, page: Page, headers: &HeaderMap) -> Response {
    let language = Language::of(headers);
    let (title, text) = words(page, language);
    let code = language.code();
    let button = match (page, language) {
        (Page::Ask, Language::English) => "<form method=\"post\"><button>Unsubscribe</button></form>",
        (Page::Ask, Language::German) => "<form method=\"post\"><button>Abbestellen</button></form>",
        (Page::Done | Page::Forged | Page::Expired | Page::Later, _) => "",
    };
    let html = format!(
        "<!doctype html><html lang=\"{code}\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><meta name=\"robots\" content=\"noindex\"><title>{title}</title>\
         <style>{STYLE}</style><main><h1>{title}</h1><p>{text}</p>{button}</main></html>"
    );
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        BASE64.encode(Sha256::digest(STYLE))
    );
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (CONTENT_SECURITY_POLICY, policy),
        // The token is in the address, which other sites do not hear. This one does: without a referrer
        // browsers send the button's request with the origin `null`.
        (REFERRER_POLICY, "same-origin".to_owned()),
    ];
    (status, headers, html).into_response()
}

/// Title and text. They are constants: nothing of the request is shown.
fn words(page: Page, language: Language) -> (&'static str, &'static str) {
    match (page, language) {
        (Page::Ask, Language::English) => {
            ("Unsubscribe?", "You will get no more e-mail about messages and notifications.")
        }
        (Page::Ask, Language::German) => {
            ("Abbestellen?", "Sie erhalten dann keine Mails mehr über Nachrichten und Benachrichtigungen.")
        }
        (Page::Done, Language::English) => (
            "You are unsubscribed",
            "You get no more e-mail. You can change that in your notification settings.",
        ),
        (Page::Done, Language::German) => (
            "Sie sind abgemeldet",
            "Sie erhalten keine Mails mehr. In den Einstellungen der App können Sie das ändern.",
        ),
        (Page::Forged, Language::English) => {
            ("This link does not work", "Please use the link of a mail as it is.")
        }
        (Page::Forged, Language::German) => {
            ("Dieser Link funktioniert nicht", "Bitte verwenden Sie den Link aus einer Mail unverändert.")
        }
        (Page::Expired, Language::English) => {
            ("This link is too old", "Please use the link of a newer mail, or your notification settings.")
        }
        (Page::Expired, Language::German) => (
            "Dieser Link ist zu alt",
            "Bitte verwenden Sie den Link aus einer neueren Mail oder die Einstellungen der App.",
        ),
        (Page::Later, Language::English) => ("Not now", "That did not work. Please try again in a moment."),
        (Page::Later, Language::German) => {
            ("Gerade nicht", "Das hat nicht geklappt. Bitte versuchen Sie es gleich noch einmal.")
        }
    }
}

impl Language {
    /// What the browser asks for first, if it is one of these.
    fn of(headers: &HeaderMap) -> Self {
        let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if accepted.trim_start().to_ascii_lowercase().starts_with("de") {
            Self::German
        } else {
            Self::English
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }
}
