//! Several tabs that log in at a provider at once: none takes another's place, however their answers come, and there are never
//! more of them than a browser and we can carry (decision 0021).

use crate::provider_log_in::{OVER, ann, heading, house_with, sent, who};
use cloakroom_testbed::{Guest, Idp};
use futures_util::future::join_all;
use http::StatusCode;

/// What the names of the cookies begin with.
const WAITING: &str = "__Host-Http-cloakroom-waiting";

/// What a browser says of a click on a link.
const CLICK: [(&str, &str); 4] = [
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("accept", "text/html"),
];

fn waiting_in(guest: &Guest) -> Vec<String> {
    guest.cookies().into_iter().map(|(_, name)| name).filter(|name| name.starts_with(WAITING)).collect()
}

/// Opens so many tabs in one moment: each request is sent before any answer is read. Then the answers are taken in, in this order.
async fn open(browser: &Guest, order: &[usize], return_to: &str) -> Vec<String> {
    let paths: Vec<_> =
        (0..order.len()).map(|tab| format!("/auth/provider/example?return_to={return_to}{tab}")).collect();
    let answers = join_all(paths.iter().map(|path| browser.send_without_keeping("GET", path, &CLICK, ""))).await;
    for tab in order {
        browser.take_in(&answers[*tab]);
    }
    answers
        .iter()
        .map(|answer| {
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
            answer.header("location").to_owned()
        })
        .collect()
}

#[tokio::test]
async fn five_tabs_that_begin_in_the_same_moment_each_find_their_way_back() {
    let (house, idp) = house_with("").await;
    for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3]] {
        let browser = house.guest();
        let tabs = open(&browser, &order, "/app/").await;
        assert_eq!(waiting_in(&browser).len(), 5, "{order:?}");
        for tab in order.into_iter().rev() {
            let answer = browser.visit_from("cross-site", &idp.log_in(&tabs[tab], ann())).await;
            let to = (answer.status, answer.header("location").to_owned());
            assert_eq!(to, (StatusCode::SEE_OTHER, format!("/app/{tab}")), "{order:?}: {}", answer.text());
        }
        assert_eq!(waiting_in(&browser), Vec::<String>::new(), "nothing waits any more");
    }
    house.close().await;
}

#[tokio::test]
async fn tabs_that_come_back_in_the_same_moment_each_get_in() {
    let (house, idp) = house_with("").await;
    let browser = house.guest();
    let tabs = open(&browser, &[0, 1, 2], "/app/").await;
    let back: Vec<_> = tabs.iter().map(|to| idp.log_in(to, ann())).collect();
    let answers = join_all(back.iter().map(|to| browser.visit_from("cross-site", to))).await;
    for (tab, answer) in answers.iter().enumerate() {
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, &*format!("/app/{tab}")));
    }
    assert_eq!((who(&browser).await.as_str(), waiting_in(&browser).len()), ("ann@example.com", 0));
    house.close().await;
}

#[tokio::test]
async fn of_twenty_tabs_the_oldest_are_pushed_out_and_told_so_and_the_browser_carries_little() {
    let (house, idp) = house_with("").await;
    let browser = house.guest();
    let mut tabs = Vec::new();
    for tab in 0..20 {
        tabs.push(sent(&browser, &format!("/auth/provider/example?return_to=/app/{tab}")).await);
        house.advance(1);
        let (count, bytes) = carried(&browser);
        assert!(count <= 8 && bytes < 4200, "{tab}: {count}, {bytes}");
    }
    for (tab, to) in tabs.iter().enumerate() {
        let guest = browser.copied();
        let answer = guest.visit_from("cross-site", &idp.log_in(to, ann())).await;
        if tab < 12 {
            assert_eq!((answer.status, heading(&answer)), (StatusCode::GONE, OVER.into()), "{tab}");
            assert!(answer.text().contains("many others were begun since. Begin again."), "{}", answer.text());
            assert!(answer.text().contains("/auth/login\">Log in</a>"), "{}", answer.text());
            assert_eq!(who(&guest).await, "nobody");
        } else {
            assert_eq!(answer.header("location"), format!("/app/{tab}"), "{}", answer.text());
        }
    }

    // However long the places are that they lead to.
    let browser = house.guest();
    for tab in 0..20 {
        sent(&browser, &format!("/auth/provider/example?return_to=/app/{}{tab}", "x".repeat(490))).await;
        house.advance(1);
        let (count, bytes) = carried(&browser);
        assert!(count <= 3 && bytes < 4200, "{tab}: {count}, {bytes}");
    }
    house.close().await;
}

#[tokio::test]
async fn a_browser_that_was_restored_with_very_many_tabs_is_not_locked_out() {
    let (house, idp) = house_with("").await;
    let browser = house.guest();
    let order: Vec<_> = (0..30).collect();
    let tabs = open(&browser, &order, &format!("/app/{}", "x".repeat(480))).await;
    // More than is read of any request, and nothing but time would have made it less.
    assert!(carried(&browser).1 > 16 * 1024);
    let told = browser.visit("/auth/login").await;
    assert_eq!(told.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "{}", told.text());
    assert_eq!(waiting_in(&browser), Vec::<String>::new());
    let over = browser.visit_from("cross-site", &idp.log_in(&tabs[0], ann())).await;
    assert_eq!(heading(&over), OVER);
    assert_eq!(begun_anew(&browser, &idp).await, "/app/notes");

    // So it is where an upstream was asked, by a program.
    let browser = house.guest();
    open(&browser, &order, &format!("/app/{}", "x".repeat(480))).await;
    let told = browser.fetch("GET", "/app/x", None).await;
    assert_eq!(told.code(), "cookies-too-large");
    assert_eq!(begun_anew(&browser, &idp).await, "/app/notes");
    house.close().await;
}

async fn begun_anew(browser: &Guest, idp: &Idp) -> String {
    let to = sent(browser, "/auth/provider/example?return_to=/app/notes").await;
    let answer = browser.visit_from("cross-site", &idp.log_in(&to, ann())).await;
    answer.header("location").to_owned()
}

/// How many wait, and the bytes of their names and values.
fn carried(browser: &Guest) -> (usize, usize) {
    let names = waiting_in(browser);
    let bytes = names.iter().map(|name| name.len() + browser.cookie(name).unwrap_or_default().len() + 3).sum();
    (names.len(), bytes)
}
