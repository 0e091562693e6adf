//! How an expression is wrapped so that its value comes back as JSON, or the word that its document was left.

const VALUE: &str = include_str!("value.js");

/// Gives what [`crate::driver::TabDriver::evaluate`] wants.
pub(super) fn by_value(expression: &str) -> String {
    format!("({VALUE})(async () => ({expression}\n))")
}
