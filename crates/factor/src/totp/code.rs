//! Judges a code: of which step is it, and may that step still be used?
//!
//! Deliberately absent: codes of the future. A phone whose clock is ahead is put right by its owner; accepting its codes
//! would give a guess a third chance.

use zeroize::Zeroizing;

use super::{DIGITS, STEP, Secret};

/// Longer input is refused unread, in bytes.
const MAX_TYPED: usize = 32;

impl Secret {
    /// The step that `code` belongs to: the current one or, with `steps_back` of 1, the one before (RFC 6238 §5.2; more
    /// counts as 1). Never one at or before `last`, the step of the code that was accepted last: each is good once.
    /// Steps are counted from 1970, 30 s each. Spaces and hyphens in `code` are forgiven.
    ///
    /// How long this takes does not depend on the digits.
    pub fn step_of(&self, code: &str, now_unix: i64, steps_back: u8, last: Option<i64>) -> Option<i64> {
        let code = normal(code)?;
        let now = u64::try_from(now_unix).ok()? / u64::from(STEP);
        let oldest = now.saturating_sub(u64::from(steps_back.min(1)));
        let totp = self.totp();
        let mut found = None;
        // Every step is computed, whatever came of the one before.
        for step in oldest..=now {
            let is_code = totp.check(&code, step * u64::from(STEP)).is_some();
            let step = i64::try_from(step).ok()?;
            if is_code & last.is_none_or(|last| step > last) {
                found = Some(step);
            }
        }
        found
    }
}

/// The six digits that were typed.
fn normal(typed: &str) -> Option<Zeroizing<String>> {
    if typed.len() > MAX_TYPED {
        return None;
    }
    let digits = typed.chars().filter(|char| !char.is_whitespace() && *char != '-').collect::<String>();
    let digits = Zeroizing::new(digits);
    let is_code = digits.len() == usize::from(DIGITS) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_code.then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seed of RFC 6238 appendix B for SHA-1.
    fn secret() -> Secret {
        Secret::new(*b"12345678901234567890")
    }

    /// RFC 6238 appendix B, SHA-1: seconds, step, the last six of eight digits.
    const VECTORS: [(i64, i64, &str); 6] = [
        (59, 0x1, "287082"),
        (1_111_111_109, 0x0235_23EC, "081804"),
        (1_111_111_111, 0x0235_23ED, "050471"),
        (1_234_567_890, 0x0273_EF07, "005924"),
        (2_000_000_000, 0x03F9_40AA, "279037"),
        (20_000_000_000, 0x27BC_86AA, "353130"),
    ];

    #[test]
    fn rfc_6238_appendix_b_the_vectors_hold() {
        for (now, step, code) in VECTORS {
            assert_eq!(secret().step_of(code, now, 0, None), Some(step), "{code}");
        }
    }

    #[test]
    fn rfc_6238_5_2_a_code_is_good_once() {
        for (now, step, code) in VECTORS {
            assert_eq!(secret().step_of(code, now, 1, Some(step - 1)), Some(step));
            assert_eq!(secret().step_of(code, now, 1, Some(step)), None);
            assert_eq!(secret().step_of(code, now, 1, Some(step + 1)), None);
        }
    }

    #[test]
    fn rfc_6238_5_2_one_step_back_is_accepted_where_it_is_asked_for() {
        for (now, step, code) in VECTORS {
            let begin = step * i64::from(STEP);
            assert_eq!(secret().step_of(code, begin, 0, None), Some(step));
            assert_eq!(secret().step_of(code, begin + 29, 0, None), Some(step));
            assert_eq!(secret().step_of(code, begin + 30, 0, None), None);
            assert_eq!(secret().step_of(code, begin + 30, 1, None), Some(step));
            assert_eq!(secret().step_of(code, begin + 59, 1, Some(step - 1)), Some(step));
            assert_eq!(secret().step_of(code, begin + 60, 1, None), None);
            assert_eq!(secret().step_of(code, now + 60, u8::MAX, None), None, "two steps back are never accepted");
        }
    }

    #[test]
    fn a_code_of_the_future_is_refused() {
        for (_, step, code) in VECTORS {
            assert_eq!(secret().step_of(code, step * i64::from(STEP) - 1, 1, None), None);
        }
    }

    #[test]
    fn after_the_code_of_this_step_the_one_before_is_refused() {
        let (now, step, _) = VECTORS[2];
        let (_, before, code) = VECTORS[1];
        assert_eq!(before, step - 1);
        assert_eq!(secret().step_of(code, now, 1, None), Some(before));
        assert_eq!(secret().step_of(code, now, 1, Some(step)), None);
    }

    #[test]
    fn the_code_of_another_secret_is_refused() {
        let (now, _, code) = VECTORS[3];
        assert_eq!(Secret::new([7; 20]).step_of(code, now, 1, None), None);
    }

    #[test]
    fn typing_is_forgiven_and_anything_else_refused() {
        let (now, step, _) = VECTORS[3];
        for typed in ["005924", "005 924", " 005-924\n"] {
            assert_eq!(secret().step_of(typed, now, 0, None), Some(step), "{typed}");
        }
        let long = format!("005924{}", " ".repeat(MAX_TYPED));
        for typed in ["", "5924", "0005924", "+05924", "00592a", "\u{FF10}05924", "5924.0", &long] {
            assert_eq!(secret().step_of(typed, now, 0, None), None, "{typed}");
        }
    }

    #[test]
    fn no_time_is_out_of_bounds() {
        for now in [i64::MIN, -1, 0, 29, i64::MAX] {
            for last in [None, Some(i64::MIN), Some(i64::MAX)] {
                assert!(secret().step_of("000000", now, 1, last).is_none_or(|step| step >= 0));
            }
        }
    }
}
