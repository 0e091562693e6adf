//! Why a letter did not get through, in words that may stand in a log: never its address, its subject or its text.

use crate::render::Rendered;
use crate::words::one_line;
use cloakroom_core::letter::Letter;
use serde_json::Value;
use std::collections::BTreeSet;

/// A letter that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Undelivered {
    /// Trying again would end the same way: the letter itself, or its address, was refused. Otherwise it may get
    /// through later; so it is, too, when our set-up is at fault (a wrong password for the mail server, say), which no
    /// letter should be lost for.
    pub permanent: bool,
    /// What happened, for the log, in at most 400 characters on one line. Never the recipient's address, the subject
    /// or anything out of the mail.
    pub reason: String,
}

impl Undelivered {
    /// In characters.
    const LONGEST: usize = 400;

    /// It may get through later.
    pub(crate) fn for_now(reason: &str) -> Self {
        Self { permanent: false, reason: one_line(reason, Self::LONGEST) }
    }

    /// It never will.
    pub(crate) fn for_good(reason: &str) -> Self {
        Self { permanent: true, reason: one_line(reason, Self::LONGEST) }
    }
}

/// What a server said about a letter, without what it repeats of the letter: an address, a link, a code, or a piece of
/// one. At most 160 characters; empty when the reply repeats the subject or a line of the text.
pub(crate) fn tactful(reply: &str, letter: &Letter, rendered: &Rendered) -> String {
    let reply = one_line(reply, 1000);
    let plain = reply.to_lowercase();
    let lines = rendered.text.lines().filter(|line| line.chars().count() >= 16);
    if lines.chain([rendered.subject.as_str()]).any(|line| plain.contains(&line.to_lowercase())) {
        return String::new();
    }
    let mut secret = BTreeSet::new();
    match serde_json::to_value(letter) {
        Ok(letter) => runs_of(&letter, &mut secret),
        Err(_) => return String::new(),
    }
    // The address travels in this form, too.
    if let Some((_, domain)) = letter.to.rsplit_once('@')
        && let Ok(ascii) = idna::domain_to_ascii(domain)
    {
        secret.extend(runs(&ascii));
    }
    let words = reply.split(' ').map(|word| if repeats(word, &secret) { "…" } else { word });
    let mut kept: Vec<&str> = words.collect();
    kept.dedup_by(|a, b| a == b && *a == "…");
    one_line(&kept.join(" "), 160)
}

/// Whether a word holds a piece of the letter: a whole run of letters and digits, or four characters of one. Words with
/// an `@` or a `/` are addresses of something, and such as are not ASCII are unlikely to be our server's own.
fn repeats(word: &str, secret: &BTreeSet<String>) -> bool {
    let alike = |run: &str, other: &str| {
        run == other
            || (run.chars().count() >= 4 && other.contains(run))
            || (other.chars().count() >= 4 && run.contains(other))
    };
    word.contains(['@', '/', '%', '=', '#'])
        || !word.is_ascii()
        || runs(word).any(|run| secret.iter().any(|other| alike(&run, other)))
}

/// Every text inside a value, in runs of letters and digits.
fn runs_of(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => into.extend(runs(text)),
        Value::Array(items) => items.iter().for_each(|item| runs_of(item, into)),
        Value::Object(fields) => fields.values().for_each(|field| runs_of(field, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn runs(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloakroom_core::letter::{About, Way};

    fn tactful_about(reply: &str) -> String {
        let way = Way {
            link: "https://notes.example/auth/reset#t=Zm9vYmFyYmF6cXV4".into(),
            page: "https://notes.example/auth/reset".into(),
            code: "K7QX-9MPA".into(),
            good_for: "30 minutes".into(),
        };
        let letter = Letter { to: "al.jones@пример.рф".into(), about: About::ResetPassword(way) };
        let rendered = Rendered {
            subject: "Set a new password".into(),
            text: "Somebody, most likely you, asked to set it.\n".into(),
            html: String::new(),
        };
        tactful(reply, &letter, &rendered)
    }

    #[test]
    fn a_reply_is_kept_without_what_it_repeats() {
        for (reply, kept) in [
            ("5.1.1 User unknown", "5.1.1 User unknown"),
            ("5.1.1 <al.jones@пример.рф>: Recipient address rejected", "5.1.1 … Recipient address rejected"),
            ("5.1.1 <AL.JONES@XN--E1AFMKFD.XN--P1AI> rejected", "5.1.1 … rejected"),
            ("no mailbox al.jones here", "no mailbox … here"),
            ("no mailbox jones", "no mailbox …"),
            ("host xn--e1afmkfd.xn--p1ai does not exist", "host … does not exist"),
            ("blocked: https://notes.example/auth/reset#t=Zm9vYmFyYmF6cXV4", "blocked: …"),
            ("blocked: token m9vYmFyYm in K7QX-9MPA", "blocked: token … in …"),
            ("spam: subject Set a New Password", ""),
            ("spam: Somebody, most likely you, asked to set it.", ""),
        ] {
            assert_eq!(tactful_about(reply), kept, "{reply}");
        }
    }

    #[test]
    fn a_reply_is_bounded_and_on_one_line() {
        let kept = tactful_about(&format!("no\r\nroom\u{1b}[2J {}", "and more ".repeat(10_000)));
        assert!(kept.starts_with("no room [2J and more") && kept.chars().count() == 160, "{kept}");
    }
}
