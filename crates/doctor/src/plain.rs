//! Text of a stranger, made fit to be shown: no control characters (they move terminals), no direction marks, bounded.

/// Most characters of one line that is shown.
const LONGEST: usize = 300;

/// The text in one line of at most 300 characters.
pub(crate) fn plain(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST).map(|char| if is_harmful(char) { ' ' } else { char }).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

/// Control characters, and marks by which text is shown in another order than it stands (Unicode TR9).
fn is_harmful(char: char) -> bool {
    char.is_control() || matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_moves_no_terminal_and_ends() {
        assert_eq!(plain("a\u{1b}[2Jb\r\n\u{202e}c"), "a [2Jb   c");
        assert_eq!(plain(&"x".repeat(301)).chars().count(), 301);
        assert_eq!(plain(&"x".repeat(300)), "x".repeat(300));
    }
}
