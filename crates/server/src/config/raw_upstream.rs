//! The applications, as they are written.

#![expect(clippy::doc_markdown, reason = "these comments are read by operators, in the schema and the reference")]

use schemars::JsonSchema;
use serde::Deserialize;

/// For a reverse proxy of your own, which asks Cloakroom about every request.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ForwardAuth {
    /// Addresses where the proxies of server.trusted_proxies ask, at /auth/verify. What is answered there has tokens in it: no
    /// browser may reach it, so never forward a request of a client there. Default: none, and nobody can ask.
    pub listen: Option<Vec<String>>,
}

/// An application behind Cloakroom.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Upstream {
    /// What the log calls it when it fails. Default: its path.
    pub name: Option<String>,
    /// The host name of requests that go there. Default: any.
    pub host: Option<String>,
    /// The path of requests that go there, with everything below it. Default: "/".
    pub path: Option<String>,
    /// Its address: `"http://127.0.0.1:3000"`. Required, but where forward_auth.listen is set: without it your own proxy carries
    /// the requests and asks whether they may pass.
    pub to: Option<String>,
    /// "public" (no session is looked at), "signed-in", or "optional" (a token if there is a session). Required.
    pub access: Option<String>,
    /// The audience of the bearer tokens that it gets. Required without "to". Default: "to" without a slash at its end.
    pub audience: Option<String>,
    /// The id of a provider whose own access token it gets in the place of one of ours, as if it spoke with the provider itself. It
    /// is kept here and renewed while the session lives; no browser sees it. Sessions that were not opened there do not pass. Not
    /// together with audience. Default: none.
    pub token_from: Option<String>,
    /// Whether "path" is cut off before forwarding. Default: false.
    pub strip_prefix: Option<bool>,
    /// Whether it gets the Host that the client sent instead of its own. Default: false.
    pub preserve_host: Option<bool>,
    /// "no-store" or "upstream": who decides how answers to signed-in people are cached. Default: "no-store".
    pub cache: Option<String>,
    /// Time until its answer begins. Default: limits.answer_for.
    pub answer_for: Option<String>,
    /// What its tokens say of a person beyond who it is: `["email"]` for `email` and `email_verified`, once the address is confirmed. Default: none.
    pub claims: Option<Vec<String>>,
    /// Calls that its user has to approve one by one, with a proof of their own. Only with access = "signed-in". Default: none.
    pub step_up: Option<Vec<StepUp>>,
    /// "required" (a session without a second factor is asked for one before it passes) or "optional". "required" only with
    /// access = "signed-in". Default: "optional".
    pub second_factor: Option<String>,
    /// Paths below this one that require a second factor although the rest does not, such as `["/admin"]`; written as people see
    /// them, from the root. Only with access = "signed-in" and without strip_prefix. Default: none.
    pub second_factor_for: Option<Vec<String>>,
}

/// Calls that need an approval.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StepUp {
    /// The method, such as "POST". Default: any.
    pub method: Option<String>,
    /// The path as people see it, below the upstream's. A last segment * is any one segment, ** everything below. Required.
    pub path: Option<String>,
    /// Fields of a JSON body that are shown to whoever approves, such as `["to", "amount"]`; "payee.name" is one inside another.
    /// At most 16. Default: none, and only method and path are shown.
    pub show: Option<Vec<String>>,
}
