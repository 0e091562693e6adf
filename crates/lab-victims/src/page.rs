//! The application's page, put together on the server. What the page does is in `assets/app.js`.

use crate::accounts::Account;
use crate::catalogue::{PROVIDER, WITH_PROVIDER};
use crate::deeds::What;
use crate::manner::Manner;
use crate::reply::{self, Reply};
use crate::service::Desk;

const PAGE: &str = include_str!("../assets/page.html");

/// The page, for whoever calls: where a visit carries the credential, the profile is in it. `post` is the name and the
/// HTML of a post to preview.
pub(crate) fn show(desk: &Desk<'_>, post: Option<(&str, &str)>) -> Reply {
    let known = if desk.has(Manner::Rendered) { desk.known().ok() } else { None };
    if let Some(known) = &known {
        desk.did(known, What::ProfileRead);
    }
    if let Some((id, _)) = post {
        let what = What::PostPreviewed { id: id.to_owned() };
        match &known {
            Some(known) => desk.did(known, what),
            None => desk.scene.did(None, what, None),
        }
    }
    reply::page(render(desk, known.as_ref().map(|known| &known.account), post.map(|(_, html)| html)))
}

/// The page for whoever is logged in (`account`), with a post in it if there is one: raw, which is the hole.
fn render(desk: &Desk<'_>, account: Option<&Account>, post: Option<&str>) -> String {
    let scene = desk.scene;
    let rendered = desk.has(Manner::Rendered);
    let (email, canary, balance) = match account {
        Some(account) => (escape(&account.email), escape(&account.canary), account.balance.to_string()),
        None => Default::default(),
    };
    // Before anything else in the head, where such scripts stand.
    let third_party = scene
        .world
        .analytics()
        .map_or_else(String::new, |address| format!("<script src=\"{}\"></script>\n", escape(&address)));
    let cloakroom = scene.ask.header("x-lab-cloakroom").unwrap_or_default();
    let offers = WITH_PROVIDER.contains(&scene.strategy);
    let provider = if offers { scene.ask.beside(PROVIDER).unwrap_or_default() } else { String::new() };
    let asked = |name| scene.ask.query.get(name).map_or_else(String::new, |text| escape(text));
    let fill = |name: &str| match name {
        "third-party" => third_party.clone(),
        "strategy" => escape(scene.strategy),
        "provider" => escape(&provider),
        "cloakroom" => escape(cloakroom),
        "compact" => if scene.ask.query.contains_key("compact") { "compact" } else { "" }.to_owned(),
        "to" => asked("to"),
        "amount" => asked("amount"),
        // Without script, exactly one of the two is shown; an application of scripts shows neither before it knows.
        "outside" => if rendered && account.is_none() { "" } else { "hidden" }.to_owned(),
        "inside" => if account.is_some() { "" } else { "hidden" }.to_owned(),
        "email" => email.clone(),
        "canary" => canary.clone(),
        "balance" => balance.clone(),
        "post" => post.unwrap_or_default().to_owned(),
        _ => String::new(),
    };
    let mut page = String::with_capacity(PAGE.len() + post.map_or(0, str::len));
    let mut parts = PAGE.split("{{");
    page.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (name, rest) = part.split_once("}}").unwrap_or(("", part));
        page.push_str(&fill(name));
        page.push_str(rest);
    }
    page
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
