//! Clients and verifiers that nobody here wrote: curl, h2load, npm's jose, Python's `PyJWT`.

use crate::deadline::soon;
use crate::house::House;
use crate::program::text;
use crate::tls::encrypted_house;
use crate::upstream::Upstream;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Output;
use tokio::process::Command;

/// Verifies a token as an upstream in JavaScript would. Its header and its subject on success.
const JOSE: &str = r"
import { createRemoteJWKSet, jwtVerify } from 'jose';
const [url, token, issuer, audience] = process.argv.slice(1);
try {
  const keys = createRemoteJWKSet(new URL(url));
  const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer, audience, typ: 'at+jwt' });
  console.log(`accepted ${protectedHeader.alg} ${payload.sub}`);
} catch (error) {
  console.log(`refused ${error.code}`);
}
";

/// The same in Python.
const PYJWT: &str = r#"
import sys, jwt
url, token, issuer, audience = sys.argv[1:]
try:
    key = jwt.PyJWKClient(url).get_signing_key_from_jwt(token)
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, key, algorithms=[key.algorithm_name], issuer=issuer, audience=audience,
                        options={"require": ["exp", "iat", "iss", "aud", "sub", "jti"]})
    assert header["typ"] == "at+jwt", header
    print("accepted", key.algorithm_name, claims["sub"])
except jwt.InvalidTokenError as error:
    print("refused", type(error).__name__)
"#;

/// Where `cargo xtask test` has put the foreign libraries.
fn interop() -> PathBuf {
    std::env::var_os("CLOAKROOM_INTEROP").map(PathBuf::from).expect("CLOAKROOM_INTEROP is set by `cargo xtask test`")
}

async fn verdict(program: &Path, script: &[&str], arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(script).args(arguments).current_dir(interop()).kill_on_drop(true);
    let output = soon("the verifier answers", command.output()).await.unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).trim().to_owned()
}

#[tokio::test]
async fn a_token_as_an_upstream_gets_it_is_verified_by_foreign_libraries_through_the_jwks_url() {
    let upstream = Upstream::start("first").await;
    let python = interop().join("python/bin/python");
    let verifiers: [(&Path, &[&str]); 2] =
        [(Path::new("node"), &["--input-type=module", "--eval", JOSE]), (&python, &["-c", PYJWT])];
    for algorithm in ["EdDSA", "ES256", "RS256"] {
        let mut house = House::before(upstream.address);
        house.config["tokens"] = json!({ "algorithm": algorithm });
        let server = house.serve().await;
        let mut ann = house.visitor();
        ann.sign_in("ann@example.com").await;
        let account = ann.fetch("GET", "/auth/me", None).await.unwrap().json()["account"]["id"].clone();
        let accepted = format!("accepted {algorithm} {}", account.as_str().unwrap());
        let token = ann.bearer().await;
        let tampered = tampered(&token);
        let (url, issuer) = (format!("http://127.0.0.1:{}/.well-known/jwks.json", house.port()), ann.origin());
        for (program, script) in verifiers {
            let judge = async |token: &str, issuer: &str, audience: &str| {
                verdict(program, script, &[&url, token, issuer, audience]).await
            };
            assert_eq!(judge(&token, &issuer, "app").await, accepted);
            let refused = judge(&tampered, &issuer, "app").await;
            let signature = ["refused ERR_JWS_SIGNATURE_VERIFICATION_FAILED", "refused InvalidSignatureError"];
            assert!(signature.contains(&refused.as_str()), "{refused}");
            let refused = judge(&token, &issuer, "another").await;
            let claims = ["refused ERR_JWT_CLAIM_VALIDATION_FAILED", "refused InvalidAudienceError"];
            assert!(claims.contains(&refused.as_str()), "{refused}");
            assert!(judge(&token, "http://localhost", "app").await.starts_with("refused"));
        }
        server.stop().await;
    }
}

/// One bit of the payload turned, in a place where it stays what JSON and base64 allow.
fn tampered(token: &str) -> String {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    let parts: Vec<_> = token.split('.').collect();
    let mut claims: serde_json::Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    claims["exp"] = json!(claims["exp"].as_i64().unwrap() + 1);
    format!("{}.{}.{}", parts[0], BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()), parts[2])
}

async fn curl(arguments: &[&str]) -> Output {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "20", "--noproxy", "*"]).args(arguments).kill_on_drop(true);
    soon("curl ends", command.output()).await.unwrap()
}

/// What curl said with `--write-out`, after a body that is not looked at.
async fn curl_says(arguments: &[&str], what: &str) -> String {
    let output = curl(&[&["--output", "/dev/null", "--write-out", what], arguments].concat()).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[tokio::test]
async fn curl_signs_up_logs_in_and_reaches_the_upstream_over_both_versions_of_http() {
    let upstream = Upstream::start("first").await;
    let house = House::before(upstream.address);
    let server = house.serve().await;
    let site = format!("http://localhost:{}", house.port());
    for (protocol, version) in [("--http1.1", "1.1"), ("--http2-prior-knowledge", "2")] {
        let jar = house.folder().join(format!("jar{version}"));
        let jar = jar.to_str().unwrap();
        let fields =
            json!({ "email": format!("v{version}@example.com"), "password": crate::visitor::PASSWORD }).to_string();
        let origin = format!("origin: {site}");
        let browser = [protocol, "--ipv4", "--cookie", jar, "--cookie-jar", jar, "--header", &origin];
        let call = async |path: &str, more: &[&str]| {
            let url = format!("{site}{path}");
            curl_says(&[&browser[..], more, &[url.as_str()]].concat(), "%{http_code} %{http_version}").await
        };
        let json = ["--header", "content-type: application/json", "--data", &fields];
        assert_eq!(call("/app/headers", &[]).await, format!("401 {version}"));
        assert_eq!(call("/auth/signup", &json).await, format!("202 {version}"));
        assert_eq!(call("/auth/login", &json).await, format!("200 {version}"));
        assert_eq!(call("/app/headers", &[]).await, format!("200 {version}"));
        assert_eq!(call("/auth/refresh", &["--request", "POST"]).await, format!("200 {version}"));
        assert_eq!(call("/app/headers", &[]).await, format!("200 {version}"));
        assert_eq!(call("/auth/logout", &["--request", "POST"]).await, format!("204 {version}"));
        assert_eq!(call("/app/headers", &[]).await, format!("401 {version}"));
    }
    server.stop().await;
}

#[tokio::test]
async fn curl_speaks_tls_with_both_versions_of_http_and_is_led_on_from_plain_http() {
    let upstream = Upstream::start("first").await;
    let (mut house, _) = encrypted_house(upstream.address);
    let redirect = crate::house::Port::free();
    house.config["server"]["tls"]["redirect_listen"] = json!([redirect.address()]);
    let server = house.serve().await;
    let certificate = house.folder().join("certificate.pem");
    let trusting = ["--ipv4", "--cacert", certificate.to_str().unwrap()];
    let url = format!("https://localhost:{}/x", house.port());
    for (protocol, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
        for tls in ["1.2", "1.3"] {
            let arguments = [&trusting[..], &[protocol, "--tls-max", tls, &url]].concat();
            assert_eq!(curl_says(&arguments, "%{http_code} %{http_version}").await, format!("200 {version}"), "{tls}");
        }
    }
    let stranger = curl(&["--ipv4", &url]).await;
    assert_eq!(stranger.status.code(), Some(60), "nobody else believes the certificate");
    let plain = format!("http://localhost:{}/x", redirect.number());
    let person = [&trusting[..], &["--location", "--header", "accept: text/html", &plain]].concat();
    assert_eq!(curl_says(&person, "%{num_redirects} %{http_code} %{url_effective}").await, format!("1 200 {url}"));
    server.stop().await;
}

#[tokio::test]
async fn two_thousand_requests_over_twenty_streams_are_all_answered() {
    let upstream = Upstream::start("first").await;
    let house = House::before(upstream.address);
    let server = house.serve().await;
    let mut ann = house.visitor();
    ann.sign_in("ann@example.com").await;
    let cookie = format!("cookie: {}", ann.cookies("/app/x"));
    let url = format!("http://127.0.0.1:{}/app/x", house.port());
    let authority = format!(":authority: localhost:{}", house.port());
    let mut h2load = Command::new("h2load");
    h2load.args(["--requests", "2000", "--clients", "1", "--max-concurrent-streams", "20"]);
    h2load.args(["--header", &cookie, "--header", &authority, "--header", "sec-fetch-site: same-origin", &url]);
    let output = soon("h2load ends", h2load.kill_on_drop(true).output()).await.unwrap();
    let said = text(&output.stdout);
    assert!(said.contains("status codes: 2000 2xx, 0 3xx, 0 4xx, 0 5xx"), "{said}");
    assert!(said.contains("2000 succeeded, 0 failed, 0 errored, 0 timeout"), "{said}");
    server.stop().await;
}
