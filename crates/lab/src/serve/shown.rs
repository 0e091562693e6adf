//! The stage as a person uses it: in a browser of their own, with the victim's behind it.

use cloakroom_browser::{Browser, Engine, Page, ThirdParty};
use serde_json::{Value, json};

use super::{Options, open};

struct Person {
    page: Page,
}

impl Person {
    async fn chooses(&self, attack: &str, row: &str) {
        let choose = format!(
            "(() => {{ for (const [id, value] of [['attack', {}], ['row', {}]]) {{ const list = document.getElementById(id); \
             list.value = value; list.dispatchEvent(new Event('change')); }} return location.hash; }})()",
            json!(attack),
            json!(row)
        );
        assert_eq!(self.page.eval(&choose).await.unwrap(), json!(format!("#{attack}/{row}")));
    }

    /// Presses a button, and waits until the stage says how it ended.
    async fn presses(&self, button: &str, ends: &str) {
        self.page.click(button).await.unwrap();
        self.waits(ends).await;
    }

    async fn waits(&self, ends: &str) {
        let state = "document.getElementById('state').textContent";
        let over = format!("(() => {{ const said = {state}; return !said.endsWith('…') && said }})()");
        let said = self.page.wait_for_within(&over, std::time::Duration::from_mins(2)).await.unwrap();
        assert_eq!(said, json!(ends));
    }

    /// Nothing is wrong for people who cannot see it, by axe.
    async fn quiet(&self, look: &str) {
        assert_eq!(self.page.axe().await.unwrap(), [], "{look}");
    }

    async fn reads(&self, id: &str) -> String {
        self.page.text(id).await.unwrap()
    }

    async fn picture(&self, name: &str, width: u32, dark: bool) {
        if let Some(folder) = std::env::var_os("LAB_SHOTS") {
            let file = std::path::Path::new(&folder).join(format!("{name}.png"));
            self.page.screenshot(&file, width, if width < 500 { 2600 } else { 1300 }, dark).await.unwrap();
        }
    }
}

const LOGGED_IN: &str = "The victim is logged in, has looked at the profile and sent money to a friend.";
const OVER: &str = "The attack is over.";
const TRIED: &str = "The attacker has tried what he has.";

#[tokio::test(flavor = "multi_thread")]
async fn a_script_steals_the_token_of_local_storage_and_nothing_of_cloakroom() {
    let rows = ["S1", "cloakroom-cookie"].map(str::to_owned).to_vec();
    let options = Options { port: 0, engine: Engine::Chromium, headed: false, third_party: ThirdParty::Allow, rows };
    let stage = open(options).await.unwrap();
    let browser = Browser::launch(Engine::Chromium).await.unwrap();
    let page = browser.context().await.unwrap().page().await.unwrap();
    page.goto(&stage.address).await.unwrap();
    page.wait_for("document.documentElement.dataset.ready === 'yes'").await.unwrap();
    let person = Person { page };
    person.picture("stage-empty", 1400, false).await;

    person.chooses("A1", "S1").await;
    person.presses("#login", LOGGED_IN).await;
    person.page.wait_for("document.getElementById('picture').naturalWidth > 0").await.unwrap();
    person.page.wait_for("document.getElementById('deeds').textContent.includes('transferred')").await.unwrap();
    assert_eq!(person.reads("#loot-count").await, "0");

    person.presses("#be-attacked", OVER).await;
    person.page.wait_for("document.querySelector('#loot mark')?.textContent.startsWith('eyJ')").await.unwrap();
    assert_eq!(person.reads("#word").await, "✗ LEAK");
    person.presses("#redeem", TRIED).await;
    person.page.wait_for("document.querySelector('#redeemed .prize dd')").await.unwrap();
    assert!(person.reads("#redeemed").await.contains("victim-canary-1-zq"));
    person.page.wait_for("document.querySelector('#deeds .badge')").await.unwrap();
    person.picture("stage-leak", 1400, false).await;
    person.picture("stage-leak-dark", 1400, true).await;
    person.picture("stage-leak-phone", 360, false).await;
    person.quiet("light").await;

    person.chooses("A1", "cloakroom-cookie").await;
    // By the keyboard: from the list to the second button.
    person.page.eval("document.getElementById('row').focus()").await.unwrap();
    for key in ["Tab", "Tab", "Enter"] {
        person.page.press(key).await.unwrap();
    }
    person.waits(OVER).await;
    assert_eq!(person.reads("#word").await, "✓ SAFE");
    person.presses("#redeem", TRIED).await;
    person.page.wait_for("document.querySelector('#redeemed .none')").await.unwrap();
    assert!(!person.reads("#redeemed").await.contains("canary"), "{}", person.reads("#redeemed").await);
    person.picture("stage-safe", 1400, false).await;
    person.page.emulate_dark().await.unwrap();
    person.quiet("dark").await;

    person.page.set_viewport(360, 800).await.unwrap();
    let wide = person.page.eval("document.documentElement.scrollWidth > innerWidth").await.unwrap();
    assert_eq!(wide, json!(false), "the page scrolls sideways");
    browser.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_page_gives_orders_to_the_stage() {
    let options = Options {
        port: 0,
        engine: Engine::Chromium,
        headed: false,
        third_party: ThirdParty::Allow,
        rows: vec!["S1".to_owned()],
    };
    let stage = open(options).await.unwrap();
    let browser = Browser::launch(Engine::Chromium).await.unwrap();
    let page = browser.context().await.unwrap().page().await.unwrap();
    // Another origin of this machine: the same server by its other name.
    page.goto(&stage.address.replace("localhost", "127.0.0.1")).await.unwrap();
    let order = format!(
        "fetch({}, {{ method: 'POST', mode: 'no-cors', body: JSON.stringify({{ act: 'login', row: 'S1' }}) }}).then(() => 'sent', () => 'blocked')",
        json!(format!("{}act", stage.address))
    );
    page.eval(&order).await.unwrap();
    page.goto(&stage.address).await.unwrap();
    page.wait_for("document.documentElement.dataset.ready === 'yes'").await.unwrap();
    let own = "fetch('/act', { method: 'POST', body: JSON.stringify({ act: 'redeem' }) }).then(async (answer) => [answer.status, await answer.text()])";
    // Nobody was let in: there is still nobody to rob.
    assert_eq!(page.eval(own).await.unwrap(), json!([422, "nobody was attacked yet"]));
    let told: Value = page.eval("document.getElementById('where').textContent").await.unwrap();
    assert_eq!(told, json!("Nobody has opened it yet."));
    browser.close().await.unwrap();
}
