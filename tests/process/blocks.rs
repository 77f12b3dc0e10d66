//! Blocks through the fan-out stage: what it remembers of a thread says for whom the thread is away. In one
//! process gateways believe that.

use super::batches::item;
use super::stage::{embedded, fanout_over};
use eventflow_bus::handler::{BatchHandler as _, Item};
use eventflow_metrics::Metrics;
use eventflow_ports::store_contract::fixtures::{at, commanded, creation, fresh_people};
use eventflow_ports::{Blocks as _, MemoryRegistry, Store as _};
use eventflow_protocol::blocks::ChangeBlock;
use eventflow_protocol::event::Event;
use eventflow_workers::fanout::Fanout;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn a_new_thread_is_remembered_with_those_for_whom_it_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let (store, broker) = embedded(folder.path()).await;
    let people = fresh_people(2);
    let [ann, ben] = [&people[0], &people[1]];
    let block =
        ChangeBlock { user_id: ann.clone(), other: ben.clone(), is_blocked: true, key: None, at: at(0) };
    store.change_block(&commanded(block)).await.unwrap();
    let (thread, _) = store.create_thread(&creation(&people, 1)).await.unwrap();
    let parts = fanout_over(store, broker, Arc::new(MemoryRegistry::default()));
    let membership = parts.membership.clone();
    let stage = Fanout::open(0, parts, &Metrics::default()).await.unwrap();
    let id = thread.id;
    let created: Item<Event> = item(Event::ThreadCreated { thread, back: None });
    stage.perform(&[created]).await.unwrap();
    let remembered = membership.of(id).await.unwrap().unwrap();
    assert!(remembered.is_away_for(ann) && remembered.contains(ben), "{remembered:?}");
}
