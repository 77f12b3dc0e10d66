//! New threads: who may start one, with whom, how large and how many. Others are put into a thread without
//! being asked, so what one account can do to them is bounded here.
//!
//! An administrator is bound by the size of their role only. Whoever finds a thread that they are in starts
//! none. The budget is a token bucket (GCRA, the `governor` crate) per user and process that holds an hour's
//! threads.

use crate::buckets::Buckets;
use crate::identity::Identity;
use crate::refusal::Refusal;
use eventflow_ports::Directory;
use eventflow_protocol::command::CreateThread;
use eventflow_protocol::{ErrorCode, UserId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// People in a thread of an ordinary user unless configured otherwise: a large team, not a mailing list.
const DEFAULT_PEOPLE_MAX: u32 = 256;
/// New threads per hour and user unless configured otherwise: five a minute, more than anybody starts by
/// hand.
const DEFAULT_NEW_PER_HOUR: u32 = 300;

/// With whom a user may start a thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartWith {
    /// With any ids.
    #[default]
    Anybody,
    /// With people whom the directory knows.
    Directory,
    /// Only administrators start threads.
    Nobody,
}

/// The settings for new threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadRules {
    /// With whom a user may start a thread.
    pub start_with: StartWith,
    /// People in a thread, its creator included.
    pub people_max: u32,
    /// The same for creators of these roles.
    pub people_max_by_role: BTreeMap<String, u32>,
    /// New threads per user in an hour; 0 for no limit.
    pub new_per_hour: u32,
}

impl Default for ThreadRules {
    fn default() -> Self {
        Self {
            start_with: StartWith::default(),
            people_max: DEFAULT_PEOPLE_MAX,
            people_max_by_role: BTreeMap::new(),
            new_per_hour: DEFAULT_NEW_PER_HOUR,
        }
    }
}

/// Checks who starts threads.
pub(crate) struct NewThreads {
    rules: ThreadRules,
    directory: Arc<dyn Directory>,
    budgets: Option<Buckets<UserId>>,
}

impl NewThreads {
    pub(crate) fn new(rules: ThreadRules, directory: Arc<dyn Directory>) -> Self {
        let budgets = Buckets::hourly(rules.new_per_hour);
        Self { rules, directory, budgets }
    }

    /// Whether `caller` may start this thread; takes it from their budget.
    pub(crate) async fn admit(&self, caller: &Identity, create: &CreateThread) -> Result<(), Refusal> {
        self.check_size(caller, create)?;
        if caller.is_admin() {
            return Ok(());
        }
        let others = create.participants.iter().filter(|user| **user != create.created_by);
        self.check_people(others.cloned().collect()).await?;
        self.take_from_budget(&caller.user)
    }

    /// Whether `caller` may add these people to a group of so many; takes it from their budget.
    pub(crate) async fn admit_added(
        &self,
        caller: &Identity,
        before: usize,
        added: &[UserId],
    ) -> Result<usize, Refusal> {
        let most = self.most(caller);
        if !added.is_empty() && before + added.len() > most {
            let error = format!("userIds: a group to which you add people has at most {most} participants");
            return Err(Refusal::invalid(error));
        }
        if !caller.is_admin() {
            self.check_people(added.to_vec()).await?;
            self.take_from_budget(&caller.user)?;
        }
        Ok(most)
    }

    /// Most people in a thread of this caller.
    fn most(&self, caller: &Identity) -> usize {
        *self.rules.people_max_by_role.get(&caller.role).unwrap_or(&self.rules.people_max) as usize
    }

    fn check_size(&self, caller: &Identity, create: &CreateThread) -> Result<(), Refusal> {
        let most = self.most(caller);
        if create.participants.len() <= most {
            return Ok(());
        }
        Err(Refusal::invalid(format!("a thread that you start has at most {most} participants")))
    }

    async fn check_people(&self, others: Vec<UserId>) -> Result<(), Refusal> {
        match self.rules.start_with {
            StartWith::Anybody => Ok(()),
            StartWith::Nobody => {
                Err(Refusal::new(ErrorCode::Forbidden, "only an administrator may start a thread"))
            }
            StartWith::Directory => {
                let known = self.directory.profiles(&others).await?;
                if others.iter().all(|user| known.contains_key(user)) {
                    return Ok(());
                }
                let error = "a thread can be started with people of the directory only";
                Err(Refusal::new(ErrorCode::Forbidden, error))
            }
        }
    }

    fn take_from_budget(&self, user: &UserId) -> Result<(), Refusal> {
        let admit = |budgets: &Buckets<UserId>| budgets.admit(user, "too many new threads, please wait");
        self.budgets.as_ref().map_or(Ok(()), admit)
    }
}
