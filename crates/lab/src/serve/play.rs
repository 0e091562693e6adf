//! What the buttons do, one act after another: the victim logs in, is attacked, and the attacker tries what he has. The attacks
//! are those of a run, not retold here.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use cloakroom_browser::{Browser, Launch};
use cloakroom_lab_report::Verdict;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::feed::Feed;
use crate::attack::{Attack, find};
use crate::beside::{Beside, Place};
use crate::redeem::{Loot, redeem};
use crate::scene::{Honest, Scene};
use crate::world::{World, cut};

/// No act takes longer.
const WITHIN: Duration = Duration::from_mins(4);

/// What SAFE means here.
const UNPROVED: &str = "The attack was made, and nothing arrived. A run of the lab says so only after the same attack has \
    worked against an application built to fall to it, in the same browser.";

/// What is said where there is nothing to redeem.
const EMPTY: &str = "The collector is empty: no script of his has sent anything. Where he took something in another way, the \
    verdict says what it was worth.";

/// The victim's window, as it was last seen.
pub(super) type Picture = Arc<Mutex<Vec<u8>>>;

/// One act.
pub(super) enum Act {
    /// A fresh victim opens the application of a strategy, logs in and uses it.
    LogIn { row: String },
    /// An attack is made on them; whoever is not there yet comes first.
    Attack { row: String, attack: String },
    /// The attacker tries on another machine what his collector has.
    Redeem,
    /// A click in the victim's window, in CSS pixels.
    Press { x: f64, y: f64 },
}

/// An act that somebody waits for.
pub(super) struct Order {
    pub(super) act: Act,
    pub(super) done: oneshot::Sender<Result<()>>,
}

/// Who is on the stage.
struct Playing<'a> {
    scene: Scene<'a>,
    /// Whether nothing has been done to them yet.
    is_fresh: bool,
    /// Steps that were told already.
    told: usize,
}

/// Carries out orders until nobody can give any more.
pub(super) async fn direct(
    world: Arc<World>,
    browser: Browser,
    launch: Launch,
    rows: Vec<String>,
    mut orders: mpsc::Receiver<Order>,
    picture: Picture,
    feed: Arc<Feed>,
) {
    let beside = Beside::default();
    let mut play = Play {
        place: Place { world: &world, browser: &browser, launch: &launch, beside: &beside },
        feed: &feed,
        playing: None,
        number: 0,
    };
    while let Some(Order { act, done }) = orders.recv().await {
        let done_in_time = tokio::time::timeout(WITHIN, play.act(&rows, act)).await;
        let outcome = done_in_time.unwrap_or_else(|_| Err(anyhow::anyhow!("not done within {WITHIN:?}")));
        play.tell_steps();
        if let Err(error) = &outcome {
            feed.say("failed", &json!(format!("{error:#}")));
        }
        if let Some((seen, address)) = play.picture().await {
            *picture.lock().unwrap_or_else(PoisonError::into_inner) = seen;
            feed.say("picture", &json!({ "address": address }));
        }
        // Whoever asked may have left.
        drop(done.send(outcome));
    }
}

struct Play<'a> {
    place: Place<'a>,
    feed: &'a Feed,
    playing: Option<Playing<'a>>,
    number: u64,
}

impl<'a> Play<'a> {
    async fn act(&mut self, rows: &'a [String], act: Act) -> Result<()> {
        let named =
            |row: &str| rows.iter().find(|known| *known == row).context("there is no such strategy on this stage");
        match act {
            Act::LogIn { row } => self.log_in(named(&row)?).await,
            Act::Attack { row, attack } => {
                let attack = find(&attack).context("there is no such attack")?;
                self.attack(named(&row)?, attack).await
            }
            Act::Redeem => self.redeem().await,
            Act::Press { x, y } => match &self.playing {
                Some(playing) => playing.scene.page.click_at(x, y).await,
                None => bail!("nobody is logged in yet"),
            },
        }
    }

    async fn log_in(&mut self, row: &'a str) -> Result<()> {
        if let Some(before) = self.playing.take() {
            drop(before.scene.end(false).await);
        }
        let world = self.place.world;
        // The wire goes on: the stage counts it.
        for site in [&world.evil, &world.sibling, &world.cdn, &world.network] {
            site.wipe();
        }
        world.bank.set_analytics(None);
        world.cache().turn_off();
        self.number += 1;
        let scene = Scene::set(&self.place, row, self.number, None).await.context("opening the victim's window")?;
        let people = json!({
            "row": row, "home": scene.app("/"), "victim": scene.victim.email, "thief": scene.thief.email, "secret": scene.victim.canary,
        });
        self.feed.say("scene", &people);
        let playing = self.playing.insert(Playing { scene, is_fresh: true, told: 0 });
        match playing.scene.live_honestly().await.context("the honest use of the application")? {
            Honest::Lives => Ok(()),
            Honest::Unsupported(why) | Honest::OnlyByHand(why) => bail!("this browser cannot do that: {why}"),
        }
    }

    async fn attack(&mut self, row: &'a str, attack: &Attack) -> Result<()> {
        if !self.playing.as_ref().is_some_and(|playing| playing.is_fresh && playing.scene.row == row) {
            self.log_in(row).await?;
        }
        self.tell_steps();
        let playing = self.playing.as_mut().context("nobody is logged in")?;
        playing.is_fresh = false;
        self.feed.say("attacked", &json!({ "attack": attack.id }));
        let (verdict, why) = (attack.run)(&mut playing.scene).await?;
        self.tell_steps();
        // There is no attack control on a stage, so nothing is said to have had one.
        let meaning = if verdict == Verdict::Safe { UNPROVED } else { verdict.meaning() };
        let told = json!({
            "attack": attack.id, "row": row, "verdict": verdict.word(), "meaning": meaning, "why": why, "stands": verdict <= Verdict::Safe,
        });
        self.feed.say("verdict", &told);
        Ok(())
    }

    async fn redeem(&mut self) -> Result<()> {
        let playing = self.playing.as_ref().context("nobody was attacked yet")?;
        let (world, scene) = (self.place.world, &playing.scene);
        let pieces = world.evil.loot();
        if pieces.is_empty() {
            self.feed.say("redeemed", &json!({ "how": null, "what": EMPTY }));
            return Ok(());
        }
        let Some(redeemed) = redeem(scene, &Loot::of(&pieces)).await? else {
            let what = "Everything in the collector was tried on another machine. Nothing of it opens the account.";
            self.feed.say("redeemed", &json!({ "how": null, "what": what }));
            return Ok(());
        };
        let origin = scene.app("");
        let mut headers = vec![("origin", origin.as_str()), ("sec-fetch-site", "same-origin"), ("x-csrf", "1")];
        headers.extend(redeemed.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let profile = world.machine.send(&scene.host(), "GET", "/api/profile", &headers, "").await?.into_body();
        let profile: Value = serde_json::from_str(&profile).unwrap_or_else(|_| json!(cut(&profile)));
        self.feed.say("redeemed", &json!({ "how": redeemed.how, "profile": profile }));
        Ok(())
    }

    /// Tells the steps that have not been told yet.
    fn tell_steps(&mut self) {
        let Some(playing) = &mut self.playing else { return };
        for step in playing.scene.steps().iter().skip(playing.told) {
            self.feed.say("step", &json!(step));
        }
        playing.told = playing.scene.steps().len();
    }

    /// The victim's window as it is, and where it is.
    async fn picture(&self) -> Option<(Vec<u8>, String)> {
        let page = &self.playing.as_ref()?.scene.page;
        Some((page.picture().await.ok()?, page.url().await.unwrap_or_default()))
    }
}
