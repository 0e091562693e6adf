//! Refresh: load, judge, save, announce. The rules are `cloakroom_core::refresh`; this carries out its orders.

use super::Opened;
use crate::{App, Error, Fault, Refusal};
use cloakroom_core::access::Revocation;
use cloakroom_core::event::EventKind;
use cloakroom_core::keyring::Purpose;
use cloakroom_core::refresh::EndReason;
use cloakroom_core::refresh::{self, Presented, RefreshToken, Verdict};
use cloakroom_core::session::Session;
use cloakroom_core::time::Timestamp;
use cloakroom_store::{Error as StoreError, Order, Unit};

/// A race is lost to a winner, whose new state decides the next judgement. Twenty calls of one page at the same instant
/// lose nineteen in a row at worst, one per commit; far more than that are not races.
const ATTEMPTS: usize = 64;

impl App {
    /// Judges the refresh token of a cookie together with the access token of the other cookie, expired or not.
    ///
    /// Refused as [`Refusal::RefreshRaced`] when another tab was faster, else as [`Refusal::SessionEnded`]; the latter
    /// says whether the presented cookies may be cleared.
    pub async fn refresh(&self, refresh: &str, access: Option<&str>) -> Result<Opened, Error> {
        let now = self.clock.now();
        let Ok(token) = RefreshToken::parse(refresh) else { return Err(refused("malformed", false)) };
        let companion = access.and_then(|token| self.recognise(token)).map(|access| access.session);
        for _ in 0..ATTEMPTS {
            let Some(mut session) = self.store.session(token.session()).await? else {
                return Err(refused("unknown", false));
            };
            self.sightings.add_to(&mut session);
            let presented = Presented {
                generation: token.generation(),
                genuine: self.is_genuine(&token, &session),
                accompanied: companion == Some(session.id),
            };
            let expired = self.settings.lifetimes.is_expired(&session, session.last_used_at, now);
            if presented.genuine && expired {
                return Err(refused("expired", presented.accompanied));
            }
            let key = self.ring.load().refresh_key(now)?;
            let verdict = refresh::judge(&session.family, presented, key, now, &self.settings.refresh);
            if let Some(opened) = self.carry_out(verdict, session, presented, now).await? {
                return Ok(opened);
            }
        }
        Err(Fault::plain("a refresh lost every race").into())
    }

    /// `None` when the race was lost and has to be judged again.
    async fn carry_out(
        &self,
        verdict: Verdict,
        mut session: Session,
        presented: Presented,
        now: Timestamp,
    ) -> Result<Option<Opened>, Error> {
        let (unit, name) = match verdict {
            Verdict::Rotate(order) => {
                session.family = order.next.clone();
                let change = Order::ChangeFamily { session: session.id, expected: order.expected, next: order.next };
                let event = self.event(EventKind::RefreshRotated, now)?.on(&session);
                (Unit::new().order(change).order(Order::Record(event)), "rotated")
            }
            Verdict::Repeat(_) if self.ring.load().mac(session.family.key, Purpose::Refresh).is_none() => {
                // The key that this generation was derived with was withdrawn: the same token cannot be given again.
                return Err(refused("withdrawn", presented.accompanied));
            }
            Verdict::Repeat(order) => {
                session.family = order.next.clone();
                let outdated = Revocation::Issues {
                    session: session.id,
                    generation: order.next.generation,
                    oldest: order.next.issue,
                    from: order.older_issues_until,
                };
                let change = Order::ChangeFamily { session: session.id, expected: order.expected, next: order.next };
                let event = self.event(EventKind::RefreshRepeated, now)?.on(&session);
                let until = self.outlived_at(now);
                (
                    Unit::new()
                        .order(change)
                        .order(Order::Revoke { entry: outdated, until })
                        .order(Order::Record(event)),
                    "repeated",
                )
            }
            Verdict::Raced => {
                count("raced");
                return Err(Refusal::RefreshRaced.into());
            }
            Verdict::Replay(replay) => {
                tracing::warn!(session = %session.id, silent = replay.silent, "a used-up refresh token came back: the session is ended");
                (self.end(Unit::new(), &session, EndReason::Replayed, now)?, "replayed")
            }
            Verdict::Refuse(refusal) => {
                // Only the holder of a genuine token of an ended session may be told to forget it.
                let clear = presented.accompanied && refusal == refresh::Refusal::Ended;
                let name = match refusal {
                    refresh::Refusal::Forged => "forged",
                    refresh::Refusal::Unaccompanied => "unaccompanied",
                    refresh::Refusal::Ended => "ended",
                };
                return Err(refused(name, clear));
            }
        };
        match self.save(unit).await {
            Err(StoreError::Conflict) => return Ok(None),
            done => done?,
        }
        count(name);
        if name != "rotated" {
            self.follow_feed().await?;
        }
        if name == "replayed" {
            return Err(Refusal::SessionEnded { clear: true }.into());
        }
        Ok(Some(self.opened(session, now)?))
    }

    fn is_genuine(&self, token: &RefreshToken, session: &Session) -> bool {
        let ring = self.ring.load();
        let Some(key) = ring.mac(token.key(), Purpose::Refresh) else { return false };
        let message = RefreshToken::message(session.id, token.generation(), &session.family.seed);
        key.verify(&message, token.mac())
    }
}

fn refused(why: &'static str, clear: bool) -> Error {
    count(why);
    Refusal::SessionEnded { clear }.into()
}

fn count(outcome: &'static str) {
    metrics::counter!("cloakroom_refreshes_total", "outcome" => outcome).increment(1);
}
