//! The page: the files of one folder, read once. What is not there when the program starts is not served.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::routing::get;

/// A route for each file in `folder` and below; `index.html` is `/`. The error names what could not be read.
pub(crate) fn routes(folder: &Path) -> anyhow::Result<Router> {
    let mut router = Router::new();
    let mut folders = vec![(folder.to_owned(), String::from("/"))];
    while let Some((folder, at)) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("PAGE: {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().into_string().ok().context("PAGE: a name that is no text")?;
            if entry.file_type()?.is_dir() {
                folders.push((entry.path(), format!("{at}{name}/")));
                continue;
            }
            let (kind, body) = (kind(&name), Bytes::from(fs::read(entry.path())?));
            let path = if name == "index.html" { at.clone() } else { format!("{at}{name}") };
            let answer = async move || ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], body);
            router = router.route(&path, get(answer));
        }
    }
    Ok(router)
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
