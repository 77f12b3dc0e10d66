//! Costs in the data file follow from what changes, not from the length of a thread; a long way of a cursor
//! lets the messages of others pass.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use eventflow_embedded::{Database, EmbeddedStore};
use eventflow_ports::store_contract::fixtures::{Scene, advance, append};
use eventflow_protocol::change::Cursor;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Messages of the thread that is read at once.
const LONG: usize = 4_000;
/// The most messages of one step that get receipts.
const STEP: u64 = 256;
/// Messages of a thread that is short, and of one that is not.
const LENGTHS: [usize; 2] = [400, 40_000];
/// Read markers in each of the two.
const MARKERS: u64 = 40;

async fn filled(store: &EmbeddedStore, people: usize, count: usize) -> Scene {
    let scene = Scene::with_people(store, people).await;
    for _ in 0..count / 400 {
        let batch: Vec<_> = (0..400).map(|i| scene.say(i % 2, "on and on")).collect();
        append(store, &batch).await;
    }
    scene
}

#[tokio::test]
async fn a_long_way_lets_the_messages_of_others_pass() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open_in(folder.path()).unwrap();
    let store = EmbeddedStore::open(database.clone()).await.unwrap();
    let (long, friends) = (filled(&store, 2, LONG).await, Scene::with_people(&store, 2).await);
    let (before, is_read) = (database.commits(), AtomicBool::new(false));
    let reading = async {
        let advanced = advance(&store, &long, 0, Cursor::Read, None).await;
        is_read.store(true, Ordering::SeqCst);
        advanced
    };
    let writing = async {
        let mut passed = 0;
        while !is_read.load(Ordering::SeqCst) {
            append(&store, &[friends.say(0, "hello")]).await;
            passed += 1;
        }
        passed
    };
    let (advanced, passed) = tokio::join!(reading, writing);
    assert_eq!((advanced.from, advanced.up_to, advanced.unread_count), (0, LONG as u64, 0));
    let steps = LONG as u64 / STEP;
    assert!(database.commits() - before >= steps, "{} commits", database.commits() - before);
    assert!(passed >= steps / 2, "only {passed} messages passed {steps} steps");
}

#[tokio::test]
async fn a_read_marker_costs_the_same_in_a_long_thread() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(Database::open_in(folder.path()).unwrap()).await.unwrap();
    for people in [2, 101] {
        let mut scenes = Vec::new();
        for length in LENGTHS {
            scenes.push(filled(&store, people, length).await);
        }
        let mut fastest = [Duration::MAX; 2];
        for place in 1..=MARKERS {
            for (scene, fastest) in scenes.iter().zip(&mut fastest) {
                let started = Instant::now();
                advance(&store, scene, 0, Cursor::Read, Some(place * 5)).await;
                *fastest = started.elapsed().min(*fastest);
            }
        }
        let [short, long] = fastest;
        assert!(long < short * 3, "{people} people: {long:?} in a long thread, {short:?} in a short one");
    }
}
