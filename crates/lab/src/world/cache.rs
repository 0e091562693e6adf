//! A cache that everybody shares, in front of the application, as content delivery networks run them: RFC 9111, and on top of
//! it their habit to keep whatever looks like a style sheet or a picture unless it is forbidden in so many words.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, VARY};
use http::{Method, Request, Response, StatusCode};

/// What such networks take for files that never change.
const FILES: [&str; 6] = [".css", ".js", ".png", ".jpg", ".ico", ".svg"];

/// The cache; off until it is wanted.
#[derive(Default)]
pub(crate) struct Cache {
    on: AtomicBool,
    kept: Mutex<HashMap<String, Response<Bytes>>>,
}

impl Cache {
    /// Begins with nothing in it.
    pub(crate) fn turn_on(&self) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.on.store(true, Ordering::Relaxed);
    }

    pub(crate) fn turn_off(&self) {
        self.on.store(false, Ordering::Relaxed);
    }

    /// What is kept for this request.
    pub(super) fn look_up<B>(&self, host: &str, request: &Request<B>) -> Option<Response<Bytes>> {
        if !self.on.load(Ordering::Relaxed) || request.method() != Method::GET {
            return None;
        }
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&key(host, request.uri().path())).cloned()
    }

    /// Keeps an answer if that is allowed. `has_authorization`: RFC 9111 3.5.
    pub(super) fn keep(&self, host: &str, path: &str, is_get: bool, has_authorization: bool, answer: &Response<Bytes>) {
        if self.on.load(Ordering::Relaxed) && is_get && may_keep(path, has_authorization, answer) {
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(key(host, path), answer.clone());
        }
    }
}

/// Whether a request came with `Authorization`.
pub(super) fn is_authorized<B>(request: &Request<B>) -> bool {
    request.headers().contains_key(AUTHORIZATION)
}

fn key(host: &str, path: &str) -> String {
    format!("{host}{path}")
}

fn may_keep(path: &str, has_authorization: bool, answer: &Response<Bytes>) -> bool {
    let control = answer.headers().get_all(CACHE_CONTROL).iter();
    let control: Vec<_> = control.filter_map(|value| value.to_str().ok()).map(str::to_ascii_lowercase).collect();
    let control = control.join(",");
    let varies = answer.headers().get_all(VARY).iter().any(|value| {
        value.to_str().is_ok_and(|names| {
            names.split(',').any(|name| name.trim() == "*" || name.trim().eq_ignore_ascii_case("cookie"))
        })
    });
    let forbidden = ["no-store", "private", "no-cache"].iter().any(|word| control.contains(word));
    if answer.status() != StatusCode::OK || forbidden || varies {
        return false;
    }
    let is_public = control.contains("public") || control.contains("s-maxage");
    let is_fresh = is_public || control.contains("max-age=");
    let is_file = FILES.iter().any(|ending| path.ends_with(ending));
    (is_file || is_fresh) && (!has_authorization || is_public)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(control: &str) -> Response<Bytes> {
        let builder = Response::builder();
        let builder = if control.is_empty() { builder } else { builder.header(CACHE_CONTROL, control) };
        builder.body(Bytes::new()).unwrap()
    }

    #[test]
    fn what_looks_like_a_file_is_kept_unless_it_is_forbidden() {
        assert!(may_keep("/profile/nice.css", false, &answer("")));
        assert!(!may_keep("/profile/nice.css", false, &answer("no-store")));
        assert!(!may_keep("/profile", false, &answer("")));
        assert!(may_keep("/profile", false, &answer("max-age=60")));
    }

    #[test]
    fn what_was_asked_with_authorization_is_kept_only_if_it_is_public() {
        assert!(!may_keep("/api/profile", true, &answer("max-age=60")));
        assert!(may_keep("/api/profile", true, &answer("public, max-age=60")));
    }
}
