//! Who is logged in.

use crate::Response;
use crate::call::Call;
use crate::problem::Problem;
use crate::routes::{account_of, answer, session_of};
use serde_json::json;

/// `GET /auth/me`.
pub(crate) async fn get(call: Call) -> Result<Response, Problem> {
    let me = call.web.app().me(call.seen()?).await?;
    Ok(answer(&json!({
        "account": account_of(&me.account),
        "session": session_of(&me.session),
        "expires_at": me.expires_at.unix_seconds(),
    })))
}
