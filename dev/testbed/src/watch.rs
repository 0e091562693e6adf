//! What was given out must not stand where it can be read later: logs, database files.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use tracing_subscriber::EnvFilter;

/// Everything that was logged in this process, at every level.
static LOG: OnceLock<Arc<Mutex<Vec<u8>>>> = OnceLock::new();

/// Secrets to look for.
#[derive(Clone, Default)]
pub struct Watch {
    secrets: Arc<Mutex<BTreeSet<Vec<u8>>>>,
    /// What was logged before these secrets were any.
    logged_before: usize,
}

/// Shorter texts stand somewhere by chance, in bytes.
const SHORTEST: usize = 16;

impl Watch {
    /// Starts to collect the log of this process; once is enough.
    pub fn start() -> Self {
        let log = LOG.get_or_init(|| {
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
        Self { secrets: Arc::default(), logged_before: log.lock().unwrap().len() }
    }

    /// Adds a secret.
    pub fn secret(&self, text: &str) {
        if text.len() >= SHORTEST {
            self.secrets.lock().unwrap().insert(text.as_bytes().to_vec());
        }
    }

    /// Adds a name that is as good as a secret, in base64url: also as the bytes that it stands for, and as the list of numbers
    /// that JSON makes of those.
    pub fn name(&self, text: &str) {
        self.secret(text);
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(text) else { return };
        let numbers: Vec<_> = bytes.iter().map(u8::to_string).collect();
        self.secret(&numbers.join(","));
        if bytes.len() >= SHORTEST {
            self.secrets.lock().unwrap().insert(bytes);
        }
    }

    /// What was logged so far.
    pub fn logged() -> String {
        LOG.get().map(|log| String::from_utf8_lossy(&log.lock().unwrap()).into_owned()).unwrap_or_default()
    }

    /// Panics if a secret stands in the log or in a file of the folder.
    pub fn assert_nothing_leaked(&self, folder: &Path) {
        let secrets = self.secrets.lock().unwrap().clone();
        let log = LOG.get().map(|log| log.lock().unwrap()[self.logged_before..].to_vec()).unwrap_or_default();
        let mut places = vec![("the log".to_owned(), log)];
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            // The master key is meant to be in its file.
            if entry.path().is_file() && !name.ends_with("master-key") {
                places.push((name, std::fs::read(entry.path()).unwrap()));
            }
        }
        for (place, bytes) in &places {
            if let Some(secret) = first_of(&secrets, bytes) {
                panic!("a secret of {} bytes stands in {place}", secret.len());
            }
        }
    }
}

/// The first of many texts that stands somewhere in these bytes, in one pass over them: logs are long, and secrets many.
fn first_of<'a>(secrets: &'a BTreeSet<Vec<u8>>, bytes: &[u8]) -> Option<&'a [u8]> {
    let head = |text: &[u8]| text.first_chunk::<8>().map(|head| u64::from_ne_bytes(*head));
    let mut heads: HashMap<u64, Vec<&[u8]>> = HashMap::new();
    for secret in secrets {
        heads.entry(head(secret)?).or_default().push(secret);
    }
    (0..bytes.len()).find_map(|at| {
        let here = &bytes[at..];
        let candidates = heads.get(&head(here)?)?;
        candidates.iter().find(|secret| here.starts_with(secret)).copied()
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_wherever_it_stands() {
        let secrets: BTreeSet<_> =
            ["0123456789abcdef", "0123456789abcdeg", "fedcba9876543210"].map(|text| text.as_bytes().to_vec()).into();
        for (bytes, found) in [
            ("0123456789abcdef", Some("0123456789abcdef")),
            ("xx0123456789abcdegxx", Some("0123456789abcdeg")),
            ("0123456789abcde0123456789abcdfedcba9876543210", Some("fedcba9876543210")),
            ("0123456789abcde", None),
            ("0123456", None),
            ("", None),
        ] {
            assert_eq!(first_of(&secrets, bytes.as_bytes()), found.map(str::as_bytes), "{bytes}");
        }
    }
}
