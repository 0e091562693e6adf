//! Configurations as people write them: right, wrong, and wrong in many places at once.

use super::*;
use cloakroom_core::session::Strategy;
use cloakroom_core::time::Lifetime;

const LEAST: &str = "[server]\npublic_url = \"https://app.example.com/\"\n[[upstream]]\nto = \"http://127.0.0.1:3000\"\naccess = \"public\"";

fn read(text: &str) -> Result<Config, Vec<String>> {
    with_environment(text, &[])
}

fn with_environment(text: &str, environment: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    parse(text, environment).map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
}

#[test]
fn two_keys_and_an_upstream_are_enough() {
    let config = read(LEAST).unwrap();
    assert_eq!(config.settings.issuer, "https://app.example.com");
    assert_eq!(config.settings.lifetimes, cloakroom_core::session::Lifetimes::STANDARD);
    assert_eq!(config.upstreams.len(), 1);
}

#[test]
fn the_example_is_right_and_says_the_defaults() {
    let example = include_str!("../../../../cloakroom.example.toml");
    let config = read(example).unwrap();
    let least = read(LEAST).unwrap();
    assert_eq!(config.settings.lifetimes, least.settings.lifetimes);
    assert_eq!(config.settings.refresh, least.settings.refresh);
    assert_eq!(config.settings.rotation, least.settings.rotation);
    assert_eq!(config.limits, least.limits);
    assert_eq!((config.listen, config.admin_listen, config.log), (least.listen, least.admin_listen, least.log));
    assert_eq!(format!("{:?}", config.site.headers), format!("{:?}", least.site.headers));
}

#[test]
fn the_example_names_every_key_there_is() {
    let example = include_str!("../../../../cloakroom.example.toml");
    let schema: serde_json::Value = serde_json::from_str(&json_schema()).unwrap();
    let mut keys = 0;
    for section in schema["$defs"].as_object().unwrap().values() {
        for key in section["properties"].as_object().into_iter().flatten().map(|(key, _)| key) {
            keys += 1;
            // `tls` is a section of its own in the example.
            assert!(
                example.contains(&format!("{key} = ")) || example.contains(&format!("server.{key}]")),
                "{key} is missing"
            );
        }
    }
    assert!(keys > 40, "{keys}");
}

#[test]
fn every_mistake_is_reported_at_once_with_its_place() {
    let mistakes = read(
        r#"
        [server]
        listen = ["nonsense"]
        lissten = []
        trusted_proxies = ["10.0.0.0/99"]
        [session]
        profile = "eternal"
        access_for = "20s"
        [store]
        url = "postgres://user:hunter2@db:port/x"
        [password]
        min_characters = 4
        memory_kib = "much"
        [[upstream]]
        to = "nonsense"
        [[upstream]]
        path = "/auth/x"
        to = "ftp://x"
        access = "maybe"
        [unknown]
        x = 1
        "#,
    )
    .unwrap_err();
    let text = mistakes.join("\n");
    for part in [
        "server.public_url: this is required",
        "server.listen: \"nonsense\" is not an address",
        "server.lissten: there is no such key; known here: ",
        "server.trusted_proxies: \"10.0.0.0/99\"",
        "session.profile: \"eternal\" is not one of",
        "session.access_for: it must be at least three times race_window (10s)",
        "store.url: this is not an address such as",
        "password.min_characters: 4 is not between 8 and 128",
        "password.memory_kib: this is a string, but it must be u32",
        "upstream[0].to: this is not an address",
        "upstream[0].access: this is required",
        "upstream[1].access: \"maybe\" is not one of",
        "upstream[1].path: path lies under the reserved prefix",
        "upstream[1].to: ",
        "unknown: there is no such key",
    ] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    assert!(!text.contains("hunter2"), "a secret is never repeated");
}

#[test]
fn what_is_not_toml_is_told_with_its_line_and_without_its_content() {
    let mistakes = read("[server]\npublic_url = \"x\npassword = hunter2").unwrap_err();
    assert_eq!(mistakes.len(), 1);
    assert!(mistakes[0].starts_with("line 2: this is not TOML") && !mistakes[0].contains("hunter2"), "{mistakes:?}");
}

#[test]
fn the_environment_overrides_the_file_and_is_checked_as_strictly() {
    let config = with_environment(
        LEAST,
        &[
            ("CLOAKROOM_SESSION_PROFILE", "strict"),
            ("CLOAKROOM_SERVER_LISTEN", "[\"127.0.0.1:1\"]"),
            ("CLOAKROOM_PASSWORD_MIN_CHARACTERS", "20"),
            ("CLOAKROOM_SERVER_PUBLIC_URL", "https://other.example"),
            ("CLOAKROOM_MASTER_KEY", "secret"),
            ("PATH", "/bin"),
        ],
    )
    .unwrap();
    assert_eq!(config.settings.lifetimes.idle_for, Lifetime::from_secs(900));
    assert_eq!(config.listen, ["127.0.0.1:1".parse().unwrap()]);
    assert_eq!((config.settings.passwords.min_characters, config.site.origin.as_str()), (20, "https://other.example"));
    let mistakes = with_environment(LEAST, &[("CLOAKROOM_SESION_PROFILE", "strict"), ("CLOAKROOM_LOG_FORMAT", "xml")]);
    let text = mistakes.unwrap_err().join("\n");
    assert!(
        text.contains("CLOAKROOM_SESION_PROFILE: no section begins like that") && text.contains("log.format: \"xml\"")
    );
}

#[test]
fn what_would_be_weaker_than_it_looks_is_refused() {
    for (more, part) in [
        ("[server]\npublic_url = \"http://app.example.com\"", "only a loopback name can be plain http"),
        ("[server]\npublic_url = \"https://app.example.com/base\"", "scheme, host and port only"),
        ("[server]\npublic_url = \"https://u:p@app.example.com\"", "scheme, host and port only"),
        (
            "[server]\npublic_url = \"https://app.example.com\"\ninsecure_loopback_cookies = true",
            "plain http on a loopback",
        ),
        ("[server]\npublic_url = \"https://app.example.com\"\n[session]\naccess_for = \"1d\"", "at most \"1h\""),
        (
            "[server]\npublic_url = \"https://app.example.com\"\n[session]\nidle_for = \"6m\"",
            "at least twice access_for",
        ),
        (
            "[server]\npublic_url = \"https://app.example.com\"\n[session]\nrace_window = \"0s\"",
            "must cover a round trip",
        ),
        (
            "[server]\npublic_url = \"https://app.example.com\"\n[session]\nstrategy = \"memory\"",
            "\"memory\" is weaker than \"cookie\"",
        ),
        (
            "[server]\npublic_url = \"https://app.example.com\"\n[session]\nstrategy = \"native\"",
            "browsers get no tokens",
        ),
        (
            "[server]\npublic_url = \"https://app.example.com\"\n[session]\noffered = [\"native\"]\n[tokens]\naudience = \"https://app.example.com/\"",
            "tokens.audience: it must differ",
        ),
        (
            "[server]\npublic_url = \"https://app.example.com\"\n[revocation]\nfeed_token = \"hunter2\"",
            "32 to 256 visible ASCII",
        ),
        (
            "[server]\npublic_url = \"https://app.example.com\"\n[revocation]\nstale_after = \"6m\"",
            "at most session.access_for",
        ),
        ("[server]\npublic_url = \"https://app.example.com\"\n[session]\nslots = 11", "not between 1 and 10"),
        (
            "[server]\npublic_url = \"https://app.example.com\"\n[session]\nwhen_full = \"refuse\"",
            "max_per_account, which is not set",
        ),
        ("[server]\npublic_url = \"https://app.example.com\"\n[tokens]\nalgorithm = \"none\"", "not one of"),
        ("[server]\npublic_url = \"https://app.example.com\"\n[tokens]\nrotate_every = \"1m\"", "announced 15m before"),
        ("[server]\npublic_url = \"https://app.example.com\"\n[headers]\nhsts = \"a\\nb\"", "printable ASCII"),
        (
            "[server]\npublic_url = \"https://app.example.com\"\n[headers]\nframe_ancestors = \"'self'; script-src *\"",
            "list sources only",
        ),
    ] {
        let text = format!("{more}\n[[upstream]]\nto = \"http://127.0.0.1:3000\"\naccess = \"public\"");
        let mistakes = read(&text).unwrap_err().join("\n");
        assert!(mistakes.contains(part), "{more}: {mistakes}");
        assert!(!mistakes.contains("hunter2"), "a secret is never repeated");
    }
    let own = format!("{LEAST}\naudience = \"https://app.example.com\"");
    assert!(read(&own).unwrap_err().join("\n").contains("upstream[0].audience: it must differ"));
}

#[test]
fn what_sessions_are_is_read_from_their_section() {
    let more = "[session]\nstrategy = \"ticket\"\noffered = [\"cookie\", \"native\", \"cookie\"]\nslots = 3\nmax_per_account = 5\n\
                [store]\nurl = \"postgres://cloakroom:hunter2@db/cloakroom\"\n[revocation]\nwhen_stale = \"look_up\"\n\
                feed_token = \"hunter2hunter2hunter2hunter2hunter2\"\n";
    let config = read(&format!("{more}{LEAST}")).unwrap();
    let settings = &config.settings;
    assert_eq!(settings.strategy, Strategy::Ticket);
    assert_eq!(settings.offered, [Strategy::Ticket, Strategy::Cookie, Strategy::Native]);
    assert_eq!(settings.bearer_audience, "https://app.example.com/api");
    assert_eq!(settings.max_sessions.unwrap().at_most, 5);
    assert_eq!(config.site.slots, 3);
    assert!(matches!(config.store, StoreAt::Postgres(_)) && settings.feed.token.is_some());
    assert!(!format!("{config:?}").contains("hunter2"), "neither the password nor the token is shown");
}

#[test]
fn the_committed_references_are_fresh() {
    for (file, made) in [
        ("cloakroom.schema.json", json_schema()),
        ("configuration.md", crate::reference::configuration()),
        ("routes.md", crate::reference::routes()),
    ] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference").join(file);
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == made, "docs/reference/{file} is stale: run cargo xtask generate");
    }
}
