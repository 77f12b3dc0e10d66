//! The roster: everybody in a group with what the group knows of them, and what a change does to it.
//!
//! [`Roster::apply`] is the only place that says so. Every store runs it under its own lock or
//! compare-and-set. Repeating a change is safe, because a roster remembers the last commands.

use crate::change::group::{GroupChange, GroupChanged};
use crate::fingerprint::Fingerprint;
use crate::group::{GROUP_COMMANDS_REMEMBERED, Group, History, OWNERS_MAX, Role};
use crate::participants::PARTICIPANTS_MAX;
use crate::{CommandId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Everybody in a group, as a store has read it.
#[derive(Clone, Debug, PartialEq)]
pub struct Roster {
    /// The group.
    pub group: Group,
    /// Everybody in it, sorted.
    pub people: Vec<UserId>,
    /// When people were added; who was there from the beginning has no entry.
    pub joined_at: HashMap<UserId, Timestamp>,
    /// The last commands that changed the group, in the order in which they were carried out.
    pub done: Vec<DoneChange>,
}

/// A command that changed a group. Its text is the id and, for what came by a key, what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DoneChange {
    /// The id under which it is remembered.
    pub command: CommandId,
    /// What it asked for; zeros for leaving.
    pub fingerprint: Fingerprint,
}

impl From<DoneChange> for String {
    fn from(done: DoneChange) -> Self {
        format!("{}:{}", done.command.0, hex::encode(done.fingerprint))
    }
}

impl TryFrom<String> for DoneChange {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let parsed = || {
            let (id, hash) = text.split_once(':')?;
            let mut fingerprint = Fingerprint::default();
            hex::decode_to_slice(hash, &mut fingerprint).ok()?;
            Some(Self { command: CommandId(id.parse().ok()?), fingerprint })
        };
        parsed().ok_or("a change of a group is remembered as `<uuid>:<32 hexadecimal digits>`")
    }
}

/// What a change does to a roster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RosterStep {
    /// Who comes in, sorted.
    pub added: Vec<UserId>,
    /// Who goes.
    pub removed: Option<UserId>,
    /// Name, picture or owners become others.
    pub is_described: bool,
    /// The command is carried out now, and the roster is to be written; `false` if it was before.
    pub is_new: bool,
}

impl Roster {
    /// Changes the roster, as `by` asks. `Err` says why not, and the roster is as it was.
    ///
    /// All or nothing: of several people who would come in, all do or none. A command that was carried out
    /// before changes nothing; its step names what it did, as far as that still holds.
    pub fn apply(
        &mut self,
        command: CommandId,
        by: &UserId,
        at: Timestamp,
        change: &GroupChange,
    ) -> Result<RosterStep, GroupChanged> {
        let fingerprint = change.fingerprint();
        if let Some(before) = self.before(command) {
            let is_same = before.fingerprint == fingerprint;
            return if is_same { Ok(self.done_before(change)) } else { Err(GroupChanged::KeyReused) };
        }
        if !self.has(by) {
            return Err(GroupChanged::NotFound);
        }
        if self.group.role(by) != Role::Owner {
            return Err(GroupChanged::NotOwner);
        }
        let mut step = match change {
            GroupChange::Describe { name, picture } => self.describe(name.as_ref(), picture.as_ref()),
            GroupChange::Add { people, people_max } => self.add(people, *people_max, at)?,
            GroupChange::Remove { user } => self.remove(user)?,
            GroupChange::SetRole { user, role } => self.set_role(user, *role)?,
        };
        // Also if it changes nothing: it must not change anything later either.
        self.remember(DoneChange { command, fingerprint });
        step.is_new = true;
        Ok(step)
    }

    /// Takes out a person who leaves. If they were the last owner, the one who is longest in the group owns
    /// it from now on.
    pub fn leave(&mut self, command: CommandId, user: &UserId) -> RosterStep {
        if self.before(command).is_some() || !self.has(user) {
            return RosterStep::default();
        }
        self.remember(DoneChange { command, fingerprint: Fingerprint::default() });
        RosterStep { is_new: true, ..self.take_out(user) }
    }

    /// The place after which people see messages who are added while `last` is the newest.
    pub fn seen_from(&self, last: u64) -> u64 {
        match self.group.history {
            History::All => 0,
            History::Joined => last,
        }
    }

    fn has(&self, user: &UserId) -> bool {
        self.people.binary_search(user).is_ok()
    }

    fn describe(&mut self, name: Option<&String>, picture: Option<&String>) -> RosterStep {
        let before = (self.group.name.clone(), self.group.picture.clone());
        let wanted = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        if let Some(name) = name {
            self.group.name = wanted(name);
        }
        if let Some(picture) = picture {
            self.group.picture = wanted(picture);
        }
        let is_other = before != (self.group.name.clone(), self.group.picture.clone());
        RosterStep { is_described: is_other, ..RosterStep::default() }
    }

    fn add(
        &mut self,
        people: &[UserId],
        people_max: Option<usize>,
        at: Timestamp,
    ) -> Result<RosterStep, GroupChanged> {
        let mut added: Vec<UserId> = people.iter().filter(|user| !self.has(user)).cloned().collect();
        added.sort_unstable();
        added.dedup();
        let most = people_max.unwrap_or(PARTICIPANTS_MAX).min(PARTICIPANTS_MAX);
        if !added.is_empty() && self.people.len() + added.len() > most {
            return Err(GroupChanged::TooManyPeople);
        }
        self.people.extend(added.iter().cloned());
        self.people.sort_unstable();
        self.joined_at.extend(added.iter().map(|user| (user.clone(), at)));
        Ok(RosterStep { added, ..RosterStep::default() })
    }

    fn remove(&mut self, user: &UserId) -> Result<RosterStep, GroupChanged> {
        if !self.has(user) {
            return Err(GroupChanged::NoSuchMember);
        }
        Ok(self.take_out(user))
    }

    fn set_role(&mut self, user: &UserId, role: Role) -> Result<RosterStep, GroupChanged> {
        if !self.has(user) {
            return Err(GroupChanged::NoSuchMember);
        }
        let owners = &mut self.group.owners;
        match (role, owners.binary_search(user)) {
            (Role::Owner, Ok(_)) | (Role::Member, Err(_)) => return Ok(RosterStep::default()),
            (Role::Owner, Err(_)) if owners.len() >= OWNERS_MAX => return Err(GroupChanged::TooManyOwners),
            (Role::Owner, Err(place)) => owners.insert(place, user.clone()),
            (Role::Member, Ok(_)) if owners.len() == 1 => return Err(GroupChanged::LastOwner),
            (Role::Member, Ok(place)) => drop(owners.remove(place)),
        }
        Ok(RosterStep { is_described: true, ..RosterStep::default() })
    }

    fn take_out(&mut self, user: &UserId) -> RosterStep {
        self.people.retain(|person| person != user);
        self.joined_at.remove(user);
        let owners = self.group.owners.len();
        self.group.owners.retain(|owner| owner != user);
        let is_described = self.group.owners.len() < owners;
        if self.group.owners.is_empty() {
            self.group.owners.extend(self.longest().cloned());
        }
        RosterStep { removed: Some(user.clone()), is_described, ..RosterStep::default() }
    }

    /// Who is in the group for the longest time; of several the first by id.
    fn longest(&self) -> Option<&UserId> {
        self.people.iter().min_by_key(|user| (self.joined_at.get(user), *user))
    }

    fn before(&self, command: CommandId) -> Option<&DoneChange> {
        self.done.iter().find(|done| done.command == command)
    }

    fn remember(&mut self, done: DoneChange) {
        self.done.push(done);
        let excess = self.done.len().saturating_sub(GROUP_COMMANDS_REMEMBERED);
        self.done.drain(..excess);
    }

    /// What a command did that was carried out before, as far as it still holds: later ones may have undone
    /// it.
    fn done_before(&self, change: &GroupChange) -> RosterStep {
        let none = RosterStep::default();
        match change {
            GroupChange::Describe { .. } | GroupChange::SetRole { .. } => {
                RosterStep { is_described: true, ..none }
            }
            GroupChange::Add { people, .. } => {
                let mut added: Vec<UserId> = people.iter().filter(|user| self.has(user)).cloned().collect();
                added.sort_unstable();
                added.dedup();
                RosterStep { added, ..none }
            }
            GroupChange::Remove { user } => {
                RosterStep { removed: Some(user.clone()).filter(|user| !self.has(user)), ..none }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str) -> UserId {
        id.parse().unwrap()
    }

    fn group(people: &[&str]) -> Roster {
        let people: Vec<UserId> = people.iter().map(|id| user(id)).collect();
        let owners = vec![people[0].clone()];
        let group = Group { owners, ..Group::default() };
        Roster { group, people, joined_at: HashMap::new(), done: Vec::new() }
    }

    fn apply(roster: &mut Roster, by: &str, change: &GroupChange) -> Result<RosterStep, GroupChanged> {
        let before = roster.clone();
        let step = roster.apply(CommandId::new(), &user(by), Timestamp(5), change);
        assert!(step.is_ok() || *roster == before, "what is refused changes nothing");
        step
    }

    fn add(people: &[&str]) -> GroupChange {
        GroupChange::Add { people: people.iter().map(|id| user(id)).collect(), people_max: None }
    }

    fn role(of: &str, role: Role) -> GroupChange {
        GroupChange::SetRole { user: user(of), role }
    }

    #[test]
    fn owners_alone_change_a_group() {
        let mut roster = group(&["ann", "ben"]);
        let changes = || {
            let name = GroupChange::Describe { name: Some("us".to_owned()), picture: None };
            [name, add(&["cleo"]), GroupChange::Remove { user: user("ann") }, role("ben", Role::Owner)]
        };
        for change in changes() {
            assert_eq!(apply(&mut roster, "ben", &change), Err(GroupChanged::NotOwner));
            assert_eq!(apply(&mut roster, "eve", &change), Err(GroupChanged::NotFound), "a stranger");
        }
        for change in changes() {
            apply(&mut roster.clone(), "ann", &change).unwrap();
        }
    }

    #[test]
    fn a_command_that_comes_again_undoes_nothing() {
        let mut roster = group(&["ann", "ben"]);
        let command = CommandId::new();
        let step = roster.apply(command, &user("ann"), Timestamp(5), &add(&["cleo", "ben"])).unwrap();
        assert!(step.is_new && step.added == [user("cleo")]);
        apply(&mut roster, "ann", &GroupChange::Remove { user: user("cleo") }).unwrap();
        let again = roster.apply(command, &user("ann"), Timestamp(5), &add(&["cleo", "ben"])).unwrap();
        assert_eq!((again.added, again.is_new), (vec![user("ben")], false), "cleo was removed since");
        let other = roster.apply(command, &user("ann"), Timestamp(5), &add(&["dan"]));
        assert_eq!(other, Err(GroupChanged::KeyReused));
        assert_eq!(roster.people, [user("ann"), user("ben")]);
    }

    #[test]
    fn a_roster_remembers_its_last_commands_as_texts() {
        let mut roster = group(&["ann", "ben"]);
        for n in 0..=GROUP_COMMANDS_REMEMBERED {
            let name = GroupChange::Describe { name: Some(n.to_string()), picture: None };
            apply(&mut roster, "ann", &name).unwrap();
        }
        assert_eq!(roster.done.len(), GROUP_COMMANDS_REMEMBERED);
        let written = serde_json::to_string(&roster.done).unwrap();
        assert_eq!(serde_json::from_str::<Vec<DoneChange>>(&written).unwrap(), roster.done);
        assert!(serde_json::from_str::<DoneChange>(r#""x:y""#).is_err());
    }

    #[test]
    fn the_last_owner_who_goes_hands_over_to_whoever_is_there_longest() {
        let mut roster = group(&["ann", "dan"]);
        apply(&mut roster, "ann", &add(&["ben"])).unwrap();
        assert!(roster.leave(CommandId::new(), &user("ann")).is_described);
        assert_eq!(roster.group.owners, [user("dan")], "ben came later");
        roster.leave(CommandId::new(), &user("dan"));
        assert_eq!(roster.group.owners, [user("ben")]);
        roster.leave(CommandId::new(), &user("ben"));
        assert!(roster.group.owners.is_empty() && roster.people.is_empty());
    }

    #[test]
    fn an_owner_among_several_hands_over_to_nobody() {
        let mut roster = group(&["ann", "ben", "cleo"]);
        apply(&mut roster, "ann", &role("cleo", Role::Owner)).unwrap();
        assert!(roster.leave(CommandId::new(), &user("ann")).is_described);
        assert_eq!(roster.group.owners, [user("cleo")]);
        assert_eq!(apply(&mut roster, "cleo", &role("cleo", Role::Member)), Err(GroupChanged::LastOwner));
        assert_eq!(apply(&mut roster, "cleo", &role("ann", Role::Owner)), Err(GroupChanged::NoSuchMember));
    }

    #[test]
    fn bounds_are_kept_and_nobody_comes_in_alone() {
        let many: Vec<String> = (0..PARTICIPANTS_MAX).map(|n| format!("p{n:05}")).collect();
        let mut roster = group(&many.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(apply(&mut roster, "p00000", &add(&["a", "b"])), Err(GroupChanged::TooManyPeople));
        let add_within =
            |people_max: usize| GroupChange::Add { people: vec![user("a")], people_max: Some(people_max) };
        let mut few = group(&["ann", "ben"]);
        assert_eq!(apply(&mut few, "ann", &add_within(2)), Err(GroupChanged::TooManyPeople));
        assert_eq!(apply(&mut few, "ann", &add_within(3)).unwrap().added, [user("a")]);
        apply(&mut few, "ann", &add_within(2)).expect("who is in it already takes no room");
        assert_eq!(add_within(2).fingerprint(), add(&["a"]).fingerprint(), "the same is wanted");
        for owner in &many[1..OWNERS_MAX] {
            apply(&mut roster, "p00000", &role(owner, Role::Owner)).unwrap();
        }
        let one_more = role(&many[OWNERS_MAX], Role::Owner);
        assert_eq!(apply(&mut roster, "p00000", &one_more), Err(GroupChanged::TooManyOwners));
    }
}
