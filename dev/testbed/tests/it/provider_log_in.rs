//! Log-in at a provider: honest ones open accounts, misbehaving ones open nothing and are told apart in the log.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_testbed::{Answer, Guest, House, Idp, Manner};
use http::StatusCode;
use serde_json::{Value, json};

const ANN: &str = "ann@example.com";

/// Headings of error pages.
const REFUSED: &str = "What the other site said cannot be trusted";
const UNCONFIRMED: &str = "The other site has not confirmed your address";
const UNREACHABLE: &str = "The other site does not answer";
pub(crate) const OVER: &str = "This log-in is over";

pub(crate) fn ann() -> Value {
    json!({ "sub": "248289761001", "sid": "s-1", "email": ANN })
}

pub(crate) async fn house_with(more: &str) -> (House, Idp) {
    let mut house = House::start().await;
    let idp = Idp::start(std::sync::Arc::clone(&house.clock)).await;
    house.restart_with(&idp.config("example", more)).await;
    (house, idp)
}

/// Where the browser is sent to.
pub(crate) async fn sent(guest: &Guest, path: &str) -> String {
    let answer = guest.visit(path).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    answer.header("location").to_owned()
}

/// What a page of ours says, in its heading.
pub(crate) fn heading(answer: &Answer) -> String {
    let text = answer.text();
    let heading = text.split("<h1>").nth(1).and_then(|rest| rest.split("</h1>").next());
    heading.unwrap_or_default().to_owned()
}

pub(crate) async fn who(guest: &Guest) -> String {
    let me = guest.fetch("GET", "/auth/me", None).await;
    me.json()["account"]["email"].as_str().unwrap_or("nobody").to_owned()
}

/// A whole log-in, back to the first page after it.
pub(crate) async fn log_in(guest: &Guest, idp: &Idp, person: Value) -> String {
    let to = sent(guest, "/auth/provider/example?return_to=/app/notes").await;
    let back = idp.log_in(&to, person);
    let answer = guest.visit_from("cross-site", &back).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    answer.header("location").to_owned()
}

#[tokio::test]
async fn whoever_logs_in_there_for_the_first_time_gets_an_account_and_finds_it_again() {
    let (house, idp) = house_with("").await;
    let page = house.guest().visit("/auth/login?return_to=/app/notes").await.text();
    assert!(page.contains("Log in with Example ID"), "{page}");
    assert!(page.contains("/auth/provider/example?return_to="), "{page}");

    let first = house.guest();
    assert_eq!(log_in(&first, &idp, ann()).await, "/app/notes");
    assert_eq!(who(&first).await, ANN);
    let account = first.fetch("GET", "/auth/me", None).await.json()["account"]["id"].clone();
    let waits = first.cookies().into_iter().any(|(_, name)| name.contains("waiting"));
    assert!(!waits, "nothing waits any more");

    // On another machine, and with another address: it is the identity that counts.
    let second = house.guest();
    log_in(&second, &idp, json!({ "sub": "248289761001", "email": "ann.new@example.com" })).await;
    assert_eq!(second.fetch("GET", "/auth/me", None).await.json()["account"]["id"], account);
    house.close().await;
}

#[tokio::test]
async fn r97_03_only_the_browser_that_began_it_can_finish_it_and_only_once() {
    let (house, idp) = house_with("").await;
    let (victim, thief) = (house.guest(), house.guest());
    // The attacker's own answer, in the victim's browser: a log-in as somebody else (login CSRF).
    let back = idp.log_in(&sent(&thief, "/auth/provider/example").await, ann());
    let answer = victim.visit_from("cross-site", &back).await;
    assert_eq!((answer.status, who(&victim).await), (StatusCode::GONE, "nobody".into()));
    assert_eq!(heading(&answer), OVER);

    assert_eq!(thief.visit_from("cross-site", &back).await.status, StatusCode::SEE_OTHER);
    // Once more: the back button of somebody who is in leads on, and opens nothing.
    let again = thief.visit_from("cross-site", &back).await;
    assert_eq!((again.status, again.header("location")), (StatusCode::SEE_OTHER, "/"));
    let copied = house.guest();
    assert_eq!(copied.visit_from("cross-site", &back).await.status, StatusCode::GONE);
    house.close().await;
}

#[tokio::test]
async fn r97_04_a_cookie_that_was_kept_makes_no_second_use_of_it() {
    let (house, idp) = house_with("").await;
    let guest = house.guest();
    let to = sent(&guest, "/auth/provider/example").await;
    let kept = guest.copied();
    let back = idp.log_in(&to, ann());
    assert_eq!(guest.visit_from("cross-site", &back).await.status, StatusCode::SEE_OTHER);
    idp.asked();
    for again in [back.clone(), back.replace("code=code-1", "code=another")] {
        let answer = kept.copied().visit_from("cross-site", &again).await;
        assert_eq!((answer.status, heading(&answer)), (StatusCode::GONE, OVER.into()));
    }
    assert_eq!(idp.asked(), Vec::<String>::new(), "the provider hears nothing of it");
    house.close().await;
}

#[tokio::test]
async fn somebody_who_added_their_identity_before_the_address_was_confirmed_is_thrown_out() {
    // In a time without confirmation, an attacker signs up with the address of somebody else.
    let mut house = House::with_mail("mail.confirm_addresses = false").await;
    let idp = Idp::start(std::sync::Arc::clone(&house.clock)).await;
    house.restart_with(&format!("mail.confirm_addresses = false\n{}", idp.config("example", ""))).await;
    let eve = house.signed_in(ANN).await;
    let change = json!({ "act": "add-provider", "provider": "example" });
    let approval = eve.approved_of(&change, &json!({ "password": cloakroom_testbed::PASSWORD })).await;
    let link = json!({ "provider": "example", "step_up": approval });
    let begun = eve.fetch("POST", "/auth/providers/link", Some(link)).await;
    let to = begun.json()["continue_at"].as_str().unwrap().to_owned();
    let hers = json!({ "sub": "eve", "email": "eve@example.com" });
    let answer = eve.visit_from("cross-site", &idp.log_in(&to, hers.clone())).await;
    assert_eq!(answer.header("location"), "/auth/account?notice=provider-added");

    // Later it is asked for, and the owner of the address comes by the provider, which has confirmed it.
    house.restart_with(&idp.config("example", "")).await;
    let owner = house.guest();
    log_in(&owner, &idp, ann()).await;
    assert_eq!(who(&owner).await, ANN);
    assert_eq!(who(&eve).await, "nobody");
    let body = json!({ "email": ANN, "password": cloakroom_testbed::PASSWORD });
    assert_eq!(house.guest().fetch("POST", "/auth/login", Some(body)).await.code(), "wrong-credentials");
    let guest = house.guest();
    log_in(&guest, &idp, hers).await;
    assert_eq!(who(&guest).await, "eve@example.com", "an account of her own");
    house.close().await;
}

#[tokio::test]
async fn a_session_that_takes_the_place_of_another_still_ends_with_that_at_the_provider() {
    let (house, idp) = house_with("").await;
    let owner = house.signed_in("bob@example.com").await;
    let change = json!({ "act": "add-provider", "provider": "example" });
    let password = json!({ "password": cloakroom_testbed::PASSWORD });
    let approval = owner.approved_of(&change, &password).await;
    let link = json!({ "provider": "example", "step_up": approval });
    let to = owner.fetch("POST", "/auth/providers/link", Some(link)).await.json()["continue_at"]
        .as_str()
        .unwrap()
        .to_owned();
    // Longer there than an access token lives.
    house.advance(301);
    let answer = owner.visit_from("cross-site", &idp.log_in(&to, ann())).await;
    assert_eq!(answer.header("location"), "/auth/account?notice=provider-added", "{}", answer.text());

    let guest = house.guest();
    log_in(&guest, &idp, ann()).await;
    let body = json!({ "current": cloakroom_testbed::PASSWORD, "password": "walnut harbour violet cedar" });
    let changed = guest.fetch("POST", "/auth/password/change", Some(body)).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
    assert_eq!(who(&guest).await, "bob@example.com");
    let token = idp.logout_token(&json!({ "sub": "248289761001", "sid": "s-1" }));
    let body = url::form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", &token).finish();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(house.guest().send("POST", "/auth/backchannel/example", &form, body).await.status, StatusCode::OK);
    assert_eq!(who(&guest).await, "nobody");
    house.close().await;
}

#[tokio::test]
async fn ck_07_where_cookies_are_strict_the_answer_comes_back_over_one_step_of_our_own() {
    let (house, idp) = house_with("[cookie]\nsame_site = \"strict\"").await;
    let guest = house.guest();
    let back = idp.log_in(&sent(&guest, "/auth/provider/example").await, ann());
    let step = guest.visit_from("cross-site", &back).await;
    assert_eq!((step.status, heading(&step)), (StatusCode::OK, "One moment".into()));
    assert_eq!(who(&guest).await, "nobody");
    let answer = guest.visit(&back).await;
    assert_eq!(answer.status, StatusCode::OK, "and one more, to where it leads: {}", answer.text());
    assert_eq!(who(&guest).await, ANN);
    house.close().await;
}

#[tokio::test]
async fn misbehaving_providers_open_nothing_and_their_people_read_why() {
    let (house, idp) = house_with("").await;
    let cases = [
        (Manner::WrongIssuer, REFUSED),
        (Manner::WrongAudience, REFUSED),
        (Manner::SwappedNonce, REFUSED),
        (Manner::Unsigned, REFUSED),
        (Manner::SecretOfPublicKey, REFUSED),
        (Manner::StrangersKey, REFUSED),
        (Manner::Expired, REFUSED),
        (Manner::AccessToken, REFUSED),
        (Manner::NoIss, REFUSED),
        (Manner::Unconfirmed, UNCONFIRMED),
    ];
    for (manner, said) in cases {
        let guest = house.guest();
        let to = sent(&guest, "/auth/provider/example").await;
        idp.behave(manner);
        let answer = guest.visit_from("cross-site", &idp.log_in(&to, ann())).await;
        idp.behave(Manner::Honest);
        assert_eq!((heading(&answer).as_str(), who(&guest).await.as_str()), (said, "nobody"), "{manner:?}");
        assert!(guest.cookie("__Host-Http-cloakroom").is_none(), "{manner:?}");
    }
    // The same log-in is good when the provider is: it was each of those that was refused.
    let guest = house.guest();
    log_in(&guest, &idp, ann()).await;
    assert_eq!(who(&guest).await, ANN);
    house.close().await;
}

#[tokio::test]
async fn a_provider_whose_metadata_are_no_good_is_never_gone_to() {
    for manner in [
        Manner::LyingDiscovery,
        Manner::PlainEndpoints,
        Manner::Huge,
        Manner::Redirects,
        Manner::Garbage,
        Manner::HangsUp,
    ] {
        let (house, idp) = house_with("").await;
        idp.behave(manner);
        let guest = house.guest();
        let answer = guest.visit("/auth/provider/example").await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{manner:?}");
        let expected = if manner == Manner::HangsUp { UNREACHABLE } else { REFUSED };
        assert_eq!(heading(&answer), expected, "{manner:?}");
        assert!(!idp.asked().iter().any(|path| path == "/token"), "{manner:?}");
        house.close().await;
    }
}

#[tokio::test]
async fn a_provider_that_never_comes_to_an_end_keeps_nobody_waiting_for_long() {
    let (house, idp) = house_with("").await;
    idp.behave(Manner::Slow);
    let (one, other) = (house.guest(), house.guest());
    let visits = async { tokio::join!(one.visit("/auth/provider/example"), other.visit("/auth/provider/example")) };
    let (first, second) = tokio::time::timeout(std::time::Duration::from_secs(30), visits).await.unwrap();
    for answer in [first, second] {
        assert_eq!((answer.status, heading(&answer).as_str()), (StatusCode::BAD_GATEWAY, UNREACHABLE));
    }
    // A log-in that was under way, and a page that needs nothing of it.
    idp.behave(Manner::Honest);
    house.advance(61);
    let guest = house.guest();
    let to = sent(&guest, "/auth/provider/example").await;
    let back = idp.log_in(&to, ann());
    idp.behave(Manner::Slow);
    let other = house.guest();
    let (answer, page) = tokio::join!(guest.visit_from("cross-site", &back), other.visit("/auth/login"));
    assert_eq!((page.status, heading(&answer).as_str()), (StatusCode::OK, UNREACHABLE));
    house.close().await;
}

#[tokio::test]
async fn r97_05_the_answer_of_one_provider_is_no_answer_at_the_others_address() {
    let mut house = House::start().await;
    let one = Idp::start(std::sync::Arc::clone(&house.clock)).await;
    let other = Idp::start(std::sync::Arc::clone(&house.clock)).await;
    house.restart_with(&format!("{}{}", one.config("one", ""), other.config("other", ""))).await;
    let guest = house.guest();
    let to = sent(&guest, "/auth/provider/one").await;
    // The attacker runs "other" and has the answer of "one" sent there (mix-up, RFC 9700 §4.4).
    let mixed = one.log_in(&to, ann()).replace("/auth/callback/one", "/auth/callback/other");
    other.asked();
    let answer = guest.visit_from("cross-site", &mixed).await;
    assert_eq!((answer.status, heading(&answer)), (StatusCode::GONE, OVER.into()));
    assert!(!other.asked().iter().any(|path| path == "/token"), "no code went to the other");
    house.close().await;
}

#[tokio::test]
async fn an_address_alone_opens_nobodys_account() {
    let (house, idp) = house_with("").await;
    let owner = house.signed_in(ANN).await;
    let guest = house.guest();
    let to = sent(&guest, "/auth/provider/example").await;
    let answer = guest.visit_from("cross-site", &idp.log_in(&to, ann())).await;
    assert_eq!((answer.status, heading(&answer)), (StatusCode::CONFLICT, "You have an account here already".into()));
    assert_eq!(who(&guest).await, "nobody");
    assert!(answer.text().contains("Log in as you did before"), "{}", answer.text());

    // Its owner adds the identity, after an approval, and it opens the account from then on.
    let change = json!({ "act": "add-provider", "provider": "example" });
    let approval = owner.approved_of(&change, &json!({ "password": cloakroom_testbed::PASSWORD })).await;
    let unapproved = owner.fetch("POST", "/auth/providers/link", Some(json!({ "provider": "example" }))).await;
    assert_eq!(unapproved.code(), "step-up-needed");
    let begun =
        owner.fetch("POST", "/auth/providers/link", Some(json!({ "provider": "example", "step_up": approval }))).await;
    let to = begun.json()["continue_at"].as_str().unwrap().to_owned();
    assert!(to.contains("prompt=login") && to.contains("max_age=0"), "{to}");
    let answer = owner.visit_from("cross-site", &idp.log_in(&to, ann())).await;
    assert_eq!(answer.header("location"), "/auth/account?notice=provider-added", "{}", answer.text());
    let page = owner.visit("/auth/account?notice=provider-added").await.text();
    assert!(page.contains("Example ID") && page.contains("You can log in with it"), "{page}");
    log_in(&guest, &idp, ann()).await;
    assert_eq!(who(&guest).await, ANN);
    house.close().await;
}

#[tokio::test]
async fn an_identity_that_belongs_to_somebody_is_not_given_to_another() {
    let (house, idp) = house_with("").await;
    log_in(&house.guest(), &idp, ann()).await;
    let bob = house.signed_in("bob@example.com").await;
    let change = json!({ "act": "add-provider", "provider": "example" });
    let approval = bob.approved_of(&change, &json!({ "password": cloakroom_testbed::PASSWORD })).await;
    let begun =
        bob.fetch("POST", "/auth/providers/link", Some(json!({ "provider": "example", "step_up": approval }))).await;
    let to = begun.json()["continue_at"].as_str().unwrap().to_owned();
    let answer = bob.visit_from("cross-site", &idp.log_in(&to, ann())).await;
    assert_eq!(
        (answer.status, heading(&answer)),
        (StatusCode::CONFLICT, "That log-in belongs to another account".into())
    );
    // And where nobody is opened an account, nobody is.
    let (known, idp) = house_with("accounts = \"known\"").await;
    let guest = known.guest();
    let to = sent(&guest, "/auth/provider/example").await;
    let answer = guest.visit_from("cross-site", &idp.log_in(&to, ann())).await;
    assert_eq!((answer.status, heading(&answer)), (StatusCode::FORBIDDEN, "Accounts are opened by invitation".into()));
    house.close().await;
    known.close().await;
}

#[tokio::test]
async fn log_out_here_leads_on_to_there_and_log_out_there_ends_ours_at_once() {
    let (house, idp) = house_with("").await;
    let guest = house.guest();
    log_in(&guest, &idp, ann()).await;
    let out = guest.fetch("POST", "/auth/logout", Some(json!({}))).await;
    let to = out.json()["continue_at"].as_str().unwrap().to_owned();
    assert!(to.starts_with(&format!("http://{}/end?", idp.address)), "{to}");
    assert!(to.contains("id_token_hint=") && to.contains("post_logout_redirect_uri="), "{to}");
    assert_eq!(who(&guest).await, "nobody");

    let (here, elsewhere) = (house.guest(), house.guest());
    log_in(&here, &idp, ann()).await;
    log_in(&elsewhere, &idp, json!({ "sub": "248289761001", "sid": "s-2", "email": ANN })).await;
    let told = |token: String| {
        let body = url::form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", &token).finish();
        let provider = house.guest();
        async move {
            let form = [("content-type", "application/x-www-form-urlencoded")];
            provider.send("POST", "/auth/backchannel/example", &form, body).await
        }
    };
    // One session of theirs: what stands on another stays.
    let token = idp.logout_token(&json!({ "sub": "248289761001", "sid": "s-1" }));
    let answer = told(token.clone()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!((who(&here).await, who(&elsewhere).await), ("nobody".into(), ANN.into()));
    // The same token once more, and tokens that are none.
    assert_eq!(told(token).await.code(), "logout-token-refused");
    let with_nonce = json!({ "sub": "248289761001", "sid": "s-2", "nonce": "n" });
    for bad in [
        idp.logout_token(&with_nonce),
        idp.logout_token(&json!({ "sub": "248289761001", "sid": "s-2", "aud": "another-client" })),
        idp.logout_token(&json!({ "sub": "248289761001", "sid": "s-2", "iss": "https://accounts.example" })),
        idp.logout_token(&json!({ "sub": "248289761001", "sid": "s-2", "events": {} })),
        idp.signed("at+jwt", &json!({ "sub": "248289761001", "sid": "s-2" })),
        "no.token.at-all".to_owned(),
    ] {
        let answer = told(bad).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "logout-token-refused".into()));
    }
    assert_eq!(who(&elsewhere).await, ANN);
    // By name alone: every session of that person's.
    assert_eq!(told(idp.logout_token(&json!({ "sub": "248289761001" }))).await.status, StatusCode::OK);
    assert_eq!(who(&elsewhere).await, "nobody");
    house.close().await;
}

#[tokio::test]
async fn a_picture_on_another_site_begins_no_log_in() {
    let (house, _idp) = house_with("").await;
    let guest = house.guest();
    let image = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")];
    let answer = guest.send("GET", "/auth/provider/example", &image, "").await;
    assert_eq!((answer.status, answer.cookies().len()), (StatusCode::FORBIDDEN, 0));
    assert_eq!(guest.visit("/auth/provider/none").await.status, StatusCode::NOT_FOUND);
    house.close().await;
}

/// What the token of the upstream says, unverified.
pub(crate) async fn token_of(guest: &Guest, house: &House) -> Value {
    house.echo.take();
    assert_eq!(guest.fetch("GET", "/app/x", None).await.status, StatusCode::OK);
    let seen = house.echo.one();
    let token = seen.header("authorization").unwrap().strip_prefix("Bearer ").unwrap().to_owned();
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

#[tokio::test]
async fn rfc_9068_roles_and_groups_of_the_provider_are_those_of_our_tokens() {
    let (house, idp) = house_with("roles_claim = \"realm_access.roles\"\ngroups_claim = \"groups\"").await;
    let guest = house.guest();
    let many: Vec<_> = (0..300).map(|number| format!("group-{number}")).collect();
    let mut person = ann();
    person["realm_access"] = json!({ "roles": ["auditor", "auditor", "offline"] });
    person["groups"] = json!(many);
    log_in(&guest, &idp, person.clone()).await;
    let claims = token_of(&guest, &house).await;
    assert_eq!(claims["roles"], json!(["auditor", "offline"]));
    let groups = claims["groups"].as_array().unwrap().len();
    assert!((40..300).contains(&groups), "as many as there is room for: {groups}");
    // They are those of the log-in, through every refresh.
    house.advance(301);
    assert_eq!(guest.refresh().await.status, StatusCode::OK);
    assert_eq!(token_of(&guest, &house).await["roles"], json!(["auditor", "offline"]));
    let cookie = guest.cookie("__Host-Http-cloakroom").unwrap();
    assert!(cookie.len() < 4000, "{}", cookie.len());
    house.close().await;

    let names = "groups_claim = \"groups\"\nnames = { group-1 = \"admin\", group-7 = \"reader\" }";
    let (house, idp) = house_with(names).await;
    let guest = house.guest();
    log_in(&guest, &idp, person).await;
    let claims = token_of(&guest, &house).await;
    assert_eq!((&claims["groups"], claims.get("roles")), (&json!(["admin", "reader"]), None));
    house.close().await;
}

#[tokio::test]
async fn a_log_in_there_counts_as_two_factors_only_where_the_operator_says_so() {
    let trusting = "trust_factors = true";
    for (more, amr, expected) in [
        ("", json!(["pwd", "otp", "mfa"]), json!([])),
        (trusting, json!(["pwd", "otp"]), json!(["mfa"])),
        (trusting, json!(["mfa"]), json!(["mfa"])),
        (trusting, json!(["otp"]), json!([])),
        (trusting, json!(["otp", "hwk"]), json!([])),
    ] {
        let (house, idp) = house_with(more).await;
        let guest = house.guest();
        let mut person = ann();
        person["amr"] = amr;
        log_in(&guest, &idp, person).await;
        assert_eq!(token_of(&guest, &house).await["amr"], expected);
        house.close().await;
    }
}
