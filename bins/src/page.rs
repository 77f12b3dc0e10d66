//! The page at `/`: a messaging client without a build step. Three demo people chat in it, so that a newcomer
//! sees the system work.
//!
//! The page of operators at `/ops` is beside it: it shows nothing without an administrator's token.
//!
//! The page is always served. Signing in as a demo person is [`crate::demo`]'s. Everybody else opens the page
//! with a token of the host application.

use axum::Router;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// The page may run its own files and talk to its own server, and nothing else.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self' ws: wss:; manifest-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

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
    ("/group.css", STYLE, include_str!("../../web/group.css")),
    ("/manifest.webmanifest", MANIFEST, include_str!("../../web/manifest.webmanifest")),
    ("/assets/ann.svg", PICTURE, include_str!("../../web/ann.svg")),
    ("/assets/avatar.svg", PICTURE, include_str!("../../web/avatar.svg")),
    ("/assets/ben.svg", PICTURE, include_str!("../../web/ben.svg")),
    ("/assets/mei.svg", PICTURE, include_str!("../../web/mei.svg")),
    ("/alerts.js", SCRIPT, include_str!("../../web/alerts.js")),
    ("/api.js", SCRIPT, include_str!("../../web/api.js")),
    ("/app.js", SCRIPT, include_str!("../../web/app.js")),
    ("/beginning.js", SCRIPT, include_str!("../../web/beginning.js")),
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
    ("/group-form.js", SCRIPT, include_str!("../../web/group-form.js")),
    ("/group-lines.js", SCRIPT, include_str!("../../web/group-lines.js")),
    ("/groups.js", SCRIPT, include_str!("../../web/groups.js")),
    ("/header.js", SCRIPT, include_str!("../../web/header.js")),
    ("/history.js", SCRIPT, include_str!("../../web/history.js")),
    ("/inbox.js", SCRIPT, include_str!("../../web/inbox.js")),
    ("/markup.js", SCRIPT, include_str!("../../web/markup.js")),
    ("/member-item.js", SCRIPT, include_str!("../../web/member-item.js")),
    ("/member-list.js", SCRIPT, include_str!("../../web/member-list.js")),
    ("/members.js", SCRIPT, include_str!("../../web/members.js")),
    ("/mention-picker.js", SCRIPT, include_str!("../../web/mention-picker.js")),
    ("/mentions.js", SCRIPT, include_str!("../../web/mentions.js")),
    ("/message-actions.js", SCRIPT, include_str!("../../web/message-actions.js")),
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
    ("/ops-people.js", SCRIPT, include_str!("../../web/ops-people.js")),
    ("/ops-pipeline.js", SCRIPT, include_str!("../../web/ops-pipeline.js")),
    ("/ops-replays.js", SCRIPT, include_str!("../../web/ops-replays.js")),
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
    ("/receipts.js", SCRIPT, include_str!("../../web/receipts.js")),
    ("/refusal.js", SCRIPT, include_str!("../../web/refusal.js")),
    ("/scroller.js", SCRIPT, include_str!("../../web/scroller.js")),
    ("/search.js", SCRIPT, include_str!("../../web/search.js")),
    ("/service-worker.js", SCRIPT, include_str!("../../web/service-worker.js")),
    ("/settings.js", SCRIPT, include_str!("../../web/settings.js")),
    ("/sign-in.js", SCRIPT, include_str!("../../web/sign-in.js")),
    ("/socket.js", SCRIPT, include_str!("../../web/socket.js")),
    ("/sound.js", SCRIPT, include_str!("../../web/sound.js")),
    ("/storage.js", SCRIPT, include_str!("../../web/storage.js")),
    ("/sure.js", SCRIPT, include_str!("../../web/sure.js")),
    ("/thread-list.js", SCRIPT, include_str!("../../web/thread-list.js")),
    ("/thread-menu.js", SCRIPT, include_str!("../../web/thread-menu.js")),
    ("/threads.js", SCRIPT, include_str!("../../web/threads.js")),
    ("/times.js", SCRIPT, include_str!("../../web/times.js")),
    ("/typed.js", SCRIPT, include_str!("../../web/typed.js")),
    ("/typing.js", SCRIPT, include_str!("../../web/typing.js")),
    ("/unsent.js", SCRIPT, include_str!("../../web/unsent.js")),
];

/// The icons of the page where somebody has installed it: path and content.
const ICONS: &[(&str, &[u8])] = &[
    ("/assets/icon-180.png", include_bytes!("../../web/icon-180.png")),
    ("/assets/icon-192.png", include_bytes!("../../web/icon-192.png")),
    ("/assets/icon-512.png", include_bytes!("../../web/icon-512.png")),
];

/// The routes of the page's files.
pub fn router() -> Router {
    let texts = FILES.iter().map(|&(path, kind, text)| (path, kind, text.as_bytes()));
    let icons = ICONS.iter().map(|&(path, content)| (path, ICON, content));
    texts.chain(icons).fold(Router::new(), |router, (path, kind, content)| {
        router.route(path, get(async move || file(kind, content)))
    })
}

fn file(kind: &'static str, content: &'static [u8]) -> Response {
    let headers: [(HeaderName, &str); 5] = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
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
    fn every_file_of_the_page_is_served() {
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../web")).unwrap();
        assert_eq!(files.count(), FILES.len() + ICONS.len());
    }
}
