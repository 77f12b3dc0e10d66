//! Assignment: which worker owns a shard, and which one is its spare.
//!
//! A pure function of the living workers and the number of shards, so workers that see the same members agree
//! without asking each other. Workers join in the order of their ids, which is the order of their starts;
//! each takes its share from those who have most. So a worker that joins moves exactly its own share, and
//! what the youngest worker gives up goes back to where it came from.

/// Who consumes one shard; both are indexes into the members, in the order of their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seat {
    /// The worker that owns the shard.
    pub(super) owner: usize,
    /// The worker that waits behind the owner. `None` if the owner is alone.
    pub(super) spare: Option<usize>,
}

/// Shares `shards` shards out to `members`, whose ids are sorted and distinct. Empty without members.
pub(super) fn assign(members: &[&str], shards: u16) -> Vec<Seat> {
    if members.is_empty() {
        return Vec::new();
    }
    let owners = owners(members, shards);
    (0_u16..).zip(owners).map(|(shard, owner)| Seat { owner, spare: spare(members, shard, owner) }).collect()
}

fn owners(members: &[&str], shards: u16) -> Vec<usize> {
    let mut owners = vec![0; usize::from(shards)];
    let mut loads = vec![0; members.len()];
    loads[0] = owners.len();
    for joining in 1..members.len() {
        let fits = |shard: &u16| rank(members[joining], *shard);
        for _ in 0..owners.len() / (joining + 1) {
            let largest = loads[..joining].iter().copied().max().unwrap_or_default();
            let can_give = |shard: &u16| {
                let owner = owners[usize::from(*shard)];
                owner != joining && loads[owner] == largest
            };
            let Some(shard) = (0..shards).filter(can_give).max_by_key(fits) else { break };
            loads[owners[usize::from(shard)]] -= 1;
            loads[joining] += 1;
            owners[usize::from(shard)] = joining;
        }
    }
    owners
}

fn spare(members: &[&str], shard: u16, owner: usize) -> Option<usize> {
    (0..members.len()).filter(|member| *member != owner).max_by_key(|member| rank(members[*member], shard))
}

/// How well a worker and a shard fit: the same in every process of every version. FNV-1a, whose bits the last
/// steps spread, because ids that start in the same second differ in a few bits only.
fn rank(member: &str, shard: u16) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = member.bytes().chain(shard.to_le_bytes()).fold(0xcbf2_9ce4_8422_2325_u64, mix);
    let hash = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ hash >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ hash >> 31
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn loads(seats: &[Seat], members: usize) -> Vec<usize> {
        (0..members).map(|member| seats.iter().filter(|seat| seat.owner == member).count()).collect()
    }

    fn moved(before: &[Seat], after: &[Seat]) -> usize {
        before.iter().zip(after).filter(|(before, after)| before.owner != after.owner).count()
    }

    prop_compose! {
        fn members()(ids in prop::collection::btree_set("[0-9a-f]{32}", 1..12)) -> BTreeSet<String> { ids }
    }

    proptest! {
        #[test]
        fn every_shard_has_one_owner_and_loads_differ_by_at_most_one(ids in members(), shards in 1_u16..=64) {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let seats = assign(&ids, shards);
            prop_assert_eq!(seats.len(), usize::from(shards));
            let loads = loads(&seats, ids.len());
            prop_assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= 1, "{:?}", loads);
        }

        #[test]
        fn every_shard_has_one_spare_that_is_not_its_owner(ids in members(), shards in 1_u16..=64) {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            for seat in assign(&ids, shards) {
                prop_assert_eq!(seat.spare.is_some(), ids.len() > 1);
                prop_assert!(seat.spare != Some(seat.owner) && seat.spare.is_none_or(|spare| spare < ids.len()));
            }
        }

        #[test]
        fn a_worker_that_joins_moves_its_own_share_and_nothing_else(ids in members(), shards in 1_u16..=64) {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let (before, after) = (assign(&ids[..ids.len() - 1], shards), assign(&ids, shards));
            if !before.is_empty() {
                prop_assert_eq!(moved(&before, &after), usize::from(shards) / ids.len());
            }
        }

        #[test]
        fn nobody_who_sees_the_same_members_disagrees(ids in members(), shards in 1_u16..=64) {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            prop_assert_eq!(assign(&ids, shards), assign(&ids, shards));
        }
    }

    #[test]
    fn the_assignment_is_the_same_in_every_version() {
        let seats = assign(&["a", "b", "c"], 4);
        let places: Vec<_> = seats.iter().map(|seat| (seat.owner, seat.spare.unwrap())).collect();
        assert_eq!(places, THREE_WORKERS);
    }

    /// Workers of two versions run side by side during a deployment, so this must not change.
    const THREE_WORKERS: [(usize, usize); 4] = [(1, 0), (2, 1), (0, 1), (0, 1)];
}
