//! Log-out: the store first, then everything else. What was copied before is refused from then on.

use crate::token::Credential;
use crate::{App, Error, Refusal};
use cloakroom_core::event::EventKind;
use cloakroom_core::refresh::EndReason;
use cloakroom_core::refresh::Ended;
use cloakroom_store::{Error as StoreError, Order, Unit};

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
    /// Ends sessions of whoever shows this. An expired token is good enough to log out itself, since somebody who comes
    /// back late must be able to; ending others needs a live one.
    pub async fn log_out(&self, credential: Credential<'_>, scope: Scope) -> Result<(), Error> {
        let now = self.clock.now();
        let access = match scope {
            Scope::This => self.recognise(credential).await?.ok_or(Refusal::SignedOut)?,
            Scope::Others | Scope::All => self.authenticate(credential).await?.access().clone(),
        };
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
                Unit::new()
                    .order(Order::EndSessions {
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
            Ok(()) | Err(StoreError::Conflict) => Ok(self.follow_feed().await?),
            Err(error) => Err(error.into()),
        }
    }
}
