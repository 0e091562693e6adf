//! The account page.

use crate::Response;
use crate::call::Call;
use crate::problem::Problem;

/// `GET /auth/account`: who is logged in, where, and the ways to end it.
pub(crate) async fn get(call: Call) -> Result<Response, Problem> {
    call.account_page(None).await
}
