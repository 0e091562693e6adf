//! Resolving the applications behind the gateway.

use super::Mistake;
use super::raw;
use super::resolve::{RESERVED, duration};
use super::sections::Section;
use super::step_up;
use cloakroom_core::time::Lifetime;
use cloakroom_gateway::{Access, CachePolicy, RouteMistake, Routes, Timeouts, Upstream};
use url::Url;

/// The routes, and the names of those that require a second factor.
pub(super) fn upstreams(
    raw: &[raw::Upstream],
    issuer: &str,
    providers: &[&str],
    forward_auth: bool,
    mistakes: &mut Vec<Mistake>,
) -> (Vec<Upstream>, Vec<String>) {
    if raw.is_empty() {
        mistakes.push(Mistake::new("upstream", "at least one is required: [[upstream]] with \"to\" and \"access\""));
    }
    let mut found = Vec::new();
    let mut places = Vec::new();
    for (index, one) in raw.iter().enumerate() {
        let mut section = Section { path: format!("upstream[{index}]"), mistakes };
        if let Some(upstream) = upstream(one, index, issuer, providers, forward_auth, &mut section) {
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
                RouteMistake::StepUpRules
                | RouteMistake::StepUpPath(_)
                | RouteMistake::StepUpElsewhere(_)
                | RouteMistake::StepUpShow(_) => "step_up",
            };
            mistakes.push(Mistake::new(format!("upstream[{index}].{key}"), error.kind.to_string()));
        }
        return (found, Vec::new());
    }
    with_second_factor(raw, found, &places, mistakes)
}

/// Makes routes of the paths that require a second factor, each right behind its upstream.
fn with_second_factor(
    raw: &[raw::Upstream],
    found: Vec<Upstream>,
    places: &[usize],
    mistakes: &mut Vec<Mistake>,
) -> (Vec<Upstream>, Vec<String>) {
    let (mut routes, mut origins, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for (upstream, index) in found.into_iter().zip(places.iter().copied()) {
        let Some(one) = raw.get(index) else { continue };
        let mut section = Section { path: format!("upstream[{index}]"), mistakes };
        // Other words were found wrong already.
        if one.second_factor.as_deref() == Some("required") {
            names.push(upstream.name.clone());
        }
        let paths = second_factor_for(one, &upstream, &mut section);
        let (rest, apart) = step_up::apart(upstream, &paths);
        names.extend(apart.iter().map(|route| route.name.clone()));
        origins.push((index, "path"));
        origins.extend(apart.iter().map(|_| (index, "second_factor_for")));
        routes.push(rest);
        routes.extend(apart);
    }
    if let Err(errors) = Routes::new(routes.clone(), &RESERVED) {
        for error in errors {
            let (index, key) = origins.get(error.index).copied().unwrap_or_default();
            mistakes.push(Mistake::new(format!("upstream[{index}].{key}"), error.kind.to_string()));
        }
    }
    (routes, names)
}

fn second_factor_for(raw: &raw::Upstream, upstream: &Upstream, section: &mut Section<'_>) -> Vec<String> {
    const KEY: &str = "second_factor_for";
    let paths = raw.second_factor_for.clone().unwrap_or_default();
    if paths.is_empty() {
        return paths;
    }
    if upstream.strip_prefix {
        section.wrong(KEY, "not together with strip_prefix: make an [[upstream]] of its own of each path");
    }
    if raw.second_factor.as_deref() == Some("required") {
        section.wrong(KEY, "second_factor = \"required\" says it for every path already: remove one of the two");
    }
    let above = format!("{}/", upstream.path.trim_end_matches('/'));
    let below = |path: &&String| path.starts_with(&above) && path.trim_end_matches('/').len() >= above.len();
    for path in paths.iter().filter(|path| !below(path)) {
        section.wrong(KEY, format!("{path:?} is not below this upstream: it begins with {above:?}, and goes on"));
    }
    paths.iter().filter(below).cloned().collect()
}

/// Whether its tokens have the address of a person.
fn tells_address(raw: &raw::Upstream, access: Access, section: &mut Section<'_>) -> bool {
    let claims = raw.claims.as_deref().unwrap_or_default();
    if let Some(other) = claims.iter().find(|claim| *claim != "email") {
        section.wrong("claims", format!("{other:?} is not told; there is \"email\""));
    } else if !claims.is_empty() && access == Access::Public {
        section.wrong("claims", "no session is looked at where access = \"public\", and no token is made");
    } else if !claims.is_empty() && raw.token_from.is_some() && raw.to.is_some() {
        section.wrong("claims", "not together with token_from: the token is the provider's, which says its own");
    }
    !claims.is_empty()
}

/// The address, or `None` for an application that a proxy of the operator's own leads to.
fn to(raw: &raw::Upstream, forward_auth: bool, section: &mut Section<'_>) -> Option<Url> {
    let Some(text) = &raw.to else {
        if !forward_auth {
            section.wrong(
                "to",
                "this is required: the address of the application, such as \"http://127.0.0.1:3000\" (or forward_auth.listen, for a \
                 proxy of your own that leads there)",
            );
        }
        let unseen = ["step_up", "strip_prefix", "preserve_host", "cache", "answer_for"];
        let there = [
            raw.step_up.is_some(),
            raw.strip_prefix.is_some(),
            raw.preserve_host.is_some(),
            raw.cache.is_some(),
            raw.answer_for.is_some(),
        ];
        for (key, _) in unseen.iter().zip(there).filter(|(_, is_there)| *is_there && forward_auth) {
            section.wrong(key, "this needs \"to\": without it a proxy of your own carries the requests, and Cloakroom sees no more than their heads");
        }
        return None;
    };
    let url = Url::parse(text).ok();
    if url.is_none() {
        section.wrong("to", "this is not an address such as \"http://127.0.0.1:3000\"");
    }
    url
}

fn upstream(
    raw: &raw::Upstream,
    index: usize,
    issuer: &str,
    providers: &[&str],
    forward_auth: bool,
    section: &mut Section<'_>,
) -> Option<Upstream> {
    let to = to(raw, forward_auth, section);
    let words = [("public", Access::Public), ("signed-in", Access::SignedIn), ("optional", Access::Optional)];
    if raw.access.is_none() {
        section.wrong("access", "this is required: \"public\", \"signed-in\" or \"optional\"");
    }
    let access = section.one_of("access", raw.access.as_ref(), Access::SignedIn, &words);
    let cache = [("no-store", CachePolicy::NoStore), ("upstream", CachePolicy::Upstream)];
    let cache = section.one_of("cache", raw.cache.as_ref(), CachePolicy::NoStore, &cache);
    let answer_for = section.lifetime("answer_for", raw.answer_for.as_ref(), Lifetime::ZERO);
    let step_up = step_up::rules(raw.step_up.as_deref().unwrap_or_default(), section);
    section.one_of("second_factor", raw.second_factor.as_ref(), (), &[("optional", ()), ("required", ())]);
    if access != Access::SignedIn {
        for (key, is_there) in [
            ("step_up", raw.step_up.is_some()),
            ("second_factor", raw.second_factor.as_deref() == Some("required")),
            ("second_factor_for", raw.second_factor_for.is_some()),
        ] {
            if is_there {
                section.wrong(key, "this is for access = \"signed-in\" only: elsewhere strangers pass as well");
            }
        }
    }
    if to.is_none() && (raw.to.is_some() || !forward_auth) {
        return None;
    }
    let by_address = || to.as_ref().map(|to| to.as_str().trim_end_matches('/').to_owned());
    let audience = raw.audience.clone().or_else(by_address).unwrap_or_default();
    if access != Access::Public && to.is_none() && raw.audience.is_none() && raw.token_from.is_none() {
        section.wrong(
            "audience",
            "this is required without \"to\": a name for the application that its tokens carry, and that it checks",
        );
    } else if audience.trim_end_matches('/') == issuer
        || (audience.is_empty() && access != Access::Public && raw.token_from.is_none())
    {
        section.wrong(
            "audience",
            "it must differ from server.public_url: an upstream's token must not be good as a cookie",
        );
    }
    if let Some(id) = &raw.token_from {
        if access == Access::Public {
            section.wrong(
                "token_from",
                "not with access = \"public\": nobody is asked there who they are, so nobody has a token",
            );
        }
        if raw.audience.is_some() {
            section.wrong(
                "token_from",
                "not together with audience: it gets the token of the provider, which says its own",
            );
        }
        if !providers.contains(&id.as_str()) {
            section.wrong("token_from", format!("there is no [[provider]] with the id {id:?}"));
        }
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
        tells_address: tells_address(raw, access, section),
        audience,
        cache,
        timeouts,
        step_up,
        to,
        token_from: raw.token_from.clone(),
        ..Upstream::elsewhere(name, path, access)
    })
}
