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
use std::fmt::Write as _;

/// Names of our cookies in one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookieNames {
    secure: bool,
    slot: Slot,
}

/// `SameSite` of a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Sent on top-level navigations from other sites.
    Lax,
    /// Never sent with a request that another site caused.
    Strict,
}

const ACCESS: [&str; 2] = ["cloakroom", "__Host-Http-cloakroom"];
const REFRESH: [&str; 2] = ["cloakroom-refresh", "__Secure-cloakroom-refresh"];
const DEVICE: [&str; 2] = ["cloakroom-device", "__Secure-cloakroom-device"];
/// The half of a token that the page can read: no `Http` in its prefix, which would keep scripts from seeing it.
const CLAIMS: [&str; 2] = ["cloakroom-claims", "__Host-cloakroom-claims"];
const SIGNATURE: [&str; 2] = ["cloakroom-signature", "__Host-Http-cloakroom-signature"];
const LOGGED_OUT: [&str; 2] = ["cloakroom-logged-out", "__Host-Http-cloakroom-logged-out"];

/// The refresh cookie goes nowhere else, so no upstream and no static file ever receives it.
const REFRESH_PATH: &str = "/auth/refresh";

/// A device is remembered for as long as browsers allow (CK-01).
const DEVICE_FOR: Lifetime = Lifetime::from_secs(400 * 86_400);

impl CookieNames {
    /// With prefixes and `Secure`.
    pub const SECURE: Self = Self { secure: true, slot: Slot::FIRST };
    /// Without them, for loopback hosts in browsers that refuse `Secure` cookies on plain http.
    pub const INSECURE_LOOPBACK: Self = Self { secure: false, slot: Slot::FIRST };

    /// The same in another slot.
    #[must_use]
    pub fn in_slot(self, slot: Slot) -> Self {
        Self { slot, ..self }
    }

    fn base(self, [plain, prefixed]: [&'static str; 2]) -> &'static str {
        if self.secure { prefixed } else { plain }
    }

    /// The name of a cookie; slots above 0 have their number at its end.
    fn name(self, kind: Kind) -> String {
        let base = self.base(kind.names());
        if self.slot == Slot::FIRST { base.to_owned() } else { format!("{base}{}", self.slot.number()) }
    }

    fn is(self, kind: Kind, name: &[u8]) -> bool {
        let base = self.base(kind.names()).as_bytes();
        match self.slot.number() {
            0 => name == base,
            number => name.strip_prefix(base) == Some(&[b'0' + number]),
        }
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
        [ACCESS[0], REFRESH[0], DEVICE[0], CLAIMS[0], SIGNATURE[0], LOGGED_OUT[0]]
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
    pub(crate) fn parse(headers: &'a HeaderMap, names: CookieNames) -> Result<Self, Code> {
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

fn trim(mut bytes: &[u8]) -> &[u8] {
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
    /// Says nothing; that it was set is what counts (see `Web::forget_pages`).
    LoggedOut,
}

impl Kind {
    fn names(self) -> [&'static str; 2] {
        match self {
            Self::Access => ACCESS,
            Self::Refresh => REFRESH,
            Self::Claims => CLAIMS,
            Self::Signature => SIGNATURE,
            Self::Device => DEVICE,
            Self::LoggedOut => LOGGED_OUT,
        }
    }
}

impl CookieNames {
    /// The value of a `Set-Cookie` header. `lives_for`: `None` for a cookie that ends with the browser,
    /// zero to clear it. Never over 4096 bytes: our values are bounded far below.
    pub(crate) fn write(self, kind: Kind, value: &str, lives_for: Option<Lifetime>, same_site: SameSite) -> String {
        let (path, same_site) = match kind {
            Kind::Access | Kind::Claims | Kind::Signature | Kind::LoggedOut => ("/".to_owned(), same_site),
            Kind::Refresh => (self.slot.at(REFRESH_PATH), SameSite::Strict),
            Kind::Device => (self.slot.at("/auth"), SameSite::Lax),
        };
        let same_site = match same_site {
            SameSite::Lax => "Lax",
            SameSite::Strict => "Strict",
        };
        let secure = if self.secure { "; Secure" } else { "" };
        let http_only = if kind == Kind::Claims { "" } else { "; HttpOnly" };
        let mut cookie = format!("{}={value}; Path={path}{http_only}{secure}; SameSite={same_site}", self.name(kind));
        if let Some(lives_for) = lives_for {
            let _ = write!(cookie, "; Max-Age={}", lives_for.as_secs());
        }
        cookie
    }

    /// The device cookie.
    pub(crate) fn write_device(self, value: &str) -> String {
        self.write(Kind::Device, value, Some(DEVICE_FOR), SameSite::Lax)
    }

    /// Clears a cookie.
    pub(crate) fn clear(self, kind: Kind, same_site: SameSite) -> String {
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
        Cookies::parse(&map, CookieNames::SECURE)
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
        let found = |names| Cookies::parse(&map, names).unwrap().access.map(str::to_owned);
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
            "__Host-Http-cloakroom-signature3",
        ] {
            assert!(is_own_cookie(own.as_bytes()), "{own}");
        }
        for other in ["sid", "cloakrooms", "cloakroom-theme", "__Host-sid", "mycloakroom", ""] {
            assert!(!is_own_cookie(other.as_bytes()), "{other}");
        }
    }
}
