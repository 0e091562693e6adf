//! What an import takes for a hash, and what it refuses.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use NotAHash::{Malformed, TooCostly, TooLong, TooShort, UnknownFormat};
use cloakroom_password::{NotAHash, foreign};
use proptest::prelude::*;

/// 16 and 32 bytes in Base64.
const SALT: &str = "c2FsdHNhbHRzYWx0MTIzNA";
const OUTPUT: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn refusal(text: &str) -> Option<NotAHash> {
    foreign(&text.replace("SALT", SALT).replace("OUTPUT", OUTPUT)).err()
}

fn is_weak(text: &str) -> bool {
    foreign(&text.replace("SALT", SALT).replace("OUTPUT", OUTPUT))
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .is_weak
}

#[test]
fn what_costs_more_than_256_mib_or_about_two_seconds_is_refused() {
    let rows = [
        ("$argon2id$v=19$m=262144,t=4,p=1$SALT$OUTPUT", None),
        ("$argon2id$v=19$m=262145,t=1,p=1$SALT$OUTPUT", Some(TooCostly)),
        ("$argon2id$v=19$m=262144,t=5,p=1$SALT$OUTPUT", Some(TooCostly)),
        ("$argon2id$v=19$m=64,t=4294967295,p=1$SALT$OUTPUT", Some(TooCostly)),
        ("$argon2id$v=19$m=4294967295,t=1,p=16777215$SALT$OUTPUT", Some(TooCostly)),
        ("$2b$14$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS", None),
        ("$2b$15$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS", Some(TooCostly)),
        ("$scrypt$ln=17,r=8,p=4$SALT$OUTPUT", None),
        ("$scrypt$ln=19,r=8,p=1$SALT$OUTPUT", Some(TooCostly)),
        ("$scrypt$ln=17,r=8,p=5$SALT$OUTPUT", Some(TooCostly)),
        ("$scrypt$ln=63,r=4294967295,p=4294967295$SALT$OUTPUT", Some(TooCostly)),
        ("$scrypt$ln=1,r=1,p=16000000$SALT$OUTPUT", Some(TooCostly)),
        ("scrypt$2147483648$salt$8$1$OUTPUT", Some(TooCostly)),
        ("$pbkdf2-sha256$i=3000000$SALT$OUTPUT", None),
        ("$pbkdf2-sha256$i=3000001$SALT$OUTPUT", Some(TooCostly)),
        // Two blocks of SHA-1.
        ("$pbkdf2-sha1$i=1500001$SALT$OUTPUT", Some(TooCostly)),
        ("pbkdf2_sha256$4294967295$salt$OUTPUT", Some(TooCostly)),
    ];
    for (text, expected) in rows {
        assert_eq!(refusal(text), expected, "{text}");
    }
}

#[test]
fn weak_ones_are_taken_and_told() {
    let rows = [
        ("$argon2id$v=19$m=19456,t=2,p=1$SALT$OUTPUT", false),
        ("$argon2id$v=19$m=7168,t=5,p=1$SALT$OUTPUT", false),
        ("$argon2id$v=19$m=7168,t=4,p=1$SALT$OUTPUT", true),
        ("$argon2id$v=19$m=64,t=16000,p=1$SALT$OUTPUT", true),
        ("$argon2id$v=16$m=19456,t=2,p=1$SALT$OUTPUT", true),
        ("$2b$10$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS", false),
        ("$2b$09$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS", true),
        ("$scrypt$ln=17,r=8,p=1$SALT$OUTPUT", false),
        ("$scrypt$ln=13,r=8,p=10$SALT$OUTPUT", false),
        ("$scrypt$ln=14,r=8,p=1$SALT$OUTPUT", true),
        ("$pbkdf2-sha256$600000$SALT$OUTPUT", false),
        ("$pbkdf2-sha256$599999$SALT$OUTPUT", true),
        ("$pbkdf2-sha512$210000$SALT$OUTPUT", false),
        ("pbkdf2_sha256$600000$saltsaltsalt$OUTPUT", false),
        ("pbkdf2_sha256$600000$salt$OUTPUT", true),
    ];
    for (text, expected) in rows {
        assert_eq!(is_weak(text), expected, "{text}");
    }
}

#[test]
fn what_is_not_whole_is_refused() {
    let rows = [
        ("", UnknownFormat),
        ("hunter2hunter2", UnknownFormat),
        ("$1$salt$hash", UnknownFormat),
        ("$6$saltsalt$hash", UnknownFormat),
        ("$2$12$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS", UnknownFormat),
        ("md5$salt$5f4dcc3b5aa765d61d8327deb882cf99", UnknownFormat),
        ("$argon2id$v=19$m=64,t=1,p=1$SALT", Malformed),
        ("$argon2id$v=19$m=64,t=1,p=1$SALT$OUTPUT$", Malformed),
        ("$argon2id$v=19$m=64,t=1$SALT$OUTPUT", Malformed),
        ("$argon2id$v=19$m=64,t=1,p=1,t=1$SALT$OUTPUT", Malformed),
        ("$argon2id$v=19$m=64,t=1,p=1,keyid=AAAA$SALT$OUTPUT", Malformed),
        ("$argon2id$v=19$m=+64,t=1,p=1$SALT$OUTPUT", Malformed),
        ("$argon2id$v=19$m=4294967296,t=1,p=1$SALT$OUTPUT", Malformed),
        ("$argon2id$v=19$m=64,t=0,p=1$SALT$OUTPUT", Malformed),
        ("$argon2id$v=19$m=64,t=1,p=0$SALT$OUTPUT", Malformed),
        ("$argon2id$v=19$m=64,t=1,p=9$SALT$OUTPUT", Malformed),
        ("$argon2id$v=18$m=64,t=1,p=1$SALT$OUTPUT", Malformed),
        ("$argon2id$v=19$m=64,t=1,p=1$c2FsdA$OUTPUT", Malformed),
        ("$argon2id$v=19$m=64,t=1,p=1$SALT$AAAA", TooShort),
        ("$argon2id$v=19$m=64,t=1,p=1$SALT$OUT*PUT", Malformed),
        ("$2b$03$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS", Malformed),
        ("$2b$32$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS", Malformed),
        ("$2b$04$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoO", Malformed),
        ("$2b$04$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOé", Malformed),
        ("bcrypt$2b$04$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS", Malformed),
        ("$scrypt$ln=0,r=8,p=1$SALT$OUTPUT", Malformed),
        ("$scrypt$ln=64,r=8,p=1$SALT$OUTPUT", Malformed),
        ("$scrypt$ln=14,r=0,p=1$SALT$OUTPUT", Malformed),
        ("scrypt$1000$salt$8$1$OUTPUT", Malformed),
        ("scrypt$0$salt$8$1$OUTPUT", Malformed),
        ("$pbkdf2-sha256$0$SALT$OUTPUT", Malformed),
        ("$pbkdf2-sha256$i=1000,l=20$SALT$OUTPUT", Malformed),
        ("$pbkdf2-md5$1000$SALT$OUTPUT", UnknownFormat),
        ("pbkdf2_sha256$1000$salt$AAAAAAAA", TooShort),
    ];
    for (text, expected) in rows {
        assert_eq!(refusal(text), Some(expected), "{text}");
    }
    assert_eq!(foreign(&"$".repeat(513)).err(), Some(TooLong));
    let long = format!("$argon2id$v=19$m=64,t=1,p=1${SALT}${}", "A".repeat(200));
    assert_eq!(foreign(&long).err(), Some(Malformed));
}

#[test]
fn a_refusal_and_an_imported_hash_show_nothing_of_the_text() {
    let taken = foreign("$2b$04$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS").unwrap();
    assert!(!format!("{taken:?}").contains("qREtd3"));
    let refused = foreign("$2b$40$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS").unwrap_err();
    assert!(!format!("{refused:?} {refused}").contains("qREtd3"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever an import file holds, reading it ends with an answer.
    #[test]
    fn no_text_stops_an_import(
        id in "(\\$(argon2(id|i|d)|2[abxy]|scrypt|pbkdf2(-sha(1|256|512))?)|argon2|bcrypt(_sha256)?|scrypt|pbkdf2_sha256)",
        rest in "(\\$((v|m|t|p|ln|r|i|l)=[0-9]{1,10},?){0,4}|\\$[0-9]{1,10}|\\$[A-Za-z0-9+/.=]{0,60}|\\$\\PC{0,8}){0,6}",
    ) {
        // Only what is cheap to say is asked: recognised or not.
        let _ = foreign(&format!("{id}{rest}"));
    }
}
