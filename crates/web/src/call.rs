//! A request on its way to a handler: what the guards have established, and the body as fields.

use crate::client::Client;
use crate::cookies::Cookies;
use crate::problem::{Code, Problem};
use crate::shapes::{Field, Kind};
use crate::shown::Shown;
use crate::{Response, Web};
use bytes::Bytes;
use cloakroom_app::device::Visit;
use cloakroom_app::token::Seen;
use cloakroom_core::service::Refusal;
use http::header::USER_AGENT;
use http::request::Parts;
use std::collections::HashMap;
use std::sync::Arc;

/// A request that its row's rules have let through.
pub(crate) struct Call {
    pub(crate) web: Arc<Web>,
    pub(crate) parts: Parts,
    pub(crate) client: Client,
    pub(crate) fields: Fields,
    pub(crate) seen: Option<Arc<Seen>>,
    /// What stands in the path in the place of `{id}`.
    pub(crate) id: Option<String>,
}

impl Call {
    /// The proof that somebody is logged in, which the guard of the row has put here.
    pub(crate) fn seen(&self) -> Result<&Arc<Seen>, Problem> {
        self.seen.as_ref().ok_or_else(|| Code::SignedOut.into())
    }

    /// The cookies of the request's slot.
    pub(crate) fn cookies(&self) -> Result<Cookies<'_>, Code> {
        Cookies::parse(&self.parts.headers, &self.web.site().cookies.in_slot(self.client.slot))
    }

    /// What the request shows of its session.
    pub(crate) fn shown(&self) -> Result<Option<Shown<'_>>, Code> {
        self.web.shown(&self.parts.headers, &self.cookies()?)
    }

    /// A redirect within the slot of the request. `to` is a local path built here, never a client's text.
    pub(crate) fn redirect(&self, to: &str) -> Response {
        self.web.redirect(&self.client.slot.at(to))
    }

    /// Where the request comes from.
    pub(crate) fn visit(&self) -> Result<Visit<'_>, Code> {
        let devices = self.cookies()?.devices;
        Ok(Visit { devices, user_agent: self.user_agent(), address: self.client.address })
    }

    /// What a program has kept of an earlier log-in in the place of the device cookie, from the body. A browser has that cookie,
    /// which no script reads, and is asked for nothing else.
    pub(crate) fn kept_device(&mut self) -> Result<Option<String>, Code> {
        let device = self.fields.optional("device")?;
        Ok(device.filter(|_| self.web.is_program(&self.parts)))
    }

    /// Where a log-in comes from, with what a program has kept.
    pub(crate) fn visit_of<'a>(&'a self, device: Option<&'a str>) -> Result<Visit<'a>, Code> {
        let visit = self.visit()?;
        Ok(if device.is_some() { Visit { devices: [device, None, None, None], ..visit } } else { visit })
    }

    /// The `User-Agent`, for the owner's list of sessions.
    pub(crate) fn user_agent(&self) -> &str {
        self.parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// A parameter of the query, decoded. One that comes twice is none.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        let query = self.parts.uri.query()?;
        let mut found = url::form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value.into_owned()),
            _ => None,
        }
    }
}

/// A body, read: a JSON object or a form, with the same names in both.
#[derive(Default)]
pub(crate) struct Fields {
    /// Whether a person's form sent it, so that a page answers.
    pub(crate) form: bool,
    /// Every field that the description of the route names; `None` where it reads no body.
    declared: Option<&'static [Field]>,
    values: HashMap<String, Value>,
}

enum Value {
    Text(String),
    Flag(bool),
    Other(serde_json::Value),
}

impl Fields {
    /// Reads `application/json`: one object.
    pub(crate) fn json(body: &Bytes) -> Result<Self, Code> {
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(body).map_err(|_| Code::BadRequest)?;
        let value = |value| match value {
            serde_json::Value::String(text) => Value::Text(text),
            serde_json::Value::Bool(flag) => Value::Flag(flag),
            other => Value::Other(other),
        };
        Ok(Self { values: object.into_iter().map(|(name, v)| (name, value(v))).collect(), ..Self::default() })
    }

    /// Reads `application/x-www-form-urlencoded`. A field that comes twice is refused.
    pub(crate) fn form(body: &Bytes) -> Result<Self, Code> {
        let mut values = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(body) {
            if values.insert(name.into_owned(), Value::Text(value.into_owned())).is_some() {
                return Err(Code::BadRequest);
            }
        }
        Ok(Self { form: true, values, ..Self::default() })
    }

    /// The same, for a route that is described to have these. What is of another type than its description says is
    /// refused, whether or not the handler would have looked at it.
    pub(crate) fn of(self, declared: &'static [Field]) -> Result<Self, Code> {
        let fits = |field: &Field| {
            self.values.get(field.name).is_none_or(|value| match (value, field.kind) {
                // A form sends every input that it has, filled in or not.
                (Value::Text(text), Kind::Code | Kind::Passkey | Kind::Password) => self.form || !text.is_empty(),
                (Value::Text(_), kind) => self.form || !matches!(kind, Kind::Flag | Kind::Names | Kind::Sightings),
                (Value::Flag(_), kind) => kind == Kind::Flag,
                (Value::Other(value), Kind::Names | Kind::Sightings) => value.is_array(),
                (Value::Other(value), kind) => kind == Kind::Passkey && value.is_object(),
            })
        };
        if declared.iter().all(fits) { Ok(Self { declared: Some(declared), ..self }) } else { Err(Code::BadRequest) }
    }

    /// A handler that reads what the route's description does not name is a mistake of ours: tests are to see it.
    fn is_declared(&self, name: &str) -> bool {
        name == "cloakroom_csrf" || self.declared.is_none_or(|declared| declared.iter().any(|field| field.name == name))
    }

    /// Reads the parameters of OAuth: those without a value are left out, and one that comes twice is refused (RFC 6749 §3.2),
    /// but for `audience` and `resource`, of which there may be several (RFC 8693 §2.1).
    pub(crate) fn parameters(body: &Bytes) -> Result<Self, Code> {
        let mut values = HashMap::new();
        let mut lists: HashMap<String, Vec<serde_json::Value>> = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(body).filter(|(_, value)| !value.is_empty()) {
            if matches!(&*name, "audience" | "resource") {
                lists.entry(name.into_owned()).or_default().push(value.into_owned().into());
            } else if values.insert(name.into_owned(), Value::Text(value.into_owned())).is_some() {
                return Err(Code::Service(Refusal::Malformed));
            }
        }
        values.extend(lists.into_iter().map(|(name, list)| (name, Value::Other(list.into()))));
        Ok(Self { values, ..Self::default() })
    }

    /// Takes every value of a parameter that may come several times.
    pub(crate) fn texts(&mut self, name: &str) -> Vec<String> {
        let list = self.list(name).unwrap_or_default();
        list.into_iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
    }

    /// Takes a field of text.
    pub(crate) fn text(&mut self, name: &str) -> Result<String, Code> {
        debug_assert!(self.is_declared(name), "{name} is not in shapes.rs");
        match self.values.remove(name) {
            Some(Value::Text(text)) => Ok(text),
            _ => Err(Code::BadRequest),
        }
    }

    /// Takes a field of text that may be missing.
    pub(crate) fn optional(&mut self, name: &str) -> Result<Option<String>, Code> {
        debug_assert!(self.is_declared(name), "{name} is not in shapes.rs");
        if self.values.contains_key(name) { self.text(name).map(Some) } else { Ok(None) }
    }

    /// Takes a field that holds JSON: as text in a form, as it is in a JSON object. It may be missing.
    pub(crate) fn json_text(&mut self, name: &str) -> Result<Option<String>, Code> {
        debug_assert!(self.is_declared(name), "{name} is not in shapes.rs");
        match self.values.remove(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Other(value)) => Ok(Some(value.to_string())),
            Some(Value::Flag(_)) => Err(Code::BadRequest),
        }
    }

    /// Whether there is a field of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Takes a list of a JSON object.
    pub(crate) fn list(&mut self, name: &str) -> Result<Vec<serde_json::Value>, Code> {
        match self.values.remove(name) {
            Some(Value::Other(serde_json::Value::Array(list))) => Ok(list),
            _ => Err(Code::BadRequest),
        }
    }

    /// Takes a yes or no that may be missing; in a form, a ticked box.
    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, Code> {
        debug_assert!(self.is_declared(name), "{name} is not in shapes.rs");
        match self.values.remove(name) {
            None => Ok(false),
            Some(Value::Flag(flag)) => Ok(flag),
            Some(Value::Text(text)) if self.form => Ok(text == "on"),
            Some(_) => Err(Code::BadRequest),
        }
    }
}
