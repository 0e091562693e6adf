//! What has to be refused, each with the reason that the log will show. Every case differs in one thing from an honest one.

use cloakroom_factor::passkey::{Begun, Check, Party, Passkey, Refused};
use serde_json::{Value, json};

use crate::authenticator::{Authenticator, BACKED_UP, BACKUP_ELIGIBLE, PRESENT, VERIFIED};
use crate::browser::{ACCOUNT, Lie, SITE, base64, bytes, party};

/// An account with one passkey, and a ceremony that asks for it.
struct Scene {
    party: Party,
    device: Authenticator,
    passkeys: Vec<Passkey>,
    begun: Begun,
}

fn scene() -> Scene {
    let (party, mut device) = (party(), Authenticator::es256());
    let passkeys = vec![device.enrol(&party, &Lie::default())];
    let begun = party.begin(&passkeys, None).unwrap();
    Scene { party, device, passkeys, begun }
}

impl Scene {
    fn lied(&mut self, lie: &Lie) -> Option<Refused> {
        self.device.answer(&self.party, &self.begun, &self.passkeys, lie).err()
    }

    fn judged(&self, response: &Value) -> Option<Refused> {
        self.party.finish(&response.to_string(), &self.begun.state, &self.passkeys).err()
    }
}

fn enrolment(lie: &Lie) -> Option<Refused> {
    let party = party();
    let begun = party.begin_registration(ACCOUNT, "claire", &[]).unwrap();
    let response = Authenticator::es256().create(&begun.options, lie).to_string();
    party.finish_registration(&response, &begun.state).err()
}

/// Each lie in a log-in, in one without an address, and in an enrolment.
fn refused_everywhere(lie: &Lie, check: Check) {
    let wrong = Some(Refused::Wrong(check));
    let mut scene = scene();
    assert_eq!(scene.lied(lie), wrong, "log-in");
    scene.begun = scene.party.begin_discoverable().unwrap();
    assert_eq!(scene.lied(lie), wrong, "without an address");
    assert_eq!(enrolment(lie), wrong, "enrolment");
}

#[test]
fn the_honest_answer_of_these_scenes_is_accepted() {
    assert_eq!(scene().lied(&Lie::default()), None);
    assert_eq!(enrolment(&Lie::default()), None);
}

#[test]
fn webauthn_13_4_9_another_origin_is_refused() {
    for origin in [
        "https://example.com",
        "https://evil.login.example.com",
        "https://login.example.com:8443",
        "http://login.example.com",
        "https://login.example.com.evil.org",
        "https://evillogin.example.com",
        "null:",
    ] {
        refused_everywhere(&Lie::at(origin), Check::Origin);
    }
}

#[test]
fn another_port_of_a_loopback_name_is_refused() {
    let origin = "http://approve.localhost:4001";
    let (party, mut device) = (Party::new("approve.localhost", origin, "Cloakroom").unwrap(), Authenticator::es256());
    let passkeys = [device.enrol(&party, &Lie::at(origin))];
    let begun = party.begin(&passkeys, None).unwrap();
    for origin in ["http://approve.localhost:4000", "http://approve.localhost", "http://localhost:4001"] {
        let refused = device.answer(&party, &begun, &passkeys, &Lie::at(origin)).err();
        assert_eq!(refused, Some(Refused::Wrong(Check::Origin)), "{origin}");
    }
}

#[test]
fn another_relying_party_is_refused() {
    for rp_id in ["example.org", "login.example.com", ""] {
        refused_everywhere(&Lie { rp_id: Some(rp_id.to_owned()), ..Lie::default() }, Check::Party);
    }
}

#[test]
fn another_challenge_is_refused() {
    for challenge in [vec![], vec![0; 32], vec![0; 64]] {
        refused_everywhere(&Lie { challenge: Some(challenge), ..Lie::default() }, Check::Challenge);
    }
}

#[test]
fn a_response_over_another_given_challenge_is_refused() {
    let Scene { party, mut device, passkeys, begun: drawn } = scene();
    let (asked, other) = ([1; 32], [2; 32]);
    let begun = party.begin(&passkeys, Some(asked)).unwrap();
    let elsewhere = party.begin(&passkeys, Some(other)).unwrap();
    let wrong = Some(Refused::Wrong(Check::Challenge));
    for (signed, state) in [(&elsewhere, &begun), (&drawn, &begun), (&begun, &drawn), (&begun, &elsewhere)] {
        let response = device.get(&signed.options, &Lie::default()).to_string();
        assert_eq!(party.finish(&response, &state.state, &passkeys).err(), wrong);
    }
    for lie in [other.to_vec(), asked[..31].to_vec(), [&asked[..], &[1]].concat()] {
        let lie = Lie { challenge: Some(lie), ..Lie::default() };
        assert_eq!(device.answer(&party, &begun, &passkeys, &lie).err(), wrong);
    }
    assert!(device.answer(&party, &begun, &passkeys, &Lie::default()).is_ok());
}

#[test]
fn an_authenticator_that_did_not_verify_its_user_is_refused() {
    refused_everywhere(&Lie { flags: Some(PRESENT), ..Lie::default() }, Check::Verification);
}

#[test]
fn an_authenticator_that_nobody_touched_is_refused() {
    refused_everywhere(&Lie { flags: Some(VERIFIED), ..Lie::default() }, Check::Presence);
}

#[test]
fn a_frame_of_another_site_is_refused() {
    for members in [
        json!({"crossOrigin": true}),
        json!({"crossOrigin": true, "topOrigin": "https://evil.org"}),
        json!({"topOrigin": "https://evil.org"}),
    ] {
        refused_everywhere(&Lie { members: Some(members), ..Lie::default() }, Check::Frame);
    }
}

#[test]
fn one_ceremony_is_not_taken_for_the_other() {
    refused_everywhere(&Lie { client_data_type: Some("payment.get".into()), ..Lie::default() }, Check::Ceremony);
    let create = Lie { client_data_type: Some("webauthn.create".into()), ..Lie::default() };
    assert_eq!(scene().lied(&create), Some(Refused::Wrong(Check::Ceremony)));
    let get = Lie { client_data_type: Some("webauthn.get".into()), ..Lie::default() };
    assert_eq!(enrolment(&get), Some(Refused::Wrong(Check::Ceremony)));
}

#[test]
fn the_response_or_the_state_of_the_other_ceremony_is_refused() {
    let Scene { party, mut device, passkeys, begun } = scene();
    let enrolment = party.begin_registration(ACCOUNT, "claire", &[]).unwrap();
    let created = Authenticator::es256().create(&enrolment.options, &Lie::default()).to_string();
    let got = device.get(&begun.options, &Lie::default()).to_string();
    assert_eq!(party.finish(&created, &begun.state, &passkeys).err(), Some(Refused::Malformed));
    assert_eq!(party.finish_registration(&got, &enrolment.state).err(), Some(Refused::Malformed));
    assert_eq!(party.finish(&got, &enrolment.state, &passkeys).err(), Some(Refused::Kept));
    assert_eq!(party.finish_registration(&created, &begun.state).err(), Some(Refused::Kept));
    for state in ["", "{}", "null", "{\"get\":{}}", "{\"get\":{\"ceremony\":{},\"allowed\":null}}"] {
        assert_eq!(party.finish(&got, state, &passkeys).err(), Some(Refused::Kept), "{state}");
        assert_eq!(party.finish_registration(&created, state).err(), Some(Refused::Kept), "{state}");
    }
}

#[test]
fn a_passkey_that_was_not_asked_for_is_refused() {
    let Scene { party, passkeys, begun, .. } = scene();
    let mut stranger = Authenticator::es256();
    let strange = stranger.enrol(&party, &Lie::default());
    // Neither when nobody knows it, nor when the account got it after the ceremony began.
    for passkeys in [passkeys.clone(), [&passkeys[..], std::slice::from_ref(&strange)].concat(), vec![]] {
        assert_eq!(stranger.answer(&party, &begun, &passkeys, &Lie::default()).err(), Some(Refused::Unknown));
    }
    let begun = party.begin_discoverable().unwrap();
    assert_eq!(stranger.answer(&party, &begun, &passkeys, &Lie::default()).err(), Some(Refused::Unknown));
    assert!(stranger.answer(&party, &begun, &[strange], &Lie::default()).is_ok());
}

#[test]
fn a_passkey_that_was_taken_away_meanwhile_is_refused() {
    let Scene { party, mut device, passkeys, begun } = scene();
    assert!(device.answer(&party, &begun, &passkeys, &Lie::default()).is_ok());
    assert_eq!(device.answer(&party, &begun, &[], &Lie::default()).err(), Some(Refused::Unknown));
}

#[test]
fn the_key_of_one_passkey_does_not_sign_for_another() {
    let Scene { party, passkeys: owner, .. } = scene();
    let mut thief = Authenticator::es256();
    let stolen = thief.enrol(&party, &Lie::default());
    let both = [owner[0].clone(), stolen];
    let begun = party.begin(&both, None).unwrap();
    let mut response = thief.get(&begun.options, &Lie::default());
    response["id"] = json!(base64(&owner[0].id));
    response["rawId"] = json!(base64(&owner[0].id));
    let refused = party.finish(&response.to_string(), &begun.state, &both).err();
    assert_eq!(refused, Some(Refused::Wrong(Check::Signature)));
}

#[test]
fn webauthn_6_1_1_a_copied_authenticator_is_noticed() {
    let (party, mut device) = (party(), Authenticator::counting());
    let mut passkey = device.enrol(&party, &Lie::default());
    let mut copy = device.clone();
    for _ in 0..2 {
        let begun = party.begin(std::slice::from_ref(&passkey), None).unwrap();
        passkey = device.answer(&party, &begun, std::slice::from_ref(&passkey), &Lie::default()).unwrap().unwrap();
    }
    let begun = party.begin(std::slice::from_ref(&passkey), None).unwrap();
    for behind in ["by one", "not at all, but not before either"] {
        let refused = copy.answer(&party, &begun, std::slice::from_ref(&passkey), &Lie::default()).err();
        assert_eq!(refused, Some(Refused::Copied), "{behind}");
    }
}

#[test]
fn the_counter_that_counts_is_the_one_that_is_stored_when_the_ceremony_finishes() {
    let (party, mut device) = (party(), Authenticator::counting());
    let older = [device.enrol(&party, &Lie::default())];
    let mut copy = device.clone();
    let begun = party.begin(&older, None).unwrap();
    let newer = [device.answer(&party, &begun, &older, &Lie::default()).unwrap().unwrap()];
    assert_eq!(copy.answer(&party, &begun, &newer, &Lie::default()).err(), Some(Refused::Copied));
}

#[test]
fn a_counter_that_stopped_counting_is_noticed() {
    let (party, mut device) = (party(), Authenticator::counting());
    let passkeys = [device.enrol(&party, &Lie::default())];
    let begun = party.begin(&passkeys, None).unwrap();
    let passkeys = [device.answer(&party, &begun, &passkeys, &Lie::default()).unwrap().unwrap()];
    device.counter = None;
    assert_eq!(device.answer(&party, &begun, &passkeys, &Lie::default()).err(), Some(Refused::Copied));
}

#[test]
fn webauthn_6_1_3_a_backup_that_contradicts_itself_or_the_past_is_refused() {
    let wrong = Some(Refused::Wrong(Check::Backup));
    let (bound, copied) = (PRESENT | VERIFIED, PRESENT | VERIFIED | BACKUP_ELIGIBLE | BACKED_UP);
    for (enrolled, then) in [(bound, copied), (copied, bound), (bound, bound | BACKED_UP), (copied, bound | BACKED_UP)]
    {
        let (party, mut device) = (party(), Authenticator::es256());
        let passkeys = [device.enrol(&party, &Lie { flags: Some(enrolled), ..Lie::default() })];
        for begun in [party.begin(&passkeys, None).unwrap(), party.begin_discoverable().unwrap()] {
            let lie = Lie { flags: Some(then), ..Lie::default() };
            assert_eq!(device.answer(&party, &begun, &passkeys, &lie).err(), wrong, "{enrolled:b} {then:b}");
        }
    }
    assert_eq!(enrolment(&Lie { flags: Some(bound | BACKED_UP), ..Lie::default() }), wrong);
}

#[test]
fn a_key_of_a_kind_that_was_not_asked_for_is_refused() {
    let party = party();
    let begun = party.begin_registration(ACCOUNT, "claire", &[]).unwrap();
    let response = Authenticator::eddsa().create(&begun.options, &Lie::default()).to_string();
    assert!(matches!(party.finish_registration(&response, &begun.state), Err(Refused::Wrong(_))));
}

#[test]
fn any_bit_of_what_is_signed_that_was_changed_is_refused() {
    let mut scene = scene();
    let honest = scene.device.get(&scene.begun.options, &Lie::default());
    assert_eq!(scene.judged(&honest), None);
    for field in ["signature", "authenticatorData", "clientDataJSON"] {
        let original = bytes(&honest["response"][field]);
        for at in 0..original.len() {
            let mut changed = original.clone();
            changed[at] ^= 1;
            let mut response = honest.clone();
            response["response"][field] = json!(base64(&changed));
            assert!(scene.judged(&response).is_some(), "{field} at {at}");
        }
        for shorter in 0..original.len() {
            let mut response = honest.clone();
            response["response"][field] = json!(base64(&original[..shorter]));
            assert!(scene.judged(&response).is_some(), "{field} cut at {shorter}");
        }
    }
}

#[test]
fn a_user_verified_bit_that_was_set_afterwards_is_refused() {
    let mut scene = scene();
    let mut response = scene.device.get(&scene.begun.options, &Lie { flags: Some(PRESENT), ..Lie::default() });
    let mut data = bytes(&response["response"]["authenticatorData"]);
    assert_eq!(data[32] & VERIFIED, 0);
    data[32] |= VERIFIED;
    response["response"]["authenticatorData"] = json!(base64(&data));
    assert_eq!(scene.judged(&response), Some(Refused::Wrong(Check::Signature)));
}

#[test]
fn an_authenticator_that_is_enrolled_already_is_not_enrolled_twice() {
    let (party, mut device) = (party(), Authenticator::es256());
    let begun = party.begin_registration(ACCOUNT, "claire", &[]).unwrap();
    let response = device.create(&begun.options, &Lie::default());
    let passkey = party.finish_registration(&response.to_string(), &begun.state).unwrap();
    // A browser that ignores the list: the same key in a new ceremony.
    let begun = party.begin_registration(ACCOUNT, "claire", &[passkey]).unwrap();
    let options: Value = serde_json::from_str(&begun.options).unwrap();
    let client_data =
        json!({"type": "webauthn.create", "challenge": options["publicKey"]["challenge"], "origin": SITE});
    let mut again = response;
    again["response"]["clientDataJSON"] = json!(base64(client_data.to_string().as_bytes()));
    let refused = party.finish_registration(&again.to_string(), &begun.state).err();
    assert_eq!(refused, Some(Refused::Wrong(Check::Credential)));
}

#[test]
fn what_is_no_response_is_refused_and_its_size_is_bounded() {
    let mut scene = scene();
    let honest = scene.device.get(&scene.begun.options, &Lie::default());
    let padded = |size: usize| {
        let text = honest.to_string();
        format!("{text}{}", " ".repeat(size - text.len()))
    };
    let finish = |text: &str| scene.party.finish(text, &scene.begun.state, &scene.passkeys).err();
    assert_eq!(finish(&padded(16 * 1024)), None);
    assert_eq!(Party::account_of(&padded(16 * 1024)), Some(ACCOUNT));
    let mut other_type = honest.clone();
    other_type["type"] = json!("password");
    let mut no_client_data = honest.clone();
    no_client_data["response"]["clientDataJSON"] = json!(base64(b"[]"));
    let long = padded(16 * 1024 + 1);
    let nested = "[".repeat(16 * 1024);
    for text in ["", "{}", "null", &long, &nested, &other_type.to_string(), &no_client_data.to_string()] {
        assert_eq!(finish(text), Some(Refused::Malformed));
        assert_eq!(
            scene
                .party
                .finish_registration(text, &scene.party.begin_registration(ACCOUNT, "c", &[]).unwrap().state)
                .err(),
            Some(Refused::Malformed)
        );
    }
    assert_eq!(Party::account_of(&long), None);
    assert_eq!(Party::credential_of(&long), None);
    assert_eq!(Party::account_of("{}"), None);
    let mut long_id = honest.clone();
    long_id["rawId"] = json!(base64(&[0; 1024]));
    assert_eq!(Party::credential_of(&long_id.to_string()), None);
    let mut other_handle = honest;
    other_handle["response"]["userHandle"] = json!(base64(&ACCOUNT[..15]));
    assert_eq!(Party::account_of(&other_handle.to_string()), None);
    other_handle["response"]["userHandle"] = Value::Null;
    assert_eq!(Party::account_of(&other_handle.to_string()), None);
}

#[test]
fn a_refusal_says_nothing_that_was_sent() {
    let mut scene = scene();
    let refused = scene.lied(&Lie::at("https://evil.example.org")).unwrap();
    assert_eq!(refused.to_string(), "the response is wrong: origin");
    assert_eq!(format!("{refused:?}"), "Wrong(Origin)");
}
