//! New threads and new messages.

use super::Persistence;
use super::applied::Applied;
use super::together::Picked;
use eventflow_bus::handler::{Item, Unavailable};
use eventflow_ports::{Appended, NewMessage};
use eventflow_protocol::CommandId;
use eventflow_protocol::command::Command;

impl Persistence {
    pub(super) async fn create_threads(
        &self,
        part: &[Item<Command>],
        applied: &mut [Option<Applied>],
    ) -> Result<(), Unavailable> {
        for (item, applied) in part.iter().zip(applied) {
            let Command::CreateThread(create) = &item.value else { continue };
            *applied = Some(match self.parts.store.create_thread(create).await {
                Ok((thread, created)) => Applied::thread(item, create, thread, created),
                Err(error) => Applied::store_error(error)?,
            });
        }
        Ok(())
    }

    pub(super) async fn append_messages(
        &self,
        part: &[Item<Command>],
        applied: &mut [Option<Applied>],
    ) -> Result<(), Unavailable> {
        let picked = Picked::of(part, new_message);
        let answers =
            self.together(&picked.wanted, |store, messages| store.append_messages(messages)).await?;
        for (at, item, answer) in answers.with_items(part, &picked.at) {
            applied[at] = Some(match answer {
                Ok(mut appended) => {
                    if let Appended::Stored(message) | Appended::Duplicate(message) = &mut appended {
                        self.attach_files(message).await?;
                        self.quote(message).await;
                    }
                    Applied::appended(&item, appended)
                }
                Err(error) => Applied::store_error(error)?,
            });
        }
        Ok(())
    }
}

fn new_message(item: &Item<Command>) -> Option<NewMessage> {
    let Command::SendMessage(send) = &item.value else { return None };
    Some(NewMessage { command_id: CommandId(item.id), send: send.clone(), redelivered: item.redelivered })
}
