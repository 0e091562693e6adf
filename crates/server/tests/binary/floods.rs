//! Large bodies pass through; they are not collected.

use crate::house::House;
use crate::program::Program;
use crate::upstream::{Upstream, generated};
use crate::visitor::Visitor;
use http::Request;
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

const GIBIBYTE: usize = 1024 * 1024 * 1024;

/// What the process may have used at its peak.
const ROOM_KIB: u64 = 50 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gibibyte_goes_up_and_down_through_fifty_mebibytes_of_memory() {
    let upstream = Upstream::start("first").await;
    let mut house = House::before(upstream.address);
    // As shipped: a log-in's own memory counts.
    house.config.as_object_mut().unwrap().remove("password");
    let server = house.serve().await;
    let mut ann = house.visitor();
    ann.sign_in("ann@example.com").await;

    let up = ann.ask("POST", "/app/count", &[("content-type", "application/octet-stream")], generated(GIBIBYTE));
    let up = up.await.unwrap();
    assert_eq!((up.status, up.text()), (200, GIBIBYTE.to_string()));
    assert_eq!(download(&ann, house.port()).await, GIBIBYTE);
    let peak = peak_kib(&server);
    assert!(peak < ROOM_KIB, "{peak} KiB at its peak");
    server.stop().await;
}

async fn download(visitor: &Visitor, port: u16) -> usize {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::builder()
        .uri(format!("http://127.0.0.1:{port}/app/flood?{GIBIBYTE}"))
        .header("host", format!("localhost:{port}"))
        .header("sec-fetch-site", "same-origin")
        .header("cookie", visitor.cookies("/app/flood"))
        .body(crate::visitor::full(""))
        .unwrap();
    let response = client.request(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();
    let mut counted = 0;
    while let Some(frame) = body.frame().await {
        counted += frame.unwrap().into_data().map_or(0, |data| data.len());
    }
    counted
}

/// The most that the process ever had in memory, without the pages of its own file: those of a debug build are many.
fn peak_kib(program: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap();
    let kib = |name: &str| -> u64 {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    kib("VmHWM:") - kib("RssFile:")
}
