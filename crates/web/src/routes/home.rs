//! `/auth/` by itself.

use crate::Response;
use crate::call::Call;
use crate::problem::Problem;

/// Leads to the account page, which leads on to the log-in where nobody is.
pub(crate) async fn get(call: Call) -> Result<Response, Problem> {
    Ok(call.redirect("/auth/account"))
}
