//! How easily a new password is guessed: lists of stolen passwords, words, names, keyboard patterns, dates and what
//! belongs to the account (NIST SP 800-63B-4 §3.1.1.2, ASVS 5.0 6.2.4 and 6.2.11), estimated by zxcvbn.
//!
//! Its length is judged in `core`. It asks nobody: whether a password was stolen lately is not known here.

use cloakroom_core::secret::Password;
use zxcvbn::feedback::Warning;
use zxcvbn::matching::patterns::MatchPattern;
use zxcvbn::{Entropy, zxcvbn};

/// Long phrases that everybody knows and that zxcvbn takes for words in a row; letters and digits only.
const KNOWN_PHRASES: &[&str] = &[
    "allyourbasearebelongtous",
    "correcthorsebatterystaple",
    "elementarymydearwatson",
    "happybirthdaytoyou",
    "houstonwehaveaproblem",
    "livelongandprosper",
    "loremipsumdolorsitamet",
    "lukeiamyourfather",
    "maytheforcebewithyou",
    "mynameisinigomontoya",
    "mysupersecretpassword",
    "nevergonnagiveyouup",
    "oneringtorulethemall",
    "openthepodbaydoorshal",
    "rosesareredvioletsareblue",
    "supercalifragilisticexpialidocious",
    "thequickbrownfox",
    "thequickbrownfoxjumps",
    "thequickbrownfoxjumpsoverthelazydog",
    "theyseemerollin",
    "thisismysecretpassword",
    "thispasswordissecure",
    "tobeornottobe",
    "tobeornottobethatisthequestion",
    "youshallnotpass",
];
/// Guesses, as a power of ten, that a password must withstand: what zxcvbn calls very unguessable.
const ENOUGH: f64 = 10.0;
/// The time of an estimate grows faster than the text: at most 2 ms for 40 characters, 6 ms for 64. What stands behind
/// can only make a password stronger.
const LOOKED_AT: usize = 40;
/// How many context words are looked at, and how short and how long one may be, in characters.
const WORDS_AT_MOST: usize = 24;
const SHORTEST_WORD: usize = 3;
const LONGEST_WORD: usize = 64;
/// What zxcvbn reads as another letter (its `L33T_TABLE`). It tries all combinations of all symbols in the text: 64
/// characters that hold every one of them take it half a second.
const DISGUISES: &[&str] = &["4@", "8", "({[<", "3", "69", "1!|", "1|7", "0", "$5", "+7", "%", "2"];
/// With more combinations than this, symbols that stand for the same letter are made one.
const MOST_READINGS: usize = 8;

/// Why a password is easily guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    /// It is one that many people have.
    #[error("is on lists of stolen passwords")]
    Stolen,
    /// It is made of such, or of frequent words, with little around or changed.
    #[error("is put together from words and passwords that are tried first")]
    Common,
    /// It is keys side by side.
    #[error("is a row or a pattern of keys")]
    Keyboard,
    /// It is one short piece over and over.
    #[error("repeats one short piece")]
    Repeated,
    /// It goes on by a rule, such as `abcdef`.
    #[error("is a sequence such as abc or 6543")]
    Sequence,
    /// It is a date or a year, with little around.
    #[error("is a date or a year with little around it")]
    Date,
    /// It is a name, with little around.
    #[error("is a name with little around it")]
    Name,
    /// It is made of the address, or of the name of this site.
    #[error("contains the email address or the name of this site")]
    Personal,
    /// It is too short for how it is made.
    #[error("takes too few guesses")]
    Guessable,
}

/// Judges a new password. `words` are what somebody who knows the account tries first: the address, the name of the
/// site and of the product. The first 24 of at least 3 characters count, and the parts of each.
///
/// Of the password the first 40 characters are looked at, which bounds the time to less than 5 ms of a
/// processor.
pub fn judge(password: &Password, words: &[&str]) -> Result<(), Weak> {
    if is_known_phrase(password.reveal()) {
        return Err(Weak::Stolen);
    }
    let text = plain(&password.reveal().chars().take(LOOKED_AT).collect::<String>());
    let words = split(words);
    let inputs: Vec<&str> = words.iter().map(String::as_str).collect();
    let estimate = zxcvbn(&text, &inputs);
    if estimate.guesses_log10() < ENOUGH {
        return Err(reason(&estimate, &words));
    }
    if let Some((piece, times)) = repeated(&text) {
        // Saying it again costs a guesser nothing but the number of times.
        if is_known_phrase(&piece) || zxcvbn(&piece, &inputs).guesses_log10() + times.log10() < ENOUGH {
            return Err(Weak::Repeated);
        }
    }
    Ok(())
}

/// The text, with fewer disguises of a letter where zxcvbn would try too many.
fn plain(text: &str) -> String {
    let readings = |symbols: &&str| symbols.chars().filter(|symbol| text.contains(*symbol)).count().max(1);
    if DISGUISES.iter().map(readings).product::<usize>() <= MOST_READINGS {
        return text.to_owned();
    }
    let canonical = |symbol| match symbol {
        '@' => '4',
        '{' | '[' | '<' => '(',
        '!' | '|' => '1',
        '$' => '5',
        '+' => '7',
        other => other,
    };
    text.chars().map(canonical).collect()
}

/// Whether it is a known phrase, however it is spaced and capitalised, with digits before or behind.
fn is_known_phrase(text: &str) -> bool {
    let letters: String = text.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    KNOWN_PHRASES.contains(&letters.trim_matches(|char: char| char.is_ascii_digit()))
}

/// Every word in small letters with its parts, each once.
fn split(words: &[&str]) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for word in words {
        let word: String = word.chars().take(LONGEST_WORD).flat_map(char::to_lowercase).collect();
        let pieces = word.split(|char: char| !char.is_alphanumeric());
        for part in std::iter::once(word.as_str()).chain(pieces) {
            if parts.len() < WORDS_AT_MOST
                && part.chars().count() >= SHORTEST_WORD
                && !parts.iter().any(|known| known == part)
            {
                parts.push(part.to_owned());
            }
        }
    }
    parts
}

/// The shortest piece that the text says at least twice, with up to three characters between, and how often.
fn repeated(text: &str) -> Option<(String, f64)> {
    let letters: Vec<char> = text.to_lowercase().chars().collect();
    let repeats = |period: &usize| letters.iter().zip(letters.iter().skip(*period)).all(|(one, other)| one == other);
    let period = (1..=letters.len().midpoint(3)).filter(|period| *period < letters.len()).find(repeats)?;
    let times = u8::try_from(letters.len().div_ceil(period)).unwrap_or(u8::MAX);
    // Where the second one is the last, what stands between does not belong to the piece.
    let piece = period.min(letters.len() - period);
    Some((text.chars().take(piece).collect(), f64::from(times)))
}

/// What is the matter: a word of the account anywhere, or what the longest part that zxcvbn recognised is.
fn reason(estimate: &Entropy, words: &[String]) -> Weak {
    let is_personal = |pattern: &MatchPattern| matches!(pattern, MatchPattern::Dictionary(found) if words.contains(&found.matched_word));
    if estimate.sequence().iter().any(|part| is_personal(&part.pattern)) {
        return Weak::Personal;
    }
    let Some(longest) = estimate.sequence().iter().max_by_key(|part| part.token.chars().count()) else {
        return Weak::Guessable;
    };
    match estimate.feedback().and_then(zxcvbn::feedback::Feedback::warning) {
        Some(Warning::ThisIsATop10Password | Warning::ThisIsATop100Password | Warning::ThisIsACommonPassword) => {
            return Weak::Stolen;
        }
        Some(Warning::NamesAndSurnamesByThemselvesAreEasyToGuess | Warning::CommonNamesAndSurnamesAreEasyToGuess) => {
            return Weak::Name;
        }
        // The rest is what the pattern says, for which zxcvbn has a warning only for the weaker half.
        _ => {}
    }
    match longest.pattern {
        MatchPattern::Dictionary(_) => Weak::Common,
        MatchPattern::Spatial(_) => Weak::Keyboard,
        MatchPattern::Repeat(_) => Weak::Repeated,
        MatchPattern::Sequence(_) => Weak::Sequence,
        MatchPattern::Regex(_) | MatchPattern::Date(_) => Weak::Date,
        MatchPattern::BruteForce => Weak::Guessable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &[&str] = &["ann.miller@example.com", "Cloakroom"];

    fn judged(password: &str) -> Result<(), Weak> {
        judge(&Password::new(password.into()).unwrap(), WORDS)
    }

    #[test]
    fn passphrases_and_random_passwords_pass() {
        for password in [
            "correct horse battery",
            "a quiet lighthouse keeper",
            "пароль из пяти слов",
            "tausendundeine nacht am see",
            "xK9#mQ2pLw7!",
            "kvcmtiwrqzbe",
            "4@8({[<369|!10$5+7%2kQ",
        ] {
            assert_eq!(judged(password), Ok(()), "{password}");
        }
    }

    #[test]
    fn asvs_6_2_4_what_is_tried_first_is_refused_and_the_reason_is_told() {
        let rows = [
            ("password", Weak::Stolen),
            ("1qaz2wsx3edc4rfv", Weak::Stolen),
            ("P@ssw0rd", Weak::Common),
            ("Password123456!", Weak::Common),
            ("iloveyou1234567890", Weak::Common),
            ("monkeydragonmaster", Weak::Common),
            ("thisismypassword", Weak::Common),
            ("sunshine princess", Weak::Common),
            ("christopherrobinson", Weak::Name),
            ("asdfghjkl;'asdfg", Weak::Keyboard),
            ("abcdefghijklmnop", Weak::Sequence),
            ("11/20/1991 1985", Weak::Date),
            ("qhzv", Weak::Guessable),
        ];
        for (password, reason) in rows {
            assert_eq!(judged(password), Err(reason), "{password}");
        }
        // A sequence, or two stolen passwords: of two readings as cheap as each other zxcvbn tells either.
        assert!(judged("123456789012345").is_err());
    }

    #[test]
    fn asvs_6_2_11_words_of_the_account_and_the_site_are_refused() {
        for password in ["ann.miller@example.com2024", "Welcome2Cloakroom!", "cl0akr00m2026", "miller.ann.1"] {
            assert_eq!(judged(password), Err(Weak::Personal), "{password}");
        }
        let elsewhere = judge(&Password::new("ann.miller@example.com2024".into()).unwrap(), &[]);
        assert_eq!(elsewhere, Ok(()));
    }

    #[test]
    fn a_weak_password_does_not_become_strong_by_saying_it_twice() {
        for password in [
            "password1password1",
            "passwordpassword1",
            "letmeinletmeinletmein",
            "xK9#mQ2pxK9#mQ2p",
            "xK9#mQ2p xK9#mQ2p",
            "xK9#mQ2p - xK9#mQ2p",
            "xk9#mq2pXK9#MQ2P",
            "cloakroom cloakroom 2026",
        ] {
            assert_eq!(judged(password), Err(Weak::Repeated), "{password}");
        }
        assert_eq!(judged("kvcmtiwrqzbe kvcmtiwrqzbe"), Ok(()));
    }

    #[test]
    fn known_phrases_are_refused_and_none_is_listed_that_zxcvbn_refuses() {
        for phrase in KNOWN_PHRASES {
            assert_eq!(judged(phrase), Err(Weak::Stolen), "{phrase}");
            assert!(zxcvbn(phrase, &[]).guesses_log10() >= ENOUGH, "{phrase} needs no row");
        }
        assert_eq!(judged("Correct Horse Battery Staple 1"), Err(Weak::Stolen));
        assert_eq!(judged("To be, or not to be: that is the question"), Err(Weak::Stolen));
        assert_eq!(judged("correct horse battery staples"), Ok(()));
    }

    #[test]
    fn only_the_beginning_of_a_long_password_is_looked_at() {
        assert_eq!(judged(&format!("{}xK9#mQ2pLw7!", "a".repeat(LOOKED_AT))), Err(Weak::Repeated));
        assert_eq!(judged(&format!("xK9#mQ2pLw7!{}", "a".repeat(1000))), Ok(()));
    }

    #[test]
    fn the_readings_of_disguised_letters_are_bounded() {
        let all: String = DISGUISES.concat();
        let left = plain(&all);
        let readings = |symbols: &&str| symbols.chars().filter(|symbol| left.contains(*symbol)).count().max(1);
        assert!(DISGUISES.iter().map(readings).product::<usize>() <= MOST_READINGS, "{left}");
        // Where there are few, nothing is changed: these are the keys 1 to 8 with Shift.
        assert_eq!(plain("!@#$%^&*"), "!@#$%^&*");
        assert_eq!(plain("p@$$word!"), "p@$$word!");
    }

    #[test]
    fn context_words_are_split_and_bounded() {
        assert_eq!(
            split(&["Ann.Miller@Example.com", "ann", "X"]),
            ["ann.miller@example.com", "ann", "miller", "example", "com"]
        );
        let many: Vec<String> = (100..200).map(|number| number.to_string()).collect();
        assert_eq!(split(&many.iter().map(String::as_str).collect::<Vec<_>>()).len(), WORDS_AT_MOST);
        assert_eq!(split(&["x".repeat(1000).as_str()]), ["x".repeat(LONGEST_WORD)]);
    }
}
