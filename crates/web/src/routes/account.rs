//! The account page.

use crate::Response;
use crate::call::Call;
use crate::problem::Problem;

/// `GET /auth/account/{id}`: goes on with what was approved.
pub(crate) async fn go_on(call: Call) -> Result<Response, Problem> {
    let id = call.id.clone().unwrap_or_default();
    call.act_page(&id).await
}

/// `GET /auth/account`: who is logged in, where, and the ways to end it.
pub(crate) async fn get(call: Call) -> Result<Response, Problem> {
    call.account_page(None).await
}
