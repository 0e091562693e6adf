//! The lab for a person to click through: the same world and the same attacks as in a run, one at a time, with the attacker's
//! console beside the victim's window. The thing to show in a talk.
//!
//! The victim's browser is the lab's own, since nobody's everyday browser knows the lab's names and certificates. It is shown
//! as what it is, a window of its own (or, without a screen, a picture of it): Cloakroom forbids to be framed. What a person
//! needs is one page on loopback, in whatever browser they like.

mod feed;
mod follow;
mod play;
mod stage;

use std::sync::Arc;

use anyhow::{Context as _, Result};
use cloakroom_browser::{Browser, Context, Engine, Launch, Page, ThirdParty};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use self::feed::Feed;
use self::stage::Stage;
use crate::catalogue::Catalogue;
use crate::world::World;

/// How it is opened.
pub(crate) struct Options {
    /// Of the stage, on loopback; 0 takes a free one.
    pub(crate) port: u16,
    /// Whose window the victim has.
    pub(crate) engine: Engine,
    /// Whether the windows are on the screen. Else the stage shows pictures of the victim's.
    pub(crate) headed: bool,
    pub(crate) third_party: ThirdParty,
    /// Ids of the strategies that can be chosen, in this order.
    pub(crate) rows: Vec<String>,
}

/// An open stage. Dropping it closes everything.
pub(crate) struct Open {
    /// Where it is.
    pub(crate) address: String,
    tasks: JoinSet<()>,
    /// The stage in a window of the lab's own browser, where there is a screen.
    _window: Option<(Context, Page)>,
}

impl Open {
    /// Waits until it is asked to end, by Ctrl-C or by a service manager, and closes everything in order.
    pub(crate) async fn until_asked(mut self) -> Result<()> {
        let mut told = signal(SignalKind::terminate()).context("waiting for the end")?;
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed.context("waiting for Ctrl-C")?,
            _ = told.recv() => {}
        }
        self.tasks.shutdown().await;
        Ok(())
    }
}

/// Builds the world, starts the victim's browser, and opens the stage.
pub(crate) async fn open(options: Options) -> Result<Open> {
    let catalogue = Catalogue::read()?;
    let world = World::build(options.engine).await?;
    let launch = Launch {
        third_party_cookies: Some(options.third_party),
        trusted: Some(world.trusted()),
        device_bound_sessions: options.engine == Engine::Chromium,
        headed: options.headed,
        ..Launch::default()
    };
    let browser = Browser::launch_with(options.engine, &launch).await.context("starting the victim's browser")?;
    let feed = Arc::new(Feed::default());
    let (orders, to_do) = mpsc::channel(1);
    let program = stage::program(&catalogue, &options, browser.version());
    let stage = Stage::bind(options.port, program, Arc::clone(&feed), orders).await?;
    let address = stage.address();
    let window = if options.headed {
        let context = browser.context().await?;
        let page = context.page().await?;
        Some((context, page))
    } else {
        None
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(follow::follow(Arc::clone(&world), Arc::clone(&feed)));
    tasks.spawn(play::direct(world, browser, launch, options.rows, to_do, stage.picture(), feed));
    tasks.spawn(stage.serve());
    if let Some((_, page)) = &window {
        page.goto(&address).await?;
    }
    Ok(Open { address, tasks, _window: window })
}

#[cfg(test)]
#[cfg(feature = "browser")]
mod shown;
