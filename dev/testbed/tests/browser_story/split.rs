//! `split`: the page reads what its token claims, and never the half that makes it worth something.

use crate::elsewhere::Elsewhere;
use crate::secrets::{CLAIMS, REFRESH, SIGNATURE, Secrets, value};
use crate::spa::{Spa, shows, status, text_of};
use cloakroom_testbed::browser::{Browser, Engine};

const EMAIL: &str = "katherine.johnson@example.com";

pub(crate) async fn story(engine: Engine) {
    let app = Spa::start("strategy = \"split\"").await;
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let mut secrets = Secrets::default();
    let (one, two) = (context.page().await.unwrap(), context.page().await.unwrap());
    app.enter(&one, "", EMAIL).await;
    two.goto(&app.at("/")).await.unwrap();
    shows(&two, EMAIL).await;
    assert_eq!(secrets.learn(&context).await, 4, "claims, signature, refresh, device");

    // The account stands in the page by the claims, before anybody is asked.
    let account = one.eval("cloakroom.me().then(me => me.account.id)").await.unwrap();
    assert_eq!(text_of(&one, "account").await, account.as_str().unwrap());
    let (claims, generation) = (value(&context, CLAIMS).await.unwrap(), text_of(&one, "generation").await);

    // Past its end a call renews it, and both tabs show the new claims.
    app.expire();
    assert_eq!(status(&one, "fetch", "/api/x").await, 401, "the browser's own fetch renews nothing");
    assert_eq!(status(&one, "cloakroom.fetch", "/api/x").await, 200);
    let next = generation.parse::<u32>().unwrap() + 1;
    for page in [&one, &two] {
        page.wait_for(&format!("document.getElementById('generation').textContent === '{next}'")).await.unwrap();
    }
    assert_ne!(value(&context, CLAIMS).await.unwrap(), claims);
    secrets.learn(&context).await;
    for page in [&one, &two] {
        secrets.assert_none_in(page).await;
    }

    // A script in the page carries off all that it can read. At the control that is everything.
    let naive = Elsewhere::start().await;
    naive.show("/naive/log-in", "logged in");
    let tab = context.page().await.unwrap();
    tab.goto(&naive.same_host("/naive/log-in")).await.unwrap();
    let stolen = tab.eval("document.cookie").await.unwrap();
    naive.post_with("/naive/transfer", stolen.as_str().unwrap(), "amount=1000").await;
    assert!(naive.posts().iter().any(|post| post.cookies.contains("naive=trusted")), "the thief is somebody there");
    let stolen = one.eval("document.cookie").await.unwrap();
    let stolen = stolen.as_str().unwrap().strip_prefix(CLAIMS).and_then(|rest| rest.strip_prefix('=')).unwrap();
    assert!(!stolen.contains(';'), "the claims, and nothing else: {stolen}");
    let thief = app.house.guest();
    thief.plant(CLAIMS, "/", stolen);
    assert_eq!(thief.fetch("GET", "/api/x", None).await.code(), "signed-out");
    assert_eq!(thief.refresh().await.code(), "session-ended");
    assert_eq!(status(&one, "cloakroom.fetch", "/api/x").await, 200, "and nothing happened to its owner");

    // Log-out in the other tab: both halves are gone, and this tab shows it.
    two.eval("cloakroom.logout()").await.unwrap();
    for page in [&one, &two] {
        shows(page, "signed out").await;
        assert_eq!(text_of(page, "account").await, "");
        assert!(!page.eval("document.cookie").await.unwrap().to_string().contains("cloakroom"));
    }
    for name in [CLAIMS, SIGNATURE, REFRESH] {
        assert_eq!(value(&context, name).await, None, "{name}");
    }
    app.close().await;
    browser.close().await.unwrap();
}
