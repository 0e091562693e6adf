//! Addresses in the form in which they travel: domains in ASCII, and nothing that could end a header or a command.

use crate::undelivered::Undelivered;
use crate::words::one_line;
use lettre::Address;
use lettre::message::Mailbox;
use std::str::FromStr;

/// Who the mails come from: `Notes <no-reply@notes.example>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender(Mailbox);

/// The text is not a mailbox to send from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAMailbox {
    /// Not `a@b.example` or `Name <a@b.example>`, or longer than 320 bytes.
    #[error("write it as a@b.example or as Name <a@b.example>")]
    Form,
    /// Letters beyond ASCII before the `@`: many servers would refuse every mail.
    #[error("only ASCII may stand before the @ of a sender")]
    NotAscii,
}

impl FromStr for Sender {
    type Err = NotAMailbox;

    /// Reads `a@b.example`, `Name <a@b.example>` or `"Name" <a@b.example>`: one mailbox, nothing before or after it.
    /// The domain may be international, the part before the `@` may not.
    fn from_str(text: &str) -> Result<Self, NotAMailbox> {
        let text = text.trim();
        if text.len() > 320 || text.chars().any(char::is_control) {
            return Err(NotAMailbox::Form);
        }
        let (name, address) = match text.split_once('<') {
            Some((name, rest)) => (name.trim(), rest.strip_suffix('>').ok_or(NotAMailbox::Form)?),
            None => ("", text),
        };
        let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
        if name.contains(['"', '\\', '@']) {
            return Err(NotAMailbox::Form);
        }
        let address = wire_form(address).ok_or(NotAMailbox::Form)?;
        if !address.user().is_ascii() {
            return Err(NotAMailbox::NotAscii);
        }
        let name = one_line(name, 64);
        Ok(Self(Mailbox::new((!name.is_empty()).then_some(name), address)))
    }
}

impl Sender {
    /// As a header wants it.
    pub(crate) fn mailbox(&self) -> &Mailbox {
        &self.0
    }

    /// In ASCII: our message ids are made under it (RFC 5322 §3.6.4).
    pub(crate) fn domain(&self) -> &str {
        self.0.email.domain()
    }
}

/// The address of a letter as a mail server takes it. Its part before the `@` may still be beyond ASCII, which only a
/// server with SMTPUTF8 takes (RFC 6531).
pub(crate) fn recipient(to: &str) -> Result<Address, Undelivered> {
    wire_form(to).ok_or_else(|| Undelivered::for_good("the address is not one that mail can be sent to"))
}

fn wire_form(address: &str) -> Option<Address> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "\"(),:;<>[\\]".contains(c);
    let (local, domain) = address.rsplit_once('@')?;
    if address.len() > 320 || address.contains(odd) || local.contains('@') {
        return None;
    }
    Address::new(local, idna::domain_to_ascii(domain).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_one_mailbox() {
        for (text, header) in [
            ("no-reply@notes.example", "no-reply@notes.example"),
            (" Notes <no-reply@notes.example> ", "Notes <no-reply@notes.example>"),
            ("\"Notes, Inc.\" <a@b.example>", "\"Notes, Inc.\" <a@b.example>"),
            ("<a@localhost>", "a@localhost"),
            ("Дом <a@пример.рф>", "Дом <a@xn--e1afmkfd.xn--p1ai>"),
        ] {
            assert_eq!(text.parse::<Sender>().unwrap().mailbox().to_string(), header);
        }
    }

    #[test]
    fn anything_else_is_no_sender() {
        let long = format!("{}@b.example", "a".repeat(400));
        for text in [
            "",
            "Notes",
            "Notes <a@b.example",
            "a@b.example>",
            "A <a@b.example>, B <c@d.example>",
            "a@b.example, c@d.example",
            "A <a@b.example> B",
            "A\r\nBcc: x@y.example <a@b.example>",
            "a@b@c.example",
            "a@",
            "@b.example",
            "x@y.example <a@b.example>",
            &long,
        ] {
            assert_eq!(text.parse::<Sender>().err(), Some(NotAMailbox::Form), "{text}");
        }
        assert_eq!("дом@b.example".parse::<Sender>().err(), Some(NotAMailbox::NotAscii));
    }

    #[test]
    fn international_domains_travel_in_ascii_rfc_5891() {
        assert_eq!(recipient("дом@Пример.рф").unwrap().to_string(), "дом@xn--e1afmkfd.xn--p1ai");
        assert_eq!(recipient("root@localhost").unwrap().to_string(), "root@localhost");
        assert_eq!(recipient("Ann.B+tag@sub.example.co").unwrap().to_string(), "Ann.B+tag@sub.example.co");
    }

    #[test]
    fn what_is_no_address_is_refused_for_good_and_not_repeated() {
        for to in ["secretname", "secretname@", "secretname@x y", "secretname>\r\nRCPT TO:<x@y.example", "a..b@c..d"] {
            let refused = recipient(to).unwrap_err();
            assert!(refused.permanent && !refused.reason.contains("secretname"), "{to}");
        }
    }
}
