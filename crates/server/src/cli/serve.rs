//! `cloakroom serve`.

use super::ConfigFile;
use crate::config::Config;
use crate::serve::{Running, Sockets, start};
use crate::terminal::{Ending, StopSignals, master_from_environment};
use crate::{log, master_key};
use cloakroom_app::SystemClock;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};

pub(super) fn run(file: &ConfigFile) -> anyhow::Result<Ending> {
    let Some(config) = file.read()? else { return Ok(Ending::Misused) };
    log::start(&config);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        // Before anything can be seen from outside: a signal without a listener ends the process on the spot.
        let mut signals = Signals::listen()?;
        let sockets = Sockets::bind(&config).await?;
        let master = master_key::load_for(&config, master_from_environment().as_deref())?;
        let running = start(&config, sockets, master, Arc::new(SystemClock)).await?;
        tell(&config, &running);
        until_stopped(&running, file, &mut signals).await;
        tracing::info!("stopping: open requests may take up to {:?} to end", config.drain_for);
        running.stop().await?;
        tracing::info!("stopped");
        Ok(Ending::Done)
    })
}

fn tell(config: &Config, running: &Running) {
    let listed = |addresses: &[SocketAddr]| addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    tracing::info!(
        listening = listed(&running.public),
        admin = %running.admin,
        forward_auth = (!running.forward_auth.is_empty()).then(|| listed(&running.forward_auth)),
        upstreams = config.upstreams.len(),
        "serving {}",
        config.site.origin
    );
}

/// Waits for a signal to stop; reads the configuration again on SIGHUP.
async fn until_stopped(running: &Running, file: &ConfigFile, signals: &mut Signals) {
    loop {
        tokio::select! {
            _ = signals.reload.recv() => again(running, file),
            () = signals.stop.recv() => return,
        }
    }
}

struct Signals {
    reload: Signal,
    stop: StopSignals,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { reload: signal(SignalKind::hangup())?, stop: StopSignals::listen()? })
    }
}

/// A wrong configuration changes nothing.
fn again(running: &Running, file: &ConfigFile) {
    let done = match file.read() {
        Ok(Some(config)) => running.reload(&config),
        Ok(None) => Err(anyhow::anyhow!("the mistakes are listed above")),
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => tracing::info!("upstreams and certificates were read again; other settings need a restart"),
        Err(error) => tracing::error!("nothing was reloaded: {error:#}"),
    }
}
