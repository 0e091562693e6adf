//! What a person does on the pages: by mouse and keyboard, nothing by script.

use cloakroom_testbed::PASSWORD;
use cloakroom_testbed::browser::Page;

const SUBMIT: &str = "main form button[type=submit]";

/// Fills the sign-up page that is shown, and arrives at the log-in page.
pub(crate) async fn sign_up(page: &Page, email: &str) {
    page.wait_url("/auth/signup").await.unwrap();
    fill(page, email).await;
    page.wait_url("/auth/login?notice=signed-up").await.unwrap();
}

/// Fills the log-in page that is shown, and arrives at `destination`.
pub(crate) async fn log_in(page: &Page, email: &str, destination: &str) {
    page.wait_url("/auth/login").await.unwrap();
    fill(page, email).await;
    arrive(page, destination).await;
}

/// The same, with the box ticked that keeps the session when the browser is closed.
pub(crate) async fn log_in_and_stay(page: &Page, email: &str, destination: &str) {
    page.wait_url("/auth/login").await.unwrap();
    page.click("input[name=remember]").await.unwrap();
    fill(page, email).await;
    arrive(page, destination).await;
}

async fn arrive(page: &Page, destination: &str) {
    page.wait_for(&format!("document.readyState === 'complete' && location.href === {destination:?}")).await.unwrap();
}

async fn fill(page: &Page, email: &str) {
    page.fill("#email", email).await.unwrap();
    page.fill("#password", PASSWORD).await.unwrap();
    page.click(SUBMIT).await.unwrap();
}
