//! Another page, on another site or on a sibling of the victim's: C1 to C5, C9, C10 and U1. The oracle is the application's
//! audit log; that the request was made at all is read from the wire.

use anyhow::{Context as _, Result, ensure};
use cloakroom_browser::Page;
use cloakroom_lab_report::{Actor, Verdict};
use cloakroom_lab_victims::What;
use serde_json::{Value, json};

use super::persists::STARTED_OR_NOT;
use crate::person::does;
use crate::scene::{Outcome, Scene};
use crate::world::{Seen, Served};

/// Longer than the window, which Chromium measures from the cookie's creation.
const WINDOW: std::time::Duration = std::time::Duration::from_secs(126);

/// The application as it starts; or it waits for the approval of a call, or has left for the page that asks for it.
const STARTS_OR_WAITS: &str = "(location.pathname.startsWith('/auth/step-up/') && 'leaves') || (window.bank && await Promise.race([window.bank.ready.then(() => 'starts'), new Promise((done) => setTimeout(() => done('waits'), 3000))]))";

/// Whose page it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    OtherSite,
    Sibling,
}

/// How a page makes a browser send something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A form that sends itself, urlencoded.
    Form,
    /// A form whose one field spells JSON, as text.
    TextForm,
    /// `fetch` of a form's body, without asking whether it may.
    Fetch,
    /// The same with JSON as text.
    FetchText,
    /// The same with JSON and no permission: the browser asks first (a preflight).
    FetchJson,
    /// The address of the window itself.
    Visit,
    /// The address of a frame.
    Frame,
    /// The address of a picture.
    Picture,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Form => "a form that sends itself",
            Self::TextForm => "a form that spells JSON",
            Self::Fetch => "fetch of a form without CORS",
            Self::FetchText => "fetch of text without CORS",
            Self::FetchJson => "fetch of JSON",
            Self::Visit => "the address of the window",
            Self::Frame => "a frame",
            Self::Picture => "a picture",
        }
    }

    /// The page. `path` is where it aims; every way asks for money to be sent to `to`.
    fn page(self, app: &str, to: &str, done: &str) -> String {
        let transfer = format!("{app}/api/transfer");
        let get = format!("{transfer}?to={to}&amount=900");
        let finished =
            format!("fetch({}, {{ method: 'POST', mode: 'no-cors', body: 'sent:x' }})", Value::String(done.to_owned()));
        let body = match self {
            Self::Form => format!(
                "<h1>Get a 50 % discount</h1><form id=f method=post action=\"{transfer}\"><input name=to value=\"{to}\"><input name=amount value=900></form><script>f.submit()</script>"
            ),
            Self::TextForm => format!(
                "<h1>Get a 50 % discount</h1><form id=f method=post enctype=text/plain action=\"{transfer}\"><input name='{{\"to\":\"{to}\",\"amount\":900,\"x\":\"' value='\"}}'></form><script>f.submit()</script>"
            ),
            Self::Fetch => format!(
                "<script>fetch({}, {{ method: 'POST', mode: 'no-cors', credentials: 'include', body: new URLSearchParams({{ to: '{to}', amount: 900 }}) }}).catch(() => {{}}).then(() => {finished})</script>",
                Value::String(transfer)
            ),
            Self::FetchText => format!(
                "<script>fetch({}, {{ method: 'POST', mode: 'no-cors', credentials: 'include', headers: {{ 'content-type': 'text/plain' }}, body: JSON.stringify({{ to: '{to}', amount: 900 }}) }}).catch(() => {{}}).then(() => {finished})</script>",
                Value::String(transfer)
            ),
            Self::FetchJson => format!(
                "<script>fetch({}, {{ method: 'POST', credentials: 'include', headers: {{ 'content-type': 'application/json', 'x-csrf': '1' }}, body: JSON.stringify({{ to: '{to}', amount: 900 }}) }}).catch(() => {{}}).then(() => {finished})</script>",
                Value::String(transfer)
            ),
            Self::Visit => format!("<script>location = {}</script>", Value::String(get)),
            Self::Frame => format!(
                "<iframe src=\"{get}\" onload=\"go()\"></iframe><script>function go() {{ {finished} }} setTimeout(go, 1500)</script>"
            ),
            Self::Picture => format!(
                "<img src=\"{get}\" onload=\"go()\" onerror=\"go()\"><script>function go() {{ {finished} }}</script>"
            ),
        };
        format!("<!doctype html><title>Great offers</title>{body}")
    }

    /// Whether the window itself goes to the application.
    fn leaves(self) -> bool {
        matches!(self, Self::Form | Self::TextForm | Self::Visit)
    }
}

/// C1: forms of another site.
pub(super) async fn forms(scene: &mut Scene<'_>) -> Result<Outcome> {
    let done = strike(scene, From::OtherSite, &[Way::Form, Way::TextForm]).await?;
    Ok(judge(&done, None, "another site"))
}

/// C4: forms of another site against a cookie that says nothing of `SameSite`, once while it is young and once when it is
/// older than the two minutes for which Chromium lets such a cookie go along ("Lax-allowing-unsafe").
pub(super) async fn two_minutes(scene: &mut Scene<'_>) -> Result<Outcome> {
    let says_nothing = scene.world.wire.since(scene.mark, |seen| {
        let mut lines = seen.answer.get_all(http::header::SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
        lines.any(|line| !line.to_ascii_lowercase().contains("samesite"))
    });
    if says_nothing.is_empty() {
        return Ok((Verdict::Na, "every cookie that was set says what SameSite it is, or none was set".to_owned()));
    }
    let young = judge(&strike(scene, From::OtherSite, &[Way::Form]).await?, None, "another site");
    if young.0 == Verdict::Safe {
        return Ok((Verdict::Safe, "a form of another site goes without a cookie that is seconds old".to_owned()));
    }
    if let Some(aged) = scene.place().beside.aged(scene.row).await {
        tokio::time::sleep_until(aged.since + WINDOW).await;
        scene.goes_on_as(aged).await;
        scene.step(Actor::Victim, format!("logged in more than {} seconds ago", WINDOW.as_secs()), "");
    } else {
        tokio::time::sleep(WINDOW).await;
        scene.step(Actor::Victim, format!("does nothing for {} seconds", WINDOW.as_secs()), "");
    }
    let old = judge(&strike(scene, From::OtherSite, &[Way::Form]).await?, None, "another site");
    // Asked afterwards, since an application may give out a new cookie for it.
    ensure!(scene.victim.sees_own_profile(&scene.page).await?, "the victim was logged out while their cookie grew old");
    Ok(match old.0 {
        Verdict::Forge => {
            (Verdict::Forge, "a form of another site takes the cookie along, however old it is".to_owned())
        }
        _ => (
            Verdict::Part,
            "a form of another site takes the cookie along in its first two minutes, and not after".to_owned(),
        ),
    })
}

/// C2: a link of another site.
pub(super) async fn links(scene: &mut Scene<'_>) -> Result<Outcome> {
    let mut done = strike(scene, From::OtherSite, &[Way::Visit]).await?;
    // What applications let people do by a link, most often: log out.
    for path in ["/logout", "/api/logout", "/auth/logout"] {
        let before = logged_out(scene);
        let page =
            format!("<!doctype html><title>x</title><script>location = {}</script>", Value::String(scene.app(path)));
        scene.world.evil.put("/out", Served::page(page));
        let tab = scene.context.page().await?;
        arrive(scene, &tab, &scene.evil("/out"), path).await?;
        drop(tab.close().await);
        if logged_out(scene) > before {
            scene.step(Actor::Attacker, format!("leads the victim to {path}"), "the victim is logged out");
            done.push(("a link to log out", false));
            return Ok(match judge(&done, None, "another site") {
                (Verdict::Safe, _) => (Verdict::Deny, format!("a link to {path} logs the victim out")),
                worse => worse,
            });
        }
    }
    Ok(judge(&done, None, "another site"))
}

fn logged_out(scene: &Scene<'_>) -> usize {
    let by_bank = scene.deeds().iter().filter(|deed| matches!(deed.what, What::LoggedOut)).count();
    by_bank + usize::from(signed_out_at_cloakroom(scene))
}

/// C3: what a page of another site sends without anybody noticing.
pub(super) async fn quiet(scene: &mut Scene<'_>) -> Result<Outcome> {
    let done =
        strike(scene, From::OtherSite, &[Way::Fetch, Way::FetchText, Way::FetchJson, Way::Frame, Way::Picture]).await?;
    Ok(judge(&done, None, "another site"))
}

/// C5: all of it from a sibling, and from another site for comparison.
pub(super) async fn sibling(scene: &mut Scene<'_>) -> Result<Outcome> {
    let ways = [Way::Form, Way::TextForm, Way::Fetch, Way::FetchText, Way::FetchJson];
    let near = strike(scene, From::Sibling, &ways).await?;
    let far = strike(scene, From::OtherSite, &[Way::Form, Way::TextForm, Way::Fetch, Way::FetchText]).await?;
    Ok(judge(&near, Some(&far), "a sibling"))
}

/// C9: the application's own code is led to another route by what stands in the address.
pub(super) async fn path_traversal(scene: &mut Scene<'_>) -> Result<Outcome> {
    let tricks = ["../delete%3Fx=", "..%2Fdelete%3Fx=", "../../auth/logout%3Fx=", "../logout%3Fx="];
    let home = scene.app("/");
    for trick in tricks {
        let address = format!("{home}?like={trick}");
        let tab_is_new = scene.page.goto(&format!("{}#new", scene.evil("/"))).await.is_ok();
        let page = &scene.page;
        page.goto(&address).await?;
        if page.wait_for(STARTS_OR_WAITS).await? != "starts" {
            let asked = |seen: &Seen| seen.path.contains("/delete") && seen.status == 401;
            anyhow::ensure!(!scene.sent_to_app(asked).is_empty(), "the application does not start");
            let outcome = "the page is asked for an approval, and the victim gives none";
            scene.step(Actor::Attacker, format!("leads the victim to {address}"), outcome);
            continue;
        }
        if scene.forgets() {
            // Its own click on the link after a fresh log-in: the same address, in the running page.
            return Ok((
                Verdict::Na,
                "whoever opens an address of this application is logged out by that alone".to_owned(),
            ));
        }
        let lost = scene.page.eval("window.bank.liked ?? null").await?;
        scene.step(Actor::Attacker, format!("leads the victim to {address}"), crate::world::cut(&lost.to_string()));
        let deeds = scene.deeds();
        if deeds.iter().any(|deed| matches!(deed.what, What::AccountDeleted)) {
            return Ok((Verdict::Forge, format!("the page itself deleted the account, led there by {trick}")));
        }
        if deeds.iter().any(|deed| matches!(deed.what, What::LoggedOut)) || signed_out_at_cloakroom(scene) {
            return Ok((Verdict::Deny, format!("the page itself logged its user out, led there by {trick}")));
        }
        debug_assert!(tab_is_new);
    }
    let asked = scene.sent_to_app(|seen| seen.method == http::Method::POST && seen.path.contains("/delete"));
    let tried = if asked.is_empty() { "no request left the page" } else { "the page asked, and was refused" };
    Ok((Verdict::Safe, format!("nothing was changed: {tried}")))
}

/// Cloakroom answers log-outs itself; the bank behind it never hears of them.
fn signed_out_at_cloakroom(scene: &Scene<'_>) -> bool {
    !scene.sent_to_app(|seen| seen.path.starts_with("/auth/logout") && seen.status == 204).is_empty()
}

/// C10: the application has a service worker of its own that sends requests on, and so makes them look like its own.
pub(super) async fn laundered(scene: &mut Scene<'_>) -> Result<Outcome> {
    let mut worst: Option<Outcome> = None;
    // A row that lives by a service worker has its own.
    let variants: &[&str] = if scene.row == "S5b" { &["its own"] } else { &["pass", "clone", "newreq", "byurl"] };
    for variant in variants {
        let home = scene.app("/");
        scene.page.goto(&home).await?;
        if scene.page.wait_for(STARTED_OR_NOT).await? != "started" {
            scene.step(Actor::Victim, format!("opens {home}"), "it does not start with the worker before");
            continue;
        }
        if scene.row == "S5b" {
            scene.step(Actor::Victim, "has the application's own service worker", "");
        } else if let Err(error) = does(&scene.page, "worker", &[json!(variant)]).await {
            scene.step(Actor::Victim, format!("the application's service worker ({variant})"), format!("{error:#}"));
            continue;
        } else {
            scene.step(Actor::Victim, format!("has the application's service worker ({variant})"), "");
        }
        let done = strike(scene, From::OtherSite, &[Way::Form, Way::TextForm]).await?;
        let (verdict, why) = judge(&done, None, "another site");
        if worst.as_ref().is_none_or(|(known, _)| verdict > *known) {
            worst = Some((verdict, format!("with a worker that sends requests on ({variant}): {why}")));
        }
        if verdict == Verdict::Forge {
            break;
        }
    }
    worst.context("no variant of the application's service worker could be registered")
}

/// U1: the application in an invisible frame, under a button of the attacker's.
pub(super) async fn clickjacking(scene: &mut Scene<'_>) -> Result<Outcome> {
    let target = scene.app("/?to=clicked&amount=900&compact=1");
    let page = format!(
        "<!doctype html><title>Win a phone</title><style>body{{margin:0}}iframe{{position:absolute;left:0;top:0;width:600px;height:400px;opacity:0.01;border:0}}</style>\
         <h1>Click here to win</h1><iframe src=\"{target}\" onload=\"window.framed = true\"></iframe>\
         <script>setTimeout(() => {{ window.framed = true; }}, 1200)</script>"
    );
    let mut done = Vec::new();
    for from in [From::OtherSite, From::Sibling] {
        let (site, address) = match from {
            From::OtherSite => (&scene.world.evil, scene.evil("/win")),
            From::Sibling => (&scene.world.sibling, scene.sibling("/win")),
        };
        site.put("/win", Served::page(page.clone()));
        let before = robbed(scene, "clicked");
        scene.page.goto(&address).await?;
        scene.page.wait_for("window.framed").await?;
        let mark = scene.world.wire.mark();
        scene.page.click_at(150.0, 60.0).await?;
        // The click has been handled when the page answers a question that was put after it.
        scene.page.eval("new Promise(done => requestAnimationFrame(() => setTimeout(() => done(1), 300)))").await?;
        let sent = scene.world.wire.since(mark, |seen| seen.path.starts_with("/api/transfer"));
        if let Some(seen) = sent.first() {
            scene.step(Actor::Victim, "clicks where the prize is", format!("a transfer was sent: {}", seen.status));
        } else {
            scene.step(Actor::Victim, "clicks where the prize is", "nothing was sent");
        }
        let moved = robbed(scene, "clicked") > before;
        done.push((if from == From::Sibling { "a frame on a sibling" } else { "a frame on another site" }, moved));
    }
    let far = done.first().is_some_and(|(_, moved)| *moved);
    let near = done.get(1).is_some_and(|(_, moved)| *moved);
    Ok(match (far, near) {
        (true, _) => (Verdict::Forge, "a click on the attacker's page sent the victim's money".to_owned()),
        (false, true) => (Verdict::Sib, "a click on a sibling's page sent the victim's money".to_owned()),
        (false, false) => (Verdict::Safe, "the click sent nothing".to_owned()),
    })
}

/// Money that went to somebody.
fn robbed(scene: &Scene<'_>, thief: &str) -> usize {
    scene.deeds().iter().filter(|deed| matches!(&deed.what, What::Transferred { to, .. } if to == thief)).count()
}

/// Tries each way; which of them moved money.
async fn strike(scene: &mut Scene<'_>, from: From, ways: &[Way]) -> Result<Vec<(&'static str, bool)>> {
    let mut done = Vec::new();
    let mut tab = scene.context.page().await?;
    for (number, way) in ways.iter().enumerate() {
        let who = match from {
            From::OtherSite => "another site",
            From::Sibling => "a sibling",
        };
        let (site, address) = match from {
            From::OtherSite => (&scene.world.evil, scene.evil("/offer")),
            From::Sibling => (&scene.world.sibling, scene.sibling("/offer")),
        };
        let to = format!("thief-{}-{number}", if from == From::Sibling { "near" } else { "far" });
        site.put("/offer", Served::page(way.page(&scene.app(""), &to, &scene.loot())));
        let before = robbed(scene, &to);
        let sent_before = scene.world.wire.mark();
        let arrived = if way.leaves() {
            let arrived = arrive(scene, &tab, &address, "/api/transfer").await?;
            // It is still loading what it left for.
            drop(std::mem::replace(&mut tab, scene.context.page().await?).close().await);
            Some(arrived)
        } else {
            let mark = scene.world.evil.loot().len();
            tab.goto(&address).await?;
            scene.world.evil.wait_more(mark, "sent:").await.with_context(|| format!("{} from {who}", way.name()))?;
            let host = scene.host();
            let came = scene.world.wire.since(sent_before, |seen| {
                !seen.from_elsewhere && seen.host.starts_with(&host) && seen.path.starts_with("/api/transfer")
            });
            came.into_iter().next_back()
        };
        let moved = robbed(scene, &to) > before;
        let seen = arrived.map_or("no request arrived".to_owned(), |seen| describe(&seen));
        let outcome = if moved { format!("{seen}; the money was sent") } else { format!("{seen}; nothing was sent") };
        scene.step(Actor::Attacker, format!("{} on {who}", way.name()), outcome);
        done.push((way.name(), moved));
    }
    drop(tab.close().await);
    Ok(done)
}

/// Opens a page that makes its window go to the application, and waits until the application was asked.
async fn arrive(scene: &Scene<'_>, tab: &Page, address: &str, path: &str) -> Result<Seen> {
    let mark = scene.world.wire.mark();
    let host = scene.host();
    // The window leaves for the application while it loads: an interrupted load is what is wanted.
    let (went, came) = tokio::join!(
        tab.goto(address),
        scene.world.wire.wait(mark, path, |seen| seen.host.starts_with(&host) && seen.path.starts_with(path))
    );
    drop(went);
    came
}

fn describe(seen: &Seen) -> String {
    let cookies = if seen.header("cookie").is_empty() { "without cookies" } else { "with cookies" };
    format!("{} arrived {cookies}, answered {}", seen.method, seen.status)
}

/// What forged requests say about a strategy: `far` are those of another site when `near` are a sibling's.
fn judge(near: &[(&str, bool)], far: Option<&[(&str, bool)]>, who: &str) -> Outcome {
    let worked = |done: &[(&str, bool)]| done.iter().find(|(_, moved)| *moved).map(|(way, _)| (*way).to_owned());
    match (worked(near), far) {
        (Some(way), None) => (Verdict::Forge, format!("{way} on {who} sent the victim's money")),
        (Some(way), Some(far)) if worked(far).is_some() => {
            (Verdict::Forge, format!("{way} on {who} sent the victim's money, and so did another site"))
        }
        (Some(way), Some(_)) => {
            (Verdict::Sib, format!("{way} on {who} sent the victim's money; from another site it did not"))
        }
        (None, Some(far)) if worked(far).is_some() => {
            (Verdict::Forge, "another site sent the victim's money; the sibling did not".to_owned())
        }
        (None, _) => (Verdict::Safe, format!("{} ways on {who} were tried, and none sent anything", near.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_a_sibling_can_do_is_called_so() {
        let (yes, no) = ([("a form", true)], [("a form", false)]);
        assert_eq!(judge(&yes, None, "another site").0, Verdict::Forge);
        assert_eq!(judge(&yes, Some(&no), "a sibling").0, Verdict::Sib);
        assert_eq!(judge(&yes, Some(&yes), "a sibling").0, Verdict::Forge);
        assert_eq!(judge(&no, Some(&no), "a sibling").0, Verdict::Safe);
    }
}
