//! From what is left of a window to its mail: texts, links, and the headers that mail clients group by.

use crate::email::digest::{Contents, Digest, Links, Reader};
use crate::email::parts::EmailParts;
use crate::email::templates::TemplateError;
use crate::notify::again::{Content, Remaining};
use eventflow_ports::mailer::SUBJECT_MAX_CHARS;
use eventflow_ports::{Mail, MailId, Mailbox};
use eventflow_protocol::ThreadId;
use eventflow_protocol::outbound::{Told, Window};

/// The mail to this recipient about what is left of a window.
///
/// The templates were tried at the start; what fails here fails for this mail every time.
pub(super) async fn mail(
    parts: &EmailParts,
    window: &Window,
    remaining: &Remaining,
    to: Mailbox,
) -> Result<Mail, TemplateError> {
    let EmailParts { settings, unsubscribe, templates, clock, .. } = parts;
    let Remaining { left, preferences, .. } = remaining;
    let contents = contents(parts, window, remaining).await;
    let now = clock.now();
    let token_url =
        |base: &String| format!("{base}/api/v2/unsubscribe/{}", unsubscribe.token(&window.user_id, now));
    let links = Links {
        base_url: settings.base_url.clone(),
        unsubscribe_url: settings.base_url.as_ref().map(token_url),
        settings_url: settings.settings_url.clone(),
    };
    let language = templates.language(Some(&preferences.locale));
    let reader = Reader { user: window.user_id.clone(), zone: preferences.time_zone.clone() };
    let digest = Digest::new(&settings.product, &reader, &contents, &links);
    let rendered = templates.render(language, &digest)?;
    let domain = settings.from.address.domain();
    Ok(Mail {
        from: settings.from.clone(),
        to,
        subject: clipped(&rendered.subject, SUBJECT_MAX_CHARS),
        text: rendered.text,
        html: rendered.html,
        id: MailId::new("mail", &window.id.to_string(), domain),
        in_reply_to: only_thread(left).map(|thread| MailId::new("thread", &thread.to_string(), domain)),
        unsubscribe: links.unsubscribe_url,
        language: language.to_owned(),
        at: now,
    })
}

/// The texts of what is left, with the names of whoever they name.
async fn contents(parts: &EmailParts, window: &Window, remaining: &Remaining) -> Contents {
    let mut contents = Contents { more: window.more, ..Contents::default() };
    let (urgent, others): (Vec<_>, Vec<_>) = remaining.left.iter().partition(|(told, _)| told.critical);
    for (_, content) in urgent.into_iter().chain(others) {
        match content {
            // One that came and then mentions the person by an edit may be there twice.
            Content::Message(message) if contents.has(message.id) => {}
            Content::Message(message) => contents.messages.push((**message).clone()),
            Content::Notification(notification) => contents.notifications.push((**notification).clone()),
        }
    }
    let threads = remaining.threads.iter().map(|(id, view)| (*id, view.thread.clone()));
    contents.threads = threads.collect();
    let people = contents.people_named();
    contents.people = parts.people.shown(&people).await;
    contents
}

/// The thread that all of these are about, if it is one.
fn only_thread(left: &[(Told, Content)]) -> Option<ThreadId> {
    let first = left.first()?.0.about.thread_id()?;
    left.iter().all(|(told, _)| told.about.thread_id() == Some(first)).then_some(first)
}

/// The beginning of a text, of at most so many Unicode scalar values.
pub(super) fn clipped(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
