//! Whether pages that carry a secret are compressed. Where a page also repeats what a request said, its length tells the
//! secret bit by bit (BREACH). Cloakroom compresses nothing itself.

use crate::answer::Answer;
use crate::finding::{Judged, Severity};
use crate::visit::{Visit, page};
use crate::wire::Silence;

/// Judges the second log-in page, which was asked for with `Accept-Encoding`.
pub(super) fn run(visit: &Visit) -> Judged {
    judge(&visit.login, &visit.again)
}

fn judge(login: &Answer, again: &Result<Answer, Silence>) -> Judged {
    let again = match (page(login), again) {
        (Err(unknown), _) => return unknown,
        (_, Err(why)) => return Judged::unknown(format!("whether pages are compressed: {why}")),
        (Ok(_), Ok(again)) => again,
    };
    let mut judged = Judged::default();
    if again.has("content-encoding") {
        judged.find(
            Severity::Info,
            "Pages with form tokens are compressed",
            again.shown_header("content-encoding"),
            "Turn compression off for /auth in the proxy (nginx: gzip off in that location). Form tokens of Cloakroom are made \
             for one browser and pages repeat little of a request, so this is a precaution.",
        );
    } else {
        judged.saw("pages come uncompressed although compression was offered");
    }
    judged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visit::tests::{untouched, with};

    #[test]
    fn compression_is_worth_a_word() {
        let compressed = judge(&untouched(), &Ok(with("content-encoding: gzip")));
        assert_eq!(compressed.titles(), [(Severity::Info, "Pages with form tokens are compressed")]);
        assert!(judge(&untouched(), &Ok(untouched())).findings.is_empty());
    }

    #[test]
    fn a_page_that_does_not_come_proves_nothing() {
        assert_eq!(judge(&untouched(), &Err(Silence::TimedOut)).unknown.len(), 1);
        let gone = Answer::made("GET /auth/login", 502, &[], "");
        assert_eq!(judge(&gone, &Ok(untouched())).unknown.len(), 1);
    }
}
