//! State of the fake: threads, messages, sockets and sessions, and the one rule that it breaks.

use serde_json::{Value, json};
use std::collections::HashMap;
use tokio::sync::mpsc::Sender;

/// The message at which the fault strikes, counted over all threads.
const STRIKES_AT: usize = 40;

/// The fault that the fake makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The fake makes no fault.
    None,
    /// A message is answered as stored and then forgotten.
    LoseStored,
    /// From this message on, nothing is delivered to the thread's other member.
    Deafen,
    /// A delivery to the other member is left out; the next one shows the gap.
    SkipDelivery,
    /// A message is delivered twice.
    DoubleDelivery,
    /// A message is stored and delivered twice, under two numbers.
    DoubleStored,
    /// A message is delivered after its successor.
    Reorder,
    /// A message of another thread is delivered.
    Foreign,
    /// All sockets are cut. The message is stored and never answered. Sessions are resumed.
    CutAndResume,
    /// As `CutAndResume`, but sessions are forgotten.
    CutAndForget,
    /// The message is refused as unavailable.
    Unavailable,
    /// The message is answered as queued, and stored.
    Queue,
    /// The message is refused for good.
    Refuse,
}

/// Sends frames to write, or `None` to close the socket.
type Line = Sender<Option<String>>;

#[derive(Default)]
struct Thread {
    members: Vec<String>,
    messages: Vec<Value>,
    places: HashMap<String, usize>,
}

#[derive(Default)]
struct User {
    lines: Vec<Line>,
    events: Vec<String>,
}

/// The whole state, behind one lock.
pub(super) struct World {
    fault: Fault,
    handled: usize,
    sessions: usize,
    deaf: Option<String>,
    held: Option<(Vec<String>, Value)>,
    threads: HashMap<String, Thread>,
    users: HashMap<String, User>,
}

impl World {
    pub(super) fn new(fault: Fault) -> Self {
        Self {
            fault,
            handled: 0,
            sessions: 0,
            deaf: None,
            held: None,
            threads: HashMap::new(),
            users: HashMap::new(),
        }
    }

    pub(super) fn create_thread(&mut self, members: Vec<String>) -> String {
        let id = format!("t{}", self.threads.len());
        self.threads.insert(id.clone(), Thread { members, ..Thread::default() });
        id
    }

    pub(super) fn history(&self, user: &str, thread: &str, after: u32, limit: usize) -> Option<Vec<Value>> {
        let thread =
            self.threads.get(thread).filter(|thread| thread.members.iter().any(|member| member == user))?;
        let newer = |message: &&Value| message["seq"].as_u64().unwrap() > u64::from(after);
        Some(thread.messages.iter().filter(newer).take(limit).cloned().collect())
    }

    pub(super) fn connect(&mut self, user: &str, auth: &Value, line: &Line) {
        let keeps = self.fault != Fault::CutAndForget;
        let state = self.users.entry(user.to_owned()).or_default();
        let offset = auth["offset"].as_str().and_then(|offset| offset.parse::<usize>().ok());
        let resumed = offset.filter(|_| keeps);
        self.sessions += 1;
        let pid = if resumed.is_some() { auth["pid"].clone() } else { json!(format!("p{}", self.sessions)) };
        write(line, format!("40{}", json!({ "sid": "s", "pid": pid })));
        for event in state.events.iter().skip(resumed.unwrap_or(usize::MAX)) {
            write(line, event.clone());
        }
        state.lines.push(line.clone());
    }

    pub(super) fn receive(&mut self, user: &str, frame: &str, line: &Line) {
        let Some(rest) = frame.strip_prefix("42") else { return };
        let (ack, _) = rest.split_once('[').unwrap();
        let event: Value = serde_json::from_str(&rest[ack.len()..]).unwrap();
        if let Some(answer) = self.send(user, &event[1]) {
            write(line, format!("43{ack}[{answer}]"));
        }
    }

    fn send(&mut self, user: &str, body: &Value) -> Option<Value> {
        self.handled += 1;
        let fault = if self.handled == STRIKES_AT { self.fault } else { Fault::None };
        match fault {
            Fault::Unavailable => {
                return Some(json!({ "success": false, "error": "later", "code": "unavailable" }));
            }
            Fault::Refuse => return Some(json!({ "success": false, "error": "no", "code": "forbidden" })),
            Fault::LoseStored => return Some(json!({ "success": true, "message": { "seq": 1_000 } })),
            _ => {}
        }
        let (message, fresh) = self.store(user, body);
        let members = self.threads[body["threadId"].as_str().unwrap()].members.clone();
        if fresh {
            self.deliver_with(fault, user, &members, &message);
        }
        if matches!(fault, Fault::CutAndResume | Fault::CutAndForget) {
            self.cut();
            return None;
        }
        if fault == Fault::Queue {
            return Some(json!({ "success": true, "status": "queued", "commandId": "c" }));
        }
        Some(json!({ "success": true, "message": message }))
    }

    fn store(&mut self, user: &str, body: &Value) -> (Value, bool) {
        let thread = self.threads.get_mut(body["threadId"].as_str().unwrap()).unwrap();
        let id = body["clientMessageId"].as_str().unwrap().to_owned();
        if let Some(&place) = thread.places.get(&id) {
            return (thread.messages[place].clone(), false);
        }
        thread.places.insert(id, thread.messages.len());
        let seq = thread.messages.len() + 1;
        let mut message = body.clone();
        message["seq"] = json!(seq);
        message["senderId"] = json!(user);
        thread.messages.push(message.clone());
        (message, true)
    }

    fn deliver_with(&mut self, fault: Fault, sender: &str, members: &[String], message: &Value) {
        let others: Vec<String> = members.iter().filter(|member| *member != sender).cloned().collect();
        match fault {
            Fault::Deafen => self.deaf = others.first().cloned(),
            Fault::SkipDelivery => return self.deliver(&[sender.to_owned()], message),
            Fault::Reorder => {
                self.held = Some((members.to_vec(), message.clone()));
                return;
            }
            Fault::Foreign => {
                let mut foreign = message.clone();
                foreign["threadId"] = json!("elsewhere");
                self.deliver(&others, &foreign);
            }
            Fault::DoubleDelivery => self.deliver(&others, message),
            Fault::DoubleStored => {
                let mut again = message.clone();
                let thread = self.threads.get_mut(message["threadId"].as_str().unwrap()).unwrap();
                again["seq"] = json!(thread.messages.len() + 1);
                thread.messages.push(again.clone());
                self.deliver(members, message);
                return self.deliver(members, &again);
            }
            _ => {}
        }
        self.deliver(members, message);
        if self.held.as_ref().is_some_and(|(_, held)| held["threadId"] == message["threadId"]) {
            let (members, held) = self.held.take().unwrap();
            self.deliver(&members, &held);
        }
    }

    fn deliver(&mut self, members: &[String], message: &Value) {
        for member in members.iter().filter(|member| self.deaf.as_ref() != Some(member)) {
            let user = self.users.entry(member.clone()).or_default();
            let offset = (user.events.len() + 1).to_string();
            let frame = format!("42{}", json!(["message:received", { "message": message }, offset]));
            user.events.push(frame.clone());
            for line in &user.lines {
                write(line, frame.clone());
            }
        }
    }

    fn cut(&mut self) {
        for user in self.users.values_mut() {
            for line in user.lines.drain(..) {
                let _ = line.try_send(None);
            }
        }
    }
}

/// Writes a frame unless the socket is gone.
fn write(line: &Line, frame: String) {
    let _ = line.try_send(Some(frame));
}
