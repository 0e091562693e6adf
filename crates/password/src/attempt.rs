//! A password that somebody typed to log in, in the forms in which its hash may have been made.
//!
//! New passwords are hashed in NFKC only, so a new password is never an [`Attempt`].

use cloakroom_core::secret::Password;
use zeroize::{Zeroize as _, Zeroizing};

/// What was typed: as this product normalises it, and as it came where that is something else. Most other systems hash
/// what came. No `Debug`; overwritten when dropped.
pub struct Attempt {
    normal: Password,
    typed: Option<Zeroizing<String>>,
}

impl Attempt {
    /// Takes what was typed. `None` when it is empty or longer than [`Password::MAX_BYTES`].
    pub fn new(mut typed: String) -> Option<Self> {
        if typed.len() > Password::MAX_BYTES {
            typed.zeroize();
            return None;
        }
        let kept = Zeroizing::new(typed.clone());
        let normal = Password::new(typed)?;
        let typed = (kept.as_str() != normal.reveal()).then_some(kept);
        Some(Self { normal, typed })
    }

    /// The forms to compare, the normalised one first; one or two.
    pub(crate) fn forms(&self) -> impl Iterator<Item = Form<'_>> {
        let typed = self.typed.as_ref().map(|typed| Form { text: typed, is_normal: false });
        std::iter::once(Form { text: self.normal.reveal(), is_normal: true }).chain(typed)
    }
}

impl From<Password> for Attempt {
    /// Without the text as it was typed, an imported hash of a password that NFKC changes is not recognised.
    fn from(normal: Password) -> Self {
        Self { normal, typed: None }
    }
}

/// One of the forms of an [`Attempt`].
pub(crate) struct Form<'a> {
    /// What is hashed.
    pub(crate) text: &'a str,
    /// Whether it is the one in NFKC.
    pub(crate) is_normal: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_second_form_only_where_nfkc_changes_the_text() {
        let forms =
            |typed: &str| Attempt::new(typed.into()).unwrap().forms().map(|form| form.text.to_owned()).collect();
        let one: Vec<String> = forms("correct horse battery");
        assert_eq!(one, ["correct horse battery"]);
        let two: Vec<String> = forms("o\u{FB03}ce hours");
        assert_eq!(two, ["office hours", "o\u{FB03}ce hours"]);
    }

    #[test]
    fn an_attempt_is_bounded_like_a_password() {
        assert!(Attempt::new(String::new()).is_none());
        assert!(Attempt::new("x".repeat(Password::MAX_BYTES)).is_some());
        assert!(Attempt::new("x".repeat(Password::MAX_BYTES + 1)).is_none());
    }
}
