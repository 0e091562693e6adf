//! Resolving the applications behind the gateway.

use super::Mistake;
use super::raw;
use super::resolve::{RESERVED, duration};
use super::sections::Section;
use cloakroom_core::time::Lifetime;
use cloakroom_gateway::{Access, CachePolicy, RouteMistake, Routes, Timeouts, Upstream};
use url::Url;

pub(super) fn upstreams(raw: &[raw::Upstream], issuer: &str, mistakes: &mut Vec<Mistake>) -> Vec<Upstream> {
    if raw.is_empty() {
        mistakes.push(Mistake::new("upstream", "at least one is required: [[upstream]] with \"to\" and \"access\""));
    }
    let mut found = Vec::new();
    let mut places = Vec::new();
    for (index, one) in raw.iter().enumerate() {
        let mut section = Section { path: format!("upstream[{index}]"), mistakes };
        if let Some(upstream) = upstream(one, index, issuer, &mut section) {
            found.push(upstream);
            places.push(index);
        }
    }
    if let Err(errors) = Routes::new(found.clone(), &RESERVED) {
        for error in errors {
            let index = places.get(error.index).copied().unwrap_or_default();
            let key = match error.kind {
                RouteMistake::Name | RouteMistake::NameTaken => "name",
                RouteMistake::Path | RouteMistake::RouteTaken | RouteMistake::Reserved(_) => "path",
                RouteMistake::Host => "host",
                RouteMistake::To => "to",
            };
            mistakes.push(Mistake::new(format!("upstream[{index}].{key}"), error.kind.to_string()));
        }
    }
    found
}

fn upstream(raw: &raw::Upstream, index: usize, issuer: &str, section: &mut Section<'_>) -> Option<Upstream> {
    let to = match &raw.to {
        None => {
            section.wrong("to", "this is required: the address of the application, such as \"http://127.0.0.1:3000\"");
            None
        }
        Some(text) => {
            let url = Url::parse(text).ok();
            if url.is_none() {
                section.wrong("to", "this is not an address such as \"http://127.0.0.1:3000\"");
            }
            url
        }
    };
    let words = [("public", Access::Public), ("signed-in", Access::SignedIn), ("optional", Access::Optional)];
    if raw.access.is_none() {
        section.wrong("access", "this is required: \"public\", \"signed-in\" or \"optional\"");
    }
    let access = section.one_of("access", raw.access.as_ref(), Access::SignedIn, &words);
    let cache = [("no-store", CachePolicy::NoStore), ("upstream", CachePolicy::Upstream)];
    let cache = section.one_of("cache", raw.cache.as_ref(), CachePolicy::NoStore, &cache);
    let answer_for = section.lifetime("answer_for", raw.answer_for.as_ref(), Lifetime::ZERO);
    let to = to?;
    let audience = raw.audience.clone().unwrap_or_else(|| to.as_str().trim_end_matches('/').to_owned());
    if audience.trim_end_matches('/') == issuer || audience.is_empty() {
        section.wrong(
            "audience",
            "it must differ from server.public_url: an upstream's token must not be good as a cookie",
        );
    }
    let path = raw.path.clone().unwrap_or_else(|| "/".into());
    let letters = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let named: String = path.trim_matches('/').chars().map(letters).collect();
    let name = raw.name.clone().unwrap_or(if named.is_empty() { format!("upstream-{index}") } else { named });
    let timeouts =
        Timeouts { answer_for: raw.answer_for.is_some().then(|| duration(answer_for)), ..Timeouts::default() };
    Some(Upstream {
        host: raw.host.clone(),
        strip_prefix: raw.strip_prefix.unwrap_or(false),
        preserve_host: raw.preserve_host.unwrap_or(false),
        audience,
        cache,
        timeouts,
        ..Upstream::new(name, path, to, access)
    })
}
