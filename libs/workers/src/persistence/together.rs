//! Commands of one kind go to the store together, in one call: that is what makes a batch cheaper than its
//! commands one by one.

use super::Persistence;
use eventflow_bus::handler::{Item, Unavailable};
use eventflow_ports::{Store, StoreError};
use eventflow_protocol::command::Command;
use futures_util::future::BoxFuture;

/// A method of the store that takes many commands and answers each, in the same order.
type StoreCall<W, A> = for<'a> fn(&'a dyn Store, &'a [W]) -> BoxFuture<'a, Result<Vec<A>, StoreError>>;

/// The commands of one kind in a part.
pub(super) struct Picked<W> {
    /// Where each is in the part.
    pub(super) at: Vec<usize>,
    /// What each wants of the store.
    pub(super) wanted: Vec<W>,
}

impl<W> Picked<W> {
    /// The commands of which `wanted` makes something.
    pub(super) fn of(part: &[Item<Command>], wanted: impl Fn(&Item<Command>) -> Option<W>) -> Self {
        let found = part.iter().enumerate().filter_map(|(at, item)| Some((at, wanted(item)?)));
        let (at, wanted) = found.unzip();
        Self { at, wanted }
    }
}

impl Persistence {
    /// The store's answers to `wanted`, in the same order; fewer if the store gave fewer.
    pub(super) async fn together<W, A>(
        &self,
        wanted: &[W],
        call: StoreCall<W, A>,
    ) -> Result<Vec<Result<A, StoreError>>, Unavailable> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        match call(&*self.parts.store, wanted).await {
            Ok(answers) => Ok(answers.into_iter().map(Ok).collect()),
            Err(error @ StoreError::Unavailable { .. }) => Err(Unavailable::new("the store", error)),
            // The store did not take all of them, perhaps for one of them: find which.
            Err(StoreError::Failed { .. } | StoreError::Refused { .. }) => {
                self.one_by_one(wanted, call).await
            }
        }
    }

    async fn one_by_one<W, A>(
        &self,
        wanted: &[W],
        call: StoreCall<W, A>,
    ) -> Result<Vec<Result<A, StoreError>>, Unavailable> {
        let mut answers = Vec::with_capacity(wanted.len());
        for alone in wanted.chunks(1) {
            match call(&*self.parts.store, alone).await {
                Ok(answer) => answers.extend(answer.into_iter().map(Ok)),
                Err(error @ StoreError::Unavailable { .. }) => {
                    return Err(Unavailable::new("the store", error));
                }
                Err(error) => answers.push(Err(error)),
            }
        }
        Ok(answers)
    }
}
