//! One audit from beginning to end: log in, look, try if that was asked for, log out, look again.

use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use cloakroom_browser::{Browser, Context, Engine, Page};
use serde_json::Value;

use crate::drive::{carry_out, rest};
use crate::finding::{Finding, Report, Skipped};
use crate::leave::{self, Behind};
use crate::proxy::Proxy;
use crate::script::{Script, Secrets};
use crate::seen::{Credentials, Seen};
use crate::target::Target;
use crate::{active, address, look};

/// Who logs in.
pub enum Login {
    /// Steps.
    Script(Script),
    /// A person in the browser's window, who is talked to in the terminal.
    ByHand(Arc<dyn Person>),
    /// Nobody: only what strangers see is looked at.
    Nobody,
}

/// Somebody who sits before the window.
pub trait Person: Send + Sync {
    /// Says what is to be done now, and returns once it is done. The error ends the audit. It may block.
    fn ask(&self, what: &str) -> Result<()>;
}

/// How the audit is made.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// In which browser.
    pub engine: Engine,
    /// In a window that can be seen.
    pub headed: bool,
    /// Whether requests are made that the site did not ask for: forged ones, changed redirects, foreign origins. Without it
    /// nothing is sent but what the browser sends by itself, and, for the log-out, GET requests that the site had made.
    pub active: bool,
}

/// Looks at a site. The error says what could not be done; it holds none of the script's secrets.
pub async fn audit(target: &Target, login: Login, options: &Options) -> Result<Report> {
    let secrets = match &login {
        Login::Script(script) => script.secrets(),
        _ => Secrets::default(),
    };
    let report = Audit::run(target, &login, options, &secrets).await;
    report.map(|report| scrub(report, &secrets)).map_err(|error| anyhow!(secrets.scrub(&format!("{error:#}"))))
}

/// A site may say again what was typed into it.
fn scrub(mut report: Report, secrets: &Secrets) -> Report {
    for finding in &mut report.findings {
        finding.title = secrets.scrub(&finding.title);
        for line in &mut finding.evidence {
            *line = secrets.scrub(line);
        }
    }
    for skipped in &mut report.skipped {
        skipped.why = secrets.scrub(&skipped.why);
    }
    report
}

struct Audit<'a> {
    target: &'a Target,
    proxy: Proxy,
    jar: Context,
    page: Page,
    secrets: &'a Secrets,
}

impl Audit<'_> {
    async fn run(target: &Target, login: &Login, options: &Options, secrets: &Secrets) -> Result<Report> {
        let proxy = Proxy::open(target).await?;
        let browser = Browser::launch_with(options.engine, &proxy.launch(options.engine, options.headed)).await?;
        let jar = browser.context().await?;
        let page = jar.page().await?;
        let audit = Audit { target, proxy, jar, page, secrets };
        let mut skipped = Vec::new();

        let session_from = audit.enter(login).await?;
        let seen = audit.look(session_from).await?;
        if !seen.exchanges.iter().any(|exchange| exchange.status.is_some()) {
            bail!("the site did not answer: {}", audit.proxy.wire().failure().unwrap_or_default());
        }
        let mut findings = look::all(&seen);
        if session_from.is_some() && seen.credentials.is_empty() {
            let why = "no cookie or header was recognised that carries the session, so what is said about sessions is incomplete";
            skipped.push(Skipped { what: "the session", why: why.to_owned() });
        }
        if session_from.is_none() {
            let why = "nobody logged in: give --script, or --headed to log in by hand";
            skipped.push(Skipped { what: "everything behind the log-in", why: why.to_owned() });
        } else {
            audit.behind_the_login(login, options, &seen, &mut findings, &mut skipped).await?;
        }
        if !options.active {
            let why = "only --active sends what another site would";
            skipped.push(Skipped { what: "forged requests, open redirects, foreign origins", why: why.to_owned() });
        }
        if let Some(why) = audit.proxy.wire().failure() {
            skipped.push(Skipped { what: "requests without an answer", why });
        }
        findings.sort_by_key(|finding| finding.severity);
        let others = audit.proxy.others();
        let report = Report {
            version: 1,
            url: address::shown(target.url().as_str()),
            browser: options.engine.name().to_owned(),
            browser_version: browser.version().to_owned(),
            active: options.active,
            login: match (login, session_from) {
                (_, None) | (Login::Nobody, _) => "no",
                (Login::Script(_), _) => "script",
                (Login::ByHand(_), _) => "hand",
            },
            requests: audit.proxy.wire().len(),
            other_hosts: others.visited.into_iter().collect(),
            refused_hosts: others.refused.into_iter().collect(),
            findings,
            skipped,
        };
        browser.close().await?;
        Ok(report)
    }

    /// Goes in, and gives the number of the first request inside.
    async fn enter(&self, login: &Login) -> Result<Option<usize>> {
        let mut from = None;
        match login {
            Login::Nobody => {
                self.page.goto(self.target.url().as_str()).await?;
            }
            Login::Script(script) => {
                let mark = || from = Some(self.proxy.wire().len());
                carry_out(&self.page, self.target, "step", &script.step, mark).await?;
                from = from.or_else(|| Some(self.proxy.wire().len()));
            }
            Login::ByHand(person) => {
                self.page.goto(self.target.url().as_str()).await?;
                ask(person, "Log in in the window. When you are logged in, press Enter here.").await?;
                from = Some(self.proxy.wire().len());
                ask(person, "Now do what matters: save something, send something. Then go to a page that only you may see, and press Enter here.").await?;
            }
        }
        rest(self.proxy.open_requests()).await;
        Ok(from)
    }

    /// What there is to be seen now. The page is loaded again first if somebody is logged in, so that its own requests are among
    /// those of the session; what it held before counts too.
    async fn look(&self, session_from: Option<usize>) -> Result<Seen> {
        let mut census = self.page.census().await?;
        if session_from.is_some() {
            self.page.reload().await?;
            rest(self.proxy.open_requests()).await;
            let again = self.page.census().await?;
            if let (Some(before), Value::Object(again)) = (census.as_object_mut(), again) {
                for (place, found) in again {
                    let earlier = before.insert(place.clone(), found);
                    // Globals of the first document are gone by now.
                    if place == "window"
                        && let Some(earlier) = earlier
                        && let Some(Value::Object(now)) = before.get_mut("window")
                        && let Value::Object(earlier) = earlier
                    {
                        for (name, value) in earlier {
                            now.entry(name).or_insert(value);
                        }
                    }
                }
            }
        }
        self.seen(session_from, census).await
    }

    async fn seen(&self, session_from: Option<usize>, census: Value) -> Result<Seen> {
        let exchanges = self.proxy.wire().since(0);
        let cookies = self.jar.cookies().await?;
        let cookies: Vec<_> = cookies.into_iter().filter(|cookie| self.covers(&cookie.domain)).collect();
        let credentials = Credentials::find(&cookies, &exchanges);
        let scripts = "[...document.scripts].filter(script => script.src && new URL(script.src).host !== location.host)\
            .slice(0, 100).map(script => [new URL(script.src).host, Boolean(script.integrity)])";
        let foreign = self.page.eval(scripts).await?;
        let foreign_scripts = serde_json::from_value(foreign).context("the list of scripts")?;
        Ok(Seen {
            target: self.target.clone(),
            exchanges,
            session_from,
            cookies,
            census,
            foreign_scripts,
            credentials,
            secrets: self.secrets.clone(),
        })
    }

    /// Whether a cookie of this domain is sent to an audited host.
    fn covers(&self, domain: &str) -> bool {
        let bare = domain.trim_start_matches('.');
        let host = self.target.host();
        self.target.covers(bare) || (domain.starts_with('.') && host.ends_with(domain))
    }

    async fn behind_the_login(
        &self,
        login: &Login,
        options: &Options,
        seen: &Seen,
        findings: &mut Vec<Finding>,
        skipped: &mut Vec<Skipped>,
    ) -> Result<()> {
        let inside = (self.page.url().await?, self.text().await?);
        if options.active {
            let tried = active::all(&self.page, &self.proxy, seen).await?;
            look::settle(findings, &tried.forged);
            findings.extend(tried.findings);
            if !seen.signed_in().any(|exchange| exchange.request.is_unsafe()) {
                let why = "the session was used to read only; let the script change something after its mark";
                skipped.push(Skipped { what: "forged requests", why: why.to_owned() });
            }
            self.page.goto(&inside.0).await?;
            rest(self.proxy.open_requests()).await;
        }
        // Credentials may have rotated meanwhile.
        let census = self.page.census().await?;
        let seen = self.seen(seen.session_from, census).await?;
        let proofs = leave::proofs(&seen, self.proxy.upstream()).await;
        let inside = if self.page.url().await? == inside.0 { self.text().await? } else { inside.1 };
        let went = match login {
            Login::Script(script) if !script.logout.is_empty() => {
                carry_out(&self.page, self.target, "logout", &script.logout, || ()).await.map(|()| true)?
            }
            Login::ByHand(person) => {
                ask(person, "Now log out in the window, and press Enter here.").await?;
                true
            }
            _ => false,
        };
        if !went {
            let why = "the script has no [[logout]]";
            skipped.push(Skipped { what: "the log-out", why: why.to_owned() });
            return Ok(());
        }
        rest(self.proxy.open_requests()).await;
        if proofs.is_empty() {
            let why = "no recorded GET is answered differently with and without the session, so nothing shows whether old credentials still work";
            skipped.push(Skipped { what: "old credentials after the log-out", why: why.to_owned() });
        }
        let taken = leave::still_taken(&proofs, self.proxy.upstream()).await;
        let are_dead = !proofs.is_empty() && taken.is_none();
        findings.extend(taken);
        let census = self.page.census().await?;
        let after = self.seen(seen.session_from, census).await?;
        let outside = self.text().await?;
        let behind = match self.page.back().await {
            Ok(()) => {
                rest(self.proxy.open_requests()).await;
                Some(Behind { inside, outside, back: self.text().await? })
            }
            Err(_) => None,
        };
        if behind.is_none() {
            skipped.push(Skipped { what: "the back button", why: "there was no page to go back to".to_owned() });
        }
        findings.extend(leave::left(&seen, &after, behind.as_ref(), are_dead));
        Ok(())
    }

    async fn text(&self) -> Result<String> {
        let text = self.page.eval("(document.body?.innerText ?? '').slice(0, 100000)").await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }
}

async fn ask(person: &Arc<dyn Person>, what: &'static str) -> Result<()> {
    let person = Arc::clone(person);
    tokio::task::spawn_blocking(move || person.ask(what)).await?
}
