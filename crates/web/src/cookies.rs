//! Cookies: reading them as bytes with no mercy for ambiguity, and writing them with every attribute.
//!
//! Only SP and HTAB are trimmed: a browser sends `\u{2000}__Host-…` as it is, and a parser that trims Unicode white space
//! would take it for ours (CK-13). Two cookies of one of our names are refused: a sibling host can plant the second
//! one, and nothing tells them apart (CK-11, decision K12).

use crate::problem::Code;
use cloakroom_core::time::Lifetime;
use http::HeaderMap;
use http::header::COOKIE;
use std::fmt::Write as _;

/// Names of our cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookieNames {
    secure: bool,
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
const LOGGED_OUT: [&str; 2] = ["cloakroom-logged-out", "__Host-Http-cloakroom-logged-out"];

/// The refresh cookie goes nowhere else, so no upstream and no static file ever receives it.
const REFRESH_PATH: &str = "/auth/refresh";

/// A device is remembered for as long as browsers allow (CK-01).
const DEVICE_FOR: Lifetime = Lifetime::from_secs(400 * 86_400);

impl CookieNames {
    /// With prefixes and `Secure`.
    pub const SECURE: Self = Self { secure: true };
    /// Without them, for loopback hosts in browsers that refuse `Secure` cookies on plain http.
    pub const INSECURE_LOOPBACK: Self = Self { secure: false };

    /// The cookie of the access token.
    pub fn access(self) -> &'static str {
        self.pick(ACCESS)
    }

    /// The cookie of the refresh token.
    pub fn refresh(self) -> &'static str {
        self.pick(REFRESH)
    }

    /// The cookie that knows a device.
    pub fn device(self) -> &'static str {
        self.pick(DEVICE)
    }

    fn pick(self, [plain, prefixed]: [&'static str; 2]) -> &'static str {
        if self.secure { prefixed } else { plain }
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
        [ACCESS[0], REFRESH[0], DEVICE[0]]
            .iter()
            .any(|own| bare.strip_prefix(own.as_bytes()).is_some_and(|rest| rest.iter().all(u8::is_ascii_digit)))
    }
}

/// The cookies of ours that a request carries. Borrowed from its headers; no `Debug`, since the values are secrets.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cookies<'a> {
    pub(crate) access: Option<&'a str>,
    pub(crate) refresh: Option<&'a str>,
    pub(crate) device: Option<&'a str>,
}

/// More than this in one request is refused unread, in bytes, all `Cookie` headers together.
pub const MAX_COOKIE_BYTES: usize = 16 * 1024;

impl<'a> Cookies<'a> {
    /// Reads them. Refused when the headers are larger than [`MAX_COOKIE_BYTES`], and when one of our names comes twice.
    pub(crate) fn parse(headers: &'a HeaderMap, names: CookieNames) -> Result<Self, Code> {
        let mut found = Self::default();
        let (mut total, mut doubled_device) = (0, false);
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
                    name if name == names.access().as_bytes() => &mut found.access,
                    name if name == names.refresh().as_bytes() => &mut found.refresh,
                    name if name == names.device().as_bytes() => &mut found.device,
                    _ => continue,
                };
                // A value that is not ASCII was never ours; it still counts as the second of its name.
                let value = value.get(1..).map(trim).and_then(|value| str::from_utf8(value).ok()).unwrap_or_default();
                if slot.replace(value).is_some() {
                    // A planted second device cookie must not lock anybody out: it makes the device unknown.
                    if trim(name) != names.device().as_bytes() {
                        return Err(Code::DuplicateCookie);
                    }
                    doubled_device = true;
                }
            }
        }
        if doubled_device {
            found.device = None;
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
    Access,
    Refresh,
    Device,
    /// Says nothing; that it was set is what counts (see `Web::forget_pages`).
    LoggedOut,
}

impl CookieNames {
    /// The value of a `Set-Cookie` header. `lives_for`: `None` for a cookie that ends with the browser,
    /// zero to clear it. Never over 4096 bytes: our values are bounded far below.
    pub(crate) fn write(self, kind: Kind, value: &str, lives_for: Option<Lifetime>, same_site: SameSite) -> String {
        let (name, path, same_site) = match kind {
            Kind::Access => (self.access(), "/", same_site),
            Kind::Refresh => (self.refresh(), REFRESH_PATH, SameSite::Strict),
            Kind::Device => (self.device(), "/auth", SameSite::Lax),
            Kind::LoggedOut => (self.pick(LOGGED_OUT), "/", same_site),
        };
        let same_site = match same_site {
            SameSite::Lax => "Lax",
            SameSite::Strict => "Strict",
        };
        let secure = if self.secure { "; Secure" } else { "" };
        let mut cookie = format!("{name}={value}; Path={path}; HttpOnly{secure}; SameSite={same_site}");
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
    fn spellings_that_somebody_could_take_for_ours_never_pass() {
        for own in [
            "__Host-Http-cloakroom",
            "__host-cloakroom",
            "cloakroom",
            "CLOAKROOM",
            "__Secure-cloakroom-refresh",
            "__Host-Http-cloakroom1",
            "cloakroom-device",
        ] {
            assert!(is_own_cookie(own.as_bytes()), "{own}");
        }
        for other in ["sid", "cloakrooms", "cloakroom-theme", "__Host-sid", "mycloakroom", ""] {
            assert!(!is_own_cookie(other.as_bytes()), "{other}");
        }
    }
}
