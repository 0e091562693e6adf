//! Resolving which calls need an approval, and which paths a second factor.
//!
//! A path that requires a second factor becomes a route of its own. Every rule for calls below it goes with it: in doubt one
//! applies on both sides.

use super::raw;
use super::sections::Section;
use cloakroom_gateway::{StepUpRule, Upstream};
use http::Method;

/// The methods of IANA's registry, November 2026: a rule for another word, such as `FETCH`, would let every call pass.
const METHODS: [&str; 38] = [
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "OPTIONS",
    "ORDERPATCH",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PUT",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
];

/// Reads the rules of one upstream. Where paths may lie is the gateway's to judge.
pub(super) fn rules(raw: &[raw::StepUp], section: &mut Section<'_>) -> Vec<StepUpRule> {
    let mut rules = Vec::new();
    for (index, rule) in raw.iter().enumerate() {
        let key = |name: &str| format!("step_up[{index}].{name}");
        let method = rule.method.as_ref().and_then(|text| {
            let read = Method::from_bytes(text.as_bytes()).ok().filter(|_| METHODS.contains(&text.as_str()));
            if read.is_none() {
                let reason =
                    "is not a method such as \"POST\", in capital letters; without one the rule is for every method";
                section.wrong(&key("method"), format!("{text:?} {reason}"));
            }
            read
        });
        let show = rule.show.clone().unwrap_or_default();
        for (at, name) in show.iter().enumerate() {
            if show.iter().take(at).any(|before| before == name) {
                section.wrong(&key("show"), format!("{name:?} is there twice: remove one"));
            }
        }
        let Some(path) = &rule.path else {
            section.wrong(&key("path"), "this is required: the path of the calls, such as \"/api/transfer\"");
            continue;
        };
        rules.push(StepUpRule { method, path: path.clone(), show });
    }
    rules
}

/// The upstream's routes for paths that require a second factor, and the upstream itself without the rules that moved there.
pub(super) fn apart(mut upstream: Upstream, paths: &[String]) -> (Upstream, Vec<Upstream>) {
    let mut routes = Vec::new();
    let mut moved = Vec::new();
    let paths: Vec<&str> = paths.iter().map(|path| path.trim_end_matches('/')).collect();
    for (index, &path) in paths.iter().enumerate() {
        let mut step_up = Vec::new();
        for rule in &upstream.step_up {
            if is_at_or_below(base(rule), path) {
                // A longer one of these paths takes it with it.
                let longer = paths.iter().any(|other| other.len() > path.len() && is_at_or_below(base(rule), other));
                if !longer {
                    step_up.push(rule.clone());
                }
                moved.push(rule.clone());
            } else if let Some(path) = reach(rule, path) {
                step_up.push(StepUpRule { path, ..rule.clone() });
            }
        }
        let short: String = upstream.name.chars().take(40).collect();
        routes.push(Upstream {
            name: format!("{short}.second-factor-{}", index + 1),
            path: path.to_owned(),
            step_up,
            ..upstream.clone()
        });
    }
    upstream.step_up.retain(|rule| !moved.contains(rule));
    (upstream, routes)
}

/// The path of a rule without its wildcard.
fn base(rule: &StepUpRule) -> &str {
    rule.path.trim_end_matches("/**").trim_end_matches("/*").trim_end_matches('/')
}

/// Whether `path` is `prefix` or lies below it.
fn is_at_or_below(path: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What of a rule for a place above `path` reaches into it: everything below for `/**` and for a file (scripts are asked with
/// more path after their name), the path alone for `/*` and for a file extension that follows a rule's path.
fn reach(rule: &StepUpRule, path: &str) -> Option<String> {
    let base = base(rule);
    let above = is_at_or_below(path, base);
    let rest = path.strip_prefix(base)?;
    let is_file = base.rsplit('/').next().is_some_and(|last| last.contains('.'));
    let one_more = rest.strip_prefix('/').is_some_and(|rest| !rest.contains('/'));
    let is_extension = rest.starts_with('.') && !rest.contains('/');
    if above && (rule.path.ends_with("/**") || is_file) {
        Some(format!("{path}/**"))
    } else if (above && rule.path.ends_with("/*") && one_more) || is_extension {
        Some(path.to_owned())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloakroom_gateway::{Access, Routes};

    fn split(rules: &[&str], paths: &[&str]) -> Vec<(String, Vec<String>)> {
        let to = "http://127.0.0.1:1".parse().unwrap();
        let mut upstream = Upstream::new("api", "/api", to, Access::SignedIn);
        upstream.step_up = rules.iter().map(|path| StepUpRule::new(None, *path)).collect();
        let paths: Vec<_> = paths.iter().map(ToString::to_string).collect();
        let (rest, mut routes) = apart(upstream, &paths);
        routes.insert(0, rest);
        Routes::new(routes.clone(), &[]).unwrap();
        routes.into_iter().map(|one| (one.path, one.step_up.into_iter().map(|rule| rule.path).collect())).collect()
    }

    fn shown(routes: &[(String, Vec<String>)]) -> Vec<(&str, Vec<&str>)> {
        routes.iter().map(|(path, rules)| (path.as_str(), rules.iter().map(String::as_str).collect())).collect()
    }

    #[test]
    fn a_rule_goes_with_the_path_that_it_is_for() {
        let routes = split(&["/api/transfer", "/api/admin/users/*", "/api/admin"], &["/api/admin"]);
        assert_eq!(
            shown(&routes),
            [("/api", vec!["/api/transfer"]), ("/api/admin", vec!["/api/admin/users/*", "/api/admin"])]
        );
    }

    #[test]
    fn a_rule_from_above_reaches_in() {
        let routes = split(&["/api/**"], &["/api/admin", "/api/a/b"]);
        assert_eq!(
            shown(&routes),
            [("/api", vec!["/api/**"]), ("/api/admin", vec!["/api/admin/**"]), ("/api/a/b", vec!["/api/a/b/**"])]
        );
        let routes = split(&["/api/*", "/api/pay"], &["/api/admin", "/api/a/b", "/api/pay.json"]);
        assert_eq!(
            shown(&routes),
            [
                ("/api", vec!["/api/*", "/api/pay"]),
                ("/api/admin", vec!["/api/admin"]),
                ("/api/a/b", vec![]),
                ("/api/pay.json", vec!["/api/pay.json", "/api/pay.json"]),
            ]
        );
        let routes = split(&["/api/pay.php"], &["/api/pay.php/x"]);
        assert_eq!(shown(&routes), [("/api", vec!["/api/pay.php"]), ("/api/pay.php/x", vec!["/api/pay.php/x/**"])]);
    }

    #[test]
    fn of_two_paths_the_longer_one_takes_a_rule() {
        let routes = split(&["/api/a/b/c"], &["/api/a", "/api/a/b"]);
        assert_eq!(shown(&routes), [("/api", vec![]), ("/api/a", vec![]), ("/api/a/b", vec!["/api/a/b/c"])]);
    }
}
