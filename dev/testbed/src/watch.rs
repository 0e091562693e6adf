//! What was given out must not stand where it can be read later: logs, database files.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use tracing_subscriber::EnvFilter;

/// Everything that was logged in this process, at every level.
static LOG: OnceLock<Arc<Mutex<Vec<u8>>>> = OnceLock::new();

/// Secrets to look for.
#[derive(Clone, Default)]
pub struct Watch(Arc<Mutex<Vec<String>>>);

impl Watch {
    /// Starts to collect the log of this process; once is enough.
    pub fn start() -> Self {
        LOG.get_or_init(|| {
            let log = Arc::new(Mutex::new(Vec::new()));
            let writer = Arc::clone(&log);
            let filter = EnvFilter::new("info,cloakroom_app=trace,cloakroom_web=trace,cloakroom_server=trace,cloakroom_gateway=trace,cloakroom_store=trace");
            tracing_subscriber::fmt()
                .with_env_filter(filter)
                .with_ansi(false)
                .with_writer(move || Collected(Arc::clone(&writer)))
                .try_init()
                .expect("the testbed is the first to set up logging");
            log
        });
        Self::default()
    }

    /// Adds a secret.
    pub fn secret(&self, text: &str) {
        if text.len() >= 16 {
            self.0.lock().unwrap().push(text.to_owned());
        }
    }

    /// What was logged so far.
    pub fn logged() -> String {
        LOG.get().map(|log| String::from_utf8_lossy(&log.lock().unwrap()).into_owned()).unwrap_or_default()
    }

    /// Panics if a secret stands in the log or in a file of the folder.
    pub fn assert_nothing_leaked(&self, folder: &Path) {
        let secrets = self.0.lock().unwrap().clone();
        let log = LOG.get().map(|log| log.lock().unwrap().clone()).unwrap_or_default();
        let mut places = vec![("the log".to_owned(), log)];
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            // The master key is meant to be in its file.
            if entry.path().is_file() && !name.ends_with("master-key") {
                places.push((name, std::fs::read(entry.path()).unwrap()));
            }
        }
        for secret in &secrets {
            for (place, bytes) in &places {
                let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "a secret of {} characters stands in {place}", secret.len());
            }
        }
    }
}

struct Collected(Arc<Mutex<Vec<u8>>>);

impl Write for Collected {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
