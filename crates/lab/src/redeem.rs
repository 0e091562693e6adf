//! What stolen things are worth: the attacker's own machine tries them, and the application's answer decides. A piece of loot
//! is never called a credential because it looks like one.

use anyhow::Result;
use serde_json::json;

use crate::scene::Scene;

/// Attempts on one pile of loot; a page can hold thousands of words.
const MOST_TRIES: usize = 24;

/// Shorter words are no credentials.
const SHORTEST: usize = 16;

/// What was carried away.
#[derive(Debug, Clone, Default)]
pub(crate) struct Loot {
    /// Texts in which credentials may stand.
    pub(crate) texts: Vec<String>,
    /// Cookies by name, as a jar or `document.cookie` gave them.
    pub(crate) cookies: Vec<(String, String)>,
    /// Whether all words are tried, and not just the first: where the loot of many applications lies on one pile.
    pub(crate) tries_all: bool,
}

/// How it worked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Redeemed {
    /// In words.
    pub(crate) how: String,
    /// The `Authorization` and `Cookie` that did it, to be tried again later.
    pub(crate) headers: Vec<(String, String)>,
}

impl Loot {
    /// Loot out of texts; those that begin with `cookies:` are jars.
    pub(crate) fn of(pieces: &[String]) -> Self {
        let mut loot = Self::default();
        for piece in pieces {
            match piece.strip_prefix("cookies:") {
                // The newest value of a name is the one that works, and a doubled name works nowhere.
                Some(jar) => {
                    for (name, value) in parse_jar(jar) {
                        loot.cookies.retain(|(known, _)| *known != name);
                        loot.cookies.push((name, value));
                    }
                }
                None => loot.texts.push(piece.clone()),
            }
        }
        loot
    }

    fn jar(&self) -> String {
        let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    /// [`Self::candidates`], for attacks that try them in their own way.
    pub(crate) fn words(&self) -> Vec<String> {
        self.candidates()
    }

    /// Words that may be tokens, each once; those that look like a JWT first.
    fn candidates(&self) -> Vec<String> {
        // As base64url, and as base64 with padding: an address or a form puts `=` in front of a value.
        let narrow = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~'));
        let wide = |c: char| narrow(c) && !matches!(c, '+' | '/' | '=');
        let mut found: Vec<String> = Vec::new();
        for text in &self.texts {
            for word in text.split(narrow).chain(text.split(wide)).filter(|word| word.len() >= SHORTEST) {
                if !found.iter().any(|known| known == word) {
                    found.push(word.to_owned());
                }
            }
        }
        found.sort_by_key(|word| !looks_signed(word));
        if !self.tries_all {
            found.truncate(MOST_TRIES);
        }
        found
    }
}

/// Three parts, as a JWT in compact form has (RFC 7515 3.1).
fn looks_signed(word: &str) -> bool {
    word.starts_with("ey") && word.split('.').count() == 3
}

fn parse_jar(jar: &str) -> Vec<(String, String)> {
    let pairs = jar.split("; ").filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Tries everything on another machine until the application shows the victim's profile there.
pub(crate) async fn redeem(scene: &Scene<'_>, loot: &Loot) -> Result<Option<Redeemed>> {
    let jar = loot.jar();
    let candidates = loot.candidates();
    if !jar.is_empty() && opens(scene, &[("cookie", &jar)]).await? {
        return Ok(Some(Redeemed {
            how: "the stolen cookies alone".to_owned(),
            headers: vec![("cookie".into(), jar)],
        }));
    }
    for word in &candidates {
        let bearer = format!("Bearer {word}");
        let mut headers = vec![("authorization", bearer.as_str())];
        if !jar.is_empty() {
            headers.push(("cookie", &jar));
        }
        if opens(scene, &headers).await? {
            let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            return Ok(Some(Redeemed { how: "a stolen token as bearer".to_owned(), headers }));
        }
    }
    for word in candidates.iter().filter(|word| !looks_signed(word)) {
        // Some applications take their session from the address.
        if opens_at(scene, &format!("/api/profile?token={word}"), &[]).await? {
            return Ok(Some(Redeemed { how: "a stolen word in the address".to_owned(), headers: Vec::new() }));
        }
    }
    for name in scene.cookies_set().into_iter().map(|(name, _)| name) {
        for word in &candidates {
            let cookie = format!("{name}={word}");
            if opens(scene, &[("cookie", &cookie)]).await? {
                let headers = vec![("cookie".to_owned(), cookie)];
                return Ok(Some(Redeemed { how: format!("a stolen word as the cookie {name}"), headers }));
            }
        }
    }
    refreshed(scene, &jar, &candidates).await
}

/// Whether a request with these headers, from another machine, gets the victim's profile.
pub(crate) async fn opens(scene: &Scene<'_>, headers: &[(&str, &str)]) -> Result<bool> {
    opens_at(scene, "/api/profile", headers).await
}

async fn opens_at(scene: &Scene<'_>, path: &str, headers: &[(&str, &str)]) -> Result<bool> {
    let origin = scene.app("");
    // No browser holds him back: he writes whatever header a page of the application would send.
    let mut all = vec![("origin", origin.as_str()), ("sec-fetch-site", "same-origin"), ("x-csrf", "1")];
    all.extend_from_slice(headers);
    let answer = scene.world.machine.send(&scene.host(), "GET", path, &all, "").await?;
    judged(answer.status())?;
    Ok(answer.status().is_success() && answer.body().contains(&scene.victim.canary))
}

/// An application that is broken or busy has refused nobody: that says nothing about what was stolen.
pub(crate) fn judged(status: http::StatusCode) -> Result<()> {
    let undecided = status.is_server_error() || status == http::StatusCode::TOO_MANY_REQUESTS;
    anyhow::ensure!(!undecided, "the application answered {status}, which judges no credential");
    Ok(())
}

/// Whether a stolen word, or the jar, gets a new token from the application.
async fn refreshed(scene: &Scene<'_>, jar: &str, candidates: &[String]) -> Result<Option<Redeemed>> {
    let mut bodies: Vec<String> = candidates
        .iter()
        .map(|word| json!({ "refresh_token": word, "grant_type": "refresh_token" }).to_string())
        .collect();
    if !jar.is_empty() {
        bodies.insert(0, String::new());
    }
    for body in bodies {
        let Some(fresh) = refresh(scene, jar, &body).await? else { continue };
        for word in fresh.candidates() {
            let bearer = format!("Bearer {word}");
            if opens(scene, &[("authorization", &bearer)]).await? {
                let headers = vec![("authorization".to_owned(), bearer)];
                return Ok(Some(Redeemed { how: "a new token for a stolen refresh token".to_owned(), headers }));
            }
        }
        let jar = fresh.jar();
        if !jar.is_empty() && opens(scene, &[("cookie", &jar)]).await? {
            let headers = vec![("cookie".to_owned(), jar)];
            return Ok(Some(Redeemed { how: "new cookies for a stolen refresh token".to_owned(), headers }));
        }
    }
    Ok(None)
}

/// One refresh from another machine, with what the answer gave; none if it was refused.
pub(crate) async fn refresh(scene: &Scene<'_>, jar: &str, body: &str) -> Result<Option<Loot>> {
    let path = if crate::world::own(scene.row).is_some() { "/auth/refresh" } else { "/api/refresh" };
    let origin = scene.app("");
    let mut headers = vec![
        ("origin", origin.as_str()),
        ("sec-fetch-site", "same-origin"),
        ("content-type", "application/json"),
        ("x-csrf", "1"),
    ];
    if !jar.is_empty() {
        headers.push(("cookie", jar));
    }
    let answer = scene.world.machine.send(&scene.host(), "POST", path, &headers, body).await?;
    judged(answer.status())?;
    if !answer.status().is_success() {
        return Ok(None);
    }
    let cookies = answer.headers().get_all("set-cookie").iter().filter_map(|line| {
        let (name, value) = line.to_str().ok()?.split(';').next()?.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    });
    // The old cookies go along with the new ones, as in a jar.
    let mut jar: Vec<(String, String)> = parse_jar(jar);
    for (name, value) in cookies {
        jar.retain(|(known, _)| *known != name);
        jar.push((name, value));
    }
    Ok(Some(Loot { texts: vec![answer.body().clone()], cookies: jar, tries_all: false }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_look_signed_are_tried_first_and_each_once() {
        let loot = Loot::of(&[
            "storage:{\"a\":\"0123456789abcdef0123\",\"t\":\"eyJh.eyJi.c2lnbmF0dXJl\"}".to_owned(),
            "again eyJh.eyJi.c2lnbmF0dXJl short".to_owned(),
            "cookies:sid=0; theme=dark".to_owned(),
            "cookies:sid=1".to_owned(),
        ]);
        assert_eq!(loot.candidates(), ["eyJh.eyJi.c2lnbmF0dXJl", "0123456789abcdef0123"]);
        assert_eq!(loot.jar(), "theme=dark; sid=1");
    }
}
