//! Forged and planted tokens: refused on every node, and nothing that is stored changes.

use crate::place::{Place, on_both};
use crate::{ACCESS, REFRESH};

on_both! { "";
what_is_forged_or_planted_changes_nothing_that_is_stored }

async fn what_is_forged_or_planted_changes_nothing_that_is_stored(place: Place) {
    let nodes = &place.nodes;
    let (ann, eve) = (nodes.signed_in("ann@example.com").await, nodes.signed_in("eve@example.com").await);
    let genuine = ann.cookie(REFRESH).unwrap();
    let (head, mac) = genuine.rsplit_once('.').unwrap();
    let other_mac = format!("{}{}", if mac.starts_with('A') { 'B' } else { 'A' }, &mac[1..]);
    let mut presented = Vec::new();
    for forged in [
        format!("{head}.{other_mac}"),
        genuine.replacen(".0.", ".1.", 1),
        genuine.replacen(".0.", ".4294967295.", 1),
        head.to_owned(),
        "a.b.0.c".to_owned(),
        "x".repeat(4000),
        // Eve's own, planted beside the victim's access cookie.
        eve.cookie(REFRESH).unwrap(),
    ] {
        let jar = ann.copied();
        jar.plant(REFRESH, "/auth/refresh", &forged);
        presented.push((jar, forged));
    }
    let alone = ann.copied();
    alone.lose(ACCESS);
    presented.push((alone, "nothing accompanies it".to_owned()));
    let foreign = ann.copied();
    foreign.plant(ACCESS, "/", &eve.cookie(ACCESS).unwrap());
    presented.push((foreign, "something foreign accompanies it".to_owned()));

    nodes.do_chores().await;
    let before = place.dump().await;
    for (jar, what) in &presented {
        for node in 0..nodes.count() {
            let refused = jar.on(node).refresh().await;
            assert_eq!((refused.status.as_u16(), refused.code()), (401, "session-ended".into()), "{what}");
            assert!(refused.cookies().is_empty(), "it clears nothing: {what}");
        }
    }
    nodes.do_chores().await;
    assert_eq!(place.dump().await, before);
    assert!(before.contains("session"), "something was compared");
    for genuine in [&ann, &eve] {
        assert_eq!(genuine.on(1).refresh().await.status, 200);
        assert_eq!(genuine.on(2).app().await.0, 200);
    }
    assert_ne!(place.dump().await, before, "what is genuine does change it");
    place.close().await;
}
