//! Every way in which some server reads a path.
//!
//! Servers and frameworks differ: one decodes before it routes, one twice, one takes a backslash for a slash, one cuts
//! `;jsessionid=…`, one resolves `..` before and one after that. Each habit is a [`Habit`]; the readings of a path are
//! what any sequence of habits makes of it. Nothing here knows routes: [`crate::Routes::find`] compares where the
//! readings lead.

/// A path with odd characters that is longer than this, in bytes, is refused: its readings cost time.
const MAX_ODD_PATH: usize = 8 * 1024;
/// More different readings than this are refused. A path that people use has one to four.
const MAX_READINGS: usize = 96;
/// How often a path is percent-decoded.
const MAX_DECODINGS: u8 = 2;

/// Some reading climbs above the root, is not text, or there are too many.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// Whether every server reads this path as it stands: it starts with a slash and has only unreserved characters, no dot
/// segment, no empty segment in the middle, no segment that ends with a dot. Case is the caller's concern.
pub(crate) fn is_plain(path: &str) -> bool {
    let mut before = 0_u8;
    for &byte in path.as_bytes() {
        let fine = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' => true,
            b'/' => before != b'/' && before != b'.',
            b'.' => before != b'/',
            _ => false,
        };
        if !fine || (before == 0 && byte != b'/') {
            return false;
        }
        before = byte;
    }
    before != 0 && before != b'.'
}

/// All readings of `path`, itself first. Bounded in number and size, see the constants.
pub(crate) fn readings(path: &str) -> Result<Vec<String>, Unreadable> {
    if path.len() > MAX_ODD_PATH {
        return Err(Unreadable);
    }
    let mut found = vec![(path.to_owned(), 0_u8)];
    let mut next = 0;
    while let Some((reading, decodings)) = found.get(next).cloned() {
        next += 1;
        let mut push = |text: String, decodings: u8| {
            // The same text may be reached by fewer decodings, from where more readings can follow.
            if found.iter().any(|(known, fewer)| *known == text && *fewer <= decodings) {
                return Ok(());
            }
            if found.len() >= MAX_READINGS {
                return Err(Unreadable);
            }
            found.push((text, decodings));
            Ok(())
        };
        for habit in HABITS {
            if let Some(text) = habit(&reading)? {
                push(text, decodings)?;
            }
        }
        if let (Some(text), true) = (decoded(&reading)?, decodings < MAX_DECODINGS) {
            push(text, decodings + 1)?;
        }
    }
    Ok(found.into_iter().map(|(text, _)| text).collect())
}

/// What a server makes of a path, or `None` where the path gives it nothing to do.
type Habit = fn(&str) -> Result<Option<String>, Unreadable>;

const HABITS: [Habit; 9] = [
    backslashes,
    parameters,
    empty_segments,
    dot_segments,
    cut_at_nul,
    cut_at_query,
    trailing_blanks,
    trailing_dots,
    full_width,
];

/// One percent-decoding. Refuses what decodes to no text: the overlong `%c0%ae` was a dot to more than one server; and
/// the old `%u002e` of IIS.
fn decoded(path: &str) -> Result<Option<String>, Unreadable> {
    let is_wide =
        |at: &[u8]| matches!(at, [b'%', b'u' | b'U', digits @ ..] if digits.iter().all(u8::is_ascii_hexdigit));
    if path.as_bytes().windows(6).any(is_wide) {
        return Err(Unreadable);
    }
    unescaped(path.as_bytes()).map(|bytes| String::from_utf8(bytes).map_err(|_| Unreadable)).transpose()
}

/// One percent-decoding (RFC 3986 §2.1), `None` where there is nothing to decode. An escape that is none stays.
pub(crate) fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    if !text.contains(&b'%') {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut changed = false;
    loop {
        match rest {
            [b'%', high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push(nibble(*high) << 4 | nibble(*low));
                rest = after;
                changed = true;
            }
            [byte, after @ ..] => {
                bytes.push(*byte);
                rest = after;
            }
            [] => break,
        }
    }
    changed.then_some(bytes)
}

fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'A').wrapping_add(10),
    }
}

/// `\` is `/` (WHATWG URL, Windows).
#[expect(clippy::unnecessary_wraps, reason = "all habits have one type")]
fn backslashes(path: &str) -> Result<Option<String>, Unreadable> {
    Ok(path.contains('\\').then(|| path.replace('\\', "/")))
}

/// `;…` is cut off every segment (matrix parameters of Java servers): `..;/` is `../`.
#[expect(clippy::unnecessary_wraps, reason = "all habits have one type")]
fn parameters(path: &str) -> Result<Option<String>, Unreadable> {
    Ok(path.contains(';').then(|| each_segment(path, |segment| segment.split(';').next().unwrap_or_default())))
}

/// `//` is `/`.
#[expect(clippy::unnecessary_wraps, reason = "all habits have one type")]
fn empty_segments(path: &str) -> Result<Option<String>, Unreadable> {
    if !path.contains("//") {
        return Ok(None);
    }
    let mut merged = String::with_capacity(path.len());
    for character in path.chars() {
        if character != '/' || !merged.ends_with('/') {
            merged.push(character);
        }
    }
    Ok(Some(merged))
}

/// `.` and `..` are resolved (RFC 3986 §5.2.4), except that above the root there is nothing.
fn dot_segments(path: &str) -> Result<Option<String>, Unreadable> {
    if !path.split('/').any(|segment| segment == "." || segment == "..") {
        return Ok(None);
    }
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            ".." => {
                kept.pop().ok_or(Unreadable)?;
            }
            "." => {}
            _ => {
                kept.push(segment);
                continue;
            }
        }
        if last {
            kept.push("");
        }
    }
    Ok(Some(format!("/{}", kept.join("/"))))
}

/// What follows a NUL is not seen (C strings).
#[expect(clippy::unnecessary_wraps, reason = "all habits have one type")]
fn cut_at_nul(path: &str) -> Result<Option<String>, Unreadable> {
    Ok(path.split_once('\0').map(|(before, _)| before.to_owned()))
}

/// What follows a decoded `?` or `#` is not path (servers that decode before they split).
#[expect(clippy::unnecessary_wraps, reason = "all habits have one type")]
fn cut_at_query(path: &str) -> Result<Option<String>, Unreadable> {
    Ok(path.split_once(['?', '#']).map(|(before, _)| before.to_owned()))
}

/// Blanks and control characters at the end of a segment are not there (Windows file names, trimming frameworks).
#[expect(clippy::unnecessary_wraps, reason = "all habits have one type")]
fn trailing_blanks(path: &str) -> Result<Option<String>, Unreadable> {
    // As `strip` of Python and `trim` of JavaScript have it, and what cannot be seen.
    let blank = |c: char| {
        c <= ' ' || c == '\u{7f}' || c.is_whitespace() || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}')
    };
    Ok(path.contains(blank).then(|| each_segment(path, |segment| segment.trim_end_matches(blank))))
}

/// Dots at the end of a segment are not there (Windows file names).
#[expect(clippy::unnecessary_wraps, reason = "all habits have one type")]
fn trailing_dots(path: &str) -> Result<Option<String>, Unreadable> {
    let trimmed = |segment: &str| segment.ends_with('.') && segment != "." && segment != "..";
    Ok(path
        .split('/')
        .any(trimmed)
        .then(|| each_segment(path, |segment| if trimmed(segment) { segment.trim_end_matches('.') } else { segment })))
}

/// Full-width forms (U+FF01 to U+FF5E) are their ASCII counterparts (best-fit mapping of Windows).
#[expect(clippy::unnecessary_wraps, reason = "all habits have one type")]
fn full_width(path: &str) -> Result<Option<String>, Unreadable> {
    let wide = |c: char| ('\u{ff01}'..='\u{ff5e}').contains(&c);
    Ok((!path.is_ascii() && path.contains(wide)).then(|| {
        path.chars().map(|c| if wide(c) { char::from_u32(c as u32 - 0xfee0).unwrap_or(c) } else { c }).collect()
    }))
}

fn each_segment<'a>(path: &'a str, read: impl Fn(&'a str) -> &'a str) -> String {
    let mut text = String::with_capacity(path.len());
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            text.push('/');
        }
        text.push_str(read(segment));
    }
    text
}

/// How much of a path a prefix takes: `/` takes nothing, since its slash begins the rest.
pub(crate) fn prefix_len(prefix: &str) -> usize {
    if prefix == "/" { 0 } else { prefix.len() }
}

/// A plain path, or one whose segments begin with a dot and go on (`/.well-known`).
pub(crate) fn is_plain_prefix(path: &str) -> bool {
    let hidden = path.split('/').all(|segment| segment != "." && segment != ".." && !segment.ends_with('.'));
    hidden && is_plain(&path.replace("/.", "/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_is_one_that_nobody_reads_otherwise() {
        for plain in ["/", "/a", "/a/", "/a.b/c", "/~me/x-y_z.tar.gz", "/A"] {
            assert!(is_plain(plain), "{plain}");
            assert_eq!(readings(plain).unwrap(), [plain]);
        }
        for odd in ["", "a", "*", "//", "/a//b", "/.", "/..", "/a/.b", "/a./b", "/a.", "/a%20", "/a;b", "/a\\b", "/é"]
        {
            assert!(!is_plain(odd), "{odd}");
        }
    }

    #[test]
    fn habits_combine_in_any_order() {
        for (path, reading) in [
            ("/a%2fb", "/a/b"),
            ("/a%252fb", "/a/b"),
            ("/a/..;/b", "/b"),
            ("/a/..%3bx/b", "/b"),
            ("/a/%2e%2e/b", "/b"),
            ("/a\\..\\b", "/b"),
            ("/a%5c..%5cb", "/b"),
            ("/a/x/..//../b", "/b"),
            ("/a/%2e%2e/../c/../b", "/a/b"),
            ("/a%00.png", "/a"),
            ("/a%3fx", "/a"),
            ("/a./b", "/a/b"),
            ("/a%20/b", "/a/b"),
            ("/a/..%20/b", "/b"),
            ("/a/%ef%bc%8e%ef%bc%8e/b", "/b"),
            ("/a%0a", "/a"),
        ] {
            match readings(path) {
                Ok(all) => assert!(all.iter().any(|one| one == reading), "{path}: {all:?}"),
                Err(Unreadable) => assert_eq!(path, "/a/%2e%2e/../c/../b"),
            }
        }
    }

    #[test]
    fn what_climbs_above_the_root_or_is_no_text_is_unreadable() {
        for path in
            ["/..", "/a/../..", "/%2e%2e/", "/%252e%252e/", "/%c0%ae%c0%ae/", "/%u002e", "/%ff", "/..;/", "/.%2e"]
        {
            assert_eq!(readings(path), Err(Unreadable), "{path}");
        }
    }

    #[test]
    fn a_path_made_to_be_expensive_is_refused_and_not_computed() {
        assert_eq!(readings(&format!("/{}", "%61".repeat(MAX_ODD_PATH))), Err(Unreadable));
        let many = "/%255c;.//x./%25ef%25bc%258f;y//a%2500%253f\\b%2520".repeat(60);
        assert_eq!(readings(&many), Err(Unreadable));
    }
}
