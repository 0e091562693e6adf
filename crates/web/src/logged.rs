//! What of a path may stand in a log. Whoever knows the name of an approval can look at it and say no to it, so a log does not
//! tell it.

use crate::table::ROUTES;
use std::borrow::Cow;

/// A path for a log: what stands in the place of an `{id}` is left out, in whichever slot and however the rest is written.
pub fn logged_path(path: &str) -> Cow<'_, str> {
    if path.contains("/auth/") {
        for before in ROUTES.iter().filter_map(|row| row.path.strip_suffix("{id}")) {
            let Some(at) = path.find(before) else { continue };
            let (slot, own) = path.split_at(at);
            // Some have routes beside them, whose names say nothing.
            if own != before && !ROUTES.iter().any(|row| row.path == own) {
                return Cow::Owned(format!("{slot}{before}\u{2026}"));
            }
        }
    }
    Cow::Borrowed(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_tells_the_route_and_no_name() {
        for (path, logged) in [
            ("/auth/step-up/AAAAAAAAAAAAAAAAAAAAAA", "/auth/step-up/\u{2026}"),
            ("/u/1/auth/account/AAAAAAAAAAAAAAAAAAAAAA", "/u/1/auth/account/\u{2026}"),
            ("/auth/step-up/AAAAAAAAAAAAAAAAAAAAAA/x", "/auth/step-up/\u{2026}"),
            ("/auth/step-up/collect", "/auth/step-up/collect"),
            ("/auth/step-up/collect/auth/step-up/AAAA", "/auth/step-up/\u{2026}"),
            ("/auth/step-up/", "/auth/step-up/"),
            ("/auth/step-up", "/auth/step-up"),
            ("/auth/account", "/auth/account"),
            ("/auth/login", "/auth/login"),
            ("/app/x", "/app/x"),
        ] {
            assert_eq!(logged_path(path), logged);
        }
    }
}
