//! Nothing secret reaches the log, whatever goes wrong.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::issuer::{FEED_TOKEN, Issuer, Mood};
use crate::{secs, until};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    fn contains(&self, text: &str) -> bool {
        let log = self.0.lock().unwrap();
        std::str::from_utf8(&log).unwrap().contains(text)
    }
}

#[tokio::test]
async fn no_token_and_no_claim_reaches_the_log() {
    let log = Log::default();
    // With a single subscriber, tracing asks only the thread that reaches a log line first, which may be that of another
    // test, whether anybody wants it. With two it asks both.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    // Tasks of this runtime run on this thread.
    let _guard = tracing::subscriber::set_default(subscriber);
    let issuer = Issuer::start().await;
    let verifier = issuer.following().report_sightings(format!("{}/sightings", issuer.url)).build().unwrap();
    let good = issuer.token_with(&json!({"email": "jane@secret.example"}));
    let forged = format!("{}AAAA", issuer.token_with(&json!({"jti": "another"})));
    let expired = issuer.token_with(&json!({"iat": 1, "exp": 2}));
    verifier.verify(&good).await.unwrap();
    verifier.verify(&forged).await.unwrap_err();
    verifier.verify(&expired).await.unwrap_err();
    issuer.sightings_mood(Mood::Away);
    issuer.feed_mood(Mood::Away);
    issuer.key_mood(Mood::Says(b"<html>".to_vec()));
    for line in
        ["token refused", "the revocation feed was lost", "sightings cannot be reported", "keys cannot be fetched"]
    {
        until(line, || {
            issuer.clock.advance(secs(1));
            log.contains(line)
        })
        .await;
    }
    let seen = format!("{:?} {:?}", verifier, verifier.verify(&good).await);
    for secret in [FEED_TOKEN, "jane@secret.example", &good, &forged, &expired] {
        assert!(!log.contains(secret) && !seen.contains(secret), "{secret}");
        // Nor a telling part of it.
        let part = &secret[secret.len().saturating_sub(16)..];
        assert!(!log.contains(part) && !seen.contains(part), "{part}");
    }
}
