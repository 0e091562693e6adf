//! Resolving what is shared between hosts: the domain of the cookies, and the origins that may read answers.

use super::Mistake;
use super::raw::Raw;
use super::sections::{Section, is_loopback};
use super::site::host_of;
use std::net::IpAddr;

/// The domain of the cookies: the public host or a parent of it that somebody owns.
pub(super) fn domain(raw: &Raw, public: &str, cookie: &mut Section<'_>) -> Option<String> {
    const KEY: &str = "domain";
    let written = raw.cookie.domain.as_deref()?;
    let host = host_of(public)?;
    let parsed = url::Host::parse(written).ok();
    let Some(url::Host::Domain(domain)) = parsed.filter(|_| !written.starts_with('.') && !written.ends_with('.'))
    else {
        cookie.wrong(KEY, "this is a name such as \"example.com\": no address, no dot at its beginning or end");
        return None;
    };
    if host.parse::<IpAddr>().is_ok() || !(host == domain || host.ends_with(&format!(".{domain}"))) {
        cookie.wrong(KEY, format!("it must be the host of server.public_url, {host:?}, or a parent of it"));
        return None;
    }
    // RFC 6265bis §5.6: browsers refuse such a cookie, or keep it for the one host.
    if psl::domain_str(&domain).is_none() {
        cookie
            .wrong(KEY, format!("{domain:?} is a public suffix: strangers own hosts below it, and browsers refuse it"));
        return None;
    }
    Some(domain)
}

/// The origins that may read answers.
pub(super) fn readers(raw: &Raw, mistakes: &mut Vec<Mistake>) -> Option<Vec<String>> {
    const KEY: &str = "origins";
    let mut cors = Section { path: "cors".into(), mistakes };
    let listed = raw.cors.origins.as_ref()?;
    let mut readers = Vec::new();
    for text in listed {
        if text == "null" || text.contains('*') {
            cors.wrong(
                KEY,
                format!("{text:?} would be anybody: list every origin, such as \"https://app.example.com\""),
            );
            continue;
        }
        let Some(origin) = cors.origin(KEY, text) else { continue };
        if origin.starts_with("http://") && !is_loopback(&origin) {
            cors.wrong(KEY, format!("{text:?} is plain http: whoever is on its network could read what it reads"));
        }
        readers.push(origin);
    }
    Some(readers)
}
