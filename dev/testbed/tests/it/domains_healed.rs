//! Cookies of another `cookie.domain`, and planted ones: every way ends in a good state, and none goes in a circle.

use cloakroom_testbed::{Guest, House};
use http::StatusCode;

const ON: &str = "cookie.domain = \"cloak.localhost\"\nserver.public_url = \"http://app.cloak.localhost:{port}\"";
const NARROW: &str =
    "cookie.domain = \"app.cloak.localhost\"\nserver.public_url = \"http://app.cloak.localhost:{port}\"";
const OFF: &str = "server.public_url = \"http://app.cloak.localhost:{port}\"";

fn guest(house: &House) -> Guest {
    house.guest().at_origin(&format!("http://app.cloak.localhost:{}", house.port()))
}

/// Looks at a page as a person, following redirects; at the log-in, logs in, once. Where it ends, and after how many steps.
async fn look(ann: &Guest, path: &str) -> (StatusCode, usize) {
    let (mut at, mut logged_in) = (path.to_owned(), false);
    for step in 0..12 {
        let answer = ann.visit(&at).await;
        if answer.status == StatusCode::SEE_OTHER {
            answer.header("location").clone_into(&mut at);
        } else if at.starts_with("/auth/login") && answer.status == StatusCode::OK && !logged_in {
            ann.log_in("ann@example.com").await;
            (at, logged_in) = (path.to_owned(), true);
        } else {
            return (answer.status, step);
        }
    }
    (StatusCode::LOOP_DETECTED, 12)
}

/// How many of our cookies of sessions the jar holds.
fn of_session(ann: &Guest) -> Vec<(String, String)> {
    let session = |name: &String| name.ends_with("cloakroom") || name.ends_with("cloakroom-refresh");
    ann.cookies().into_iter().filter(|(_, name)| session(name)).collect()
}

#[tokio::test]
async fn whatever_is_changed_about_the_domain_people_log_in_once_more_and_nothing_is_left_behind() {
    for (before, after) in [(OFF, ON), (ON, OFF), (ON, NARROW), (NARROW, ON), (NARROW, OFF), (OFF, NARROW)] {
        let mut house = House::with(before).await;
        let ann = guest(&house);
        ann.sign_up("ann@example.com").await;
        ann.log_in("ann@example.com").await;
        house.restart_with(after).await;
        for minutes in [0, 6, 6, 6] {
            house.advance(minutes * 60);
            let (status, steps) = look(&ann, "/app/page").await;
            assert_eq!(status, StatusCode::OK, "{before} -> {after}: {steps} steps, {:?}", of_session(&ann));
        }
        assert_eq!(of_session(&ann).len(), 2, "{before} -> {after}: {:?}", of_session(&ann));
        house.close().await;
    }
}

#[tokio::test]
async fn ck_11_planted_cookies_are_cleared_at_every_path_and_what_cannot_be_cleared_is_told_on_the_log_in_page() {
    let house = House::with(ON).await;
    let ann = guest(&house);
    ann.sign_up("ann@example.com").await;
    for path in ["/", "/app", "/app/deep"] {
        ann.log_in("ann@example.com").await;
        ann.plant("__Secure-cloakroom", path, "planted");
        let program = ann.fetch("GET", "/app/deep/x", None).await;
        assert_eq!((program.status, program.code().as_str()), (StatusCode::BAD_REQUEST, "duplicate-cookie"));
        ann.plant("__Secure-cloakroom", path, "planted");
        ann.log_in("ann@example.com").await;
        let (status, steps) = look(&ann, "/app/deep/x").await;
        assert_eq!((status, of_session(&ann).len()), (StatusCode::OK, 2), "{path}: {steps} {:?}", of_session(&ann));
    }
    // Two that come back whatever is cleared.
    let twice = [("cookie", "__Secure-cloakroom=a; __Secure-cloakroom=b"), ("accept", "text/html")];
    let stranger = guest(&house);
    let led = stranger.send("GET", "/app/x", &twice, "").await;
    assert_eq!((led.status, led.header("location")), (StatusCode::SEE_OTHER, "/auth/login?return_to=%2Fapp%2Fx"));
    let told = stranger.send("GET", "/auth/login?return_to=%2Fapp%2Fx", &twice, "").await;
    assert_eq!(told.status, StatusCode::BAD_REQUEST, "no circle");
    house.close().await;
}

/// A sibling can plant a cookie for the parent domain. It goes, ours stays, and nobody has to log in again.
#[tokio::test]
async fn ck_11_what_a_sibling_plants_beside_cookies_of_a_host_logs_nobody_out() {
    let house = House::with(OFF).await;
    let ann = guest(&house);
    ann.sign_up("ann@example.com").await;
    ann.log_in("ann@example.com").await;
    let before = of_session(&ann);
    let planted = [("cookie", "__Secure-cloakroom-refresh=planted"), ("accept", "text/html")];
    let healed = ann.send("GET", "/auth/refresh?return_to=%2Fapp%2Fx", &planted, "").await;
    assert_eq!(healed.status, StatusCode::SEE_OTHER, "{}", healed.text());
    for place in ["/", "/auth", "/auth/refresh"] {
        let gone = format!("__Secure-cloakroom-refresh=; Path={place}; Domain=cloak.localhost;");
        assert!(healed.cookies().iter().any(|cookie| cookie.starts_with(&gone)), "{place}: {:?}", healed.cookies());
    }
    assert_eq!((before.len(), of_session(&ann)), (2, before.clone()), "{:?}", healed.cookies());
    let (program, code) = {
        let origin = ann.origin().to_owned();
        let program = [planted[0], ("origin", origin.as_str()), ("sec-fetch-site", "same-origin")];
        let refused = ann.send("POST", "/auth/refresh", &program, "").await;
        (refused.status, refused.code())
    };
    assert_eq!((program, code.as_str()), (StatusCode::BAD_REQUEST, "duplicate-cookie"));
    assert_eq!(of_session(&ann), before);
    assert_eq!(ann.refresh().await.status, StatusCode::OK);
    house.close().await;
}
