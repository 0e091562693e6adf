//! Mailed tokens: 256 random bits, kept as a hash, of which the latest of a purpose is good, once (v5.0.0-6.5.1, 6.5.2).
//!
//! Beside the link there is a code for who types it: 120 bits derived from the same secret, so it needs no limit on guesses and
//! nothing more to be kept than its hash. Using either ends both.

use crate::kept::{self, Kept, kept, slip};
use crate::{App, Error, Fault, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::id::AccountId;
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_jose::{same, sha256};
use cloakroom_store::{Order, Slip, SlipKey, SlipKind, Unit};
use serde::{Deserialize, Serialize};

/// What a token is for. Its number is part of tokens that are in mailboxes and never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Purpose {
    /// Confirms the address of an account.
    Confirm = 1,
    /// Sets a password.
    Reset = 2,
    /// Confirms a new address.
    NewAddress = 3,
    /// Takes a change of address back.
    Back = 4,
    /// Ends a session that its owner does not know.
    Revoke = 5,
}

/// Which token: of one name only the latest is good.
#[derive(Clone, Copy)]
pub(crate) struct Code {
    pub(crate) purpose: Purpose,
    pub(crate) account: AccountId,
    /// What else it is about; zeros where nothing is.
    pub(crate) subject: [u8; 16],
    /// Whether there is such an account. A decoy costs the same and is good for nothing.
    pub(crate) real: bool,
}

/// What goes into the mail. No `Debug`: both are secrets.
pub(crate) struct Issued {
    /// 87 characters of base64url.
    pub(crate) token: String,
    /// Six groups of four capital letters and digits.
    pub(crate) typed: String,
}

#[derive(Serialize, Deserialize)]
struct Row {
    hash: [u8; 32],
    typed: [u8; 32],
    /// An address, where it is about one; a device, where it is about that.
    email: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Pointer {
    to: Vec<u8>,
}

/// A token that is good.
pub(crate) struct Found {
    pub(crate) account: AccountId,
    pub(crate) subject: [u8; 16],
    pub(crate) email: Option<String>,
    row: Kept<Row>,
}

/// Crockford's alphabet without what is mistaken for something else.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Base64url of purpose, account, subject and secret.
const TOKEN_BYTES: usize = 1 + 16 + 16 + 32;
const TYPED_BYTES: usize = 15;
const TYPED_CHARACTERS: usize = 24;

impl Code {
    fn key(&self) -> Result<SlipKey, Fault> {
        kept::key(&[&[self.purpose as u8], self.account.as_bytes(), &self.subject])
    }
}

impl App {
    /// Adds a token to a unit, in the place of the one before it.
    pub(crate) async fn issue(
        &self,
        unit: Unit,
        code: Code,
        email: Option<String>,
        lives_for: Lifetime,
        now: Timestamp,
    ) -> Result<(Unit, Issued), Fault> {
        let key = code.key()?;
        let secret: [u8; 32] = cloakroom_jose::random()?;
        let typed = typed_of(&secret);
        let row = Row { hash: sha256(&secret), typed: typed_hash(&typed), email };
        let old = kept::<Row>(&*self.store, SlipKind::Code, &key, now).await?;
        let account = code.real.then_some(code.account);
        let lasting = |slip: Slip| Slip { account, expires_at: Some(now.plus(lives_for)), ..slip };
        let pointer = slip(SlipKind::Code, pointer_key(&row.typed)?, &Pointer { to: key.as_bytes().to_vec() })?;
        let mut unit = unit;
        // Where there was none before, it is looked for all the same: both cost one read and one order.
        let of_old = old.as_ref().map_or([0; 32], |old| old.value.typed);
        let expected = self.store.slip(SlipKind::Code, &pointer_key(&of_old)?).await?;
        unit = unit.order(match expected {
            Some(old) => Order::RemoveSlip { kind: old.kind, key: old.key, expected: old.version },
            // One order as well, which looks and finds nothing.
            None => Order::ExpectSlip { kind: SlipKind::Code, key: pointer_key(&of_old)?, expected: None },
        });
        let next = slip(SlipKind::Code, key, &row)?;
        let version = old.as_ref().map_or(0, |old| old.slip.version.wrapping_add(1));
        unit = unit.order(Order::PutSlip(Slip { version, ..lasting(next) })).order(Order::AddSlip(lasting(pointer)));
        let token = [&[code.purpose as u8], &code.account.as_bytes()[..], &code.subject, &secret].concat();
        Ok((unit, Issued { token: URL_SAFE_NO_PAD.encode(token), typed: grouped(&typed) }))
    }

    /// Finds what a token, or a code as it was typed, is good for. Refused as [`Refusal::CodeInvalid`], whatever is wrong.
    pub(crate) async fn find_code(&self, purpose: Purpose, shown: &str, now: Timestamp) -> Result<Found, Error> {
        let found = match parse_token(shown) {
            Some((key, secret)) => {
                let row = kept::<Row>(&*self.store, SlipKind::Code, &key, now).await?;
                row.filter(|row| same(&row.value.hash, &sha256(&secret)))
            }
            None => self.find_typed(shown, now).await?,
        };
        let row = found.ok_or(Refusal::CodeInvalid)?;
        let (account, subject) = match row.slip.key.as_bytes() {
            [first, rest @ ..] if *first == purpose as u8 => match rest.as_chunks::<16>() {
                ([account, subject], []) => (AccountId::from_bytes(*account), *subject),
                _ => return Err(Refusal::CodeInvalid.into()),
            },
            _ => return Err(Refusal::CodeInvalid.into()),
        };
        Ok(Found { account, subject, email: row.value.email.clone(), row })
    }

    async fn find_typed(&self, shown: &str, now: Timestamp) -> Result<Option<Kept<Row>>, Fault> {
        let Some(typed) = normal(shown) else { return Ok(None) };
        let hash = typed_hash(&typed);
        let Some(pointer) = kept::<Pointer>(&*self.store, SlipKind::Code, &pointer_key(&hash)?, now).await? else {
            return Ok(None);
        };
        let row = kept::<Row>(&*self.store, SlipKind::Code, &kept::key(&[&pointer.value.to])?, now).await?;
        Ok(row.filter(|row| row.value.typed == hash))
    }
}

impl App {
    /// Adds to a unit that tokens of the same purpose and account which were issued later than this one are good no longer: of
    /// two who were each given a way back, the first has the last word.
    pub(crate) async fn outdate_later(&self, mut unit: Unit, found: &Found) -> Result<Unit, Fault> {
        let own = &found.row.slip;
        let purpose = own.key.as_bytes().first();
        for slip in self.store.slips_of(found.account, SlipKind::Code, 1000).await? {
            let later = slip.expires_at >= own.expires_at && slip.key != own.key;
            if later && slip.key.as_bytes().first() == purpose {
                let row = kept::read::<Row>(slip)?;
                unit = Found { account: found.account, subject: [0; 16], email: None, row }.spend(unit)?;
            }
        }
        Ok(unit)
    }
}

impl Found {
    /// When it was issued, to be good for so long.
    pub(crate) fn issued_at(&self, lives_for: Lifetime) -> Option<Timestamp> {
        Some(self.row.slip.expires_at?.minus(lives_for))
    }

    /// Adds to a unit that this token is used up: the unit conflicts when somebody else was faster.
    pub(crate) fn spend(&self, unit: Unit) -> Result<Unit, Fault> {
        let kind = SlipKind::Code;
        let pointer = Order::RemoveSlip { kind, key: pointer_key(&self.row.value.typed)?, expected: 0 };
        Ok(unit.order(self.row.removed()).order(pointer))
    }
}

fn pointer_key(hash: &[u8; 32]) -> Result<SlipKey, Fault> {
    kept::key(&[&[0], hash])
}

fn parse_token(shown: &str) -> Option<(SlipKey, [u8; 32])> {
    let mut bytes = [0; TOKEN_BYTES];
    let shown = shown.trim();
    if shown.len() != TOKEN_BYTES.div_ceil(3) * 4 - 1 {
        return None;
    }
    if !matches!(URL_SAFE_NO_PAD.decode_slice(shown, &mut bytes), Ok(TOKEN_BYTES)) {
        return None;
    }
    let (key, secret) = bytes.split_last_chunk::<32>()?;
    Some((SlipKey::new(key)?, *secret))
}

/// The code for typing that belongs to a secret: 120 bits of its hash, five at a time.
fn typed_of(secret: &[u8; 32]) -> String {
    let hash = sha256(&[b"cloakroom typed code v1", &secret[..]].concat());
    let mut characters = String::with_capacity(TYPED_CHARACTERS);
    let (mut held, mut bits) = (0_u32, 0);
    for byte in hash.iter().take(TYPED_BYTES) {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            let five = (held >> bits & 31) as usize;
            characters.extend(ALPHABET.get(five).map(|byte| char::from(*byte)));
        }
    }
    characters
}

fn typed_hash(typed: &str) -> [u8; 32] {
    sha256(&[b"cloakroom typed hash v1", typed.as_bytes()].concat())
}

fn grouped(typed: &str) -> String {
    let characters: Vec<char> = typed.chars().collect();
    characters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-")
}

/// What was typed, without what people add, and with what they mistake put right.
fn normal(shown: &str) -> Option<String> {
    if shown.len() > 4 * TYPED_CHARACTERS {
        return None;
    }
    let typed: String = shown
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            'U' => 'V',
            other => other,
        })
        .collect();
    let known = |c: char| u8::try_from(c).is_ok_and(|byte| ALPHABET.contains(&byte));
    (typed.len() == TYPED_CHARACTERS && typed.chars().all(known)).then_some(typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_code_forgives_what_people_do_to_it() {
        let typed = typed_of(&[7; 32]);
        assert_eq!(typed.len(), TYPED_CHARACTERS);
        assert_eq!(normal(&grouped(&typed)), Some(typed.clone()));
        assert_eq!(normal(&format!("  {} ", grouped(&typed).to_lowercase().replace('-', " "))), Some(typed.clone()));
        assert_eq!(normal(&typed.replace('0', "o").replace('1', "l")), Some(typed.clone()));
        for bad in ["", &typed[1..], &format!("{typed}A"), &"é".repeat(24), &"-".repeat(200)] {
            assert_eq!(normal(bad), None, "{bad}");
        }
        assert_ne!(typed, typed_of(&[8; 32]));
    }
}
