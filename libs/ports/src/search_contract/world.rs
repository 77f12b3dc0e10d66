//! Random people, threads and messages that know a few words, and what happens to them.
//!
//! Who is in which thread and what they may see of it is kept here too, so that what is found is not judged
//! by the store that found it. Some threads are groups: the first of their people owns them and lets others
//! in and out.

use super::queries::{asked, send, timed};
use crate::search::block::block_of_edited;
use crate::search::{SearchIndex, SearchQuery};
use crate::store::{NewMessage, Store, WithCommandId};
use crate::store_contract::fixtures::{
    Scene, at, change, change_one, commanded, creation, fresh_people, history, say,
};
use crate::store_contract::random::Random;
use eventflow_protocol::change::{ArchiveThread, Change, ChangeGroup, Changed, GroupChange, GroupChanged};
use eventflow_protocol::command::{CreateThread, LeaveThread};
use eventflow_protocol::content::Content;
use eventflow_protocol::document::{Attachment, AttachmentKind, Message};
use eventflow_protocol::group::{Group, History};
use eventflow_protocol::{CommandId, MessageId, ThreadId, UserId};
use std::collections::BTreeMap;

const WORDS: [&str; 12] = [
    "alpha",
    "Alphabet",
    "beta",
    "天气",
    "今天天气",
    "ภาษาไทย",
    "café",
    "CAFE",
    "gamma",
    "😀",
    "gam",
    "delta",
];

/// People and what they have.
pub(super) struct World {
    people: Vec<UserId>,
    rooms: Vec<Room>,
}

/// A thread, and who is in it now with the place after which they see it.
struct Room {
    create: CreateThread,
    scene: Scene,
    members: BTreeMap<UserId, u64>,
}

impl World {
    pub(super) async fn random(store: &dyn Store, random: &mut Random) -> Self {
        let people = fresh_people(6);
        let mut rooms = Vec::new();
        for _ in 0..5 {
            let mut of_thread = people.clone();
            random.shuffle(&mut of_thread);
            of_thread.truncate(2 + random.below(3));
            of_thread.sort_unstable();
            let group = random.percent(50).then(|| Group {
                owners: vec![of_thread[0].clone()],
                history: if random.percent(30) { History::All } else { History::Joined },
                ..Group::default()
            });
            let room = Room::open(store, of_thread, group).await;
            let count = 1 + random.below(60);
            let batch: Vec<NewMessage> = (0..count).map(|_| room.message(random)).collect();
            for message in send(store, &batch).await {
                if random.percent(10) {
                    let delete = change(&message, &message.sender_id, Change::Delete, 900);
                    change_one(store, &delete).await;
                }
            }
            rooms.push(room);
        }
        Self { people, rooms }
    }

    pub(super) fn threads(&self) -> impl Iterator<Item = ThreadId> {
        self.rooms.iter().map(|room| room.scene.thread)
    }

    pub(super) fn query(&self, random: &mut Random) -> SearchQuery {
        let words: Vec<&str> = (0..=random.below(2)).map(|_| random_word(random)).collect();
        let mut query = asked(&self.people[random.below(self.people.len())], &words.join(" "));
        query.thread = random.percent(25).then(|| self.rooms[random.below(self.rooms.len())].scene.thread);
        query.sender = random.percent(25).then(|| self.people[random.below(self.people.len())].clone());
        query.from = random.percent(25).then(|| at(seconds(random)));
        query.to = random.percent(25).then(|| at(seconds(random)));
        query.has_attachment = random.percent(20);
        query.limit = 1 + random.below(9);
        query
    }

    /// What reading everything finds.
    pub(super) async fn wanted(&self, store: &dyn Store, query: &SearchQuery) -> Vec<MessageId> {
        let mut found: Vec<Message> = Vec::new();
        for room in &self.rooms {
            let Some(since) = room.members.get(&query.user) else { continue };
            let all = history(store, room.scene.thread).await;
            let seen = all.into_iter().filter(|message| message.seq > *since);
            found.extend(seen.filter(|message| is_wanted(message, query)));
        }
        found.sort_by_key(|message| std::cmp::Reverse((message.created_at, message.id)));
        found.into_iter().map(|message| message.id).collect()
    }

    /// Lets somebody leave, come back, put the thread away, write, edit or take back.
    pub(super) async fn change(&mut self, store: &dyn Store, index: &dyn SearchIndex, random: &mut Random) {
        let at_room = random.below(self.rooms.len());
        let room = &mut self.rooms[at_room];
        let who = room.scene.people[random.below(room.scene.people.len())].clone();
        match random.below(6) {
            0 => room.leave(store, who).await,
            1 => room.come_back(store, who).await,
            2 => room.put_away(store, who).await,
            3 => room.write(store, random).await,
            4 => room.edit(store, index, random).await,
            _ => room.take_back(store, random).await,
        }
    }
}

impl Room {
    async fn open(store: &dyn Store, people: Vec<UserId>, group: Option<Group>) -> Self {
        let create = CreateThread { group, ..creation(&people, 0) };
        let (thread, _) = store.create_thread(&create).await.expect("create a thread");
        let scene = Scene { thread: thread.id, people: people.clone() };
        Self { create, scene, members: people.into_iter().map(|user| (user, 0)).collect() }
    }

    fn message(&self, random: &mut Random) -> NewMessage {
        let sender = self.members.keys().nth(random.below(self.members.len())).expect("somebody is in it");
        let mut new = timed(say(self.scene.thread, sender, &random_text(random)), random.below(20));
        if random.percent(20) {
            new.send.attachments.push(attachment());
        }
        new
    }

    async fn write(&self, store: &dyn Store, random: &mut Random) {
        if !self.members.is_empty() {
            send(store, &[self.message(random)]).await;
        }
    }

    /// Whoever owns the room stays.
    async fn leave(&mut self, store: &dyn Store, user_id: UserId) {
        if self.create.group.is_some() {
            if user_id != self.scene.people[0] && self.members.remove(&user_id).is_some() {
                self.change_people(store, GroupChange::Remove { user: user_id }).await;
            }
            return;
        }
        self.members.remove(&user_id);
        let leave = LeaveThread { thread_id: self.scene.thread, user_id, at: at(999) };
        store.leave(&commanded(leave)).await.expect("leave");
    }

    async fn change_people(&self, store: &dyn Store, change: GroupChange) {
        let (thread_id, by) = (self.scene.thread, self.scene.people[0].clone());
        let wanted = commanded(ChangeGroup { thread_id, by, change, key: None, at: at(999) });
        let changed = store.change_group(&wanted).await.expect("change a group");
        assert!(matches!(changed, GroupChanged::Done(_)), "{changed:?}");
    }

    /// Who is in the room is not let in anew.
    async fn come_back(&mut self, store: &dyn Store, created_by: UserId) {
        if let Some(group) = &self.create.group {
            let sees_all = group.history == History::All;
            if !self.members.contains_key(&created_by) {
                let newest = history(store, self.scene.thread).await.len() as u64;
                self.members.insert(created_by.clone(), if sees_all { 0 } else { newest });
                self.change_people(store, GroupChange::Add { people: vec![created_by], people_max: None })
                    .await;
            }
            return;
        }
        self.members.entry(created_by.clone()).or_insert(0);
        let again = CreateThread { created_by, at: at(999), ..self.create.clone() };
        store.create_thread(&again).await.expect("come back");
    }

    async fn put_away(&self, store: &dyn Store, user_id: UserId) {
        let wanted = ArchiveThread { thread_id: self.scene.thread, user_id, archived: true, at: at(999) };
        let archive = WithCommandId { command_id: CommandId::new(), wanted };
        store.archive(&archive).await.expect("archive");
    }

    /// Edits a message, and writes its block as the persistence stage does.
    async fn edit(&self, store: &dyn Store, index: &dyn SearchIndex, random: &mut Random) {
        let message = self.any(store, random).await;
        let edit =
            Change::Edit { content: Content::parse(&random_text(random)).expect("content"), mentions: None };
        if let Changed::Done(edited, _) =
            change_one(store, &change(&message, &message.sender_id, edit, 901)).await
        {
            index.add_edited(&[block_of_edited(&edited)]).await.expect("add the block of an edit");
        }
    }

    async fn take_back(&self, store: &dyn Store, random: &mut Random) {
        let message = self.any(store, random).await;
        change_one(store, &change(&message, &message.sender_id, Change::Delete, 902)).await;
    }

    async fn any(&self, store: &dyn Store, random: &mut Random) -> Message {
        let mut all = history(store, self.scene.thread).await;
        all.swap_remove(random.below(all.len()))
    }
}

fn is_wanted(message: &Message, query: &SearchQuery) -> bool {
    message.deleted_at.is_none()
        && query.terms.is_in(&message.content)
        && query.thread.is_none_or(|thread| message.thread_id == thread)
        && query.sender.as_ref().is_none_or(|sender| message.sender_id == *sender)
        && query.from.is_none_or(|from| message.created_at >= from)
        && query.to.is_none_or(|to| message.created_at < to)
        && (!query.has_attachment || !message.attachments.is_empty())
}

fn random_text(random: &mut Random) -> String {
    let words: Vec<&str> = (0..=random.below(5)).map(|_| random_word(random)).collect();
    words.join(" ")
}

fn random_word(random: &mut Random) -> &'static str {
    WORDS[random.below(WORDS.len())]
}

fn seconds(random: &mut Random) -> i64 {
    i64::try_from(random.below(20)).unwrap_or_default()
}

fn attachment() -> Attachment {
    Attachment {
        kind: AttachmentKind::Document,
        url: "https://files.test/a.pdf".to_owned(),
        filename: "a.pdf".to_owned(),
        size: 1,
        mime_type: "application/pdf".to_owned(),
        metadata: serde_json::Map::new(),
        id: None,
        thumbnail_url: None,
        width: None,
        height: None,
    }
}
