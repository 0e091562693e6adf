//! Verification in process: of a token seen before, and of a new one beside the bare signature check.

use super::house::{House, access_of, is_good};
use super::{Part, house};
use crate::context::Context;
use crate::figure::{Figure, Goal};
use crate::rounds::{in_turns, nanoseconds};
use anyhow::{Context as _, Result, anyhow, ensure};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_app::App;
use cloakroom_core::id::{AccountId, EventId, KeyId, SessionId};
use cloakroom_jose::{AccessClaims, Algorithm, Expect, Jwk, KeySet, SigningKey, random, verify};
use cloakroom_store::Sqlite;
use std::hint::black_box;
use std::sync::Arc;

pub(super) const PART: Part = Part {
    name: "verification",
    title: "Verification in process",
    how: "Seen before: `App::authenticate_now` of a live `App` on its real clock; revocation, expiry and sighting are judged \
          in every call. Allocations are counted by the allocator of the benchmark. New: `cloakroom_jose::verify` of a token with \
          the claims that the server mints (form, header, key, signature, type, issuer, audience, times, claims), beside \
          aws-lc-rs checking the same signature over the same bytes with a key that was parsed before.",
    tools: &[],
    builds: false,
    is_long: false,
    run,
};

/// How many tokens are taken in turns where one would stay in the processor's cache.
const TOKENS: usize = 4096;

fn run(cx: &Context) -> Result<Vec<Figure>> {
    let mut figures = seen_before(cx)?;
    let algorithms = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256, Algorithm::Hs256];
    for algorithm in algorithms {
        let figure = new_token(cx, algorithm)?;
        figures.push(if algorithm == Algorithm::EdDsa { figure.goal(Goal::AtMost(1.15)) } else { figure });
    }
    Ok(figures)
}

fn seen_before(cx: &Context) -> Result<Vec<Figure>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (app, tokens) = runtime.block_on(tokens())?;
    let token = tokens.first().context("no token")?;
    let good = |app: &App, token: &str| is_good(app, black_box(token));
    ensure!(tokens.iter().all(|token| good(&app, token)), "a token is not good");

    let rounds = cx.pick(15, 51);
    let one = (0..rounds).map(|_| nanoseconds(50_000, || assert!(good(&app, token)))).collect::<Vec<_>>();
    let many = (0..rounds).map(|_| {
        let mut tokens = tokens.iter().cycle();
        nanoseconds(50_000, || assert!(tokens.next().is_some_and(|token| good(&app, token))))
    });
    let many = many.collect::<Vec<_>>();
    let contended = (0..rounds).map(|_| contended(&app, token)).collect::<Vec<_>>();
    let calls = 100_000_u32;
    let counted = allocation_counter::measure(|| (0..calls).for_each(|_| assert!(good(&app, token))));
    let per_call = counted.count_total as f64 / f64::from(calls);
    Ok(vec![
        Figure::absolute("token seen before", "ns", &one).goal(Goal::Below(1000.0)),
        Figure::absolute("token seen before: allocations per call", "", &[per_call])
            .goal(Goal::AtMost(0.0))
            .note(format!("{} allocations in {calls} calls", counted.count_total)),
        Figure::absolute("token seen before, 4096 tokens in turns", "ns", &many).note("for information: cold caches"),
        Figure::absolute("token seen before, the same one on all processors at once", "ns", &contended)
            .note("for information: per call of one thread"),
    ])
}

/// An app and many tokens of one session of it.
async fn tokens() -> Result<(House, Vec<String>)> {
    let app = house::open(Arc::new(Sqlite::in_memory()?), house::CHEAP_PASSWORDS).await?;
    let (_, mut opened) = house::enter(&app).await?;
    let mut tokens = Vec::new();
    while tokens.len() < TOKENS {
        let next = house::refresh(&app, &opened).await?;
        tokens.push(access_of(std::mem::replace(&mut opened, next))?);
    }
    Ok((app, tokens))
}

fn contended(app: &App, token: &str) -> f64 {
    let threads = crate::context::processors();
    let spent = std::thread::scope(|scope| {
        let measure = || nanoseconds(50_000, || assert!(is_good(app, black_box(token))));
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(measure)).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    spent.iter().sum::<f64>() / threads as f64
}

fn new_token(cx: &Context, algorithm: Algorithm) -> Result<Figure> {
    let kid = KeyId::from_bytes(random()?).to_string();
    let key = SigningKey::generate(algorithm, &kid)?;
    let token = key.sign("at+jwt", &claims()?)?;
    let keys = KeySet::new(vec![key.verifying_key()])?;
    let expect = Expect { typ: "at+jwt", issuer: ISSUER, audience: ISSUER, leeway: 0 };
    let (signed, signature) = token.rsplit_once('.').context("no signature")?;
    let bare = Bare::of(&key, signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature)?)?;
    ensure!(bare.is_good(signed.as_bytes()), "the bare check fails");

    let count = if algorithm == Algorithm::Hs256 { 4000 } else { 200 };
    let whole = || {
        let call = || assert!(verify::<AccessClaims>(black_box(&token), &keys, &expect, NOW).is_ok());
        Ok(nanoseconds(count, call) / 1000.0)
    };
    let alone = || Ok(nanoseconds(count, || assert!(bare.is_good(black_box(signed.as_bytes())))) / 1000.0);
    let (ours, theirs) = in_turns(cx.pick(21, 101), whole, alone)?;
    let more = ours.iter().zip(&theirs).map(|(ours, theirs)| ours - theirs).collect::<Vec<_>>();
    let more = crate::figure::Spread::of(&more).median;
    let name =
        format!("new token, {}{}", algorithm.as_str(), if algorithm == Algorithm::EdDsa { " (default)" } else { "" });
    Ok(Figure::ratio(&name, "µs", &ours, &theirs).note(format!("{more:.2} µs besides the signature")))
}

const ISSUER: &str = "https://app.example.com";
const NOW: i64 = 1_800_000_000;

/// As the server mints them.
fn claims() -> Result<AccessClaims> {
    Ok(AccessClaims {
        iss: ISSUER.into(),
        sub: AccountId::from_bytes(random()?).to_string(),
        aud: ISSUER.into(),
        client_id: "cloakroom".into(),
        exp: NOW + 290,
        iat: NOW - 10,
        jti: EventId::from_bytes(random()?).to_string(),
        sid: SessionId::from_bytes(random()?).to_string(),
        r#gen: 3,
        iss_no: 0,
        auth_time: NOW - 1000,
        amr: vec!["pwd".into()],
        roles: vec![],
        groups: vec![],
    })
}

/// The crypto library alone.
enum Bare {
    Public(ParsedPublicKey, Vec<u8>),
    Mac(Box<hmac::Key>, Vec<u8>),
}

impl Bare {
    fn of(key: &SigningKey, signed: &[u8], signature: &[u8]) -> Result<Self> {
        let decode =
            |member: Option<&String>| Ok::<_, anyhow::Error>(URL_SAFE_NO_PAD.decode(member.context("no member")?)?);
        let Some(jwk) = key.public_jwk() else {
            // Any other key takes the same time; ours does not come out.
            let key = hmac::Key::new(hmac::HMAC_SHA256, &random::<32>()?);
            let tag = hmac::sign(&key, signed).as_ref().to_vec();
            return Ok(Self::Mac(Box::new(key), tag));
        };
        let Jwk { x, y, n, e, .. } = &jwk;
        let parsed = match key.algorithm() {
            Algorithm::EdDsa => ParsedPublicKey::new(&ED25519, decode(x.as_ref())?),
            Algorithm::Es256 => {
                let point = [&[4][..], &decode(x.as_ref())?, &decode(y.as_ref())?].concat();
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            }
            _ => {
                let (n, e) = (decode(n.as_ref())?, decode(e.as_ref())?);
                RsaPublicKeyComponents { n: &n, e: &e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            }
        };
        Ok(Self::Public(parsed.map_err(|error| anyhow!("{error}"))?, signature.to_vec()))
    }

    fn is_good(&self, signed: &[u8]) -> bool {
        match self {
            Self::Public(key, signature) => key.verify_sig(signed, signature).is_ok(),
            Self::Mac(key, tag) => hmac::verify(key, signed, tag).is_ok(),
        }
    }
}
