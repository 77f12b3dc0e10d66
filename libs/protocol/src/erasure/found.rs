//! What of a person is in work that nobody could do.

use crate::UserId;
use crate::command::Command;
use crate::dead_letters::Work;
use crate::event::{Audience, Event, GatewayEvent};

/// Whether this work is a person's doing, or tells what they wrote: it goes when they are erased. Work that
/// only names them is somebody else's.
pub fn tells_of(work: &Work, user: &UserId) -> bool {
    match work {
        Work::Command(command) => is_of(command, user),
        Work::Event(event) => is_told(event, user),
        Work::GatewayEvent(event) => is_shown(event, user),
        // They hold ids and places.
        Work::NotifyJob(_) | Work::WindowJob(_) | Work::PushJob(_) => false,
        Work::DeviceSignal(signal) => signal.user_id == *user,
    }
}

/// What others answered stays theirs, also with the quote that it has.
fn is_of(command: &Command, user: &UserId) -> bool {
    let is_reported = matches!(command, Command::ReportMessage(report) if report.message.sender_id == *user);
    command.person() == Some(user) || is_reported
}

fn is_told(event: &Event, user: &UserId) -> bool {
    match event {
        Event::MessageStored { message, .. } => message.sender_id == *user,
        Event::MessageChanged { message, .. } => message.sender_id == *user,
        other => matches!(other.audience(), Audience::User(owner) if owner == *user),
    }
}

/// What clients get is JSON already; a message in it names its sender.
fn is_shown(event: &GatewayEvent, user: &UserId) -> bool {
    let is_sender = event.message.as_ref().is_some_and(|message| message.sender_id == *user);
    let is_owner = matches!(&event.audience, Audience::User(owner) if owner == user);
    is_sender || is_owner || event.actor.as_ref() == Some(user)
}
