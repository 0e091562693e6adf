//! A database that a later version has changed, or that is another program's.

use crate::database::{Database, connect};
use crate::rows::dump;
use cloakroom_testbed::Nodes;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_does_not_start_on_a_newer_schema_and_leaves_it_as_it_is() {
    let database = Database::new().await;
    let nodes = Nodes::start(database.url()).await;
    nodes.signed_in("ann@example.com").await;
    nodes.close().await;
    let later =
        "UPDATE cloakroom.schema_version SET version = 99; ALTER TABLE cloakroom.session ADD COLUMN novelty TEXT";
    connect(database.url()).await.batch_execute(later).await.unwrap();
    let before = dump(database.url()).await;
    assert!(before.contains("99"));

    let refused = Nodes::with(&[database.url(); 2], "").await.err().map(|error| format!("{error:#}")).unwrap();
    assert!(refused.contains("schema version 99") && refused.contains("start the newer program"), "{refused}");
    assert!(!refused.contains("postgres://"), "the URL holds a password: {refused}");
    assert_eq!(dump(database.url()).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_does_not_start_in_somebody_elses_schema() {
    let database = Database::new().await;
    let foreign =
        "CREATE SCHEMA cloakroom; CREATE TABLE cloakroom.coats (id INTEGER); INSERT INTO cloakroom.coats VALUES (7)";
    connect(database.url()).await.batch_execute(foreign).await.unwrap();
    let before = dump(database.url()).await;
    let refused = Nodes::with(&[database.url()], "").await.err().map(|error| format!("{error:#}")).unwrap();
    assert!(refused.contains("not a database of Cloakroom"), "{refused}");
    assert_eq!(dump(database.url()).await, before);
}
