//! Addresses where there is nothing to examine.

use crate::proxy::{Meddling, bare};
use crate::stage::{NOW, Stage, clock_at};
use cloakroom_doctor::{CannotExamine, Options, Target, Untrusted, examine};
use http::StatusCode;
use tokio::net::TcpListener;

async fn why_not(instead: fn(&http::request::Parts) -> Option<http::Response<crate::proxy::Body>>) -> String {
    let stage = Stage::behind(Meddling { instead, ..Meddling::default() }).await;
    let Err(error @ CannotExamine::NotCloakroom { .. }) = stage.try_to_examine(NOW).await else {
        panic!("it was taken for Cloakroom")
    };
    // Nobody else's server is asked any further.
    assert_eq!(stage.proxy.passed().len(), 2);
    stage.house.close().await;
    error.to_string()
}

#[tokio::test]
async fn another_program_is_told_from_cloakroom_and_left_alone() {
    assert!(why_not(|_| Some(bare(StatusCode::OK, "hello"))).await.contains("another program"));
    assert!(why_not(|_| Some(bare(StatusCode::NOT_FOUND, ""))).await.contains("/auth"));
    assert!(why_not(|_| Some(bare(StatusCode::BAD_GATEWAY, ""))).await.contains("server.listen"));
}

#[tokio::test]
async fn nobody_at_all_is_told_of() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let target = Target::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let authorities = Some(crate::certificate::Authority::new().pem.into_bytes());
    let options = Options { authorities, ..Options::default() };
    let error = examine(target, &options, clock_at(NOW), &|_| {}).await.unwrap_err();
    assert!(matches!(error, CannotExamine::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_list_of_authorities_that_is_none_is_refused() {
    let target = Target::parse("https://localhost").unwrap();
    let options = Options { authorities: Some(b"no PEM".to_vec()), ..Options::default() };
    let error = examine(target, &options, clock_at(NOW), &|_| {}).await.unwrap_err();
    assert!(matches!(error, CannotExamine::Untrusted(Untrusted::Nobody)), "{error}");
}
