//! Services: programs that speak for themselves, or on behalf of a person, at the token endpoint (RFC 6749). A service is a
//! *client* in the words of OAuth. What each may do is data; whether it may is judged here.
//!
//! Deliberately absent: secrets and keys (`app`), signatures (`jose`), parameters of requests (`web`).

mod client_id;
mod exchange;
mod refusal;
mod scope;

pub use client_id::{ClientId, NotAClientId};
pub use exchange::{Exchange, MAX_ACTORS, Subject};
pub use refusal::Refusal;
pub use scope::{NotAScope, Scope};

/// A way to get a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// A client for itself (RFC 6749 §4.4).
    ClientCredentials,
    /// A client for itself, by what it has signed (RFC 7523 §2.1).
    JwtBearer,
    /// A client on behalf of whoever's token it was called with (RFC 8693).
    TokenExchange,
    /// A program on behalf of its owner (RFC 6749 §6). No client has it: refresh tokens belong to sessions.
    RefreshToken,
}

impl Grant {
    /// Every grant there is.
    pub const ALL: [Self; 4] = [Self::ClientCredentials, Self::JwtBearer, Self::TokenExchange, Self::RefreshToken];

    /// The value of `grant_type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
            Self::RefreshToken => "refresh_token",
        }
    }

    /// What configuration and store call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::JwtBearer => "jwt-bearer",
            Self::TokenExchange => "token-exchange",
            Self::ClientCredentials | Self::RefreshToken => self.as_str(),
        }
    }

    /// Reads a value of `grant_type`.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == text)
    }

    /// Reads [`Self::name`]; only of grants that a client can have.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.name() == name && *grant != Self::RefreshToken)
    }
}

/// What a client is and may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Its name to machines: the `sub` of its own tokens.
    pub id: ClientId,
    /// Its name to people.
    pub name: String,
    /// How it may get tokens.
    pub grants: Vec<Grant>,
    /// Which audience it is itself: tokens for it are what it may exchange and ask about.
    pub audience: Option<String>,
    /// Whom it may get tokens for.
    pub audiences: Vec<String>,
    /// What for, at most.
    pub scopes: Scope,
}

impl Registration {
    /// Whether it may get tokens in this way (RFC 6749 §5.2).
    pub fn may(&self, grant: Grant) -> Result<(), Refusal> {
        if self.grants.contains(&grant) { Ok(()) } else { Err(Refusal::GrantNotAllowed) }
    }

    /// The one audience that a token is made for: the one that was wished for by `audience` and `resource`, or the only one
    /// that there is (RFC 8693 §2.1, RFC 8707 §2).
    pub fn target(&self, wished: &[String]) -> Result<&str, Refusal> {
        let mut wished = wished.iter();
        let Some(first) = wished.next() else {
            return match self.audiences.as_slice() {
                [only] => Ok(only),
                _ => Err(Refusal::TargetMissing),
            };
        };
        if wished.any(|other| other != first) {
            return Err(Refusal::TargetAmbiguous);
        }
        self.audiences.iter().find(|allowed| *allowed == first).map(String::as_str).ok_or(Refusal::TargetNotAllowed)
    }

    /// The scope of a token: what was wished for, or all that there is; never more than the client may, and never more than
    /// `within`, where the token that it is derived from says a scope (RFC 6749 §3.3).
    pub fn scope(&self, wished: Option<&str>, within: Option<&Scope>) -> Result<Scope, Refusal> {
        let Some(wished) = wished else {
            return Ok(within.map_or_else(|| self.scopes.clone(), |within| self.scopes.and(within)));
        };
        let wished: Scope = wished.parse().map_err(|_| Refusal::ScopeMalformed)?;
        if !wished.is_within(&self.scopes) || within.is_some_and(|within| !wished.is_within(within)) {
            return Err(Refusal::ScopeNotAllowed);
        }
        Ok(wished)
    }

    /// Whether it may ask about a token (RFC 7662 §2.1): its own, or one that is for it.
    pub fn may_see(&self, client: &str, audience: &str) -> bool {
        client == self.id.as_str() || self.audience.as_deref() == Some(audience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(audiences: &[&str]) -> Registration {
        Registration {
            id: "billing".parse().unwrap(),
            name: "Billing".into(),
            grants: vec![Grant::ClientCredentials],
            audience: Some("billing-api".into()),
            audiences: audiences.iter().map(ToString::to_string).collect(),
            scopes: "read write".parse().unwrap(),
        }
    }

    fn target(client: &Registration, wished: &[&str]) -> Result<String, Refusal> {
        let wished: Vec<_> = wished.iter().map(ToString::to_string).collect();
        client.target(&wished).map(str::to_owned)
    }

    #[test]
    fn rfc8693_2_2_2_a_token_is_for_one_audience_that_the_client_may_ask_for() {
        let one = client(&["store"]);
        assert_eq!(target(&one, &[]), Ok("store".into()));
        assert_eq!(target(&one, &["store"]), Ok("store".into()));
        assert_eq!(target(&one, &["store", "store"]), Ok("store".into()), "audience and resource say the same");
        for other in ["other", "Store", "store/", ""] {
            assert_eq!(target(&one, &[other]), Err(Refusal::TargetNotAllowed), "{other}");
        }
        let two = client(&["store", "mail"]);
        assert_eq!(target(&two, &[]), Err(Refusal::TargetMissing));
        assert_eq!(target(&two, &["mail"]), Ok("mail".into()));
        assert_eq!(target(&two, &["mail", "store"]), Err(Refusal::TargetAmbiguous));
        assert_eq!(target(&client(&[]), &[]), Err(Refusal::TargetMissing));
    }

    #[test]
    fn rfc6749_3_3_a_scope_is_never_more_than_the_client_or_the_token_before_has() {
        let client = client(&["store"]);
        let text = |wished: Option<&str>, within: Option<&str>| {
            let within = within.map(|within| within.parse().unwrap());
            client.scope(wished, within.as_ref()).map(|scope| scope.to_string())
        };
        assert_eq!(text(None, None), Ok("read write".into()));
        assert_eq!(text(Some("write"), None), Ok("write".into()));
        assert_eq!(text(None, Some("read more")), Ok("read".into()));
        assert_eq!(text(None, Some("")), Ok(String::new()));
        assert_eq!(text(Some("read"), Some("read more")), Ok("read".into()));
        assert_eq!(text(Some("write"), Some("read more")), Err(Refusal::ScopeNotAllowed));
        assert_eq!(text(Some("more"), Some("read more")), Err(Refusal::ScopeNotAllowed));
        assert_eq!(text(Some("read  write"), None), Err(Refusal::ScopeMalformed));
    }

    #[test]
    fn rfc6749_5_2_a_client_gets_tokens_in_its_own_ways_only() {
        assert_eq!(client(&[]).may(Grant::ClientCredentials), Ok(()));
        for other in [Grant::JwtBearer, Grant::TokenExchange, Grant::RefreshToken] {
            assert_eq!(client(&[]).may(other), Err(Refusal::GrantNotAllowed));
        }
        for grant in Grant::ALL {
            assert_eq!(Grant::from_text(grant.as_str()), Some(grant));
            assert_eq!(Grant::from_name(grant.name()).is_some(), grant != Grant::RefreshToken);
        }
        assert_eq!(Grant::from_text("password"), None, "RFC 9700 §2.4");
    }

    #[test]
    fn rfc7662_2_1_a_client_sees_its_own_tokens_and_those_that_are_for_it() {
        let client = client(&["store"]);
        assert!(client.may_see("billing", "store") && client.may_see("other", "billing-api"));
        assert!(!client.may_see("other", "store"));
        assert!(!Registration { audience: None, ..client }.may_see("other", "billing-api"));
    }
}
