//! A letter as a message (RFC 5322): headers, and the text in two forms (RFC 2046 §5.1.4).

use crate::mailbox::{Sender, recipient};
use crate::render::{Rendered, render};
use crate::site::Site;
use crate::undelivered::Undelivered;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use cloakroom_core::letter::Letter;
use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use std::time::{Duration, SystemTime};

/// The last second of the year 9999: no later one can be written in a `Date` header.
const LAST_DATE: u64 = 253_402_300_799;

/// A message that is ready to go. It may grant something, so it has no `Debug`.
pub struct Message {
    pub(crate) envelope: Envelope,
    pub(crate) rendered: Rendered,
    bytes: Vec<u8>,
}

impl Message {
    /// The message with its headers, lines ended by CRLF. ASCII, unless the recipient's address is not.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Makes the message.
///
/// `now_unix`: seconds since the Unix epoch, for the `Date`. `message_id`: what stands before the `@` of the
/// `Message-ID`, 1 to 64 of `A-Z a-z 0-9 . -`, never used before; the sender's domain stands after it.
/// Whatever fails is [`permanent`](Undelivered::permanent).
pub fn compose(
    letter: &Letter,
    site: &Site,
    from: &Sender,
    now_unix: i64,
    message_id: &str,
) -> Result<Message, Undelivered> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'-';
    if !(1..=64).contains(&message_id.len()) || !message_id.bytes().all(plain) {
        return Err(Undelivered::for_good("the message id is not one"));
    }
    let to = recipient(&letter.to)?;
    let rendered = render(letter, site).map_err(|error| Undelivered::for_good(&error.to_string()))?;
    let seconds = u64::try_from(now_unix).unwrap_or(0).min(LAST_DATE);
    let broken = |_| Undelivered::for_good("the message cannot be put together");
    let message = lettre::Message::builder()
        .from(from.mailbox().clone())
        .to(Mailbox::new(None, to))
        .subject(rendered.subject.as_str())
        .date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .message_id(Some(format!("<{message_id}@{}>", from.domain())))
        // Nobody's absence note answers it (RFC 3834 §5).
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into()))
        .multipart(MultiPart::alternative_plain_html(rendered.text.clone(), rendered.html.clone()))
        .map_err(broken)?;
    Ok(Message { envelope: message.envelope().clone(), bytes: message.formatted(), rendered })
}

/// 128 random bits in hexadecimal digits: a message id, or a part of a file's name.
pub(crate) fn random_name() -> Result<String, Undelivered> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Undelivered::for_now("this machine gives no randomness"))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloakroom_core::letter::About;
    use mail_parser::{HeaderValue as Parsed, MessageParser, MimeHeaders as _};

    fn composed(to: &str, name: &str) -> Result<Message, Undelivered> {
        let site = Site { name: name.into(), origin: "https://notes.example".into() };
        let letter = Letter { to: to.into(), about: About::AccountDeleted };
        compose(&letter, &site, &"Notes <no-reply@пример.рф>".parse().unwrap(), 1_795_365_000, "0a-1b.2c")
    }

    #[test]
    fn a_mail_library_reads_every_header_and_both_texts() {
        let made = composed("ann@example.com", "нотес.example").unwrap();
        assert!(made.bytes().is_ascii());
        let read = MessageParser::default().parse(made.bytes()).unwrap();
        assert_eq!(read.subject(), Some("Your account at нотес.example was deleted"));
        assert_eq!(read.from().unwrap().first().unwrap().address(), Some("no-reply@xn--e1afmkfd.xn--p1ai"));
        assert_eq!(read.from().unwrap().first().unwrap().name(), Some("Notes"));
        assert_eq!(read.to().unwrap().first().unwrap().address(), Some("ann@example.com"));
        assert_eq!(read.date().unwrap().to_timestamp(), 1_795_365_000);
        assert_eq!(read.message_id(), Some("0a-1b.2c@xn--e1afmkfd.xn--p1ai"));
        assert_eq!(read.header("Auto-Submitted").and_then(Parsed::as_text), Some("auto-generated"));
        assert_eq!(read.header("MIME-Version").and_then(Parsed::as_text), Some("1.0"));
        assert!(
            read.content_type()
                .is_some_and(|kind| kind.ctype() == "multipart" && kind.subtype() == Some("alternative"))
        );
        assert_eq!(read.body_text(0).unwrap().replace("\r\n", "\n"), made.rendered.text);
        assert_eq!(read.body_html(0).unwrap().replace("\r\n", "\n").trim_end(), made.rendered.html.trim_end());
        for absent in ["X-Mailer", "User-Agent", "Bcc", "Cc"] {
            assert!(read.header(absent).is_none(), "{absent}");
        }
    }

    #[test]
    fn the_text_comes_before_the_html_rfc_2046_5_1_4() {
        let made = composed("ann@example.com", "notes.example").unwrap();
        let text = String::from_utf8(made.bytes().to_vec()).unwrap();
        assert!(text.find("text/plain; charset=utf-8").unwrap() < text.find("text/html; charset=utf-8").unwrap());
        assert!(text.lines().all(|line| line.len() <= 998) && text.replace("\r\n", "").find(['\r', '\n']).is_none());
    }

    #[test]
    fn no_value_ends_a_header() {
        let made = composed("ann@example.com", "notes\r\nBcc: eve@evil.example\r\n\r\n<html>").unwrap();
        let read = MessageParser::default().parse(made.bytes()).unwrap();
        assert!(read.bcc().is_none());
        assert!(read.subject().unwrap().starts_with("Your account at notes Bcc: eve@evil.example <html>"));
        assert!(composed("ann@example.com\r\nBcc: eve@evil.example", "n").is_err_and(|refused| refused.permanent));
    }

    #[test]
    fn a_message_id_that_could_end_its_header_is_refused() {
        let site = Site { name: "n".into(), origin: "https://n.example".into() };
        let letter = Letter { to: "ann@example.com".into(), about: About::AccountDeleted };
        for id in ["", "a b", "a>\r\nBcc: x@y", "a@b", &"a".repeat(65)] {
            assert!(compose(&letter, &site, &"a@b.example".parse().unwrap(), 0, id).is_err(), "{id}");
        }
        for odd in [i64::MIN, -1, 0, i64::MAX] {
            assert!(compose(&letter, &site, &"a@b.example".parse().unwrap(), odd, "a").is_ok(), "{odd}");
        }
    }

    #[test]
    fn random_names_differ_and_fit_a_message_id() {
        let (one, other) = (random_name().unwrap(), random_name().unwrap());
        assert!(one != other && one.len() == 32 && one.bytes().all(|b| b.is_ascii_hexdigit()));
    }
}
