//! What cannot be written of a client.

use crate::config::{Config, parse};

fn read(client: &str) -> Result<Config, Vec<String>> {
    let text = format!(
        "[server]\npublic_url = \"https://app.example.com\"\n[[upstream]]\nto = \"http://127.0.0.1:1\"\naccess = \"public\"\n\
         [[client]]\n{client}"
    );
    parse(&text, std::iter::empty()).map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
}

const SECRET: &str = "secret = \"0123456789abcdef0123456789abcdef\"";

fn refused(client: &str, key: &str) {
    let mistakes = read(client).err().unwrap_or_default();
    assert!(mistakes.iter().any(|mistake| mistake.contains(&format!("client[0].{key}"))), "{client}: {mistakes:?}");
    assert!(!format!("{mistakes:?}").contains("0123456789abcdef"), "no secret is repeated");
}

#[test]
fn a_client_is_what_is_written_of_it() {
    let config = read(&format!(
        "id = \"orders\"\n{SECRET}\ngrants = [\"client_credentials\", \"token-exchange\"]\naudiences = [\"stock\"]\n\
         scopes = [\"stock.read\"]\naudience = \"orders-api\""
    ))
    .unwrap();
    let registration = &config.clients[0].registration;
    assert_eq!((registration.id.as_str(), registration.name.as_str()), ("orders", "orders"));
    assert_eq!((registration.grants.len(), registration.scopes.to_string().as_str()), (2, "stock.read"));
    assert!(!format!("{config:?}").contains("0123456789abcdef"));
}

#[test]
fn every_mistake_of_a_client_is_told_where_it_is() {
    let good = format!("id = \"a\"\n{SECRET}\ngrants = [\"client_credentials\"]\naudiences = [\"stock\"]\n");
    assert!(read(&good).is_ok());
    let with = |from: &str, to: &str| good.replace(from, to);
    refused(&with("id = \"a\"", ""), "id");
    refused(&with("\"a\"", "\"cloakroom\""), "id");
    refused(&with(SECRET, ""), "jwks_file");
    refused(&with(SECRET, "secret = \"short\""), "secret");
    refused(&with(SECRET, &format!("{SECRET}\njwks_uri = \"https://a.example/keys\"")), "jwks_file");
    refused(&with(SECRET, "jwks_file = \"/nowhere/keys\""), "jwks_file");
    refused(&with(SECRET, "jwks_uri = \"http://a.example/keys\""), "jwks_uri");
    refused(&with("client_credentials", "password"), "grants");
    refused(&with("client_credentials", "refresh_token"), "grants");
    refused(&with("client_credentials", "jwt-bearer"), "grants");
    refused(&with("client_credentials", "token-exchange"), "audience");
    refused(&with("[\"stock\"]", "[]"), "audiences");
    refused(&with("\"stock\"", "\"https://app.example.com\""), "audiences");
    refused(&with("\"stock\"", "\"https://app.example.com/\""), "audiences");
    refused(&format!("{good}scopes = [\"a\\\"b\"]"), "scopes");
    refused(&format!("{good}ca_file = \"/nowhere\""), "ca_file");
    refused(&format!("{good}name = \"\""), "name");
}
