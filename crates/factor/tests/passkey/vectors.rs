//! Test vectors of the standard (`WebAuthn` Level 3 §16.1), all of `https://example.org`.
//!
//! Only one enrolment of those with an algorithm that we ask for verifies its user outside of a frame; it is accepted.
//! The others are refused for the one thing they lack, which the standard leaves to the relying party.

use cloakroom_factor::passkey::{Check, Party, Passkey, Refused};
use serde_json::{Value, json};

use crate::authenticator::Authenticator;
use crate::browser::{ACCOUNT, Lie, base64, bytes};

fn party() -> Party {
    Party::new("example.org", "https://example.org", "Vectors").unwrap()
}

fn hex(hex: &str) -> Vec<u8> {
    hex.as_bytes().chunks(2).map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

/// Judges an enrolment as if its challenge had been drawn here.
fn enrol(challenge: &str, id: &str, client_data: &str, object: &[u8]) -> Result<Passkey, Refused> {
    let party = party();
    let begun = party.begin_registration(ACCOUNT, "claire", &[]).unwrap();
    let options: Value = serde_json::from_str(&begun.options).unwrap();
    let drawn = options["publicKey"]["challenge"].as_str().unwrap();
    assert_eq!(begun.state.matches(drawn).count(), 1);
    let state = begun.state.replace(drawn, &base64(&hex(challenge)));
    let id = base64(&hex(id));
    let response = json!({
        "id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {},
        "response": {"clientDataJSON": base64(client_data.as_bytes()), "attestationObject": base64(object)},
    });
    party.finish_registration(&response.to_string(), &state)
}

/// The client data of the vectors, which also proves that unknown members are no obstacle.
fn client_data(kind: &str, challenge: &str, rest: &str) -> String {
    let challenge = base64(&hex(challenge));
    format!("{{\"type\":\"webauthn.{kind}\",\"challenge\":\"{challenge}\",\"origin\":\"https://example.org\",{rest}}}")
}

fn extended(rest: &str, random: &str) -> String {
    format!(
        "{rest},\"extraData\":\"clientDataJSON may be extended with additional fields in the future, such as this: {random}\""
    )
}

const PACKED_SELF: [&str; 3] = [
    "7869c2b772d4b58eba9378cf8f29e26cf935aa77df0da89fa99c0bdc0a76f7e5",
    "455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58c",
    "a363666d74667061636b65646761747453746d74a263616c672663736967584630440220067a20754ab925005dbf378097c92120031581c732\
     28d1fb4f5b881bcd7da98302207fc7b147558c7c0eba3af18bd9d121fa3d3a26d17fe3f220272178f473b6006d68617574684461746158a4bf\
     abc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b55d00000000df850e09db6afbdfab51697791506cfc0020455ef3\
     4e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58ca5010203262001215820eb151c8176b225cc651559fecf07af450fd8\
     5802046656b34c18f6cf193843c5225820927b8aa427a2be1b8834d233a2d34f61f13bfd44119c325d5896e183fee484f2",
];

fn packed_self() -> Result<Passkey, Refused> {
    let [challenge, id, object] = PACKED_SELF;
    let rest = extended("\"crossOrigin\":false", "U9hTXvKE2URkMnb_0xYHVg");
    enrol(challenge, id, &client_data("create", challenge, &rest), &hex(object))
}

#[test]
fn webauthn_16_1_3_a_self_attested_enrolment_that_verified_its_user_is_accepted() {
    assert_eq!(packed_self().unwrap().id, hex(PACKED_SELF[1]));
}

#[test]
fn no_bit_of_a_self_attested_enrolment_can_be_changed_to_another_effect() {
    let [challenge, id, object] = PACKED_SELF;
    let client_data = client_data("create", challenge, &extended("\"crossOrigin\":false", "U9hTXvKE2URkMnb_0xYHVg"));
    let signed = object.find("bfabc37432958b06").unwrap() / 2;
    let object = hex(object);
    let honest = packed_self().unwrap();
    for bit in 0..object.len() * 8 {
        let mut changed = object.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let enrolled = enrol(challenge, id, &client_data, &changed);
        // A text of CBOR may be read as a byte string; that changes nothing. What is signed cannot be touched.
        assert!(enrolled.as_ref().is_ok_and(|enrolled| enrolled.data == honest.data) || enrolled.is_err(), "bit {bit}");
        assert!(enrolled.is_err() || bit / 8 < signed, "bit {bit}");
    }
}

#[test]
fn webauthn_16_1_3_its_log_in_is_refused_only_for_not_verifying_its_user() {
    let (party, passkey) = (party(), packed_self().unwrap());
    let challenge = "4478a10b1352348dd160c1353b0d469b5db19eb91c27f7dfa6fed39fe26af20b";
    let begun = party.begin(std::slice::from_ref(&passkey), Some(hex(challenge).try_into().unwrap())).unwrap();
    let rest = extended("\"crossOrigin\":false", "gTb53rz6EhSWomXGzimC1Q");
    let id = base64(&passkey.id);
    let mut response = json!({
        "id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {},
        "response": {
            "clientDataJSON": base64(client_data("get", challenge, &rest).as_bytes()),
            "authenticatorData": base64(&hex(
                "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50900000000",
            )),
            "signature": base64(&hex(
                "304402203310b9431903c401f1be2bdc8d23a4007682dbbddcf846994947b7f465daf84002204e94dd00047b316061b3b99772b\
                 7efd95994a83ef584b3b6b825ea3550251b66",
            )),
        },
    });
    let judge =
        |response: &Value| party.finish(&response.to_string(), &begun.state, std::slice::from_ref(&passkey)).err();
    assert_eq!(judge(&response), Some(Refused::Wrong(Check::Verification)));
    // It got that far with the right challenge, origin and relying party; and it is its signature that keeps the bit.
    let mut data = bytes(&response["response"]["authenticatorData"]);
    data[32] |= 4;
    response["response"]["authenticatorData"] = json!(base64(&data));
    assert_eq!(judge(&response), Some(Refused::Wrong(Check::Signature)));
}

#[test]
fn webauthn_16_1_2_an_enrolment_that_did_not_verify_its_user_is_refused() {
    let challenge = "00c30fb78531c464d2b6771dab8d7b603c01162f2fa486bea70f283ae556e130";
    let rest = extended("\"crossOrigin\":false", "BkQeDjdcTBrXBiAwJTLE5Q");
    let object = "a363666d74646e6f6e656761747453746d74a068617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8ed\
         d46592a5e0f01452b2e4b559000000008446ccb9ab1db374750b2367ff6f3a1f0020f91f391db4c9b2fde0ea70189cba3fb63f579ba612\
         2b33ad94ff3ec330084be4a5010203262001215820afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61225820\
         930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220";
    let id = "f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4";
    let refused = enrol(challenge, id, &client_data("create", challenge, &rest), &hex(object)).err();
    assert_eq!(refused, Some(Refused::Wrong(Check::Verification)));
}

#[test]
fn webauthn_16_1_4_an_enrolment_in_a_frame_of_another_site_is_refused() {
    let challenge = "3be5aacd03537142472340ab5969f240f1d87716e20b6807ac230655fa4b3b49";
    let id = "6e1050c0d2ca2f07c755cb2c66a74c64fa43065c18f938354d9915db2bd5ce57";
    let object = "a363666d74646e6f6e656761747453746d74a068617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8ed\
         d46592a5e0f01452b2e4b54500000000883f4f6014f19c09d87aa38123be48d000206e1050c0d2ca2f07c755cb2c66a74c64fa43065c18\
         f938354d9915db2bd5ce57a501020326200121582022200a473f90b11078851550d03b4e44a2279f8c4eca27b3153dedfe03e4e97d2258\
         20cbd0be95e746ad6f5a8191be11756e4c0420e72f65b466d39bc56b8b123a9c6e";
    let framed = extended("\"crossOrigin\":true", "zZquEtDR9DWqpW5tBWTFug");
    let refused = enrol(challenge, id, &client_data("create", challenge, &framed), &hex(object)).err();
    assert_eq!(refused, Some(Refused::Wrong(Check::Frame)));
    // Without attestation nothing signs the client data: the same outside of a frame is an enrolment like any other.
    let passkey =
        enrol(challenge, id, &client_data("create", challenge, "\"crossOrigin\":false"), &hex(object)).unwrap();

    let challenge = "876aa517ba83fdee65fcffdbca4c84eeae5d54f8041a1fc85c991e5bbb273137";
    let begun = party().begin(std::slice::from_ref(&passkey), Some(hex(challenge).try_into().unwrap())).unwrap();
    let framed = extended("\"crossOrigin\":true", "92pcTVD0Aby-q4dtmj6efg");
    let id = base64(&passkey.id);
    let response = |rest: &str| {
        json!({
            "id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {},
            "response": {
                "clientDataJSON": base64(client_data("get", challenge, rest).as_bytes()),
                "authenticatorData": base64(&hex(
                    "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50500000000",
                )),
                "signature": base64(&hex(
                    "3046022100eb12fcf23b12764c0f122e22371fab92e283879fd798f38ee1841c951b6e40e7022100c76237ff9db77b3c56f3\
                     0837cda6a09acfa2e915544e609c0733b1184036d1cf",
                )),
            },
        })
        .to_string()
    };
    let judge = |rest: &str| party().finish(&response(rest), &begun.state, std::slice::from_ref(&passkey)).err();
    assert_eq!(judge(&framed), Some(Refused::Wrong(Check::Frame)));
    assert_eq!(judge("\"crossOrigin\":false"), Some(Refused::Wrong(Check::Signature)));
}

#[test]
fn the_party_of_the_vectors_is_one_like_any_other() {
    let (party, mut device) = (party(), Authenticator::es256());
    let here = Lie::at("https://example.org");
    let passkeys = [device.enrol(&party, &here)];
    let begun = party.begin(&passkeys, None).unwrap();
    assert!(device.answer(&party, &begun, &passkeys, &here).is_ok());
}
