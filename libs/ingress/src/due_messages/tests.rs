use super::*;
use crate::testing::{NOW, World};
use eventflow_protocol::ErrorCode;
use eventflow_protocol::command::SendMessage;
use eventflow_protocol::content::Content;
use eventflow_protocol::scheduled::ScheduleMessage;

impl DueMessages {
    fn of(world: &World) -> Self {
        let parts = &world.parts;
        Self::new(Arc::clone(&parts.scheduled), parts.requests.clone(), Arc::clone(&parts.clock))
    }
}

/// Schedules so many messages, the last one first, each a millisecond after the one before it.
async fn backlog(world: &World, count: i64) -> Vec<ScheduledId> {
    let thread_id = world.store.thread_of(&["ann", "bob"]);
    let mut ids = Vec::new();
    for number in (0..count).rev() {
        let message = SendMessage {
            thread_id,
            sender_id: "ann".parse().unwrap(),
            content: Content::parse("later").unwrap(),
            attachments: Vec::new(),
            reply_to: None,
            repeat_only: false,
            mentions: Vec::new(),
            client_message_id: None,
            pairing: None,
            typed: None,
            at: NOW,
        };
        let send_at = Timestamp(NOW.0 + 60_000 + number);
        let new = ScheduleMessage { id: CommandId::new().into(), message, send_at };
        ids.push(new.id);
        let command = Command::ScheduleMessage(Box::new(new));
        world.parts.requests.send(CommandId::new(), &command).await.unwrap().result().await.unwrap();
    }
    ids.reverse();
    ids
}

fn sent(world: &World) -> Vec<ScheduledId> {
    let id = |command: &Command| match command {
        Command::SendScheduled(send) => Some(send.id),
        _ => None,
    };
    world.commands().iter().filter_map(id).collect()
}

#[tokio::test]
async fn a_backlog_is_sent_in_order_and_in_bounded_steps() {
    let world = World::new().await;
    let mut due = DueMessages::of(&world);
    let ids = backlog(&world, 250).await;
    assert!(!due.send_some().await.unwrap());
    assert_eq!(sent(&world), [], "none is due");
    world.clock.advance(70_000);
    for expected in [100, 200] {
        assert!(due.send_some().await.unwrap(), "there is more");
        assert_eq!(sent(&world), ids[..expected]);
    }
    assert!(!due.send_some().await.unwrap());
    assert_eq!(sent(&world), ids);
    assert!(!due.send_some().await.unwrap());
    assert_eq!(sent(&world).len(), ids.len(), "each once");
    let last = world.parts.scheduled.scheduled(ids[249]).await.unwrap().unwrap();
    assert_eq!(last.state, ScheduledState::Sent);
}

#[tokio::test]
async fn what_the_stage_refuses_holds_nobody_up() {
    let world = World::new().await;
    let mut due = DueMessages::of(&world);
    let ids = backlog(&world, 130).await;
    world.clock.advance(70_000);
    world.refuse_all(ErrorCode::Failed);
    due.send_some().await.unwrap();
    due.send_some().await.unwrap();
    due.send_some().await.unwrap();
    assert_eq!(sent(&world), ids, "those behind them were sent, and none of them once more");
}

#[tokio::test(start_paused = true)]
async fn what_waits_in_its_queue_is_left_alone_for_a_while() {
    let world = World::new().await;
    let mut due = DueMessages::of(&world);
    let ids = backlog(&world, 2).await;
    world.clock.advance(70_000);
    world.refuse_all(ErrorCode::Failed);
    world.silence_worker();
    for _ in 0..2 {
        due.send_some().await.unwrap();
        assert_eq!(sent(&world), ids);
    }
    let mut expected = ids.clone();
    let mut pause = LEFT_ALONE;
    for _ in 0..10 {
        tokio::time::advance(pause / 2).await;
        due.send_some().await.unwrap();
        assert_eq!(sent(&world), expected, "not yet");
        tokio::time::advance(pause / 2).await;
        due.send_some().await.unwrap();
        expected.extend(&ids);
        assert_eq!(sent(&world), expected, "each time after twice as long, up to an hour");
        pause = (pause * 2).min(LEFT_ALONE_LONGEST);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_broker_nothing_is_sent_and_all_of_it_afterwards() {
    let world = World::new().await;
    let mut due = DueMessages::of(&world);
    let ids = backlog(&world, 3).await;
    // The clock of a machine that was wrong for long steps ahead, and back.
    world.clock.advance(70_000);
    world.disconnect_broker();
    assert!(matches!(due.send_some().await, Err(DueError::Publish(_))));
    world.reconnect_broker();
    world.clock.advance(-70_000);
    due.send_some().await.unwrap();
    assert_eq!(sent(&world), []);
    world.clock.advance(60_001);
    due.send_some().await.unwrap();
    assert_eq!(sent(&world), ids[..2]);
}
