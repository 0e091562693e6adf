//! The ring turned through its whole life on a manual clock.

use super::*;

const DAY: Lifetime = Lifetime::from_secs(86_400);

fn rotation() -> Rotation {
    Rotation {
        algorithm: "EdDSA".into(),
        rotate_every: DAY.times(30),
        announce_for: Lifetime::from_secs(900),
        publish_for: Lifetime::from_secs(600),
        keep_for: DAY.times(31),
    }
}

fn start() -> Timestamp {
    Timestamp::from_unix_seconds(1_700_000_000)
}

/// Carries a plan out, as `app` does.
fn turn(keys: &mut Vec<KeyRecord>, rotation: &Rotation, now: Timestamp) -> Plan {
    let plan = plan(keys, rotation, now);
    for (purpose, algorithm, active_from) in &plan.make {
        let id =
            KeyId::from_bytes((keys.len() as u128 + 1 + u128::from(now.millis().unsigned_abs()) * 1000).to_be_bytes());
        keys.push(KeyRecord {
            id,
            purpose: *purpose,
            algorithm: algorithm.clone(),
            sealed: vec![],
            made_at: now,
            active_from: *active_from,
            withdrawn_at: None,
        });
    }
    keys.retain(|key| !plan.delete.contains(&key.id));
    plan
}

#[test]
fn an_empty_ring_gets_a_key_for_every_purpose_at_once() {
    let mut keys = vec![];
    turn(&mut keys, &rotation(), start());
    for purpose in Purpose::ALL {
        assert!(current(&keys, purpose, start()).is_some());
    }
    assert_eq!(turn(&mut keys, &rotation(), start()), Plan::default(), "a second turn changes nothing");
}

#[test]
fn a_key_is_announced_before_it_signs_and_published_as_long_as_its_tokens_live() {
    let (mut keys, rotation) = (vec![], rotation());
    turn(&mut keys, &rotation, start());
    let first = current(&keys, Purpose::Access, start()).unwrap().id;

    let announced = start().plus(rotation.rotate_every).minus(rotation.announce_for);
    assert_eq!(turn(&mut keys, &rotation, announced.minus(Lifetime::from_millis(1))), Plan::default());
    turn(&mut keys, &rotation, announced);
    assert_eq!(current(&keys, Purpose::Access, announced).unwrap().id, first, "the old one still signs");
    assert_eq!(published(&keys, &rotation, announced).len(), 2, "both are shown");

    let switch = start().plus(rotation.rotate_every);
    let second = current(&keys, Purpose::Access, switch).unwrap().id;
    assert_ne!(second, first);
    let shown = |now| published(&keys, &rotation, now).iter().map(|key| key.id).collect::<Vec<_>>();
    assert_eq!(shown(switch.plus(rotation.publish_for).minus(Lifetime::from_millis(1))), [second, first]);
    assert_eq!(shown(switch.plus(rotation.publish_for)), [second]);
}

#[test]
fn a_key_is_deleted_only_when_no_session_can_need_it() {
    let (mut keys, rotation) = (vec![], rotation());
    let mut now = start();
    let mut seen_deleted = 0;
    for _ in 0..200 {
        let plan = turn(&mut keys, &rotation, now);
        seen_deleted += plan.delete.len();
        for purpose in Purpose::ALL {
            assert!(current(&keys, purpose, now).is_some(), "never without a key");
        }
        assert!(keys.len() <= 9, "the ring stays small: {}", keys.len());
        now = now.plus(DAY);
    }
    assert!(seen_deleted > 0);
}

#[test]
fn a_withdrawn_key_is_replaced_at_once_and_never_shown() {
    let (mut keys, rotation) = (vec![], rotation());
    turn(&mut keys, &rotation, start());
    for key in &mut keys {
        key.withdrawn_at = Some(start());
    }
    assert!(published(&keys, &rotation, start()).is_empty());
    turn(&mut keys, &rotation, start());
    assert_eq!(published(&keys, &rotation, start()).len(), 1);
    assert!(current(&keys, Purpose::Refresh, start()).is_some());
}

#[test]
fn another_algorithm_takes_over_with_the_same_notice() {
    let (mut keys, mut rotation) = (vec![], rotation());
    turn(&mut keys, &rotation, start());
    rotation.algorithm = "ES256".into();
    turn(&mut keys, &rotation, start());
    assert_eq!(current(&keys, Purpose::Access, start()).unwrap().algorithm, "EdDSA");
    let later = start().plus(rotation.announce_for);
    assert_eq!(current(&keys, Purpose::Access, later).unwrap().algorithm, "ES256");
    assert_eq!(turn(&mut keys, &rotation, later), Plan::default());
}
