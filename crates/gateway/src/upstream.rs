//! What an operator says about one upstream. Values only; [`crate::Routes::new`] judges them.

use std::time::Duration;

use url::Url;

use crate::step_up::StepUpRule;

/// Who may pass. The gate decides; the gateway itself only uses it to know which answers are personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody. A client's own `Authorization` passes through to the upstream, because such an upstream does its own
    /// checking (Basic, an API key); identity headers are removed here too.
    Public,
    /// Only requests of a living session.
    SignedIn,
    /// Everybody; who is signed in is named to the upstream.
    Optional,
}

/// Who decides how answers are cached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CachePolicy {
    /// Answers of routes that know sessions get `Cache-Control: no-store`.
    #[default]
    NoStore,
    /// The upstream's `Cache-Control` stays; `Vary: Cookie` is added on routes that know sessions.
    Upstream,
}

/// Times that differ from [`crate::Limits`] for one upstream; `None` means the general limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// See [`crate::Limits::connect_for`].
    pub connect_for: Option<Duration>,
    /// See [`crate::Limits::answer_for`].
    pub answer_for: Option<Duration>,
    /// See [`crate::Limits::idle_for`].
    pub idle_for: Option<Duration>,
}

/// One upstream and the requests that go there.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// What logs and metrics call it.
    pub name: String,
    /// The request's host that it serves: lower case, no port. `None` serves every host that no other route names.
    pub host: Option<String>,
    /// The prefix that it serves, matched at segment boundaries: `/api` serves `/api` and `/api/x`, not `/apix`.
    /// `/` serves everything.
    pub path: String,
    /// Whether the prefix is cut off before forwarding; the upstream then learns it from `X-Forwarded-Prefix`.
    pub strip_prefix: bool,
    /// An `http` or `https` origin with an optional base path that is put before the forwarded path. `None`: nothing is
    /// forwarded there; its requests are only judged, for another proxy that carries them ([`crate::Gateway::judge`]).
    pub to: Option<Url>,
    /// Who may pass.
    pub access: Access,
    /// The `aud` of tokens that are made for it. The gateway only hands it to the gate.
    pub audience: String,
    /// Whose access token it gets instead of one for its audience: a name of the gate's. The gateway only hands it to the gate.
    pub token_from: Option<String>,
    /// Who decides how its answers are cached.
    pub cache: CachePolicy,
    /// Whether the upstream gets the client's `Host` instead of its own authority.
    pub preserve_host: bool,
    /// Times that differ from the general limits.
    pub timeouts: Timeouts,
    /// Calls that need an approval of their own, whatever `access` says; the first that applies is handed to the gate.
    pub step_up: Vec<StepUpRule>,
    /// Whether it is told the address of whoever it is. The gateway only hands it to the gate.
    pub tells_address: bool,
}

impl Upstream {
    /// An upstream for every host, with the prefix kept, answers not stored, and the general time limits.
    pub fn new(name: impl Into<String>, path: impl Into<String>, to: Url, access: Access) -> Self {
        Self { to: Some(to), ..Self::elsewhere(name, path, access) }
    }

    /// The same, to which nothing is forwarded from here.
    pub fn elsewhere(name: impl Into<String>, path: impl Into<String>, access: Access) -> Self {
        let name = name.into();
        Self {
            audience: name.clone(),
            token_from: None,
            name,
            host: None,
            path: path.into(),
            strip_prefix: false,
            to: None,
            access,
            cache: CachePolicy::NoStore,
            preserve_host: false,
            timeouts: Timeouts::default(),
            step_up: Vec::new(),
            tells_address: false,
        }
    }
}
