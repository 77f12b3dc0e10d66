//! The page at `/outbox`: what would have been sent, while no mail server or no push service is configured.
//!
//! It shows mails of everybody, so it exists only where the demo does, and only for people at this machine.
//! A mail is shown in a frame that may run nothing and load nothing; the page around it has no script at all.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use eventflow_config::{Config, DemoReach, MailProvider};
use eventflow_ports::{Outbox, OutboxItem};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Items on the page.
const SHOWN: u32 = 50;
/// The page may show frames of its own and its own style.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";
/// A mail may use its own style. Its links open in new windows.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'self'; \
     sandbox allow-popups allow-popups-to-escape-sandbox";
const STYLE: &str = "\
:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}\
body{margin:0 auto;max-width:760px;padding:24px 16px}\
h1{font-size:22px;margin:0}p{margin:4px 0 20px;opacity:.75}\
details{border:1px solid #8884;border-radius:10px;margin:0 0 12px;overflow:hidden}\
summary{cursor:pointer;padding:12px 16px;font-weight:600}\
summary small{display:block;font-weight:400;opacity:.7}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 14px;margin:0;padding:0 16px 12px;font-size:13px}\
dt{opacity:.7}dd{margin:0;overflow-wrap:anywhere}\
pre{margin:0;padding:0 16px 16px;white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.5 ui-monospace,monospace}\
iframe{display:block;width:100%;height:640px;border:0;border-top:1px solid #8884;background:#fff}";

/// The routes, where the page may exist.
pub fn router(config: &Config, outbox: Arc<dyn Outbox>) -> Router {
    let keeps_mails = config.email.provider() == MailProvider::Outbox;
    let is_kept = keeps_mails || crate::push::keeps_in_outbox(config);
    if config.demo_reach() == DemoReach::Nobody || !is_kept {
        return Router::new();
    }
    let told = Arc::<AtomicBool>::default();
    Router::new()
        .route("/outbox", get(page))
        .route(
            "/outbox/style.css",
            get(async || answer("text/css; charset=utf-8", PAGE_POLICY, STYLE.to_owned())),
        )
        .route("/outbox/mail/{id}", get(mail))
        .with_state(outbox)
        .layer(middleware::from_fn_with_state(told, crate::demo::only_this_machine))
}

async fn page(State(outbox): State<Arc<dyn Outbox>>) -> Response {
    match outbox.kept(SHOWN).await {
        Ok(items) => answer("text/html; charset=utf-8", PAGE_POLICY, html(&items)),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn mail(State(outbox): State<Arc<dyn Outbox>>, Path(id): Path<String>) -> Response {
    match outbox.kept_item(&id).await {
        Ok(Some(OutboxItem { html: Some(html), .. })) => {
            let html = html.replacen("<head>", "<head><base target=\"_blank\">", 1);
            answer("text/html; charset=utf-8", MAIL_POLICY, html)
        }
        Ok(_) => StatusCode::NOT_FOUND.into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn answer(kind: &'static str, policy: &'static str, text: String) -> Response {
    let headers: [(HeaderName, &str); 5] = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, policy),
    ];
    (headers, text).into_response()
}

fn html(items: &[OutboxItem]) -> String {
    let mut html = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><title>Outbox</title><link rel=\"stylesheet\" \
         href=\"/outbox/style.css\"></head><body><h1>Outbox</h1><p>What would have been sent. Set POSTMARK_API_KEY \
         or SMTP_URL to send mails, FIREBASE_CREDENTIALS to send pushes to apps.</p>"
        .to_owned();
    if items.is_empty() {
        html.push_str(
            "<p>Nothing yet: write to somebody who is not connected, and wait until it is due.</p>",
        );
    }
    for (index, item) in items.iter().enumerate() {
        let open = if index == 0 { " open" } else { "" };
        // Writing into a string does not fail.
        let _ = write!(
            html,
            "<details{open}><summary>{}<small>{} to {}, {}</small></summary><dl>",
            escaped(&item.title),
            item.channel.name(),
            escaped(&item.to),
            item.at.to_iso(),
        );
        for (name, value) in &item.headers {
            let _ = write!(html, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(value));
        }
        html.push_str("</dl>");
        let _ = match &item.html {
            Some(_) => write!(
                html,
                "<iframe sandbox=\"allow-popups allow-popups-to-escape-sandbox\" loading=\"lazy\" \
                 title=\"the mail\" src=\"/outbox/mail/{}\"></iframe><details><summary>Text</summary><pre>{}</pre></details>",
                escaped(&item.id),
                escaped(&item.text)
            ),
            None => write!(html, "<pre>{}</pre>", escaped(&item.text)),
        };
        html.push_str("</details>");
    }
    html.push_str("</body></html>");
    html
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use eventflow_embedded::{Database, EmbeddedStore};
    use eventflow_protocol::Timestamp;
    use eventflow_protocol::outbound::Channel;
    use tower::ServiceExt as _;

    const HOSTILE: &str = "<script>alert(1)</script>\"'";

    async fn with_one_mail() -> (Arc<dyn Outbox>, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(Database::open_in(folder.path()).unwrap()).await.unwrap();
        let item = OutboxItem {
            id: "mail.1@localhost".to_owned(),
            channel: Channel::Email,
            to: format!("{HOSTILE} <ann@example.com>"),
            title: HOSTILE.to_owned(),
            text: HOSTILE.to_owned(),
            html: Some("<html><head></head><body><p>hello</p></body></html>".to_owned()),
            headers: vec![(HOSTILE.to_owned(), HOSTILE.to_owned())],
            at: Timestamp(0),
        };
        store.keep(&item).await.unwrap();
        (Arc::new(store), folder)
    }

    async fn get(router: &Router, path: &str, host: &str) -> (u16, String, String) {
        let request = Request::builder().uri(path).header("host", host).body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        let policy = answer.headers().get(header::CONTENT_SECURITY_POLICY);
        let policy = policy.map_or_else(String::new, |policy| policy.to_str().unwrap().to_owned());
        let status = answer.status().as_u16();
        let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, policy, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_page_shows_mails_in_frames_that_can_do_nothing() {
        let (outbox, _folder) = with_one_mail().await;
        let router = router(&eventflow_config::defaults(), outbox);
        let (status, policy, html) = get(&router, "/outbox", "127.0.0.1:8080").await;
        assert_eq!((status, html.contains("<script")), (200, false), "{html}");
        assert!(
            html.contains("&lt;script&gt;") && html.contains("src=\"/outbox/mail/mail.1@localhost\""),
            "{html}"
        );
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let (status, policy, mail) = get(&router, "/outbox/mail/mail.1@localhost", "127.0.0.1:8080").await;
        assert_eq!((status, mail.contains("<p>hello</p>")), (200, true), "{mail}");
        assert!(policy.contains("sandbox") && !policy.contains("allow-scripts"), "{policy}");
        assert_eq!(get(&router, "/outbox/mail/nothing", "127.0.0.1:8080").await.0, 404);
        assert_eq!(get(&router, "/outbox/style.css", "127.0.0.1:8080").await.0, 200);
    }

    #[tokio::test]
    async fn the_page_is_for_people_at_this_machine_and_gone_with_a_provider() {
        let (outbox, _folder) = with_one_mail().await;
        let mut config = eventflow_config::defaults();
        assert_eq!(get(&router(&config, Arc::clone(&outbox)), "/outbox", "chat.example.com").await.0, 403);
        config.email.smtp_url = eventflow_config::Secret::new("smtp://mail");
        let status = get(&router(&config, Arc::clone(&outbox)), "/outbox", "127.0.0.1:8080").await.0;
        assert_eq!(status, 200, "pushes to apps are kept");
        config.push.firebase_credentials = eventflow_config::Secret::new("{}");
        assert_eq!(get(&router(&config, Arc::clone(&outbox)), "/outbox", "127.0.0.1:8080").await.0, 404);
        let mut config = eventflow_config::defaults();
        config.demo.mode = eventflow_config::DemoMode::Off;
        assert_eq!(get(&router(&config, outbox), "/outbox", "127.0.0.1:8080").await.0, 404);
    }
}
