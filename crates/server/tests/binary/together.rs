//! Two servers on one database, and a database that a later version has written.

use crate::deadline::until;
use crate::house::House;
use crate::program::{Program, code, command, run, text};
use crate::upstream::Upstream;
use crate::visitor::get;
use serde_json::{Value, json};

async fn keys(port: u16) -> Value {
    get(port, "/.well-known/jwks.json").await.unwrap().json()
}

#[tokio::test]
async fn two_servers_that_start_together_on_nothing_share_one_house() {
    let upstream = Upstream::start("first").await;
    for _ in 0..4 {
        let house = House::before(upstream.address);
        let other = House::before(upstream.address);
        let mut config = other.config.clone();
        // One site on two machines, as a balancer would have it.
        config["server"]["public_url"] = house.config["server"]["public_url"].clone();
        std::fs::write(house.folder().join("other.toml"), toml::to_string(&config).unwrap()).unwrap();
        house.write();
        let mut servers = ["cloakroom.toml", "other.toml"]
            .map(|file| Program::start(command(house.folder(), ["serve", "--config", file])));
        house.ready(&mut servers[0]).await;
        other.ready(&mut servers[1]).await;

        let mut ann = house.visitor();
        ann.sign_in("ann@example.com").await;
        until("both publish the same keys", async || {
            let (one, two) = (keys(house.port()).await, keys(other.port()).await);
            (one == two).then_some(())
        })
        .await;
        // The session that the one opened is good at the other.
        let there = ann.clone().moved_to(other.port());
        assert_eq!(there.app().await.unwrap().0, 200);
        for server in servers {
            server.stop().await;
        }
    }
}

#[tokio::test]
async fn a_database_of_a_later_version_is_refused_and_left_alone() {
    let upstream = Upstream::start("first").await;
    let house = House::before(upstream.address);
    house.serve().await.stop().await;
    let database = house.folder().join("cloakroom.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    connection.close().unwrap();
    let before = std::fs::read(&database).unwrap();
    for arguments in [&["serve", "--config", "cloakroom.toml"][..], &["keys", "list"]] {
        let output = run(house.folder(), arguments).await;
        let errors = text(&output.stderr);
        assert_eq!(code(&output), 1, "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
        assert!(errors.contains("schema version 99") && errors.contains("start the newer program"), "{errors}");
    }
    assert!(std::fs::read(&database).unwrap() == before, "not one byte was changed");
}

#[tokio::test]
async fn a_file_that_is_no_database_of_ours_is_refused_and_left_alone() {
    let upstream = Upstream::start("first").await;
    let mut house = House::before(upstream.address);
    let foreign = house.folder().join("foreign.db");
    let connection = rusqlite::Connection::open(&foreign).unwrap();
    connection.execute_batch("CREATE TABLE customers (name TEXT)").unwrap();
    connection.close().unwrap();
    std::fs::write(house.folder().join("letter.db"), "Dear Sir or Madam, ".repeat(100)).unwrap();
    let key = house.folder().join("a.key");
    std::fs::write(&key, "00".repeat(32)).unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    for file in ["foreign.db", "letter.db"] {
        let before = std::fs::read(house.folder().join(file)).unwrap();
        house.config["store"] = json!({ "url": format!("sqlite:{file}"), "master_key_file": "a.key" });
        house.write();
        let output = run(house.folder(), &["serve", "--config", "cloakroom.toml"]).await;
        let errors = text(&output.stderr);
        assert_eq!(code(&output), 1, "{errors}");
        assert!(errors.lines().last().unwrap().contains("not a database of Cloakroom"), "{errors}");
        assert!(std::fs::read(house.folder().join(file)).unwrap() == before, "not one byte was changed");
    }
}

#[tokio::test]
async fn a_lost_master_key_is_told_and_no_new_one_is_made() {
    let upstream = Upstream::start("first").await;
    let house = House::before(upstream.address);
    let server = house.serve().await;
    server.stop().await;
    let key = house.folder().join("cloakroom.db.master-key");
    std::fs::remove_file(&key).unwrap();
    for arguments in [&["serve"][..], &["keys", "list"]] {
        let output = run(house.folder(), arguments).await;
        let errors = text(&output.stderr);
        assert_eq!(code(&output), 1, "{errors}");
        assert!(errors.contains("restore it from your copy"), "{errors}");
        assert!(!key.exists(), "a new key would be taken for the lost one");
    }
}
