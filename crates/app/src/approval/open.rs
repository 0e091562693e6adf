//! Opening an approval: somebody who is logged in says what they are about to do.

use super::row::{self, GOOD_FOR, OPEN_FOR, Row, State, What};
use super::shown;
use crate::kept::{key, slip};
use crate::token::Seen;
use crate::{App, Error, Refusal};
use cloakroom_core::approval::{Act, Call};
use cloakroom_core::event::EventKind;
use cloakroom_core::id::AccountId;
use cloakroom_core::return_to::ReturnTo;
use cloakroom_core::time::Timestamp;
use cloakroom_jose::sha256;
use cloakroom_store::{Error as StoreError, Order, Slip, SlipKind, Unit};

/// What is to be approved.
pub enum Wanted<'a> {
    /// One call to an application.
    Call {
        /// The method.
        method: &'a str,
        /// Path and query, exactly as they will be sent.
        path: &'a str,
        /// SHA-256 of the body.
        body_sha256: [u8; 32],
        /// The body itself, where fields of it are to be shown.
        body: Option<&'a [u8]>,
        /// The fields that the route's rule names.
        show: &'a [String],
    },
    /// One change of ours.
    Act {
        /// Which.
        act: Act,
        /// What it is done with, for those that have a [field](Act::field) for it.
        value: Option<&'a str>,
    },
}

/// An approval that waits for its owner.
pub struct Opening {
    /// Its name, and the last segment of its page.
    pub id: String,
    /// Until when it can be approved.
    pub expires_at: Timestamp,
}

/// A session has no more than this many waiting: a script that opens them in a loop fills no table.
const MOST: usize = 16;

/// Rounds of a race; whoever loses them all comes again.
const ROUNDS: usize = 24;

impl App {
    /// Opens an approval for the session that asks. `return_to` is where its page leads afterwards.
    ///
    /// Refused as [`Refusal::NotACall`] when what is to be approved is none, when the body is not what its hash says, or when
    /// a field that is to be shown could be read in two ways; of a change, as the change itself would be.
    pub async fn open_approval(
        &self,
        seen: &Seen,
        wanted: Wanted<'_>,
        return_to: Option<&ReturnTo>,
    ) -> Result<Opening, Error> {
        let now = self.clock.now();
        let access = seen.access();
        let (what, shown) = match wanted {
            Wanted::Act { act, value } => {
                let (value, shown) = self.bind_act(access.account, act, value).await?;
                (What::Act { act, value }, shown)
            }
            Wanted::Call { method, path, body_sha256, body, show } => {
                let call = Call::parse(method, path, body_sha256).ok_or(Refusal::NotACall)?;
                let shown = match (show, body) {
                    ([], _) => Vec::new(),
                    (show, Some(body)) if sha256(body) == body_sha256 => {
                        shown::fields(body, show).ok_or(Refusal::NotACall)?
                    }
                    _ => return Err(Refusal::NotACall.into()),
                };
                (What::Call { method: call.method, path: call.path, body: body_sha256 }, shown)
            }
        };
        let id: [u8; 16] = cloakroom_jose::random()?;
        let row = Row {
            session: *access.session.as_bytes(),
            what,
            shown,
            return_to: return_to.map(|path| path.as_str().to_owned()),
            state: State::Waiting,
            tries: 0,
            page: None,
            mailed: None,
        };
        let expires_at = now.plus(OPEN_FOR);
        let challenge = slip(SlipKind::Challenge, row::key(&id)?, &row)?;
        let challenge = Slip { account: Some(access.account), expires_at: Some(expires_at), ..challenge };
        let event = self.event(EventKind::ApprovalOpened, now)?.about(access.account, access.session);
        let unit = Unit::from(Order::AddSlip(challenge)).order(Order::Record(event));
        self.save_if_few(unit, access.account, now).await?;
        Ok(Opening { id: row::name(&id), expires_at })
    }

    /// Commits one more of an account's open challenges, unless it has as many as it may. They are counted under a slip that
    /// every one of them changes, so that many at once are no more than many in a row.
    async fn save_if_few(&self, unit: Unit, account: AccountId, now: Timestamp) -> Result<(), Error> {
        let turn = key(&[b"turn", account.as_bytes()])?;
        for _ in 0..ROUNDS {
            let held = self.store.slip(SlipKind::Bucket, &turn).await?;
            let waiting = self.store.slips_of(account, SlipKind::Challenge, 100).await?;
            let is_open = |slip: &&Slip| row::is_one(&slip.key) && slip.expires_at.is_some_and(|at| now < at);
            if waiting.iter().filter(is_open).count() >= MOST {
                break;
            }
            let version = held.as_ref().map_or(0, |held| held.version.wrapping_add(1));
            let next = slip(SlipKind::Bucket, turn.clone(), &())?;
            let next = Slip { account: Some(account), expires_at: Some(now.plus(OPEN_FOR)), version, ..next };
            let order = match held {
                None => Order::AddSlip(next),
                Some(held) => Order::ChangeSlip { expected: held.version, next },
            };
            match self.save(unit.clone().order(order)).await {
                Err(StoreError::Conflict) => {}
                done => return Ok(done?),
            }
        }
        Err(Refusal::TooManyAttempts { wait: GOOD_FOR }.into())
    }
}
