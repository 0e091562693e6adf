//! Whether a client gets a token on behalf of a person (RFC 8693), and which: narrower, no longer, with its own name added to
//! the chain of who acts.

use super::{Grant, Refusal, Registration, Scope};
use crate::time::{Lifetime, Timestamp};

/// As many clients may act one after the other. A longer chain is no call that anybody has planned.
pub const MAX_ACTORS: usize = 4;

/// What the presented token says, after its signature was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Whom it is for.
    pub audience: String,
    /// What it is good for; `None` where it does not say, because it was made for a person's own session.
    pub scope: Option<Scope>,
    /// How many have acted already.
    pub actors: usize,
    /// When it is over.
    pub expires_at: Timestamp,
}

/// The token that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Whom it is for.
    pub audience: String,
    /// What it is good for.
    pub scope: Scope,
    /// When it is over: no later than what was presented.
    pub expires_at: Timestamp,
}

impl Exchange {
    /// Judges a wish at `now`. The subject's session is judged by the caller, and so is its signature.
    pub fn judge(
        client: &Registration,
        subject: &Subject,
        wished_targets: &[String],
        wished_scope: Option<&str>,
        access_for: Lifetime,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        client.may(Grant::TokenExchange)?;
        // Of what was made for another server, this one has no business to make anything (RFC 9700 §4.9, R97-12).
        if client.audience.as_ref() != Some(&subject.audience) {
            return Err(Refusal::SubjectNotForClient);
        }
        if now >= subject.expires_at {
            return Err(Refusal::SubjectInvalid);
        }
        if subject.actors >= MAX_ACTORS {
            return Err(Refusal::TooManyActors);
        }
        Ok(Self {
            audience: client.target(wished_targets)?.to_owned(),
            scope: client.scope(wished_scope, subject.scope.as_ref())?,
            expires_at: now.plus(access_for).min(subject.expires_at),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const MINUTES: Lifetime = Lifetime::from_secs(300);

    fn client() -> Registration {
        Registration {
            id: "orders".parse().unwrap(),
            name: String::new(),
            grants: vec![Grant::TokenExchange],
            audience: Some("orders-api".into()),
            audiences: vec!["stock-api".into()],
            scopes: "stock.read stock.write".parse().unwrap(),
        }
    }

    fn subject() -> Subject {
        let expires_at = NOW.plus(Lifetime::from_secs(60));
        Subject { audience: "orders-api".into(), scope: None, actors: 0, expires_at }
    }

    fn judge(client: &Registration, subject: &Subject, scope: Option<&str>) -> Result<Exchange, Refusal> {
        Exchange::judge(client, subject, &["stock-api".into()], scope, MINUTES, NOW)
    }

    #[test]
    fn an_exchanged_token_is_narrower_and_no_longer() {
        let made = judge(&client(), &subject(), Some("stock.read")).unwrap();
        assert_eq!((made.audience.as_str(), made.scope.to_string().as_str()), ("stock-api", "stock.read"));
        assert_eq!(made.expires_at, subject().expires_at, "not over the end of what was presented");
        let long = Subject { expires_at: NOW.plus(MINUTES.times(9)), ..subject() };
        assert_eq!(judge(&client(), &long, None).unwrap().expires_at, NOW.plus(MINUTES));
    }

    #[test]
    fn r97_12_a_client_exchanges_what_is_for_itself_only() {
        let foreign = Subject { audience: "stock-api".into(), ..subject() };
        assert_eq!(judge(&client(), &foreign, None), Err(Refusal::SubjectNotForClient));
        let nobody = Registration { audience: None, ..client() };
        assert_eq!(judge(&nobody, &subject(), None), Err(Refusal::SubjectNotForClient));
        let idle = Registration { grants: vec![Grant::ClientCredentials], ..client() };
        assert_eq!(judge(&idle, &subject(), None), Err(Refusal::GrantNotAllowed));
    }

    #[test]
    fn rfc8693_1_1_no_scope_is_added_and_nothing_is_made_of_what_is_over() {
        let read_only = Subject { scope: Some("stock.read".parse().unwrap()), ..subject() };
        assert_eq!(judge(&client(), &read_only, Some("stock.write")), Err(Refusal::ScopeNotAllowed));
        assert_eq!(judge(&client(), &read_only, None).unwrap().scope.to_string(), "stock.read");
        let over = Subject { expires_at: NOW, ..subject() };
        assert_eq!(judge(&client(), &over, None), Err(Refusal::SubjectInvalid));
    }

    #[test]
    fn rfc8693_4_1_the_chain_of_actors_is_bounded() {
        let with = |actors| judge(&client(), &Subject { actors, ..subject() }, None);
        assert!(with(MAX_ACTORS - 1).is_ok());
        assert_eq!(with(MAX_ACTORS), Err(Refusal::TooManyActors));
    }
}
