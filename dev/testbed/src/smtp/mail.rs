//! A mail as its reader sees it: parsed by a mail library, with the links and codes that stand in it.
//! Deliberately absent: attachments.

use mail_parser::{Address, MessageParser, PartType};
use std::path::Path;

/// One delivered mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Who got it: the recipient of the envelope, not of the header.
    pub recipient: String,
    /// Who is told if it bounces: the sender of the envelope, without brackets; empty for none.
    pub return_path: String,
    /// Address in `From`.
    pub from: String,
    /// Addresses in `To`, separated by comma and space.
    pub to: String,
    /// Subject, decoded.
    pub subject: String,
    /// The part that is plain text, decoded; empty if there is none. Never made from the HTML.
    pub text: String,
    /// The part that is HTML, decoded; empty if there is none.
    pub html: String,
    /// Header fields in their order, those of the server included; unfolded, otherwise as they came.
    pub headers: Vec<(String, String)>,
    /// The file, byte by byte.
    pub raw: Vec<u8>,
}

impl Mail {
    /// Reads one. None for what is no mail.
    pub fn parse(raw: &[u8]) -> Option<Self> {
        let message = MessageParser::default().parse(raw)?;
        let headers: Vec<(String, String)> =
            message.headers_raw().map(|(name, value)| (name.to_owned(), unfolded(value))).collect();
        let named = |name: &str| headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        let bare = |name: &str| named(name).map_or("", |(_, value)| value).trim_matches(['<', '>']).to_owned();
        let addresses = |list: Option<&Address<'_>>| {
            let each = list.into_iter().flat_map(Address::iter);
            each.filter_map(|mailbox| mailbox.address()).collect::<Vec<_>>().join(", ")
        };
        let (mut text, mut html) = (String::new(), String::new());
        // The last one first, so that the first one stays.
        for part in message.parts.iter().rev() {
            match &part.body {
                PartType::Text(body) => text = body.clone().into_owned(),
                PartType::Html(body) => html = body.clone().into_owned(),
                _ => {}
            }
        }
        Some(Self {
            recipient: bare("Envelope-to"),
            return_path: bare("Return-path"),
            from: addresses(message.from()),
            to: addresses(message.to()),
            subject: message.subject().unwrap_or_default().to_owned(),
            text,
            html,
            headers,
            raw: raw.to_vec(),
        })
    }

    /// The first header field of this name, whatever its case; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        let field = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        field.map_or("", |(_, value)| value)
    }

    /// Every `http` and `https` address of the text, then those that only the HTML links to, in their order, each once.
    pub fn links(&self) -> Vec<String> {
        let mut links = self.text_links();
        for link in self.html_links() {
            if !links.contains(&link) {
                links.push(link);
            }
        }
        links
    }

    /// Every `http` and `https` address that stands in the text, in its order.
    pub fn text_links(&self) -> Vec<String> {
        let words = self.text.split(|char: char| char.is_whitespace() || "<>\"'()".contains(char));
        let links = words.filter(|word| word.starts_with("http://") || word.starts_with("https://"));
        links.map(|link| link.trim_end_matches(['.', ',', ';', ':', '!', '?']).to_owned()).collect()
    }

    /// Every address that the HTML links to (`href`), in its order, with character references resolved.
    pub fn html_links(&self) -> Vec<String> {
        let quoted = self.html.split("href=").skip(1).filter_map(|rest| {
            let quote = rest.chars().next().filter(|quote| ['"', '\''].contains(quote))?;
            rest.split(quote).nth(1)
        });
        quoted.map(resolved).filter(|link| link.starts_with("http")).collect()
    }

    /// The first code of the text: it stands on a line of its own, at least six capital letters and digits, with spaces or
    /// hyphens between groups. Given without them.
    pub fn code(&self) -> Option<String> {
        self.text.lines().find_map(|line| {
            let mut groups = line.split([' ', '-', '\u{a0}']).filter(|group| !group.is_empty()).peekable();
            groups.peek()?;
            let all = groups.collect::<String>();
            let of_a_code = |char: char| char.is_ascii_uppercase() || char.is_ascii_digit();
            (all.len() >= 6 && all.chars().all(of_a_code)).then_some(all)
        })
    }
}

/// Reads a folder of mails, in order of their delivery.
pub(super) fn read_all(folder: &Path) -> Vec<Mail> {
    let files = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let mut mails: Vec<_> = files
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?;
            let mail = Mail::parse(&std::fs::read(&path).ok()?)?;
            Some((moment(name), mail))
        })
        .collect();
    mails.sort_by_key(|(moment, _)| *moment);
    mails.into_iter().map(|(_, mail)| mail).collect()
}

/// When a file was delivered, by its name: seconds, then `M` and microseconds, then `P` and the process.
fn moment(name: &str) -> (u64, u64, u64) {
    let mut numbers = name.split(|char: char| !char.is_ascii_digit()).filter(|part| !part.is_empty());
    let mut number = || numbers.next().and_then(|digits| digits.parse().ok()).unwrap_or_default();
    (number(), number(), number())
}

/// RFC 5322, 2.2.3: a line break before white space is not part of the value.
fn unfolded(raw: &str) -> String {
    raw.replace(['\r', '\n'], "").replace('\t', " ").trim().to_owned()
}

/// Character references of an attribute: numbers, and the names that HTML escapes are written with.
pub(crate) fn resolved(text: &str) -> String {
    let mut out = String::new();
    let mut parts = text.split('&');
    out.extend(parts.next());
    for part in parts {
        let (reference, rest) = part.split_once(';').unwrap_or((part, ""));
        let number = reference.strip_prefix('#').and_then(|number| match number.strip_prefix(['x', 'X']) {
            Some(number) => u32::from_str_radix(number, 16).ok(),
            None => number.parse().ok(),
        });
        let named = [("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("apos", '\'')];
        let named = named.iter().find(|(name, _)| *name == reference).map(|(_, char)| *char);
        match number.and_then(char::from_u32).or(named) {
            Some(char) => {
                out.push(char);
                out.push_str(rest);
            }
            None => out.extend(["&", part]),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &str = "Return-path: <back@site.test>\r\n\
        Envelope-to: zoe@example.org\r\n\
        From: =?utf-8?q?The_g=C3=BCte?= <door@site.test>\r\n\
        To: \"Zoe, Z\" <zoe@example.org>, bob@example.org\r\n\
        Subject: =?utf-8?q?Hello_Zo=C3=AB=2C?=\r\n =?utf-8?q?_confirm?=\r\n\
        Content-Type: multipart/alternative; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        Zo=C3=AB, open http://localhost:8000/auth/confirm#t=3Dabc=\r\n_DEF-1.\r\n\r\n   7KQ2-M9XP-4TRA\r\n\r\nOr ABC at (https://site.test/x?a=3D1&b=3D2).\r\n\
        --b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
        <p>Zo\u{eb} <a href=\"http:&#x2f;&#x2f;localhost:8000/auth/confirm#t=abc_DEF-1\">x</a>\
        <a class=y href='https://site.test/only?a=1&amp;b=2'>y</a><a href=\"mailto:a@b\">z</a>\r\n--b--\r\n";

    #[test]
    fn both_bodies_are_decoded_and_told_apart() {
        let mail = Mail::parse(BOTH.as_bytes()).unwrap();
        assert_eq!(mail.subject, "Hello Zo\u{eb}, confirm");
        assert_eq!((mail.from.as_str(), mail.to.as_str()), ("door@site.test", "zoe@example.org, bob@example.org"));
        assert_eq!((mail.recipient.as_str(), mail.return_path.as_str()), ("zoe@example.org", "back@site.test"));
        assert!(
            mail.text.starts_with("Zo\u{eb}, open http://localhost:8000/auth/confirm#t=abc_DEF-1."),
            "{}",
            mail.text
        );
        assert!(mail.html.starts_with("<p>Zo\u{eb} <a"), "{}", mail.html);
        assert_eq!(mail.header("CONTENT-type"), "multipart/alternative; boundary=b");
    }

    #[test]
    fn links_are_those_a_reader_would_follow() {
        let mail = Mail::parse(BOTH.as_bytes()).unwrap();
        let confirm = "http://localhost:8000/auth/confirm#t=abc_DEF-1";
        assert_eq!(mail.text_links(), [confirm, "https://site.test/x?a=1&b=2"]);
        assert_eq!(mail.html_links(), [confirm, "https://site.test/only?a=1&b=2"]);
        assert_eq!(mail.links(), [confirm, "https://site.test/x?a=1&b=2", "https://site.test/only?a=1&b=2"]);
    }

    #[test]
    fn a_code_is_found_by_its_own_line_with_or_without_groups() {
        let code = |text: &str| Mail::parse(format!("Subject: x\r\n\r\n{text}\r\n").as_bytes()).unwrap().code();
        assert_eq!(Mail::parse(BOTH.as_bytes()).unwrap().code().as_deref(), Some("7KQ2M9XP4TRA"));
        assert_eq!(code("Type this:\r\n\r\n1234 5678\r\n").as_deref(), Some("12345678"));
        assert_eq!(code("ABC\r\nno CODE here\r\nHELLO you\r\n\r\n"), None);
    }

    #[test]
    fn a_mail_of_html_alone_has_no_text_and_one_without_a_type_has() {
        let html = Mail::parse(b"Subject: x\r\nContent-Type: text/html\r\n\r\n<p>y</p>\r\n").unwrap();
        assert_eq!((html.text.as_str(), html.html.trim()), ("", "<p>y</p>"));
        let text = Mail::parse(b"Subject: x\r\n\r\ny\r\n").unwrap();
        assert_eq!((text.text.trim(), text.html.as_str()), ("y", ""));
    }

    #[test]
    fn files_are_in_order_of_their_delivery() {
        assert!(moment("1795365287.M988521P446.localhost") < moment("1795365288.M463P450.localhost"));
    }
}
