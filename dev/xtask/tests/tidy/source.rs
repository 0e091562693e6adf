//! Splits Rust text into code and comments, so that a law about code is not broken by a sentence about it.
//!
//! A lexer of four states, no parser: text in quotes is blanked, line ends stay where they are.

/// The same text twice, line for line: once only its code, once only its comments.
pub(crate) struct Source {
    pub(crate) code: String,
    pub(crate) comments: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Code,
    Line,
    Block(usize),
    Text { hashes: Option<usize> },
}

impl Source {
    pub(crate) fn of(text: &str) -> Self {
        let text: Vec<char> = text.chars().collect();
        let mut source = Self { code: String::new(), comments: String::new() };
        let mut state = State::Code;
        let mut at = 0;
        while at < text.len() {
            let (next, taken) = step(state, &text, at);
            for &char in &text[at..(at + taken).min(text.len())] {
                let comment =
                    matches!(state, State::Line | State::Block(_)) || matches!(next, State::Line | State::Block(_));
                let quoted = matches!(state, State::Text { .. }) && next == state;
                source.code.push(if char == '\n' || !(comment || quoted) { char } else { ' ' });
                source.comments.push(if char == '\n' || comment { char } else { ' ' });
            }
            (state, at) = (next, at + taken);
        }
        source
    }
}

/// The state after what stands at `at`, and how many characters that is.
fn step(state: State, text: &[char], at: usize) -> (State, usize) {
    let is = |offset: usize, wanted: char| text.get(at + offset) == Some(&wanted);
    match state {
        State::Line if is(0, '\n') => (State::Code, 1),
        State::Block(depth) if is(0, '*') && is(1, '/') => {
            (if depth == 1 { State::Code } else { State::Block(depth - 1) }, 2)
        }
        State::Block(depth) if is(0, '/') && is(1, '*') => (State::Block(depth + 1), 2),
        State::Text { hashes: None } if is(0, '\\') => (state, 2),
        State::Text { hashes } if is(0, '"') && (1..=hashes.unwrap_or(0)).all(|offset| is(offset, '#')) => {
            (State::Code, 1 + hashes.unwrap_or(0))
        }
        State::Code if is(0, '/') && is(1, '/') => (State::Line, 2),
        State::Code if is(0, '/') && is(1, '*') => (State::Block(1), 2),
        State::Code if is(0, '"') => (State::Text { hashes: None }, 1),
        State::Code if is(0, 'r') && (is(1, '"') || is(1, '#')) && !continues_a_name(text, at) => {
            let hashes = text[at + 1..].iter().take_while(|char| **char == '#').count();
            if is(1 + hashes, '"') { (State::Text { hashes: Some(hashes) }, 2 + hashes) } else { (state, 1) }
        }
        // A character, told from a lifetime by its closing quote.
        State::Code if is(0, '\'') && is(1, '\\') => {
            (state, 3 + text[at + 3..].iter().take_while(|char| **char != '\'').count() + 1)
        }
        State::Code if is(0, '\'') && is(2, '\'') => (state, 3),
        _ => (state, 1),
    }
}

/// Whether the `r` at `at` ends a name such as `for`, rather than beginning a raw string (`br"…"` begins one).
fn continues_a_name(text: &[char], at: usize) -> bool {
    let before = |offset: usize| at.checked_sub(offset).and_then(|at| text.get(at)).copied();
    let in_name = |char: Option<char>| char.is_some_and(|char| char.is_alphanumeric() || char == '_');
    let prefix = matches!(before(1), Some('b' | 'c')) && !in_name(before(2));
    in_name(before(1)) && !prefix
}

/// Every place where `word` stands as a whole word.
pub(crate) fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let in_name = |char: Option<char>| char.is_some_and(|char| char.is_alphanumeric() || char == '_');
    text.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |at| !in_name(text[..*at].chars().next_back()) && !in_name(text[at + word.len()..].chars().next()))
}

/// The number of the line that holds this place, from 1.
pub(crate) fn line(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[test]
fn code_and_comments_are_told_apart() {
    let source = Source::of("let a = \"// no\"; // yes\n/* b /* c */ d */ e('\"', '\\'', r#\"f\"g\"#); // h");
    assert!(source.code.contains("let a = \"     \";") && source.code.contains("e('\"', '\\'', r#\""));
    assert!(!source.code.contains("no") && !source.code.contains('f') && !source.code.contains(" d "));
    assert!(
        source.comments.contains("// yes") && source.comments.contains("c */ d */") && source.comments.contains("// h")
    );
    assert!(!source.comments.contains("no"));
}

#[test]
fn lifetimes_and_escapes_do_not_open_a_text() {
    let source =
        Source::of("fn a<'a>(b: &'a str, c: char) -> bool { c == '\\u{1F}' || b == \"\\\"\" } static X: u8 = 1;");
    assert!(source.code.contains("static X"));
}

#[test]
fn words_are_whole() {
    assert_eq!(words("asleep sleep( sleeps", "sleep").collect::<Vec<_>>(), [7]);
}
