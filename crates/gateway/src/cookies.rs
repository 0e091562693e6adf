//! Our cookies do not reach upstreams, and upstreams do not set them.

use http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};

/// Removes our cookies from a request and leaves the others as they are, byte for byte. Several `Cookie` fields, which
/// HTTP/2 allows, become one (RFC 9113 §8.2.3). Names are what stands before `=`, trimmed of SP and HTAB only.
pub(crate) fn remove_own(headers: &mut HeaderMap, is_own: impl Fn(&[u8]) -> bool) {
    let mut lines = headers.get_all(COOKIE).iter();
    let Some(first) = lines.next() else { return };
    let single = lines.next().is_none();
    if single && !pairs(first.as_bytes()).any(|pair| is_own(pair_name(pair))) {
        return;
    }
    let mut kept = Vec::new();
    for line in headers.get_all(COOKIE) {
        let mut separator: &[u8] = b"; ";
        for pair in pairs(line.as_bytes()).filter(|pair| !is_own(pair_name(pair))) {
            if kept.is_empty() {
                kept.extend_from_slice(trim_start(pair));
            } else {
                kept.extend_from_slice(separator);
                kept.extend_from_slice(if separator.len() > 1 { trim_start(pair) } else { pair });
            }
            separator = b";";
        }
    }
    match HeaderValue::from_bytes(&kept) {
        Ok(mut value) if !kept.trim_ascii().is_empty() => {
            value.set_sensitive(true);
            headers.insert(COOKIE, value);
        }
        _ => {
            headers.remove(COOKIE);
        }
    }
}

/// Removes from an answer every `Set-Cookie` that sets one of our names, or what a browser or a careless parser would
/// take for one: other letter case, another of the name prefixes, a nameless cookie whose value looks like one of ours.
pub(crate) fn remove_own_set_cookies(headers: &mut HeaderMap, is_own: impl Fn(&[u8]) -> bool) {
    let mine = |value: &HeaderValue| looks_own(value.as_bytes(), &is_own);
    if !headers.get_all(SET_COOKIE).iter().any(mine) {
        return;
    }
    let kept: Vec<HeaderValue> = headers.get_all(SET_COOKIE).iter().filter(|value| !mine(value)).cloned().collect();
    headers.remove(SET_COOKIE);
    for value in kept {
        headers.append(SET_COOKIE, value);
    }
}

fn looks_own(set_cookie: &[u8], is_own: &impl Fn(&[u8]) -> bool) -> bool {
    const PREFIXES: [&str; 5] = ["", "__Host-Http-", "__Http-", "__Host-", "__Secure-"];
    let pair = pairs(set_cookie).next().unwrap_or_default();
    let unnamed = pair.iter().position(|&byte| !matches!(byte, b'=' | b' ' | b'\t')).unwrap_or(pair.len());
    let name = pair_name(pair.get(unnamed..).unwrap_or_default());
    if is_own(name) {
        return true;
    }
    let lower = name.to_ascii_lowercase();
    let mut bare: &[u8] = &lower;
    for prefix in PREFIXES {
        bare = bare.strip_prefix(prefix.to_ascii_lowercase().as_bytes()).unwrap_or(bare);
    }
    PREFIXES.iter().any(|prefix| is_own(&[prefix.as_bytes(), bare].concat()))
}

fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&byte| byte == b';')
}

fn pair_name(pair: &[u8]) -> &[u8] {
    let name = pair.split(|&byte| byte == b'=').next().unwrap_or_default();
    trim_end(trim_start(name))
}

fn trim_start(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|&byte| !matches!(byte, b' ' | b'\t')).unwrap_or(bytes.len());
    bytes.get(start..).unwrap_or_default()
}

fn trim_end(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&byte| !matches!(byte, b' ' | b'\t')).map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(name: &[u8]) -> bool {
        name == b"__Host-Http-cloakroom" || name == b"__Secure-cloakroom-refresh"
    }

    fn after(lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_str(line).unwrap());
        }
        remove_own(&mut headers, own);
        assert!(headers.get_all(COOKIE).iter().count() <= 1);
        headers.get(COOKIE).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn bba_17_our_cookies_go_and_the_others_stay_byte_for_byte() {
        for (lines, left) in [
            (&["a=1; b=2"][..], Some("a=1; b=2")),
            (&["__Host-Http-cloakroom=x"], None),
            (&["a=1; __Host-Http-cloakroom=x; b=2"], Some("a=1; b=2")),
            (&["__Host-Http-cloakroom=x; a=1;b=2"], Some("a=1;b=2")),
            (&["a=1;\t__Host-Http-cloakroom =x;  b=\"2 \""], Some("a=1;  b=\"2 \"")),
            (&["a=1; __Host-Http-cloakroom; b"], Some("a=1; b")),
            (&["a=1", "b=2", "__Secure-cloakroom-refresh=y"], Some("a=1; b=2")),
            (&["__Host-Http-cloakroom=x;__Host-Http-cloakroom=y; "], None),
            (&["__host-http-cloakroom=x"], Some("__host-http-cloakroom=x")),
            (&["a=__Host-Http-cloakroom=x"], Some("a=__Host-Http-cloakroom=x")),
        ] {
            assert_eq!(after(lines).as_deref(), left, "{lines:?}");
        }
    }

    #[test]
    fn an_upstream_cannot_set_what_looks_like_our_cookie() {
        for (line, stays) in [
            ("a=1; Path=/", true),
            ("__Host-Http-cloakroom=x; Path=/; Secure", false),
            ("__HOST-HTTP-CLOAKROOM=x", false),
            ("cloakroom=x", false),
            ("__Secure-Cloakroom=x", false),
            ("__Host-cloakroom-refresh=x", false),
            (" \t__Secure-cloakroom-refresh =x", false),
            ("=__Host-Http-cloakroom=x", false),
            ("__Host-Http-cloakroom", false),
            ("cloakroom2=x", true),
            ("a=__Host-Http-cloakroom=x", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.append(SET_COOKIE, HeaderValue::from_str(line).unwrap());
            headers.append(SET_COOKIE, HeaderValue::from_static("other=1"));
            remove_own_set_cookies(&mut headers, own);
            assert_eq!(headers.get_all(SET_COOKIE).iter().count(), 1 + usize::from(stays), "{line}");
        }
    }
}
