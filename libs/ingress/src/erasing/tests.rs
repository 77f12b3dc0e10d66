use super::*;
use crate::testing::World;
use eventflow_protocol::erasure::{ErasePerson, ErasureState, LAST_LOOK, SETTLE};

impl Erasing {
    fn of(world: &World) -> Self {
        let parts = &world.parts;
        Self::new(Arc::clone(&parts.erasures), parts.requests.clone(), Arc::clone(&parts.clock))
    }
}

async fn begun(world: &World, user: &str) -> UserId {
    let user_id: UserId = user.parse().unwrap();
    let by = "root".parse().unwrap();
    let at = world.parts.clock.now();
    let command =
        Command::ErasePerson(ErasePerson { user_id: user_id.clone(), by, why: "asked".to_owned(), at });
    world.parts.requests.send(CommandId::new(), &command).await.unwrap().result().await.unwrap();
    user_id
}

fn steps(world: &World) -> usize {
    world.commands().iter().filter(|command| matches!(command, Command::EraseStep(_))).count()
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap()
}

#[tokio::test]
async fn an_erasure_is_driven_through_its_passes_and_then_left_alone() {
    let world = World::new().await;
    let user = begun(&world, "ann").await;
    let (mut one, mut other) = (Erasing::of(&world), Erasing::of(&world));
    one.make_some().await.unwrap();
    other.make_some().await.unwrap();
    assert_eq!(steps(&world), 1, "the second pass has to wait");
    world.clock.advance(milliseconds(SETTLE));
    other.make_some().await.unwrap();
    let done = world.parts.erasures.erasure(&user).await.unwrap().unwrap();
    assert_eq!((done.state, steps(&world)), (ErasureState::Done, 2));
    world.clock.advance(milliseconds(LAST_LOOK));
    one.make_some().await.unwrap();
    world.clock.advance(milliseconds(LAST_LOOK));
    one.make_some().await.unwrap();
    assert_eq!(steps(&world), 3, "there is one last look");
}

#[tokio::test(start_paused = true)]
async fn a_step_without_an_answer_is_asked_for_again_after_a_while() {
    let world = World::new().await;
    begun(&world, "ann").await;
    world.refuse_all(eventflow_protocol::ErrorCode::Failed);
    let mut erasing = Erasing::of(&world);
    for _ in 0..3 {
        assert!(!erasing.make_some().await.unwrap());
    }
    assert_eq!(steps(&world), 1);
    tokio::time::advance(LEFT_ALONE).await;
    erasing.make_some().await.unwrap();
    assert_eq!(steps(&world), 2);
}

#[tokio::test]
async fn without_a_broker_erasures_wait() {
    let world = World::new().await;
    begun(&world, "ann").await;
    world.disconnect_broker();
    assert!(Erasing::of(&world).make_some().await.is_err());
    world.reconnect_broker();
    Erasing::of(&world).make_some().await.unwrap();
}
