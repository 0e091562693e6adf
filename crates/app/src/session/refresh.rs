//! Refresh: load, judge, save, announce. The rules are `cloakroom_core::refresh`; this carries out its orders.

use super::Opened;
use crate::token::Credential;
use crate::{App, Error, Fault, Refusal};
use cloakroom_core::access::{Access, Revocation};
use cloakroom_core::event::EventKind;
use cloakroom_core::keyring::Purpose;
use cloakroom_core::refresh::EndReason;
use cloakroom_core::refresh::{self, Beside, Presented, RefreshToken, Verdict};
use cloakroom_core::session::{Session, Strategy};
use cloakroom_core::ticket::{Good, Ticket};
use cloakroom_core::time::Timestamp;
use cloakroom_store::{Error as StoreError, Order, Unit};

/// A race is lost to a winner, whose new state decides the next judgement. Twenty calls of one page at the same instant
/// lose nineteen in a row at worst, one per commit; far more than that are not races.
const ATTEMPTS: usize = 64;

/// What came along with a refresh token: without company of the same session it is worthless, since another host can
/// plant a refresh cookie.
#[derive(Clone, Copy, Default)]
pub struct Company<'a> {
    /// A program sent the refresh token in the body of a request that no browser sends. Nobody plants that.
    pub in_body: bool,
    /// The access cookie: a token, or a ticket for company.
    pub access: Option<&'a str>,
    /// Both halves of a token, from cookies.
    pub halves: Option<(&'a str, &'a str)>,
}

impl App {
    /// Judges a refresh token together with what accompanies it, expired or not. It works by the way only that its
    /// session's strategy hands it out for.
    ///
    /// Refused as [`Refusal::RefreshRaced`] when another tab was faster, else as [`Refusal::SessionEnded`]; the latter
    /// says whether the presented cookies may be cleared.
    pub async fn refresh(&self, refresh: &str, company: Company<'_>) -> Result<Opened, Error> {
        let now = self.clock.now();
        let Ok(token) = RefreshToken::parse(refresh) else { return Err(refused("malformed", false)) };
        let companion = self.companion(company).await?;
        for _ in 0..ATTEMPTS {
            let Some(mut session) = self.store.session(token.session()).await? else {
                return Err(refused("unknown", false));
            };
            self.sightings.add_to(&mut session);
            let presented = Presented {
                generation: token.generation(),
                genuine: self.is_genuine(&token, &session),
                beside: self.beside(&session, company, companion.as_ref()),
            };
            let accompanied = presented.beside != Beside::Nothing;
            let expired = self.settings.lifetimes.is_expired(&session, session.last_used_at, now);
            if presented.genuine && expired {
                return Err(refused("expired", accompanied));
            }
            let key = self.ring.load().refresh_key(now)?;
            let verdict = refresh::judge(&session.family, presented, key, now, &self.settings.refresh);
            if let Some(opened) = self.carry_out(verdict, session, presented, now).await? {
                return Ok(opened);
            }
        }
        Err(Fault::plain("a refresh lost every race").into())
    }

    /// What the access token that came along says.
    async fn companion(&self, company: Company<'_>) -> Result<Option<Access>, Error> {
        let halves = company.halves.filter(|_| self.settings.offered.contains(&Strategy::Split));
        let halves = halves.map(|(claims, signature)| Credential::Halves { claims, signature });
        let whole = company.access.filter(|text| Ticket::parse(text).is_err()).map(Credential::Cookie);
        for credential in halves.into_iter().chain(whole) {
            if let Some(access) = self.recognise(credential).await? {
                return Ok(Some(access));
            }
        }
        Ok(None)
    }

    fn beside(&self, session: &Session, company: Company<'_>, companion: Option<&Access>) -> Beside {
        let proof = match session.strategy {
            Strategy::Native => company.in_body,
            _ if company.in_body => false,
            Strategy::Cookie | Strategy::Split => {
                return match companion.filter(|access| access.session == session.id) {
                    Some(access) => Beside::Token { generation: access.generation, issue: access.issue },
                    None => Beside::Nothing,
                };
            }
            Strategy::Memory | Strategy::SplitBearer => company
                .access
                .and_then(|text| Ticket::parse(text).ok())
                .is_some_and(|ticket| ticket.good() == Good::ForCompany && self.is_ticket_of(&ticket, session)),
            // No refresh token was ever handed out for one.
            Strategy::Ticket => false,
        };
        if proof { Beside::Proof } else { Beside::Nothing }
    }

    /// `None` when the race was lost and has to be judged again.
    async fn carry_out(
        &self,
        verdict: Verdict,
        mut session: Session,
        presented: Presented,
        now: Timestamp,
    ) -> Result<Option<Opened>, Error> {
        let mut lent = None;
        let (unit, name) = match verdict {
            Verdict::Rotate(order) => {
                session.family = order.next.clone();
                let change = Order::ChangeFamily { session: session.id, expected: order.expected, next: order.next };
                let event = self.event(EventKind::RefreshRotated, now)?.on(&session);
                (Unit::new().order(change).order(Order::Record(event)), "rotated")
            }
            Verdict::Repeat(_) if self.ring.load().mac(session.family.key, Purpose::Refresh).is_none() => {
                // The key that this generation was derived with was withdrawn: the same token cannot be given again.
                return Err(refused("withdrawn", presented.beside != Beside::Nothing));
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
                lent = self.lent(session.id).await;
                tracing::warn!(session = %session.id, silent = replay.silent, "a used-up refresh token came back: the session is ended");
                (self.end(Unit::new(), &session, EndReason::Replayed, now)?, "replayed")
            }
            Verdict::Refuse(refusal) => {
                // Only the holder of a genuine token of an ended session may be told to forget it.
                let clear = presented.beside != Beside::Nothing && refusal == refresh::Refusal::Ended;
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
            self.return_lent(lent);
            return Err(Refusal::SessionEnded { clear: true }.into());
        }
        Ok(Some(self.opened(session, now)?))
    }

    pub(crate) fn is_genuine(&self, token: &RefreshToken, session: &Session) -> bool {
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
