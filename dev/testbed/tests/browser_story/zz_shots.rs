use cloakroom_testbed::browser::{Browser, Engine};
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zz_bf() {
    let port = std::fs::read_to_string("/tmp/bf.port").unwrap();
    let site = format!("http://localhost:{port}");
    for round in 0..5 {
        for (start, variant, wait) in [("acct", "none", 0), ("acct", "none", 2000), ("acct", "page", 0), ("acct", "sub", 0), ("start", "none", 0)] {
            let browser = Browser::launch(Engine::Chromium).await.unwrap();
            let context = browser.context().await.unwrap();
            let page = context.page().await.unwrap();
            page.goto(&format!("{site}/in3")).await.unwrap();
            page.goto(&format!("{site}/{start}?{variant}")).await.unwrap();
            page.wait_for("document.body.innerText.includes('PERSONAL')").await.unwrap();
            page.click("#o").await.unwrap();
            page.wait_url("/bye").await.unwrap();
            page.eval(&format!("new Promise(done => setTimeout(() => done(1), {wait}))")).await.unwrap();
            page.back().await.unwrap();
            println!("chromium {start} {variant} {wait}: {}", page.text("body").await.unwrap().lines().next().unwrap());
            let _ = round;
        }
    }
}
