//! Files that are built in.

use crate::Response;
use crate::call::Call;
use crate::problem::Problem;
use http::header::{CONTENT_TYPE, HeaderValue};

const CLIENT: &str = include_str!("../../../../client/dist/client.js");
const APPROVE: &str = include_str!("../../../../client/dist/approve.js");
const PAGES: &str = include_str!("../../../../client/dist/pages.js");
const STYLE: &str = include_str!("../pages/assets/style.css");

/// `GET /auth/client.js`.
pub(crate) async fn client(_: Call) -> Result<Response, Problem> {
    Ok(file(CLIENT, "text/javascript; charset=utf-8"))
}

/// `GET /auth/approve.js`.
pub(crate) async fn approve(_: Call) -> Result<Response, Problem> {
    Ok(file(APPROVE, "text/javascript; charset=utf-8"))
}

/// `GET /auth/assets/pages.js`.
pub(crate) async fn pages(_: Call) -> Result<Response, Problem> {
    Ok(file(PAGES, "text/javascript; charset=utf-8"))
}

/// `GET /auth/assets/style.css`.
pub(crate) async fn style(_: Call) -> Result<Response, Problem> {
    Ok(file(STYLE, "text/css; charset=utf-8"))
}

/// `GET /auth/openapi.json`.
pub(crate) async fn openapi(call: Call) -> Result<Response, Problem> {
    let mut response = Response::new(call.web.openapi.clone().into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

fn file(text: &'static str, content_type: &'static str) -> Response {
    let mut response = Response::new(text.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
