//! Credentials in addresses: they end up in histories, logs and `Referer`.

use super::finding;
use crate::finding::{Finding, Severity};
use crate::proxy::Exchange;
use crate::secret::{self, Kind};
use crate::seen::Seen;

/// Addresses that hold what identifies the session, and those that hold what could.
pub(super) fn look(seen: &Seen) -> Vec<Finding> {
    let (mut sure, mut maybe) = (Vec::new(), Vec::new());
    for exchange in &seen.exchanges {
        judge(seen, exchange, &mut sure, &mut maybe);
    }
    let fix = "Send it in a cookie, a header or a body; where a link must carry it, behind the # and good for one use.";
    let references = &["ASVS v5.0.0-14.2.1", "RFC 9700 4.3.2", "RFC 6750 2.3"];
    let known = finding(
        "token-in-address",
        Severity::High,
        "A credential of the session stands in an address",
        sure,
        fix,
        references,
    );
    let looks = finding(
        "random-in-address",
        Severity::Low,
        "An address holds a random word under a name that credentials have",
        maybe,
        fix,
        references,
    );
    known.into_iter().chain(looks).collect()
}

fn judge(seen: &Seen, exchange: &Exchange, sure: &mut Vec<String>, maybe: &mut Vec<String>) {
    let url = &exchange.request.url;
    let whole = url.path_segments().into_iter().flatten().map(|segment| (String::new(), segment.to_owned()));
    let pairs = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned()));
    for (name, value) in whole.chain(pairs) {
        for word in secret::find(&value) {
            let line = format!("{}: {}", exchange.shown(), word.shown());
            let is_token = matches!(word.kind, Kind::Jwt | Kind::Jwe);
            if seen.credentials.is_one(&word.word) || is_token {
                sure.push(line);
            } else if secret::names_a_credential(&name) {
                maybe.push(line);
            }
        }
    }
}
