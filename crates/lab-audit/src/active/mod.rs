//! What is only tried when it was asked for: requests as another site would make them, redirects that lead away, origins that
//! may read. All of it acts with the account that is logged in, and what it changes is changed.

mod cors;
mod forge;
mod redirect;

use anyhow::Result;
use cloakroom_browser::Page;

use crate::finding::Finding;
use crate::proxy::Proxy;
use crate::seen::Seen;

/// What came of trying.
pub(crate) struct Tried {
    pub(crate) findings: Vec<Finding>,
    /// The requests that were forged, as evidence shows them.
    pub(crate) forged: Vec<String>,
}

/// Tries everything, in a page of the jar that is logged in.
pub(crate) async fn all(page: &Page, proxy: &Proxy, seen: &Seen) -> Result<Tried> {
    let mut findings = cors::tried(proxy, seen).await;
    findings.extend(redirect::tried(page, proxy, seen).await?);
    let (found, forged) = forge::tried(page, proxy, seen).await?;
    findings.extend(found);
    Ok(Tried { findings, forged })
}
