//! The fields of a body that are shown to who approves it. What is shown must be what the application reads, so a body that two
//! readers could read differently is none: a member twice, or another whose name differs in letter case alone (Go's decoder takes
//! either), no UTF-8, a byte order mark.

use cloakroom_jose::is_strict_object;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Longer values are cut, with a mark that they were, in characters.
const MAX_VALUE: usize = 300;

/// Names and values of these fields, in their order; a name with dots leads into objects. A field that is not there is shown as
/// missing. `None` when the body cannot be shown truthfully.
pub(super) fn fields(body: &[u8], show: &[String]) -> Option<Vec<(String, String)>> {
    if !is_strict_object(body) {
        return None;
    }
    let body = serde_json::from_slice::<&RawValue>(body).ok()?;
    show.iter().map(|name| Some((name.clone(), field(body, name)?))).collect()
}

fn field(body: &RawValue, name: &str) -> Option<String> {
    let mut at = body;
    for step in name.split('.') {
        let Ok(members) = serde_json::from_str::<BTreeMap<String, &RawValue>>(at.get()) else {
            return Some("(not there)".to_owned());
        };
        let alike = |other: &str| other != step && fold(other) == fold(step);
        if members.keys().any(|other| alike(other)) {
            return None;
        }
        match members.get(step) {
            Some(value) => at = value,
            None => return Some("(not there)".to_owned()),
        }
    }
    let text = match serde_json::from_str::<String>(at.get()) {
        Ok(text) => text,
        // Numbers and the rest exactly as they were written: no reader's rounding comes between.
        Err(_) => at.get().to_owned(),
    };
    Some(visible(&text))
}

fn fold(name: &str) -> String {
    name.to_uppercase().to_lowercase()
}

/// What a person sees is what there is: nothing that turns or hides text stays.
pub(super) fn visible(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(
                c,
                '\u{00AD}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            )
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}')
            || matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
    };
    let mut shown: String = text.chars().take(MAX_VALUE).map(|c| if hidden(c) { '\u{FFFD}' } else { c }).collect();
    let rest = text.chars().count().saturating_sub(MAX_VALUE);
    if rest > 0 {
        shown = format!("{shown}\u{2026} ({rest} more characters)");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &str, show: &[&str]) -> Option<Vec<String>> {
        let show: Vec<_> = show.iter().map(ToString::to_string).collect();
        Some(fields(body.as_bytes(), &show)?.into_iter().map(|(_, value)| value).collect())
    }

    #[test]
    fn what_is_shown_is_what_is_sent() {
        let body = r#"{"to":"bob","amount":10000000000000000000.10,"more":{"iban":"DE1"},"list":[1,2]}"#;
        assert_eq!(
            shown(body, &["to", "amount", "more.iban", "list", "none", "to.x"]).unwrap(),
            ["bob", "10000000000000000000.10", "DE1", "[1,2]", "(not there)", "(not there)"]
        );
        let turned = format!("{{\"to\":\"a\\u202eb\\n\",\"long\":\"{}\"}}", "x".repeat(400));
        let values = shown(&turned, &["to", "long"]).unwrap();
        assert_eq!(values[0], "a\u{FFFD}b\u{FFFD}");
        assert!(values[1].ends_with("x\u{2026} (100 more characters)"));
    }

    #[test]
    fn what_two_readers_could_read_differently_is_not_shown() {
        for body in [
            r#"{"amount":1,"amount":1000}"#,
            r#"{"amount":1,"Amount":1000}"#,
            r#"{"amount":1,"\u0061mount":1000}"#,
            r#"{"more":{"iban":"a","IBAN":"b"},"amount":1}"#,
            "\u{FEFF}{\"amount\":1}",
            r#"[{"amount":1}]"#,
            r#"{"amount":1} {"amount":2}"#,
            "amount=1",
            "",
        ] {
            assert_eq!(shown(body, &["amount", "more.iban"]), None, "{body}");
        }
    }
}
