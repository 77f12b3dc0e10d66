//! The model: what its parts know, and the steps that they take.
//!
//! It shares [`ShardState`] with the real parts and makes the same decisions in steps of its own. A client
//! sends its next command once the one before is confirmed, through whichever gateway takes it. The command
//! hears the gateways in the order in which they said something, and late. A gateway that is cut off is
//! forgotten at once, as after eight seconds of silence, and comes back whenever it likes.

mod command;

use self::command::Command;
use super::Without;
use crate::reshard::state::ShardState;
use crate::topology::shard_of;
use eventflow_protocol::ThreadId;
use eventflow_protocol::command::Subject;
use eventflow_protocol::reshard::ShardRecord;
use std::collections::{BTreeMap, VecDeque};
use uuid::Uuid;

const THREADS: u8 = 6;
const NUMBERS: [u16; 2] = [4, 8];
const STEPS: usize = 3_000;
const GATEWAYS_MAX: usize = 3;
/// Steps after which somebody else is slow: about as many as a change of the number takes.
const SLOW_FOR: usize = 300;

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

/// A part that does nothing for some time, so that the others are far ahead of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slow {
    Nobody,
    Confirming(usize),
    Reading(usize),
    Hearing,
    Persist(usize),
    Fanout(usize),
}

/// What the command hears, in this order.
#[derive(Debug)]
enum Said {
    ByGateway { id: u32, holding: Option<Uuid> },
    ByCommand { attempt: Uuid },
}

pub(super) struct Model {
    random: u64,
    without: Without,
    /// Who does not get on at the moment.
    slow: Slow,
    log: Vec<ShardRecord>,
    /// Records on their way to the log, of which a part may be of commands that are dead.
    late: VecDeque<ShardRecord>,
    gateways: Vec<Gateway>,
    /// Gateways that are cut off.
    away: Vec<Gateway>,
    /// What was said and not heard yet.
    said: VecDeque<Said>,
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
}

impl Model {
    pub(super) fn new(seed: u64, without: Without) -> Self {
        let queues = || (0..NUMBERS[1]).map(|_| (VecDeque::new(), false)).collect();
        let mut model = Self {
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            without,
            slow: Slow::Nobody,
            log: vec![ShardRecord::Number { generation: 1, shards: NUMBERS[0] }],
            late: VecDeque::new(),
            gateways: Vec::new(),
            away: Vec::new(),
            said: VecDeque::new(),
            heard: BTreeMap::new(),
            persist: queues(),
            fanout: queues(),
            command: None,
            answers: Vec::new(),
            next_id: 0,
            clients: vec![(0, false); usize::from(THREADS)],
            done: vec![Vec::new(); usize::from(THREADS)],
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
        if self.pick(SLOW_FOR) == 0 {
            self.slow = self.somebody();
        }
        match self.pick(1_000) {
            0..200 => self.client_sends(),
            200..310 => self.of_a_gateway(Self::confirm),
            310..430 => self.of_a_gateway(Self::read_on),
            430..480 => self.of_a_gateway(Self::say_hello),
            480..730 => self.work(),
            730..880 => self.command_steps(),
            880..970 if self.slow != Slow::Hearing => self.hear(),
            880..970 => {}
            970..986 => self.log.extend(self.late.pop_front()),
            986..992 => self.something_dies(),
            992 => self.of_a_gateway(Self::give_up),
            993..996 => self.come_back(),
            _ => self.join(),
        }
    }

    fn somebody(&mut self) -> Slow {
        let (gateway, shard) = (self.pick(GATEWAYS_MAX), self.pick(usize::from(NUMBERS[0])));
        match self.pick(7) {
            0 | 1 => Slow::Confirming(gateway),
            6 => Slow::Reading(gateway),
            2 => Slow::Hearing,
            3 => Slow::Persist(shard),
            4 => Slow::Fanout(shard),
            _ => Slow::Nobody,
        }
    }

    fn of_a_gateway(&mut self, step: fn(&mut Self, usize)) {
        if !self.gateways.is_empty() {
            let index = self.pick(self.gateways.len());
            step(self, index);
        }
    }

    fn join(&mut self) {
        if self.gateways.len() + self.away.len() < GATEWAYS_MAX {
            let id = self.id();
            self.follow(Gateway { id, ..Gateway::default() });
        }
    }

    /// It says hello before it reads the log up to now, and sends nothing before that.
    fn follow(&mut self, gateway: Gateway) {
        self.gateways.push(gateway);
        let index = self.gateways.len() - 1;
        self.say_hello(index);
        for _ in self.gateways[index].read..self.log.len() {
            self.read_log(index);
        }
    }

    /// A gateway that was cut off has sent nothing since its lease ended, and knows nothing.
    fn come_back(&mut self) {
        let Some(gateway) = self.away.pop() else { return };
        if self.without == Without::Leases {
            self.gateways.push(gateway);
            return;
        }
        self.follow(Gateway { id: gateway.id, ..Gateway::default() });
    }

    /// The clients learn that these failed, and send them again. Some have arrived nevertheless.
    fn lose(&mut self, lane: VecDeque<(u16, u8)>) {
        for (shard, thread) in lane {
            let number = self.clients[usize::from(thread)].0;
            if self.pick(2) == 0 {
                self.persist[usize::from(shard)].0.push_back(Message::Command { thread, number });
            }
            self.clients[usize::from(thread)].1 = false;
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

    fn confirm(&mut self, index: usize) {
        if self.slow != Slow::Confirming(index) {
            self.flush(index);
        }
    }

    fn flush(&mut self, index: usize) {
        while let Some((shard, thread)) = self.gateways[index].lane.pop_front() {
            let (number, is_sending) = &mut self.clients[usize::from(thread)];
            self.persist[usize::from(shard)].0.push_back(Message::Command { thread, number: *number });
            (*number, *is_sending) = (*number + 1, false);
        }
        self.hold_if_quiet(index);
    }

    fn read_on(&mut self, index: usize) {
        if self.slow != Slow::Reading(index) {
            self.read_log(index);
        }
    }

    fn read_log(&mut self, index: usize) {
        let gateway = &mut self.gateways[index];
        let Some(record) = self.log.get(gateway.read) else { return };
        gateway.read += 1;
        gateway.state.apply(record);
        gateway.holding = None;
        if gateway.state.pending.is_none() {
            gateway.open = Some(gateway.state.shards).filter(|open| *open > 0);
        } else if self.without != Without::Closing {
            gateway.open = None;
        }
        self.hold_if_quiet(index);
    }

    fn hold_if_quiet(&mut self, index: usize) {
        let without = self.without;
        let gateway = &mut self.gateways[index];
        if let Some(pending) = gateway.state.pending
            && (gateway.lane.is_empty() || without == Without::Confirms)
        {
            gateway.holding = Some(pending.id);
        }
    }

    fn say_hello(&mut self, index: usize) {
        let gateway = &self.gateways[index];
        self.said.push_back(Said::ByGateway { id: gateway.id, holding: gateway.holding });
    }

    /// The command hears the next thing that was said. Of a gateway that is gone it has forgotten everything.
    fn hear(&mut self) {
        match self.said.pop_front() {
            Some(Said::ByGateway { id, holding }) if self.gateways.iter().any(|gateway| gateway.id == id) => {
                self.heard.insert(id, holding);
            }
            Some(Said::ByCommand { attempt }) => {
                if let Some(command) = self.command.as_mut().filter(|command| command.is(attempt)) {
                    command.hears_itself();
                }
            }
            Some(Said::ByGateway { .. }) | None => {}
        }
    }

    fn give_up(&mut self, index: usize) {
        if let Some(pending) = self.gateways[index].state.pending {
            self.late.push_back(ShardRecord::GiveUp { attempt: pending.id });
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
        if self.slow == (if is_persist { Slow::Persist(index) } else { Slow::Fanout(index) }) {
            return;
        }
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
        let what = self.pick(3);
        if what == 0 {
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
        let mut gateway = self.gateways.remove(index);
        self.heard.remove(&gateway.id);
        if what == 1 || self.without != Without::Leases {
            self.lose(std::mem::take(&mut gateway.lane));
        }
        if what == 2 {
            self.away.push(gateway);
        }
    }

    /// Everything that is confirmed comes to its end. Gives how often the number changed.
    pub(super) fn run(mut self) -> Result<u64, String> {
        for _ in 0..STEPS {
            self.step();
        }
        self.slow = Slow::Nobody;
        while self.persist.iter().chain(&self.fanout).any(|(queue, _)| !queue.is_empty()) {
            self.work();
        }
        for (thread, (done, (sent, _))) in self.done.iter().zip(&self.clients).enumerate() {
            // One more may have arrived without a confirm.
            let is_in_order = (0..).zip(done).all(|(number, done)| number == *done);
            if !is_in_order || done.len() < usize::try_from(*sent).unwrap() {
                return Err(format!("thread {thread}: {done:?}"));
            }
        }
        let mut state = ShardState::default();
        self.log.iter().for_each(|record| state.apply(record));
        Ok(state.generation - 1)
    }
}
