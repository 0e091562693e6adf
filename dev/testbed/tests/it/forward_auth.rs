//! What operators see of the questions that other proxies ask: a line and a count for each, and nothing secret in either.

use cloakroom_testbed::{House, Watch};
use http::StatusCode;

/// How many were counted with this status class, and every value of the label `to`.
async fn counted(house: &House, class: &str) -> (u64, Vec<String>) {
    let page = house.operator().fetch("GET", "/metrics", None).await.text();
    let series: Vec<_> = page.lines().filter(|line| line.starts_with("cloakroom_requests_total{")).collect();
    let ours = series.iter().find(|line| line.contains("to=\"forward_auth\"") && line.contains(class));
    let count = ours.and_then(|line| line.rsplit(' ').next()).map_or(0, |count| count.parse().unwrap());
    let mut labels: Vec<_> = series.iter().map(|line| line.split('"').nth(1).unwrap().to_owned()).collect();
    labels.sort();
    labels.dedup();
    (count, labels)
}

/// The lines of the log that name this path.
fn lines_about(path: &str) -> Vec<String> {
    Watch::logged().lines().filter(|line| line.contains(path)).map(str::to_owned).collect()
}

#[tokio::test]
async fn each_question_of_a_proxy_is_a_line_of_the_log_and_is_counted() {
    let house = House::with(
        "server.trusted_proxies = [\"127.0.0.1\"]\nlog.requests = true\n[forward_auth]\nlisten = [\"127.0.0.1:0\"]",
    )
    .await;
    let ann = house.signed_in("ann@example.com").await;
    let cookie = format!("__Host-Http-cloakroom={}", ann.cookie("__Host-Http-cloakroom").unwrap());
    let proxy = house.guest_by(house.running().forward_auth[0].port());
    let public = house.origin();
    let ask = async |place: &str, uri: &str, more: &[(&str, &str)]| {
        let mut headers = vec![
            ("x-forwarded-method", "GET"),
            ("x-forwarded-uri", uri),
            ("x-forwarded-host", public.trim_start_matches("http://")),
            ("x-forwarded-for", "203.0.113.7"),
        ];
        headers.extend(more);
        proxy.send("GET", place, &headers, "").await
    };

    let (yes, no) = (counted(&house, "2xx").await.0, counted(&house, "4xx").await.0);
    let passed = ask("/auth/verify", "/app/who-passed-8c1?key=nobodys-business", &[("cookie", &cookie)]).await;
    assert_eq!(passed.status, StatusCode::NO_CONTENT, "{}", passed.text());
    house.watch.secret(passed.header("authorization").trim_start_matches("Bearer "));
    let refused = ask("/auth/verify", "/app/who-was-refused-8c1?key=nobodys-business", &[]).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    // What asks for nothing in particular is known by its own path alone.
    let unclear = proxy.send("GET", "/auth/verify/which-one-8c1?key=nobodys-business", &[], "").await;
    assert_eq!(unclear.status, StatusCode::BAD_REQUEST, "{}", unclear.text());

    for (path, status, client, answer) in [
        ("/app/who-passed-8c1", 204, "203.0.113.7", &passed),
        ("/app/who-was-refused-8c1", 401, "203.0.113.7", &refused),
        ("/auth/verify/which-one-8c1", 400, "127.0.0.1", &unclear),
    ] {
        let lines = lines_about(path);
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        let request = answer.header("x-request-id");
        for said in [
            "judged for a proxy".to_owned(),
            format!("request=\"{request}\""),
            "method=GET".to_owned(),
            format!("path=\"{path}\""),
            format!("status={status}"),
            format!("client={client}"),
            "ms=".to_owned(),
        ] {
            assert!(line.contains(&said), "{said} is not in {line}");
        }
        assert!(request.len() == 16 && !line.contains("nobodys-business"), "{line}");
    }
    let ((yes_after, labels), (no_after, _)) = (counted(&house, "2xx").await, counted(&house, "4xx").await);
    assert_eq!((yes_after - yes, no_after - no), (1, 2));
    assert_eq!(labels, ["cloakroom", "forward_auth", "upstream"], "no label is made of what somebody sends");
    let page = house.operator().fetch("GET", "/metrics", None).await.text();
    assert!(page.contains("cloakroom_request_seconds_count{to=\"forward_auth\"}"), "{page}");
    // That no token and no cookie is in the log is looked at here.
    house.close().await;
}
