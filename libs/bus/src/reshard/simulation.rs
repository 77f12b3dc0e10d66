//! The protocol as a model: gateways, queues, workers and a command take their steps in any order, and any of
//! them dies at any step. Commands of a thread must reach the end of the pipeline in their order.
//!
//! The model shares [`ShardState`] with the real parts and makes the same decisions in steps of its own. A
//! client sends its next command once the one before is confirmed, through whichever gateway takes it.

use super::state::ShardState;
use crate::topology::shard_of;
use eventflow_protocol::ThreadId;
use eventflow_protocol::command::Subject;
use eventflow_protocol::reshard::ShardRecord;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use uuid::Uuid;

const THREADS: u8 = 6;
const NUMBERS: [u16; 2] = [4, 8];
const STEPS: usize = 3_000;
const RUNS: u64 = 600;

/// What is left out of the protocol, to see that the model notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Without {
    Nothing,
    Barriers,
    Holding,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Message {
    Command { thread: u8, number: u32 },
    Barrier(u32),
}

#[derive(Debug, Default)]
struct Gateway {
    id: u32,
    read: usize,
    state: ShardState,
    /// The number while its gate is open.
    open: Option<u16>,
    holding: Option<Uuid>,
    /// Passed the gate and not confirmed.
    lane: VecDeque<(u16, u8)>,
}

/// An attempt of the command.
#[derive(Debug)]
struct Command {
    attempt: Uuid,
    read: usize,
    state: ShardState,
    is_held: bool,
    /// Barriers that have not come through, by queue.
    missing: Option<BTreeSet<u16>>,
    sent: BTreeMap<u32, u16>,
    is_decided: bool,
}

struct Model {
    random: u64,
    without: Without,
    log: Vec<ShardRecord>,
    gateways: Vec<Gateway>,
    /// What the command has heard of each gateway.
    heard: BTreeMap<u32, Option<Uuid>>,
    /// Each with whether its first message was delivered before.
    persist: Vec<(VecDeque<Message>, bool)>,
    fanout: Vec<(VecDeque<Message>, bool)>,
    command: Option<Command>,
    answers: Vec<u32>,
    next_id: u32,
    /// The next command of each thread, and whether one is on its way to the broker.
    clients: Vec<(u32, bool)>,
    done: Vec<Vec<u32>>,
    changes: u64,
}

impl Model {
    fn new(seed: u64, without: Without) -> Self {
        let queues = || (0..NUMBERS[1]).map(|_| (VecDeque::new(), false)).collect();
        let mut model = Self {
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            without,
            log: vec![ShardRecord::Number { generation: 1, shards: NUMBERS[0] }],
            gateways: Vec::new(),
            heard: BTreeMap::new(),
            persist: queues(),
            fanout: queues(),
            command: None,
            answers: Vec::new(),
            next_id: 0,
            clients: vec![(0, false); usize::from(THREADS)],
            done: vec![Vec::new(); usize::from(THREADS)],
            changes: 0,
        };
        model.join();
        model.join();
        model
    }

    fn pick(&mut self, below: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random % below as u64).unwrap()
    }

    fn id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id
    }

    fn step(&mut self) {
        match self.pick(1_000) {
            0..200 => self.client_sends(),
            200..330 => self.of_a_gateway(Self::flush),
            330..470 => self.of_a_gateway(Self::read_log),
            470..550 => self.of_a_gateway(Self::say_hello),
            550..800 => self.work(),
            800..990 => self.command_steps(),
            990..993 => self.something_dies(),
            993 => self.of_a_gateway(Self::give_up),
            _ => self.join(),
        }
    }

    fn of_a_gateway(&mut self, step: fn(&mut Self, usize)) {
        if !self.gateways.is_empty() {
            let index = self.pick(self.gateways.len());
            step(self, index);
        }
    }

    /// It says hello before it reads the log up to now, and sends nothing before that.
    fn join(&mut self) {
        if self.gateways.len() == 3 {
            return;
        }
        let id = self.id();
        self.heard.insert(id, None);
        self.gateways.push(Gateway { id, ..Gateway::default() });
        let index = self.gateways.len() - 1;
        for _ in 0..self.log.len() {
            self.read_log(index);
        }
    }

    fn client_sends(&mut self) {
        let thread = u8::try_from(self.pick(usize::from(THREADS))).unwrap();
        if self.gateways.is_empty() || self.clients[usize::from(thread)].1 {
            return;
        }
        let index = self.pick(self.gateways.len());
        let Some(shards) = self.gateways[index].open else { return };
        let shard = shard_of(&Subject::Thread(ThreadId::from_bytes([thread; 12])), shards);
        self.gateways[index].lane.push_back((shard, thread));
        self.clients[usize::from(thread)].1 = true;
    }

    fn flush(&mut self, index: usize) {
        while let Some((shard, thread)) = self.gateways[index].lane.pop_front() {
            let (number, is_sending) = &mut self.clients[usize::from(thread)];
            self.persist[usize::from(shard)].0.push_back(Message::Command { thread, number: *number });
            (*number, *is_sending) = (*number + 1, false);
        }
        self.hold_if_quiet(index);
    }

    fn read_log(&mut self, index: usize) {
        let gateway = &mut self.gateways[index];
        let Some(record) = self.log.get(gateway.read) else { return };
        gateway.read += 1;
        gateway.state.apply(record);
        gateway.holding = None;
        gateway.open =
            gateway.state.pending.is_none().then_some(gateway.state.shards).filter(|open| *open > 0);
        self.hold_if_quiet(index);
    }

    fn hold_if_quiet(&mut self, index: usize) {
        let without = self.without;
        let gateway = &mut self.gateways[index];
        if let Some(pending) = gateway.state.pending
            && (gateway.lane.is_empty() || without == Without::Holding)
        {
            gateway.holding = Some(pending.id);
        }
    }

    fn say_hello(&mut self, index: usize) {
        let gateway = &self.gateways[index];
        self.heard.insert(gateway.id, gateway.holding);
    }

    fn give_up(&mut self, index: usize) {
        if let Some(pending) = self.gateways[index].state.pending {
            self.log.push(ShardRecord::GiveUp { attempt: pending.id });
        }
    }

    fn work(&mut self) {
        let filled = |queues: &[(VecDeque<Message>, bool)], is_persist: bool| {
            let filled = queues.iter().enumerate().filter(|(_, (queue, _))| !queue.is_empty());
            filled.map(move |(index, _)| (index, is_persist)).collect::<Vec<_>>()
        };
        let choice = [filled(&self.persist, true), filled(&self.fanout, false)].concat();
        if choice.is_empty() {
            return;
        }
        let (index, is_persist) = choice[self.pick(choice.len())];
        let dies = self.pick(8) == 0;
        let queues = if is_persist { &mut self.persist } else { &mut self.fanout };
        let (queue, came_back) = &mut queues[index];
        let Some(message) = queue.front().cloned() else { return };
        // A barrier that came back is dropped.
        let is_fresh = !*came_back;
        *came_back = dies;
        if !dies {
            queue.pop_front();
        }
        match (is_persist, message) {
            (true, message @ Message::Command { .. }) => self.fanout[index].0.push_back(message),
            (true, barrier) if is_fresh => self.fanout[index].0.push_back(barrier),
            (false, Message::Barrier(id)) if is_fresh => self.answers.push(id),
            (false, Message::Command { thread, number }) => self.finish(thread, number),
            (_, Message::Barrier(_)) => {}
        }
    }

    /// A repetition changes nothing.
    fn finish(&mut self, thread: u8, number: u32) {
        let done = &mut self.done[usize::from(thread)];
        if !done.contains(&number) {
            done.push(number);
        }
    }

    fn something_dies(&mut self) {
        if self.pick(2) == 0 {
            self.command = None;
            return;
        }
        if self.gateways.is_empty() {
            return;
        }
        let index = self.pick(self.gateways.len());
        if self.pick(2) == 0 {
            self.flush(index);
        }
        // The rest of its lane is lost with it. The client learns that and sends it again.
        let gateway = self.gateways.remove(index);
        for (_, thread) in gateway.lane {
            self.clients[usize::from(thread)].1 = false;
        }
        self.heard.remove(&gateway.id);
    }

    fn command_steps(&mut self) {
        let Some(mut command) = self.command.take() else { return self.begin() };
        if let Some(record) = self.log.get(command.read) {
            command.read += 1;
            command.state.apply(record);
            command.is_held |=
                matches!(record, ShardRecord::Hold { attempt, .. } if *attempt == command.attempt);
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

    fn begin(&mut self) {
        let mut state = ShardState::default();
        for record in &self.log {
            state.apply(record);
        }
        if let Some(left) = state.pending {
            self.log.push(ShardRecord::GiveUp { attempt: left.id });
            return;
        }
        let attempt = Uuid::from_u128(self.id().into());
        let to = if state.shards == NUMBERS[0] { NUMBERS[1] } else { NUMBERS[0] };
        self.log.push(ShardRecord::Hold { attempt, generation: state.generation, to });
        self.command = Some(Command {
            attempt,
            read: self.log.len() - 1,
            state,
            is_held: false,
            missing: None,
            sent: BTreeMap::new(),
            is_decided: false,
        });
    }

    fn lead(&mut self, command: &mut Command) {
        let all_hold = self.heard.values().all(|holding| *holding == Some(command.attempt));
        if !all_hold {
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
            self.log.push(ShardRecord::GoOn { attempt: command.attempt });
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

    /// Everything that is confirmed comes to its end.
    fn run(mut self) -> (Result<(), String>, u64) {
        for _ in 0..STEPS {
            self.step();
        }
        self.command = None;
        while self.persist.iter().chain(&self.fanout).any(|(queue, _)| !queue.is_empty()) {
            self.work();
        }
        let mut state = ShardState::default();
        for record in &self.log {
            state.apply(record);
        }
        self.changes = state.generation - 1;
        let judged =
            self.done.iter().zip(&self.clients).enumerate().try_for_each(|(thread, (done, (sent, _)))| {
                let expected: Vec<u32> = (0..*sent).collect();
                if *done == expected { Ok(()) } else { Err(format!("thread {thread}: {done:?}")) }
            });
        (judged, self.changes)
    }
}

#[test]
fn whatever_dies_every_thread_keeps_its_order_and_loses_nothing() {
    let mut changes = 0;
    for seed in 1..=RUNS {
        let (judged, times) = Model::new(seed, Without::Nothing).run();
        judged.unwrap_or_else(|fault| panic!("seed {seed}: {fault}"));
        changes += times;
    }
    assert!(changes > RUNS, "the number changed only {changes} times");
}

/// The model would notice if a part of the protocol were missing.
#[test]
fn without_barriers_or_without_waiting_for_confirms_the_order_breaks() {
    for without in [Without::Barriers, Without::Holding] {
        let broken = (1..=RUNS).any(|seed| Model::new(seed, without).run().0.is_err());
        assert!(broken, "{without:?}");
    }
}
