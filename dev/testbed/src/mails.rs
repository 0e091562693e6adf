//! What a house has mailed, and what it has still to mail: waiting for letters instead of hoping for them.
//!
//! Deliberately absent: reading mails (the mailbox does), and a mail server.

use crate::{Guest, House, Mail, Watch};
use http::StatusCode;
use rusqlite::{Connection, OpenFlags};
use serde_json::json;
use std::time::{Duration, Instant};

/// Letters wait for milliseconds; this is for a machine that does ten other things.
const DEADLINE: Duration = Duration::from_mins(1);

impl House {
    /// Every mail so far, in the order of sending, as soon as none is waiting to be sent. Panics when letters wait for longer
    /// than a minute.
    pub async fn mails(&self) -> Vec<Mail> {
        self.letters_are_sent().await;
        let mailbox = self.mailbox.as_ref().expect("a house without mail: start it by House::with_mail");
        mailbox.read(&self.watch).await
    }

    /// The mails to one address so far, in the order of sending, as soon as none is waiting to be sent.
    pub async fn mails_to(&self, address: &str) -> Vec<Mail> {
        self.mails().await.into_iter().filter(|mail| mail.recipient == address).collect()
    }

    /// The `number`th mail to an address, which must be its last. Panics with the subjects of those that came.
    pub async fn last_mail_to(&self, address: &str, number: usize) -> Mail {
        let mut mails = self.mails_to(address).await;
        let subjects: Vec<_> = mails.iter().map(|mail| mail.subject.as_str()).collect();
        assert_eq!(mails.len(), number, "{subjects:?}");
        mails.pop().expect("no mail is the 0th")
    }

    /// A visitor who has signed up, confirmed the address, and logged in on their first device. One mail was sent.
    pub async fn confirmed(&self, address: &str) -> Guest {
        let guest = self.guest();
        guest.sign_up(address).await;
        let token = self.last_mail_to(address, 1).await.token();
        let answer = guest
            .fetch("POST", "/auth/email/verify", Some(json!({ "token": token, "password": crate::PASSWORD })))
            .await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
        guest.log_in(address).await;
        guest
    }

    /// Waits until the queue of letters is empty.
    pub async fn letters_are_sent(&self) {
        let begun = Instant::now();
        while self.slips("letter") > 0 {
            assert!(begun.elapsed() < DEADLINE, "letters still wait; the log says:\n{}", Watch::logged());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// How many slips of a kind stand in the database file.
    pub fn slips(&self, kind: &str) -> u32 {
        let count = "SELECT count(*) FROM slip WHERE kind = ?1";
        self.look(|database| database.query_one(count, [kind], |row| row.get(0)))
    }

    /// Reads the database file beside the server. Panics with what is wrong with the question.
    pub fn look<T>(&self, ask: impl Fn(&Connection) -> rusqlite::Result<T>) -> T {
        let database = Connection::open_with_flags(self.database(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        database.busy_timeout(DEADLINE).unwrap();
        ask(&database).unwrap()
    }
}
