//! Configurations as people write them: right, wrong, and wrong in many places at once.

use super::*;
use cloakroom_core::session::Strategy;
use cloakroom_core::time::Lifetime;

pub(super) const LEAST: &str = "[server]\npublic_url = \"https://app.example.com/\"\n[[upstream]]\nto = \"http://127.0.0.1:3000\"\naccess = \"public\"";

pub(super) fn read(text: &str) -> Result<Config, Vec<String>> {
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
fn a_domain_is_the_host_or_a_parent_that_somebody_owns_and_readers_are_exact_origins() {
    let with = |more: &str| read(&format!("{LEAST}\n{more}"));
    let site =
        with("[cookie]\ndomain = \"example.com\"\n[cors]\norigins = [\"https://www.example.com\"]").unwrap().site;
    assert_eq!(site.cookies.domain(), Some("example.com"));
    assert_eq!(
        (site.readers.as_deref(), &site.trusted_origins),
        (Some(&site.trusted_origins[..]), &site.trusted_origins)
    );
    for (wrong, part) in [
        ("[cookie]\ndomain = \"com\"", "a public suffix"),
        ("[cookie]\ndomain = \"other.com\"", "or a parent of it"),
        ("[cookie]\ndomain = \"ample.com\"", "or a parent of it"),
        ("[cookie]\ndomain = \".example.com\"", "no dot at its beginning"),
        ("[cookie]\ndomain = \"127.0.0.1\"", "no address"),
        ("[cookie]\ndomain = \"a.example.com; Path=/\"", "a name such as"),
        ("[cors]\norigins = [\"null\"]", "anybody"),
        ("[cors]\norigins = [\"*\"]", "anybody"),
        ("[cors]\norigins = [\"https://*.example.com\"]", "anybody"),
        ("[cors]\norigins = [\"http://www.example.com\"]", "plain http"),
        ("[cors]\norigins = [\"https://www.example.com/x\"]", "no path"),
    ] {
        let mistakes = with(wrong).unwrap_err().join("\n");
        assert!(mistakes.contains(part) && mistakes.lines().count() == 1, "{wrong}: {mistakes}");
    }
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
fn every_section_that_is_no_list_can_be_set_by_the_environment() {
    let schema: serde_json::Value = serde_json::from_str(&super::json_schema()).unwrap();
    for (name, section) in schema["properties"].as_object().unwrap() {
        let variable = format!("CLOAKROOM_{}_NO_SUCH_KEY", name.to_ascii_uppercase());
        let told = with_environment(LEAST, &[(&variable, "x")]).err().unwrap().join("\n");
        let is_list = section["type"] == "array";
        assert_eq!(told.contains("no section begins like that"), is_list, "{name}: {told}");
        assert_eq!(told.contains("no_such_key"), !is_list, "{name}: {told}");
    }
    let listens = ("CLOAKROOM_FORWARD_AUTH_LISTEN", "[\"127.0.0.1:9091\"]");
    let proxies = ("CLOAKROOM_SERVER_TRUSTED_PROXIES", "[\"127.0.0.1\"]");
    let reads = ("CLOAKROOM_CORS_ORIGINS", "[\"https://page.example.com\"]");
    let config = with_environment(LEAST, &[listens, proxies, reads]).unwrap();
    assert_eq!(config.forward_auth_listen, ["127.0.0.1:9091".parse().unwrap()]);
    assert_eq!(config.site.readers.unwrap(), ["https://page.example.com"]);
    let tls = with_environment(LEAST, &[("CLOAKROOM_SERVER_TLS", "{ key_file = \"x\" }")]);
    assert!(tls.err().unwrap().join("\n").contains("server.tls"), "a table within a section is for the file");
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

/// Mistakes in more configuration than [`LEAST`], with what an upstream of it says besides.
fn mistakes_in(more: &str, upstream: &str) -> String {
    read(&format!("{LEAST}\n{upstream}\n{more}")).map(|_| ()).unwrap_err().join("\n")
}

#[test]
fn mail_is_read_from_its_section_and_its_secrets_are_never_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let from = "from = \"Notes <no-reply@example.com>\"";
    for (mail, part) in [
        ("smtp = \"smtps://mail.example.com\"".to_owned(), "mail.from: this is required"),
        ("from = \"nobody\"\nfolder = \"x\"".into(), "mail.from: \"nobody\" cannot be a sender"),
        (from.into(), "mail.from: no mail is sent without mail.smtp"),
        ("confirm_addresses = true".into(), "mail.confirm_addresses: no mail is sent"),
        (format!("{from}\nfolder = \"x\"\nsmtp = \"smtp://localhost\""), "mail.folder: mails go to mail.smtp or into"),
        (format!("{from}\nfolder = \"x\"\npassword = \"hunter2\""), "mail.password: this is for mail.smtp"),
        (format!("{from}\nsmtp = \"imap://u:hunter2@mail.example.com\""), "mail.smtp: this is not an address such as"),
        (format!("{from}\nsmtp = \"smtps://u:hunter2@\""), "mail.smtp: this is not an address such as"),
        (
            format!("{from}\nsmtp = \"smtps://u:hunter2@mail.example.com/x\""),
            "mail.smtp: this is not an address such as",
        ),
        (
            format!("{from}\nsmtp = \"smtps://u:hunt#er2@mail.example.com\""),
            "mail.smtp: this is not an address such as",
        ),
        (format!("{from}\nsmtp = \"smtp://mail.example.com\""), "mail.smtp: mails go unencrypted to this machine only"),
        (format!("{from}\nsmtp = \"smtps://u@mail.example.com\""), "mail.smtp: there is a user without a password"),
        (
            format!("{from}\nsmtp = \"smtps://mail.example.com\"\npassword = \"hunter2\""),
            "mail.smtp: there is a password without a user",
        ),
        (
            format!("{from}\nsmtp = \"smtps://u:hunter2@mail.example.com\"\npassword = \"hunter2\""),
            "mail.smtp: the password is there twice",
        ),
        (
            format!("{from}\nsmtp = \"smtps://u@mail.example.com\"\npassword_file = \"/nowhere\""),
            "mail.password_file: \"/nowhere\" cannot be read",
        ),
        (
            format!("{from}\nsmtp = \"smtps://u@mail.example.com\"\npassword_file = {:?}", file("two", "hunter2\nx\n")),
            "does not hold one line with a secret",
        ),
        (
            format!("{from}\nsmtp = \"smtps://mail.example.com\"\nca_file = {:?}", file("none.pem", "nothing")),
            "mail.ca_file: the file of certificates holds none",
        ),
    ] {
        let mistakes = mistakes_in(&format!("[mail]\n{mail}"), "");
        assert!(mistakes.contains(part), "{mail}: {mistakes}");
        assert!(!mistakes.contains("hunter2") && mistakes.lines().count() == 1, "{mail}: {mistakes}");
    }
    // What is wrong with one key hides nothing of another.
    let all = mistakes_in("[mail]\nfrom = \"nobody\"\nsmtp = \"smtp://mail.example.com\"\nfolder = \"x\"", "");
    for part in ["mail.from: ", "mail.smtp: mails go unencrypted", "mail.folder: "] {
        assert!(all.contains(part), "{part} is missing: {all}");
    }
    assert_eq!(all.lines().count(), 3, "{all}");
    let line = file("one", "hunter2\r\n");
    for mail in [
        format!("{from}\nsmtp = \"smtp+starttls://u@mail.example.com\"\npassword_file = {line:?}"),
        format!("{from}\nsmtp = \"smtps://a%40b:p%C3%A4ss@mail.example.com:4650/\""),
        format!("{from}\nsmtp = \"smtp://127.0.0.1:2525\""),
        format!("{from}\nfolder = \"mails\""),
    ] {
        let config = read(&format!("{LEAST}\n[mail]\n{mail}")).unwrap();
        assert!(config.mail.is_some() && config.settings.mail && config.settings.confirm_addresses, "{mail}");
        assert!(!format!("{config:?}").contains("hunter2"));
    }
    let mail = format!("{LEAST}\n[mail]\n{from}\nsmtp = \"smtps://u@mail.example.com\"\nconfirm_addresses = false");
    let config = with_environment(&mail, &[("CLOAKROOM_MAIL_PASSWORD", "123456")]).unwrap();
    assert!(config.settings.mail && !config.settings.confirm_addresses, "a password of digits is text");
    let least = read(LEAST).unwrap();
    assert!(least.mail.is_none() && !least.settings.mail && !least.settings.confirm_addresses);
}

#[test]
fn approvals_can_have_a_host_of_their_own() {
    let with = |server: &str, upstream: &str| {
        read(&format!(
            "[server]\n{server}\n[[upstream]]\nto = \"http://127.0.0.1:3000\"\naccess = \"public\"\n{upstream}"
        ))
    };
    let config =
        with("public_url = \"https://app.example.com:8443\"\napproval_url = \"https://Approve.example.com:8443/\"", "")
            .unwrap();
    assert_eq!(config.settings.approval_origin.as_deref(), Some("https://approve.example.com:8443"));
    assert_eq!(config.site.approval_origin, config.settings.approval_origin);
    assert_eq!(config.settings.site_name, "app.example.com");
    assert!(with("public_url = \"http://localhost:1\"\napproval_url = \"http://approve.localhost:1\"", "").is_ok());
    for (server, upstream, part) in [
        ("public_url = \"https://a.example\"\napproval_url = \"https://a.example:8443\"", "", "another host name"),
        ("public_url = \"https://a.example\"\napproval_url = \"https://A.example.\"", "", "another host name"),
        ("public_url = \"https://a.example\"\napproval_url = \"http://b.example\"", "", "the same scheme"),
        ("public_url = \"http://localhost\"\napproval_url = \"http://b.example\"", "", "plain http"),
        (
            "public_url = \"https://a.example\"\napproval_url = \"https://b.example/x\"",
            "",
            "scheme, host and port only",
        ),
        (
            "public_url = \"https://a.example\"\napproval_url = \"https://b.example\"",
            "host = \"b.example\"",
            "an upstream has",
        ),
        (
            "public_url = \"https://a.example\"\napproval_url = \"https://b.example\"\ntrusted_origins = [\"https://b.example\"]",
            "",
            "must not be one of trusted_origins",
        ),
    ] {
        let mistakes = with(server, upstream).unwrap_err().join("\n");
        assert!(mistakes.starts_with("server.approval_url: ") && mistakes.contains(part), "{server}: {mistakes}");
    }
}

#[test]
fn who_may_come_in_and_how_often_they_may_guess_is_configured() {
    let more = "[account]\nsignup = \"closed\"\n[limits]\naccount_failures = 20\n[second_factor]\ntotp_steps_back = 0\n\
                [password]\nwords = [\"acme\", \" rocket \"]";
    let settings = read(&format!("{LEAST}\n{more}")).unwrap().settings;
    assert!(!settings.signup && settings.totp_steps_back == 0);
    assert_eq!((settings.limits.account.at_most, settings.limits.device.at_most), (Some(20), Some(20)));
    assert_eq!(settings.password_words, ["acme", "rocket"]);
    let least = read(LEAST).unwrap().settings;
    assert!(least.signup && least.totp_steps_back == 1 && least.limits == cloakroom_app::Limits::default());
    for (more, part) in [
        (
            "[[upstream]]\nto = \"http://127.0.0.1:3000\"\naccess = \"signed-in\"\nclaims = [\"name\"]",
            "claims: \"name\" is not told; there is \"email\"",
        ),
        (
            "[[upstream]]\nto = \"http://127.0.0.1:3000\"\naccess = \"public\"\nclaims = [\"email\"]",
            "claims: no session is looked at where access = \"public\"",
        ),
        ("[password]\nlog_in = false", "password.log_in: without passwords nobody could log in"),
        ("[account]\nsignup = \"maybe\"", "account.signup: \"maybe\" is not one of \"open\", \"closed\""),
        ("[limits]\naccount_failures = 9", "limits.account_failures: 9 is not between 10 and 100"),
        ("[limits]\naccount_failures = 101", "limits.account_failures: 101 is not between 10 and 100"),
        ("[second_factor]\ntotp_steps_back = 2", "second_factor.totp_steps_back: 2 is not between 0 and 1"),
        ("[password]\nwords = [\"x\"]", "password.words: \"x\" has not 2 to 64 characters"),
    ] {
        let mistakes = mistakes_in(more, "");
        assert!(mistakes.contains(part), "{more}: {mistakes}");
    }
    let token = |token: &str| {
        let text = LEAST.replace("[server]", &format!("[server]\nadmin_token = \"{token}\""));
        read(&text).map(|config| (config.admin_token.is_some(), format!("{config:?}")))
    };
    let (is_there, shown) = token("hunter2hunter2hunter2hunter2hunter2").unwrap();
    assert!(is_there && !shown.contains("hunter2"));
    let mistakes = token("hunter2").unwrap_err().join("\n");
    assert!(mistakes.contains("server.admin_token: use 32 to 256") && !mistakes.contains("hunter2"), "{mistakes}");
}

#[test]
fn upstreams_say_which_calls_are_approved_and_where_a_second_factor_is_required() {
    let signed_in = |more: &str| {
        let text = LEAST.replace("\"public\"", "\"signed-in\"");
        read(&format!("{text}\npath = \"/api\"\nname = \"api\"\n{more}"))
    };
    let config = signed_in(
        "step_up = [{ method = \"POST\", path = \"/api/transfer\", show = [\"to\"] }, { path = \"/api/admin/**\" }]\n\
         second_factor_for = [\"/api/admin/\", \"/api/keys\"]",
    )
    .unwrap();
    let routes: Vec<_> = config.upstreams.iter().map(|one| (one.name.as_str(), one.path.as_str())).collect();
    assert_eq!(routes, [("api", "/api"), ("api.second-factor-1", "/api/admin"), ("api.second-factor-2", "/api/keys")]);
    assert_eq!(config.second_factor, ["api.second-factor-1", "api.second-factor-2"]);
    assert_eq!(config.upstreams[0].step_up[0].show, ["to"]);
    assert_eq!((config.upstreams[0].step_up.len(), config.upstreams[1].step_up.len()), (1, 1));
    assert!(config.upstreams.iter().all(|one| one.audience == "http://127.0.0.1:3000"));
    assert_eq!(signed_in("second_factor = \"required\"").unwrap().second_factor, ["api"]);
    assert!(signed_in("second_factor = \"optional\"").unwrap().second_factor.is_empty());
    for (more, part) in [
        ("second_factor = \"maybe\"", "upstream[0].second_factor: \"maybe\" is not one of"),
        ("second_factor_for = [\"/admin\"]", "upstream[0].second_factor_for: \"/admin\" is not below this upstream"),
        ("second_factor_for = [\"/api/\"]", "upstream[0].second_factor_for: \"/api/\" is not below this upstream"),
        ("second_factor_for = [\"/api/a b\"]", "upstream[0].second_factor_for: path must start with"),
        ("second_factor_for = [\"/api/a\", \"/api/A\"]", "upstream[0].second_factor_for: another upstream serves"),
        ("second_factor_for = [\"/api/a\"]\nstrip_prefix = true", "not together with strip_prefix"),
        ("second_factor_for = [\"/api/a\"]\nsecond_factor = \"required\"", "says it for every path already"),
        ("step_up = [{ method = \"POST\" }]", "upstream[0].step_up[0].path: this is required"),
        (
            "step_up = [{ method = \"post\", path = \"/api/x\" }]",
            "upstream[0].step_up[0].method: \"post\" is not a method",
        ),
        (
            "step_up = [{ method = \"FETCH\", path = \"/api/x\" }]",
            "upstream[0].step_up[0].method: \"FETCH\" is not a method",
        ),
        (
            "step_up = [{ path = \"/api/x\", show = [\"to\", \"a\", \"to\"] }]",
            "upstream[0].step_up[0].show: \"to\" is there twice",
        ),
        ("step_up = [{ path = \"/other\" }]", "upstream[0].step_up: step_up[0].path must begin with"),
        ("step_up = [{ path = \"/api/x\", show = [\"\"] }]", "upstream[0].step_up: step_up[0].show must be"),
        ("step_up = [{ path = \"/api/x\", colour = 1 }]", "upstream[0].step_up[0].colour: there is no such key"),
    ] {
        let mistakes = signed_in(more).unwrap_err().join("\n");
        assert!(mistakes.contains(part) && mistakes.lines().count() == 1, "{more}: {mistakes}");
    }
    for more in ["step_up = [{ path = \"/x\" }]", "second_factor = \"required\"", "second_factor_for = [\"/x\"]"] {
        let mistakes = mistakes_in("", more);
        assert!(mistakes.contains("this is for access = \"signed-in\" only"), "{more}: {mistakes}");
    }
}

#[test]
fn the_committed_references_are_fresh() {
    for (file, made) in [
        ("cloakroom.schema.json", json_schema()),
        ("configuration.md", crate::reference::configuration()),
        ("routes.md", crate::reference::routes()),
        ("openapi.json", crate::reference::openapi()),
    ] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference").join(file);
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == made, "docs/reference/{file} is stale: run cargo xtask generate");
    }
}
