//! Recovery codes: for the day when the phone is gone. Ten at a time, each good once, written so that a person can type them.
//!
//! Deliberately absent: hashing, storing and spending them (`app`, `store`).

/// How many codes are made at a time.
pub const COUNT: usize = 10;

/// The alphabet of Crockford's base 32: no I, L, O (which [`normal`] reads as 1, 1, 0) and no U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Letters and digits of one code: five bits each, so 80 bits.
const SYMBOLS: usize = 16;
const GROUP: usize = 4;
/// Longer input is refused unread, in bytes.
const MAX_TYPED: usize = 64;

/// One code for each 16 random bytes, like `K7QF-2M9X-PWTD-8HJC`: 80 bits, in the form that [`normal`] returns. Secrets.
pub fn codes(random: &[[u8; 16]; COUNT]) -> Vec<String> {
    // Five bits of every byte: uniform, since 32 divides 256.
    random.iter().map(|bytes| grouped(bytes.iter().filter_map(|byte| symbol(byte % 32)))).collect()
}

/// The one form of what was typed, as [`codes`] wrote it: spaces, dashes, case and lookalikes are forgiven.
/// `None` when it cannot be a code, or is longer than 64 bytes.
pub fn normal(typed: &str) -> Option<String> {
    if typed.len() > MAX_TYPED {
        return None;
    }
    // Phones turn a hyphen into a dash.
    let skipped = |char: &char| char.is_whitespace() || matches!(char, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}');
    let meant = typed.chars().filter(|char| !skipped(char)).map(meant).collect::<Option<Vec<char>>>()?;
    (meant.len() == SYMBOLS).then(|| grouped(meant.into_iter()))
}

fn symbol(value: u8) -> Option<char> {
    ALPHABET.get(usize::from(value)).copied().map(char::from)
}

/// The symbol that was meant by a character.
fn meant(typed: char) -> Option<char> {
    match typed.to_ascii_uppercase() {
        'O' => Some('0'),
        'I' | 'L' => Some('1'),
        char => u8::try_from(char).is_ok_and(|byte| ALPHABET.contains(&byte)).then_some(char),
    }
}

fn grouped(symbols: impl Iterator<Item = char>) -> String {
    let mut code = String::with_capacity(SYMBOLS + SYMBOLS / GROUP);
    for (at, symbol) in symbols.enumerate() {
        if at > 0 && at % GROUP == 0 {
            code.push('-');
        }
        code.push(symbol);
    }
    code
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_random_byte_counts() {
        let mut random = [[0; 16]; COUNT];
        random[3] = [31, 32, 33, 0, 10, 11, 12, 13, 18, 19, 20, 21, 22, 26, 27, 255];
        let codes = codes(&random);
        assert_eq!(codes.len(), COUNT);
        assert_eq!(codes[0], "0000-0000-0000-0000");
        assert_eq!(codes[3], "Z010-ABCD-JKMN-PTVZ");
    }

    #[test]
    fn every_symbol_is_as_likely_as_any_other() {
        let mut seen = std::collections::BTreeMap::new();
        for byte in 0..=u8::MAX {
            let mut random = [[0; 16]; COUNT];
            random[0][0] = byte;
            *seen.entry(codes(&random)[0].remove(0)).or_insert(0) += 1;
        }
        assert_eq!(seen.len(), 32);
        assert!(seen.values().all(|count| *count == 8));
        assert!(seen.keys().all(|symbol| !"ILOU".contains(*symbol)));
    }

    #[test]
    fn typing_is_forgiven() {
        let code = Some("1100-2M9X-PWTD-8HJC".to_owned());
        for typed in [
            "1100-2M9X-PWTD-8HJC",
            "11002M9XPWTD8HJC",
            " 1100 2m9x pwtd 8hjc\n",
            "iLoO-2m9x-pwtd-8hjc",
            "1100\u{2013}2M9X\u{2011}PWTD\u{2212}8HJC",
            "1-1-0-0-2-M-9-X-P-W-T-D-8-H-J-C",
        ] {
            assert_eq!(normal(typed), code, "{typed}");
        }
    }

    #[test]
    fn what_cannot_be_a_code_is_refused() {
        let long = format!("1100-2M9X-PWTD-8HJC{}", " ".repeat(MAX_TYPED));
        for typed in [
            "",
            "1100-2M9X-PWTD-8HJ",
            "1100-2M9X-PWTD-8HJCC",
            "1100-2M9X-PWTD-8HJU",
            "1100-2M9X-PWTD-8HJ_",
            "1100-2M9X-PWTD-8HJ\u{FF11}",
            "1100-2M9X-PWTD-8HJ\u{131}",
            &long,
        ] {
            assert_eq!(normal(typed), None, "{typed}");
        }
    }

    proptest! {
        #[test]
        fn a_code_is_its_own_normal_form(random: [[u8; 16]; COUNT]) {
            for code in codes(&random) {
                prop_assert_eq!(normal(&code), Some(code.clone()));
                prop_assert_eq!(normal(&code.to_lowercase().replace('-', " ")), Some(code));
            }
        }

        #[test]
        fn anything_may_be_typed(typed in ".*") {
            if let Some(code) = normal(&typed) {
                prop_assert_eq!(normal(&code), Some(code.clone()));
            }
        }
    }
}
