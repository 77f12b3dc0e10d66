//! Replies: a message keeps the id of the one that it answers, and nothing of what that says.

use super::Harness;
use super::fixtures::{Scene, again, append, append_again, at, change, change_one, history};
use crate::store::{Appended, NewMessage, PAGE_MAX, Store};
use eventflow_protocol::change::Change;
use eventflow_protocol::content::Content;
use eventflow_protocol::document::Message;
use eventflow_protocol::quote::ReplyTo;
use eventflow_protocol::{CommandId, MessageId};

/// Whatever becomes of a reply, it answers the same message, wherever it is read. The quote is answered to
/// the command that brought it, and not stored.
pub async fn a_reply_keeps_what_it_answers(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let asked = append(&*store, &[scene.say(0, "shall we?")]).await.remove(0);
    let quoted = ReplyTo { message_id: asked.id, quote: Some(asked.quote()) };
    let new = reply(scene.say_keyed(1, "yes", "k"), quoted.clone());
    let batch = std::slice::from_ref(&new);
    let answer = append(&*store, batch).await.remove(0);
    assert_eq!(answer.reply_to, Some(quoted));
    let kept = Message { reply_to: Some(ReplyTo::to(asked.id)), ..answer };
    assert_eq!(append_again(&*harness.open().await, &again(batch)).await, std::slice::from_ref(&kept));
    for wish in [
        Change::Edit { content: Content::parse("no").expect("it is content"), mentions: None },
        Change::Delete,
    ] {
        assert_eq!(read(&*harness.open().await, &kept).await.reply_to, kept.reply_to);
        change_one(&*store, &change(&kept, &scene.people[1], wish, 9)).await;
    }
    let found = history(&*store, scene.thread).await;
    assert_eq!(found.iter().map(|each| each.reply_to.clone()).collect::<Vec<_>>(), [None, kept.reply_to]);
}

/// Under one key the same words as an answer to something else are another message.
pub async fn a_key_stands_for_what_is_answered_too(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let asked = append(&*store, &[scene.say(0, "tea?"), scene.say(0, "milk?")]).await;
    let yes = |to: Option<&Message>| {
        let new = scene.say_keyed(1, "yes", "k");
        to.map_or_else(|| new.clone(), |to| reply(new.clone(), ReplyTo::to(to.id)))
    };
    let first = append(&*store, &[yes(Some(&asked[0]))]).await.remove(0);
    for witness in [store.clone(), harness.open().await] {
        let batch = [yes(Some(&asked[0])), yes(Some(&asked[1])), yes(None)];
        let answers = witness.append_messages(&batch).await.expect("append");
        assert_eq!(answers, [Appended::Duplicate(first.clone()), Appended::KeyReused, Appended::KeyReused]);
    }
}

/// Messages are found by their ids, up to a page of them, wherever they are; unknown ids are absent.
pub async fn messages_are_found_by_their_ids(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let elsewhere = Scene::between(&*store, scene.people.clone()).await;
    let most = usize::try_from(PAGE_MAX).expect("fits");
    let mut known = append(&*store, &scene.talk(most - 2)).await;
    known.extend(append(&*store, &[elsewhere.say(0, "here")]).await);
    let mut ids: Vec<MessageId> = known.iter().map(|message| message.id).collect();
    ids.push(MessageId::from(CommandId::new()));
    let mut found = harness.open().await.messages_by_id(&ids).await.expect("read");
    found.sort_by_key(|message| message.id);
    known.sort_by_key(|message| message.id);
    assert_eq!(found, known);
    assert_eq!(store.messages_by_id(&[]).await.expect("read"), []);
}

fn reply(mut new: NewMessage, to: ReplyTo) -> NewMessage {
    new.send.reply_to = Some(to);
    new.send.at = at(2);
    new
}

async fn read(store: &dyn Store, message: &Message) -> Message {
    store.message(message.id).await.expect("read").expect("the message exists")
}
