//! What another site can make a browser do to a session here.

use crate::elsewhere::Elsewhere;
use crate::person::{log_in, sign_up};
use crate::secrets::{ACCESS, generation, value};
use cloakroom_testbed::House;
use cloakroom_testbed::browser::{Browser, Context, Engine, Page};

const EMAIL: &str = "visitor@example.com";

pub(crate) async fn link(engine: Engine) {
    let (house, elsewhere) = (House::start().await, Elsewhere::start().await);
    let browser = Browser::launch(engine).await.unwrap();
    let (context, page) = signed_in(&house, &browser).await;
    let app = format!("{}/app/x", house.origin());
    elsewhere.show("/", &format!("<a id=go href='{app}'>go</a>"));

    let before = generation(&context).await;
    house.advance(6 * 60);
    page.goto(&elsewhere.other_site("/")).await.unwrap();
    page.click("#go").await.unwrap();
    page.wait_for(&format!("location.href === {app:?} && document.body.innerText === 'echo'")).await.unwrap();
    assert_eq!(generation(&context).await, before + 1);

    // The first try came without the `Strict` cookie, or the hop would not have been shown.
    let responses = page.responses().await.unwrap();
    let hop = responses.iter().find(|seen| seen.url.contains("/auth/refresh") && seen.status == 200).unwrap();
    assert!(hop.url.ends_with("/auth/refresh?return_to=%2Fapp%2Fx"), "{}", hop.url);
    assert!(responses.iter().any(|seen| seen.status == 303 && seen.url.ends_with("&hop=1")));
    let seen = house.echo.take();
    let arrived: Vec<_> = seen.iter().filter(|seen| seen.target == "/app/x").collect();
    assert_eq!(arrived.len(), 1, "{arrived:?}");

    // The hop is not a trap: one step back leads to the other site.
    page.back().await.unwrap();
    page.wait_url(&elsewhere.other_site("/")).await.unwrap();
    house.close().await;
    browser.close().await.unwrap();
}

pub(crate) async fn form(engine: Engine) {
    let (house, elsewhere) = (House::start().await, Elsewhere::start().await);
    let browser = Browser::launch(engine).await.unwrap();
    let (context, page) = signed_in(&house, &browser).await;
    let app = format!("{}/app/x", house.origin());
    let attack = |to: &str| {
        format!(
            "<form id=f method=post action='{to}'><input name=amount value=1000><button id=go>Win</button></form>
             <form method=post enctype=text/plain action='{to}'><input name=amount value=1000><button id=plain>Win</button></form>"
        )
    };
    elsewhere.show("/naive/log-in", "logged in");
    elsewhere.show("/attack/naive", &attack(&elsewhere.same_host("/naive/transfer")));
    elsewhere.show("/attack/ours", &attack(&app));

    for button in ["#go", "#plain"] {
        // The control: an application that trusts its cookie obeys. Fresh, for Chromium lets a cookie without `SameSite`
        // come along with such a POST for two minutes only.
        page.goto(&elsewhere.same_host("/naive/log-in")).await.unwrap();
        page.goto(&elsewhere.other_site("/attack/naive")).await.unwrap();
        page.click(button).await.unwrap();
        page.wait_for("document.body?.innerText === 'thank you'").await.unwrap();
        let posts = elsewhere.posts();
        let arrived = posts.iter().find(|post| post.path == "/naive/transfer").unwrap();
        assert!(arrived.cookies.contains("naive=trusted") && arrived.body.contains("amount=1000"), "{arrived:?}");

        house.echo.take();
        page.goto(&elsewhere.other_site("/attack/ours")).await.unwrap();
        page.click(button).await.unwrap();
        page.wait_for(&format!("document.readyState === 'complete' && location.href === {app:?}")).await.unwrap();
        let refused = page.responses().await.unwrap().into_iter().rfind(|seen| seen.url == app).unwrap();
        assert!([401, 403].contains(&refused.status), "{refused:?}");
        assert_nothing_arrived(&house);
    }

    // A script there gets no further, with everything that needs no permission.
    page.goto(&elsewhere.other_site("/attack/ours")).await.unwrap();
    let fetch = format!(
        "fetch({app:?}, {{ method: 'POST', mode: 'no-cors', credentials: 'include', body: 'amount=1000' }}).then(() => 'sent', String)"
    );
    page.eval(&fetch).await.unwrap();
    assert_nothing_arrived(&house);

    // All that time the session was alive, and obeys its own pages.
    page.goto(&app).await.unwrap();
    let own = format!("fetch({app:?}, {{ method: 'PUT', body: 'amount=1' }}).then(answer => answer.status)");
    assert_eq!(page.eval(&own).await.unwrap(), 200);
    assert!(house.echo.take().iter().any(|seen| seen.method == "PUT" && seen.target == "/app/x"));
    assert!(value(&context, ACCESS).await.is_some());
    house.close().await;
    browser.close().await.unwrap();
}

pub(crate) async fn overwrite(engine: Engine) {
    let house = House::start().await;
    let browser = Browser::launch(engine).await.unwrap();

    // Nobody is logged in: a script cannot plant a session of its author's.
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.goto(&format!("{}/x", house.origin())).await.unwrap();
    try_to_write(&page).await;
    assert_eq!(value(&context, ACCESS).await, None);
    // The control: a script's cookie does get into this jar.
    assert_eq!(value(&context, "theme").await.as_deref(), Some("dark"));

    let (context, page) = signed_in(&house, &browser).await;
    let token = value(&context, ACCESS).await.unwrap();
    try_to_write(&page).await;
    let cookies = context.cookies().await.unwrap();
    let access: Vec<_> = cookies.iter().filter(|cookie| cookie.name == ACCESS).collect();
    assert_eq!(access.len(), 1);
    assert!(access.iter().all(|cookie| cookie.value == token && cookie.http_only));
    assert_eq!(value(&context, "theme").await.as_deref(), Some("dark"));
    assert!(!page.eval("document.cookie").await.unwrap().to_string().contains("cloakroom"));
    assert_eq!(page.eval("fetch('/app/x').then(answer => answer.status)").await.unwrap(), 200);
    house.close().await;
    browser.close().await.unwrap();
}

/// Everything a script can do to write that cookie, and one that it may write.
async fn try_to_write(page: &Page) {
    let write = |cookie: &str| format!("(document.cookie = {cookie:?}, 1)");
    for attributes in ["Path=/; Secure", "Path=/app; Secure", "Path=/; Secure; Max-Age=0", "Path=/"] {
        page.eval(&write(&format!("{ACCESS}=planted; {attributes}"))).await.unwrap();
    }
    let store = format!(
        "typeof cookieStore === 'undefined' || cookieStore.set({{ name: {ACCESS:?}, value: 'planted', path: '/' }}).catch(String)"
    );
    page.eval(&store).await.unwrap();
    page.eval(&write("theme=dark; Path=/; Secure")).await.unwrap();
}

/// Nothing reached the upstream, apart from the icon that browsers ask for.
fn assert_nothing_arrived(house: &House) {
    let seen = house.echo.take();
    assert!(seen.iter().all(|seen| seen.method == "GET" && seen.target == "/favicon.ico"), "{seen:?}");
}

/// Signs up and logs in by the pages, and stands on the upstream's page.
async fn signed_in(house: &House, browser: &Browser) -> (Context, Page) {
    let app = format!("{}/app/x", house.origin());
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.goto(&format!("{}/auth/signup?return_to=%2Fapp%2Fx", house.origin())).await.unwrap();
    sign_up(&page, EMAIL).await;
    log_in(&page, EMAIL, &app).await;
    house.echo.take();
    (context, page)
}
