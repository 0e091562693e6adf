//! What every backend must do with the audit trail.

use crate::exam::{account_id, commit, event, key_id, race, session_id};
use crate::{Order, Store, Unit};
use cloakroom_core::event::{Event, EventKind};
use cloakroom_core::id::EventId;
use cloakroom_core::time::Timestamp;
use std::sync::Arc;

pub(crate) async fn events_come_in_the_order_in_which_they_were_written(store: Arc<dyn Store>) {
    let written: Vec<_> = (0..)
        .zip(EventKind::ALL)
        .map(|(n, kind)| Event {
            // Their instants run backwards: the order is that of writing.
            at: Timestamp::from_millis(if n == 0 { i64::MAX } else { i64::MIN + 100 - i64::from(n) }),
            kind: *kind,
            account: (n % 2 == 0).then_some(account_id(n)),
            session: (n % 3 == 0).then_some(session_id(n)),
            key: (n % 5 == 0).then_some(key_id(n)),
            ..event(n)
        })
        .collect();
    for pair in written.chunks(2) {
        commit(&store, pair.iter().cloned().map(Order::Record)).await.unwrap();
    }
    let read: Vec<_> = store.events_after(0, 1000).await.unwrap().into_iter().map(|(_, event)| event).collect();
    assert_eq!(read, written);
}

pub(crate) async fn pages_of_events_leave_none_out(store: Arc<dyn Store>) {
    let units = (0..50).map(|n| Unit::new().order(Order::Record(event(n))).order(Order::Record(event(n + 100))));
    assert!(race(&store, units.collect()).await.iter().all(Result::is_ok));
    let (mut last, mut read) = (0, Vec::new());
    loop {
        let page = store.events_after(last, 7).await.unwrap();
        assert!(page.len() <= 7);
        assert!(page.iter().all(|(seq, _)| *seq > last) && page.is_sorted_by(|a, b| a.0 < b.0));
        let Some((seq, _)) = page.last() else { break };
        last = *seq;
        read.extend(page.into_iter().map(|(_, event)| event.id));
    }
    // The two of one unit are neighbours.
    for pair in read.chunks(2) {
        assert_eq!(EventId::from_bytes([pair[0].as_bytes()[0] + 100; 16]), pair[1]);
    }
    read.sort();
    assert_eq!(read, (0..50).chain(100..150).map(|n| event(n).id).collect::<Vec<_>>());
    assert!(store.events_after(u64::MAX, 7).await.unwrap().is_empty());
    assert!(store.events_after(0, 0).await.unwrap().is_empty());
}

pub(crate) async fn who_reads_while_others_write_misses_no_line(store: Arc<dyn Store>) {
    let units = (0..60).map(|n| Unit::new().order(Order::Record(event(n))).order(Order::Record(event(n + 100))));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let (mut last, mut read) = (0, Vec::new());
                while read.len() < 120 {
                    for (seq, event) in store.events_after(last, 9).await.unwrap() {
                        assert!(seq > last);
                        last = seq;
                        read.push((seq, event.id));
                    }
                    tokio::task::yield_now().await;
                }
                read
            })
        })
        .collect();
    assert!(race(&store, units.collect()).await.iter().all(Result::is_ok));
    let mut trails = Vec::new();
    for reader in readers {
        trails.push(reader.await.unwrap());
    }
    // Both have read every line, and in the same order.
    assert_eq!(trails[0], trails[1]);
    let mut ids: Vec<_> = trails[0].iter().map(|(_, id)| *id).collect();
    ids.sort();
    assert_eq!(ids, (0..60).chain(100..160).map(|n| event(n).id).collect::<Vec<_>>());
}

pub(crate) async fn lines_of_an_account_come_newest_first(store: Arc<dyn Store>) {
    let of = |n: u8, account: Option<u8>| Event { account: account.map(account_id), ..event(n) };
    let written = [of(1, Some(1)), of(2, Some(2)), of(3, None), of(4, Some(1)), of(5, Some(1)), of(6, Some(2))];
    commit(&store, written[..4].iter().cloned().map(Order::Record)).await.unwrap();
    let read = async |account, limit| -> Vec<_> {
        store.events_of(account_id(account), limit).await.unwrap().into_iter().map(|(_, event)| event).collect()
    };
    assert_eq!(read(1, 9).await, [4, 1].map(|n| of(n, Some(1))));
    // Lines that were read before, and lines that are read for the first time.
    for line in &written[4..] {
        commit(&store, [Order::Record(line.clone())]).await.unwrap();
    }
    assert_eq!(read(1, u32::MAX).await, [5, 4, 1].map(|n| of(n, Some(1))));
    assert_eq!(read(1, 2).await, [5, 4].map(|n| of(n, Some(1))));
    assert_eq!(read(2, 9).await, [6, 2].map(|n| of(n, Some(2))));
    assert!(read(1, 0).await.is_empty() && read(3, 9).await.is_empty());
    // Their numbers are those of the whole trail, which is as it was written.
    let trail = store.events_after(0, 99).await.unwrap();
    assert_eq!(trail.iter().map(|(_, event)| event).collect::<Vec<_>>(), written.iter().collect::<Vec<_>>());
    let numbers: Vec<_> =
        trail.iter().rev().filter(|(_, event)| event.account == Some(account_id(1))).cloned().collect();
    assert_eq!(store.events_of(account_id(1), 9).await.unwrap(), numbers);
}
