//! Cloakroom's own demo: the program that is built beside these tests, on a free port.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Duration, Instant, interval, timeout};

/// Of the account that is opened.
pub(crate) const PASSWORD: &str = "nine lamps under the lake";

const DEADLINE: Duration = Duration::from_mins(1);

pub(crate) const SIGN_UP: &str = r##"
[[step]]
goto = "/auth/signup"
[[step]]
fill = { selector = "#email", text = "ada@example.com" }
[[step]]
fill = { selector = "#password", text_env = "PASSWORD" }
[[step]]
click = "main form button[type=submit]"
[[step]]
wait_for = { url = "notice=signed-up" }
"##;

const CONFIRM: &str = r##"
[[step]]
goto = "LINK"
[[step]]
fill = { selector = "#password", text_env = "PASSWORD" }
[[step]]
click = "main form button[type=submit]"
[[step]]
wait_for = { selector = "main:not(:has(#password))" }
[[step]]
goto = "/auth/login?return_to=%2F"
[[step]]
fill = { selector = "#email", text = "ada@example.com" }
[[step]]
fill = { selector = "#password", text_env = "PASSWORD" }
[[step]]
click = "main form button[type=submit]"
[[step]]
wait_for = { selector = "#signed-in:not([hidden])" }
[[step]]
mark = "logged-in"
[[step]]
goto = "/auth/account"
[[step]]
goto = "/"
[[step]]
wait_for = { selector = "#signed-in:not([hidden])" }
[[step]]
fill = { selector = "#text", text = "milk" }
[[step]]
click = "#add button[type=submit]"
[[step]]
wait_for = { selector = "#notes li" }
[[logout]]
click = "#logout"
[[logout]]
wait_for = { selector = "#signed-out:not([hidden])" }
"##;

pub(crate) struct Demo {
    origin: String,
    folder: tempfile::TempDir,
    _program: Child,
}

impl Demo {
    pub(crate) async fn start() -> Self {
        let program = program();
        assert!(program.exists(), "{} is missing: cargo build -p cloakroom-server", program.display());
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(program)
            .args(["demo", "--port", "0", "--data"])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = async {
            loop {
                let line = lines.next_line().await.unwrap().unwrap();
                if let Some((_, origin)) = line.split_once("Click here") {
                    return origin.trim().to_owned();
                }
            }
        };
        let origin = timeout(DEADLINE, said).await.unwrap();
        // Nobody reads on; the pipe has room for what it says at the start.
        Self { origin, folder, _program: child }
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// The steps of somebody who has signed up, with the link that was mailed.
    pub(crate) async fn script(&self) -> String {
        let (end, mut again) = (Instant::now() + DEADLINE, interval(Duration::from_millis(50)));
        loop {
            again.tick().await;
            if let Some(link) = link(&self.folder.path().join("mails")) {
                return CONFIRM.replace("LINK", &link);
            }
            assert!(Instant::now() < end, "no mail came");
        }
    }
}

/// The link in the first mail of a folder; lines of a mail are broken by `=` at their end (RFC 2045 6.7).
fn link(folder: &Path) -> Option<String> {
    let mut files = std::fs::read_dir(folder).ok()?.filter_map(|file| Some(file.ok()?.path()));
    let mail = files.find(|path| path.extension().is_some_and(|end| end == "eml"))?;
    let text = std::fs::read_to_string(mail).ok()?.replace("=\r\n", "").replace("=\n", "").replace("=3D", "=");
    let begin = text.find("/auth/email/verify#")?;
    text.get(begin..)?.split(|char: char| char.is_whitespace() || "\"<>".contains(char)).next().map(str::to_owned)
}

/// Beside the folder of the tests.
fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.parent().and_then(Path::parent).unwrap().join("cloakroom")
}
