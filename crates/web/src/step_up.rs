//! The judgement of calls that need more than a session: an approval of their own, or a session that has shown a second factor.

use crate::navigation::text;
use crate::problem::{Code, Problem};
use crate::{Client, Response, Web};
use cloakroom_app::token::Seen;
use cloakroom_core::approval::Call;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use serde_json::json;

/// The largest body of a call that can be approved, in bytes: all of it is read before any of it is forwarded.
pub const MAX_CALL: usize = 1024 * 1024;

/// The header that carries a grant. No upstream ever gets it.
const GRANT: &str = "cloakroom-grant";

/// What a route's rule asks for.
#[derive(Clone, Copy)]
pub struct Rule<'a> {
    /// Fields of the JSON body that are shown to who approves.
    pub show: &'a [String],
    /// The body as it will be forwarded; `None` when it is larger than [`MAX_CALL`].
    pub body: Option<&'a [u8]>,
}

impl Web {
    /// Judges whether a call was approved, and uses the approval up. `Err` is the answer to one that was not.
    pub async fn judge_call(
        &self,
        request: &Parts,
        seen: &Seen,
        rule: Rule<'_>,
        client: &Client,
    ) -> Result<(), Response> {
        self.is_approved(request, seen, rule).await.map_err(|problem| self.problem(&problem, client))
    }

    async fn is_approved(&self, request: &Parts, seen: &Seen, rule: Rule<'_>) -> Result<(), Problem> {
        let body = rule.body.ok_or(Code::CallTooLarge)?;
        let path = request.uri.path_and_query().map_or("/", |path| path.as_str());
        let method = request.method.as_str();
        let call = Call::parse(method, path, cloakroom_app::sha256(body)).ok_or(Code::NotACall)?;
        // What was shown was read as JSON: an application that reads it as something else reads something else.
        if !rule.show.is_empty() && !is_plain_json(request) {
            return Err(Code::NotACall.into());
        }
        let Some(grant) = text(&request.headers, GRANT) else {
            let step_up = json!({ "open": "/auth/step-up", "method": method, "path": path, "show": rule.show });
            return Err(Problem::new(Code::CallNeedsStepUp).with("step_up", step_up));
        };
        Ok(self.app().use_grant(seen, grant, &call, rule.show).await?)
    }

    /// The answer to a session that has shown a password alone, where a second factor is asked for.
    pub fn needs_second_factor(&self, request: &Parts, client: &Client) -> Response {
        let problem = Problem::new(Code::SecondFactorNeeded)
            .with("account", format!("{}{}", self.site().origin, client.slot.at("/auth/account")).into());
        self.answer_instead(problem, request, client)
    }
}

/// Exactly JSON in UTF-8: body parsers heed other charsets (`utf-7` reads other quotes than the page has shown).
fn is_plain_json(request: &Parts) -> bool {
    let Some(value) = text(&request.headers, CONTENT_TYPE.as_str()) else { return false };
    let plain: String = value.chars().filter(|c| !c.is_ascii_whitespace() && *c != '"').collect();
    let is_json =
        ["application/json", "application/json;charset=utf-8"].iter().any(|one| plain.eq_ignore_ascii_case(one));
    is_json && !request.headers.contains_key(CONTENT_ENCODING)
}
