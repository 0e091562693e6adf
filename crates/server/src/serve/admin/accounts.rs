//! The routes of the admin API for accounts, one use case each. Where mail is on, no answer carries a link: it goes to the
//! owner of the address and to nobody else.

use super::Admin;
use super::api::Undone;
use super::wrong::{Wrong, json};
use crate::foreign_account::ForeignAccount;
use crate::shown;
use cloakroom_app::account::Import;
use cloakroom_core::id::AccountId;
use cloakroom_web::{Content, Response};
use http::header::{HeaderValue, LOCATION};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded;

/// Accounts on one page, unless the request says how many.
const PAGE: u32 = 100;

/// At most so many.
const LARGEST_PAGE: u32 = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct New {
    email: String,
}

/// What `GET /admin/accounts` is asked for.
#[derive(Default)]
struct Wanted {
    after: Option<AccountId>,
    limit: Option<u32>,
    email: Option<String>,
}

impl Wanted {
    fn read(query: &str) -> Result<Self, Wrong> {
        const ADVICE: &str = "after is the id of an account, limit 1 to 1000, email an address; each at most once, and \
                              email without the others.";
        let mut wanted = Self::default();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let is_new = match &*key {
                "after" => wanted.after.replace(value.parse().map_err(|_| Wrong::Query(ADVICE))?).is_none(),
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=LARGEST_PAGE).contains(limit));
                    wanted.limit.replace(limit.ok_or(Wrong::Query(ADVICE))?).is_none()
                }
                "email" => wanted.email.replace(value.into_owned()).is_none(),
                _ => false,
            };
            if !is_new {
                return Err(Wrong::Query(ADVICE));
            }
        }
        if wanted.email.is_some() && (wanted.after.is_some() || wanted.limit.is_some()) {
            return Err(Wrong::Query(ADVICE));
        }
        Ok(wanted)
    }
}

impl Admin {
    /// `GET /admin/accounts`: a page in the order of ids, or the account with an address.
    pub(super) async fn list(&self, query: &str) -> Result<Response, Undone> {
        let wanted = Wanted::read(query)?;
        if let Some(email) = wanted.email {
            let found = self.web.app().account_by_email(&email).await?;
            let accounts: Vec<_> = found.iter().map(shown::account).collect();
            return Ok(json(StatusCode::OK, &json!({ "accounts": accounts, "next": null })));
        }
        let limit = wanted.limit.unwrap_or(PAGE);
        let page = self.web.app().accounts(wanted.after, limit).await?;
        let is_full = u32::try_from(page.len()).is_ok_and(|length| length == limit);
        let next = page.last().filter(|_| is_full).map(|account| account.id.to_string());
        let accounts: Vec<_> = page.iter().map(shown::account).collect();
        Ok(json(StatusCode::OK, &json!({ "accounts": accounts, "next": next })))
    }

    /// `POST /admin/accounts`
    pub(super) async fn create(&self, new: New) -> Result<Response, Undone> {
        let created = self.web.app().create_account(&new.email).await?;
        let mut body = invited(created.link);
        if let Some(fields) = body.as_object_mut() {
            fields.insert("id".into(), created.id.to_string().into());
        }
        Ok(made(created.id, &body))
    }

    /// `POST /admin/accounts/import`
    pub(super) async fn import(&self, account: ForeignAccount) -> Result<Response, Undone> {
        let ForeignAccount { email, hash, verified } = &account;
        let id = self.web.app().import_account(&Import { email, hash, verified: *verified }).await?;
        Ok(made(id, &json!({ "id": id.to_string() })))
    }

    /// `GET` and `DELETE /admin/accounts/{id}`
    pub(super) async fn one(&self, id: AccountId, method: &Method) -> Result<Response, Undone> {
        match *method {
            Method::GET => Ok(json(StatusCode::OK, &shown::overview(&self.web.app().look_at_account(id).await?))),
            Method::DELETE => {
                self.web.app().delete_account(id).await?;
                Ok(nothing())
            }
            _ => Err(Wrong::Method("GET, DELETE").into()),
        }
    }

    /// `GET /admin/accounts/{id}/export`
    pub(super) async fn export(&self, id: AccountId) -> Result<Response, Undone> {
        Ok(json(StatusCode::OK, &shown::export(&self.web.app().export_account(id).await?)))
    }

    /// `POST /admin/accounts/{id}/disable` and `…/enable`
    pub(super) async fn disable(&self, id: AccountId, disable: bool) -> Result<Response, Undone> {
        self.web.app().disable_account(id, disable).await?;
        Ok(nothing())
    }

    /// `POST /admin/accounts/{id}/remove-factors`
    pub(super) async fn remove_factors(&self, id: AccountId) -> Result<Response, Undone> {
        let removed = self.web.app().remove_factors(id).await?;
        Ok(json(StatusCode::OK, &json!({ "removed": removed })))
    }

    /// `POST /admin/accounts/{id}/reset`
    pub(super) async fn reset(&self, id: AccountId) -> Result<Response, Undone> {
        Ok(json(StatusCode::OK, &invited(self.web.app().send_reset(id).await?)))
    }
}

/// Whether a link was mailed, or else the link itself.
fn invited(link: Option<String>) -> Value {
    match link {
        None => json!({ "mailed": true }),
        Some(link) => json!({ "mailed": false, "link": link }),
    }
}

fn made(id: AccountId, body: &Value) -> Response {
    let mut response = json(StatusCode::CREATED, body);
    if let Ok(place) = HeaderValue::from_str(&format!("/admin/accounts/{id}")) {
        response.headers_mut().insert(LOCATION, place);
    }
    response
}

fn nothing() -> Response {
    let mut response = Response::new(Content::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
