//! What good answers look like.

use serde_json::{Value, json};

/// An object whose members are all there.
fn object(members: &Value) -> Value {
    let names: Vec<_> = members.as_object().into_iter().flatten().map(|(name, _)| name).collect();
    json!({ "type": "object", "properties": members, "required": names })
}

/// The same with members that may be missing.
fn with(members: &Value, optional: &Value) -> Value {
    let mut schema = object(members);
    if let (Some(properties), Some(optional)) = (schema["properties"].as_object_mut(), optional.as_object()) {
        properties.extend(optional.clone());
    }
    schema
}

/// Every schema, by its name.
pub(super) fn all() -> Value {
    let (text, yes, time) = (json!({ "type": "string" }), json!({ "type": "boolean" }), json!({ "type": "integer" }));
    let number = json!({ "type": "integer", "minimum": 0 });
    let millis = json!({ "type": "integer", "minimum": 0, "maximum": 9_007_199_254_740_991_u64, "description": "Milliseconds since 1970." });
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    let list = |name: &str| json!({ "type": "array", "items": { "$ref": format!("#/components/schemas/{name}") } });
    let of = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let question = json!({ "type": ["object", "null"] });
    json!({
        "Problem": with(
            &json!({ "type": { "type": "string", "pattern": "^urn:cloakroom:problem:" }, "title": text, "status": number, "detail": text, "code": text }),
            &json!({
                "login": text, "incident": text,
                "step_up": { "type": "object" },
                "second_factor": object(&json!({ "id": text, "totp": yes, "recovery": yes, "passkey": question })),
            }),
        ),
        "Account": object(&json!({ "id": text, "email": text, "email_verified": yes })),
        "Session": object(&json!({ "id": text, "opened_at": time, "ends_at": time, "methods": texts, "strategy": text })),
        "Opened": with(
            &json!({ "account": of("Account"), "session": of("Session"), "expires_at": time, "csrf": text }),
            &json!({
                "token_type": { "const": "Bearer" }, "access_token": text, "refresh_token": text, "claims": text, "device": text,
                "recovery_codes": { "type": ["array", "null"], "items": { "type": "string" } },
            }),
        ),
        "Me": object(&json!({ "account": of("Account"), "session": of("Session"), "expires_at": time })),
        "Accepted": with(&json!({ "status": { "const": "accepted" } }), &json!({ "login": text })),
        "Question": object(&json!({ "state": text, "options": { "type": "object" } })),
        "GoOn": object(&json!({ "continue_at": text })),
        "Sessions": object(&json!({ "sessions": list("ListedSession") })),
        "ListedSession": object(&json!({
            "id": text, "current": yes, "device": text, "address": {}, "opened_at": time, "last_used_at": time, "ends_at": time,
            "methods": texts, "strategy": text, "remember": yes, "bound": yes,
        })),
        "Devices": object(&json!({ "devices": list("Device") })),
        "Device": object(&json!({
            "id": text, "current": yes, "name": { "type": ["string", "null"] }, "device": text, "networks": texts,
            "first_seen": time, "last_seen": time, "trusted": yes,
        })),
        "Factors": object(&json!({
            "totp": { "type": ["object", "null"], "properties": { "added_at": time } },
            "recovery_codes_left": { "type": ["integer", "null"], "minimum": 0 },
            "passkeys": list("Passkey"),
        })),
        "Passkey": object(&json!({
            "id": text, "name": text, "for": { "enum": ["log-in", "approval"] }, "added_at": time, "used_at": { "type": ["integer", "null"] },
        })),
        "TotpBegun": object(&json!({ "id": text, "secret": text, "uri": text, "qr_svg": text })),
        "RecoveryCodes": object(&json!({ "recovery_codes": { "type": ["array", "null"], "items": { "type": "string" } } })),
        "Enrolling": object(&json!({ "id": text, "options": { "type": "object" } })),
        "Proven": { "anyOf": [of("Enrol"), of("GoOn")] },
        "Enrol": object(&json!({ "page": text })),
        "Opening": object(&json!({ "id": text, "page": text, "expires_at": time })),
        "Waiting": object(&json!({ "state": { "const": "waiting" } })),
        "Collected": with(&json!({ "state": { "const": "approved" } }), &json!({ "grant": text })),
        "Revocations": object(&json!({
            "after": {}, "next": {}, "more": yes, "reset": yes, "stale_after_ms": number, "access_for_ms": number, "now": time,
            "entries": { "type": "array", "items": { "type": "object" } },
        })),
        "Sighting": object(&json!({
            "sid": { "type": "string", "pattern": "^[A-Za-z0-9_-]{21}[AQgw]$" },
            "gen": { "type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32 },
            "first_used_at": millis, "last_used_at": millis,
        })),
        "FormToken": object(&json!({ "csrf": text, "header": text, "field": text })),
        "Granted": with(
            &json!({ "access_token": text, "token_type": { "const": "Bearer" }, "expires_in": number }),
            &json!({ "scope": text, "issued_token_type": text, "refresh_token": text }),
        ),
        "Introspection": with(&json!({ "active": yes }), &json!({ "sub": text, "client_id": text, "scope": text })),
        "OAuthError": with(&json!({ "error": text, "error_description": text }), &json!({ "incident": text })),
        "Document": { "type": "object" },
    })
}
