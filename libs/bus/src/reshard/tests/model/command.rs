//! The command of the model: it holds the gateways, sends barriers, and decides.

use super::{Message, Model, NUMBERS, Said, Without};
use crate::reshard::state::ShardState;
use eventflow_protocol::reshard::ShardRecord;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// An attempt of the command.
#[derive(Debug)]
pub(super) struct Command {
    attempt: Uuid,
    read: usize,
    state: ShardState,
    is_held: bool,
    /// Whoever knows nothing of the hold has been heard.
    has_heard_itself: bool,
    /// Barriers that have not come through, by queue.
    missing: Option<BTreeSet<u16>>,
    sent: BTreeMap<u32, u16>,
    is_decided: bool,
}

impl Command {
    pub(super) fn is(&self, attempt: Uuid) -> bool {
        self.attempt == attempt
    }

    pub(super) fn hears_itself(&mut self) {
        self.has_heard_itself = true;
    }
}

impl Model {
    pub(super) fn command_steps(&mut self) {
        let Some(mut command) = self.command.take() else { return self.begin() };
        if let Some(record) = self.log.get(command.read) {
            command.read += 1;
            command.state.apply(record);
            if matches!(record, ShardRecord::Hold { attempt, .. } if *attempt == command.attempt) {
                command.is_held = true;
                self.said.push_back(Said::ByCommand { attempt: command.attempt });
            }
            self.command = Some(command);
            return;
        }
        if command.is_held && !command.state.is_pending(command.attempt) {
            return;
        }
        if command.is_held && !command.is_decided {
            self.lead(&mut command);
        }
        self.command = Some(command);
    }

    /// It has listened for so long that it has heard everybody.
    fn begin(&mut self) {
        while !self.said.is_empty() {
            self.hear();
        }
        let mut state = ShardState::default();
        for record in &self.log {
            state.apply(record);
        }
        if let Some(left) = state.pending {
            return self.late.push_back(ShardRecord::GiveUp { attempt: left.id });
        }
        let attempt = Uuid::from_u128(self.id().into());
        let to = if state.shards == NUMBERS[0] { NUMBERS[1] } else { NUMBERS[0] };
        self.late.push_back(ShardRecord::Hold { attempt, generation: state.generation, to });
        self.command = Some(Command {
            attempt,
            read: self.log.len(),
            state,
            is_held: false,
            has_heard_itself: false,
            missing: None,
            sent: BTreeMap::new(),
            is_decided: false,
        });
    }

    fn lead(&mut self, command: &mut Command) {
        let all_hold = self.heard.values().all(|holding| *holding == Some(command.attempt));
        if !command.has_heard_itself || !(all_hold || self.without == Without::Waiting) {
            command.missing = None;
            return;
        }
        let Some(missing) = &mut command.missing else {
            let queues = if self.without == Without::Barriers { 0 } else { command.state.shards };
            command.missing = Some((0..queues).collect());
            command.sent.clear();
            return self.send_barriers(command);
        };
        for answer in self.answers.drain(..) {
            if let Some(queue) = command.sent.get(&answer) {
                missing.remove(queue);
            }
        }
        if missing.is_empty() {
            self.late.push_back(ShardRecord::GoOn { attempt: command.attempt });
            command.is_decided = true;
        } else if self.pick(20) == 0 {
            self.send_barriers(command);
        }
    }

    fn send_barriers(&mut self, command: &mut Command) {
        for queue in command.missing.iter().flatten().copied().collect::<Vec<_>>() {
            let barrier = self.id();
            command.sent.insert(barrier, queue);
            self.persist[usize::from(queue)].0.push_back(Message::Barrier(barrier));
        }
    }
}
