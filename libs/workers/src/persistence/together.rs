//! Commands of one kind go to the store together, in one call: that is what makes a batch cheaper than its
//! commands one by one.

use super::Persistence;
use eventflow_bus::handler::{Item, Unavailable};
use eventflow_ports::{Store, StoreError, WithCommandId};
use eventflow_protocol::CommandId;
use eventflow_protocol::command::Command;
use futures_util::future::BoxFuture;
use std::borrow::Cow;

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

/// The store's answers, in the order of what was wanted; fewer if the store gave fewer.
pub(super) struct Answers<A> {
    each: Vec<Result<A, StoreError>>,
    /// An attempt for all of them failed before, and may have carried out some.
    is_repeated: bool,
}

impl<A> Answers<A> {
    /// The answers, each with its item of `part`. What may have been carried out and never announced counts
    /// as redelivered, so that its event is sent.
    pub(super) fn with_items<'a>(
        self,
        part: &'a [Item<Command>],
        at: &'a [usize],
    ) -> impl Iterator<Item = (usize, Cow<'a, Item<Command>>, Result<A, StoreError>)> + use<'a, A> {
        let is_repeated = self.is_repeated;
        let item = move |at: usize| match &part[at] {
            item if is_repeated => Cow::Owned(Item { redelivered: true, ..item.clone() }),
            item => Cow::Borrowed(item),
        };
        at.iter().zip(self.each).map(move |(at, answer)| (*at, item(*at), answer))
    }
}

/// What a command wants, under its id.
pub(super) fn with_id<T: Clone>(item: &Item<Command>, wanted: &T) -> WithCommandId<T> {
    WithCommandId { command_id: CommandId(item.id), wanted: wanted.clone() }
}

impl Persistence {
    /// Hands all of `wanted` to the store in one call, or each alone if the store fails at that.
    pub(super) async fn together<W, A>(
        &self,
        wanted: &[W],
        call: StoreCall<W, A>,
    ) -> Result<Answers<A>, Unavailable> {
        if wanted.is_empty() {
            return Ok(Answers { each: Vec::new(), is_repeated: false });
        }
        match call(&*self.parts.store, wanted).await {
            Ok(answers) => Ok(Answers { each: answers.into_iter().map(Ok).collect(), is_repeated: false }),
            Err(error @ StoreError::Unavailable { .. }) => Err(Unavailable::new("the store", error)),
            // The store did not take all of them, perhaps for one of them: find which.
            Err(StoreError::Failed { .. } | StoreError::Refused { .. }) => {
                self.one_by_one(wanted, call).await
            }
        }
    }

    async fn one_by_one<W, A>(&self, wanted: &[W], call: StoreCall<W, A>) -> Result<Answers<A>, Unavailable> {
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
        Ok(Answers { each: answers, is_repeated: true })
    }
}
