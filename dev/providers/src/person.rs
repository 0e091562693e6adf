//! A person with a browser that runs no script: opens pages, follows redirects, fills in forms, keeps cookies.
//!
//! It leaves to its caller what is to be done on which page, and never goes to another origin by itself: a redirect there
//! is what the tests of a relying party are about.

use crate::form::Form;
use crate::http_client::{Answer, send};
use crate::jar::Jar;
use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, LOCATION};
use http::{Method, Request};
use http_body_util::Full;
use url::Url;
use url::form_urlencoded::Serializer;

/// More redirects in a row than any provider needs.
const REDIRECTS: usize = 10;

/// The person. A clone has a jar of its own, with the same cookies in it.
#[derive(Clone, Default)]
pub struct Person {
    jar: Jar,
}

/// A page that a person looks at.
pub struct Page {
    /// Where it is from.
    pub url: Url,
    /// What came.
    pub answer: Answer,
}

/// Where a person is after following redirects.
pub enum Whereabouts {
    /// At a page of the same origin.
    At(Page),
    /// Sent to another origin, and not gone there.
    SentTo(Url),
}

impl Page {
    /// The first form that has all of these fields and buttons.
    pub fn form(&self, fields: &[&str]) -> Option<Form> {
        Form::all(&self.answer.text()).into_iter().find(|form| fields.iter().all(|field| form.has(field)))
    }

    /// Where it redirects to, if it does.
    fn redirect(&self) -> Option<Url> {
        if !self.answer.status.is_redirection() {
            return None;
        }
        self.url.join(self.answer.header(LOCATION.as_str())?).ok()
    }
}

impl Person {
    /// Somebody with an empty jar.
    pub fn new() -> Self {
        Self::default()
    }

    /// The `Cookie` that a request there would carry.
    pub fn cookies(&self, url: &Url) -> Option<String> {
        self.jar.header(url)
    }

    /// Opens a page, and follows its redirects as long as they stay on its origin.
    pub async fn open(&mut self, url: &Url) -> Result<Whereabouts> {
        let page = self.request(Method::GET, url.clone(), None).await?;
        self.follow(page).await
    }

    /// Fills the first form of a page that has all of these fields, and sends it: what is not typed goes as the page gave
    /// it. A button that is to be pressed is named with its value, as a field is. Follows redirects as [`Self::open`] does.
    /// An error if there is no such form.
    pub async fn fill(&mut self, page: &Page, typed: &[(&str, &str)]) -> Result<Whereabouts> {
        let names: Vec<&str> = typed.iter().map(|(name, _)| *name).collect();
        let Some(form) = page.form(&names) else {
            bail!("no form of {} has the fields {names:?} (status {})", page.url.path(), page.answer.status);
        };
        let mut body = Serializer::new(String::new());
        body.extend_pairs(form.fields.iter().filter(|(name, _)| !names.contains(&name.as_str())));
        body.extend_pairs(typed);
        let target = page.url.join(&form.action)?;
        let answer = self.request(Method::POST, target, Some(body.finish())).await?;
        self.follow(answer).await
    }

    async fn follow(&mut self, mut page: Page) -> Result<Whereabouts> {
        for _ in 0..REDIRECTS {
            match page.redirect() {
                None => return Ok(Whereabouts::At(page)),
                Some(next) if next.origin() != page.url.origin() => return Ok(Whereabouts::SentTo(next)),
                Some(next) => page = self.request(Method::GET, next, None).await?,
            }
        }
        bail!("more than {REDIRECTS} redirects, the last one at {}", page.url.path())
    }

    /// Sends what a navigation sends, with the cookies that fit, and keeps those that come.
    async fn request(&mut self, method: Method, url: Url, body: Option<String>) -> Result<Page> {
        let mut request = Request::builder().method(method).uri(url.as_str()).header(ACCEPT, "text/html,*/*;q=0.8");
        if let Some(cookies) = self.jar.header(&url) {
            request = request.header(COOKIE, cookies);
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let request = request.body(Full::new(Bytes::from(body.unwrap_or_default())));
        let answer = send(request.context("no request can be made of that")?).await?;
        self.jar.keep(&url, &answer.headers);
        Ok(Page { url, answer })
    }
}
