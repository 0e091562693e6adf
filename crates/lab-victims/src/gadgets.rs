//! The pages and the careless corners that every such application has: the tolerant profile path, the open redirect,
//! the script that echoes its query, the event stream, the avatar. They are the attacks' stepping stones.
//!
//! Nothing here changes anything at the bank.

use std::fmt::Write as _;

use http::{Method, StatusCode, header};

use crate::manner::Manner;
use crate::page;
use crate::reply::{self, Refusal, Reply};
use crate::service::Desk;

const APP: &str = include_str!("../assets/app.js");
const STYLE: &str = include_str!("../assets/app.css");
const WORKER: &str = include_str!("../assets/sw.js");

/// Goes where the query says: "where were you before you logged in?" without a list of allowed places.
const GO: &str = "<!doctype html><meta charset=\"utf-8\"><title>One moment</title>\n\
    <script>location.href = new URLSearchParams(location.search).get(\"to\") || \"/\";</script>\n";

/// How long a browser waits before it asks for the event stream again, in milliseconds.
const FEED_RETRY: u32 = 500;

/// The answer, if one of these is asked for.
pub(crate) fn answer(desk: &Desk<'_>) -> Option<Result<Reply, Refusal>> {
    let ask = desk.scene.ask;
    if ask.method == Method::TRACE {
        return desk.has(Manner::EchoesTrace).then(|| Ok(trace(desk)));
    }
    if !matches!(ask.method, Method::GET | Method::HEAD) {
        return None;
    }
    let answer = match ask.path.as_str() {
        "/" | "/callback" => Ok(page::show(desk, None)),
        // `app.get("/profile*")`: whatever stands behind is ignored, which is what cache deception lives on.
        path if path == "/profile" || path.starts_with("/profile/") => Ok(page::show(desk, None)),
        "/preview" => return Some(preview(desk, ask.query.get("id").map_or("", String::as_str))),
        path if path.starts_with("/preview/") => return Some(preview(desk, path.trim_start_matches("/preview/"))),
        "/app.js" => Ok(reply::script(APP)),
        "/app.css" => Ok(reply::reply(StatusCode::OK, "text/css; charset=utf-8", STYLE)),
        "/sw.js" => Ok(reply::script(WORKER)),
        "/go" => Ok(reply::page(GO.to_owned())),
        // JSONP: whatever the caller names is called, so the answer is a script of anybody's making.
        "/echo.js" | "/api/echo.js" => {
            let call = ask.query.get("cb").map_or("callback", String::as_str);
            Ok(reply::script(format!("{call}({{\"ok\":true}});\n")))
        }
        "/feed" => feed(desk),
        "/avatar.svg" => avatar(desk),
        _ => return None,
    };
    Some(answer)
}

fn preview(desk: &Desk<'_>, id: &str) -> Result<Reply, Refusal> {
    let html = desk.scene.world.post(desk.scene.strategy, id).ok_or(Refusal::UNKNOWN)?;
    Ok(page::show(desk, Some((id, &html))))
}

/// One event per request: the lab's answers are whole, so a stream is told by how long the browser may go on asking.
fn feed(desk: &Desk<'_>) -> Result<Reply, Refusal> {
    let known = desk.known()?;
    let text = format!("retry: {FEED_RETRY}\ndata: balance {}\n\n", known.account.balance);
    Ok(reply::reply(StatusCode::OK, "text/event-stream", text))
}

/// An image for whoever is logged in, and none for others: another site can tell the two apart by `onerror`.
fn avatar(desk: &Desk<'_>) -> Result<Reply, Refusal> {
    desk.known()?;
    let image = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"32\" height=\"32\"><circle cx=\"16\" cy=\"16\" r=\"16\"/></svg>";
    Ok(reply::reply(StatusCode::OK, "image/svg+xml", image))
}

/// RFC 9110 §9.3.8: the request as it arrived, secrets included.
fn trace(desk: &Desk<'_>) -> Reply {
    reply::reply(StatusCode::OK, "message/http", request_text(desk))
}

fn request_text(desk: &Desk<'_>) -> String {
    let ask = desk.scene.ask;
    let mut text = format!("{} {} HTTP/1.1\r\n", ask.method, ask.target);
    for (name, value) in &ask.headers {
        let _ = write!(text, "{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes()));
    }
    text
}

/// What the manners of a bank say about all of its answers.
pub(crate) fn dress(desk: &Desk<'_>, reply: &mut Reply) {
    if desk.has(Manner::PublicCaching) && desk.scene.ask.path.starts_with("/profile") {
        reply::set(reply, header::CACHE_CONTROL, "public, max-age=600");
    }
    if desk.has(Manner::TellsReferrer) {
        reply::set(reply, header::REFERRER_POLICY, "unsafe-url");
    }
    if desk.has(Manner::AllowsWorkers) {
        reply::set(reply, header::HeaderName::from_static("service-worker-allowed"), "/");
    }
}

/// As `morgan("combined")`: method, address, status, referrer, user agent. The careless one writes down everything.
pub(crate) fn log_line(desk: &Desk<'_>, status: StatusCode) -> String {
    let ask = desk.scene.ask;
    let said = |name| ask.header(name).unwrap_or("-");
    let mut line = format!(
        "{} \"{} {}\" {} \"{}\" \"{}\"",
        desk.scene.now,
        ask.method,
        ask.target,
        status.as_u16(),
        said(header::REFERER),
        said(header::USER_AGENT)
    );
    if desk.has(Manner::LogsSecrets) {
        let _ = write!(line, " {:?} {:?}", request_text(desk), desk.scene.fields);
    }
    line
}
