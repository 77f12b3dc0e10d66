//! Names of tokens: whoever no directory knows is shown to others by the name that their token gives. It also
//! makes the person one of everybody, so whoever has no name in their token is noted by their id.
//!
//! Every request that signs in passes by. A name that is new here and not stored yet becomes a command, which
//! nobody waits for: a name is worth less than the request that it comes with. Repeating it changes nothing.

use crate::commands::Commands;
use crate::identity::Identity;
use eventflow_ports::{Directory, People};
use eventflow_protocol::UserId;
use eventflow_protocol::client::values::PersonName;
use eventflow_protocol::command::Command;
use eventflow_protocol::content::typed;
use eventflow_protocol::person::TokenName;
use moka::sync::Cache;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// People whose names are remembered as noted, about 10 MB.
const NOTED_MAX: u64 = 50_000;
/// How long a name counts as noted. After this a name that could not be noted is tried again.
const NOTED_FOR: Duration = Duration::from_mins(10);
/// The longest time that a request waits for its name to be noted.
const PATIENCE: Duration = Duration::from_millis(200);

/// Notes the names of tokens.
#[derive(Clone)]
pub(crate) struct TokenNames {
    commands: Commands,
    directory: Arc<dyn Directory>,
    people: People,
    noted: Cache<UserId, Arc<str>>,
}

impl TokenNames {
    /// Nobody's name is noted yet.
    pub(crate) fn new(commands: Commands, directory: Arc<dyn Directory>, people: People) -> Self {
        let noted = Cache::builder().max_capacity(NOTED_MAX).time_to_live(NOTED_FOR).build();
        Self { commands, directory, people, noted }
    }

    /// Forgets what is noted of a person: the next token of theirs that holds is noted again.
    pub(crate) fn forget(&self, user: &UserId) {
        self.noted.invalidate(user);
    }

    /// Notes the name of a token that holds.
    pub(crate) async fn note(&self, identity: &Identity) {
        let user = &identity.user;
        let is_noted = self.noted.get(user).is_some_and(|noted| *noted == *identity.name);
        if is_noted {
            return;
        }
        self.noted.insert(user.clone(), identity.name.as_str().into());
        let Ok(name) = PersonName::try_from(identity.name.clone()) else { return };
        if timeout(PATIENCE, self.store(user, name.into_string())).await.is_err() {
            tracing::debug!(%user, "the name of a token was not noted in time");
        }
    }

    async fn store(&self, user: &UserId, name: String) {
        match self.directory.token_name(user).await {
            // An id is a name for whoever has no other one.
            Ok(Some(stored)) if typed(&stored) == name || name == user.as_str() => return,
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "the name of a token is not noted");
                return;
            }
        }
        let command = Command::NoteTokenName(TokenName { user_id: user.clone(), name });
        if let Err(refusal) = self.commands.send_command(&command).await {
            tracing::debug!(error = &refusal as &dyn std::error::Error, "the name of a token is not noted");
        }
        self.people.forget(user);
    }
}
