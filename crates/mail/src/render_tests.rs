//! Every kind of letter, rendered with friendly and with hostile values.

use super::*;
use std::collections::BTreeSet;

const ORIGIN: &str = "https://notes.example";
const TOKEN: &str = "b4Yd-Tq_oken256bits";

fn site() -> Site {
    Site { name: "notes.example".into(), origin: ORIGIN.into() }
}

fn way(value: &str) -> Way {
    Way {
        link: format!("{ORIGIN}/auth/mailed#t={TOKEN}"),
        page: format!("{ORIGIN}/auth/mailed"),
        code: format!("K7QX-9MPA{value}"),
        good_for: format!("30 minutes{value}"),
    }
}

fn place(value: &str) -> Place {
    Place {
        device: format!("Firefox on Linux{value}"),
        address: format!("2001:db8::7{value}"),
        at: format!("2026-11-22 16:30 UTC{value}"),
    }
}

/// The sample after `last`, so that every kind has one: a new kind does not compile until it stands here, and is
/// missed by `every_kind_of_letter_has_its_templates` until another leads to it. `value` ends every free value.
fn after(last: Option<&About>, value: &str) -> Option<About> {
    let forgot = format!("{ORIGIN}/auth/forgot");
    let what = format!("a passkey named \"Phone\"{value}");
    Some(match last {
        None => About::ConfirmAddress(way(value)),
        Some(About::ConfirmAddress(_)) => About::AddressTaken { login: format!("{ORIGIN}/auth/login"), forgot },
        Some(About::AddressTaken { .. }) => About::ResetPassword(way(value)),
        Some(About::ResetPassword(_)) => About::Invitation(way(value)),
        Some(About::Invitation(_)) => About::PasswordChanged { place: place(value), forgot },
        Some(About::PasswordChanged { .. }) => About::PasswordLocked { forgot },
        Some(About::PasswordLocked { .. }) => About::FactorFailed { place: place(value), forgot },
        Some(About::FactorFailed { .. }) => About::ConfirmNewAddress(way(value)),
        Some(About::ConfirmNewAddress(_)) => {
            About::AddressChanged {
                to: format!("a•••@e•••.com{value}"), place: place(value), back: way(value)
            }
        }
        Some(About::AddressChanged { .. }) => About::NewDevice {
            place: place(value),
            reasons: vec![
                format!("This browser has no device cookie of yours.{value}"),
                format!("The network is new.{value}"),
            ],
            revoke: way(value),
        },
        Some(About::NewDevice { .. }) => About::FactorAdded { what, place: place(value), forgot },
        Some(About::FactorAdded { .. }) => About::FactorRemoved { what, place: place(value), forgot },
        Some(About::FactorRemoved { .. }) => About::ResetForYou(way(value)),
        Some(About::ResetForYou(_)) => About::FactorsRemovedForYou {
            at: format!("2026-11-22 16:30 UTC{value}"),
            account: format!("{ORIGIN}/auth/account"),
        },
        Some(About::FactorsRemovedForYou { .. }) => About::RecoveryCodeUsed { left: 7, place: place(value), forgot },
        Some(About::RecoveryCodeUsed { .. }) => {
            About::ApprovalCode { code: "48151623".into(), what, good_for: format!("5 minutes{value}") }
        }
        Some(About::ApprovalCode { .. }) => About::AccountDeleted,
        Some(About::AccountDeleted) => return None,
    })
}

fn samples(value: &str) -> Vec<Letter> {
    let abouts = std::iter::successors(after(None, value), |last| after(Some(last), value));
    abouts.map(|about| Letter { to: "ann@example.com".into(), about }).collect()
}

/// Its serialised name, which is the name of its templates.
fn name(letter: &Letter) -> String {
    match serde_json::to_value(&letter.about).unwrap() {
        serde_json::Value::String(name) => name,
        other => other.as_object().unwrap().keys().next().unwrap().clone(),
    }
}

/// HTML as a reader gets it.
fn unescaped(html: &str) -> String {
    let pairs = [("&#x2f;", "/"), ("&#x27;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    pairs.into_iter().fold(html.to_owned(), |text, (from, to)| text.replace(from, to))
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The link, page and code of a letter, and other pages that it names.
fn must_stand(about: &About) -> Vec<String> {
    let all = |way: &Way| vec![way.link.clone(), way.page.clone(), way.code.clone(), way.good_for.clone()];
    match about {
        About::ConfirmAddress(way)
        | About::ResetPassword(way)
        | About::Invitation(way)
        | About::ResetForYou(way)
        | About::ConfirmNewAddress(way)
        | About::AddressChanged { back: way, .. }
        | About::NewDevice { revoke: way, .. } => all(way),
        About::AddressTaken { login, forgot } => vec![login.clone(), forgot.clone()],
        About::PasswordChanged { forgot, .. }
        | About::PasswordLocked { forgot }
        | About::FactorFailed { forgot, .. }
        | About::FactorAdded { forgot, .. }
        | About::FactorRemoved { forgot, .. }
        | About::RecoveryCodeUsed { forgot, .. } => vec![forgot.clone()],
        About::ApprovalCode { code, what, good_for } => vec![code.clone(), what.clone(), good_for.clone()],
        About::FactorsRemovedForYou { at, account } => vec![at.clone(), account.clone()],
        About::AccountDeleted => Vec::new(),
    }
}

#[test]
fn every_kind_of_letter_has_its_templates() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/templates");
    let files: BTreeSet<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let kinds: Vec<String> = samples("").iter().map(name).chain(["layout".into(), "parts".into()]).collect();
    let wanted = kinds.iter().flat_map(|kind| [format!("{kind}.txt"), format!("{kind}.html")]).collect();
    assert_eq!(files, wanted);
}

#[test]
fn both_texts_hold_every_link_page_and_code() {
    for letter in samples("") {
        let mail = render(&letter, &site()).unwrap();
        for value in must_stand(&letter.about) {
            assert!(words(&mail.text).contains(&value), "{}: {value} in\n{}", name(&letter), mail.text);
            assert!(unescaped(&mail.html).contains(&value), "{}: {value} in\n{}", name(&letter), mail.html);
        }
    }
}

#[test]
fn a_link_is_a_button_and_plain_text() {
    for letter in samples("") {
        let html = render(&letter, &site()).unwrap().html;
        for link in must_stand(&letter.about).iter().filter(|value| value.starts_with("http")) {
            assert!(
                html.contains(&format!("href=\"{link}\"")) && html.contains(&format!(">{link}<")),
                "{link} in\n{html}"
            );
        }
    }
}

#[test]
fn every_link_is_on_the_site_and_carries_its_token_after_the_number_sign() {
    for letter in samples("") {
        let mail = render(&letter, &site()).unwrap();
        for text in [&mail.text, &unescaped(&mail.html)] {
            for (at, _) in text.match_indices("http") {
                let link = text[at..].split(|c: char| c.is_whitespace() || "\"<>".contains(c)).next().unwrap();
                assert!(site().holds(link), "{}: {link}", name(&letter));
                assert!(!link.split('#').next().unwrap().contains(TOKEN), "{link}");
            }
            for (at, _) in text.match_indices(TOKEN) {
                assert!(text[..at].ends_with(&format!("{ORIGIN}/auth/mailed#t=")), "{}", name(&letter));
            }
        }
    }
}

#[test]
fn every_mail_says_why_it_came_what_to_do_and_that_nobody_asks_for_a_password() {
    for letter in samples("") {
        let mail = render(&letter, &site()).unwrap();
        for text in [words(&mail.text), words(&mail.html)] {
            for part in ["You get this mail because", "If ", " not you", "We never ask for your password by mail"] {
                let invited = name(&letter) == "invitation" && text.contains("If you do not know what this is about");
                let guessed = name(&letter) == "password-locked" && text.contains("If the guesses were not yours");
                assert!(
                    text.contains(part) || (part == " not you" && (invited || guessed)),
                    "{}: {part}",
                    name(&letter)
                );
            }
        }
    }
}

#[test]
fn text_is_at_most_76_columns_wide_and_each_link_has_its_own_line() {
    for letter in samples("") {
        let text = render(&letter, &site()).unwrap().text;
        for line in text.lines() {
            let link = line.starts_with("http");
            assert!(link || (line.chars().count() <= 76 && !line.contains("http")), "{}: {line}", name(&letter));
            assert!(!line.ends_with(' ') && !line.starts_with(['>', ' ']), "{}: {line}", name(&letter));
        }
    }
}

#[test]
fn html_loads_nothing_and_runs_nothing() {
    for letter in samples("") {
        let html = render(&letter, &site()).unwrap().html;
        let plain = html.to_lowercase();
        for absent in
            ["<img", "<script", "<style", "<link", "<table", "<iframe", "src=", "url(", "@import", "<form", " on"]
        {
            let innocent = absent == " on"
                && !plain.contains(" onclick")
                && !plain.contains(" onload")
                && !plain.contains(" onerror");
            assert!(innocent || !plain.contains(absent), "{}: {absent}", name(&letter));
        }
        for present in
            ["<html lang=\"en\"", "max-width: 560px", "name=\"color-scheme\" content=\"light dark\"", "<title>"]
        {
            assert!(html.contains(present), "{}: {present}", name(&letter));
        }
        let opened = |tag: &str| {
            (
                html.matches(&format!("<{tag} ")).count() + html.matches(&format!("<{tag}>")).count(),
                html.matches(&format!("</{tag}>")).count(),
            )
        };
        for tag in ["p", "a", "div", "ul", "li", "strong", "h1", "body", "html", "head", "title"] {
            let (begun, ended) = opened(tag);
            assert_eq!(begun, ended, "{}: <{tag}>", name(&letter));
        }
    }
}

#[test]
fn nothing_is_left_unfilled() {
    for letter in samples("") {
        let mail = render(&letter, &site()).unwrap();
        for text in [mail.subject, mail.text, mail.html] {
            assert!(!text.contains("{{") && !text.contains("{%") && !text.contains("undefined"), "{text}");
        }
    }
}

#[test]
fn subjects_differ_are_short_and_hold_no_value() {
    let hostile = samples(" eve");
    let subjects: BTreeSet<String> = hostile.iter().map(|letter| render(letter, &site()).unwrap().subject).collect();
    assert_eq!(subjects.len(), hostile.len());
    for subject in subjects {
        assert!(subject.chars().count() <= 78 && subject.contains("notes.example"), "{subject}");
        assert!(
            !["eve", "K7QX", "48151623", "2001", "Phone", TOKEN].iter().any(|value| subject.contains(value)),
            "{subject}"
        );
    }
}

#[test]
fn hostile_values_stay_values() {
    let markup = "<script>alert(1)</script><img src=x onerror=y>\"'&{{ 7 * 7 }}{% raw %}";
    for letter in samples(markup) {
        let mail = render(&letter, &site()).unwrap();
        assert!(
            !mail.html.contains("<script") && !mail.html.contains("<img") && !mail.text.contains("49"),
            "{}",
            name(&letter)
        );
    }
    for letter in samples("\r\nBcc: eve@evil.example\r\n\r\n.\r\nQUIT\u{0}\u{1b}[2J\u{2028}\u{85}") {
        let mail = render(&letter, &site()).unwrap();
        assert!(!mail.subject.contains(['\r', '\n']) && !mail.text.contains('\r'), "{}", name(&letter));
        // Folding may put any word at the start of a line; a value makes no paragraph of its own.
        assert!(!mail.text.contains("Bcc: eve@evil.example\n\n"), "{}", mail.text);
        assert!(!mail.text.contains(|c: char| c.is_control() && c != '\n'), "{}", name(&letter));
    }
    for letter in samples("\u{202E}moc.live\u{2066}\u{200B}") {
        let mail = render(&letter, &site()).unwrap();
        let hidden = ['\u{202E}', '\u{2066}', '\u{200B}'];
        assert!(!mail.text.contains(hidden) && !mail.html.contains(hidden), "{}", name(&letter));
    }
    for letter in samples(&" long".repeat(100_000)) {
        let mail = render(&letter, &site()).unwrap();
        assert!(mail.text.len() < 8_000 && mail.html.len() < 16_000, "{}: {}", name(&letter), mail.html.len());
    }
}

#[test]
fn what_others_chose_is_no_link_for_a_mail_program() {
    let what = "a passkey named \"Your account is blocked, see https://evil.example or www.evil.example\"".to_owned();
    let about = About::FactorAdded { what, place: place(""), forgot: format!("{ORIGIN}/auth/forgot") };
    let mail = render(&Letter { to: "ann@example.com".into(), about }, &site()).unwrap();
    for text in [&mail.text, &unescaped(&mail.html)] {
        assert!(text.contains("evil") && !text.contains("evil.example") && !text.contains("https://evil"), "{text}");
    }
}

#[test]
fn a_link_to_another_site_is_refused() {
    for link in [
        "https://evil.example/auth/forgot",
        "javascript:alert(1)",
        "/auth/forgot",
        "https://notes.example.evil.example/",
    ] {
        let letter = Letter { to: "ann@example.com".into(), about: About::PasswordLocked { forgot: link.into() } };
        assert_eq!(render(&letter, &site()).err(), Some(Unrenderable::ForeignLink), "{link}");
    }
}

#[test]
fn a_token_that_servers_would_see_is_refused() {
    let base = format!("{ORIGIN}/auth/mailed");
    for (link, page) in [
        (format!("{base}?t={TOKEN}"), base.clone()),
        (format!("{base}?t={TOKEN}#x"), base.clone()),
        (base.clone(), base.clone()),
        (format!("{base}#"), base.clone()),
        (format!("{base}#t={TOKEN}"), format!("{base}#t={TOKEN}")),
        (format!("{base}#t={TOKEN}"), format!("{base}?t={TOKEN}")),
    ] {
        let letter = Letter { to: "a@b.example".into(), about: About::ResetPassword(Way { link, page, ..way("") }) };
        assert_eq!(render(&letter, &site()).err(), Some(Unrenderable::TokenOutsideFragment));
    }
}

#[test]
fn numbers_of_codes_left_read_well() {
    for (left, words) in [(0, "It was the last one"), (1, "One code is left"), (2, "2 codes are left")] {
        let about = About::RecoveryCodeUsed { left, place: place(""), forgot: format!("{ORIGIN}/auth/forgot") };
        let text = render(&Letter { to: "ann@example.com".into(), about }, &site()).unwrap().text;
        assert!(text.replace('\n', " ").contains(words), "{text}");
    }
}
