//! Names of keys, as both protocols want them. Chords (`Control+a`) are deliberately not offered.

use anyhow::{Result, bail};

/// One key of the keyboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// `KeyboardEvent.key`.
    pub(super) name: String,
    /// `KeyboardEvent.code`, where the key has one on every layout.
    pub(super) code: &'static str,
    /// The Windows key code `DevTools` wants; 0 for plain characters.
    pub(super) virtual_code: u32,
    /// What pressing it types, if anything.
    pub(super) text: Option<String>,
    /// The character that stands for it in `WebDriver` (`WebDriver` 17.4.2).
    pub(super) webdriver: char,
}

/// name, code, Windows key code, text, `WebDriver` character
const NAMED: [(&str, &str, u32, Option<&str>, char); 14] = [
    ("Enter", "Enter", 13, Some("\r"), '\u{E007}'),
    ("Tab", "Tab", 9, None, '\u{E004}'),
    ("Escape", "Escape", 27, None, '\u{E00C}'),
    ("Backspace", "Backspace", 8, None, '\u{E003}'),
    ("Delete", "Delete", 46, None, '\u{E017}'),
    ("Space", "Space", 32, Some(" "), ' '),
    ("ArrowLeft", "ArrowLeft", 37, None, '\u{E012}'),
    ("ArrowUp", "ArrowUp", 38, None, '\u{E013}'),
    ("ArrowRight", "ArrowRight", 39, None, '\u{E014}'),
    ("ArrowDown", "ArrowDown", 40, None, '\u{E015}'),
    ("Home", "Home", 36, None, '\u{E011}'),
    ("End", "End", 35, None, '\u{E010}'),
    ("PageUp", "PageUp", 33, None, '\u{E00E}'),
    ("PageDown", "PageDown", 34, None, '\u{E00F}'),
];

impl Key {
    /// A named key such as `Enter`, or a single character.
    pub(super) fn parse(name: &str) -> Result<Self> {
        if let Some((name, code, virtual_code, text, webdriver)) = NAMED.iter().find(|named| named.0 == name) {
            let shown = if *name == "Space" { " " } else { name };
            return Ok(Self {
                name: shown.to_owned(),
                code,
                virtual_code: *virtual_code,
                text: text.map(str::to_owned),
                webdriver: *webdriver,
            });
        }
        let mut characters = name.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => Ok(Self {
                name: name.to_owned(),
                code: "",
                virtual_code: 0,
                text: Some(name.to_owned()),
                webdriver: character,
            }),
            _ => bail!("no key is called {name:?}"),
        }
    }
}
