//! The page of the demo that shows the mails of its folder: a list, the newest first, and each mail as text and as HTML.
//!
//! Links and codes lie open here, so it listens on loopback, answers to loopback names only (a name of somebody else's can be
//! pointed here), runs no script, and lets nobody frame or fetch it. Nothing of a mail is markup of this page: the HTML part
//! is shown in a frame of its own that can do nothing but open links in a new tab.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use cloakroom_mail::{Folder, Kept, Rendered};
use std::fmt::Write as _;
use std::sync::Arc;
use tokio::net::TcpListener;

/// The page's own style stands in its head; the mail in its frame has this policy too, and styles of its own.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

const STYLE: &str = "\
    :root { color-scheme: light dark; --quiet: light-dark(#595959, #a6a6a6); }\
    * { box-sizing: border-box; }\
    body { max-width: 46rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; font: 1rem/1.6 system-ui, sans-serif; }\
    h1 { font-size: 1.5rem; line-height: 1.25; }\
    ul { list-style: none; margin: 1.5rem 0; padding: 0; }\
    li { padding: .8rem 0; border-bottom: 1px solid #8886; overflow-wrap: anywhere; }\
    li a { font-weight: 600; }\
    small, dt { color: var(--quiet); }\
    dl { display: grid; grid-template-columns: auto 1fr; gap: .2rem 1rem; }\
    dd { margin: 0; overflow-wrap: anywhere; }\
    pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: 1rem; border: 1px solid #8886; border-radius: .5rem; }\
    iframe { width: 100%; height: 34rem; border: 1px solid #8886; border-radius: .5rem; background: Canvas; }";

/// Serves the page until `stop` is ready. The error is that of the listener.
pub(super) async fn serve(
    listener: TcpListener,
    folder: Folder,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, routes(Arc::new(folder))).with_graceful_shutdown(stop).await
}

fn routes(folder: Arc<Folder>) -> Router {
    Router::new()
        .route("/", get(list))
        .route("/mail/{name}", get(one))
        .fallback(async || gone())
        .layer(from_fn(guard))
        .with_state(folder)
}

/// Refuses other names, and says how little these pages may do.
async fn guard(request: Request, next: Next) -> Response {
    if !is_called_by_our_name(request.headers()) {
        return (StatusCode::MISDIRECTED_REQUEST, "this is for http://localhost only\n").into_response();
    }
    let mut response = next.run(request).await;
    let fixed: [(HeaderName, &str); 6] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        response.headers_mut().insert(name, header::HeaderValue::from_static(value));
    }
    response
}

fn is_called_by_our_name(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name.to_ascii_lowercase().as_str(), "localhost" | "127.0.0.1")
}

async fn list(State(folder): State<Arc<Folder>>) -> Response {
    let mails = match folder.list().await {
        Ok(mails) => mails,
        Err(error) => return unreadable(&error),
    };
    let mut items = String::new();
    for Kept { name, to, subject, at } in &mails {
        let (name, to, subject, at) = (escaped(name), escaped(to), escaped(subject), utc(*at));
        let _ = write!(items, "<li><a href=\"/mail/{name}\">{subject}</a><br><small>to {to} · {at}</small></li>");
    }
    let body = if items.is_empty() {
        "<p>None yet. Sign up, and this page shows it within three seconds.</p>".to_owned()
    } else {
        format!("<ul>{items}</ul>")
    };
    let intro =
        "<p>Nothing leaves this machine: mails of the demo are kept as files and shown here, the newest first.</p>";
    let refresh = "<meta http-equiv=\"refresh\" content=\"3\">";
    page(StatusCode::OK, "Mails of the demo", refresh, &format!("<h1>Mails of the demo</h1>{intro}{body}"))
}

async fn one(State(folder): State<Arc<Folder>>, Path(name): Path<String>) -> Response {
    match folder.read(&name).await {
        Ok(Some((kept, mail))) => show(&kept, &mail),
        Ok(None) => gone(),
        Err(error) => unreadable(&error),
    }
}

fn show(kept: &Kept, mail: &Rendered) -> Response {
    let subject = escaped(&mail.subject);
    let html = mail.html.replacen("<head>", "<head><base target=\"_blank\">", 1);
    let body = format!(
        "<p><a href=\"/\">All mails</a></p><h1>{subject}</h1>\
         <dl><dt>To</dt><dd>{to}</dd><dt>Sent</dt><dd>{at}</dd></dl>\
         <h2>As HTML</h2><iframe title=\"The mail as HTML\" sandbox=\"allow-popups allow-popups-to-escape-sandbox\" \
         referrerpolicy=\"no-referrer\" srcdoc=\"{html}\"></iframe>\
         <h2>As text</h2><pre>{text}</pre>",
        to = escaped(&kept.to),
        at = utc(kept.at),
        html = escaped(&html),
        text = escaped(&mail.text),
    );
    page(StatusCode::OK, &subject, "", &body)
}

fn gone() -> Response {
    let body = "<h1>There is no such mail</h1><p>The newest 200 are kept. <a href=\"/\">All mails</a></p>";
    page(StatusCode::NOT_FOUND, "No such mail", "", body)
}

fn unreadable(error: &std::io::Error) -> Response {
    let body = format!("<h1>The folder of mails cannot be read</h1><p>{}</p>", escaped(&error.to_string()));
    page(StatusCode::INTERNAL_SERVER_ERROR, "Mails", "", &body)
}

/// `title` and `body` are markup.
fn page(status: StatusCode, title: &str, head: &str, body: &str) -> Response {
    let text = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">{head}\
         <title>{title}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    );
    (status, Html(text)).into_response()
}

/// Text as it stands in markup, between tags or in an attribute in double quotes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// The time of day is what tells mails of a demo apart.
fn utc(at: i64) -> String {
    let second = at.rem_euclid(86_400);
    format!("{:02}:{:02}:{:02} UTC", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_no_markup_of_the_page() {
        assert_eq!(escaped("<b a=\"1\">'&'</b>"), "&lt;b a=&quot;1&quot;&gt;&#39;&amp;&#39;&lt;/b&gt;");
    }

    #[test]
    fn only_loopback_names_are_answered() {
        let called = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            is_called_by_our_name(&headers)
        };
        assert!(called("localhost:1") && called("127.0.0.1:1") && called("LocalHost"));
        assert!(!called("evil.example:1") && !called("localhost.evil.example") && !called("") && !called("[::1]:1"));
        assert!(!is_called_by_our_name(&HeaderMap::new()));
    }
}
