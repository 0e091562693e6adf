//! What the bank does, the same in every strategy: profile, address, password, transfer, deletion, posts.
//!
//! Who the caller is was decided before (`keeping/`). The stored script is here, on purpose: a post is shown as it was
//! written.

use std::cell::OnceCell;

use http::{Method, StatusCode};
use serde_json::json;

use crate::accounts::{Account, AccountId, Accounts};
use crate::deeds::What;
use crate::keeping::{Caller, Keeping, Scene};
use crate::manner::Manner;
use crate::reply::{self, Refusal, Reply};
use crate::secret::unguessable;

/// The longest text of a field that is kept.
const LONGEST_TEXT: usize = 64 * 1024;

/// One request, and the strategy that it came to.
pub(crate) struct Desk<'a> {
    pub(crate) scene: &'a Scene<'a>,
    pub(crate) keeping: &'a dyn Keeping,
    pub(crate) manners: &'static [Manner],
    /// Found out once per request, since a proof of possession is good once.
    found: OnceCell<Result<Known, Refusal>>,
}

/// Somebody whom the bank recognised.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) id: AccountId,
    pub(crate) account: Account,
    pub(crate) credential: String,
}

impl<'a> Desk<'a> {
    pub(crate) fn new(scene: &'a Scene<'a>, keeping: &'a dyn Keeping, manners: &'static [Manner]) -> Self {
        Self { scene, keeping, manners, found: OnceCell::new() }
    }

    pub(crate) fn has(&self, manner: Manner) -> bool {
        self.manners.contains(&manner)
    }

    /// Who calls, with an account that still exists.
    pub(crate) fn known(&self) -> Result<Known, Refusal> {
        self.found.get_or_init(|| self.find()).clone()
    }

    fn find(&self) -> Result<Known, Refusal> {
        let Caller { account: id, credential } = self.keeping.caller(self.scene)?;
        let account = self.scene.world.accounts.get(id).ok_or(Refusal::NOBODY)?;
        Ok(Known { id, account, credential })
    }

    pub(crate) fn did(&self, known: &Known, what: What) {
        self.scene.did(Some(&known.account), what, Some(&known.credential));
    }

    fn field(&self, name: &str) -> Result<&str, Refusal> {
        let text = self.scene.fields.get(name).ok_or(Refusal::MISSING)?;
        if text.len() > LONGEST_TEXT { Err(Refusal::TOO_LONG) } else { Ok(text) }
    }

    /// The answer of a route below `/api/` (and of `/logout`); `None` if there is no such route.
    pub(crate) fn api(&self) -> Option<Result<Reply, Refusal>> {
        let ask = self.scene.ask;
        let answer = match (&ask.method, ask.path.as_str()) {
            (&Method::POST, "/api/login") => self.log_in(),
            (&Method::POST, "/api/logout") => Ok(self.log_out()),
            (&Method::GET, "/logout") if self.has(Manner::LogOutByVisit) => Ok(self.log_out()),
            (&Method::GET, "/api/profile") => self.profile(),
            (&Method::POST, "/api/email") => self.change_email(),
            (&Method::POST, "/api/password") => self.change_password(),
            (&Method::POST, "/api/transfer") => self.transfer(self.field("to"), self.field("amount")),
            (&Method::GET, "/api/transfer") if self.has(Manner::ChangesByGet) => {
                let field = |name| ask.query.get(name).map(String::as_str).ok_or(Refusal::MISSING);
                self.transfer(field("to"), field("amount"))
            }
            (&Method::POST, "/api/delete") => self.delete(),
            (&Method::POST, "/api/posts") => self.write_post(),
            (&Method::GET, path) if path.starts_with("/api/posts/") => {
                self.read_post(path.trim_start_matches("/api/posts/"))
            }
            (&Method::GET, path) if path.starts_with("/api/items/") => {
                Ok(reply::json(StatusCode::OK, &json!({ "name": path.trim_start_matches("/api/items/") })))
            }
            (&Method::POST, path) if path.starts_with("/api/items/") && path.ends_with("/like") => {
                self.known().map(|_| reply::done())
            }
            _ => return None,
        };
        Some(answer)
    }

    fn log_in(&self) -> Result<Reply, Refusal> {
        let (email, password) = (self.field("email")?, self.field("password")?);
        let Some((id, account)) = self.scene.world.accounts.find(self.scene.strategy, email) else {
            return Err(Refusal::WRONG_PASSWORD);
        };
        if !Accounts::is_password(&account, password) {
            return Err(Refusal::WRONG_PASSWORD);
        }
        let entered = self.keeping.enter(self.scene, id, &account)?;
        self.scene.did(Some(&account), What::Login, Some(&entered.credential));
        Ok(entered.reply)
    }

    fn log_out(&self) -> Reply {
        // Whoever is nobody any more may log out: the browser's part is cleared all the same.
        let known = self.known().ok();
        let reply = self.keeping.leave(self.scene);
        if let Some(known) = known {
            self.did(&known, What::LoggedOut);
        }
        reply
    }

    fn profile(&self) -> Result<Reply, Refusal> {
        let known = self.known()?;
        self.did(&known, What::ProfileRead);
        let Account { email, canary, balance, .. } = &known.account;
        Ok(reply::json(StatusCode::OK, &json!({ "email": email, "iban": canary, "balance": balance })))
    }

    fn change_email(&self) -> Result<Reply, Refusal> {
        let known = self.known()?;
        let to = self.field("email")?;
        if to.is_empty() || !self.scene.world.accounts.change_email(known.id, to) {
            return Err(Refusal::TAKEN);
        }
        self.did(&known, What::EmailChanged { to: to.to_owned() });
        Ok(reply::done())
    }

    fn change_password(&self) -> Result<Reply, Refusal> {
        let known = self.known()?;
        self.scene.world.accounts.change_password(known.id, self.field("password")?);
        self.did(&known, What::PasswordChanged);
        Ok(reply::done())
    }

    fn transfer(&self, to: Result<&str, Refusal>, amount: Result<&str, Refusal>) -> Result<Reply, Refusal> {
        let known = self.known()?;
        let to = to?.to_owned();
        let amount = amount?.trim().parse().map_err(|_| Refusal::UNREADABLE)?;
        self.scene.world.accounts.transfer(known.id, &to, amount).map_err(|_| Refusal::NO_MONEY)?;
        self.did(&known, What::Transferred { to, amount });
        Ok(reply::done())
    }

    fn delete(&self) -> Result<Reply, Refusal> {
        let known = self.known()?;
        self.scene.world.accounts.delete(known.id);
        self.did(&known, What::AccountDeleted);
        Ok(reply::done())
    }

    fn write_post(&self) -> Result<Reply, Refusal> {
        let known = self.known()?;
        let id = unguessable();
        self.scene.world.keep_post(id.clone(), self.scene.strategy, self.field("html")?.to_owned());
        self.did(&known, What::PostWritten { id: id.clone() });
        Ok(reply::json(StatusCode::OK, &json!({ "id": id })))
    }

    /// For the preview that the page shows without leaving itself, which is how single-page applications do it.
    fn read_post(&self, id: &str) -> Result<Reply, Refusal> {
        let known = self.known()?;
        let html = self.scene.world.post(self.scene.strategy, id).ok_or(Refusal::UNKNOWN)?;
        self.did(&known, What::PostPreviewed { id: id.to_owned() });
        Ok(reply::json(StatusCode::OK, &json!({ "html": html })))
    }
}
