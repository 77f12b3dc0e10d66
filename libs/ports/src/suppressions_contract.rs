//! The contract of every [`Suppressions`], as checks that an adapter's tests call.
//!
//! Each check uses addresses of its own, so that one database serves all checks, and looks through a newly
//! opened store too.

use crate::store_contract::fixtures::at;
use crate::suppressions::{SuppressionPage, Suppressions};
use async_trait::async_trait;
use eventflow_protocol::mail::{ChangeSuppression, Suppression, SuppressionChange, SuppressionReason};
use eventflow_protocol::{CommandId, MailAddress};
use std::sync::Arc;

/// Gives the suite access to the list under test.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Opens one more list over the same data with empty caches, as another process would.
    async fn open(&self) -> Arc<dyn Suppressions>;
}

/// A suppressed address is found with its reason, in every spelling of its case, and nobody else is.
pub async fn a_suppressed_address_is_found_in_every_case(harness: &dyn Harness) {
    let list = harness.open().await;
    let bob = address("Bob.Smith");
    let shouted: MailAddress = bob.as_str().to_uppercase().parse().expect("an address");
    assert_eq!(list.suppression(&bob).await.expect("look"), None);
    assert!(list.change_suppression(&suppress(&bob, 1)).await.expect("suppress"));
    let found = Suppression {
        address: bob.clone(),
        reason: SuppressionReason::Bounce,
        detail: "550 5.1.1 no such user".to_owned(),
        at: at(1),
    };
    for witness in [list.clone(), harness.open().await] {
        assert_eq!(witness.suppression(&bob).await.expect("look"), Some(found.clone()));
        assert_eq!(witness.suppression(&shouted).await.expect("look"), Some(found.clone()));
        assert_eq!(witness.suppression(&address("Bob.Smith")).await.expect("look"), None);
    }
}

/// Suppressing again changes nothing; the first reason stays.
pub async fn suppressing_again_changes_nothing(harness: &dyn Harness) {
    let list = harness.open().await;
    let bob = address("bob");
    assert!(list.change_suppression(&suppress(&bob, 1)).await.expect("suppress"));
    let complaint =
        SuppressionChange::Suppress { reason: SuppressionReason::Complaint, detail: String::new() };
    let later = ChangeSuppression { address: bob.clone(), change: complaint, at: at(5) };
    for witness in [list.clone(), harness.open().await] {
        assert!(!witness.change_suppression(&suppress(&bob, 1)).await.expect("again"));
        assert!(!witness.change_suppression(&later).await.expect("again"));
        let found = witness.suppression(&bob).await.expect("look").expect("it is there");
        assert_eq!((found.reason, found.at), (SuppressionReason::Bounce, at(1)));
    }
}

/// A lifted address gets mail again, and of two changes the one that comes later counts, also if a clock was
/// ahead that accepted the other one.
pub async fn of_two_changes_the_one_that_comes_later_counts(harness: &dyn Harness) {
    let list = harness.open().await;
    let bob = address("bob");
    assert!(!list.change_suppression(&lift(&bob, 1)).await.expect("lift"), "it was not on the list");
    assert!(list.change_suppression(&suppress(&bob, 900)).await.expect("suppress"));
    assert!(list.suppression(&bob).await.expect("look").is_some());
    assert!(list.change_suppression(&lift(&bob, 3)).await.expect("lift"), "the clock is right again");
    for witness in [list.clone(), harness.open().await] {
        assert!(!witness.change_suppression(&lift(&bob, 3)).await.expect("again"));
        assert_eq!(witness.suppression(&bob).await.expect("look"), None);
    }
    assert!(list.change_suppression(&suppress(&bob, 4)).await.expect("suppress anew"));
    assert_eq!(list.suppression(&bob).await.expect("look").map(|found| found.at), Some(at(4)));
}

/// Paging shows each address once, in order, and no lifted one.
pub async fn pages_of_suppressions_show_each_once(harness: &dyn Harness) {
    let list = harness.open().await;
    let mut all: Vec<MailAddress> = (0..7).map(|n| address(&format!("Z{n}"))).collect();
    for one in &all {
        list.change_suppression(&suppress(one, 1)).await.expect("suppress");
    }
    let lifted = all.remove(3);
    list.change_suppression(&lift(&lifted, 2)).await.expect("lift");
    all.sort_by_key(MailAddress::key);
    let mut shown: Vec<MailAddress> = Vec::new();
    loop {
        let page = SuppressionPage { after: shown.last().cloned(), limit: 2 };
        let found = list.suppressions(page).await.expect("list");
        assert!(found.len() <= 2);
        if found.is_empty() {
            break;
        }
        shown.extend(found.into_iter().map(|one| one.address));
    }
    let mine: Vec<MailAddress> =
        shown.into_iter().filter(|one| all.contains(one) || *one == lifted).collect();
    assert_eq!(mine, all);
}

/// A fresh address.
fn address(name: &str) -> MailAddress {
    format!("{name}.{}@example.com", CommandId::new().0.simple()).parse().expect("an address")
}

fn suppress(address: &MailAddress, seconds: i64) -> ChangeSuppression {
    let change = SuppressionChange::Suppress {
        reason: SuppressionReason::Bounce,
        detail: "550 5.1.1 no such user".to_owned(),
    };
    ChangeSuppression { address: address.clone(), change, at: at(seconds) }
}

fn lift(address: &MailAddress, seconds: i64) -> ChangeSuppression {
    ChangeSuppression { address: address.clone(), change: SuppressionChange::Lift, at: at(seconds) }
}
