//! A form token, for clients that send neither `Sec-Fetch-Site` nor `Origin`, and for pages of upstreams that post forms.

use crate::Response;
use crate::call::Call;
use crate::problem::Problem;
use crate::routes::answer;
use serde_json::json;

/// `GET /auth/csrf`: a token bound to the session, or to this browser's device cookie.
pub(crate) async fn get(call: Call) -> Result<Response, Problem> {
    let (token, device) = call.form_token().await?;
    let mut response = answer(&json!({ "csrf": token, "header": "Cloakroom-Csrf", "field": "cloakroom_csrf" }));
    call.remember_device(&mut response, device.as_deref());
    Ok(response)
}
