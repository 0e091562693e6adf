//! Resolving how sessions live in browsers and programs, how many there may be, and how their end is told.

use super::Mistake;
use super::raw::{self, Raw};
use super::sections::Section;
use cloakroom_app::{Feed, MaxSessions, WhenFull, WhenStale};
use cloakroom_core::session::{Lifetimes, Strategy};
use cloakroom_core::time::Lifetime;
use cloakroom_web::Slot;
use std::sync::Arc;

/// The strategy of a log-in that asks for none, and all that one may ask for.
pub(super) fn strategies(raw: &raw::Session, mistakes: &mut Vec<Mistake>) -> (Strategy, Vec<Strategy>) {
    let mut section = Section { path: "session".into(), mistakes };
    let words = Strategy::ALL.map(|strategy| (strategy.as_str(), strategy));
    let default = section.one_of("strategy", raw.strategy.as_ref(), Strategy::Cookie, &words);
    let mut offered = vec![default];
    for text in raw.offered.iter().flatten() {
        let also = section.one_of("offered", Some(text), default, &words);
        if !offered.contains(&also) {
            offered.push(also);
        }
    }
    if default == Strategy::Native {
        section
            .wrong("strategy", "browsers get no tokens: choose one for them, and list \"native\" in session.offered");
    }
    if offered.iter().any(|strategy| strategy.is_weaker()) && raw.acknowledge_weaker != Some(true) {
        section.wrong(
            "acknowledge_weaker",
            "\"memory\" is weaker than \"cookie\": a script in the page can ask for an access token and carry it away. Set \
             this to true to offer it all the same",
        );
    }
    (default, offered)
}

/// How many sessions an account may have.
pub(super) fn max_sessions(raw: &raw::Session, mistakes: &mut Vec<Mistake>) -> Option<MaxSessions> {
    let mut section = Section { path: "session".into(), mistakes };
    let words = [("end_oldest", WhenFull::EndOldest), ("refuse", WhenFull::Refuse)];
    let when_full = section.one_of("when_full", raw.when_full.as_ref(), WhenFull::EndOldest, &words);
    if raw.max_per_account.is_none() && raw.when_full.is_some() {
        section.wrong("when_full", "this says what happens beyond session.max_per_account, which is not set");
    }
    let at_most = section.number("max_per_account", Some(raw.max_per_account?), 1, (1, 100));
    Some(MaxSessions { at_most, when_full })
}

/// How many accounts one browser can hold at once.
pub(super) fn slots(raw: &raw::Session, mistakes: &mut Vec<Mistake>) -> u8 {
    let mut section = Section { path: "session".into(), mistakes };
    section.number("slots", raw.slots, 1, (1, Slot::MOST))
}

/// The audience of tokens that pages and programs hold themselves.
pub(super) fn bearer_audience(raw: &Raw, issuer: &str, offered: &[Strategy], mistakes: &mut Vec<Mistake>) -> String {
    let mut section = Section { path: "tokens".into(), mistakes };
    let audience = raw.tokens.audience.clone().unwrap_or_else(|| format!("{issuer}/api"));
    if audience.trim_end_matches('/') == issuer || audience.is_empty() {
        section.wrong("audience", "it must differ from server.public_url: such a token must not be good as a cookie");
    }
    let given_out = offered.iter().any(|strategy| matches!(strategy, Strategy::Memory | Strategy::Native));
    if given_out && raw.upstream.iter().any(|upstream| upstream.audience.as_ref() == Some(&audience)) {
        section.wrong(
            "audience",
            "it must differ from every upstream's: what an upstream is shown must not be good at this door",
        );
    }
    audience
}

/// How the revocation feed is followed and told.
pub(super) fn feed(raw: &raw::Revocation, lifetimes: &Lifetimes, mistakes: &mut Vec<Mistake>) -> Feed {
    let mut section = Section { path: "revocation".into(), mistakes };
    let default = Feed::default();
    let stale_after = section.lifetime("stale_after", raw.stale_after.as_ref(), default.stale_after);
    if stale_after < Lifetime::from_secs(3) || stale_after > lifetimes.access_for {
        section.wrong(
            "stale_after",
            format!(
                "it must be at least \"3s\", since the feed is read once a second, and at most session.access_for ({})",
                lifetimes.access_for
            ),
        );
    }
    let words = [("refuse", WhenStale::Refuse), ("look_up", WhenStale::LookUp)];
    let when_stale = section.one_of("when_stale", raw.when_stale.as_ref(), default.when_stale, &words);
    let token = section.token("feed_token", raw.feed_token.as_ref()).map(|token| Arc::clone(token.plain()));
    Feed { stale_after, when_stale, token }
}
