//! Reading a table into [`Raw`] without stopping at the first mistake: what cannot be read is noted, taken out, and the
//! rest is read again.

use super::Mistake;
use super::raw::Raw;
use serde_path_to_error::Segment;

/// Each round takes one key out, so a table of any size ends; a file with more mistakes is not a configuration.
const MOST: usize = 100;

/// Reads what can be read.
pub(super) fn forgiving(table: toml::Table, mistakes: &mut Vec<Mistake>) -> Raw {
    let mut value = toml::Value::Table(table);
    for _ in 0..MOST {
        match serde_path_to_error::deserialize::<_, Raw>(value.clone()) {
            Ok(raw) => return raw,
            Err(error) => {
                let mut path: Vec<Segment> = error.path().iter().cloned().collect();
                let message = error.inner().message().to_owned();
                // An unknown key is named in the message only; the path ends at its table.
                let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
                if let Some(key) = unknown
                    && !matches!(path.last(), Some(Segment::Map { key: last }) if last == key)
                {
                    path.push(Segment::Map { key: key.to_owned() });
                }
                mistakes.push(Mistake::new(written(&path), reason(&message)));
                if !take_out(&mut value, &path) {
                    return Raw::default();
                }
            }
        }
    }
    Raw::default()
}

fn written(path: &[Segment]) -> String {
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                text.push('[');
                text.push_str(&index.to_string());
                text.push(']');
            }
            Segment::Map { key } | Segment::Enum { variant: key } => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(key);
            }
            Segment::Unknown => {}
        }
    }
    text
}

/// serde's words without the value: a value may be a secret in the wrong place.
fn reason(message: &str) -> String {
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let known = rest.split_once("expected").map_or("", |(_, known)| known.trim());
        return format!("there is no such key; known here: {}", known.trim_start_matches("one of ").replace('`', ""));
    }
    if let Some(rest) = message.strip_prefix("invalid type: ") {
        let found = rest.split([' ', ',']).next().unwrap_or_default();
        let expected = rest.rsplit_once("expected ").map_or("another type", |(_, expected)| expected);
        return format!("this is a {found}, but it must be {expected}");
    }
    "this value cannot be read".to_owned()
}

fn take_out(value: &mut toml::Value, path: &[Segment]) -> bool {
    let Some((last, parents)) = path.split_last() else { return false };
    let mut at = value;
    for segment in parents {
        let next = match segment {
            Segment::Map { key } | Segment::Enum { variant: key } => at.get_mut(key.as_str()),
            Segment::Seq { index } => at.get_mut(*index),
            Segment::Unknown => None,
        };
        let Some(next) = next else { return false };
        at = next;
    }
    match (last, at) {
        (Segment::Map { key }, toml::Value::Table(table)) => table.remove(key).is_some(),
        (Segment::Seq { index }, toml::Value::Array(items)) if *index < items.len() => {
            items.remove(*index);
            true
        }
        _ => false,
    }
}
