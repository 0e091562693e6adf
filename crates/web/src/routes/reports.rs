//! Reports of browsers: counted, and otherwise forgotten, since they carry addresses that people looked at.

use crate::Response;
use crate::call::Call;
use crate::problem::Problem;
use http::StatusCode;

/// `POST /auth/reports`.
pub(crate) async fn post(_: Call) -> Result<Response, Problem> {
    metrics::counter!("cloakroom_browser_reports_total").increment(1);
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}
