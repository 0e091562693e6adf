//! The account page.

use crate::Response;
use crate::call::Call;
use crate::problem::Problem;

/// `GET /auth/account`: who is logged in, where, and the ways to end it.
pub(crate) async fn get(call: Call) -> Result<Response, Problem> {
    let app = call.web.app();
    let seen = call.seen()?;
    let me = app.me(seen).await?;
    let sessions = app.sessions(seen).await?;
    call.account_page(&me, &sessions)
}
