//! What the token endpoint can do, for clients that ask (RFC 8414).

use crate::Response;
use crate::call::Call;
use crate::problem::Problem;
use crate::routes::answer;
use cloakroom_app::service::TOKEN_PATH;
use cloakroom_core::service::Grant;
use serde_json::json;

/// How a client can show who it is.
const METHODS: [&str; 3] = ["client_secret_basic", "client_secret_post", "private_key_jwt"];

/// What it can sign with.
const ALGORITHMS: [&str; 3] = ["EdDSA", "ES256", "RS256"];

/// `GET /.well-known/oauth-authorization-server`.
pub(crate) async fn get(call: Call) -> Result<Response, Problem> {
    let issuer = &call.web.app().settings().issuer;
    let grants: Vec<_> = Grant::ALL.iter().map(|grant| grant.as_str()).collect();
    Ok(answer(&json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}{TOKEN_PATH}"),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "revocation_endpoint": format!("{issuer}{TOKEN_PATH}/revoke"),
        "revocation_endpoint_auth_methods_supported":
            ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
        "revocation_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "introspection_endpoint": format!("{issuer}{TOKEN_PATH}/introspect"),
        "introspection_endpoint_auth_methods_supported": METHODS,
        "introspection_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "grant_types_supported": grants,
        // Required, although nobody is authorized in a browser here (RFC 8414 §2).
        "response_types_supported": [],
    })))
}
