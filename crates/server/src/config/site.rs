//! Resolving what the site is called: its origins, its cookies, the headers of its answers.

use super::Mistake;
use super::domains;
use super::raw::{self, Raw};
use super::resolve::JWKS_MAX_AGE;
use super::sections::{Section, is_loopback};
use super::sessions;
use cloakroom_web::{CookieNames, HeaderPolicy, SameSite, Site};
use http::HeaderValue;
use url::Url;

pub(super) fn site(raw: &Raw, mistakes: &mut Vec<Mistake>) -> Option<Site> {
    let mut server = Section { path: "server".into(), mistakes };
    let origin = raw.server.public_url.as_ref().and_then(|text| server.origin("public_url", text));
    if raw.server.public_url.is_none() {
        server.wrong(
            "public_url",
            "this is required: what people type to come here, such as \"https://app.example.com\"",
        );
    }
    let loopback = origin.as_deref().is_some_and(is_loopback);
    let plain = origin.as_deref().is_some_and(|origin| origin.starts_with("http://"));
    if plain && !loopback {
        server.wrong(
            "public_url",
            "only a loopback name can be plain http: browsers keep no Secure cookie elsewhere. Use https",
        );
    }
    let insecure = raw.server.insecure_loopback_cookies.unwrap_or(false);
    if insecure && !(plain && loopback) {
        server.wrong("insecure_loopback_cookies", "this is for a public_url of plain http on a loopback name only");
    }
    let trusted = raw.server.trusted_origins.iter().flatten();
    let mut trusted_origins: Vec<_> = trusted.filter_map(|text| server.origin("trusted_origins", text)).collect();
    let service_workers = raw.server.service_workers.clone().unwrap_or_default();
    for path in &service_workers {
        if !path.starts_with('/') {
            server.wrong("service_workers", format!("{path:?} is not a path: it begins with a slash"));
        }
    }
    let readers = domains::readers(raw, server.mistakes);
    trusted_origins.extend(readers.iter().flatten().cloned());
    let approval_origin = approval_origin(raw, origin.as_deref(), &trusted_origins, &mut server);
    let mut cookie = Section { path: "cookie".into(), mistakes: server.mistakes };
    let words = [("lax", SameSite::Lax), ("strict", SameSite::Strict)];
    let same_site = cookie.one_of("same_site", raw.cookie.same_site.as_ref(), SameSite::Lax, &words);
    let domain = origin.as_deref().and_then(|origin| domains::domain(raw, origin, &mut cookie));
    let names = if insecure { CookieNames::INSECURE_LOOPBACK } else { CookieNames::SECURE };
    let headers = headers(&raw.headers, cookie.mistakes);
    let slots = sessions::slots(&raw.session, cookie.mistakes);
    Some(Site {
        origin: origin?,
        approval_origin,
        hosts: hosts(raw).collect(),
        trusted_origins,
        readers,
        cookies: domain.map_or(names.clone(), |domain| names.for_domain(&domain)),
        slots,
        same_site,
        headers,
        service_workers,
        jwks_max_age: JWKS_MAX_AGE,
    })
}

/// The hosts that upstreams name.
fn hosts(raw: &Raw) -> impl Iterator<Item = String> {
    raw.upstream.iter().filter_map(|upstream| upstream.host.as_ref()).map(|host| host.to_ascii_lowercase())
}

/// The host of an origin, as URLs write it.
pub(super) fn host_of(origin: &str) -> Option<String> {
    Url::parse(origin).ok()?.host_str().map(str::to_owned)
}

/// The origin of approvals. What separates it from the pages of applications is its host: cookies know no port.
fn approval_origin(raw: &Raw, public: Option<&str>, trusted: &[String], server: &mut Section<'_>) -> Option<String> {
    const KEY: &str = "approval_url";
    let origin = server.origin(KEY, raw.server.approval_url.as_ref()?)?;
    let public = public?;
    let (host, scheme) = (host_of(&origin)?, |origin: &str| origin.split(':').next().map(str::to_owned));
    if host_of(public).is_some_and(|public| public.trim_end_matches('.') == host.trim_end_matches('.')) {
        server.wrong(
            KEY,
            "it must have another host name than public_url, not only another port: browsers keep cookies for a host",
        );
    } else if scheme(&origin) != scheme(public) {
        server.wrong(KEY, "it must begin with the same scheme as public_url: the same server answers for both");
    } else if origin.starts_with("http://") && !is_loopback(&origin) {
        server.wrong(KEY, "only a loopback name can be plain http. Use https");
    } else if hosts(raw).any(|served| served.trim_end_matches('.') == host) {
        server.wrong(KEY, "an upstream has this host: no application may share the origin where people approve");
    } else if trusted.contains(&origin) {
        server.wrong(KEY, "it must not be one of trusted_origins: nothing there calls this site");
    }
    Some(origin)
}

fn headers(raw: &raw::Headers, mistakes: &mut Vec<Mistake>) -> HeaderPolicy {
    let mut section = Section { path: "headers".into(), mistakes };
    let default = HeaderPolicy::default();
    let ancestors = raw.frame_ancestors.as_ref().map(|sources| {
        if sources.contains([';', ',']) {
            section.wrong("frame_ancestors", "list sources only, such as \"'self' https://portal.example.com\"");
        }
        format!("frame-ancestors {sources}")
    });
    let none = HeaderValue::from_static("");
    let csp = raw.content_security_policy.as_ref();
    HeaderPolicy {
        hsts: section.header("hsts", raw.hsts.as_ref(), default.hsts),
        upstream_csp: csp.is_some().then(|| section.header("content_security_policy", csp, none)),
        frame_ancestors: section.header("frame_ancestors", ancestors.as_ref(), default.frame_ancestors),
        referrer: section.header("referrer_policy", raw.referrer_policy.as_ref(), default.referrer),
        permissions: section.header("permissions_policy", raw.permissions_policy.as_ref(), default.permissions),
    }
}
