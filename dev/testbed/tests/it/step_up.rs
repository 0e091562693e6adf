//! Step-up as honest people meet it: a call is refused, approved on the page, and passes once; in both set-ups, by every strategy.

use crate::approving::{Approval, Authenticator, BANK, Call, Judged, apart, words};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_testbed::{Guest, House, PASSWORD};
use serde_json::{Value, json};

const ACCESS: &str = "__Host-Http-cloakroom";
const REFRESH: &str = "__Secure-cloakroom-refresh";

/// Every strategy there is.
const ALL: &str = "session.acknowledge_weaker = true\n\
                   session.offered = [\"ticket\", \"split\", \"split-bearer\", \"memory\", \"native\"]\n";

/// Both set-ups: approvals on the public origin, and on one of their own.
fn set_ups() -> [String; 2] {
    [BANK.to_owned(), apart()]
}

#[tokio::test]
async fn asvs_7_5_3_a_call_passes_once_with_its_approval_and_not_at_all_without() {
    for set_up in set_ups() {
        let house = House::with(&set_up).await;
        let ann = house.signed_in("ann@example.com").await;
        let call = Call::transfer();
        let approval = call.ask(&ann).await;
        assert!(house.echo.take().is_empty(), "nothing arrived");
        assert_eq!(approval.origin == house.origin(), set_up == BANK);

        let page = words(&approval.page(&ann).await.text());
        for shown in
            ["POST /bank/transfer?from=1&lang=en", "to bob", "amount 5.10", "more.note rent", "as a…n@example.com"]
        {
            assert!(page.contains(shown), "{shown} is not on the page: {page}");
        }
        assert!(!page.contains("hidden") && !page.contains("ann@example.com"), "{page}");
        let waiting = approval.collect(&ann).await;
        assert_eq!((waiting.status.as_u16(), waiting.json()["state"].as_str()), (202, Some("waiting")));
        call.send(&ann, &[]).await.refused(401, "step-up-needed");

        let approved = approval.prove_by_page(&ann, "password", PASSWORD).await;
        assert!(approved.status == 200 && approved.text().contains("<h1>Approved</h1>"), "{}", approved.text());
        let before = (ann.cookie(ACCESS), ann.cookie(REFRESH));
        let grant = approval.grant(&house, &ann).await;
        assert!(before.0 != ann.cookie(ACCESS) && before.1 != ann.cookie(REFRESH), "the session went on (7.2.4)");

        assert_eq!(call.with_grant(&ann, &grant).await.status, 200);
        let arrived = house.echo.one();
        assert_eq!((arrived.method.as_str(), arrived.target.as_str()), ("POST", call.path.as_str()));
        assert_eq!(arrived.body, call.body);
        assert!(arrived.header("authorization").unwrap().starts_with("Bearer "));
        assert!(!format!("{:?}", arrived.headers).contains(&grant), "no upstream ever gets a grant");
        assert_eq!(arrived.header("cloakroom-grant"), None);

        call.with_grant(&ann, &grant).await.refused(403, "step-up-refused");
        call.send(&ann, &[]).await.refused(401, "step-up-needed");
        approval.collect(&ann).await.refused(410, "step-up-over");
        assert!(house.echo.take().is_empty());
        house.close().await;
    }
}

#[tokio::test]
async fn a_code_of_an_app_and_a_recovery_code_approve_by_the_forms_of_the_page() {
    for set_up in set_ups() {
        let house = House::with(&set_up).await;
        let ann = house.signed_in("ann@example.com").await;
        let (app, codes) = Authenticator::enrolled(&house, &ann).await;
        for code in &codes {
            house.watch.secret(code);
        }
        let call = Call::vault();

        let approval = call.ask(&ann).await;
        let page = approval.page(&ann).await.text();
        assert!(words(&page).contains("PUT /bank/vault/7?x=1") && !page.contains("name=\"password\""), "{page}");
        let done = approval.prove_by_page(&ann, "totp", &app.code(&house)).await;
        assert!(done.text().contains("<h1>Approved</h1>"), "{}", done.text());
        let grant = approval.grant(&house, &ann).await;
        call.with_grant(&ann, &grant).await.done();

        let approval = call.ask(&ann).await;
        // As people type it.
        let typed = codes[3].to_lowercase().replace('-', " ");
        let done = approval.prove_by_page(&ann, "recovery", &typed).await;
        assert!(done.text().contains("<h1>Approved</h1>"), "{}", done.text());
        let grant = approval.grant(&house, &ann).await;
        call.with_grant(&ann, &grant).await.done();
        let left = ann.fetch("GET", "/auth/factors", None).await.json()["recovery_codes_left"].as_u64();
        assert_eq!(left, Some(codes.len() as u64 - 1));

        // Both are good once.
        let approval = call.ask(&ann).await;
        let again = approval.prove_by_page(&ann, "recovery", &typed).await;
        assert_eq!(again.status, 422, "{}", again.text());
        let again = approval.prove_by_page(&ann, "totp", &app.code(&house)).await;
        assert_eq!(again.status, 422, "{}", again.text());
        assert!(
            again.text().contains("role=\"alert\"") && again.text().contains("3 tries are left"),
            "{}",
            again.text()
        );
        assert_eq!(house.echo.take().len(), 2);
        house.close().await;
    }
}

/// The code of the newest mail of an approval of this call, which is the `number`th mail.
async fn mailed_code(house: &House, number: usize, call: &str) -> String {
    let mail = house.last_mail_to("ann@example.com", number).await;
    assert!(mail.text.contains(call), "{}", mail.text);
    let digits = |line: &str| line.replace([' ', '-'], "");
    let code = mail.text.lines().map(digits).find(|line| line.len() == 8 && line.bytes().all(|b| b.is_ascii_digit()));
    code.unwrap()
}

#[tokio::test]
async fn a_mailed_code_approves_one_approval_and_no_other() {
    let house = House::with_mail(&apart()).await;
    let ann = house.confirmed("ann@example.com").await;
    let (call, other) = (Call::transfer(), Call::vault());
    let (approval, another) = (call.ask(&ann).await, other.ask(&ann).await);
    approval.prove(&ann, json!({ "mail": "12345678" })).await.refused(422, "proof-wrong");
    let sent = approval.prove_by_page(&ann, "send", "on").await;
    assert!(sent.status == 200 && words(&sent.text()).contains("Code from the mail"), "{}", sent.text());
    let first = mailed_code(&house, 2, "POST /bank/transfer").await;
    another.prove(&ann, json!({ "send": "on" })).await.done();
    let second = mailed_code(&house, 3, "PUT /bank/vault/7").await;
    assert_ne!(first, second);

    another.prove(&ann, json!({ "mail": first })).await.refused(422, "proof-wrong");
    approval.prove(&ann, json!({ "mail": second })).await.refused(422, "proof-wrong");
    let typed = format!("{} {}", &first[..4], &first[4..]);
    let done = approval.prove_by_page(&ann, "mail", &typed).await;
    assert!(done.text().contains("<h1>Approved</h1>"), "{}", done.text());
    let grant = approval.grant(&house, &ann).await;
    call.with_grant(&ann, &grant).await.done();

    // A later code takes the place of an earlier one, and the latest dies with the approval.
    house.advance(300);
    another.prove(&ann, json!({ "send": "on" })).await.done();
    let third = mailed_code(&house, 4, "PUT /bank/vault/7").await;
    // So many mails, and the next one has to wait.
    another.prove(&ann, json!({ "send": "on" })).await.refused(429, "too-many-attempts");
    another.prove(&ann, json!({ "mail": second })).await.refused(422, "proof-wrong");
    house.advance(600);
    another.prove(&ann, json!({ "mail": third })).await.refused(410, "step-up-over");
    house.close().await;
}

#[tokio::test]
async fn asvs_6_3_7_who_approves_with_a_recovery_code_tells_the_owner() {
    let house = House::with_mail(&apart()).await;
    let ann = house.confirmed("ann@example.com").await;
    let (_, codes) = Authenticator::enrolled(&house, &ann).await;
    let before = house.mails_to("ann@example.com").await.len();
    Call::vault().ask(&ann).await.prove(&ann, json!({ "recovery": codes[0] })).await.done();
    let told = house.last_mail_to("ann@example.com", before + 1).await;
    assert!(told.text.contains(&format!("{} codes are left", codes.len() - 1)), "{}", told.text);
    house.close().await;
}

#[tokio::test]
async fn what_a_script_sends_is_shown_as_text_and_nothing_is_hidden_or_turned() {
    let house = House::with(&apart()).await;
    let ann = house.signed_in("ann@example.com").await;
    let mut call = Call::transfer();
    let to = "</strong><script>x</script>\\\"'><img src=x onerror=y>\\u202e\\u0000 eve";
    call.body = format!("{{\"to\":\"{to}\",\"amount\":1e3,\"more\":{{\"note\":[1,\"<b>\"]}}}}").into_bytes();
    call.path = "/bank/transfer?x=%3Cscript%3E'&y=%22".into();
    let page = call.ask(&ann).await.page(&ann).await.text();
    assert!(!page.contains("<script>x") && !page.contains("<img") && !page.contains("<b>"), "{page}");
    assert!(!page.contains('\u{202e}') && !page.contains('\0') && page.contains('\u{fffd}'), "{page}");
    assert!(page.contains("&lt;script&gt;x") && page.contains(">1e3<"), "as it was written: {page}");
    assert!(words(&page).contains("x=%3Cscript%3E'&y=%22"), "{page}");
    house.close().await;
}

#[tokio::test]
async fn after_the_page_a_person_is_led_back_and_only_within_the_site() {
    for set_up in set_ups() {
        let house = House::with(&set_up).await;
        let ann = house.signed_in("ann@example.com").await;
        let call = Call::vault();
        for (asked, led) in
            [("/app/done?x=1", Some("/app/done?x=1")), ("https://evil.example/", None), ("//evil.example", None)]
        {
            let mut wish = call.wish(&[]);
            wish["return_to"] = asked.into();
            let approval = Approval::open(&ann, wish).await;
            let done = approval.prove_by_page(&ann, "password", PASSWORD).await;
            match led {
                Some(path) => assert_eq!(
                    (done.status.as_u16(), done.header("location")),
                    (303, &*format!("{}{path}", house.origin())),
                    "{}",
                    done.text()
                ),
                None => assert!(done.status == 200 && done.text().contains("<h1>Approved</h1>"), "{}", done.text()),
            }
        }
        house.close().await;
    }
}

#[tokio::test]
async fn who_says_no_is_heard() {
    for set_up in set_ups() {
        let house = House::with(&set_up).await;
        let ann = house.signed_in("ann@example.com").await;
        let call = Call::transfer();
        let approval = call.ask(&ann).await;
        let declined = approval.prove_by_page(&ann, "decline", "on").await;
        assert!(declined.text().contains("<h1>Declined</h1>"), "{}", declined.text());
        approval.prove(&ann, json!({ "password": PASSWORD })).await.refused(410, "step-up-over");
        approval.collect(&ann).await.refused(410, "step-up-over");
        assert_eq!(approval.page(&ann).await.status, 410);
        call.send(&ann, &[]).await.refused(401, "step-up-needed");
        assert!(house.echo.take().is_empty());

        // Said in one window after it was approved in another: nothing is done, as the page says.
        let approval = call.ask(&ann).await;
        let page = approval.page(&ann).await;
        approval.prove(&ann, json!({ "password": PASSWORD })).await.done();
        approval.prove(&ann, json!({ "password": PASSWORD })).await.refused(410, "step-up-over");
        let declined = approval.person(&ann).fill(&page, &approval.path, &[("decline", "on")]).await;
        assert!(declined.text().contains("<h1>Declined</h1>"), "{}", declined.text());
        approval.collect(&ann).await.refused(410, "step-up-over");
        // And where it is too late, the page does not say that nothing was done.
        let approval = call.ask(&ann).await;
        let page = approval.page(&ann).await;
        approval.prove(&ann, json!({ "password": PASSWORD })).await.done();
        approval.grant(&house, &ann).await;
        let late = approval.person(&ann).fill(&page, &approval.path, &[("decline", "on")]).await;
        assert!(late.status == 410 && !late.text().contains("<h1>Declined</h1>"), "{}", late.text());
        house.close().await;
    }
}

#[tokio::test]
async fn an_approval_works_in_every_slot_of_a_browser() {
    for set_up in set_ups() {
        let house = House::with(&format!("session.slots = 3\n{set_up}")).await;
        let ann = house.guest();
        ann.sign_up("ann@example.com").await;
        ann.sign_up("bob@example.com").await;
        ann.log_in("ann@example.com").await;
        let bob = json!({ "email": "bob@example.com", "password": PASSWORD });
        ann.fetch("POST", "/u/1/auth/login", Some(bob)).await.done();

        let call = Call::vault();
        let opened = ann.fetch("POST", "/u/1/auth/step-up", Some(call.wish(&[]))).await;
        opened.done();
        let approval = Approval::of(&opened);
        let done = approval.prove_by_page(&ann, "password", PASSWORD).await;
        assert!(done.text().contains("<h1>Approved</h1>"), "{}", done.text());
        approval.collect(&ann).await.refused(410, "step-up-over");
        let collected = ann.fetch("POST", "/u/1/auth/step-up/collect", Some(json!({ "id": approval.id }))).await;
        collected.done();
        let grant = collected.json()["grant"].as_str().unwrap().to_owned();
        call.with_grant(&ann, &grant).await.refused(403, "step-up-refused");
        for slot in 0..3 {
            let around = Call { path: format!("/u/{slot}{}", call.path), ..call.clone() };
            around.send(&ann, &[]).await.refused(401, if slot == 2 { "signed-out" } else { "step-up-needed" });
        }
        let in_slot = Call { path: format!("/u/1{}", call.path), ..call.clone() };
        in_slot.with_grant(&ann, &grant).await.done();
        assert_eq!(house.echo.one().target, call.path);
        house.close().await;
    }
}

#[tokio::test]
async fn after_the_grant_the_session_goes_on_for_who_kept_up_and_for_who_lost_the_answer() {
    let house = House::with(&apart()).await;
    let ann = house.signed_in("ann@example.com").await;
    let call = Call::transfer();
    let approval = call.ask(&ann).await;
    approval.prove(&ann, json!({ "password": PASSWORD })).await.done();
    let older = ann.copied();
    let grant = approval.grant(&house, &ann).await;
    // Another tab is still on its way with the cookies of before: it is served, but has no grant.
    assert_eq!(older.status_of_app().await, 200);
    call.with_grant(&older, &grant).await.refused(403, "step-up-refused");
    call.with_grant(&ann, &grant).await.done();
    // The new cookies were seen in use: who refreshes with the old ones was merely slower.
    older.refresh().await.refused(409, "refresh-raced");
    assert_eq!((ann.status_of_app().await.as_u16(), ann.refresh().await.status.as_u16()), (200, 200));
    house.echo.take();

    // The answer of the collection is lost: its grant is gone, the session is not.
    for late in [0, 60, 3600] {
        assert_eq!(ann.refresh().await.status, 200);
        let approval = call.ask(&ann).await;
        approval.prove(&ann, json!({ "password": PASSWORD })).await.done();
        let lost = collect_without_answer(&ann, &approval).await;
        assert_eq!(lost, 200);
        house.advance(late);
        approval
            .collect(&ann)
            .await
            .refused(if late < 300 { 410 } else { 401 }, if late < 300 { "step-up-over" } else { "access-expired" });
        let mended = ann.refresh().await;
        assert_eq!(mended.status, 200, "{late} s later: {}", mended.text());
        assert_eq!(ann.status_of_app().await, 200);
        let grant = call.granted(&house, &ann).await;
        call.with_grant(&ann, &grant).await.done();
    }
    house.close().await;
}

async fn collect_without_answer(guest: &Guest, approval: &Approval) -> u16 {
    let origin = guest.origin().to_owned();
    let headers =
        [("sec-fetch-site", "same-origin"), ("origin", origin.as_str()), ("content-type", "application/json")];
    let body = json!({ "id": approval.id }).to_string();
    guest.send_without_keeping("POST", "/auth/step-up/collect", &headers, body).await.status.as_u16()
}

#[tokio::test]
async fn every_strategy_approves_and_goes_on() {
    let house = House::with(&format!("{ALL}{}", apart())).await;
    house.guest().sign_up("ann@example.com").await;
    for strategy in ["cookie", "ticket", "split", "split-bearer", "memory", "native"] {
        let mut device = Device::logged_in(&house, strategy).await;
        let call = Call::transfer();
        let refused = device.send(&call.method, &call.path, &[], &call.body).await;
        refused.refused(401, "step-up-needed");
        let wish = call.wish(&["to", "amount", "more.note"]).to_string();
        let opened = device.send("POST", "/auth/step-up", &[], wish.as_bytes()).await;
        opened.done();
        let approval = Approval::of(&opened);
        let person = house.guest();
        let done = approval.prove_by_page(&person, "password", PASSWORD).await;
        assert!(done.text().contains("<h1>Approved</h1>"), "{strategy}: {}", done.text());
        let before = Device { guest: device.guest.copied(), ..device.clone() };
        let id = json!({ "id": approval.id }).to_string();
        let collected = device.send("POST", "/auth/step-up/collect", &[], id.as_bytes()).await;
        assert_eq!(collected.status, 200, "{strategy}: {}", collected.text());
        device.take(&collected);
        let grant = collected.json()["grant"].as_str().unwrap().to_owned();
        house.watch.secret(&grant);
        let grant = [("cloakroom-grant", grant.as_str())];
        // What was copied before the approval has nothing of it; but for a ticket, which has nothing beside it that could be shown
        // again if the answer were lost, and stays as it is.
        if strategy != "ticket" {
            let copied = before.send(&call.method, &call.path, &grant, &call.body).await;
            assert!(["step-up-refused", "signed-out"].contains(&&*copied.code()), "{strategy}: {}", copied.text());
        }
        let passed = device.send(&call.method, &call.path, &grant, &call.body).await;
        assert_eq!(passed.status, 200, "{strategy}: {}", passed.text());
        device.send(&call.method, &call.path, &grant, &call.body).await.refused(403, "step-up-refused");
        assert_eq!(device.send("GET", "/app/x", &[], b"").await.status, 200, "{strategy}");
        assert_eq!(house.echo.take().len(), 2, "{strategy}");
    }
    house.close().await;
}

#[tokio::test]
async fn who_refreshes_goes_on_by_every_strategy_when_the_answer_with_the_grant_was_lost() {
    let house = House::with(&format!("{ALL}{}", apart())).await;
    house.guest().sign_up("ann@example.com").await;
    for strategy in ["cookie", "split", "split-bearer", "memory", "native"] {
        let mut device = Device::logged_in(&house, strategy).await;
        let call = Call::vault();
        let opened = device.send("POST", "/auth/step-up", &[], call.wish(&[]).to_string().as_bytes()).await;
        let approval = Approval::of(&opened);
        approval.prove(&house.guest(), json!({ "password": PASSWORD })).await.done();
        let id = json!({ "id": approval.id }).to_string();
        // Everything that comes back comes to a copy, and the copy is gone.
        let lost = Device { guest: device.guest.copied(), ..device.clone() };
        lost.send("POST", "/auth/step-up/collect", &[], id.as_bytes()).await.done();
        house.advance(301);
        let body =
            device.refresh.as_ref().map(|token| json!({ "refresh_token": token }).to_string()).unwrap_or_default();
        let mended = device.send("POST", "/auth/refresh", &[], body.as_bytes()).await;
        assert_eq!(mended.status, 200, "{strategy}: {}", mended.text());
        device.take(&mended);
        assert_eq!(device.send("GET", "/app/x", &[], b"").await.status, 200, "{strategy}");
    }
    house.close().await;
}

/// What holds a session by one strategy or another, and how it shows it.
#[derive(Clone)]
struct Device {
    guest: Guest,
    strategy: &'static str,
    bearer: Option<String>,
    refresh: Option<String>,
}

impl Device {
    async fn logged_in(house: &House, strategy: &'static str) -> Self {
        let mut device = Self { guest: house.guest(), strategy, bearer: None, refresh: None };
        let body = json!({ "email": "ann@example.com", "password": PASSWORD, "strategy": strategy }).to_string();
        let answer = device.send("POST", "/auth/login", &[], body.as_bytes()).await;
        assert_eq!(answer.status, 200, "{strategy}: {}", answer.text());
        device.take(&answer);
        device
    }

    async fn send(&self, method: &str, path: &str, more: &[(&str, &str)], body: &[u8]) -> cloakroom_testbed::Answer {
        let bearer = self.bearer.as_ref().map(|bearer| format!("Bearer {bearer}"));
        let mut headers = vec![("content-type", "application/json")];
        if self.strategy != "native" {
            headers.extend([("sec-fetch-site", "same-origin"), ("origin", self.guest.origin())]);
        }
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        headers.extend_from_slice(more);
        self.guest.send(method, path, &headers, body.to_vec()).await
    }

    fn take(&mut self, answer: &cloakroom_testbed::Answer) {
        let said = answer.json();
        let text = |name: &str| said[name].as_str().map(str::to_owned);
        self.bearer = match self.strategy {
            "split-bearer" => text("claims"),
            "memory" | "native" => text("access_token"),
            _ => None,
        };
        self.refresh = text("refresh_token");
        // A copy of the device has a jar of its own.
        self.guest = self.guest.copied();
    }
}

#[tokio::test]
async fn what_is_not_a_call_is_not_opened() {
    let house = House::with(&apart()).await;
    let ann = house.signed_in("ann@example.com").await;
    let call = Call::transfer();
    let good = call.wish(&["to"]);
    let with = |name: &str, value: Value| {
        let mut wish = good.clone();
        wish[name] = value;
        wish
    };
    for (wish, status, code) in [
        (with("method", "post".into()), 422, "step-up-unreadable"),
        (with("method", "PO ST".into()), 422, "step-up-unreadable"),
        (with("path", "bank".into()), 422, "step-up-unreadable"),
        (with("path", "/bank transfer".into()), 422, "step-up-unreadable"),
        (with("path", format!("/{}", "a".repeat(4096)).into()), 422, "step-up-unreadable"),
        (with("body_sha256", "AAAA".into()), 422, "step-up-unreadable"),
        (with("body_sha256", URL_SAFE_NO_PAD.encode([0; 32]).into()), 422, "step-up-unreadable"),
        (with("body", "e30".into()), 422, "step-up-unreadable"),
        (with("body", "!".into()), 422, "step-up-unreadable"),
        (with("body", "A".repeat(11_000).into()), 413, "too-large"),
        (with("show", json!("to")), 400, "bad-request"),
        (with("show", json!([7])), 400, "bad-request"),
        (with("show", json!(vec!["to"; 17])), 400, "bad-request"),
        (with("show", json!(["x".repeat(65)])), 400, "bad-request"),
        (json!({ "act": "become-admin" }), 400, "bad-request"),
        (json!({}), 400, "bad-request"),
    ] {
        ann.fetch("POST", "/auth/step-up", Some(wish)).await.refused(status, code);
    }
    for body in [
        "{\"to\":\"bob\",\"to\":\"eve\"}",
        "{\"to\":\"bob\",\"To\":\"eve\"}",
        "{\"to\":\"bob\",\"t\\u006f\":\"eve\"}",
        "\u{feff}{\"to\":\"bob\"}",
        "[{\"to\":\"bob\"}]",
        "{\"to\":\"bob\"}{}",
        "{\"to\":\"bob\",}",
        "to=bob",
        "",
    ] {
        let call = Call { body: body.into(), ..call.clone() };
        ann.fetch("POST", "/auth/step-up", Some(call.wish(&["to"]))).await.refused(422, "step-up-unreadable");
    }
    ann.fetch("POST", "/auth/step-up", Some(good)).await.done();
    house.close().await;
}
