//! Cookies: reading them as bytes with no mercy for ambiguity, and writing them with every attribute.
//!
//! Only SP and HTAB are trimmed: a browser sends `\u{2000}__Host-…` as it is, and a parser that trims Unicode white space
//! would take it for ours (CK-13). Two cookies of one of our names are refused: a sibling host can plant the second
//! one, and nothing tells them apart (CK-11, decision K12).

use crate::Slot;
use crate::problem::Code;
use cloakroom_app::device::MOST_DEVICES;
use cloakroom_core::time::Lifetime;
use http::HeaderMap;
use http::header::COOKIE;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

/// Names of our cookies in one slot, and the domain that those of a session are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieNames {
    secure: bool,
    slot: Slot,
    domain: Option<Arc<str>>,
}

/// `SameSite` of a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Sent on top-level navigations from other sites.
    Lax,
    /// Never sent with a request that another site caused.
    Strict,
}

// Without `Secure`; for one host; for a whole domain, where `__Host-` is refused (RFC 6265bis §4.1.3.2). What a domain does
// not need stays with its host: the device, log-ins that wait.
const ACCESS: [&str; 3] = ["cloakroom", "__Host-Http-cloakroom", "__Secure-cloakroom"];
const REFRESH: [&str; 3] = ["cloakroom-refresh", "__Secure-cloakroom-refresh", "__Secure-cloakroom-refresh"];
const DEVICE: [&str; 3] = ["cloakroom-device", "__Secure-cloakroom-device", "__Secure-cloakroom-device"];
/// The half of a token that the page can read: no `Http` in its prefix, which would keep scripts from seeing it.
const CLAIMS: [&str; 3] = ["cloakroom-claims", "__Host-cloakroom-claims", "__Secure-cloakroom-claims"];
const SIGNATURE: [&str; 3] = ["cloakroom-signature", "__Host-Http-cloakroom-signature", "__Secure-cloakroom-signature"];
/// What the names of those that wait for a provider begin with, whatever their slot (see `waiting.rs`).
const WAITING: [&str; 3] = ["cloakroom-waiting", "__Host-Http-cloakroom-waiting", "__Host-Http-cloakroom-waiting"];
const LOGGED_OUT: [&str; 3] =
    ["cloakroom-logged-out", "__Host-Http-cloakroom-logged-out", "__Host-Http-cloakroom-logged-out"];

/// The refresh cookie goes nowhere else, so no upstream and no static file ever receives it.
const REFRESH_PATH: &str = "/auth/refresh";

/// A device is remembered for as long as browsers allow (CK-01).
const DEVICE_FOR: Lifetime = Lifetime::from_secs(400 * 86_400);

impl CookieNames {
    /// With prefixes and `Secure`.
    pub const SECURE: Self = Self { secure: true, slot: Slot::FIRST, domain: None };
    /// Without them, for loopback hosts in browsers that refuse `Secure` cookies on plain http.
    pub const INSECURE_LOOPBACK: Self = Self { secure: false, slot: Slot::FIRST, domain: None };

    /// The same in another slot.
    #[must_use]
    pub fn in_slot(&self, slot: Slot) -> Self {
        Self { slot, ..self.clone() }
    }

    /// The same for every host of a domain: lower case, without a leading dot, checked by the configuration. Every one of
    /// those hosts can then read and replace what belongs to a session (RFC 6265bis §8.6).
    #[must_use]
    pub fn for_domain(self, domain: &str) -> Self {
        Self { domain: Some(domain.into()), ..self }
    }

    /// The domain that the cookies of a session are for; `None` where they belong to one host.
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    fn base(&self, [plain, of_host, of_domain]: [&'static str; 3]) -> &'static str {
        match (self.secure, &self.domain) {
            (false, _) => plain,
            (true, None) => of_host,
            (true, Some(_)) => of_domain,
        }
    }

    /// The name of a cookie; slots above 0 have their number at its end.
    fn name(&self, kind: Kind) -> String {
        self.numbered(self.base(kind.names()))
    }

    fn numbered(&self, base: &str) -> String {
        if self.slot == Slot::FIRST { base.to_owned() } else { format!("{base}{}", self.slot.number()) }
    }

    fn is(&self, kind: Kind, name: &[u8]) -> bool {
        self.is_numbered(self.base(kind.names()), name)
    }

    fn is_numbered(&self, base: &str, name: &[u8]) -> bool {
        match self.slot.number() {
            0 => name == base.as_bytes(),
            number => name.strip_prefix(base.as_bytes()) == Some(&[b'0' + number]),
        }
    }

    /// What the name of a cookie begins with, in any slot.
    pub(crate) fn base_of(&self, kind: Kind) -> &'static str {
        self.base(kind.names())
    }
}

/// Whether a cookie name is ours in any spelling that a browser or an upstream might take for it: such a cookie is
/// never forwarded to an upstream and never accepted from one.
pub fn is_own_cookie(name: &[u8]) -> bool {
    let bare = |name: &[u8]| {
        let lower = name.to_ascii_lowercase();
        let lower = lower.trim_ascii();
        let strip = |prefix: &[u8]| lower.strip_prefix(prefix).map(<[u8]>::to_vec);
        strip(b"__host-http-")
            .or_else(|| strip(b"__http-"))
            .or_else(|| strip(b"__host-"))
            .or_else(|| strip(b"__secure-"))
            .unwrap_or_else(|| lower.to_vec())
    };
    // The common case first: no cookie of ours is spelled without these letters.
    name.len() >= ACCESS[0].len() && {
        let bare = bare(name);
        [ACCESS[0], REFRESH[0], DEVICE[0], CLAIMS[0], SIGNATURE[0], WAITING[0], LOGGED_OUT[0]]
            .iter()
            .any(|own| bare.strip_prefix(own.as_bytes()).is_some_and(|rest| rest.iter().all(u8::is_ascii_digit)))
    }
}

/// The cookies of ours that a request carries. Borrowed from its headers; no `Debug`, since the values are secrets.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cookies<'a> {
    pub(crate) access: Option<&'a str>,
    pub(crate) claims: Option<&'a str>,
    pub(crate) signature: Option<&'a str>,
    pub(crate) refresh: Option<&'a str>,
    pub(crate) device: Option<&'a str>,
    /// Every value of that cookie, up to as many as are looked at.
    pub(crate) devices: [Option<&'a str>; MOST_DEVICES],
}

/// More than this in one request is refused unread, in bytes, all `Cookie` headers together.
pub const MAX_COOKIE_BYTES: usize = 16 * 1024;

impl<'a> Cookies<'a> {
    /// Reads them. Refused when the headers are larger than [`MAX_COOKIE_BYTES`], and when one of our names comes twice.
    pub(crate) fn parse(headers: &'a HeaderMap, names: &CookieNames) -> Result<Self, Code> {
        let mut found = Self::default();
        let (mut total, mut doubled_device, mut doubled_claims) = (0, false, false);
        let mut found_devices = [None; MOST_DEVICES];
        for header in headers.get_all(COOKIE) {
            total += header.len();
            if total > MAX_COOKIE_BYTES {
                return Err(Code::CookiesTooLarge);
            }
            for pair in header.as_bytes().split(|byte| *byte == b';') {
                let pair = trim(pair);
                let Some(equals) = pair.iter().position(|byte| *byte == b'=') else { continue };
                let (name, value) = pair.split_at(equals);
                let slot = match trim(name) {
                    name if names.is(Kind::Access, name) => &mut found.access,
                    name if names.is(Kind::Refresh, name) => &mut found.refresh,
                    name if names.is(Kind::Claims, name) => &mut found.claims,
                    name if names.is(Kind::Signature, name) => &mut found.signature,
                    name if names.is(Kind::Device, name) => &mut found.device,
                    _ => continue,
                };
                // A value that is not ASCII was never ours; it still counts as the second of its name.
                let value = value.get(1..).map(trim).and_then(|value| str::from_utf8(value).ok()).unwrap_or_default();
                if names.is(Kind::Device, trim(name))
                    && let Some(free) = found_devices.iter_mut().find(|free| free.is_none())
                {
                    *free = Some(value);
                }
                if slot.replace(value).is_some() {
                    // What a sibling host or a script can plant must not lock anybody out: such a cookie is as good as absent.
                    match trim(name) {
                        name if names.is(Kind::Device, name) => doubled_device = true,
                        name if names.is(Kind::Claims, name) => doubled_claims = true,
                        _ => return Err(Code::DuplicateCookie),
                    }
                }
            }
        }
        found.devices = found_devices;
        if doubled_device {
            found.device = None;
        }
        if doubled_claims {
            found.claims = None;
        }
        Ok(found)
    }
}

/// Takes SP and HTAB from both ends, and nothing else (CK-13).
pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// Which cookie to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A token, a ticket, or a ticket for company.
    Access,
    Refresh,
    /// `header.payload` of a token, for the page to read.
    Claims,
    /// The signature that belongs to them.
    Signature,
    Device,
    /// A log-in that waits for a provider, sealed; `waiting.rs` writes it.
    Waiting,
    /// Says nothing; that it was set is what counts (see `Web::forget_pages`).
    LoggedOut,
}

impl Kind {
    /// Whether it goes where its session is good: on every host of the domain, if there is one.
    fn is_of_session(self) -> bool {
        matches!(self, Self::Access | Self::Refresh | Self::Claims | Self::Signature)
    }

    fn names(self) -> [&'static str; 3] {
        match self {
            Self::Access => ACCESS,
            Self::Refresh => REFRESH,
            Self::Claims => CLAIMS,
            Self::Signature => SIGNATURE,
            Self::Device => DEVICE,
            Self::Waiting => WAITING,
            Self::LoggedOut => LOGGED_OUT,
        }
    }
}

/// A host and its parents of two labels and more, at most four: where a cookie that it is sent could be at home. Of a
/// public suffix no browser keeps one, so naming it does no harm.
fn domains(host: &str) -> impl Iterator<Item = &str> {
    let is_name = !host.starts_with('[') && host.parse::<std::net::Ipv4Addr>().is_err();
    let first = Some(host).filter(|host| is_name && host.contains('.'));
    let parents = std::iter::successors(first, |name| name.split_once('.').map(|(_, rest)| rest));
    parents.filter(|name| name.contains('.')).take(MOST_PLACES)
}

/// The root and the beginnings of a path, at most four: what a cookie's path can be that comes with a request for it.
fn above(path: &str) -> impl Iterator<Item = &str> {
    let fine = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';');
    let path = if fine { path.split('?').next().unwrap_or_default().trim_end_matches('/') } else { "" };
    let ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain((!path.is_empty()).then_some(path.len()));
    std::iter::once("/").chain(ends.filter_map(|end| path.get(..end)).take(MOST_PLACES))
}

/// So many domains, and so many paths, are looked for when a cookie is cleared everywhere.
const MOST_PLACES: usize = 4;

impl CookieNames {
    /// The value of a `Set-Cookie` header. `lives_for`: `None` for a cookie that ends with the browser,
    /// zero to clear it. Never over 4096 bytes: our values are bounded far below.
    pub(crate) fn write(&self, kind: Kind, value: &str, lives_for: Option<Lifetime>, same_site: SameSite) -> String {
        self.write_named(&self.name(kind), kind, value, lives_for, same_site)
    }

    /// The same under a name that is told.
    pub(crate) fn write_named(
        &self,
        name: &str,
        kind: Kind,
        value: &str,
        lives_for: Option<Lifetime>,
        same_site: SameSite,
    ) -> String {
        let (path, same_site) = (self.path(kind), self.same_site(kind, same_site));
        let domain = self.domain.as_deref().filter(|_| kind.is_of_session());
        let domain = domain.map(|domain| format!("; Domain={domain}")).unwrap_or_default();
        let same_site = match same_site {
            SameSite::Lax => "Lax",
            SameSite::Strict => "Strict",
        };
        let secure = if self.secure { "; Secure" } else { "" };
        let http_only = if kind == Kind::Claims { "" } else { "; HttpOnly" };
        let mut cookie = format!("{name}={value}; Path={path}{domain}{http_only}{secure}; SameSite={same_site}");
        if let Some(lives_for) = lives_for {
            let _ = write!(cookie, "; Max-Age={}", lives_for.as_secs());
        }
        cookie
    }

    fn path(&self, kind: Kind) -> String {
        match kind {
            Kind::Refresh => self.slot.at(REFRESH_PATH),
            Kind::Device => self.slot.at("/auth"),
            _ => "/".to_owned(),
        }
    }

    #[expect(clippy::unused_self, reason = "reads as a property of the cookies")]
    fn same_site(&self, kind: Kind, of_site: SameSite) -> SameSite {
        match kind {
            Kind::Access | Kind::Claims | Kind::Signature | Kind::LoggedOut => of_site,
            Kind::Refresh => SameSite::Strict,
            // The provider's answer comes from another site.
            Kind::Device | Kind::Waiting => SameSite::Lax,
        }
    }

    /// Whether a request carries a cookie of a session as it was set before `cookie.domain` was switched on or off. It is
    /// never taken for a session; where it is, its siblings of other paths may be as well.
    pub(crate) fn left_behind(&self, headers: &HeaderMap) -> bool {
        let old = |[_, of_host, of_domain]: [&'static str; 3]| if self.domain.is_some() { of_host } else { of_domain };
        let is_old = |pair: &[u8]| {
            let name = pair.split(|byte| *byte == b'=').next().map(trim).unwrap_or_default();
            [ACCESS, CLAIMS, SIGNATURE].into_iter().any(|names| self.is_numbered(old(names), name))
        };
        self.secure && headers.get_all(COOKIE).iter().any(|header| header.as_bytes().split(|b| *b == b';').any(is_old))
    }

    /// Values of `Set-Cookie` that clear a cookie of a session under every name, domain and path where a request for this
    /// host and path could have met one: a setting was changed, or a sibling has planted it. But `keep` it as it is set
    /// now, with an answer that sets it.
    pub(crate) fn clear_everywhere(&self, kind: Kind, host: &str, path: &str, keep: bool) -> Vec<String> {
        let [plain, of_host, of_domain] = kind.names();
        let names = if self.secure { vec![of_host, of_domain] } else { vec![plain] };
        let names: BTreeSet<_> = names.into_iter().collect();
        let (secure, own_path) = (if self.secure { "; Secure" } else { "" }, self.path(kind));
        // A cookie of a path above is sent there as well.
        let paths: Vec<_> = above(if own_path == "/" { path } else { &own_path }).collect();
        let mut cleared = Vec::new();
        for name in names {
            let further = self.domain().filter(|own| domains(host).all(|domain| domain != *own));
            for domain in std::iter::once(None).chain(domains(host).map(Some)).chain(further.map(Some)) {
                for place in &paths {
                    let current = name == self.base(kind.names()) && domain == self.domain() && *place == own_path;
                    let impossible = name.starts_with("__Host-") && (domain.is_some() || *place != "/");
                    if (keep && current) || impossible {
                        continue;
                    }
                    let domain = domain.map(|domain| format!("; Domain={domain}")).unwrap_or_default();
                    let name = self.numbered(name);
                    cleared.push(format!("{name}=; Path={place}{domain}; HttpOnly{secure}; SameSite=Lax; Max-Age=0"));
                }
            }
        }
        cleared
    }

    /// The device cookie.
    pub(crate) fn write_device(&self, value: &str) -> String {
        self.write(Kind::Device, value, Some(DEVICE_FOR), SameSite::Lax)
    }

    /// Clears a cookie.
    pub(crate) fn clear(&self, kind: Kind, same_site: SameSite) -> String {
        self.write(kind, "", Some(Lifetime::ZERO), same_site)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn parse(headers: &[&[u8]]) -> Result<(Option<String>, Option<String>), Code> {
        let mut map = HeaderMap::new();
        for header in headers {
            map.append(COOKIE, HeaderValue::from_bytes(header).unwrap());
        }
        Cookies::parse(&map, &CookieNames::SECURE)
            .map(|found| (found.access.map(Into::into), found.refresh.map(Into::into)))
    }

    #[test]
    fn ck_13_only_exact_names_are_ours() {
        let ours = parse(&[b"a=b; __Host-Http-cloakroom=T;\t__Secure-cloakroom-refresh=R ;x"]).unwrap();
        assert_eq!(ours, (Some("T".into()), Some("R".into())));
        for other in [
            "\u{2000}__Host-Http-cloakroom=T".as_bytes(),
            b"__host-http-cloakroom=T",
            b"__Host-Http-cloakroom",
            b"=__Host-Http-cloakroom=T",
            b"$Version=1; \"__Host-Http-cloakroom\"=T",
            b"__Host-Http-cloakroom2=T",
            b"cloakroom=T",
        ] {
            assert_eq!(parse(&[other]), Ok((None, None)), "{other:?}");
        }
    }

    #[test]
    fn ck_11_two_cookies_of_one_name_are_refused_wherever_they_stand() {
        let twice: [&[&[u8]]; 3] = [
            &[b"__Host-Http-cloakroom=T; __Host-Http-cloakroom=T"],
            &[b"__Host-Http-cloakroom=T", b"__Host-Http-cloakroom=U"],
            &[b"__Host-Http-cloakroom=\xff\xfe; __Host-Http-cloakroom=U"],
        ];
        for headers in twice {
            assert_eq!(parse(headers), Err(Code::DuplicateCookie));
        }
        let large = vec![b'a'; MAX_COOKIE_BYTES + 1];
        assert_eq!(parse(&[&large]), Err(Code::CookiesTooLarge));
    }

    #[test]
    fn asvs_3_3_1_every_cookie_has_every_attribute() {
        let names = CookieNames::SECURE;
        assert_eq!(
            names.write(Kind::Access, "T", None, SameSite::Lax),
            "__Host-Http-cloakroom=T; Path=/; HttpOnly; Secure; SameSite=Lax"
        );
        assert_eq!(
            names.write(Kind::Refresh, "R", Some(Lifetime::from_secs(60)), SameSite::Lax),
            "__Secure-cloakroom-refresh=R; Path=/auth/refresh; HttpOnly; Secure; SameSite=Strict; Max-Age=60"
        );
        assert_eq!(
            CookieNames::INSECURE_LOOPBACK.clear(Kind::Access, SameSite::Strict),
            "cloakroom=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"
        );
    }

    #[test]
    fn slots_have_cookies_of_their_own() {
        let (one, _) = Slot::of(&"/u/1/".parse().unwrap(), 2).unwrap();
        let names = CookieNames::SECURE.in_slot(one);
        assert_eq!(
            names.write(Kind::Refresh, "R", None, SameSite::Lax),
            "__Secure-cloakroom-refresh1=R; Path=/u/1/auth/refresh; HttpOnly; Secure; SameSite=Strict"
        );
        let mut map = HeaderMap::new();
        let both = "__Host-Http-cloakroom=A; __Host-Http-cloakroom1=B; __Host-Http-cloakroom11=C";
        map.append(COOKIE, HeaderValue::from_static(both));
        let found = |names| Cookies::parse(&map, &names).unwrap().access.map(str::to_owned);
        assert_eq!((found(CookieNames::SECURE), found(names)), (Some("A".into()), Some("B".into())));
    }

    #[test]
    fn of_a_split_token_the_page_reads_the_half_without_the_signature() {
        let claims = CookieNames::SECURE.write(Kind::Claims, "h.p", None, SameSite::Lax);
        assert_eq!(claims, "__Host-cloakroom-claims=h.p; Path=/; Secure; SameSite=Lax");
        assert!(CookieNames::SECURE.write(Kind::Signature, "s", None, SameSite::Lax).contains("; HttpOnly"));
    }

    #[test]
    fn spellings_that_somebody_could_take_for_ours_never_pass() {
        for own in [
            "__Host-Http-cloakroom",
            "__host-cloakroom",
            "cloakroom",
            "CLOAKROOM",
            "__Secure-cloakroom-refresh",
            "__Host-Http-cloakroom1",
            "cloakroom-device",
            "__Host-cloakroom-claims",
            "__Host-Http-cloakroom-logged-out",
            "__Host-Http-cloakroom-waiting012345678",
            "__Host-Http-cloakroom-signature3",
        ] {
            assert!(is_own_cookie(own.as_bytes()), "{own}");
        }
        for other in ["sid", "cloakrooms", "cloakroom-theme", "__Host-sid", "mycloakroom", ""] {
            assert!(!is_own_cookie(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn of_a_domain_there_is_no_host_prefix_and_only_the_session_is_shared() {
        let names = CookieNames::SECURE.for_domain("example.com");
        assert_eq!(
            names.write(Kind::Access, "T", None, SameSite::Lax),
            "__Secure-cloakroom=T; Path=/; Domain=example.com; HttpOnly; Secure; SameSite=Lax"
        );
        assert!(names.write(Kind::Refresh, "R", None, SameSite::Lax).contains("; Domain=example.com; HttpOnly"));
        assert!(!names.write_device("D").contains("Domain"));
        let mut map = HeaderMap::new();
        map.append(COOKIE, HeaderValue::from_static("__Host-Http-cloakroom=old; __Secure-cloakroom=new"));
        assert_eq!(Cookies::parse(&map, &names).unwrap().access, Some("new"));
        assert_eq!(Cookies::parse(&map, &CookieNames::SECURE).unwrap().access, Some("old"));
        assert!(names.left_behind(&map) && CookieNames::SECURE.left_behind(&map));
        map.insert(COOKIE, HeaderValue::from_static("__Secure-cloakroom=new"));
        assert!(!names.left_behind(&map) && CookieNames::SECURE.left_behind(&map));
    }

    #[test]
    fn what_is_cleared_everywhere_is_cleared_at_every_parent_and_the_new_one_stays() {
        let names = CookieNames::SECURE.for_domain("example.com");
        let places = |kind, keep| -> Vec<String> {
            let cleared = names.clear_everywhere(kind, "app.example.com", "/a/b?c=/d", keep);
            cleared.into_iter().map(|cookie| cookie.split("; HttpOnly").next().unwrap().to_owned()).collect()
        };
        let refresh = |place: &str| format!("__Secure-cloakroom-refresh=; Path={place}");
        let elsewhere = ["", "; Domain=app.example.com", "; Domain=example.com"]
            .into_iter()
            .flat_map(|domain| ["/", "/auth", "/auth/refresh"].map(|path| refresh(&format!("{path}{domain}"))));
        let kept = refresh("/auth/refresh; Domain=example.com");
        assert_eq!(places(Kind::Refresh, true), elsewhere.filter(|cookie| *cookie != kept).collect::<Vec<_>>());
        let access = places(Kind::Access, false);
        assert_eq!(access.len(), 1 + 3 * 3, "{access:?}");
        assert_eq!(access.first().unwrap(), "__Host-Http-cloakroom=; Path=/");
        assert!(access.contains(&"__Secure-cloakroom=; Path=/a/b; Domain=example.com".to_owned()), "{access:?}");
        for alone in ["localhost", "127.0.0.1", "[::1]"] {
            assert_eq!(domains(alone).count(), 0, "{alone}");
        }
    }
}
