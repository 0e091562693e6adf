//! `cloakroom sessions` and `cloakroom accounts` beside a running server: what they end is refused at once.

use crate::deadline::until;
use crate::house::House;
use crate::program::{code, run, text};
use crate::upstream::Upstream;
use crate::visitor::Visitor;
use serde_json::Value;

async fn refused(visitor: &mut Visitor) {
    until("the server refuses what was ended", async || (visitor.app().await.ok()?.0 == 401).then_some(())).await;
}

async fn done(house: &House, arguments: &[&str]) -> String {
    let output = run(house.folder(), arguments).await;
    assert_eq!(code(&output), 0, "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[tokio::test]
async fn an_operator_lists_and_ends_sessions_and_disables_accounts() {
    let upstream = Upstream::start("first").await;
    let house = House::before(upstream.address);
    let server = house.serve().await;
    let (mut ann, mut bob, mut carol) = (house.visitor(), house.visitor(), house.visitor());
    ann.sign_in("ann@example.com").await;
    bob.sign_in("bob@example.com").await;
    carol.sign_in("carol@example.com").await;

    let listed = done(&house, &["sessions", "list", "--account", "ann@example.com", "--json"]).await;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!((listed.as_array().unwrap().len(), listed[0]["strategy"].as_str()), (1, Some("cookie")));
    let id = listed[0]["id"].as_str().unwrap();
    assert!(done(&house, &["sessions", "list", "--account", "ann@example.com"]).await.contains(id));

    done(&house, &["sessions", "revoke", id]).await;
    refused(&mut ann).await;
    assert_eq!((bob.app().await.unwrap().0, carol.app().await.unwrap().0), (200, 200));

    done(&house, &["accounts", "disable", "bob@example.com"]).await;
    refused(&mut bob).await;
    done(&house, &["accounts", "enable", "bob@example.com"]).await;
    bob.log_in("bob@example.com").await;
    assert_eq!(bob.app().await.unwrap().0, 200);
    done(&house, &["sessions", "revoke", "--account", "bob@example.com"]).await;
    refused(&mut bob).await;

    done(&house, &["sessions", "revoke", "--everything"]).await;
    refused(&mut carol).await;
    assert_eq!(carol.fetch("POST", "/auth/refresh", None).await.unwrap().code(), "session-ended");
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_one_clear_line_and_changes_nothing() {
    let upstream = Upstream::start("first").await;
    let house = House::before(upstream.address);
    house.serve().await.stop().await;
    for (arguments, said) in [
        (vec!["sessions", "list", "--account", "nobody@example.com"], "there is no account nobody@example.com"),
        (vec!["sessions", "revoke", "AAAAAAAAAAAAAAAAAAAAAA"], "there is no such session"),
        (vec!["accounts", "disable", "not an address"], "there is no account not an address"),
        (vec!["sessions", "revoke"], "required"),
        (vec!["sessions", "revoke", "--everything", "--account", "a@b.example"], "cannot be used with"),
    ] {
        let output = run(house.folder(), &arguments).await;
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(text(&output.stderr).contains(said), "{arguments:?}: {}", text(&output.stderr));
    }
}
