//! Minting: access tokens after RFC 9068, and refresh tokens derived from the state of their family.

use super::Address;
use super::credential::Way;
use crate::{App, Fault};
use cloakroom_core::keyring::Purpose;
use cloakroom_core::refresh::{Family, RefreshToken};
use cloakroom_core::session::{Session, Strategy};
use cloakroom_core::time::Timestamp;
use cloakroom_jose::{AccessClaims, random};
use serde::Serialize;

/// `typ` of an access token (RFC 9068 §2.1).
pub(crate) const ACCESS_TYPE: &str = "at+jwt";

/// `client_id`, which RFC 9068 §2.2 requires: the browser's side of every session is this program itself.
pub(crate) const OUR_CLIENT: &str = "cloakroom";

/// With two claims of `OpenID` Connect Core 1.0 §5.1.
#[derive(Serialize)]
struct WithAddress<'a> {
    #[serde(flatten)]
    claims: &'a AccessClaims,
    email: &'a str,
    email_verified: bool,
}

impl App {
    /// Mints the access token of a session's newest generation and issue. For a cookie, unless its strategy leaves it to
    /// whoever holds it: then its audience is another, and it is of no use as a cookie.
    pub(crate) fn mint_access(&self, session: &Session, now: Timestamp) -> Result<(String, Timestamp), Fault> {
        let (audience, way) = match session.strategy {
            Strategy::Memory | Strategy::Native => (&self.settings.bearer_audience, Way::Bearer),
            Strategy::Cookie | Strategy::Ticket | Strategy::Split | Strategy::SplitBearer => {
                (&self.settings.issuer, Way::Cookies)
            }
        };
        let expires_at = self.settings.lifetimes.access_until(session, now);
        let claims = self.claims(session, audience, now, expires_at)?;
        let ring = self.ring.load();
        let signer = ring.signer(now)?;
        let token = signer.sign(ACCESS_TYPE, &claims)?;
        // Whoever shows it next need not have it verified: it was made here, a moment ago.
        self.remember(&token, claims, signer.kid(), ring.version, way);
        Ok((token, expires_at))
    }

    /// The claims of a session's newest generation and issue (RFC 9068 §2.2).
    pub(super) fn claims(
        &self,
        session: &Session,
        audience: &str,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<AccessClaims, Fault> {
        Ok(AccessClaims {
            iss: self.settings.issuer.clone(),
            sub: session.account.to_string(),
            aud: audience.to_owned(),
            client_id: OUR_CLIENT.to_owned(),
            exp: expires_at.unix_seconds(),
            iat: now.unix_seconds(),
            jti: jti()?,
            sid: session.id.to_string(),
            r#gen: session.family.generation,
            iss_no: session.family.issue,
            auth_time: session.opened_at.unix_seconds(),
            amr: session.method.amr().iter().map(ToString::to_string).collect(),
            roles: session.roles.roles().to_vec(),
            groups: session.roles.groups().to_vec(),
        })
    }

    /// Mints the same claims once more for an upstream's audience. It ends when the token in the cookie does, and is
    /// of no use as one: its audience is another. With the address where the upstream is told it.
    pub(super) fn mint_for(
        &self,
        claims: &AccessClaims,
        audience: &str,
        address: Option<&Address>,
        now: Timestamp,
    ) -> Result<String, Fault> {
        let claims = AccessClaims { aud: audience.to_owned(), jti: jti()?, iat: now.unix_seconds(), ..claims.clone() };
        let ring = self.ring.load();
        let signer = ring.signer(now)?;
        Ok(match address {
            None => signer.sign(ACCESS_TYPE, &claims)?,
            Some(Address { email, is_confirmed }) => {
                signer.sign(ACCESS_TYPE, &WithAddress { claims: &claims, email, email_verified: *is_confirmed })?
            }
        })
    }

    /// Derives R(g) of a session's newest generation. Asked twice it gives the same token twice.
    pub(crate) fn derive_refresh(&self, session: &Session) -> Result<RefreshToken, Fault> {
        let Family { key, generation, seed, .. } = &session.family;
        let ring = self.ring.load();
        let mac = ring.mac(*key, Purpose::Refresh).ok_or_else(|| Fault::plain("a family's refresh key is gone"))?;
        let mac = mac.mac(&RefreshToken::message(session.id, *generation, seed));
        Ok(RefreshToken::new(*key, session.id, *generation, mac))
    }
}

/// 128 random bits; nothing is granted for knowing one.
pub(crate) fn jti() -> Result<String, Fault> {
    Ok(cloakroom_core::id::EventId::from_bytes(random()?).to_string())
}
