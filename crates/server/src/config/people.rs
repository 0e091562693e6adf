//! Resolving who can open an account, what proves who somebody is, and how often that can be guessed at.

use super::Mistake;
use super::raw::{self, Raw};
use super::secret::Secret;
use super::sections::Section;
use cloakroom_app::{Hashing, Limits};
use cloakroom_core::account::PasswordPolicy;

/// Whether everybody can sign up.
pub(super) fn signup(raw: &raw::Account, mistakes: &mut Vec<Mistake>) -> bool {
    let mut section = Section { path: "account".into(), mistakes };
    section.one_of("signup", raw.signup.as_ref(), true, &[("open", true), ("closed", false)])
}

/// Whether people log in with passwords. Without, there must be another way to come for the first time.
pub(super) fn log_in_by_password(raw: &Raw, mistakes: &mut Vec<Mistake>) -> bool {
    let by_password = raw.password.log_in.unwrap_or(true);
    if !by_password && raw.provider.is_empty() {
        mistakes
            .push(Mistake::new("password.log_in", "without passwords nobody could log in: there is no [[provider]]"));
    }
    by_password
}

pub(super) fn passwords(raw: &raw::Password, mistakes: &mut Vec<Mistake>) -> PasswordPolicy {
    let mut section = Section { path: "password".into(), mistakes };
    PasswordPolicy { min_characters: section.number("min_characters", raw.min_characters, 15, (8, 128)) }
}

/// Words that passwords must not be made of.
pub(super) fn words(raw: &raw::Password, mistakes: &mut Vec<Mistake>) -> Vec<String> {
    /// Every new password is compared with each.
    const MOST: usize = 256;
    let mut section = Section { path: "password".into(), mistakes };
    let words = raw.words.clone().unwrap_or_default();
    if words.len() > MOST {
        section.wrong("words", format!("{} words are more than {MOST}", words.len()));
    }
    for word in &words {
        if !(2..=64).contains(&word.trim().chars().count()) {
            section.wrong("words", format!("{word:?} has not 2 to 64 characters"));
        }
    }
    words.into_iter().map(|word| word.trim().to_owned()).collect()
}

pub(super) fn hashing(raw: &raw::Password, mistakes: &mut Vec<Mistake>) -> Hashing {
    let mut section = Section { path: "password".into(), mistakes };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Hashing {
        memory_kib: section.number("memory_kib", raw.memory_kib, 19_456, (7168, 1_048_576)),
        passes: section.number("passes", raw.passes, 2, (1, 64)),
        threads: section.number("threads", raw.threads, (processors / 2).max(1), (1, 256)),
        queue: section.number("queue", raw.queue, 64, (1, 10_000)),
    }
}

/// How many steps old a code of an authenticator app may be.
pub(super) fn totp_steps_back(raw: &raw::SecondFactor, mistakes: &mut Vec<Mistake>) -> u8 {
    let mut section = Section { path: "second_factor".into(), mistakes };
    section.number("totp_steps_back", raw.totp_steps_back, 1, (0, 1))
}

/// How many guesses get through.
pub(super) fn guesses(raw: &raw::Limits, mistakes: &mut Vec<Mistake>) -> Limits {
    let mut section = Section { path: "limits".into(), mistakes };
    let mut limits = Limits::default();
    let most = section.number("account_failures", raw.account_failures, 100, (10, 100));
    limits.account.at_most = Some(most);
    limits.device.at_most = Some(most);
    limits
}

/// What programs of operators show.
pub(super) fn admin_token(raw: &Raw, mistakes: &mut Vec<Mistake>) -> Option<Secret> {
    let mut section = Section { path: "server".into(), mistakes };
    section.token("admin_token", raw.server.admin_token.as_ref())
}
