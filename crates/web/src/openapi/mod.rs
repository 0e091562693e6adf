//! The description of everything under `/auth` as `OpenAPI` 3.1, made from the table of routes and what stands beside it:
//! who may call a route and what it reads are columns there, fields and answers are in `crates/web/src/shapes.rs`.

#![expect(clippy::indexing_slicing, reason = "an object that was just made is indexed by name, which never panics")]

mod schemas;

use crate::problem::{Code, by_client};
use crate::shapes::{Answer, Kind, Shape, shape_of};
use crate::table::{Body, Guard, ROUTES, Row};
use cloakroom_core::approval::Act;
use cloakroom_core::service::Grant;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Each event has a schema of its own, which `OpenAPI` 3.1 cannot say.
const EVENTS: &str = "text/event-stream";

/// The whole document.
pub fn document() -> Value {
    let (mut paths, mut refusals) = (Map::new(), Map::new());
    for row in ROUTES {
        let Some(shape) = shape_of(row.method, row.path) else { continue };
        let path = paths.entry(row.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(row.method.to_ascii_lowercase(), operation(row, shape, &mut refusals));
        }
    }
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Cloakroom",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Log-in, sessions and tokens. Unsafe methods need an `Origin` of this site, or `Sec-Fetch-Site: same-origin`, \
                            as browsers send them; what a plain form could send needs a form token of `GET /auth/csrf` besides. \
                            Errors are problem documents (RFC 9457): branch on `code`. Who sends a form, or looks at a page, gets pages \
                            instead. Paths of `/u/1` to `/u/9` are the same in another slot, where `session.slots` offers them.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": { "schemas": schemas::all(), "responses": refusals, "securitySchemes": {
            "session": { "type": "apiKey", "in": "cookie", "name": "__Host-Http-cloakroom",
                "description": "Set by a log-in. With `cookie.domain` its name is `__Secure-cloakroom`." },
            "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                "description": "An access token, where a strategy hands it out (`memory`, `native`, `split-bearer`)." },
            "client": { "type": "http", "scheme": "basic", "description": "A client's id and secret; or both in the body, or `client_assertion`." },
            "feed": { "type": "http", "scheme": "bearer", "description": "`revocation.feed_token` of the configuration." },
        } },
    })
}

fn operation(row: &Row, shape: &Shape, refusals: &mut Map<String, Value>) -> Value {
    let mut parameters: Vec<Value> = shape
        .query
        .iter()
        .map(|name| {
            let position = json!({ "type": "integer", "minimum": 0, "maximum": 9_007_199_254_740_991_u64 });
            let schema = if *name == "after" { position } else { json!({ "type": "string" }) };
            json!({ "name": name, "in": "query", "required": false, "schema": schema })
        })
        .collect();
    if row.path.ends_with("{id}") {
        let schema = json!({ "type": "string", "minLength": 1 });
        parameters.push(json!({ "name": "id", "in": "path", "required": true, "schema": schema }));
    }
    let security = match row.guard {
        Guard::SignedIn => json!([{ "session": [] }, { "bearer": [] }]),
        Guard::Service => json!([{ "feed": [] }]),
        Guard::Client => json!([{ "client": [] }, {}]),
        Guard::Open | Guard::Entrance | Guard::Approver | Guard::Provider => json!([]),
    };
    let mut operation = json!({
        "operationId": name_of(row),
        "summary": row.does,
        "security": security,
        "responses": responses(row, shape, refusals),
    });
    if let Some(operation) = operation.as_object_mut() {
        if !parameters.is_empty() {
            operation.insert("parameters".into(), parameters.into());
        }
        operation.extend(request_body(row, shape).map(|body| ("requestBody".to_owned(), body)));
    }
    operation
}

/// `post-auth-step-up-id`.
fn name_of(row: &Row) -> String {
    let path = row.path.replace(['{', '}'], "");
    let slash = if path.ends_with('/') { "/slash" } else { "" };
    format!("{}{}{slash}", row.method.to_ascii_lowercase(), path.trim_end_matches('/')).replace(['/', '.'], "-")
}

fn request_body(row: &Row, shape: &Shape) -> Option<Value> {
    let fields = |in_form| {
        let fields: Map<_, _> =
            shape.fields.iter().map(|field| (field.name.to_owned(), schema(field.kind, in_form))).collect();
        let needed: Vec<_> = shape.fields.iter().filter(|field| field.needed).map(|field| field.name).collect();
        let mut body = json!({ "type": "object", "properties": fields, "required": needed });
        if in_form {
            // A field that comes twice is refused.
            body["additionalProperties"] = json!({ "type": "string" });
        }
        let choices = choices(row);
        if !choices.is_empty() {
            body["oneOf"] = choices.into();
        }
        body
    };
    let content = match row.body {
        Body::None => return None,
        Body::Parameters => json!({ "application/x-www-form-urlencoded": { "schema": fields(true) } }),
        Body::Fields if row.guard == Guard::Provider => {
            json!({ "application/x-www-form-urlencoded": { "schema": fields(true) } })
        }
        Body::Fields => json!({
            "application/json": { "schema": fields(false) },
            "application/x-www-form-urlencoded": { "schema": fields(true) },
        }),
        Body::List => json!({ "application/json": { "schema": fields(false) } }),
        Body::Report => {
            let any = json!({ "schema": {} });
            json!({ "application/csp-report": any, "application/reports+json": any, "application/json": any })
        }
    };
    let required =
        row.body == Body::Report || !choices(row).is_empty() || shape.fields.iter().any(|field| field.needed);
    Some(json!({ "required": required, "content": content }))
}

/// Where a body is one of several: what each needs.
fn choices(row: &Row) -> Vec<Value> {
    let one_of = |names: &[&str]| names.iter().map(|name| json!({ "required": [name] })).collect();
    match (row.method, row.path) {
        ("POST", "/auth/login/factor") => one_of(&["totp", "recovery", "passkey"]),
        ("POST", "/auth/step-up/{id}") => {
            one_of(&["password", "totp", "recovery", "mail", "passkey", "provider", "send", "decline"])
        }
        ("POST", "/auth/step-up") => {
            let act = |act: Act| {
                let needed: Vec<_> = std::iter::once("act").chain(act.field()).collect();
                json!({ "properties": { "act": { "const": act.as_str() } }, "required": needed })
            };
            let call = json!({ "properties": { "act": false }, "required": ["method", "path", "body_sha256"] });
            Act::ALL.into_iter().map(act).chain([call]).collect()
        }
        _ => vec![],
    }
}

fn schema(kind: Kind, in_form: bool) -> Value {
    match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Code => json!({ "type": "string", "minLength": 1 }),
        Kind::Email => json!({ "type": "string", "description": "An email address." }),
        Kind::Password => json!({ "type": "string", "format": "password", "minLength": 1 }),
        Kind::Flag if in_form => json!({ "type": "string", "description": "`on` for yes." }),
        Kind::Flag => json!({ "type": "boolean", "default": false }),
        Kind::Passkey if in_form => {
            json!({ "type": "string", "minLength": 1, "description": "JSON of a PublicKeyCredential." })
        }
        Kind::Passkey => {
            json!({ "type": ["object", "string"], "minLength": 1, "description": "A PublicKeyCredential." })
        }
        Kind::Names if in_form => json!({ "type": "string" }),
        Kind::Names => {
            json!({ "type": "array", "maxItems": 16, "items": { "type": "string", "minLength": 1, "maxLength": 64 } })
        }
        Kind::Grant => json!({ "enum": Grant::ALL.map(Grant::as_str) }),
        Kind::Sightings => {
            json!({ "type": "array", "maxItems": 1000, "items": { "$ref": "#/components/schemas/Sighting" } })
        }
    }
}

/// Refusals are the same for many routes: each is written once, under its status and codes.
fn responses(row: &Row, shape: &Shape, refusals: &mut Map<String, Value>) -> Value {
    let mut responses = BTreeMap::new();
    let mut content: BTreeMap<u16, Map<String, Value>> = BTreeMap::new();
    for answer in shape.answers {
        let text = json!({ "schema": { "type": "string" } });
        let of = |name: &str| json!({ "schema": { "$ref": format!("#/components/schemas/{name}") } });
        let (status, kinds) = match *answer {
            Answer::Json(status, name) => (status, vec![("application/json", of(name))]),
            Answer::Nothing => (204, vec![]),
            Answer::Empty => (200, vec![]),
            Answer::Redirect => (303, vec![]),
            Answer::Page => (200, vec![("text/html", text)]),
            Answer::File(kind) if kind.ends_with("json") => {
                (200, vec![(kind, json!({ "schema": { "type": "object" } }))])
            }
            Answer::File(kind) if kind == EVENTS => (200, vec![(kind, json!({}))]),
            Answer::File(kind) => (200, vec![(kind, text)]),
            Answer::Events(name) => (200, vec![("application/json", of(name)), (EVENTS, json!({}))]),
        };
        content.entry(status).or_default().extend(kinds.into_iter().map(|(kind, schema)| (kind.to_owned(), schema)));
    }
    for (status, content) in content {
        let mut response = json!({ "description": described(status) });
        if !content.is_empty() {
            response["content"] = content.into();
        }
        if status == 303 {
            response["headers"] = json!({ "Location": { "required": true, "schema": { "type": "string" } } });
        }
        responses.insert(status.to_string(), response);
    }
    if row.guard == Guard::Client {
        for status in by_client::STATUSES {
            let content = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/OAuthError" } } });
            responses.insert(status.to_string(), json!({ "description": "RFC 6749 §5.2.", "content": content }));
        }
    }
    let mut codes: BTreeMap<u16, BTreeSet<&str>> = BTreeMap::new();
    for code in problems(row, shape) {
        let (status, code, _) = code.parts();
        codes.entry(status.as_u16()).or_default().insert(code);
    }
    for (status, codes) in codes {
        let name = codes.iter().fold(status.to_string(), |name, code| name + "." + code);
        responses.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }));
        let schema = json!({
            "allOf": [{ "$ref": "#/components/schemas/Problem" }],
            "properties": { "status": { "const": status }, "code": { "enum": codes } },
        });
        let listed = codes.iter().map(|code| format!("`{code}`")).collect::<Vec<_>>().join(", ");
        let content = json!({
            "application/problem+json": { "schema": schema },
            "text/html": { "schema": { "type": "string" } },
        });
        refusals.insert(name, json!({ "description": listed, "content": content }));
    }
    json!(responses)
}

fn described(status: u16) -> &'static str {
    match status {
        201 => "It was made.",
        202 => "It happens, or waits.",
        204 => "It is done.",
        303 => "Go on there.",
        _ => "Here it is.",
    }
}

/// Every problem that a route can answer with: by where it stands, its guard, its body, and of its own.
fn problems(row: &Row, shape: &Shape) -> Vec<Code> {
    if row.guard == Guard::Client {
        // What is refused before it is known whose route it is; the rest is said in OAuth's words.
        return vec![Code::HttpsRequired, Code::ServiceWorkerRefused, Code::Misdirected];
    }
    let mut codes = vec![
        Code::BadRequest,
        Code::DuplicateCookie,
        Code::CookiesTooLarge,
        Code::HttpsRequired,
        Code::ServiceWorkerRefused,
        Code::Misdirected,
        Code::Fault,
        Code::Unavailable,
        Code::RevocationsStale,
    ];
    if row.body != Body::None {
        codes.extend([Code::TooLarge, Code::TooSlow, Code::UnsupportedMediaType]);
    }
    let by_browsers = !matches!(row.guard, Guard::Service | Guard::Provider) && row.body != Body::Report;
    if by_browsers && row.method != "GET" {
        codes.extend([Code::CrossSite, Code::FormTokenNeeded]);
    }
    if row.method == "GET" && row.path == "/auth/refresh" {
        codes.push(Code::CrossSite);
    }
    if row.path.ends_with("{id}") {
        codes.push(Code::NotFound);
    }
    codes.extend(match row.guard {
        Guard::SignedIn => [Code::SignedOut, Code::AccessExpired].as_slice(),
        Guard::Service => &[Code::FeedNotOffered, Code::NotAService],
        Guard::Open | Guard::Entrance | Guard::Approver | Guard::Provider | Guard::Client => &[],
    });
    codes.extend(shape.problems.iter().copied().flatten());
    codes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::SHAPES;

    #[test]
    fn every_route_is_described_and_nothing_else() {
        for row in ROUTES {
            let shape = shape_of(row.method, row.path)
                .unwrap_or_else(|| unreachable!("{} {} has no shape", row.method, row.path));
            assert!(row.body != Body::None || shape.fields.is_empty(), "{} reads nothing", row.path);
            assert!(!shape.answers.is_empty(), "{} answers nothing", row.path);
        }
        assert_eq!(SHAPES.len(), ROUTES.len());
    }

    #[test]
    fn every_field_that_the_reference_names_is_described_and_names_are_unique() {
        let document = document();
        let mut names = BTreeSet::new();
        for row in ROUTES {
            let operation = &document["paths"][row.path][row.method.to_ascii_lowercase()];
            assert!(names.insert(operation["operationId"].to_string()), "{operation}");
            assert!(operation["responses"].as_object().unwrap().len() > 3, "{operation}");
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let text = document.to_string();
        let mut found = 0;
        for part in text.split("\"#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
            found += 1;
        }
        assert!(found > 30, "{found}");
    }
}
