//! How the banks of the strategies differ in anything but the place of the credential.

use crate::ask::Shape;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Pages come with the profile in them: a visit carries the credential, which is in a cookie. Works without script.
    Rendered,
    /// `GET /logout` logs out, as the link in the tutorials' navigation bars does.
    LogOutByVisit,
    /// Every request to `/api/` must carry `X-CSRF: 1`, which another site can send only after a preflight that nobody
    /// answers (OAuth 2.0 for Browser-Based Applications §6.1.3.3.3).
    StaticHeader,
    /// Every body that could be fields is taken: `express.json({ type: "*/*" })` and a parser of multipart forms.
    AnyBody,
    /// `GET /api/transfer?to=&amount=` transfers.
    ChangesByGet,
    /// TRACE is answered as RFC 9110 §9.3.8 says; the servers of the tutorials have no route for it.
    EchoesTrace,
    /// The log holds whole requests, with their headers and bodies.
    LogsSecrets,
    /// The page `/profile` may lie in shared caches.
    PublicCaching,
    /// The whole address of a page is told to the sites it loads from.
    TellsReferrer,
    /// A script may serve a worker above its own folder.
    AllowsWorkers,
}

/// What the bank's framework parses. `express.json()` and `express.urlencoded()` stand at the top of nearly every
/// tutorial; `text/plain` and `multipart/form-data` are parsed by neither, so the naive rows do not take them.
pub(crate) fn shapes(manners: &[Manner]) -> &'static [Shape] {
    if manners.contains(&Manner::AnyBody) {
        &[Shape::Json, Shape::UrlEncoded, Shape::Plain, Shape::Multipart]
    } else {
        &[Shape::Json, Shape::UrlEncoded]
    }
}
