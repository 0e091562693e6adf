//! Hashes that other implementations made, compared by the pool.
//!
//! Made with Python 3.11, argon2-cffi 25.1.0, bcrypt 4.0.1, passlib 1.7.4, Django 5.2.19 and hashlib; the command stands
//! before each. P is `correct horse battery`, S is `saltsaltsalt1234`.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use cloakroom_core::account::PasswordHash;
use cloakroom_password::{Attempt, Comparison, Error, Hashing, Imported, NotAHash, PasswordPool, Scheme, foreign};

const QUICK: Hashing = Hashing { memory_kib: 64, passes: 1, threads: 1, queue: 64 };
const P: &str = "correct horse battery";

async fn compare(pool: &PasswordPool, typed: &str, hash: &str) -> Comparison {
    let hash = foreign(hash).unwrap_or_else(|error| panic!("{hash}: {error}")).hash;
    pool.compare(Attempt::new(typed.into()).unwrap(), Some(hash)).await.unwrap()
}

async fn assert_only(password: &str, scheme: Scheme, hashes: &[&str]) {
    let pool = PasswordPool::start(QUICK).unwrap();
    for hash in hashes {
        assert_eq!(foreign(hash).map(|found| found.scheme), Ok(scheme), "{hash}");
        assert_eq!(compare(&pool, password, hash).await, Comparison::Same { outdated: true }, "{hash}");
        // Another first letter, so that bcrypt, which does not look far, sees it too.
        assert_eq!(compare(&pool, &format!("z{password}"), hash).await, Comparison::Different, "{hash}");
    }
}

#[tokio::test]
async fn argon2_of_every_variant_version_and_number_of_lanes_is_read() {
    // argon2.low_level.hash_secret(P, S, t, m, p, length, type, version)
    // django.contrib.auth.hashers.Argon2PasswordHasher, memory_cost=64, time_cost=1, parallelism=2: encode(P, "saltsaltsalt")
    let made = [
        "$argon2i$v=19$m=64,t=3,p=1$c2FsdHNhbHRzYWx0MTIzNA$j4VFxzf61hD+sz6xoCm9/0mow3beBHgTHWulgR37xnY",
        "$argon2d$v=19$m=64,t=2,p=2$c2FsdHNhbHRzYWx0MTIzNA$o49A4plzTJYhe33Uq3EKRSSCGDuDPymC",
        "$argon2id$v=19$m=256,t=2,p=4$c2FsdHNhbHRzYWx0MTIzNA$SVIGIl33nxe3lY1P6WDN+wIuS05CPYzmLLUHRcAxoTM",
        "$argon2id$v=16$m=64,t=1,p=1$c2FsdHNhbHRzYWx0MTIzNA$wTcF07dBNa52saQSGZ5rXOjb7cpRx2N4sovRWwD0+rE",
        "$argon2i$v=16$m=64,t=3,p=2$c2FsdHNhbHRzYWx0MTIzNA$avkpig4OfKUe9dOKAmU3PQ",
        "argon2$argon2id$v=19$m=64,t=1,p=2$c2FsdHNhbHRzYWx0$fmSfJRYT6LBS+l5KR3QNXNW2vEnCcktLPO5GoeyxjEA",
        // The reference implementation wrote no version before there was a second.
        "$argon2i$m=64,t=3,p=2$c2FsdHNhbHRzYWx0MTIzNA$avkpig4OfKUe9dOKAmU3PQ",
    ];
    assert_only(P, Scheme::Argon2, &made).await;
}

#[tokio::test]
async fn argon2id_of_todays_parameters_is_not_outdated_whoever_made_it() {
    // argon2.low_level.hash_secret(P, S, 1, 64, 1, 32, Type.ID, 19)
    let made = "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0MTIzNA$U69T/PpAw11LMC4/PHW6+TfYgszfB8wS9tbU/Hj8ggg";
    let pool = PasswordPool::start(QUICK).unwrap();
    assert_eq!(compare(&pool, P, made).await, Comparison::Same { outdated: false });
}

#[tokio::test]
async fn bcrypt_of_every_prefix_and_of_django_is_read() {
    // bcrypt.hashpw(P, b"$2b$04$abcdefghijklmnopqrstuu"), and with $2a$; $2y$ is PHP's name for $2b$
    // django.contrib.auth.hashers.BCryptPasswordHasher and BCryptSHA256PasswordHasher with that salt
    let made = [
        "$2a$04$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS",
        "$2b$04$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS",
        "$2y$04$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS",
        "$2x$04$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS",
        "bcrypt$$2b$04$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS",
        "bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuuFABy..DpKi5eX.TjDW.8iDMNk/Tma6W",
        // The last letter of a salt holds four bits that count for nothing; some tools leave them as they fell.
        "$2b$04$abcdefghijklmnopqrstuxqREtd3VJD2QVZbuFskFSLk6eRIrQoOS",
    ];
    assert_only(P, Scheme::Bcrypt, &made).await;
}

#[tokio::test]
async fn bcrypt_cuts_where_bcrypt_cuts() {
    let pool = PasswordPool::start(QUICK).unwrap();
    // bcrypt.hashpw(b"x" * 72 + b"tail", b"$2b$04$abcdefghijklmnopqrstuu")
    let long = "$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i";
    let of = |length| "x".repeat(length);
    assert_eq!(compare(&pool, &(of(72) + "tail"), long).await, Comparison::Same { outdated: true });
    assert_eq!(compare(&pool, &(of(72) + "another"), long).await, Comparison::Same { outdated: true });
    assert_eq!(compare(&pool, &of(71), long).await, Comparison::Different);
}

#[tokio::test]
async fn a_nul_byte_is_in_no_password_of_bcrypt() {
    let pool = PasswordPool::start(QUICK).unwrap();
    let made = "$2b$04$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS";
    // bcrypt repeats its key, which ends with a NUL: this would be the same key.
    assert_eq!(compare(&pool, &format!("{P}\0{P}"), made).await, Comparison::Different);
    assert_eq!(compare(&pool, &format!("{P}\0more"), made).await, Comparison::Different);
}

#[tokio::test]
async fn bytes_above_127_are_read_without_a_sign_and_not_at_all_in_2x() {
    let pool = PasswordPool::start(QUICK).unwrap();
    // bcrypt.hashpw("pässwörter lang genug".encode(), b"$2b$04$abcdefghijklmnopqrstuu")
    let made = "$2y$04$abcdefghijklmnopqrstuua5TvDE1Z4quK2cdUc9jxeIwQUpSFbiS";
    assert_eq!(compare(&pool, "pässwörter lang genug", made).await, Comparison::Same { outdated: true });
    let signed = made.replace("$2y$", "$2x$");
    assert_eq!(compare(&pool, "pässwörter lang genug", &signed).await, Comparison::Different);
}

#[tokio::test]
async fn scrypt_of_passlib_django_and_hashlib_is_read() {
    // passlib.hash.scrypt.using(rounds=8, block_size=8, parallelism=2, salt=S).hash(P)
    // hashlib.scrypt(P, salt=S, n=256, r=8, p=1, dklen=64)
    // django.contrib.auth.hashers.ScryptPasswordHasher: encode(P, "saltsaltsalt", n=256)
    let made = [
        "$scrypt$ln=8,r=8,p=2$c2FsdHNhbHRzYWx0MTIzNA$xE6WTYx7fiHa9b/TdaZvzwUoTfpC22i9bcg/JU99lWM",
        concat!(
            "$scrypt$ln=8,r=8,p=1$c2FsdHNhbHRzYWx0MTIzNA$",
            "FYfixjd7GQLMPxZCKuJRrXPjMsNA0f+Daxg9MuaidqGupgoOcL8+jdHImTTlr8Q2S5jSpafs8IQy265YJICirA"
        ),
        concat!(
            "scrypt$256$saltsaltsalt$8$5$",
            "A9RmSoubSYnmeTCXpLKFuosP3bBO7Y2GMQ/Iipa7CKa3OMvt7FgyBM2J1dcOXtKv6NkhyKyQEcYOg4a+YFSAwg=="
        ),
    ];
    assert_only(P, Scheme::Scrypt, &made).await;
}

#[tokio::test]
async fn pbkdf2_of_passlib_django_and_hashlib_is_read() {
    // passlib.hash.pbkdf2_sha256.using(rounds=1000, salt=b"\xfb\xff\xbesaltsaltsalt1").hash(P), and pbkdf2_sha512, pbkdf2_sha1
    // hashlib.pbkdf2_hmac("sha1", P, S, 1000), and "sha256", "sha512"
    // django.contrib.auth.hashers.PBKDF2PasswordHasher: encode(P, "saltsaltsalt", 1000), and PBKDF2SHA1PasswordHasher
    let made = [
        "$pbkdf2-sha256$1000$./..c2FsdHNhbHRzYWx0MQ$BXdEl/8YMze6.cSwYO7GJGvnX.9AHbO.XrBNvG2IxDo",
        concat!(
            "$pbkdf2-sha512$1000$./..c2FsdHNhbHRzYWx0MQ$",
            "dVTD8OFJqE/5o2N7OBe9h5FcCb5TSGW2SJQpLQmHEoH4FaVKCqUltep02.ItWIswZw0LJMGNCb0W0gaPQ9KasQ"
        ),
        "$pbkdf2$1000$./..c2FsdHNhbHRzYWx0MQ$TzKF5NmzWwJ/zv5ENsXyh6rhgHU",
        "$pbkdf2-sha1$i=1000,l=20$c2FsdHNhbHRzYWx0MTIzNA$6YZxK5YTgzohYlFZpSMbtkIAqlA",
        "$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHRzYWx0MTIzNA$wheZis4WMGFy+7bhdev/G/YeD76DK1WUFiU5ngBGWLk",
        "$pbkdf2-sha256$i=1000$c2FsdHNhbHRzYWx0MTIzNA$wheZis4WMGFy+7bhdev/G/YeD76DK1WUFiU5ngBGWLk",
        concat!(
            "$pbkdf2-sha512$i=1000,l=64$c2FsdHNhbHRzYWx0MTIzNA$",
            "RZbZe+j+eO3ppjfgCbqwWaBiL5hmBVncFc9GxXViBOpF3juLu704DU62THcuI+x2BSamf++aK6jccCLUbSrIcg"
        ),
        "pbkdf2_sha256$1000$saltsaltsalt$GacV8oEzUl3KM0Mwey9yrMcTPKpkL4jXrFpbKB8oOnI=",
        "pbkdf2_sha1$1000$saltsaltsalt$bXetuqXv3xEiqmlwhuj1G8h56R4=",
    ];
    assert_only(P, Scheme::Pbkdf2, &made).await;
}

#[tokio::test]
async fn a_password_that_nfkc_changes_is_recognised_as_it_was_typed_elsewhere() {
    let pool = PasswordPool::start(QUICK).unwrap();
    // django.contrib.auth.hashers.PBKDF2PasswordHasher: encode("o\ufb03ce hours are long", "saltsaltsalt", 1000)
    let made = "pbkdf2_sha256$1000$saltsaltsalt$5h6QjHkOQsRpZNfboNu0NJC9NpO+yZ8IyneZKhZbZyM=";
    let typed = "o\u{FB03}ce hours are long";
    assert_eq!(compare(&pool, typed, made).await, Comparison::Same { outdated: true });
    assert_eq!(compare(&pool, "office hours are long", made).await, Comparison::Different);
    // Our own hash is of the normalised form only, so it is found by that one.
    let ours = pool.hash(cloakroom_core::secret::Password::new(typed.into()).unwrap()).await.unwrap();
    for typed in [typed, "office hours are long"] {
        assert_eq!(compare(&pool, typed, ours.as_phc()).await, Comparison::Same { outdated: false });
    }
}

#[tokio::test]
async fn nothing_is_the_password_of_an_account_without_one() {
    let pool = PasswordPool::start(QUICK).unwrap();
    // django.contrib.auth.hashers.make_password(None)
    for text in ["!", "!mJ2sVzX3R5hVSnyTXUOWJeIV6D8xGLtgTmPnyBUz", "!$6$saltsalt$locked"] {
        let unusable = Imported { hash: PasswordHash::unusable(), scheme: Scheme::Unusable, is_weak: false };
        assert_eq!(foreign(text), Ok(unusable), "{text}");
        for typed in ["!", text, P] {
            assert_eq!(compare(&pool, typed, text).await, Comparison::Different);
        }
    }
}

#[tokio::test]
async fn a_hash_that_no_import_would_take_is_not_compared_with() {
    let pool = PasswordPool::start(QUICK).unwrap();
    let dear = PasswordHash::from_phc(format!("$scrypt$ln=40,r=8,p=1$c2FsdHNhbHQ${}", "A".repeat(43)));
    let found = pool.compare(Attempt::new(P.into()).unwrap(), Some(dear)).await;
    assert!(matches!(found, Err(Error::Fault(_))));
    assert_eq!(foreign("$5$rounds=5000$salt$hash"), Err(NotAHash::UnknownFormat));
}
