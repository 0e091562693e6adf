//! Signing in with the identity provider, by way of its own page.

use cloakroom_browser::Engine;
use cloakroom_lab_victims::What;

use crate::door::{CANARY, PASSWORD, ready};
use crate::{in_every_engine, world};

in_every_engine! {
    the_provider_signs_in_at_both_of_its_clients
}

async fn the_provider_signs_in_at_both_of_its_clients(engine: Engine) {
    let (door, browser) = world(engine).await;
    for strategy in ["S17", "control-bearer"] {
        let context = browser.context().await.unwrap();
        let email = door.open_account(strategy);
        let page = door.page(&context, strategy, "/").await;
        page.click("#provider").await.unwrap();
        page.wait_url("/?next=").await.unwrap();
        ready(&page, strategy).await;
        page.fill("#login [name=email]", &email).await.unwrap();
        page.fill("#login [name=password]", PASSWORD).await.unwrap();
        page.click("#login button").await.unwrap();
        page.wait_for("document.body?.dataset.strategy !== 'idp' && document.body?.dataset.state === 'in'")
            .await
            .unwrap_or_else(|error| panic!("{strategy}: {error:#}"));
        assert_eq!(page.text("#iban").await.unwrap(), CANARY);
        assert_eq!(page.eval("location.href").await.unwrap(), door.at(strategy, "/").as_str());
        door.deed(&email, |what| *what == What::CodeIssued { client: strategy.into() }).await;
        page.eval("await bank.refresh().catch((error) => error.status)").await.unwrap();
        let log = door.bank.access_log("idp").join("\n");
        assert!(log.contains("/.well-known/openid-configuration"));
    }
    browser.close().await.unwrap();
}
