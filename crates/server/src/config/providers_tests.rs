//! Providers as people configure them, rightly and wrongly.

use super::super::tests::{LEAST, read};
use super::Proof;

fn mistakes_in(provider: &str) -> String {
    read(&format!("{LEAST}\n[[provider]]\n{provider}")).map(|_| ()).unwrap_err().join("\n")
}

const GOOD: &str = "id = \"sso\"\nissuer = \"https://sso.example.com/realms/staff\"\nclient_id = \"cloakroom\"";

#[test]
fn a_provider_needs_an_id_an_issuer_a_client_and_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "hunter2\n").unwrap();
    let config = read(&format!("{LEAST}\n[[provider]]\n{GOOD}\nclient_secret_file = {:?}", file.display())).unwrap();
    let [provider] = &config.providers[..] else { panic!("one provider") };
    assert_eq!((provider.id.as_str(), provider.name.as_str()), ("sso", "sso"));
    assert_eq!(provider.redirect_uri, "https://app.example.com/auth/callback/sso");
    let Proof::Secret { secret, in_body: false } = &provider.proof else { panic!("{:?}", provider.proof) };
    assert_eq!(secret.plain().reveal(), b"hunter2");
    assert!(provider.opens_accounts && provider.logs_out && !provider.trusts_addresses && !provider.trusts_factors);
    assert!(!format!("{provider:?}").contains("hunter2"));

    let all = mistakes_in("");
    for key in ["id", "issuer", "client_id", "client_secret_file"] {
        assert!(all.contains(&format!("provider[0].{key}: this is required")), "{all}");
    }
}

#[test]
fn each_mistake_of_a_provider_is_told_at_its_key_and_no_secret_is_repeated() {
    let secret = "client_secret = \"hunter2\"";
    for (provider, part) in [
        (
            format!("{GOOD}\n{secret}\nclient_secret_file = \"/nowhere\""),
            "client_secret_file: the secret is there twice",
        ),
        (format!("{GOOD}\nclient_secret_file = \"/nowhere\""), "client_secret_file: \"/nowhere\" cannot be read"),
        (format!("{GOOD}\n{secret}\nclient_key_file = \"/nowhere\""), "client_key_file: with a key there is no secret"),
        (format!("{GOOD}\nclient_key_file = \"/nowhere\""), "client_key_file: /nowhere cannot be read"),
        (format!("{GOOD}\nclient_secret = \"\""), "client_secret: it is empty"),
        (format!("{GOOD}\n{secret}\nclient_secret_in = \"url\""), "client_secret_in: \"url\" is not one of"),
        (format!("{GOOD}\n{secret}\nscopes = [\"a b\"]"), "provider[0].scopes: a scope must be"),
        (format!("{GOOD}\n{secret}\nca_file = \"/nowhere\""), "ca_file: there is no file /nowhere"),
        (format!("{GOOD}\n{secret}\nname = \" \""), "name: give 1 to 60 characters"),
        (format!("{GOOD}\n{secret}\naccounts = \"mine\""), "accounts: \"mine\" is not one of \"open\", \"known\""),
        (format!("{}\n{secret}", GOOD.replace("https:", "http:")), "provider[0].issuer: the issuer:"),
        (format!("{}\n{secret}", GOOD.replace("\"sso\"", "\"S/o\"")), "provider[0].id: \"S/o\" is not 1 to 32"),
        (format!("{GOOD}\n{secret}\n[[provider]]\n{GOOD}\n{secret}"), "provider[1].id: \"sso\" is there twice"),
    ] {
        let mistakes = mistakes_in(&provider);
        assert!(mistakes.contains(part), "{provider}: {mistakes}");
        assert!(!mistakes.contains("hunter2"), "{mistakes}");
    }
}

#[test]
fn an_upstream_gets_the_token_of_a_provider_that_is_there_and_only_its_tokens_are_kept() {
    let provider = |id: &str| format!("[[provider]]\n{}\nclient_secret = \"hunter2\"", GOOD.replace("sso", id));
    let both = format!("{}\n{}", provider("sso"), provider("other"));
    let upstream = |rest: &str| format!("[[upstream]]\npath = \"/drive\"\nto = \"http://127.0.0.1:4000\"\n{rest}");
    let good = upstream("access = \"signed-in\"\ntoken_from = \"sso\"");
    let config = read(&format!("{LEAST}\n{good}\n{both}")).unwrap();
    let kept: Vec<_> = config.providers.iter().map(|one| (one.id.as_str(), one.keeps_tokens)).collect();
    assert_eq!(kept, [("sso", true), ("other", false)]);
    assert_eq!(config.upstreams.iter().filter_map(|one| one.token_from.as_deref()).collect::<Vec<_>>(), ["sso"]);

    for (rest, part) in [
        ("access = \"public\"\ntoken_from = \"sso\"", "token_from: not with access = \"public\""),
        (
            "access = \"signed-in\"\ntoken_from = \"sso\"\naudience = \"drive\"",
            "token_from: not together with audience",
        ),
        ("access = \"signed-in\"\ntoken_from = \"sso\"\nclaims = [\"email\"]", "claims: not together with token_from"),
        (
            "access = \"signed-in\"\ntoken_from = \"nobody\"",
            "token_from: there is no [[provider]] with the id \"nobody\"",
        ),
    ] {
        let mistakes = read(&format!("{LEAST}\n{}\n{both}", upstream(rest))).map(|_| ()).unwrap_err().join("\n");
        assert!(mistakes.contains(part), "{mistakes}");
    }
}
