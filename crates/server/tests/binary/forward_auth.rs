//! The listener for other proxies, as an operator meets it.

use crate::house::{House, Port};
use crate::upstream::Upstream;
use serde_json::json;

#[tokio::test]
async fn the_line_of_the_start_names_the_listener_for_other_proxies_where_there_is_one() {
    let upstream = Upstream::start("first").await;
    let mut house = House::before(upstream.address);
    let without = house.serve().await.stop().await;
    assert!(without.contains("serving http://localhost") && !without.contains("forward_auth"), "{without}");

    let asked = Port::free();
    house.config["server"]["trusted_proxies"] = json!(["127.0.0.1"]);
    house.config["forward_auth"] = json!({ "listen": [asked.address()] });
    let said = house.serve().await.stop().await;
    let line = said.lines().find(|line| line.contains("serving http://localhost")).unwrap_or_default();
    assert!(line.contains("forward_auth=") && line.contains(&asked.address().to_string()), "{said}");
}
