//! Hellos: everybody who has joined hears everything, the speaker included, and nothing is kept.

use super::bench::PATIENCE;
use crate::port::{Broker, Hellos};
use bytes::Bytes;
use tokio::time::timeout;

/// Runs every check of this group.
pub async fn check_all(broker: &dyn Broker) {
    everybody_hears_what_anybody_says(broker).await;
    nothing_is_kept_for_those_who_join_later(broker).await;
}

async fn join(broker: &dyn Broker) -> Box<dyn Hellos> {
    broker.hellos().await.expect("anybody can join")
}

async fn say(who: &mut Box<dyn Hellos>, what: &'static str) {
    who.say(Bytes::from_static(what.as_bytes())).await.expect("a broker that is up takes a hello");
}

async fn hear(who: &mut Box<dyn Hellos>) -> Bytes {
    timeout(PATIENCE, who.hear()).await.expect("a hello arrives").expect("the listener is joined")
}

/// Also the one who says it, in the order in which one of them says it.
pub async fn everybody_hears_what_anybody_says(broker: &dyn Broker) {
    let (mut one, mut other) = (join(broker).await, join(broker).await);
    say(&mut one, "first").await;
    say(&mut one, "second").await;
    for listener in [&mut one, &mut other] {
        assert_eq!([hear(listener).await, hear(listener).await], ["first", "second"]);
    }
}

/// One who left hears nothing, and does not disturb those who stay.
pub async fn nothing_is_kept_for_those_who_join_later(broker: &dyn Broker) {
    let (mut one, gone) = (join(broker).await, join(broker).await);
    drop(gone);
    say(&mut one, "before").await;
    assert_eq!(hear(&mut one).await, "before");
    let mut late = join(broker).await;
    say(&mut one, "after").await;
    assert_eq!(hear(&mut late).await, "after");
}
