//! Redelivery: a batch that arrives again, whole or in part, is stored once and answered with the messages
//! stored the first time.
//!
//! Each check runs with the broker's hint and without it, on the store that stored the batch and on a newly
//! opened one.

use super::Harness;
use super::fixtures::{
    Scene, again, append, append_again, duplicate, expect_history, history, present, stored,
};

/// The whole batch arrives again.
pub async fn a_batch_that_comes_again_whole_is_stored_once(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let batch = scene.talk(40);
    let first = append(&*store, &batch).await;
    for witness in [store.clone(), harness.open().await] {
        assert_eq!(append_again(&*witness, &batch).await, first, "without the hint");
        assert_eq!(append_again(&*witness, &again(&batch)).await, first, "with the hint");
    }
    expect_history(&*store, scene.thread, &batch).await;
}

/// A crash stored only a prefix. The rest is stored when the batch arrives again.
pub async fn a_half_written_batch_is_completed(harness: &dyn Harness) {
    for hint in [false, true] {
        let store = harness.open().await;
        let (left, right) = (Scene::with_people(&*store, 2).await, Scene::with_people(&*store, 2).await);
        let batch: Vec<_> = left.talk(10).into_iter().zip(right.talk(10)).flat_map(|(x, y)| [x, y]).collect();
        let prefix = append(&*store, &batch[..7]).await;
        let whole = if hint { again(&batch) } else { batch.clone() };
        let answers = harness.open().await.append_messages(&whole).await.expect("append");
        for (i, answer) in answers.into_iter().enumerate() {
            if i < 7 {
                assert_eq!(duplicate(answer), prefix[i]);
            } else {
                assert_eq!(stored(answer).seq, i as u64 / 2 + 1);
            }
        }
        let of = |scene: &Scene| {
            batch.iter().filter(|new| new.send.thread_id == scene.thread).cloned().collect::<Vec<_>>()
        };
        expect_history(&*store, left.thread, &of(&left)).await;
        expect_history(&*store, right.thread, &of(&right)).await;
    }
}

/// Old messages arrive again between new ones, in another order. The new ones take the next places, in the
/// order of the batch.
pub async fn old_messages_among_new_ones_are_recognised(harness: &dyn Harness) {
    for hint in [false, true] {
        let store = harness.open().await;
        let scene = Scene::with_people(&*store, 2).await;
        let old = scene.talk(4);
        let first = append(&*store, &old).await;
        let new = scene.talk(3);
        let come = if hint { again(&old) } else { old.clone() };
        let mixed = [&new[0], &come[2], &new[1], &come[0], &come[3], &new[2], &come[1]].map(Clone::clone);
        let answers: Vec<_> =
            store.append_messages(&mixed).await.expect("append").into_iter().map(present).collect();
        assert_eq!(answers.iter().map(|message| message.seq).collect::<Vec<_>>(), [5, 3, 6, 1, 4, 7, 2]);
        assert_eq!(
            [&answers[1], &answers[3], &answers[4], &answers[6]],
            [&first[2], &first[0], &first[3], &first[1]]
        );
        expect_history(&*store, scene.thread, &[old, new].concat()).await;
    }
}

/// One batch holds the same command twice.
pub async fn a_command_twice_in_one_batch_is_stored_once(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let three = scene.talk(3);
    let batch = [&three[0], &three[1], &three[0], &three[2], &three[1]].map(Clone::clone);
    let mut answers = store.append_messages(&batch).await.expect("append").into_iter();
    let mut next = || answers.next().expect("one answer per message");
    let (one, two) = (stored(next()), stored(next()));
    assert_eq!(duplicate(next()), one);
    assert_eq!(stored(next()).seq, 3);
    assert_eq!(duplicate(next()), two);
    expect_history(&*store, scene.thread, &three).await;
}

/// A store with an outdated cache recognises what another store wrote meanwhile.
pub async fn a_batch_that_another_store_did_is_recognised(harness: &dyn Harness) {
    let (first, second) = (harness.open().await, harness.open().await);
    let scene = Scene::with_people(&*first, 2).await;
    let batch = scene.talk(9);
    append(&*first, &batch[..3]).await;
    let theirs = append(&*second, &batch[3..6]).await;
    let answers = first.append_messages(&batch[3..]).await.expect("append");
    let answers: Vec<_> = answers.into_iter().map(present).collect();
    assert_eq!(answers[..3], theirs[..]);
    expect_history(&*first, scene.thread, &batch).await;
    assert_eq!(append_again(&*second, &batch).await, history(&*second, scene.thread).await);
}
