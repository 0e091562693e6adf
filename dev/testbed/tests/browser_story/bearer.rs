//! `split-bearer` and `memory`: what the page is handed stays in variables of the client, and nobody finds it there.

use crate::api::Api;
use crate::secrets::{ACCESS, REFRESH, SIGNATURE, Secrets, generation, value};
use crate::spa::{Spa, shows, status};
use cloakroom_testbed::browser::{Browser, Context, Engine, Page};
use cloakroom_testbed::{Answer, House};
use serde_json::Value;

const EMAIL: &str = "margaret.hamilton@example.com";

/// Longer than two issues of one generation are good side by side, in seconds.
const RACE_OVER: u64 = 21;

pub(crate) async fn split_bearer(engine: Engine) {
    let app = Spa::start("strategy = \"split-bearer\"").await;
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let (one, two, mut secrets) = live_on_variables(&app, &context, "claims").await;
    assert_eq!(one.eval("cloakroom.token()").await.unwrap(), Value::Null, "half a token is for this site only");

    // A script that has taken over the page asks as the client does, and carries the answer off: half of a token.
    let claims = steal(&one, "claims").await;
    secrets.add(&claims);
    assert_eq!(carried_off(&app.house, &claims).await.code(), "signed-out");

    leave(&app, &context, &one, &two).await;
    assert_eq!(value(&context, SIGNATURE).await, None);
    app.close().await;
    browser.close().await.unwrap();
}

pub(crate) async fn memory(engine: Engine) {
    let app = Spa::start("strategy = \"memory\"\nacknowledge_weaker = true").await;
    let api = Api::start(&app.house).await;
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let (one, two, mut secrets) = live_on_variables(&app, &context, "access_token").await;

    // An API on another site takes the token of either tab, and gets no cookie; without a token it lets nobody in.
    let account = one.eval("cloakroom.me().then(me => me.account.id)").await.unwrap();
    for page in [&one, &two] {
        let answer = ask(page, &api, "cloakroom.token()").await;
        assert_eq!((&answer["status"], &answer["body"]["account"]), (&Value::from(200), &account));
        assert_eq!(answer["body"]["cookies"], false);
    }
    assert_eq!(ask(&one, &api, "'none'").await["status"], 401);
    let token = text(&one.eval("cloakroom.token()").await.unwrap());
    app.house.watch.secret(&token);
    secrets.add(&token);
    assert!(context.cookies().await.unwrap().iter().all(|cookie| !cookie.value.contains(&token)), "it is no cookie");
    assert_eq!(secrets.search_page(&one).await, None, "asking for it leaves nothing behind");

    // Past its end it is no good there any more, until the page has renewed it.
    app.expire();
    assert_eq!(ask(&one, &api, "cloakroom.token()").await["status"], 401);
    assert_eq!(one.eval("cloakroom.refresh()").await.unwrap(), "refreshed");
    assert_eq!(ask(&one, &api, "cloakroom.token()").await["status"], 200);

    // The price, and why it must be acknowledged: what a script in the page carries off works elsewhere, until log-out.
    let stolen = steal(&one, "access_token").await;
    app.house.watch.secret(&stolen);
    assert_eq!(carried_off(&app.house, &stolen).await.status, 200);
    leave(&app, &context, &one, &two).await;
    assert_eq!(carried_off(&app.house, &stolen).await.code(), "signed-out");
    for page in [&one, &two] {
        assert_eq!(page.eval("cloakroom.token()").await.unwrap(), Value::Null);
    }
    app.close().await;
    browser.close().await.unwrap();
}

/// What both have in common: two tabs, reloads, expiry, races. `handed` is the name of what log-in and refresh answer.
async fn live_on_variables(app: &Spa, context: &Context, handed: &str) -> (Page, Page, Secrets) {
    let mut secrets = Secrets::default();
    let (one, two) = (context.page().await.unwrap(), context.page().await.unwrap());
    app.enter(&one, "", EMAIL).await;
    let cookies = secrets.learn(context).await;
    let signature = usize::from(value(context, SIGNATURE).await.is_some());
    assert_eq!(cookies, 3 + signature, "company, refresh, device; the signature of split-bearer");
    assert!(value(context, ACCESS).await.unwrap().starts_with("c."), "what is in the cookie is no token");

    // The cookies alone open nothing: it takes what the client holds.
    assert_eq!(status(&one, "fetch", "/api/x").await, 401);
    assert_eq!(status(&one, "cloakroom.fetch", "/api/x").await, 200);

    // A reload forgets it, and a silent refresh at boot gives another. So does a second tab.
    let before = generation(context).await;
    one.reload().await.unwrap();
    shows(&one, EMAIL).await;
    assert_eq!(generation(context).await, before + 1);
    two.goto(&app.at("/")).await.unwrap();
    shows(&two, EMAIL).await;

    // Two tabs at once, with what they have, with what is over, and when of two issues only one has stayed good.
    for then in [301, RACE_OVER, 0] {
        let (first, second) = tokio::join!(app.twenty_calls(&one), app.twenty_calls(&two));
        assert_eq!((first, second), (vec![200; 20], vec![200; 20]), "before {then} s more");
        app.house.advance(then);
    }
    shows(&one, EMAIL).await;
    shows(&two, EMAIL).await;

    secrets.learn(context).await;
    let mut known = 0;
    for page in [&one, &two] {
        for seen in page.responses().await.unwrap().iter().filter(|seen| seen.url.ends_with("/auth/refresh")) {
            let body: Value = serde_json::from_str(seen.body.as_deref().unwrap_or_default()).unwrap_or_default();
            if let Some(value) = body[handed].as_str() {
                app.house.watch.secret(value);
                secrets.add(value);
                known += 1;
            }
        }
    }
    assert!(known >= 4, "two at the start of each page, two after the end: {known}");
    for page in [&one, &two] {
        assert_eq!(secrets.search_page(page).await, None);
    }
    // The control: an application that keeps it where everybody does.
    for (keep, forget) in [
        ("localStorage.setItem('token', TOKEN)", "localStorage.clear()"),
        ("document.cookie = 'token=' + TOKEN", "document.cookie = 'token=; Max-Age=0'"),
        ("window.session = { token: TOKEN }", "delete window.session"),
    ] {
        two.eval(&format!("({}, 1)", keep.replace("TOKEN", &format!("{:?}", secrets.any())))).await.unwrap();
        assert!(secrets.search_page(&two).await.is_some(), "{keep}");
        two.eval(&format!("({forget}, 1)")).await.unwrap();
        assert_eq!(secrets.search_page(&two).await, None);
    }
    (one, two, secrets)
}

/// Log-out in one tab reaches the other, and leaves nothing.
async fn leave(app: &Spa, context: &Context, one: &Page, two: &Page) {
    one.eval("cloakroom.logout()").await.unwrap();
    for page in [one, two] {
        shows(page, "signed out").await;
        assert_eq!(status(page, "cloakroom.fetch", "/api/x").await, 401);
    }
    assert_eq!((value(context, ACCESS).await, value(context, REFRESH).await), (None, None));
    app.api.take();
}

/// Calls the API of another site with what an expression gives for a token.
async fn ask(page: &Page, api: &Api, token: &str) -> Value {
    let url = api.url();
    let call = format!(
        "fetch({url:?}, {{ headers: {{ authorization: 'Bearer ' + await {token} }} }})
           .then(async answer => ({{ status: answer.status, body: await answer.json() }}))"
    );
    page.eval(&call).await.unwrap()
}

/// What a foreign script in the page gets by calling refresh itself.
async fn steal(page: &Page, handed: &str) -> String {
    let call =
        format!("fetch('/auth/refresh', {{ method: 'POST' }}).then(async answer => (await answer.json()).{handed})");
    text(&page.eval(&call).await.unwrap())
}

/// Used on another machine.
async fn carried_off(house: &House, token: &str) -> Answer {
    let authorization = format!("Bearer {token}");
    house.guest().send("GET", "/api/x", &[("authorization", &authorization)], "").await
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
