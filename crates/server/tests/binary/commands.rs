//! The commands that end by themselves, and everything that keeps a server from starting: each told in one clear line,
//! with the exit code of the house (1: it could not, 2: it was asked wrongly).

use crate::house::House;
use crate::program::{code, command, run, text};
use crate::upstream::Upstream;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

/// The one line that a failed start says.
async fn only_line_of_failure(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments).await;
    let errors = text(&output.stderr);
    assert_eq!(code(&output), 1, "{errors}");
    assert_eq!(text(&output.stdout), "");
    let lines: Vec<_> = errors.lines().filter(|line| !line.contains(" INFO ")).collect();
    assert_eq!(lines.len(), 1, "{errors}");
    assert!(lines[0].starts_with("cloakroom: "), "{errors}");
    lines[0].to_owned()
}

#[tokio::test]
async fn every_command_has_a_help_that_teaches() {
    let folder = tempfile::tempdir().unwrap();
    let commands: [(&[&str], &str); 19] = [
        (&[], "Try it first"),
        (&["demo"], "--port"),
        (&["serve"], "SIGHUP"),
        (&["check"], "--json"),
        (&["keys"], "revoke"),
        (&["keys", "list"], "--json"),
        (&["keys", "rotate"], "--now"),
        (&["keys", "revoke"], "<KEY>"),
        (&["accounts"], "beside a running server"),
        (&["accounts", "list"], "--json"),
        (&["accounts", "show"], "second factors"),
        (&["accounts", "create"], "no mail is configured"),
        (&["accounts", "disable"], "ended at once"),
        (&["accounts", "enable"], "stay ended"),
        (&["accounts", "delete"], "--yes"),
        (&["accounts", "reset"], "no mail is configured"),
        (&["accounts", "export"], "GDPR"),
        (&["accounts", "import"], "one JSON object a line"),
        (&["schema"], "JSON Schema"),
    ];
    for (command, teaches) in commands {
        let output = run(folder.path(), &[command, &["--help"]].concat()).await;
        assert_eq!(code(&output), 0, "{command:?}");
        let help = text(&output.stdout);
        assert!(help.contains(teaches) && help.contains("Usage: cloakroom"), "{command:?}: {help}");
    }
    let nothing = run(folder.path(), &[]).await;
    assert_eq!(code(&nothing), 2, "asked for nothing");
    let version = run(folder.path(), &["--version"]).await;
    assert_eq!(text(&version.stdout), format!("cloakroom {}\n", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn check_reports_every_mistake_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = r#"
        [server]
        public_url = "http://example.com"
        listen = ["8080"]
        colour = "blue"
        [session]
        profile = "odd"
        access_for = "20s"
        [password]
        min_characters = 4
        [[upstream]]
        path = "/auth/mine"
        to = "http://127.0.0.1:3000"
        access = "maybe"
    "#;
    std::fs::write(folder.path().join("wrong.toml"), wrong).unwrap();
    let paths = [
        "server.public_url",
        "server.listen",
        "server.colour",
        "session.profile",
        "session.access_for",
        "password.min_characters",
        "upstream[0].path",
        "upstream[0].access",
    ];
    let told = run(folder.path(), &["check", "--config", "wrong.toml"]).await;
    let lines = text(&told.stderr);
    assert_eq!(code(&told), 2);
    assert!(lines.starts_with("cloakroom: 8 mistakes in wrong.toml:\n"), "{lines}");
    for path in paths {
        assert!(lines.contains(&format!("\n  {path}: ")), "{path} is missing in {lines}");
    }
    let listed = run(folder.path(), &["check", "--config", "wrong.toml", "--json"]).await;
    assert_eq!(code(&listed), 2);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed["ok"], json!(false));
    let mut found: Vec<_> = listed["mistakes"].as_array().unwrap().iter().map(|one| one["path"].clone()).collect();
    let mut wanted = paths.map(Value::from).to_vec();
    found.sort_by_key(ToString::to_string);
    wanted.sort_by_key(ToString::to_string);
    assert_eq!(found, wanted);
    // What cannot be checked cannot be served.
    let served = run(folder.path(), &["serve", "--config", "wrong.toml"]).await;
    assert_eq!((code(&served), text(&served.stderr)), (2, lines));
}

#[tokio::test]
async fn check_says_that_a_good_configuration_is_good_and_changes_nothing() {
    let house = House::before(NOWHERE);
    house.write();
    let told = run(house.folder(), &["check", "--config", "cloakroom.toml"]).await;
    assert_eq!(code(&told), 0, "{}", text(&told.stderr));
    assert!(text(&told.stdout).contains("3 upstream(s)"), "{}", text(&told.stdout));
    let listed = run(house.folder(), &["check", "--json"]).await;
    assert_eq!(serde_json::from_slice::<Value>(&listed.stdout).unwrap(), json!({ "ok": true, "mistakes": [] }));
    let files: Vec<_> = std::fs::read_dir(house.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["cloakroom.toml"]);
}

#[tokio::test]
async fn check_notes_what_stays_possible_without_mail_and_without_an_origin_for_approvals() {
    let mut house = House::before(NOWHERE);
    let notes = async |house: &House| {
        house.write();
        let told = run(house.folder(), &["check"]).await;
        assert_eq!(code(&told), 0, "{}", text(&told.stderr));
        let errors = text(&told.stderr);
        (errors.contains("nobody can reset a password"), errors.contains("server.approval_url"))
    };
    assert_eq!(notes(&house).await, (true, false));
    house.config["upstream"][1]["step_up"] = json!([{ "method": "POST", "path": "/app/transfer" }]);
    assert_eq!(notes(&house).await, (true, true));
    house.config["server"]["approval_url"] = json!(format!("http://approve.localhost:{}", house.port()));
    house.config["mail"] = json!({ "from": "a@b.example", "folder": house.folder().join("mails") });
    assert_eq!(notes(&house).await, (false, false));
    assert!(!house.folder().join("mails").exists(), "check changes nothing");
}

#[tokio::test]
async fn check_notes_hosts_where_a_log_in_with_a_provider_would_be_of_no_use() {
    let mut house = House::before(NOWHERE);
    house.config["server"]["public_url"] = json!(format!("http://app.cloak.localhost:{}", house.port()));
    house.config["upstream"][1]["host"] = json!("api.cloak.localhost");
    let notes = async |house: &House| {
        house.write();
        let told = run(house.folder(), &["check"]).await;
        assert_eq!(code(&told), 0, "{}", text(&told.stderr));
        text(&told.stderr).contains("nobody can log in with a [[provider]] on api.cloak.localhost:")
    };
    assert!(!notes(&house).await, "there is no provider");
    house.config["provider"] = json!([{
        "id": "sso", "issuer": "https://sso.example.com", "client_id": "cloakroom", "client_secret": "only for this test"
    }]);
    assert!(notes(&house).await);
    house.config["cookie"] = json!({ "domain": "cloak.localhost" });
    assert!(!notes(&house).await, "the session is good there");
}

#[tokio::test]
async fn mail_settings_that_cannot_work_stop_the_start_and_a_server_that_is_away_does_not() {
    let upstream = Upstream::start("first").await;
    let mut house = House::before(upstream.address);
    let closed = crate::house::Port::free();
    house.config["mail"] = json!({ "from": "a@b.example", "smtp": format!("smtp://localhost:{}", closed.number()) });
    let server = house.serve().await;
    let signup = json!({ "email": "ann@example.com", "password": crate::visitor::PASSWORD });
    let answer = house.visitor().fetch("POST", "/auth/signup", Some(signup)).await.unwrap();
    assert_eq!(answer.status, 202, "{}", answer.text());
    server.says("a mail was not sent", 1).await;
    let log = server.stop().await;
    assert!(!log.contains("ann@example.com"), "{log}");

    let open = house.folder().join("mails");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
    house.config["mail"] = json!({ "from": "a@b.example", "folder": open });
    house.write();
    let line = only_line_of_failure(house.folder(), &["serve", "--config", "cloakroom.toml"]).await;
    assert!(line.contains("mail.folder") && line.contains("chmod 700"), "{line}");
}

#[tokio::test]
async fn the_environment_overrides_the_file_and_its_mistakes_are_reported_with_the_others() {
    let house = House::before(NOWHERE);
    house.write();
    let mut check = command(house.folder(), ["check"]);
    check.env("CLOAKROOM_SESSION_PROFILE", "odd").env("CLOAKROOM_CELLAR_DOOR", "open");
    let told = text(&check.output().await.unwrap().stderr);
    assert!(
        told.contains("2 mistakes") && told.contains("session.profile: ") && told.contains("CLOAKROOM_CELLAR_DOOR: "),
        "{told}"
    );
}

#[tokio::test]
async fn an_environment_that_is_no_text_is_no_reason_to_panic() {
    let house = House::before(NOWHERE);
    house.write();
    let garbage = OsStr::from_bytes(b"\xff\xfe");
    let output = command(house.folder(), ["check"]).env("SOMEBODY_ELSES", garbage).output().await.unwrap();
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let output = command(house.folder(), ["check"]).env("CLOAKROOM_SESSION_PROFILE", garbage).output().await.unwrap();
    assert_eq!(code(&output), 2, "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("CLOAKROOM_SESSION_PROFILE"), "{}", text(&output.stderr));
}

/// Kubernetes tells every container of a namespace about a service called `cloakroom` in these variables.
#[tokio::test]
async fn what_an_orchestrator_says_about_a_service_of_this_name_is_not_configuration() {
    let house = House::before(NOWHERE);
    house.write();
    let mut check = command(house.folder(), ["check"]);
    check.envs([
        ("CLOAKROOM_SERVICE_HOST", "10.0.0.7"),
        ("CLOAKROOM_SERVICE_PORT", "8080"),
        ("CLOAKROOM_SERVICE_PORT_HTTP", "8080"),
        ("CLOAKROOM_PORT", "tcp://10.0.0.7:8080"),
        ("CLOAKROOM_PORT_8080_TCP", "tcp://10.0.0.7:8080"),
        ("CLOAKROOM_PORT_8080_TCP_ADDR", "10.0.0.7"),
    ]);
    let output = check.output().await.unwrap();
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
}

#[tokio::test]
async fn a_configuration_that_cannot_be_read_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("folder.toml")).unwrap();
    std::fs::write(folder.path().join("bytes.toml"), b"\xff\xfe").unwrap();
    for command in ["check", "serve"] {
        for (file, why) in [("nowhere.toml", "No such file"), ("folder.toml", "directory"), ("bytes.toml", "UTF-8")] {
            let line = only_line_of_failure(folder.path(), &[command, "--config", file]).await;
            assert!(line.contains(file) && line.contains(why), "{line}");
        }
    }
    std::fs::write(folder.path().join("half.toml"), "[server]\npublic_url = \"http").unwrap();
    let output = run(folder.path(), &["check", "--config", "half.toml"]).await;
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("line 2: this is not TOML"), "{}", text(&output.stderr));
}

#[tokio::test]
async fn a_master_key_that_others_can_read_or_that_is_another_one_stops_the_start() {
    let upstream = Upstream::start("first").await;
    let house = House::before(upstream.address);
    house.serve().await.stop().await;
    let key = house.folder().join("cloakroom.db.master-key");
    let serve = ["serve", "--config", "cloakroom.toml"];
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600, "made for its owner only");

    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
    let line = only_line_of_failure(house.folder(), &serve).await;
    assert!(line.contains("mode 0640") && line.contains("chmod 600"), "{line}");

    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let kept = std::fs::read(&key).unwrap();
    std::fs::write(&key, "not a key\n").unwrap();
    let line = only_line_of_failure(house.folder(), &serve).await;
    assert!(line.contains("is not a master key"), "{line}");

    std::fs::write(&key, format!("{}\n", "00".repeat(32))).unwrap();
    let line = only_line_of_failure(house.folder(), &serve).await;
    assert!(line.contains("master key"), "{line}");

    std::fs::write(&key, kept).unwrap();
    house.serve().await.stop().await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let line = only_line_of_failure(folder.path(), &["demo", "--port", &port]).await;
    assert!(line.contains(&format!("port {port} is taken")) && line.contains("--port"), "{line}");

    for key in ["listen", "admin_listen"] {
        let mut house = House::before(NOWHERE);
        let address = json!(taken.local_addr().unwrap());
        house.config["server"][key] = if key == "listen" { json!([address]) } else { address };
        house.write();
        let line = only_line_of_failure(house.folder(), &["serve", "--config", "cloakroom.toml"]).await;
        assert!(line.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{line}");
    }
}

#[tokio::test]
async fn a_certificate_that_is_none_is_one_clear_line() {
    let mut house = House::before(NOWHERE);
    for file in ["certificate.pem", "key.pem"] {
        std::fs::write(house.folder().join(file), "nothing\n").unwrap();
    }
    house.config["server"]["public_url"] = json!(format!("https://localhost:{}", house.port()));
    house.config["server"]["tls"] = json!({ "certificate_file": "certificate.pem", "key_file": "key.pem" });
    house.write();
    let line = only_line_of_failure(house.folder(), &["serve", "--config", "cloakroom.toml"]).await;
    assert!(line.contains("no certificate in certificate.pem"), "{line}");
    // What cannot be served is no good configuration, in either form.
    let told = run(house.folder(), &["check"]).await;
    assert_eq!((code(&told), text(&told.stderr)), (2, line.replace("cloakroom: ", "cloakroom: server.tls: ") + "\n"));
    let listed = run(house.folder(), &["check", "--json"]).await;
    assert_eq!(code(&listed), 2);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!((&listed["ok"], &listed["mistakes"][0]["path"]), (&json!(false), &json!("server.tls")));
}

#[tokio::test]
async fn logs_in_a_file_carry_no_terminal_colours() {
    let house = House::before(NOWHERE);
    let mut server = house.serve().await;
    server.signal(Signal::TERM);
    assert_eq!(server.ended().await.code(), Some(0));
    assert!(server.errors().contains("serving ") && !server.errors().contains('\u{1b}'), "{:?}", server.errors());
}

#[tokio::test]
async fn a_log_that_nobody_reads_any_longer_does_not_stop_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = command(folder.path(), ["schema"]);
    let (read, write) = std::io::pipe().unwrap();
    drop(read);
    program.stdout(write);
    let output = program.output().await.unwrap();
    assert!(!text(&output.stderr).contains("panicked"), "{}", text(&output.stderr));
}

#[tokio::test]
async fn the_schema_knows_every_key_that_the_example_uses() {
    let folder = tempfile::tempdir().unwrap();
    let schema: Value = serde_json::from_slice(&run(folder.path(), &["schema"]).await.stdout).unwrap();
    assert!(schema["$schema"].as_str().unwrap().starts_with("https://json-schema.org/"));
    assert_eq!(schema["additionalProperties"], json!(false), "a misspelt key is shown by the editor");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cloakroom.example.toml");
    let example = std::fs::read_to_string(&example).expect("there is an example");
    let values: toml::Table = uncommented(&example).parse().unwrap();
    fits(&schema, &schema, &serde_json::to_value(values).unwrap(), "cloakroom.example.toml");
    std::fs::write(folder.path().join("cloakroom.toml"), &example).unwrap();
    let checked = run(folder.path(), &["check"]).await;
    assert_eq!(code(&checked), 0, "{}", text(&checked.stderr));
}

/// The example with its commented-out keys and sections switched on.
fn uncommented(example: &str) -> String {
    let switched_on = |line: &str| {
        let rest = line.strip_prefix("# ")?;
        rest.parse::<toml::Table>().is_ok_and(|table| !table.is_empty()).then(|| rest.to_owned())
    };
    example.lines().map(|line| switched_on(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

/// Whether a value is what a schema asks for, in the words of JSON Schema that ours uses. A word that is new here fails.
fn fits(root: &Value, schema: &Value, value: &Value, at: &str) {
    for (word, means) in schema.as_object().unwrap() {
        match word.as_str() {
            "$schema" | "title" | "description" | "default" | "format" | "$defs" | "additionalProperties" => {}
            "$ref" => {
                let pointer = means.as_str().unwrap().strip_prefix('#').unwrap();
                fits(root, root.pointer(pointer).expect("a reference leads somewhere"), value, at);
            }
            "anyOf" => {
                let one = means.as_array().unwrap().iter().find(|one| one["type"] != "null").unwrap();
                fits(root, one, value, at);
            }
            "type" => assert!(is_a(means, value), "{at} is not {means}"),
            "minimum" => assert!(value.as_f64().is_none_or(|number| number >= means.as_f64().unwrap()), "{at}"),
            "maximum" => assert!(value.as_f64().is_none_or(|number| number <= means.as_f64().unwrap()), "{at}"),
            "items" => {
                for (index, item) in value.as_array().unwrap().iter().enumerate() {
                    fits(root, means, item, &format!("{at}[{index}]"));
                }
            }
            "properties" => {
                for (key, value) in value.as_object().unwrap() {
                    let at = format!("{at}.{key}");
                    fits(root, means.get(key).unwrap_or_else(|| panic!("{at} is unknown to the schema")), value, &at);
                }
            }
            other => panic!("{other} is a new word in the schema: teach this test what it means"),
        }
    }
}

fn is_a(kinds: &Value, value: &Value) -> bool {
    let one = |kind: &Value| match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{other} is a new type in the schema"),
    };
    kinds.as_array().map_or_else(|| one(kinds), |kinds| kinds.iter().any(one))
}
