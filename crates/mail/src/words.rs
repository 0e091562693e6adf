//! Values that come from outside, made fit to stand in a mail, and text folded to lines.

/// A line of a text mail, in characters (RFC 5322 §2.1.1 recommends at most 78).
const COLUMNS: usize = 76;

/// One line of at most `longest` characters: runs of white space become one blank, what controls or hides text goes.
/// Longer values end in `…`.
pub(crate) fn one_line(value: &str, longest: usize) -> String {
    let mut line = String::new();
    let mut count = 0;
    let mut gap = false;
    for c in value.chars() {
        if c.is_whitespace() || c.is_control() {
            gap = count > 0;
            continue;
        }
        if is_hidden(c) {
            continue;
        }
        count += usize::from(gap) + 1;
        if count > longest {
            line = line.chars().take(longest.saturating_sub(1)).collect();
            line.push('…');
            break;
        }
        if gap {
            line.push(' ');
            gap = false;
        }
        line.push(c);
    }
    line
}

/// Characters that turn the direction of what follows (UAX #9), join nothing visible, or end a line without being
/// white space: what is read would not be what stands there.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// Like [`one_line`], and mail programs find no link in it: somebody else may have chosen these words.
pub(crate) fn without_links(value: &str, longest: usize) -> String {
    let words = one_line(value, longest);
    let words: Vec<String> = words.split(' ').map(unlinked).collect();
    words.join(" ")
}

/// A word that looks like an address of the web or of a mailbox gets blanks where it would be recognised. A path or a
/// number such as `/api/a.json`, `1.5` or `192.0.2.7` stays.
fn unlinked(word: &str) -> String {
    let mut whole = word.replace("://", ": //").replace('@', " @ ");
    if !word.starts_with('/') {
        let mut spaced = String::with_capacity(whole.len());
        let mut rest = whole.chars().peekable();
        while let Some(c) = rest.next() {
            spaced.push(c);
            if matches!(c, '.' | '。' | '．' | '｡') && rest.peek().is_some_and(|next| next.is_alphabetic()) {
                spaced.push(' ');
            }
        }
        whole = spaced;
    }
    whole
}

/// Folds a text to lines of 76 columns, between words only: a link stays on one line. At most one empty line stands
/// between paragraphs, no line ends in a blank (RFC 3676 §4.2 would join it to the next).
pub(crate) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut empty = 1;
    for line in text.lines() {
        let mut column = 0;
        for word in line.split_whitespace() {
            let width = word.chars().count();
            if column > 0 && column + 1 + width > COLUMNS {
                out.push('\n');
                column = 0;
            }
            if column > 0 {
                out.push(' ');
                column += 1;
            }
            out.push_str(word);
            column += width;
        }
        empty = if column == 0 { empty + 1 } else { 0 };
        if empty < 2 {
            out.push('\n');
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_line_without_hidden_turns() {
        assert_eq!(one_line(" a\r\n b\t\0c ", 20), "a b c");
        assert_eq!(one_line("a\u{202E}b\u{2066}c\u{200B}d\u{FEFF}\u{2028}e\u{85}f", 20), "abcd e f");
        assert_eq!(one_line("Жан-Поль 🦀", 20), "Жан-Поль 🦀");
        assert_eq!(one_line("\r\n \u{202E}", 20), "");
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        assert_eq!(one_line("ééééé", 5), "ééééé");
        assert_eq!(one_line("éééééé", 5), "éééé…");
        assert_eq!(one_line("ab cd ef", 6).chars().count(), 6);
        assert_eq!(one_line(&"x".repeat(100_000), 64).chars().count(), 64);
    }

    #[test]
    fn words_of_others_hold_no_link() {
        assert_eq!(without_links("see https://evil.example/a", 80), "see https: //evil. example/a");
        assert_eq!(without_links("www.evil.example me@evil.example", 80), "www. evil. example me @ evil. example");
        for kept in ["Firefox 133.0 on Linux", "POST /api/transfer.json", "192.0.2.7", "a passkey named \"Phone\""] {
            assert_eq!(without_links(kept, 80), kept);
        }
    }

    #[test]
    fn text_is_folded_between_words_only() {
        let link = format!("https://notes.example/{}", "a".repeat(90));
        let text = folded(&format!("\n\n{}\n\n\n\n{link}\n  end \n\n", "word ".repeat(40)));
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS || line == link), "{text}");
        assert!(
            text.starts_with("word ") && text.ends_with("\nend\n") && !text.contains("\n\n\n") && !text.contains(" \n")
        );
    }
}
