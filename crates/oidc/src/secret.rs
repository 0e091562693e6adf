//! Text that grants something to whoever holds it: tokens of a provider, the secret of a client.

/// A secret text. No `Debug`, no `Display`, no `==`:
///
/// ```compile_fail,E0277
/// println!("{:?}", cloakroom_oidc::Secret::new("s3cret".to_owned()));
/// ```
pub struct Secret(String);

impl Secret {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Looks at the secret. Each call is a place to ask whether it can end in a log line.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}
