//! State: what the records of the shard log come to.
//!
//! A pure function of the records in their order. Everybody reads the same order, so everybody agrees.

use eventflow_protocol::reshard::ShardRecord;
use uuid::Uuid;

/// An attempt to change the number that is neither decided nor given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its id.
    pub id: Uuid,
    /// The wanted number.
    pub to: u16,
}

/// What is known of the number of shards, after some records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardState {
    /// Counts the changes of the number; 0 before the first record of a number.
    pub generation: u64,
    /// The number in force; 0 before the first record of a number.
    pub shards: u16,
    /// The attempt that is under way.
    pub pending: Option<Attempt>,
}

impl ShardState {
    /// Takes the next record.
    pub fn apply(&mut self, record: &ShardRecord) {
        match *record {
            ShardRecord::Number { generation, shards } if generation > self.generation && shards > 0 => {
                *self = Self { generation, shards, pending: None };
            }
            ShardRecord::Hold { attempt, generation, to }
                if self.pending.is_none() && generation == self.generation && generation > 0 && to > 0 =>
            {
                self.pending = Some(Attempt { id: attempt, to });
            }
            ShardRecord::GoOn { attempt } if self.is_pending(attempt) => {
                let shards = self.pending.map_or(self.shards, |pending| pending.to);
                *self = Self { generation: self.generation + 1, shards, pending: None };
            }
            ShardRecord::GiveUp { attempt } if self.is_pending(attempt) => self.pending = None,
            // No decision; or void: late, repeated, or of somebody who did not know better.
            ShardRecord::Here { .. }
            | ShardRecord::Number { .. }
            | ShardRecord::Hold { .. }
            | ShardRecord::GoOn { .. }
            | ShardRecord::GiveUp { .. } => {}
        }
    }

    /// Whether this attempt is under way.
    pub fn is_pending(&self, attempt: Uuid) -> bool {
        self.pending.is_some_and(|pending| pending.id == attempt)
    }

    /// Whether a number is known.
    pub fn is_known(&self) -> bool {
        self.generation > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn state(records: &[ShardRecord]) -> ShardState {
        let mut state = ShardState::default();
        for record in records {
            state.apply(record);
        }
        state
    }

    const ONE: Uuid = Uuid::from_u128(1);
    const TWO: Uuid = Uuid::from_u128(2);
    const FIRST: ShardRecord = ShardRecord::Number { generation: 1, shards: 4 };

    fn hold(attempt: Uuid, generation: u64) -> ShardRecord {
        ShardRecord::Hold { attempt, generation, to: 8 }
    }

    #[test]
    fn the_first_number_counts_and_a_later_one_of_the_same_generation_does_not() {
        let second = ShardRecord::Number { generation: 1, shards: 2 };
        assert_eq!(state(&[FIRST, second]), ShardState { generation: 1, shards: 4, pending: None });
    }

    #[test]
    fn whichever_of_go_on_and_give_up_comes_first_decides() {
        let (go_on, give_up) = (ShardRecord::GoOn { attempt: ONE }, ShardRecord::GiveUp { attempt: ONE });
        let went_on = state(&[FIRST, hold(ONE, 1), go_on.clone(), give_up.clone()]);
        assert_eq!(went_on, ShardState { generation: 2, shards: 8, pending: None });
        let stayed = state(&[FIRST, hold(ONE, 1), give_up, go_on]);
        assert_eq!(stayed, ShardState { generation: 1, shards: 4, pending: None });
    }

    #[test]
    fn one_attempt_is_under_way_at_a_time_and_none_of_an_earlier_generation() {
        assert!(state(&[FIRST, hold(ONE, 1), hold(TWO, 1)]).is_pending(ONE));
        let late = [FIRST, hold(ONE, 1), ShardRecord::GoOn { attempt: ONE }, hold(TWO, 1)];
        assert_eq!(state(&late).pending, None);
        assert_eq!(state(&[hold(ONE, 0)]).pending, None, "no number is known");
    }

    fn record() -> impl Strategy<Value = ShardRecord> {
        let attempt = (1_u128..4).prop_map(Uuid::from_u128);
        prop_oneof![
            (0_u64..4, 0_u16..9).prop_map(|(generation, shards)| ShardRecord::Number { generation, shards }),
            (attempt.clone(), 0_u64..4, 0_u16..9).prop_map(|(attempt, generation, to)| ShardRecord::Hold {
                attempt,
                generation,
                to
            }),
            attempt.clone().prop_map(|attempt| ShardRecord::GoOn { attempt }),
            attempt.prop_map(|attempt| ShardRecord::GiveUp { attempt }),
        ]
    }

    proptest! {
        #[test]
        fn a_generation_has_one_number_and_never_goes_back(records in prop::collection::vec(record(), 0..40)) {
            let mut state = ShardState::default();
            for record in &records {
                let before = state;
                state.apply(record);
                prop_assert!(state.generation >= before.generation);
                prop_assert!(state.generation > before.generation || state.shards == before.shards);
                prop_assert_eq!(state.shards > 0, state.is_known());
            }
        }
    }
}
