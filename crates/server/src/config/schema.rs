//! The JSON Schema of the configuration, made from the types that read it.

use super::raw::Raw;

/// The schema as pretty-printed JSON with a line feed at its end, the same on every machine.
pub fn json_schema() -> String {
    let mut schema = schemars::schema_for!(Raw);
    schema.insert("title".into(), "cloakroom.toml".into());
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}
