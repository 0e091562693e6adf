//! Carries out the steps of a script in a page, and waits until the page has come to rest. What is recorded meanwhile is none of
//! its business.

use anyhow::{Context as _, Result, bail};
use cloakroom_browser::Page;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Duration, Instant, timeout_at};
use url::Url;

use crate::script::{Mark, Step};
use crate::target::Target;

/// How long nothing must be under way until a page is taken to be at rest.
const REST: Duration = Duration::from_millis(500);
/// A page that never rests is taken as it is after this.
const REST_WITHIN: Duration = Duration::from_secs(8);

/// Carries out steps one after the other; `on_mark` is called where the script says that somebody is logged in.
pub(crate) async fn carry_out(
    page: &Page,
    target: &Target,
    name: &str,
    steps: &[Step],
    mut on_mark: impl FnMut(),
) -> Result<()> {
    for (number, step) in steps.iter().enumerate() {
        if step.mark == Some(Mark::LoggedIn) {
            on_mark();
            continue;
        }
        one(page, target, step).await.with_context(|| format!("[[{name}]] {}: {}", number + 1, step.shown()))?;
    }
    Ok(())
}

async fn one(page: &Page, target: &Target, step: &Step) -> Result<()> {
    if let Some(to) = &step.goto {
        let to = inside(target, to)?;
        page.goto(to.as_str()).await?;
    } else if let Some(fill) = &step.fill {
        page.fill(&fill.selector, &fill.typed.0).await?;
    } else if let Some(selector) = &step.click {
        page.click(selector).await?;
    } else if let Some(key) = &step.press {
        page.press(key).await?;
    } else if let Some(wait) = &step.wait_for {
        if let Some(selector) = &wait.selector {
            page.wait_for(&format!("document.querySelector({})", json!(selector))).await?;
        }
        if let Some(part) = &wait.url {
            page.wait_url(part).await?;
        }
    }
    Ok(())
}

/// Where a step leads, if that is a place that may be audited.
fn inside(target: &Target, to: &str) -> Result<Url> {
    let url = target.url().join(to).with_context(|| format!("{to:?} is no address"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.host_str().is_some_and(|host| target.covers(host)) {
        bail!("the script leaves the audited hosts; confirm the other one with --host if it is yours");
    }
    Ok(url)
}

/// Waits until no request has been under way for half a second, at most eight seconds.
pub(crate) async fn rest(mut open: watch::Receiver<usize>) {
    let end = Instant::now() + REST_WITHIN;
    while Instant::now() < end {
        let none = timeout_at(end, open.wait_for(|open| *open == 0)).await.is_ok_and(|seen| seen.is_ok());
        if !none {
            return;
        }
        open.mark_unchanged();
        let quiet = Instant::now() + REST;
        // Nothing changed in all that time.
        if timeout_at(quiet.min(end), open.changed()).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_does_not_leave_the_audited_hosts() {
        let target = Target::new("http://localhost:3000/shop/", &[]).unwrap();
        assert_eq!(inside(&target, "/login").unwrap().as_str(), "http://localhost:3000/login");
        for to in ["https://shop.example.com/", "//shop.example.com/", "javascript:alert(1)", "file:///etc/passwd"] {
            assert!(inside(&target, to).is_err(), "{to}");
        }
    }
}
