//! Keeps `webauthn-rs` out of the log: it writes down what it refuses, byte by byte and as an error, so that anybody
//! could fill the log with what they send. The reason that belongs there is [`super::Refused`].

use tracing::Dispatch;

/// Does `work` with nobody listening to what it traces.
pub(super) fn quietly<T>(work: impl FnOnce() -> T) -> T {
    tracing::dispatcher::with_default(&Dispatch::none(), work)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use crate::passkey::state::State;
    use crate::passkey::{Party, Refused};

    /// Counts events of every level.
    struct Log(Arc<AtomicUsize>);

    impl Subscriber for Log {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, _: &Event<'_>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    fn events_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
        let events = Arc::new(AtomicUsize::new(0));
        let result = tracing::subscriber::with_default(Log(Arc::clone(&events)), work);
        (result, events.load(Ordering::Relaxed))
    }

    #[test]
    fn what_is_sent_does_not_reach_the_log() {
        let party = Party::new("example.com", "https://example.com", "Cloakroom").unwrap();
        let begun = party.begin_registration([1; 16], "claire", &[]).unwrap();
        let options: Value = serde_json::from_str(&begun.options).unwrap();
        let client_data = json!({
            "type": "webauthn.create", "challenge": options["publicKey"]["challenge"], "origin": "https://example.com",
        });
        let object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x43\x00\x00\x00";
        let response = json!({
            "id": "AA", "rawId": "AA", "type": "public-key",
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data.to_string()),
                "attestationObject": URL_SAFE_NO_PAD.encode(object),
            },
        });

        let (refused, events) = events_of(|| party.finish_registration(&response.to_string(), &begun.state).err());
        assert_eq!((refused, events), (Some(Refused::Malformed), 0));

        // And it would, were the library asked directly.
        let ceremony = State::creation(&begun.state).unwrap();
        let response = serde_json::from_value(response).unwrap();
        let (result, events) = events_of(|| party.webauthn.finish_passkey_registration(&response, &ceremony).is_err());
        assert!(result && events > 0);
    }
}
