//! Clients as they are written, beside the rest in `raw.rs`.

#![expect(clippy::doc_markdown, reason = "these comments are read by operators, in the schema and the reference")]

use schemars::JsonSchema;
use serde::Deserialize;

/// A service that gets tokens at /auth/token, for itself or on behalf of a person.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Client {
    /// Its client_id: 1 to 64 lower-case letters, digits, "-", "." and "_", the first one a letter. Required.
    pub id: Option<String>,
    /// What people call it. Default: id.
    pub name: Option<String>,
    /// Its secret, 32 to 256 characters. Better in a file, and better still a key: jwks_file.
    pub secret: Option<String>,
    /// A file with that secret, in one line.
    pub secret_file: Option<String>,
    /// A file with its public keys (a JSON Web Key Set), each with a kid: it proves itself by what it signs (private_key_jwt).
    pub jwks_file: Option<String>,
    /// Where it publishes those keys itself: https, or http on this machine.
    pub jwks_uri: Option<String>,
    /// Certificates (PEM) of the private authority that jwks_uri is from. Default: the authorities that this machine trusts.
    pub ca_file: Option<String>,
    /// How it may get tokens: "client_credentials", "jwt-bearer", "token-exchange". Required.
    pub grants: Option<Vec<String>>,
    /// Which audiences it may get tokens for. Required.
    pub audiences: Option<Vec<String>>,
    /// What for, at most. Default: none.
    pub scopes: Option<Vec<String>>,
    /// Which audience it is itself: tokens for it are what it may exchange and introspect. Required for "token-exchange".
    pub audience: Option<String>,
}
