//! Log-out: the store first, then everything else. What was copied before is refused from then on.

use crate::token::{Credential, Seen};
use crate::{App, Error, Refusal};
use cloakroom_core::access::Access;
use cloakroom_core::event::EventKind;
use cloakroom_core::refresh::EndReason;
use cloakroom_core::refresh::Ended;
use cloakroom_store::{Error as StoreError, Order, SlipKind, Unit};

/// Which sessions of an account to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The one that asks.
    This,
    /// All but the one that asks.
    Others,
    /// All.
    All,
}

impl App {
    /// Ends the session that any of these names. An expired token is good enough to log out itself, since somebody who comes
    /// back late must be able to. Refused as [`Refusal::SignedOut`] when none is genuine.
    ///
    /// `goes_there`: the browser is led on to [`Self::way_out`], which ends the session at the provider.
    pub async fn log_out(&self, shown: &[Credential<'_>], goes_there: bool) -> Result<(), Error> {
        let mut known = false;
        for credential in shown {
            if let Some(access) = self.recognise(*credential).await? {
                self.end_sessions(&access, Scope::This, goes_there).await?;
                known = true;
            }
        }
        if known { Ok(()) } else { Err(Refusal::SignedOut.into()) }
    }

    /// Ends sessions of somebody who is logged in.
    pub async fn log_out_of(&self, seen: &Seen, scope: Scope) -> Result<(), Error> {
        self.end_sessions(seen.access(), scope, true).await
    }

    async fn end_sessions(&self, access: &Access, scope: Scope, goes_there: bool) -> Result<(), Error> {
        let now = self.clock.now();
        let lent = if scope == Scope::This { self.lent(access.session).await } else { None };
        let unit = match scope {
            Scope::This => {
                let session = self.store.session(access.session).await?;
                let Some(session) = session.filter(|session| session.family.ended.is_none()) else { return Ok(()) };
                self.end(Unit::new(), &session, EndReason::LoggedOut, now)?
            }
            Scope::Others | Scope::All => {
                let (except, kind) = match scope {
                    Scope::Others => (Some(access.session), EventKind::SessionsEndedOthers),
                    _ => (None, EventKind::SessionsEndedAll),
                };
                let reason = if except.is_some() { EndReason::Revoked } else { EndReason::LoggedOut };
                let unit = match scope {
                    // Whoever has shown a password and owes the second factor does not come in afterwards either.
                    Scope::All => Unit::from(Order::RemoveSlips { account: access.account, kind: SlipKind::Challenge }),
                    Scope::This | Scope::Others => Unit::new(),
                };
                unit.order(Order::EndSessions {
                    account: access.account,
                    except,
                    ended: Ended { at: now, reason },
                    revoked_until: self.outlived_at(now),
                })
                .order(Order::Record(self.event(kind, now)?.about(access.account, access.session)))
            }
        };
        match self.save(unit).await {
            // It ended in this moment by another hand, which is what was asked for.
            Ok(()) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
        self.return_lent(lent.filter(|lent| !goes_there || lent.outlives_sessions()));
        Ok(self.follow_feed().await?)
    }
}
