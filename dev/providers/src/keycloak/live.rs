//! A realm that is there, and the people in it: what an administrator does to them while a test runs.

use super::admin::Admin;
use super::description::{Lifespans, User};
use super::representation;
use anyhow::{Context as _, Result};
use http::Method;
use serde_json::{Value, json};

/// A realm of a running server. It stays there when this is dropped.
#[derive(Clone)]
pub struct LiveRealm {
    pub(super) admin: Admin,
    pub(super) name: String,
}

/// Somebody in a realm.
#[derive(Clone)]
pub struct LiveUser {
    realm: LiveRealm,
    id: String,
}

impl LiveRealm {
    /// Its whole name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `iss`: what `/.well-known/openid-configuration` is appended to.
    pub fn issuer(&self) -> String {
        format!("{}/realms/{}", self.admin.origin(), self.name)
    }

    /// The user of this name.
    pub async fn user(&self, name: &str) -> Result<LiveUser> {
        let found = self.admin.find(&[&self.name, "users"], &[("username", name), ("exact", "true")]).await?;
        let id = found[0]["id"].as_str().with_context(|| format!("nobody is called {name} in {}", self.name))?;
        Ok(LiveUser { realm: self.clone(), id: id.to_owned() })
    }

    /// Adds somebody. Groups and roles have to be there.
    pub async fn add(&self, user: &User) -> Result<LiveUser> {
        self.call(Method::POST, &["users"], Some(&representation::user(user))).await?;
        let added = self.user(&user.name).await?;
        // Groups come with the user; roles do not.
        for role in &user.roles {
            added.grant(role).await?;
        }
        Ok(added)
    }

    /// From now on, what is given out lives so long. What has been given out already keeps its own end.
    pub async fn set_lifespans(&self, spans: &Lifespans) -> Result<()> {
        self.call(Method::PUT, &[], Some(&representation::lifespans(spans))).await.map(drop)
    }

    /// Replaces the keys that the realm signs with: what is signed from now on names a key that was not there before. Older
    /// keys stay in the JWK Set.
    pub async fn rotate_keys(&self) -> Result<()> {
        let known = self.call(Method::GET, &["keys"], None).await?;
        let highest =
            known["keys"].as_array().into_iter().flatten().filter_map(|key| key["providerPriority"].as_i64()).max();
        let priority = highest.unwrap_or_default() + 1;
        let key = json!({
            "name": format!("rsa-{priority}"),
            "providerId": "rsa-generated",
            "providerType": "org.keycloak.keys.KeyProvider",
            "config": {"priority": [priority.to_string()], "algorithm": ["RS256"]},
        });
        self.call(Method::POST, &["components"], Some(&key)).await.map(drop)
    }

    /// Ends every session that there is in it; each client that wants to know gets a logout token.
    pub async fn end_all_sessions(&self) -> Result<()> {
        self.call(Method::POST, &["logout-all"], Some(&json!({}))).await.map(drop)
    }

    /// Removes it with everything in it.
    pub async fn remove(self) -> Result<()> {
        self.call(Method::DELETE, &[], None).await.map(drop)
    }

    async fn call(&self, method: Method, path: &[&str], body: Option<&Value>) -> Result<Value> {
        let path: Vec<&str> = std::iter::once(self.name.as_str()).chain(path.iter().copied()).collect();
        self.admin.call(method, &path, body).await
    }
}

impl LiveUser {
    /// `sub` in every token.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Another address.
    pub async fn set_email(&self, email: &str, is_verified: bool) -> Result<()> {
        self.change(&json!({"email": email, "emailVerified": is_verified})).await
    }

    /// Whether they may log in. Who may not gets no tokens for a refresh token either.
    pub async fn set_enabled(&self, is_enabled: bool) -> Result<()> {
        self.change(&json!({"enabled": is_enabled})).await
    }

    /// Another password.
    pub async fn set_password(&self, password: &str) -> Result<()> {
        self.call(Method::PUT, &["reset-password"], Some(&representation::password(password))).await.map(drop)
    }

    /// Into a group, which has to be there.
    pub async fn join(&self, group: &str) -> Result<()> {
        let group = self.group(group).await?;
        self.call(Method::PUT, &["groups", &group], None).await.map(drop)
    }

    /// Out of a group.
    pub async fn leave(&self, group: &str) -> Result<()> {
        let group = self.group(group).await?;
        self.call(Method::DELETE, &["groups", &group], None).await.map(drop)
    }

    /// Gives a role of the realm, which has to be there.
    pub async fn grant(&self, role: &str) -> Result<()> {
        let role = self.realm.call(Method::GET, &["roles", role], None).await?;
        self.call(Method::POST, &["role-mappings", "realm"], Some(&json!([role]))).await.map(drop)
    }

    /// Takes a role of the realm.
    pub async fn withdraw(&self, role: &str) -> Result<()> {
        let role = self.realm.call(Method::GET, &["roles", role], None).await?;
        self.call(Method::DELETE, &["role-mappings", "realm"], Some(&json!([role]))).await.map(drop)
    }

    /// Their sessions, as `sid` names them.
    pub async fn sessions(&self) -> Result<Vec<String>> {
        let sessions = self.call(Method::GET, &["sessions"], None).await?;
        let ids = sessions.as_array().into_iter().flatten().filter_map(|session| session["id"].as_str());
        Ok(ids.map(str::to_owned).collect())
    }

    /// Ends all of them; each client that wants to know gets a logout token before this returns.
    pub async fn end_sessions(&self) -> Result<()> {
        self.call(Method::POST, &["logout"], None).await.map(drop)
    }

    /// Removes them.
    pub async fn remove(self) -> Result<()> {
        self.call(Method::DELETE, &[], None).await.map(drop)
    }

    /// What is not named stays: a user is written as a whole.
    async fn change(&self, changed: &Value) -> Result<()> {
        let mut user = self.call(Method::GET, &[], None).await?;
        if let (Value::Object(user), Value::Object(changed)) = (&mut user, changed.clone()) {
            user.extend(changed);
        }
        self.call(Method::PUT, &[], Some(&user)).await.map(drop)
    }

    async fn group(&self, name: &str) -> Result<String> {
        let path = [self.realm.name.as_str(), "groups"];
        let found = self.realm.admin.find(&path, &[("search", name), ("exact", "true")]).await?;
        let id = found[0]["id"].as_str().map(str::to_owned);
        id.with_context(|| format!("there is no group {name} in {}", self.realm.name))
    }

    async fn call(&self, method: Method, path: &[&str], body: Option<&Value>) -> Result<Value> {
        let path: Vec<&str> = ["users", self.id.as_str()].into_iter().chain(path.iter().copied()).collect();
        self.realm.call(method, &path, body).await
    }
}
