//! The order in which the jobs of a batch are decided: everybody's first job, then everybody's second one, so
//! that whoever writes much to many people does not delay what others write.

use eventflow_protocol::UserId;
use eventflow_protocol::outbound::NotifyJob;
use std::collections::HashMap;

/// The places of these jobs in fair order. Jobs of one cause stay in their order.
pub(super) fn in_fair_order<'a>(jobs: impl Iterator<Item = &'a NotifyJob>) -> Vec<usize> {
    let mut turns: HashMap<&UserId, usize> = HashMap::new();
    let mut order: Vec<(usize, usize)> = jobs
        .enumerate()
        .map(|(place, job)| {
            let turn = turns.entry(cause(job)).or_default();
            *turn += 1;
            (*turn, place)
        })
        .collect();
    order.sort_unstable();
    order.into_iter().map(|(_, place)| place).collect()
}

/// Who has caused a job.
fn cause(job: &NotifyJob) -> &UserId {
    match job {
        NotifyJob::Message { sender, .. } => sender,
        NotifyJob::Notification { user_id, .. }
        | NotifyJob::Departed { user_id, .. }
        | NotifyJob::Read { user_id, .. }
        | NotifyJob::PreferencesChanged { user_id, .. }
        | NotifyJob::NotificationsRead { user_id, .. } => user_id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_protocol::{MessageId, ThreadId, Timestamp};

    #[test]
    fn a_busy_senders_jobs_let_others_pass_and_keep_their_order() {
        let job = |sender: &str| NotifyJob::Message {
            thread_id: ThreadId::from_bytes([1; 12]),
            message_id: MessageId::from_bytes([1; 12]),
            seq: 1,
            sender: sender.parse().unwrap(),
            at: Timestamp(0),
            absent: Vec::new(),
            away: false,
            mention: false,
        };
        let jobs = ["loud", "loud", "loud", "carl", "dora", "carl"].map(job);
        assert_eq!(in_fair_order(jobs.iter()), [0, 3, 4, 1, 5, 2]);
    }
}
