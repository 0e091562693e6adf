//! Cookies as text: what a meddling proxy makes of the lines that pass.

use http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};

/// The line without any prefix of its cookie's name.
pub(super) fn nude(line: &str) -> String {
    bare(&bare(&bare(line, "__Host-Http-", ""), "__Host-", ""), "__Secure-", "")
}

/// Rewrites every `Set-Cookie`.
pub(super) fn cookies(headers: &mut HeaderMap, change: impl Fn(&str) -> String) {
    let lines: Vec<_> = headers.get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok().map(&change)).collect();
    headers.remove(SET_COOKIE);
    for line in lines {
        if let Ok(line) = HeaderValue::from_str(&line) {
            headers.append(SET_COOKIE, line);
        }
    }
}

/// The line with another prefix of its cookie's name.
pub(super) fn bare(line: &str, prefix: &str, instead: &str) -> String {
    line.strip_prefix(prefix).map_or_else(|| line.to_owned(), |rest| format!("{instead}{rest}"))
}

/// The line without an attribute.
pub(super) fn without(line: &str, attribute: &str) -> String {
    let is_other =
        |part: &&str| part.split('=').next().is_some_and(|name| !name.trim().eq_ignore_ascii_case(attribute));
    let mut parts = line.split(';');
    let pair = parts.next().unwrap_or_default();
    std::iter::once(pair).chain(parts.filter(is_other)).map(str::trim).collect::<Vec<_>>().join("; ")
}

/// Gives a cookie's name back the prefix that it lost on the way out; other sites' cookies keep theirs.
pub(super) fn whole(name: &str) -> String {
    let bare = ["__Host-Http-", "__Http-", "__Host-", "__Secure-"].iter().find_map(|prefix| name.strip_prefix(prefix));
    match bare.unwrap_or(name) {
        ours if ours.starts_with("cloakroom-refresh") || ours.starts_with("cloakroom-device") => {
            format!("__Secure-{ours}")
        }
        ours if ours.starts_with("cloakroom-claims") => format!("__Host-{ours}"),
        ours if ours.starts_with("cloakroom") => format!("__Host-Http-{ours}"),
        _ => name.to_owned(),
    }
}

/// A name as a lenient parser reads it: without white space and quotes around it, and in the letter case of ours.
pub(super) fn exact(name: &str) -> String {
    let read = name.trim().trim_matches('"').trim();
    let lower = read.to_ascii_lowercase();
    match lower
        .strip_prefix("__host-http-")
        .or_else(|| lower.strip_prefix("__host-"))
        .or(lower.strip_prefix("__secure-"))
    {
        Some(ours) if ours.starts_with("cloakroom") => whole(ours),
        _ => read.to_owned(),
    }
}

pub(super) fn rename(headers: &mut HeaderMap, change: impl Fn(&str) -> String) {
    let jar = jar(headers);
    let jar: Vec<_> = jar.iter().map(|(name, value)| format!("{}={value}", change(name))).collect();
    put(headers, &jar.join("; "));
}

/// Of two cookies with one name, the first alone: what a server does that does not look.
pub(super) fn first_only(headers: &mut HeaderMap) {
    let mut seen: Vec<(String, String)> = Vec::new();
    for (name, value) in jar(headers) {
        if !seen.iter().any(|(known, _)| *known == name) {
            seen.push((name, value));
        }
    }
    let jar: Vec<_> = seen.iter().map(|(name, value)| format!("{name}={value}")).collect();
    put(headers, &jar.join("; "));
}

/// The cookies of a request. A name may have any bytes (CK-13); what is no UTF-8 was nobody's who is looked at here.
pub(super) fn jar(headers: &HeaderMap) -> Vec<(String, String)> {
    let lines = headers.get_all(COOKIE).iter().map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned());
    let pairs = |line: String| -> Vec<_> {
        let pairs = line.split("; ").filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    lines.flat_map(pairs).collect()
}

/// Gives a cookie of a request another value, or adds it.
pub(super) fn set_cookie(headers: &mut HeaderMap, name: &str, value: &str) {
    let mut jar = jar(headers);
    jar.retain(|(known, _)| known != name);
    jar.push((name.to_owned(), value.to_owned()));
    let jar: Vec<_> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
    put(headers, &jar.join("; "));
}

/// The name and the value that a `Set-Cookie` line gives.
pub(super) fn given(line: &HeaderValue) -> Option<(&str, &str)> {
    line.to_str().ok()?.split(';').next()?.split_once('=')
}

fn put(headers: &mut HeaderMap, jar: &str) {
    headers.remove(COOKIE);
    if let (false, Ok(value)) = (jar.is_empty(), HeaderValue::from_bytes(jar.as_bytes())) {
        headers.insert(COOKIE, value);
    }
}
