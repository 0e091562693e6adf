//! A document of the feed as it is written. An entry that is not understood is told apart, not skipped: whoever skips it
//! accepts what the server has revoked.

use std::time::Duration;

use cloakroom_core::access::Revocation;
use cloakroom_core::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What was read: the entries after `after` up to `next`.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) after: u64,
    pub(super) next: u64,
    /// There is more to be had at once.
    pub(super) more: bool,
    /// The position that was asked for lies beyond what the server knows.
    pub(super) reset: bool,
    pub(super) stale_after: Duration,
    /// When it was made, in milliseconds by the server's clock.
    pub(super) now: i64,
    /// No token lives longer than this, where the server says so.
    pub(super) access_for: Option<Duration>,
    pub(super) entries: Vec<Entry>,
}

/// One of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Known {
        revocation: Revocation,
        until: Timestamp,
    },
    /// Milliseconds until when it matters; `None` when not even that can be read.
    Strange {
        until: Option<i64>,
    },
}

/// The document is not one of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the document is not one of a revocation feed")]
pub(super) struct NotADocument;

#[derive(Deserialize)]
struct RawDocument<'a> {
    after: u64,
    next: u64,
    #[serde(default)]
    more: bool,
    #[serde(default)]
    reset: bool,
    stale_after_ms: u64,
    now: i64,
    #[serde(default)]
    access_for_ms: Option<u64>,
    #[serde(borrow)]
    entries: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawEntry {
    kind: String,
    sid: Option<String>,
    sub: Option<String>,
    kid: Option<String>,
    r#gen: Option<u32>,
    oldest: Option<u32>,
    from: Option<i64>,
    before: Option<i64>,
    until: i64,
}

/// What is read of an entry that is not understood otherwise.
#[derive(Deserialize)]
struct Ending {
    until: i64,
}

impl Document {
    /// Reads a document whose size was bounded by the caller.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, NotADocument> {
        let raw: RawDocument<'_> = serde_json::from_slice(bytes).map_err(|_| NotADocument)?;
        if raw.next < raw.after && !raw.reset {
            return Err(NotADocument);
        }
        Ok(Self {
            after: raw.after,
            next: raw.next,
            more: raw.more,
            reset: raw.reset,
            stale_after: Duration::from_millis(raw.stale_after_ms),
            now: raw.now,
            access_for: raw.access_for_ms.map(Duration::from_millis),
            entries: raw.entries.into_iter().map(|entry| Entry::parse(entry.get())).collect(),
        })
    }
}

impl Entry {
    fn parse(text: &str) -> Self {
        let known = serde_json::from_str::<RawEntry>(text).ok().and_then(|raw| {
            let until = Timestamp::from_millis(raw.until);
            Some(Self::Known { revocation: raw.revocation()?, until })
        });
        known.unwrap_or_else(|| {
            let until = serde_json::from_str(text).ok().map(|ending: Ending| ending.until);
            Self::Strange { until }
        })
    }
}

impl RawEntry {
    fn revocation(&self) -> Option<Revocation> {
        let session = || self.sid.as_ref()?.parse().ok();
        let instant = Timestamp::from_millis;
        Some(match self.kind.as_str() {
            "session" => Revocation::Session(session()?),
            "issues" => Revocation::Issues {
                session: session()?,
                generation: self.r#gen?,
                oldest: self.oldest?,
                from: instant(self.from?),
            },
            "key" => Revocation::Key(self.kid.as_ref()?.parse().ok()?),
            "account" => {
                Revocation::Account { account: self.sub.as_ref()?.parse().ok()?, before: instant(self.before?) }
            }
            "everything" => Revocation::Everything { before: instant(self.before?) },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloakroom_core::id::{AccountId, KeyId, SessionId};

    #[test]
    fn every_kind_is_read_as_the_server_writes_it() {
        let (session, account, key) =
            (SessionId::from_bytes([1; 16]), AccountId::from_bytes([2; 16]), KeyId::from_bytes([3; 16]));
        let text = format!(
            r#"{{"after":17,"next":22,"more":true,"reset":false,"stale_after_ms":10000,"now":1700000000123,"entries":[
            {{"seq":18,"kind":"session","sid":"{session}","until":5}},
            {{"seq":19,"kind":"issues","sid":"{session}","gen":4,"oldest":1,"from":7,"until":6}},
            {{"seq":20,"kind":"key","kid":"{key}","until":7}},
            {{"seq":21,"kind":"account","sub":"{account}","before":8,"until":8}},
            {{"seq":22,"kind":"everything","before":9,"until":9}}]}}"#
        );
        let document = Document::parse(text.as_bytes()).unwrap();
        assert_eq!((document.after, document.next, document.more, document.reset), (17, 22, true, false));
        assert_eq!(document.stale_after, Duration::from_secs(10));
        let at = Timestamp::from_millis;
        let known = |revocation, until| Entry::Known { revocation, until: at(until) };
        assert_eq!(
            document.entries,
            [
                known(Revocation::Session(session), 5),
                known(Revocation::Issues { session, generation: 4, oldest: 1, from: at(7) }, 6),
                known(Revocation::Key(key), 7),
                known(Revocation::Account { account, before: at(8) }, 8),
                known(Revocation::Everything { before: at(9) }, 9),
            ]
        );
    }

    #[test]
    fn what_is_not_understood_is_told_apart_with_its_end_where_it_has_one() {
        for (text, until) in [
            (r#"{"seq":1,"kind":"device","device":"x","until":5}"#, Some(5)),
            (r#"{"seq":1,"kind":"session","sid":"short","until":5}"#, Some(5)),
            (r#"{"seq":1,"kind":"issues","sid":7,"until":5}"#, Some(5)),
            (r#"{"seq":1,"kind":"everything","until":5}"#, Some(5)),
            (r#"{"seq":1,"kind":"everything","before":5}"#, None),
            (r#"{"until":"5"}"#, None),
            ("7", None),
        ] {
            assert_eq!(Entry::parse(text), Entry::Strange { until }, "{text}");
        }
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for text in
            ["", "{}", "[]", r#"{"after":2,"next":1,"stale_after_ms":1,"now":1,"entries":[]}"#, r#"{"after":-1}"#]
        {
            assert!(Document::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
