//! Whose addresses are asked for: nobody's, and those of accounts, each used once.

use crate::http::{Client, post};
use crate::parts::house::{self, Visitor};
use crate::parts::rows::someone;
use crate::person::{Person, new_address};
use crate::server::SAME_ORIGIN;
use crate::statistics::Dice;
use anyhow::{Context as _, Result, anyhow};
use cloakroom_app::{Clock as _, SystemClock};
use cloakroom_core::account::{Account, Email, PasswordHash};
use cloakroom_core::id::AccountId;
use cloakroom_core::time::Lifetime;
use cloakroom_jose::random;
use cloakroom_store::{Order, Sqlite, Store, Unit};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;

/// What there is for an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// No account.
    Nobody,
    /// An account that was confirmed a month ago, and nothing else.
    Confirmed,
    /// An account that has signed up just now.
    Unconfirmed,
    /// As confirmed, but the client adds some time.
    Leaking,
    /// No account either: what the leak is compared with, so that how long is measured depends on nothing of what is judged.
    Control,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nobody => "no",
            Self::Confirmed => "confirmed",
            Self::Unconfirmed => "unconfirmed",
            Self::Leaking => "leaking",
            Self::Control => "no other",
        }
    }
}

/// Everybody of a run.
pub(super) struct Population {
    pub(super) dice: Dice,
    confirmed: Vec<String>,
}

/// Who is asked for, and where the question comes from.
pub(super) struct Someone {
    pub(super) kind: Kind,
    email: String,
    address: String,
}

impl Population {
    pub(super) fn new(dice: Dice) -> Self {
        Self { dice, confirmed: Vec::new() }
    }

    /// One more of a kind. Who is confirmed is there after [`Self::settle`], who is not after [`sign_up`].
    pub(super) fn someone(&mut self, kind: Kind) -> Someone {
        let email = format!("{:016x}@example.com", self.dice.next());
        if matches!(kind, Kind::Confirmed | Kind::Leaking) {
            self.confirmed.push(email.clone());
        }
        Someone { kind, email, address: new_address() }
    }

    /// Writes the confirmed accounts into a store that is empty, with a password of the default parameters.
    pub(super) async fn settle(&self, store: &dyn Store) -> Result<()> {
        let now = SystemClock.now();
        let long_ago = now.minus(Lifetime::from_secs(30 * 86_400));
        let password = password().await?;
        for some in self.confirmed.chunks(500) {
            let mut unit = Unit::new();
            for email in some {
                let account = someone(AccountId::from_bytes(random()?), long_ago)?;
                let email = Email::parse(email).map_err(|error| anyhow!("{error}"))?;
                let (password, email_verified_at) = (password.clone(), Some(long_ago));
                unit.push(Order::OpenAccount(Account { email, password, email_verified_at, ..account }));
            }
            store.commit(unit).await?;
        }
        Ok(())
    }
}

/// Signs up who is to be there unconfirmed, from other networks than they are asked for; answers how many.
pub(super) fn sign_up(server: SocketAddr, people: &[Someone]) -> Result<usize> {
    let mut client = Client::connect(server)?;
    let newcomers = people.iter().filter(|someone| someone.kind == Kind::Unconfirmed);
    let signed_up = newcomers.map(|someone| Person::new(someone.email.clone()).sign_up(&mut client));
    Ok(signed_up.collect::<Result<Vec<_>>>()?.len())
}

impl Someone {
    /// The bytes of a request with their address.
    pub(super) fn request(&self, path: &str, password: Option<&str>) -> Vec<u8> {
        let [site, mode] = SAME_ORIGIN;
        let body = match password {
            Some(password) => json!({ "email": self.email, "password": password }),
            None => json!({ "email": self.email }),
        };
        post(path, &[site, mode, ("x-forwarded-for", &self.address)], &body.to_string())
    }
}

/// A hash as the server makes them by default.
async fn password() -> Result<PasswordHash> {
    let store: Arc<dyn Store> = Arc::new(Sqlite::in_memory()?);
    let app = house::open(Arc::clone(&store), "").await?;
    Visitor::new("someone@example.com")?.sign_up(&app).await?;
    let email = Email::parse("someone@example.com").map_err(|error| anyhow!("{error}"))?;
    Ok(store.account_by_email(&email).await?.context("the account is not there")?.password)
}
