//! Every check, as data. Each has a file of its own: `run` asks what is to be asked, a pure function judges what came.
//! The heading of the same name in `docs/operate/doctor.md` explains it.

mod admin;
mod caching;
mod compression;
mod cookies;
mod cors;
mod forwarded;
mod headers;
mod hsts;
mod leaks;
mod methods;
mod paths;
mod public_url;
mod redirect;
mod sizes;
mod skew;
mod streams;
pub(crate) mod tls;

use crate::finding::Judged;
use crate::visit::Visit;
use std::pin::Pin;

/// A check.
pub(crate) struct Check {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) run: for<'a> fn(&'a Visit) -> Running<'a>,
}

type Running<'a> = Pin<Box<dyn Future<Output = Judged> + Send + 'a>>;

/// What a check is called and looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// Stable name, for [`Options::skip`](crate::Options::skip).
    pub id: &'static str,
    /// What it looks at, in a few words.
    pub title: &'static str,
}

/// Every check, in the order of reports.
pub fn listed() -> impl Iterator<Item = Listed> {
    CHECKS.iter().map(|check| Listed { id: check.id, title: check.title })
}

macro_rules! checks {
    ($($module:ident $way:ident $id:literal $title:literal;)*) => {
        &[$(Check { id: $id, title: $title, run: checks!(@ $way $module) },)*]
    };
    // Judges what the visit has shown.
    (@ judges $module:ident) => { |visit| Box::pin(std::future::ready($module::run(visit))) };
    // Asks for more.
    (@ asks $module:ident) => { |visit| Box::pin($module::run(visit)) };
}

/// The checks, what decides about others first.
pub(crate) static CHECKS: &[Check] = checks! {
    tls         judges "tls"         "TLS and the certificate";
    public_url  asks   "public-url"  "Whether server.public_url is this origin";
    redirect    asks   "redirect"    "Plain http leads to https";
    hsts        judges "hsts"        "Strict-Transport-Security";
    cookies     judges "cookies"     "Cookies, as the proxy passes them on";
    headers     judges "headers"     "Headers that protect pages";
    cors        asks   "cors"        "Whether other sites may read answers";
    caching     judges "caching"     "Whether answers are kept on the way";
    compression judges "compression" "Compression of pages with secrets";
    leaks       judges "leaks"       "What headers tell about the software";
    streams     asks   "streams"     "Whether event streams are held back";
    forwarded   asks   "forwarded"   "Who is believed about the client's address";
    skew        judges "clock"       "The clock of the server";
    admin       asks   "admin"       "Whether the admin listener can be reached";
    methods     asks   "methods"     "Whether TRACE is refused";
    sizes       asks   "header-size" "How large headers may be";
    paths       asks   "paths"       "Whether paths arrive as they were sent";
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_is_explained_under_a_heading_of_its_name() {
        let document = include_str!("../../../../docs/operate/doctor.md");
        for Listed { id, title } in listed() {
            assert!(document.lines().any(|line| line == format!("## {id}")), "{id}: {title}");
        }
    }
}
