//! Cookies of log-ins that wait for a provider: one for each, with a mark of nine digits at the end of its name, so that answers
//! which set them cannot overwrite each other (decision 0021). They belong to no slot, and to one host.

use crate::call::Call;
use crate::cookies::{CookieNames, Kind, MAX_COOKIE_BYTES, trim};
use crate::{Response, SameSite};
use cloakroom_app::federation::{Changed, Shown, WAIT_FOR};
use cloakroom_core::time::Lifetime;
use http::HeaderMap;
use http::header::COOKIE;

/// Digits of a mark.
const DIGITS: usize = 9;

/// So many are cleared by one answer at most: more than fit beside anything else of ours.
const MOST_CLEARED: usize = 64;

/// Those that a request carries, with those that come twice left out: a sibling or a script has planted one of them.
pub(crate) fn waiting<'a>(headers: &'a HeaderMap, names: &CookieNames) -> Vec<Shown<'a>> {
    let mut found: Vec<_> = all(headers, names).collect();
    found.sort_unstable_by_key(|shown| shown.mark);
    let alone = found.chunk_by(|one, next| one.mark == next.mark).filter(|same| same.len() == 1);
    alone.flatten().copied().collect()
}

/// Values of `Set-Cookie` that clear them in a request whose cookies are too large to be read; nothing in any other. Whoever was
/// restored with very many tabs is not locked out for longer than one answer.
pub(crate) fn crowd(headers: &HeaderMap, names: &CookieNames) -> Vec<String> {
    let bytes: usize = headers.get_all(COOKIE).iter().map(http::HeaderValue::len).sum();
    if bytes <= MAX_COOKIE_BYTES {
        return Vec::new();
    }
    all(headers, names).take(MOST_CLEARED).map(|shown| names.write_waiting(shown.mark, None)).collect()
}

fn all<'a>(headers: &'a HeaderMap, names: &CookieNames) -> impl Iterator<Item = Shown<'a>> {
    let base = names.base_of(Kind::Waiting).as_bytes();
    let pairs = headers.get_all(COOKIE).into_iter().flat_map(|header| header.as_bytes().split(|byte| *byte == b';'));
    pairs.filter_map(move |pair| {
        let pair = trim(pair);
        let (name, value) = pair.split_at_checked(pair.iter().position(|byte| *byte == b'=')?)?;
        let mark = trim(name).strip_prefix(base).filter(|mark| mark.len() == DIGITS)?;
        let mark = str::from_utf8(mark).ok().filter(|mark| mark.bytes().all(|byte| byte.is_ascii_digit()))?;
        Some(Shown { mark, sealed: str::from_utf8(trim(value.get(1..)?)).ok()? })
    })
}

impl CookieNames {
    /// The value of a `Set-Cookie` header for one of them, which is cleared without a value. `Lax`: the provider's answer comes
    /// from another site.
    fn write_waiting(&self, mark: &str, sealed: Option<&str>) -> String {
        let name = format!("{}{mark}", self.base_of(Kind::Waiting));
        let lives_for = if sealed.is_some() { WAIT_FOR } else { Lifetime::ZERO };
        self.write_named(&name, Kind::Waiting, sealed.unwrap_or_default(), Some(lives_for), SameSite::Lax)
    }
}

impl Call {
    /// The log-ins that wait in this browser.
    pub(crate) fn waiting(&self) -> Vec<Shown<'_>> {
        waiting(&self.parts.headers, &self.web.site().cookies)
    }

    /// Sets the cookie of one more, and clears those that are over.
    pub(crate) fn wait(&self, response: &mut Response, changed: &Changed) {
        let names = &self.web.site().cookies;
        for mark in changed.forgotten.iter().take(MOST_CLEARED) {
            self.web.set_cookie(response, &names.write_waiting(mark, None));
        }
        if let Some((mark, sealed)) = &changed.kept {
            self.web.set_cookie(response, &names.write_waiting(mark, Some(sealed)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(text: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(text).unwrap())])
    }

    #[test]
    fn each_is_found_by_its_mark_and_what_comes_twice_or_is_spelled_otherwise_is_none() {
        let map = headers(
            "a=b; __Host-Http-cloakroom-waiting000000007=A;__Host-Http-cloakroom-waiting000000002=B; \
             __Host-Http-cloakroom-waiting=C; __Host-Http-cloakroom-waiting12345678x=D; \
             __Host-Http-cloakroom-waiting000000003=E; __Host-Http-cloakroom-waiting000000003=F; \
             cloakroom-waiting000000004=G; __Host-Http-cloakroom-waiting000000005",
        );
        let found = waiting(&map, &CookieNames::SECURE);
        let found: Vec<_> = found.iter().map(|shown| (shown.mark, shown.sealed)).collect();
        assert_eq!(found, [("000000002", "B"), ("000000007", "A")]);
        let of_a_domain = waiting(&map, &CookieNames::SECURE.for_domain("example.com"));
        assert_eq!(of_a_domain.len(), 2, "they stay with their host");
    }

    #[test]
    fn asvs_3_3_1_they_have_every_attribute_and_belong_to_one_host() {
        let names = CookieNames::SECURE.for_domain("example.com");
        assert_eq!(
            names.write_waiting("000000007", Some("W")),
            "__Host-Http-cloakroom-waiting000000007=W; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=900"
        );
        assert_eq!(
            CookieNames::INSECURE_LOOPBACK.write_waiting("000000007", None),
            "cloakroom-waiting000000007=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
        );
    }

    #[test]
    fn only_where_cookies_are_too_large_to_be_read_are_they_cleared_unread() {
        let one = |number: usize| format!("__Host-Http-cloakroom-waiting{number:09}={}; ", "x".repeat(1000));
        let few = headers(&(0..8).map(one).collect::<String>());
        assert_eq!(crowd(&few, &CookieNames::SECURE).len(), 0);
        let many = headers(&(0..20).map(one).collect::<String>());
        let cleared = crowd(&many, &CookieNames::SECURE);
        assert_eq!(cleared.len(), 20);
        assert!(cleared.iter().all(|cookie| cookie.ends_with("Max-Age=0")), "{cleared:?}");
    }
}
