//! What `sslmode` means against a server that takes nobody without TLS.

use crate::server::Server;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cloakroom_store::{Error, Outage, Postgres, Store as _};
use std::os::unix::fs::PermissionsExt;

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

#[tokio::test]
async fn every_sslmode_encrypts_and_only_verify_full_asks_who_answers() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(file("certificate"), pem("CERTIFICATE", made.cert.der())).unwrap();
    std::fs::write(file("key"), pem("PRIVATE KEY", &made.signing_key.serialize_der())).unwrap();
    std::fs::set_permissions(file("key"), PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::write(file("hba"), "hostssl all all 127.0.0.1/32 scram-sha-256\n").unwrap();
    let settings = [
        ("ssl", "on"),
        ("ssl_cert_file", &file("certificate")),
        ("ssl_key_file", &file("key")),
        ("hba_file", &file("hba")),
    ];
    let server = Server::start(folder.path(), &settings).unwrap();
    server.make_database("coats").unwrap();
    let url = server.url("coats");
    let by_name = url.replace("127.0.0.1", "localhost");
    let certified = format!("sslmode=verify-full&sslrootcert={}", file("certificate"));
    for (url, query, opens) in [
        (&url, "sslmode=disable", false),
        (&url, "", true),
        (&url, "sslmode=prefer", true),
        (&url, "sslmode=require", true),
        // SCRAM-SHA-256-PLUS: the password is bound to this very connection.
        (&url, "sslmode=require&channel_binding=require", true),
        (&by_name, &certified, true),
        // The certificate is for localhost.
        (&url, &certified, false),
        // This machine trusts nobody who has signed it.
        (&by_name, "sslmode=verify-full", false),
    ] {
        match Postgres::open(&format!("{url}?{query}"), 1).await {
            Ok(store) if opens => {
                store.ping().await.unwrap();
                store.close().await;
            }
            Err(Error::Unavailable(Outage::Io(_))) if !opens => {}
            Ok(_) => panic!("{query} opened"),
            Err(error) => panic!("{query}: {error}"),
        }
    }
}
