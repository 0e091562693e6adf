//! The public keys.

use crate::Response;
use crate::call::Call;
use crate::problem::Problem;
use http::header::{CONTENT_TYPE, HeaderValue};

/// `GET /.well-known/jwks.json` (RFC 7517 §5). Keys appear here long before they sign anything.
pub(crate) async fn get(call: Call) -> Result<Response, Problem> {
    let app = call.web.app();
    let mut response = Response::new(app.jwks()?.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json"));
    // The keys are public by nature: any page may read them.
    response.headers_mut().insert("access-control-allow-origin", HeaderValue::from_static("*"));
    response.headers_mut().insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    Ok(response)
}
