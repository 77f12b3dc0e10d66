//! What belongs to the person alone, what they are called, the threads that have something of them, and their
//! files.

use super::super::Persistence;
use eventflow_ports::{StoreError, change_upload};
use eventflow_protocol::erasure::{Erasure, ErasurePlace, ErasureState, nobody};
use eventflow_protocol::uploads::UploadState;
use eventflow_protocol::{MailAddress, ThreadId};

/// Rounds of deleting in one step: some thousand rows, while other commands of the shard wait.
const ROUNDS: u32 = 10;
/// Threads that the record of an erasure names at a time: it is written with each step.
const FOUND_MAX: usize = 50;
/// Files that are read at a time.
const FILES: u32 = 50;

impl Persistence {
    pub(super) async fn erase_own(&self, erasure: &mut Erasure) -> Result<(), StoreError> {
        let user = &erasure.user_id;
        let profile = self.parts.directory.profiles(std::slice::from_ref(user)).await?.remove(user);
        let address = profile.and_then(|profile| profile.email?.parse::<MailAddress>().ok());
        for _ in 0..ROUNDS {
            let erased = self.parts.erasures.erase_own(&erasure.user_id, address.as_ref()).await?;
            erasure.counts += erased.counts;
            if erased.is_complete {
                // At last: from now on nobody knows the address.
                self.parts.directory.put_profile(&nobody(erasure.user_id.clone())).await?;
                self.delete_files(erasure).await?;
                erasure.place = ErasurePlace::Search { after: None };
                break;
            }
        }
        Ok(())
    }

    pub(super) async fn find_threads(
        &self,
        erasure: &mut Erasure,
        after: Option<ThreadId>,
    ) -> Result<(), StoreError> {
        let mut found = self.parts.erasures.threads_with(&erasure.user_id, after).await?;
        if found.threads.len() > FOUND_MAX {
            found.threads.truncate(FOUND_MAX);
            found.next = found.threads.last().copied();
        }
        erasure.found(found.threads, found.next);
        Ok(())
    }

    /// The pass that ends the erasure waits for the bytes of files.
    pub(super) async fn erase_files(&self, erasure: &mut Erasure) -> Result<(), StoreError> {
        let is_left = self.delete_files(erasure).await?;
        let now = self.parts.clock.now();
        if is_left && erasure.pass > 1 && erasure.state == ErasureState::Running {
            erasure.wait_for_files(now);
        } else {
            erasure.end_pass(now);
        }
        Ok(())
    }

    /// Lets the sweeper remove all files of the person. Returns whether any are there still.
    async fn delete_files(&self, erasure: &mut Erasure) -> Result<bool, StoreError> {
        let now = self.parts.clock.now();
        let mut after = None;
        let mut is_left = false;
        loop {
            let files = self.parts.erasures.uploads_of(&erasure.user_id, after, FILES).await?;
            is_left |= !files.is_empty();
            for file in &files {
                let deleted = change_upload(&*self.parts.uploads, file.id, |upload| {
                    let is_there = upload.state != UploadState::Deleted;
                    if is_there {
                        upload.uses.clear();
                        upload.delete(now);
                    }
                    is_there.then_some(())
                });
                erasure.counts.files += u64::from(deleted.await?.is_some());
            }
            after = files.last().map(|file| file.id);
            if files.len() < FILES as usize {
                return Ok(is_left);
            }
        }
    }
}
