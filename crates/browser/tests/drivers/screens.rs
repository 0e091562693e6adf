//! A window on the caller's screen. A test may not change its own environment, so each runs once more as a program of its
//! own, on a screen that was made for it.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use cloakroom_browser::{Browser, Engine, Launch};
use serde_json::json;

/// Whether this is the part that is to have a screen, and its size; `none` for none.
const SCREEN: &str = "CLOAKROOM_TEST_SCREEN";
const VARIABLES: [&str; 4] = ["DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR"];

async fn a_window_is_on_the_screen(engine: Engine, name: &str) {
    let headed = Launch { headed: true, ..Launch::default() };
    match std::env::var_os(SCREEN) {
        Some(size) if size == "none" => {
            let error = Browser::launch_with(engine, &headed).await.err().unwrap();
            assert!(error.to_string().contains("DISPLAY"), "{error:#}");
        }
        Some(_) => {
            let browser = Browser::launch_with(engine, &headed).await.unwrap();
            let page = browser.context().await.unwrap().page().await.unwrap();
            page.goto("data:text/html,<h1>Seen</h1>").await.unwrap();
            // Of a size that nothing has by itself.
            assert_eq!(page.eval("[screen.width, screen.height]").await.unwrap(), json!([1444, 1111]));
            browser.close().await.unwrap();
        }
        None => {
            run_again(name, "none", None);
            let mut screen = Command::new("Xvfb")
                .args(["-displayfd", "1", "-screen", "0", "1444x1111x24", "-nolisten", "tcp"])
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut number = String::new();
            BufReader::new(screen.stdout.take().unwrap()).read_line(&mut number).unwrap();
            let display = format!(":{}", number.trim());
            let ended = std::panic::catch_unwind(|| run_again(name, "1444x1111", Some(&display)));
            screen.kill().unwrap();
            screen.wait().unwrap();
            ended.unwrap();
        }
    }
}

fn run_again(name: &str, size: &str, display: Option<&str>) {
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", &format!("screens::{name}"), "--nocapture"]).env(SCREEN, size);
    for variable in VARIABLES {
        again.env_remove(variable);
    }
    again.envs(display.map(|display| ("DISPLAY", display)));
    let output = again.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn chromium_has_a_window() {
    a_window_is_on_the_screen(Engine::Chromium, "chromium_has_a_window").await;
}

#[tokio::test]
async fn firefox_has_a_window() {
    a_window_is_on_the_screen(Engine::Firefox, "firefox_has_a_window").await;
}

#[tokio::test]
async fn webkit_has_a_window() {
    a_window_is_on_the_screen(Engine::WebKit, "webkit_has_a_window").await;
}
