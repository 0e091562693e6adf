//! Descriptions in the words of Keycloak's admin REST API.

use super::description::{Lifespans, Realm, User};
use crate::client::{Authentication, Client};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A `RealmRepresentation`, with everything that is in it.
pub(super) fn realm(realm: &Realm, name: &str) -> Value {
    let all = |of: fn(&User) -> &Vec<String>| realm.users.iter().flat_map(of).collect::<BTreeSet<_>>();
    let roles: Vec<Value> = all(|user| &user.roles).into_iter().map(|role| json!({"name": role})).collect();
    let groups: Vec<Value> = all(|user| &user.groups).into_iter().map(|group| json!({"name": group})).collect();
    let mut representation = json!({
        "realm": name,
        "enabled": true,
        // Everything is on this machine.
        "sslRequired": "none",
        "roles": {"realm": roles},
        "groups": groups,
        "clients": realm.clients.iter().map(|client| self::client(client, realm)).collect::<Vec<_>>(),
        "users": realm.users.iter().map(user).collect::<Vec<_>>(),
    });
    if let (Value::Object(all), Value::Object(spans)) = (&mut representation, lifespans(&realm.lifespans)) {
        all.extend(spans);
    }
    representation
}

/// The fields of a `RealmRepresentation` that say how long things live.
pub(super) fn lifespans(spans: &Lifespans) -> Value {
    json!({
        "accessTokenLifespan": spans.access_token.as_secs(),
        "ssoSessionIdleTimeout": spans.session_idle.as_secs(),
        "ssoSessionMaxLifespan": spans.session.as_secs(),
        "revokeRefreshToken": spans.refresh_once,
        "refreshTokenMaxReuse": 0,
    })
}

/// The only credential of a user.
pub(super) fn password(password: &str) -> Value {
    json!({"type": "password", "value": password, "temporary": false})
}

/// A `UserRepresentation`. Roles are looked at only when it comes with its realm.
pub(super) fn user(user: &User) -> Value {
    json!({
        "username": user.name,
        "enabled": true,
        // Without a name, the log-in form is followed by one that asks for it.
        "firstName": user.name,
        "lastName": "Example",
        "email": user.email,
        "emailVerified": user.email_verified,
        "credentials": [password(&user.password)],
        "realmRoles": user.roles,
        "groups": user.groups.iter().map(|group| format!("/{group}")).collect::<Vec<_>>(),
    })
}

fn client(client: &Client, realm: &Realm) -> Value {
    let mut attributes = json!({
        "pkce.code.challenge.method": "S256",
        "post.logout.redirect.uris": client.post_logout_redirect_uris.join("##"),
        "backchannel.logout.session.required": "true",
    });
    if let Some(url) = &client.backchannel_logout_url {
        attributes["backchannel.logout.url"] = json!(url);
    }
    let (authenticator, secret) = match &client.authentication {
        Authentication::Secret(secret) => ("client-secret", Some(secret)),
        Authentication::PrivateKeyJwt(keys) => {
            attributes["use.jwks.string"] = json!("true");
            attributes["jwks.string"] = json!(keys.to_string());
            ("client-jwt", None)
        }
    };
    let mappers = [
        mapper("groups", "oidc-group-membership-mapper", realm.groups_claim.as_deref(), &json!({"full.path": "false"})),
        mapper(
            "roles",
            "oidc-usermodel-realm-role-mapper",
            realm.roles_claim.as_deref(),
            &json!({"multivalued": "true"}),
        ),
    ];
    json!({
        "clientId": client.id,
        "protocol": "openid-connect",
        "enabled": true,
        "publicClient": false,
        "standardFlowEnabled": true,
        "directAccessGrantsEnabled": false,
        "clientAuthenticatorType": authenticator,
        "secret": secret,
        "redirectUris": client.redirect_uris,
        "attributes": attributes,
        "protocolMappers": mappers.into_iter().flatten().collect::<Vec<_>>(),
    })
}

/// What puts a claim into tokens.
fn mapper(name: &str, kind: &str, claim: Option<&str>, more: &Value) -> Option<Value> {
    let mut config = json!({
        "claim.name": claim?,
        "id.token.claim": "true",
        "access.token.claim": "true",
        "userinfo.token.claim": "true",
    });
    if let (Value::Object(config), Value::Object(more)) = (&mut config, more.clone()) {
        config.extend(more);
    }
    Some(json!({"name": name, "protocol": "openid-connect", "protocolMapper": kind, "config": config}))
}
