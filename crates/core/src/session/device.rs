//! What to call a device in its owner's list, from the `User-Agent` of the log-in. A label for people, never a proof:
//! browsers freeze and forge this header.

use woothee::parser::Parser;
use woothee::woothee::VALUE_UNKNOWN;

/// The name of a device that says nothing of itself.
pub const UNKNOWN_DEVICE: &str = "Unknown device";

/// A name such as `Firefox on Linux`; where nothing is known, the program's own name (`curl`), else `Unknown device`.
/// Never longer than 64 characters.
pub fn device_name(user_agent: &str) -> String {
    let known = |name: &str| (![VALUE_UNKNOWN, "HTTP Library", ""].contains(&name)).then(|| name.to_owned());
    let parsed = Parser::new().parse(user_agent);
    let (name, os) = parsed.map_or((None, None), |found| (known(found.name), known(found.os)));
    let label = match (name, os) {
        (Some(name), Some(os)) => format!("{name} on {}", plain_os(&os)),
        (Some(name), None) => name,
        (None, Some(os)) => plain_os(&os).to_owned(),
        (None, None) => product(user_agent).unwrap_or(UNKNOWN_DEVICE).to_owned(),
    };
    label.chars().take(64).collect()
}

/// `Windows 10` is what every Windows since then says of itself, so no version is named where it would mislead.
fn plain_os(os: &str) -> &str {
    match os {
        "Mac OSX" => "macOS",
        "iPhone" | "iPad" | "iPod" => os,
        _ if os.starts_with("Windows") => "Windows",
        _ => os,
    }
}

/// The first product of the header (RFC 9110 §10.1.5), without its version.
fn product(user_agent: &str) -> Option<&str> {
    let name = user_agent.split(['/', ' ', '(']).next()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_called_what_people_call_them() {
        for (user_agent, name) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
                "Chrome on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            ("curl/8.5.0", "curl"),
            ("NotesApp/3.1 (Pixel 9)", "NotesApp"),
            ("", "Unknown device"),
            ("\u{2066}<b>", "Unknown device"),
        ] {
            assert_eq!(device_name(user_agent), name, "{user_agent}");
        }
    }
}
