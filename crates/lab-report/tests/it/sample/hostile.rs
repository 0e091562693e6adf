//! A run in which everything that is text wants to be a program, names included.

use cloakroom_lab_report::Run;
use serde_json::Value;

use super::evidence::HOSTILE;

const NAMES: [&str; 6] = ["id", "browser", "strategy", "attack", "usability", "group"];
/// Words of the format: with others it would be no run.
const FORMAT: [&str; 8] =
    ["schema", "verdict", "unstable", "with", "without", "who", "third_party_cookies", "screenshot"];

/// The same run with hostile texts and names.
pub(crate) fn hostile(run: &Run) -> Run {
    let mut value = serde_json::to_value(run).unwrap();
    spoil(&mut value, &mut HOSTILE.iter().cycle());
    serde_json::from_value(value).unwrap()
}

fn spoil<'a>(value: &mut Value, hostile: &mut impl Iterator<Item = &'a &'a str>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    _ if FORMAT.contains(&&**name) => {}
                    // Each name stays the same name wherever it is used.
                    Value::String(text) if NAMES.contains(&&**name) => {
                        text.push_str("\"'><script>window.owned=30</script>");
                    }
                    field => spoil(field, hostile),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| spoil(item, hostile)),
        Value::String(text) => {
            text.push_str(hostile.next().unwrap());
            text.insert_str(0, hostile.next().unwrap());
        }
        _ => {}
    }
}
