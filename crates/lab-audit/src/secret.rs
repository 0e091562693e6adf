//! Recognises what could be a credential in text, and says of it only what may be shown: four characters, the length, the
//! kind, and the names of claims. Whether it is one is judged by who finds it.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// Text beyond this is not searched.
pub(crate) const LONGEST_TEXT: usize = 2 << 20;
/// Words beyond this are pictures, not credentials.
const LONGEST_WORD: usize = 8 << 10;
/// Least characters of a word that is taken for random: 22 of base64url are 131 bits.
const SHORTEST_WORD: usize = 20;

/// What a word looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A signed token in three parts whose header names an algorithm (RFC 7515).
    Jwt,
    /// An encrypted one in five parts (RFC 7516).
    Jwe,
    /// Nothing but a word that nobody would make up.
    Random,
}

/// A word that looks like a credential.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Found {
    pub(crate) kind: Kind,
    pub(crate) word: String,
}

impl Found {
    /// What may be shown of it.
    pub(crate) fn shown(&self) -> String {
        let start: String = self.word.chars().take(4).collect();
        let length = self.word.chars().count();
        let kind = match self.kind {
            Kind::Jwt => "JWT",
            Kind::Jwe => "encrypted JWT",
            Kind::Random => "random word",
        };
        let claims = claims(&self.word);
        let claims = if claims.is_empty() { String::new() } else { format!(", claims {}", claims.join(" ")) };
        format!("{start}… ({kind}, {length} characters{claims})")
    }
}

/// Everything in a text that looks like a credential, without repetition.
pub(crate) fn find(text: &str) -> Vec<Found> {
    let mut end = text.len().min(LONGEST_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = text.get(..end).unwrap_or_default();
    let words = text.split(|char: char| !(char.is_ascii_alphanumeric() || "-_.~+/=%".contains(char)));
    let mut found = BTreeSet::new();
    for word in words {
        for word in word.split('=').flat_map(|word| word.split("%20")) {
            let word = bare(word);
            if let Some(kind) = kind(word) {
                found.insert(Found { kind, word: word.to_owned() });
            }
        }
    }
    found.into_iter().collect()
}

/// A word without what can stand around it in text.
pub(crate) fn bare(word: &str) -> &str {
    word.trim_matches(['.', '=', '-', '/', '~', '%', '"'])
}

/// What a single word looks like, if it looks like a credential.
pub(crate) fn kind(word: &str) -> Option<Kind> {
    if !(SHORTEST_WORD..=LONGEST_WORD).contains(&word.len()) {
        return None;
    }
    let parts: Vec<&str> = word.split('.').collect();
    let has_header =
        parts.first().is_some_and(|header| object(header).is_some_and(|header| header.get("alg").is_some()));
    match (parts.len(), has_header) {
        (3, true) => Some(Kind::Jwt),
        (5, true) => Some(Kind::Jwe),
        _ => is_random(word).then_some(Kind::Random),
    }
}

/// Names of the claims of a signed token; empty for whatever is none.
pub(crate) fn claims(word: &str) -> Vec<String> {
    let mut parts = word.split('.');
    let (header, payload) = (parts.next().and_then(object), parts.next().and_then(object));
    match (header, payload) {
        (Some(header), Some(Value::Object(claims))) if header.get("alg").is_some() => {
            claims.keys().take(24).map(|name| name.chars().take(32).collect()).collect()
        }
        _ => Vec::new(),
    }
}

fn object(part: &str) -> Option<Value> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok().filter(Value::is_object)
}

/// Whether a word is as mixed as one that a machine drew. Paths, sentences with dashes and names in camel case are not.
fn is_random(word: &str) -> bool {
    // A way in a URL is made of words.
    if word.contains("//") || word.starts_with("http") || word.matches('/').count() > word.len() / 16 {
        return false;
    }
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let letters = word.chars().filter(char::is_ascii_alphabetic).count();
    if digits < 2 || letters < 2 || word.matches(['.', '%', '_', '-']).count() > word.len() / 5 {
        return false;
    }
    let hex = word.chars().all(|char| char.is_ascii_hexdigit() || char == '-');
    if hex { word.len() >= 32 && entropy(word) >= 2.8 } else { word.len() >= SHORTEST_WORD && entropy(word) >= 3.7 }
}

/// Bits for each character, after Shannon, by how often each one stands in the word itself.
fn entropy(word: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in word.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a length of at most 8192")]
    let length = word.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / length)
        .map(|part| -part * part.log2())
        .sum()
}

/// Whether a name says that its value is a credential.
pub(crate) fn names_a_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !names_a_form_token(&name)
        && [
            "token",
            "jwt",
            "sess",
            "sid",
            "auth",
            "secret",
            "refresh",
            "bearer",
            "credential",
            "remember",
            "apikey",
            "api_key",
        ]
        .iter()
        .any(|part| name.contains(part))
}

/// Whether a name says that its value ties forms to a session; such values are made to be read by the page.
pub(crate) fn names_a_form_token(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["csrf", "xsrf", "authenticity", "verificationtoken", "form_token", "formtoken", "nonce"]
        .iter()
        .any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// {"alg":"ES256"} . {"sub":"ada","exp":1} . something
    const JWT: &str = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEiLCJleHAiOjF9.c2lnbmF0dXJl";

    #[test]
    fn a_token_is_found_in_any_text_and_shown_without_its_value() {
        for text in
            [JWT.to_owned(), format!("{{\"a\":\"{JWT}\"}}"), format!("x=1; token={JWT}; y"), format!("Bearer {JWT}.")]
        {
            let found = find(&text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            let shown = found[0].shown();
            assert_eq!((found[0].kind, shown.as_str()), (Kind::Jwt, "eyJh… (JWT, 62 characters, claims exp sub)"));
        }
    }

    #[test]
    fn random_words_are_told_from_names_and_ways() {
        for word in
            ["nJ3kq8Zb0WfR5tYc7LdX2a", "9f86d081884c7d659a2feaa0c55ad015", "3b241101-e2bb-4255-8caf-4136c566a962"]
        {
            assert_eq!(kind(word), Some(Kind::Random), "{word}");
        }
        for word in [
            "/assets/application/main-2.css",
            "https://example.com/a/b/c/d/e/f/1",
            "data-application-started-at-2024",
            "getElementsByTagNameAndClass2",
            "aaaaaaaaaaaaaaaaaaaaaaaa11111",
            "0000000000000000000000000000000000",
            "short1A",
        ] {
            assert_eq!(kind(word), None, "{word}");
        }
    }

    #[test]
    fn names_tell_credentials_from_form_tokens() {
        assert!(
            names_a_credential("access_token")
                && names_a_credential("__Host-session")
                && names_a_credential("connect.sid")
        );
        assert!(!names_a_credential("csrf_token") && !names_a_credential("theme") && names_a_form_token("XSRF-TOKEN"));
    }

    #[test]
    fn nothing_larger_than_the_bound_is_looked_at() {
        assert_eq!(kind(&"aB3".repeat(4000)), None);
        assert!(find(&format!("{} {JWT}", " ".repeat(LONGEST_TEXT))).is_empty());
    }
}
