//! The page at `/`: a messaging client without a build step. Three demo people chat in it, so that a newcomer
//! sees the system work.
//!
//! The page of operators at `/ops` is beside it: it shows nothing without an administrator's token.
//!
//! The page is always served. Signing in as a demo person is [`crate::demo`]'s. Everybody else opens the page
//! with a token of the host application.

use anyhow::Context;
use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const PICTURE: &str = "image/svg+xml";
const ICON: &str = "image/png";
const MANIFEST: &str = "application/manifest+json";

/// The page's files: path, content type and content.
const FILES: &[(&str, &str, &str)] = &[
    ("/", HTML, include_str!("../../web/index.html")),
    ("/style.css", STYLE, include_str!("../../web/style.css")),
    ("/conversation.css", STYLE, include_str!("../../web/conversation.css")),
    ("/door.css", STYLE, include_str!("../../web/door.css")),
    ("/files.css", STYLE, include_str!("../../web/files.css")),
    ("/group.css", STYLE, include_str!("../../web/group.css")),
    ("/later.css", STYLE, include_str!("../../web/later.css")),
    ("/block.css", STYLE, include_str!("../../web/block.css")),
    ("/manifest.webmanifest", MANIFEST, include_str!("../../web/manifest.webmanifest")),
    ("/assets/ann.svg", PICTURE, include_str!("../../web/ann.svg")),
    ("/assets/avatar.svg", PICTURE, include_str!("../../web/avatar.svg")),
    ("/assets/ben.svg", PICTURE, include_str!("../../web/ben.svg")),
    ("/assets/mei.svg", PICTURE, include_str!("../../web/mei.svg")),
    ("/alerts.js", SCRIPT, include_str!("../../web/alerts.js")),
    ("/answered.js", SCRIPT, include_str!("../../web/answered.js")),
    ("/api.js", SCRIPT, include_str!("../../web/api.js")),
    ("/app.js", SCRIPT, include_str!("../../web/app.js")),
    ("/attached.js", SCRIPT, include_str!("../../web/attached.js")),
    ("/beginning.js", SCRIPT, include_str!("../../web/beginning.js")),
    ("/blocking.js", SCRIPT, include_str!("../../web/blocking.js")),
    ("/blocks.js", SCRIPT, include_str!("../../web/blocks.js")),
    ("/bubble.js", SCRIPT, include_str!("../../web/bubble.js")),
    ("/changes.js", SCRIPT, include_str!("../../web/changes.js")),
    ("/composer.js", SCRIPT, include_str!("../../web/composer.js")),
    ("/connection.js", SCRIPT, include_str!("../../web/connection.js")),
    ("/conversation.js", SCRIPT, include_str!("../../web/conversation.js")),
    ("/days.js", SCRIPT, include_str!("../../web/days.js")),
    ("/devices.js", SCRIPT, include_str!("../../web/devices.js")),
    ("/drafts.js", SCRIPT, include_str!("../../web/drafts.js")),
    ("/edits.js", SCRIPT, include_str!("../../web/edits.js")),
    ("/elements.js", SCRIPT, include_str!("../../web/elements.js")),
    ("/emoji-data.js", SCRIPT, include_str!("../../web/emoji-data.js")),
    ("/emoji-picker.js", SCRIPT, include_str!("../../web/emoji-picker.js")),
    ("/file-items.js", SCRIPT, include_str!("../../web/file-items.js")),
    ("/focus.js", SCRIPT, include_str!("../../web/focus.js")),
    ("/folded.js", SCRIPT, include_str!("../../web/folded.js")),
    ("/group-form.js", SCRIPT, include_str!("../../web/group-form.js")),
    ("/group-lines.js", SCRIPT, include_str!("../../web/group-lines.js")),
    ("/groups.js", SCRIPT, include_str!("../../web/groups.js")),
    ("/header.js", SCRIPT, include_str!("../../web/header.js")),
    ("/history.js", SCRIPT, include_str!("../../web/history.js")),
    ("/inbox.js", SCRIPT, include_str!("../../web/inbox.js")),
    ("/keyed-changes.js", SCRIPT, include_str!("../../web/keyed-changes.js")),
    ("/later-form.js", SCRIPT, include_str!("../../web/later-form.js")),
    ("/later-list.js", SCRIPT, include_str!("../../web/later-list.js")),
    ("/later-menu.js", SCRIPT, include_str!("../../web/later-menu.js")),
    ("/later.js", SCRIPT, include_str!("../../web/later.js")),
    ("/markup.js", SCRIPT, include_str!("../../web/markup.js")),
    ("/member-item.js", SCRIPT, include_str!("../../web/member-item.js")),
    ("/member-list.js", SCRIPT, include_str!("../../web/member-list.js")),
    ("/members.js", SCRIPT, include_str!("../../web/members.js")),
    ("/mention-picker.js", SCRIPT, include_str!("../../web/mention-picker.js")),
    ("/mentions.js", SCRIPT, include_str!("../../web/mentions.js")),
    ("/message-actions.js", SCRIPT, include_str!("../../web/message-actions.js")),
    ("/moments.js", SCRIPT, include_str!("../../web/moments.js")),
    ("/mutes.js", SCRIPT, include_str!("../../web/mutes.js")),
    ("/names.js", SCRIPT, include_str!("../../web/names.js")),
    ("/navigation.js", SCRIPT, include_str!("../../web/navigation.js")),
    ("/new-thread.js", SCRIPT, include_str!("../../web/new-thread.js")),
    ("/notice.js", SCRIPT, include_str!("../../web/notice.js")),
    ("/ops", HTML, include_str!("../../web/ops.html")),
    ("/ops-ask.js", SCRIPT, include_str!("../../web/ops-ask.js")),
    ("/ops-figures.js", SCRIPT, include_str!("../../web/ops-figures.js")),
    ("/ops-gateways.js", SCRIPT, include_str!("../../web/ops-gateways.js")),
    ("/ops-letter.js", SCRIPT, include_str!("../../web/ops-letter.js")),
    ("/ops-letters.js", SCRIPT, include_str!("../../web/ops-letters.js")),
    ("/ops-outcomes.js", SCRIPT, include_str!("../../web/ops-outcomes.js")),
    ("/ops-pages.js", SCRIPT, include_str!("../../web/ops-pages.js")),
    ("/ops-people.js", SCRIPT, include_str!("../../web/ops-people.js")),
    ("/ops-pipeline.js", SCRIPT, include_str!("../../web/ops-pipeline.js")),
    ("/ops-replays.js", SCRIPT, include_str!("../../web/ops-replays.js")),
    ("/ops-reports.js", SCRIPT, include_str!("../../web/ops-reports.js")),
    ("/ops-servers.js", SCRIPT, include_str!("../../web/ops-servers.js")),
    ("/ops.css", STYLE, include_str!("../../web/ops.css")),
    ("/ops.js", SCRIPT, include_str!("../../web/ops.js")),
    ("/outbox.js", SCRIPT, include_str!("../../web/outbox.js")),
    ("/people.js", SCRIPT, include_str!("../../web/people.js")),
    ("/picker.js", SCRIPT, include_str!("../../web/picker.js")),
    ("/pins.js", SCRIPT, include_str!("../../web/pins.js")),
    ("/place.js", SCRIPT, include_str!("../../web/place.js")),
    ("/preferences.js", SCRIPT, include_str!("../../web/preferences.js")),
    ("/presence.js", SCRIPT, include_str!("../../web/presence.js")),
    ("/pushes.js", SCRIPT, include_str!("../../web/pushes.js")),
    ("/quiet-hours.js", SCRIPT, include_str!("../../web/quiet-hours.js")),
    ("/reading.js", SCRIPT, include_str!("../../web/reading.js")),
    ("/reasons.js", SCRIPT, include_str!("../../web/reasons.js")),
    ("/receipts.js", SCRIPT, include_str!("../../web/receipts.js")),
    ("/refusal.js", SCRIPT, include_str!("../../web/refusal.js")),
    ("/report.js", SCRIPT, include_str!("../../web/report.js")),
    ("/scroller.js", SCRIPT, include_str!("../../web/scroller.js")),
    ("/search.js", SCRIPT, include_str!("../../web/search.js")),
    ("/sending.js", SCRIPT, include_str!("../../web/sending.js")),
    ("/service-worker.js", SCRIPT, include_str!("../../web/service-worker.js")),
    ("/settings.js", SCRIPT, include_str!("../../web/settings.js")),
    ("/sign-in.js", SCRIPT, include_str!("../../web/sign-in.js")),
    ("/sizes.js", SCRIPT, include_str!("../../web/sizes.js")),
    ("/socket.js", SCRIPT, include_str!("../../web/socket.js")),
    ("/sound.js", SCRIPT, include_str!("../../web/sound.js")),
    ("/storage.js", SCRIPT, include_str!("../../web/storage.js")),
    ("/stored-files.js", SCRIPT, include_str!("../../web/stored-files.js")),
    ("/sure.js", SCRIPT, include_str!("../../web/sure.js")),
    ("/thread-list.js", SCRIPT, include_str!("../../web/thread-list.js")),
    ("/thread-menu.js", SCRIPT, include_str!("../../web/thread-menu.js")),
    ("/threads.js", SCRIPT, include_str!("../../web/threads.js")),
    ("/times.js", SCRIPT, include_str!("../../web/times.js")),
    ("/typed.js", SCRIPT, include_str!("../../web/typed.js")),
    ("/typing.js", SCRIPT, include_str!("../../web/typing.js")),
    ("/unsent.js", SCRIPT, include_str!("../../web/unsent.js")),
    ("/upload.js", SCRIPT, include_str!("../../web/upload.js")),
    ("/uploads.js", SCRIPT, include_str!("../../web/uploads.js")),
    ("/viewer.js", SCRIPT, include_str!("../../web/viewer.js")),
];

/// The icons of the page where somebody has installed it: path and content.
const ICONS: &[(&str, &[u8])] = &[
    ("/assets/icon-180.png", include_bytes!("../../web/icon-180.png")),
    ("/assets/icon-192.png", include_bytes!("../../web/icon-192.png")),
    ("/assets/icon-512.png", include_bytes!("../../web/icon-512.png")),
];

/// The routes of the page's files. `files_origin` is the origin that uploaded files come from; empty: this
/// site. Fails if it is no part of a header.
pub fn router(files_origin: &str) -> anyhow::Result<Router> {
    let policy = policy(files_origin)?;
    let texts = FILES.iter().map(|&(path, kind, text)| (path, kind, text.as_bytes()));
    let icons = ICONS.iter().map(|&(path, content)| (path, ICON, content));
    Ok(texts.chain(icons).fold(Router::new(), |router, (path, kind, content)| {
        let policy = policy.clone();
        let answer = move || {
            let policy = policy.clone();
            async move { file(kind, content, policy) }
        };
        router.route(path, get(answer))
    }))
}

/// The page may run its own files and talk to its own server, and nothing else. Pictures that people have
/// sent are read with the page's token, which may lead to the origin of files, and are shown as `blob:`.
fn policy(files_origin: &str) -> anyhow::Result<HeaderValue> {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
         connect-src 'self' ws: wss: {files_origin}; manifest-src 'self'; form-action 'none'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).context("configuration key `attachments.origin`")
}

fn file(kind: &'static str, content: &'static [u8], policy: HeaderValue) -> Response {
    let headers: [(HeaderName, HeaderValue); 5] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CONTENT_SECURITY_POLICY, policy),
    ];
    (headers, content).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_the_page_asks_for_is_served() {
        for (path, _, text) in FILES {
            let is_file = |part: &&str| part.starts_with('/') && part.contains('.') && !part.contains(' ');
            for asked in text.split(['\'', '"']).filter(is_file) {
                let mut served = FILES.iter().map(|file| file.0).chain(ICONS.iter().map(|icon| icon.0));
                assert!(served.any(|served| served == asked), "{path} asks for {asked}");
            }
        }
    }

    #[test]
    fn the_page_asks_its_own_site_and_the_origin_of_files_alone() {
        let asks = |origin| policy(origin).unwrap().to_str().unwrap().to_owned();
        assert!(asks("").contains("; connect-src 'self' ws: wss: ; "));
        assert!(asks("https://files.test").contains(" wss: https://files.test; "));
        assert!(policy("https://files.test\n").is_err());
    }

    #[test]
    fn every_file_of_the_page_is_served() {
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../web")).unwrap();
        assert_eq!(files.count(), FILES.len() + ICONS.len());
    }
}
