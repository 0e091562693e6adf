//! What every bank does for an honest customer, and what it says about it.

use std::path::Path;

use cloakroom_lab_victims::{Bank, Kind, What};
use http::{Method, StatusCode, header};
use serde_json::json;

use crate::visitor::{BEHIND, CANARY, EMAIL, PASSWORD, Visitor, all, body, now, text};

#[tokio::test]
async fn every_bank_does_the_same_and_says_so() {
    for strategy in all() {
        let mut ann = Visitor::inside(strategy).await;
        let mut seen = ann.bank.watch();
        seen.mark_unchanged();
        assert_eq!(ann.profile().await, StatusCode::OK, "{strategy}");
        assert!(seen.has_changed().unwrap());
        let transfer = ann.post("/api/transfer", &json!({ "to": "bob@bank.test", "amount": 500 })).await;
        assert_eq!(transfer.status(), StatusCode::OK, "{strategy}: {}", text(&transfer));
        assert_eq!(body(&ann.get("/api/profile").await)["balance"], 99_999_500);
        let written = ann.post("/api/posts", &json!({ "html": "<script>window.hole = 1</script>" })).await;
        let id = body(&written)["id"].as_str().unwrap().to_owned();
        let post = ann.get(&format!("/api/posts/{id}")).await;
        assert_eq!(body(&post)["html"], "<script>window.hole = 1</script>");
        let page = ann.get(&format!("/preview/{id}")).await;
        assert!(text(&page).contains("<article id=\"post\"><script>window.hole = 1</script></article>"), "{strategy}");
        let email = ann.post("/api/email", &json!({ "email": "ann@new.test" })).await;
        assert_eq!(email.status(), StatusCode::OK);
        assert_eq!(ann.post("/api/password", &json!({ "password": "another" })).await.status(), StatusCode::OK);
        assert_eq!(body(&ann.get("/api/profile").await)["email"], "ann@new.test");
        assert_eq!(ann.post("/api/delete", &json!({})).await.status(), StatusCode::OK);
        assert_eq!(ann.profile().await, StatusCode::UNAUTHORIZED, "{strategy}");

        let rendered = ann.deeds().iter().filter(|what| matches!(what, What::PostPreviewed { .. })).count() == 2;
        let mut expected = vec![
            What::Login,
            What::ProfileRead,
            What::Transferred { to: "bob@bank.test".into(), amount: 500 },
            What::ProfileRead,
            What::PostWritten { id: id.clone() },
            What::PostPreviewed { id: id.clone() },
        ];
        if rendered {
            expected.extend([What::ProfileRead, What::PostPreviewed { id }]);
        }
        expected.extend([
            What::EmailChanged { to: "ann@new.test".into() },
            What::PasswordChanged,
            What::ProfileRead,
            What::AccountDeleted,
        ]);
        if strategy == BEHIND {
            expected.remove(0);
        }
        assert_eq!(ann.deeds(), expected, "{strategy}");
        let deeds = ann.bank.deeds();
        assert!(deeds.iter().zip(1..).all(|(deed, number)| deed.seq == number && deed.at == now()));
        assert!(deeds.iter().all(|deed| deed.request == "r-1" && deed.strategy == strategy));
        let doer = |what: &What| deeds.iter().find(|deed| deed.what == *what).unwrap().credential.clone();
        assert_eq!(doer(&What::AccountDeleted), doer(&What::ProfileRead));
        assert_eq!(doer(&What::AccountDeleted).len(), 16);
    }
}

#[tokio::test]
async fn money_arrives_at_the_other_customer_and_none_is_made() {
    let mut ann = Visitor::inside("S10").await;
    ann.bank.open_account("S10", "bob@bank.test", "bob", "CANARY-BOB");
    for (amount, status) in [(700, 200), (0, 400), (-5, 400), (i64::MAX, 400)] {
        let answer = ann.post("/api/transfer", &json!({ "to": "bob@bank.test", "amount": amount })).await;
        assert_eq!(answer.status().as_u16(), status, "{amount}");
    }
    let mut bob = ann.stranger();
    bob.post("/api/login", &json!({ "email": "bob@bank.test", "password": "bob" })).await;
    assert_eq!(body(&bob.get("/api/profile").await)["balance"], 100_000_700);
    let to_herself = ann.post("/api/transfer", &json!({ "to": EMAIL, "amount": 100 })).await;
    assert_eq!(to_herself.status(), StatusCode::OK);
    assert_eq!(body(&ann.get("/api/profile").await)["balance"], 99_999_300);
}

#[tokio::test]
async fn a_new_password_is_the_only_one_and_a_taken_address_is_refused() {
    let mut ann = Visitor::inside("S15").await;
    ann.bank.open_account("S15", "bob@bank.test", "bob", "CANARY-BOB");
    let taken = ann.post("/api/email", &json!({ "email": "bob@bank.test" })).await;
    assert_eq!(taken.status(), StatusCode::CONFLICT);
    ann.post("/api/password", &json!({ "password": "another" })).await;
    assert_eq!(ann.log_in(PASSWORD).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ann.log_in("another").await, StatusCode::OK);
}

#[tokio::test]
async fn banks_with_cookies_work_without_a_script() {
    for strategy in ["S8", "S9", "S10", "S10d", "S11", "S12", "control-none", "control-get", "control-plain"] {
        let mut ann = Visitor::of(strategy);
        let kind = "application/x-www-form-urlencoded";
        let before = ann.get("/").await;
        assert!(text(&before).contains("<section id=\"outside\" >"), "{strategy}");
        assert!(!text(&before).contains(CANARY));
        let login = ann.form("/api/login", kind, "email=ann%40bank.test&password=amber+kettle+river").await;
        assert_eq!(login.status(), StatusCode::SEE_OTHER, "{strategy}: {}", text(&login));
        let page = ann.get("/").await;
        assert!(text(&page).contains(CANARY) && text(&page).contains("<section id=\"inside\" >"), "{strategy}");
        let transfer = ann.form("/api/transfer", kind, "to=bob%40bank.test&amount=7").await;
        assert_eq!(transfer.headers()[header::LOCATION], "/");
        assert!(ann.deeds().contains(&What::Transferred { to: "bob@bank.test".into(), amount: 7 }));
        let logout = ann.form("/api/logout", kind, "").await;
        assert_eq!(logout.status(), StatusCode::SEE_OTHER);
        assert!(!text(&ann.get("/").await).contains(CANARY), "{strategy}");
    }
}

#[tokio::test]
async fn the_profile_tolerates_any_ending_where_a_visit_carries_the_credential() {
    for info in Bank::strategies() {
        let mut ann = Visitor::inside(info.id).await;
        let page = ann.get("/profile/nonexistent.css").await;
        assert_eq!(page.status(), StatusCode::OK, "{}", info.id);
        let rendered = text(&ann.get("/profile").await).contains(CANARY);
        assert_eq!(text(&page).contains(CANARY), rendered, "{}", info.id);
        let by_cookie = info.cookies.iter().any(|name| !["refresh_token"].contains(name)) && info.id != "S13";
        assert_eq!(rendered, by_cookie || info.kind == Kind::Behind, "{}", info.id);
    }
}

#[tokio::test]
async fn what_is_in_the_page_is_escaped_but_for_the_post() {
    let mut ann = Visitor::inside("S10").await;
    ann.post("/api/email", &json!({ "email": "<img src=x onerror=alert(1)>\"" })).await;
    let page = ann.get("/").await;
    assert!(text(&page).contains("&lt;img src=x onerror=alert(1)&gt;&quot;"));
    assert!(!text(&page).contains("<img"));
    // What looks like a place to fill in a post is not filled in.
    let id = body(&ann.post("/api/posts", &json!({ "html": "{{canary}}" })).await)["id"].as_str().unwrap().to_owned();
    assert!(text(&ann.get(&format!("/preview/{id}")).await).contains("{{canary}}"));
}

#[tokio::test]
async fn every_script_that_a_page_asks_for_is_served() {
    for strategy in all() {
        let mut ann = Visitor::of(strategy);
        let mut missing: Vec<String> = vec!["/app.js".into(), "/auth.js".into()];
        let mut seen = Vec::new();
        while let Some(path) = missing.pop() {
            let answer = ann.get(&path).await;
            assert_eq!(answer.status(), StatusCode::OK, "{strategy}: {path}");
            assert!(answer.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/javascript"));
            for part in text(&answer).split(['"', '`']) {
                let path = part.split('?').next().unwrap();
                if path.starts_with('/')
                    && Path::new(path).extension().is_some_and(|ending| ending == "js")
                    && !path.starts_with("/auth/")
                    && !seen.contains(&path.to_owned())
                {
                    missing.push(path.to_owned());
                }
            }
            seen.push(path);
        }
        let exports = text(&ann.get("/auth.js").await).to_owned();
        for name in ["login", "call", "logout", "boot"] {
            assert!(exports.contains(name), "{strategy} has no {name}");
        }
    }
}

#[tokio::test]
async fn the_small_corners_answer() {
    let mut ann = Visitor::inside("S10").await;
    assert!(text(&ann.get("/api/echo.js?cb=alert(1)//").await).starts_with("alert(1)//("));
    assert!(text(&ann.get("/go?to=https://evil.test/").await).contains("location.href ="));
    assert_eq!(body(&ann.get("/api/items/7").await)["name"], "7");
    assert_eq!(ann.get("/avatar.svg").await.headers()[header::CONTENT_TYPE], "image/svg+xml");
    assert_eq!(ann.stranger().get("/avatar.svg").await.status(), StatusCode::UNAUTHORIZED);
    let feed = ann.get("/feed").await;
    assert_eq!(feed.headers()[header::CONTENT_TYPE], "text/event-stream");
    assert!(text(&feed).ends_with("\n\n"));
    let head = ann.request(&Method::HEAD, "/").body(bytes::Bytes::new()).unwrap();
    let head = ann.send(head).await;
    assert_eq!((head.status(), head.body().len()), (StatusCode::OK, 0));
    ann.bank.set_analytics(Some("https://evil.test/lib.js".into()));
    let page = ann.get("/").await;
    let (head, _) = text(&page).split_once("<title>").unwrap();
    assert!(head.contains("<script src=\"https://evil.test/lib.js\"></script>"));
    ann.bank.set_analytics(None);
    assert!(!text(&ann.get("/").await).contains("evil.test"));
    let page = ann.get("/?to=mallory%22&amount=5&compact=1").await;
    assert!(text(&page).contains("value=\"mallory&quot;\"") && text(&page).contains("class=\"compact\""));
    assert!(ann.bank.access_log("S10").iter().any(|line| line.contains("\"GET /go?to=https://evil.test/\" 200")));
}
