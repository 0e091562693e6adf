//! Nodes that start together on an empty database.

use crate::database::{Database, connect};
use crate::rows::texts;
use cloakroom_testbed::Nodes;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn together_on_an_empty_database_they_make_one_schema_and_one_set_of_keys() {
    for round in 0..4 {
        let database = Database::new().await;
        let nodes = Nodes::with(&[database.url(); 5], "").await.unwrap();
        let client = connect(database.url()).await;
        let purposes = texts(&client, "SELECT purpose FROM cloakroom.ring_key ORDER BY 1").await;
        let mut once = purposes.clone();
        once.dedup();
        assert_eq!((purposes.len(), &purposes), (3, &once), "round {round}");
        assert_eq!(texts(&client, "SELECT count(*) FROM cloakroom.schema_version").await, ["1"]);

        // Each accepts at once what any other has made.
        nodes.roamer().sign_up("ann@example.com").await;
        let mut shown = Vec::new();
        for maker in 0..nodes.count() {
            let ann = nodes.roamer();
            ann.on(maker).log_in("ann@example.com").await;
            for node in 0..nodes.count() {
                assert_eq!(ann.on(node).app().await.0, 200, "round {round}: node {node}, made by {maker}");
            }
            shown.push(ann.on(maker).fetch("GET", "/.well-known/jwks.json", None).await.json()["keys"].clone());
        }
        assert!(shown.iter().all(|keys| keys == &shown[0] && keys.as_array().unwrap().len() == 1), "{shown:?}");
        nodes.close().await;
    }
}
