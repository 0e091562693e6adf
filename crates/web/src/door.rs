//! Which of the site's origins a request came to: the public one, or that of approvals. Nothing of the application is ever
//! served on the latter, so no script of it can read or drive a page there.

use crate::navigation::text;
use crate::{Response, Site, Web};
use http::header::HOST;
use http::request::Parts;

/// The host that a request asks for, without its port: of the target where it names one (HTTP/2, absolute form), else of
/// the one `Host` field.
pub(crate) fn host_of(request: &Parts) -> &str {
    let authority = request.uri.authority().map(http::uri::Authority::as_str);
    let authority = authority.or_else(|| text(&request.headers, HOST.as_str())).unwrap_or_default();
    host_name(authority)
}

/// A host without its port.
pub(crate) fn host_name(authority: &str) -> &str {
    let name = authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    name.map_or(authority, |(name, _)| name)
}

/// An origin of the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// What people type to come here.
    Public,
    /// Where they approve.
    Approval,
}

/// Where somebody who is on this host can begin a log-in at a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// On this host.
    Here,
    /// On the public one; the session is then good on this host, too.
    OverThere,
    /// On the public one, to stay there: this is another name of the same machine.
    OnlyThere,
    /// The session would be of no use here.
    Nowhere,
}

impl Web {
    /// Where somebody begins a log-in at a provider who is on the host of this request.
    pub(crate) fn beginning(&self, request: &Parts) -> Beginning {
        let host = host_of(request);
        if self.site.is_named(host) {
            Beginning::Here
        } else if self.site.sibling(host).is_some() {
            Beginning::OverThere
        } else if self.site.is_listed(host) {
            Beginning::Nowhere
        } else {
            Beginning::OnlyThere
        }
    }

    /// By which door a request comes, by the host that it asks for.
    pub(crate) fn door(&self, request: &Parts) -> Door {
        self.door_of(host_of(request))
    }

    /// The door of a host name.
    pub(crate) fn door_of(&self, host: &str) -> Door {
        let approval = self.approval_site.as_ref().is_some_and(|site| site.is_named(host));
        if approval { Door::Approval } else { Door::Public }
    }

    /// The site as it is behind a door.
    pub(crate) fn site_at(&self, door: Door) -> &Site {
        match (door, &self.approval_site) {
            (Door::Approval, Some(site)) => site,
            _ => &self.site,
        }
    }

    /// The origin on which approvals happen.
    pub(crate) fn approving_origin(&self) -> &str {
        self.approval_site.as_ref().map_or(&self.site.origin, |site| &site.origin)
    }

    /// A redirect to a page of the public origin. `to` is a local path built here.
    pub(crate) fn redirect_to_public(&self, to: &str) -> Response {
        self.redirect(&format!("{}{to}", self.site.origin))
    }
}

/// Whether a path is ours to answer, exactly as it was sent.
pub fn is_own_path(path: &str) -> bool {
    let well_known = ["/.well-known/jwks.json", "/.well-known/oauth-authorization-server"];
    path == "/auth" || path.starts_with("/auth/") || well_known.contains(&path)
}

/// Whether a path is served on the origin of approvals: their pages, what those load, and reports about them.
pub(crate) fn is_for_approvals(path: &str) -> bool {
    path.starts_with("/auth/step-up/") && path != "/auth/step-up/collect"
        || path.starts_with("/auth/assets/")
        || path == "/auth/reports"
}

impl Site {
    /// The same site on the origin of approvals: no other origin is trusted there, and there are no slots.
    pub(crate) fn for_approvals(&self) -> Option<Self> {
        let origin = self.approval_origin.clone()?;
        Some(Self {
            origin,
            approval_origin: None,
            hosts: vec![],
            trusted_origins: vec![],
            readers: None,
            slots: 1,
            ..self.clone()
        })
    }
}
