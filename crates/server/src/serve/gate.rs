//! The gateway's question to the web: may this pass, and as whom? Nothing is decided here.

use super::forward_auth::listed;
use cloakroom_app::token::Address;
use cloakroom_app::{Error, Refusal};
use cloakroom_gateway::{
    Access, Admission, Body, ClientInfo, Gate, Hold, Identity, Inbound, Outcome, Seen, StepUpRule, Upstream,
};
use cloakroom_web::{
    Client, Entry, FORM_TOKEN_LENGTH, MAX_CALL, Rule, Slot, Wanted, Web, form_token_in, is_own_cookie,
};
use http::HeaderValue;
use http::header::{ACCEPT, UPGRADE};
use http::request::Parts;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Asks the web.
pub(super) struct WebGate {
    pub(super) web: Arc<Web>,
    /// Names of the upstreams that ask for a second factor.
    pub(super) second_factor: Vec<String>,
}

impl Gate for WebGate {
    async fn admit(
        &self,
        request: &Parts,
        body: &mut Inbound,
        upstream: &Upstream,
        rule: Option<&StepUpRule>,
        client: ClientInfo,
    ) -> Admission {
        let asks_more = rule.is_some() || self.second_factor.contains(&upstream.name);
        let wanted = match upstream.access {
            // Whoever has to approve has to be somebody.
            _ if asks_more => Wanted::SignedIn,
            Access::Public => Wanted::Public,
            Access::SignedIn => Wanted::SignedIn,
            Access::Optional => Wanted::Optional,
        };
        let slot = request.extensions.get::<Slot>().copied().unwrap_or_default();
        let client = Client { address: client.address, https: client.https, by_proxy: false, slot };
        // What a public route shows to strangers is its own affair; elsewhere nobody who is not listed gets so far.
        if wanted != Wanted::Public && self.web.is_preflight(request) {
            return Admission::Answer(self.web.answer_preflight(request, &client).map(Body::wrap));
        }
        let closes_cors = wanted != Wanted::Public && self.web.shares();
        let is_there = !body.is_end_stream();
        let token = if self.web.looks_for_form_token(request, is_there, wanted, slot).await {
            Box::pin(form_token(body)).await
        } else {
            None
        };
        let about = cloakroom_web::Body { is_there, form_token: token.as_deref() };
        let seen = match self.web.admit(request, about, wanted, &client).await {
            Entry::Pass(None) => {
                let keep_authorization = self.web.owns_authorization(&request.headers);
                return Admission::Pass(Identity { keep_authorization, closes_cors, ..Identity::default() });
            }
            Entry::Pass(Some(seen)) => seen,
            Entry::Answer(response) => return Admission::Answer(response.map(Body::wrap)),
        };
        let (bearer, address) = match self.bearer(upstream, &seen).await {
            Ok(bearer) => bearer,
            // It ended in this moment.
            Err(Error::Refused(Refusal::SignedOut)) if wanted == Wanted::Optional => {
                return Admission::Pass(Identity { keep_authorization: true, closes_cors, ..Identity::default() });
            }
            Err(error) => {
                return Admission::Answer(self.web.answer_instead(error.into(), request, &client).map(Body::wrap));
            }
        };
        // Last, since an approval is used up by it.
        if asks_more && let Some(refused) = self.asks_more(request, body, upstream, rule, &seen, &client).await {
            return refused;
        }
        match HeaderValue::from_str(&bearer) {
            Ok(mut value) => {
                value.set_sensitive(true);
                Admission::Pass(Identity {
                    authorization: Some(value),
                    form_token: self
                        .web
                        .form_token_for(request, &seen)
                        .and_then(|token| HeaderValue::from_str(&token).ok()),
                    address: address.and_then(|address| plain(&address.email)),
                    authenticated: true,
                    closes_cors,
                    subject: Some(Arc::clone(&seen) as Hold),
                    ..self.stream_of(request, &seen)
                })
            }
            Err(_) => self.failed(cloakroom_app::Fault::plain("a token is no header value"), &client),
        }
    }

    fn open_stream(&self, subject: &Hold) -> Option<(CancellationToken, Hold)> {
        let seen = Arc::clone(subject).downcast::<cloakroom_app::token::Seen>().ok()?;
        let stream = self.web.app().open_stream(&seen);
        Some((stream.ended(), Arc::new(stream)))
    }

    fn is_own_cookie(&self, name: &[u8]) -> bool {
        is_own_cookie(name)
    }

    /// Says which upstream failed, and how: the answer itself reveals neither.
    fn observe(&self, seen: &Seen<'_>) {
        if let (Some(upstream), Outcome::Refused(problem)) = (seen.upstream, seen.outcome)
            && seen.status.is_server_error()
        {
            tracing::warn!(upstream, problem = problem.code(), "an upstream did not answer");
        }
    }
}

impl WebGate {
    /// The `Authorization` that the application gets, a token of ours or of the provider that it names, and the address of whoever
    /// it is, for one that is told it and if it is confirmed: applications take an address for its owner.
    async fn bearer(
        &self,
        upstream: &Upstream,
        seen: &Arc<cloakroom_app::token::Seen>,
    ) -> Result<(Arc<str>, Option<Arc<Address>>), Error> {
        let app = self.web.app();
        let address = if upstream.tells_address { Some(app.address_of(seen).await?) } else { None };
        let address = address.filter(|address| address.is_confirmed);
        if let Some(provider) = &upstream.token_from {
            return Ok((app.provider_bearer(seen, provider).await?, address));
        }
        app.look_after_provider_tokens(seen);
        let bearer = match &address {
            None => app.bearer_for(seen, &upstream.audience)?,
            Some(address) => app.bearer_with(seen, &upstream.audience, address)?,
        };
        Ok((bearer, address))
    }

    /// What more than a session is asked for: a second factor, an approval of this very call.
    async fn asks_more(
        &self,
        request: &Parts,
        body: &mut Inbound,
        upstream: &Upstream,
        rule: Option<&StepUpRule>,
        seen: &cloakroom_app::token::Seen,
        client: &Client,
    ) -> Option<Admission> {
        let answer = |response: cloakroom_web::Response| Some(Admission::Answer(response.map(Body::wrap)));
        if self.second_factor.contains(&upstream.name) && !seen.is_multi_factor() {
            return answer(self.web.needs_second_factor(request, client));
        }
        let rule = rule?;
        let whole = match timeout(WHOLE_BODY_FOR, body.whole(MAX_CALL)).await {
            // Trailers are not what was approved.
            Ok(Ok(whole)) => whole.filter(|_| !body.has_trailers()),
            // It broke off, or stands still: there is no call.
            Ok(Err(_)) | Err(_) => None,
        };
        let rule = Rule { show: &rule.show, body: whole.as_deref() };
        answer(self.web.judge_call(request, seen, rule, client).await.err()?)
    }

    /// A stream ends with its session: event streams and tunnels say beforehand that they are one.
    fn stream_of(&self, request: &Parts, seen: &cloakroom_app::token::Seen) -> Identity {
        let events = request
            .headers
            .get(ACCEPT)
            .is_some_and(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/event-stream")));
        if !events && !request.headers.contains_key(UPGRADE) {
            return Identity::default();
        }
        let stream = self.web.app().open_stream(seen);
        Identity { ended: Some(stream.ended()), hold: Some(Arc::new(stream)), ..Identity::default() }
    }

    fn failed(&self, fault: cloakroom_app::Fault, client: &Client) -> Admission {
        self.refused(fault.into(), client)
    }

    fn refused(&self, error: cloakroom_app::Error, client: &Client) -> Admission {
        Admission::Answer(
            self.web.problem(&error.into(), client).map(|body| Body::wrap(body.map_err(|never| match never {}))),
        )
    }
}

/// An address in the value of a field: what is not plain is percent-encoded.
fn plain(email: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&listed(&[email.to_owned()])).ok()
}

/// A form's token is among its first fields.
const FORM_TOKEN_WITHIN: usize = 64 * 1024;

/// Who takes longer to send the beginning of a form is refused for want of a token.
const FORM_TOKEN_FOR: Duration = Duration::from_secs(10);

/// Who takes longer to send the body of a call that is approved is refused.
const WHOLE_BODY_FOR: Duration = Duration::from_secs(30);

async fn form_token(body: &mut Inbound) -> Option<String> {
    let looking = body.look(FORM_TOKEN_WITHIN, FORM_TOKEN_LENGTH, form_token_in);
    timeout(FORM_TOKEN_FOR, looking).await.ok()?.ok()?
}
