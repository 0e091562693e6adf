//! Honest ceremonies, from the first option to the last check.

use cloakroom_factor::passkey::{Fault, Party};
use serde_json::{Value, json};

use crate::authenticator::{Authenticator, BACKED_UP, BACKUP_ELIGIBLE, PRESENT, VERIFIED};
use crate::browser::{ACCOUNT, Lie, RP_ID, base64, bytes, party};

#[test]
fn webauthn_7_a_passkey_is_enrolled_and_logs_in_without_an_address() {
    let (party, mut device) = (party(), Authenticator::es256());
    let passkey = device.enrol(&party, &Lie::default());
    assert_eq!(passkey.id, device.id);

    let begun = party.begin_discoverable().unwrap();
    let response = device.get(&begun.options, &Lie::default()).to_string();
    assert_eq!(Party::account_of(&response), Some(ACCOUNT));
    assert_eq!(Party::credential_of(&response), Some(passkey.id.clone()));
    let used = party.finish(&response, &begun.state, std::slice::from_ref(&passkey)).unwrap();
    assert_eq!(used.id, passkey.id);
    assert!(used.changed.is_none(), "it counts nothing, so nothing has to be stored");
}

#[test]
fn webauthn_5_4_an_enrolment_asks_for_a_discoverable_key_with_verification_and_no_attestation() {
    let (party, mut device) = (party(), Authenticator::es256());
    let existing = device.enrol(&party, &Lie::default());
    let begun = party.begin_registration(ACCOUNT, "claire@example.com", std::slice::from_ref(&existing)).unwrap();
    let options: Value = serde_json::from_str(&begun.options).unwrap();
    let options = &options["publicKey"];
    assert_eq!(options["rp"], json!({"id": RP_ID, "name": "Cloakroom"}));
    assert_eq!(options["user"]["id"], base64(&ACCOUNT));
    assert_eq!(options["user"]["name"], "claire@example.com");
    let selection = &options["authenticatorSelection"];
    assert_eq!(selection["residentKey"], "required");
    assert_eq!(selection["requireResidentKey"], true);
    assert_eq!(selection["userVerification"], "required");
    assert_eq!(options["attestation"], "none");
    assert_eq!(options["excludeCredentials"], json!([{"type": "public-key", "id": base64(&existing.id)}]));
    assert_eq!(options["pubKeyCredParams"][0]["alg"], -7);
    assert_eq!(bytes(&options["challenge"]).len(), 32);
}

#[test]
fn webauthn_5_5_an_account_that_is_known_is_asked_for_its_passkeys() {
    let party = party();
    let passkeys =
        [Authenticator::es256().enrol(&party, &Lie::default()), Authenticator::es256().enrol(&party, &Lie::default())];
    let options: Value = serde_json::from_str(&party.begin(&passkeys, None).unwrap().options).unwrap();
    assert_eq!(options.as_object().unwrap().len(), 1, "no mediation");
    let options = &options["publicKey"];
    assert_eq!(options["rpId"], RP_ID);
    assert_eq!(options["userVerification"], "required");
    let listed = options["allowCredentials"].as_array().unwrap().iter().map(|listed| listed["id"].clone());
    assert_eq!(listed.collect::<Vec<_>>(), passkeys.map(|passkey| json!(base64(&passkey.id))));

    let options: Value = serde_json::from_str(&party.begin_discoverable().unwrap().options).unwrap();
    assert_eq!(options["publicKey"]["allowCredentials"], json!([]));
    assert_eq!(options["publicKey"]["userVerification"], "required");
}

#[test]
fn any_of_several_passkeys_may_answer() {
    let party = party();
    let mut devices = [Authenticator::es256(), Authenticator::counting(), Authenticator::rs256()];
    let passkeys = devices.each_mut().map(|device| device.enrol(&party, &Lie::default()));
    for (device, passkey) in devices.iter_mut().zip(&passkeys) {
        let begun = party.begin(&passkeys, None).unwrap();
        let response = device.get(&begun.options, &Lie::default()).to_string();
        assert_eq!(party.finish(&response, &begun.state, &passkeys).unwrap().id, passkey.id);
    }
}

#[test]
fn the_challenge_can_be_given_and_is_what_is_signed() {
    let (party, mut device) = (party(), Authenticator::es256());
    let passkeys = [device.enrol(&party, &Lie::default())];
    let challenge = std::array::from_fn(|at| u8::try_from(at * 7).unwrap());
    let begun = party.begin(&passkeys, Some(challenge)).unwrap();
    let options: Value = serde_json::from_str(&begun.options).unwrap();
    assert_eq!(bytes(&options["publicKey"]["challenge"]), challenge);
    let response = device.get(&begun.options, &Lie::default());
    let client_data: Value = serde_json::from_slice(&bytes(&response["response"]["clientDataJSON"])).unwrap();
    assert_eq!(bytes(&client_data["challenge"]), challenge);
    party.finish(&response.to_string(), &begun.state, &passkeys).unwrap();
}

#[test]
fn every_ceremony_has_a_challenge_of_its_own() {
    let party = party();
    let passkeys = [Authenticator::es256().enrol(&party, &Lie::default())];
    let challenges = [
        party.begin_discoverable().unwrap(),
        party.begin_discoverable().unwrap(),
        party.begin(&passkeys, None).unwrap(),
        party.begin_registration(ACCOUNT, "claire", &passkeys).unwrap(),
    ]
    .map(|begun| serde_json::from_str::<Value>(&begun.options).unwrap()["publicKey"]["challenge"].to_string());
    assert_eq!(std::collections::BTreeSet::from(challenges).len(), 4);
}

#[test]
fn webauthn_6_1_1_a_counter_that_moves_forward_is_to_be_stored() {
    let (party, mut device) = (party(), Authenticator::counting());
    let mut passkey = device.enrol(&party, &Lie::default());
    for _ in 0..3 {
        let begun = party.begin(std::slice::from_ref(&passkey), None).unwrap();
        let changed = device.answer(&party, &begun, std::slice::from_ref(&passkey), &Lie::default()).unwrap().unwrap();
        assert_eq!(changed.id, passkey.id);
        assert_ne!(changed.data, passkey.data);
        passkey = changed;
    }
}

#[test]
fn webauthn_6_1_3_a_state_of_backup_that_changed_is_to_be_stored() {
    let (party, mut device) = (party(), Authenticator::es256());
    device.flags = PRESENT | VERIFIED | BACKUP_ELIGIBLE;
    let passkeys = [device.enrol(&party, &Lie::default())];
    let begun = party.begin(&passkeys, None).unwrap();
    assert!(device.answer(&party, &begun, &passkeys, &Lie::default()).unwrap().is_none());
    device.flags |= BACKED_UP;
    let backed_up = [device.answer(&party, &begun, &passkeys, &Lie::default()).unwrap().unwrap()];
    let begun = party.begin_discoverable().unwrap();
    assert!(device.answer(&party, &begun, &backed_up, &Lie::default()).unwrap().is_none());
}

#[test]
fn what_is_stored_and_what_is_remembered_holds_no_secret_of_ours() {
    let (party, mut device) = (party(), Authenticator::es256());
    let passkey = device.enrol(&party, &Lie::default());
    let record: Value = serde_json::from_str(&passkey.data).unwrap();
    assert_eq!(record["cred"]["attestation"]["data"], "None");
    assert!(passkey.data.len() < 1024);
    let begun = party.begin(std::slice::from_ref(&passkey), None).unwrap();
    assert!(!begun.state.contains(record["cred"]["cred"]["key"].to_string().as_str()), "the key comes from the store");
    assert!(begun.state.contains(&base64(&passkey.id)));
}

#[test]
fn loopback_names_are_origins_with_exactly_their_port() {
    for (rp_id, origin) in [
        ("localhost", "http://localhost:4000"),
        ("approve.localhost", "http://approve.localhost:4001"),
        ("localhost", "http://approve.localhost:4001"),
    ] {
        let (party, mut device) = (Party::new(rp_id, origin, "Cloakroom").unwrap(), Authenticator::es256());
        let passkeys = [device.enrol(&party, &Lie::at(origin))];
        let begun = party.begin(&passkeys, None).unwrap();
        device.answer(&party, &begun, &passkeys, &Lie::at(origin)).unwrap();
    }
}

#[test]
fn there_is_nothing_to_ask_without_a_passkey_or_a_name() {
    let party = party();
    assert_eq!(party.begin(&[], None).err(), Some(Fault::Nothing));
    assert_eq!(party.begin_registration(ACCOUNT, "", &[]).err(), Some(Fault::Name));
    let mut broken = Authenticator::es256().enrol(&party, &Lie::default());
    broken.data.truncate(20);
    assert_eq!(party.begin(&[broken], None).err(), Some(Fault::Stored));
}
