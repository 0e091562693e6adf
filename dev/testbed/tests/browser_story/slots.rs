//! Two accounts in one browser, each in a tab of its own.

use crate::secrets::{ACCESS, REFRESH, generation_in, value};
use crate::spa::{Spa, shows, status};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_testbed::Recorded;
use cloakroom_testbed::browser::{Browser, Context, Engine};
use serde_json::Value;

const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";
const REFRESH_1: &str = "__Secure-cloakroom-refresh1";
const ACCESS_1: &str = "__Host-Http-cloakroom1";

pub(crate) async fn story(engine: Engine) {
    let app = Spa::start("slots = 3").await;
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let (zero, one) = (context.page().await.unwrap(), context.page().await.unwrap());
    app.enter(&zero, "", ANN).await;
    app.enter(&one, "/u/1", BOB).await;
    zero.goto(&app.at("/u/0/")).await.unwrap();
    shows(&zero, ANN).await;
    shows(&one, BOB).await;
    let scripts = |seen: Vec<cloakroom_testbed::browser::ResponseSeen>| -> Vec<String> {
        let urls = seen.into_iter().map(|seen| seen.url);
        urls.filter(|url| url.ends_with("client.js")).collect()
    };
    assert!(scripts(zero.responses().await.unwrap()).contains(&app.at("/u/0/auth/client.js")));
    assert_eq!(scripts(one.responses().await.unwrap()), [app.at("/u/1/auth/client.js")]);

    // Each tab renews its own session and leaves the other's as it is.
    app.expire();
    let before = generations(&context).await;
    assert_eq!(status(&zero, "cloakroom.fetch", "/u/0/api/x").await, 200);
    assert_eq!(generations(&context).await, (before.0 + 1, before.1));
    let ann = account_of(&app.api.take());
    assert_eq!(status(&one, "cloakroom.fetch", "/u/1/api/x").await, 200);
    assert_eq!(generations(&context).await, (before.0 + 1, before.1 + 1));
    let bob = account_of(&app.api.take());
    assert_ne!(ann, bob, "each as its own account");
    // Both at the same moment, twenty calls each.
    app.expire();
    let (first, second) = tokio::join!(app.twenty_calls(&zero), app.twenty_calls(&one));
    assert_eq!((first, second), (vec![200; 20], vec![200; 20]));
    assert_eq!(generations(&context).await, (before.0 + 2, before.1 + 2));

    // Log-out of one leaves the other, whichever it is, and its tab does not even flinch.
    zero.eval("(cloakroom.on('signed-out', () => { window.flinched = true }), 1)").await.unwrap();
    one.eval("cloakroom.logout()").await.unwrap();
    shows(&one, "signed out").await;
    assert_eq!((value(&context, ACCESS_1).await, value(&context, REFRESH_1).await), (None, None));
    app.expire();
    assert_eq!(status(&zero, "cloakroom.fetch", "/u/0/api/x").await, 200);
    shows(&zero, ANN).await;
    assert_eq!(zero.eval("window.flinched").await.unwrap(), Value::Null);
    one.reload().await.unwrap();
    shows(&one, "signed out").await;

    one.goto(&app.at("/u/1/auth/login")).await.unwrap();
    crate::person::log_in(&one, BOB, &app.at("/u/1/")).await;
    shows(&one, BOB).await;
    zero.eval("cloakroom.logout()").await.unwrap();
    shows(&zero, "signed out").await;
    assert_eq!((value(&context, ACCESS).await, value(&context, REFRESH).await), (None, None));
    app.expire();
    assert_eq!(status(&one, "cloakroom.fetch", "/u/1/api/x").await, 200);
    shows(&one, BOB).await;
    app.close().await;
    browser.close().await.unwrap();
}

async fn generations(context: &Context) -> (u32, u32) {
    (generation_in(context, REFRESH).await, generation_in(context, REFRESH_1).await)
}

/// Whose token reached the API last.
fn account_of(seen: &[Recorded]) -> Value {
    let token = seen.last().unwrap().header("authorization").unwrap();
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["sub"].take()
}
