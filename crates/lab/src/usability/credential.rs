//! The credential itself: what it adds to each request, and what a script of the page can read out of it.

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::served::{Moment, call_of_the_page, inside};
use super::{Found, found};
use crate::scene::Scene;
use crate::world::Seen;

/// Calls that are measured.
const CALLS: usize = 10;

/// What a script finds that looks everywhere; the same as in attack A1.
const HARVEST: &str = include_str!("../../payloads/harvest.js");

/// `bytes`: the median of ten calls.
pub(super) async fn bytes(scene: &Scene<'_>) -> Result<Found> {
    inside(scene).await?;
    let mut sizes = Vec::with_capacity(CALLS);
    let mut names = Vec::new();
    for _ in 0..CALLS {
        let seen = call_of_the_page(scene).await?;
        names = seen
            .headers
            .keys()
            .map(http::HeaderName::as_str)
            .filter(|name| is_added(name))
            .map(str::to_owned)
            .collect();
        sizes.push(added(&seen));
    }
    sizes.sort_unstable();
    let median = sizes.get(CALLS / 2).copied().unwrap_or_default();
    let names = if names.is_empty() { "no field".to_owned() } else { names.join(", ") };
    Ok((median.to_string(), format!("the median of {CALLS} calls of the profile, in {names}")))
}

/// Fields that are there for the credential's sake.
fn is_added(name: &str) -> bool {
    matches!(name, "cookie" | "authorization" | "dpop" | "x-csrf" | "cloakroom-csrf")
}

/// Bytes of those field lines in HTTP/1.1: name, colon, space, value, line end.
fn added(seen: &Seen) -> usize {
    let lines = seen.headers.iter().filter(|(name, _)| is_added(name.as_str()));
    lines.map(|(name, value)| name.as_str().len() + 2 + value.len() + 2).sum()
}

/// `readable`.
pub(super) async fn readable(scene: &Scene<'_>) -> Result<Found> {
    inside(scene).await?;
    let before = Moment::now(scene.world);
    let look = format!(
        "(async () => {{ const all = []; \
         const attempt = async (kind, work) => {{ try {{ const value = await work(); if (value) all.push(typeof value === 'string' ? value : JSON.stringify(value)); }} catch {{ }} }};\n{HARVEST}\n\
         await harvest(); \
         if (document.body.dataset.cloakroom === 'memory' || document.body.dataset.cloakroom === 'split-bearer') \
           await attempt('client', async () => (await import('/auth/client.js')).cloakroom.token()); \
         return all; }})()"
    );
    let pieces = scene.page.eval(&look).await?;
    let asked = before
        .sent(scene, |seen| seen.path.starts_with("/api/") || seen.path == "/auth/refresh" || seen.path == "/auth/me");
    let pieces: Vec<_> = pieces.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let (value, why) = match pieces.iter().filter_map(|piece| claims(piece)).max() {
        Some((true, claims)) => ("yes", format!("a whole signed token is readable; it says {claims}")),
        Some((false, claims)) => {
            ("without the signature", format!("claims without a signature are readable: {claims}"))
        }
        None => ("no", "no script finds claims in storages, cookies, globals or the page".to_owned()),
    };
    let why = if asked.is_empty() { why } else { format!("{why} (the page also asked the server meanwhile)") };
    Ok(found(value, why))
}

/// The best claims in a text: with a signature or without, and which names they have. Claims are a JSON object with `sub` or
/// `exp`, in base64url (RFC 7519 3).
fn claims(text: &str) -> Option<(bool, String)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.split(|c| !is_part(c)).filter(|word| word.len() > 15).filter_map(claims_of).max()
}

fn claims_of(word: &str) -> Option<(bool, String)> {
    let parts: Vec<_> = word.split('.').collect();
    let object = parts.iter().find_map(|part| {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        let claims: serde_json::Map<String, Value> = serde_json::from_slice(&bytes).ok()?;
        (claims.contains_key("sub") || claims.contains_key("exp")).then_some(claims)
    })?;
    let signed = parts.len() == 3 && parts.last().is_some_and(|signature| !signature.is_empty());
    let names: Vec<_> = object.keys().map(String::as_str).collect();
    Some((signed, names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(signature: &str) -> String {
        format!("eyJhbGciOiJIUzI1NiJ9.{}.{signature}", URL_SAFE_NO_PAD.encode("{\"sub\":\"a\",\"exp\":1}"))
    }

    #[test]
    fn a_token_counts_as_signed_only_with_its_signature() {
        assert_eq!(claims(&format!("{{\"tokens\":\"{}\"}}", token("c2ln"))), Some((true, "exp, sub".to_owned())));
        assert_eq!(claims(&token("")), Some((false, "exp, sub".to_owned())));
        assert_eq!(claims("sid=0123456789abcdef0123456789"), None);
    }

    #[test]
    fn field_lines_are_counted_with_their_separators() {
        assert!(is_added("cookie") && is_added("dpop") && !is_added("user-agent"));
    }
}
