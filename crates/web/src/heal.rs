//! Healing: cookies that were set under another `cookie.domain`, or planted by a sibling, are cleared wherever they can be,
//! and the person is led on. Never in a circle: what cannot be cleared is told on the log-in page.

use crate::door::host_of;
use crate::navigation::{is_navigation, with_return};
use crate::problem::{Code, Problem};
use crate::waiting::crowd;
use crate::{Client, Response, Slot, Web};
use http::request::Parts;

/// Where people are led on to. Only here a cookie that comes twice is told instead.
pub(crate) const LOGIN: &str = "/auth/login";

/// Where the cookies of a request can be at home.
pub(crate) struct Heal {
    host: String,
    path: String,
    /// Whether one of another setting is among them, and not cleared yet.
    pub(crate) left_behind: bool,
    /// What clears the log-ins that wait, where there are so many cookies that none is read.
    crowd: Vec<String>,
}

impl Heal {
    /// Looks at a request.
    pub(crate) fn of(web: &Web, request: &Parts, slot: Slot) -> Self {
        let path = request.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let left_behind = web.site.cookies.in_slot(slot).left_behind(&request.headers);
        let crowd = crowd(&request.headers, &web.site.cookies);
        Self { host: host_of(request).to_ascii_lowercase(), path, left_behind, crowd }
    }

    /// Clears the cookies of sessions in every place; with `keep`, all but where the same answer may set them.
    pub(crate) fn clear(&mut self, web: &Web, response: &mut Response, slot: Slot, keep: bool) {
        let names = web.site.cookies.in_slot(slot);
        let path = slot.at(&self.path);
        self.left_behind = false;
        for kind in web.kinds() {
            for cookie in names.clear_everywhere(kind, &self.host, &path, keep) {
                web.set_cookie(response, &cookie);
            }
        }
    }

    /// Clears the log-ins that wait, where too many do.
    pub(crate) fn disperse(&self, web: &Web, response: &mut Response) {
        for cookie in &self.crowd {
            web.set_cookie(response, cookie);
        }
    }

    /// Clears them and leads to the log-in, and from there back to what was asked for.
    pub(crate) fn lead_on(&mut self, web: &Web, slot: Slot) -> Response {
        let mut response = web.redirect(&slot.at(&with_return(LOGIN, &self.path)));
        self.clear(web, &mut response, slot, web.plants_stand_apart());
        response
    }
}

impl Web {
    /// Whether what a sibling plants can be told from what we set: by its domain. Then ours stays, and nobody is logged out.
    pub(crate) fn plants_stand_apart(&self) -> bool {
        self.site.cookies.domain().is_none()
    }

    /// Answers a request to an upstream with a cookie that comes twice: nothing tells the two apart (CK-11), so both go; but of a host alone, where a sibling's stands apart.
    pub(crate) fn heal(&self, request: &Parts, client: &Client) -> Response {
        let mut heal = Heal::of(self, request, client.slot);
        if is_navigation(&request.method, &request.headers) {
            return heal.lead_on(self, client.slot);
        }
        let mut response = self.problem(&Problem::new(Code::DuplicateCookie), client);
        heal.clear(self, &mut response, client.slot, self.plants_stand_apart());
        response
    }

    /// Answers a request to an upstream with more cookies than are read.
    pub(crate) fn too_large(&self, request: &Parts, client: &Client) -> Response {
        let problem = Problem::new(Code::CookiesTooLarge);
        // Whoever typed the address can do something about their cookies, but not with a problem document.
        let mut response = if is_navigation(&request.method, &request.headers) {
            self.error_page(&problem, client.slot)
        } else {
            self.problem(&problem, client)
        };
        Heal::of(self, request, client.slot).disperse(self, &mut response);
        response
    }
}
