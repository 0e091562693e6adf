//! The exams on both kinds of SQLite database, and what is SQLite's alone: files, processes, the log, damage.

use super::checkpoint::{self, Checkpoints, Limits};
use super::{connection, writer};
use crate::exam::{
    NOW, account, account_id, account_with_sessions, at, commit, event, hash, key, key_id, race, session, session_id,
    slip, winner,
};
use crate::{Error, Order, Outage, Slip, Sqlite, Store, Unit};
use cloakroom_core::access::Revocation;
use cloakroom_core::refresh::Family;
use cloakroom_core::session::{Roles, Session};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Barrier};
use tempfile::TempDir;

macro_rules! on_file {
    ($($thing:ident: $($name:ident)+;)+) => {$(
        mod $thing {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                let store = crate::Sqlite::open(&folder.path().join("store.db")).unwrap();
                crate::$thing::exam::$name(std::sync::Arc::new(store)).await;
            }
        )+}
    )+};
}

macro_rules! in_memory {
    ($($thing:ident: $($name:ident)+;)+) => {$(
        mod $thing {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                crate::$thing::exam::$name(std::sync::Arc::new(crate::Sqlite::in_memory().unwrap())).await;
            }
        )+}
    )+};
}

mod file {
    crate::exam::every_exam!(on_file);
}

mod memory {
    crate::exam::every_exam!(in_memory);
}

fn new_file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    (folder, path)
}

fn open(path: &Path) -> Arc<dyn Store> {
    Arc::new(Sqlite::open(path).unwrap())
}

fn new_writer(path: &Path) -> Connection {
    super::create(path).unwrap();
    connection::writer(path).unwrap()
}

async fn keys_of(store: &Arc<dyn Store>) -> Vec<u8> {
    let mut keys: Vec<_> = store.keys().await.unwrap().iter().map(|key| key.id.as_bytes()[0]).collect();
    keys.sort_unstable();
    keys
}

fn insert(n: u8) -> Unit {
    Order::InsertKey(key(n)).into()
}

/// The keys that were acknowledged, out of one race of inserts.
async fn storm(store: &Arc<dyn Store>) -> Vec<u8> {
    let answers = race(store, (0..100).map(insert).collect()).await;
    (0..100).zip(answers).filter(|(_, answer)| answer.is_ok()).map(|(n, _)| n).collect()
}

#[tokio::test]
async fn a_closed_store_opens_again_with_everything_in_one_file() {
    let (folder, path) = new_file();
    let store = open(&path);
    let landed = storm(&store).await;
    store.close().await;
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["store.db"]);
    assert_eq!(landed.len(), 100);
    assert_eq!(keys_of(&open(&path)).await, landed);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_while_the_store_closed_is_there_and_nothing_else() {
    let (_folder, path) = new_file();
    let store = open(&path);
    let closing = Arc::clone(&store);
    let closer = tokio::spawn(async move {
        while closing.keys().await.is_ok_and(|keys| keys.is_empty()) {
            tokio::task::yield_now().await;
        }
        closing.close().await;
    });
    let landed = storm(&store).await;
    closer.await.unwrap();
    assert_eq!(keys_of(&open(&path)).await, landed);
}

#[tokio::test]
async fn a_dropped_store_loses_nothing_that_was_acknowledged() {
    let (_folder, path) = new_file();
    let landed = storm(&open(&path)).await;
    assert_eq!(keys_of(&open(&path)).await, landed);
    assert_eq!(landed.len(), 100);
}

/// What is on the disk at this instant is what a process that is killed leaves behind. `-shm` is memory and left out.
#[tokio::test]
async fn the_files_of_a_store_that_is_at_work_hold_all_that_was_acknowledged() {
    let (_folder, path) = new_file();
    let store = open(&path);
    let landed = storm(&store).await;
    let (_other_folder, copy) = new_file();
    for suffix in ["", "-wal"] {
        std::fs::copy(with(&path, suffix), with(&copy, suffix)).unwrap();
    }
    assert!(std::fs::metadata(with(&copy, "-wal")).unwrap().len() > 0);
    assert_eq!(keys_of(&open(&copy)).await, landed);
    assert_eq!(landed.len(), 100);
}

fn with(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stores_on_one_file_see_each_other_and_take_turns() {
    let (_folder, path) = new_file();
    let (one, other) = (open(&path), open(&path));
    account_with_sessions(&one, &[1]).await;
    assert_eq!(other.session(session_id(1)).await.unwrap(), Some(session(1, 1)));
    let version = one.keys_version().await.unwrap();
    commit(&other, [Order::InsertKey(key(1))]).await.unwrap();
    assert_ne!(one.keys_version().await.unwrap(), version);

    let family = session(1, 1).family;
    let rotate = |n: i64| Order::ChangeFamily {
        session: session_id(1),
        expected: family.version(),
        next: Family { generation: 1, rotated_at: at(n), ..family.clone() },
    };
    let half = |from: i64| (from..from + 16).map(|n| Unit::from(rotate(n))).collect();
    let (left, right) = tokio::join!(race(&one, half(0)), race(&other, half(16)));
    let won = winner(&[left, right].concat());
    for store in [&one, &other] {
        let session = store.session(session_id(1)).await.unwrap().unwrap();
        assert_eq!(session.family.rotated_at, at(won.try_into().unwrap()));
    }
    // One of them goes; the other works on.
    one.close().await;
    commit(&other, [Order::InsertKey(key(2))]).await.unwrap();
    assert_eq!(keys_of(&other).await, [1, 2]);
}

#[test]
fn many_that_open_a_new_file_at_once_bring_it_to_its_schema_once() {
    let (_folder, path) = new_file();
    super::create(&path).unwrap();
    let start = Barrier::new(8);
    std::thread::scope(|scope| {
        let openers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    // Without the lock that keeps openers within one process apart: as other processes do it.
                    connection::writer(&path).map(drop)
                })
            })
            .collect();
        for opener in openers {
            assert_eq!(opener.join().unwrap(), Ok(()));
        }
    });
    let version: i64 = raw(&path).query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 4);
}

#[tokio::test]
async fn a_store_of_the_first_version_keeps_what_it_holds() {
    let (_folder, path) = new_file();
    let first = raw(&path);
    first.execute_batch(include_str!("migrations/0001_first.sql")).unwrap();
    let rows = format!(
        "PRAGMA application_id = {}; PRAGMA user_version = 1;
         INSERT INTO account VALUES (x'{id}', 'Person1@Example.com', 'person1@example.com', '{}', {now}, {now} + 1);
         INSERT INTO session VALUES (x'{id}', x'{id}', {now}, {now} + 2, {now} + 1000000, 1, 'pwd', 'a', 'b', 0, {now}, 0,
                                     {now}, NULL, 0, x'{}', x'{id}', NULL, NULL);
         INSERT INTO revocation (kind, subject, until) VALUES ('key', x'{id}', {now}), ('session', x'{id}', {now});
         DELETE FROM revocation WHERE seq = 2;",
        0x436C_6B52,
        hash(1).as_phc(),
        "c8".repeat(16),
        id = "01".repeat(16),
        now = NOW.millis(),
    );
    first.execute_batch(&rows).unwrap();
    let store = open(&path);
    assert!(store.account(account_id(1)).await.unwrap() == Some(account(1)));
    // Nobody had roles then.
    let roles = Roles::default();
    let kept = Session { user_agent: "a".to_owned(), address: "b".to_owned(), roles, ..session(1, 1) };
    assert_eq!(store.session(session_id(1)).await.unwrap(), Some(kept));
    assert_eq!(store.revocations_after(0, 9).await.unwrap(), [(1, Revocation::Key(key_id(1)), NOW)]);
    assert_eq!(store.newest_revocation().await.unwrap(), 2);
}

#[test]
fn a_group_is_one_transaction_in_which_each_unit_stands_alone() {
    let (_folder, path) = new_file();
    let writer = new_writer(&path);
    let watching = connection::reader(&path).unwrap();
    let version =
        |connection: &Connection| -> i64 { connection.query_row("PRAGMA data_version", [], |row| row.get(0)).unwrap() };
    let before = version(&watching);
    let group = [insert(1), insert(2).order(Order::DeleteKey(key_id(9))).order(Order::Record(event(1))), insert(3)];
    assert_eq!(writer::commit(&writer, &group), Ok(vec![Ok(()), Err(Error::Conflict), Ok(())]));
    assert!(version(&watching) > before);
    let keys = crate::key::sqlite::keys(&watching).unwrap();
    assert_eq!(keys, [key(1), key(3)]);
    assert!(crate::event::sqlite::events_after(&watching, 0, 9).unwrap().is_empty());
    assert!(writer.is_autocommit());
}

#[test]
fn a_file_that_somebody_else_holds_is_an_outage_and_not_a_conflict() {
    let (_folder, path) = new_file();
    let (writer, other) = (new_writer(&path), raw(&path));
    writer.busy_timeout(std::time::Duration::ZERO).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(writer::commit(&writer, &[insert(1)]), Err(Error::Unavailable(Outage::Busy)));
    // Readers do not mind.
    assert_eq!(crate::key::sqlite::keys(&connection::reader(&path).unwrap()), Ok(vec![]));
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(writer::commit(&writer, &[insert(1)]), Ok(vec![Ok(())]));
}

#[test]
fn a_full_disk_is_an_outage_and_nothing_of_the_unit_stays() {
    let (_folder, path) = new_file();
    let writer = new_writer(&path);
    let pages: i64 = writer.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    let limit = |pages: i64| writer.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
    limit(pages);
    let mut large = key(2);
    large.sealed = vec![7; 100_000];
    let group = [insert(1).order(Order::InsertKey(large.clone()))];
    let answers = writer::commit(&writer, &group).unwrap_or_else(|error| vec![Err(error)]);
    assert_eq!(answers, [Err(Error::Unavailable(Outage::Full))]);
    assert_eq!(crate::key::sqlite::keys(&writer), Ok(vec![]));
    limit(1_000_000);
    assert_eq!(writer::commit(&writer, &group), Ok(vec![Ok(())]));
    assert_eq!(crate::key::sqlite::keys(&writer), Ok(vec![key(1), large]));
}

#[test]
fn the_log_starts_over_under_a_load_that_never_pauses() {
    let (_folder, path) = new_file();
    let writer = new_writer(&path);
    let checkpoints = Checkpoints::begin(&path, Limits { worthwhile: 20, long: 40, too_long: 80 }).unwrap();
    let mut longest = 0;
    for n in 0..1000_u32 {
        assert_eq!(
            writer::commit(&writer, &[Order::Record(event((n % 250).try_into().unwrap())).into()]),
            Ok(vec![Ok(())])
        );
        checkpoints.tend(&writer).unwrap();
        longest = longest.max(checkpoint::log(&writer, "PRAGMA wal_checkpoint(NOOP)").unwrap().pages);
    }
    checkpoints.end();
    // 1000 commits write 2000 pages or more. Some slack, because the thread can be at it when the writer wants to.
    assert!((20..1000).contains(&longest), "{longest}");
    let events = crate::event::sqlite::events_after(&connection::reader(&path).unwrap(), 0, 9999).unwrap();
    assert_eq!(events.len(), 1000);
}

#[test]
fn the_thread_moves_the_log_without_the_writer() {
    let (_folder, path) = new_file();
    let writer = new_writer(&path);
    let checkpoints = Checkpoints::begin(&path, Limits { worthwhile: 5, ..Limits::USUAL }).unwrap();
    for n in 0..20 {
        assert_eq!(writer::commit(&writer, &[insert(n)]), Ok(vec![Ok(())]));
    }
    checkpoints.tend(&writer).unwrap();
    checkpoints.end();
    let log = checkpoint::log(&writer, "PRAGMA wal_checkpoint(NOOP)").unwrap();
    assert!(log.pages >= 20 && log.moved == log.pages, "{} of {}", log.moved, log.pages);
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_folder, path) = new_file();
    let store = open(&path);
    commit(&store, [Order::InsertKey(key(1))]).await.unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let mode = std::fs::metadata(with(&path, suffix)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{suffix}");
    }
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let (folder, _) = new_file();
    let path = folder.path().join("absent").join("store.db");
    let Err(Error::Unavailable(Outage::Io(text))) = Sqlite::open(&path) else { panic!("it opened") };
    assert!(text.contains("absent"), "{text}");
}

#[tokio::test]
async fn a_path_is_never_read_as_a_uri() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file:x?mode=memory");
    let store = open(&path);
    commit(&store, [Order::InsertKey(key(1))]).await.unwrap();
    store.close().await;
    assert!(path.exists());
    assert_eq!(keys_of(&open(&path)).await, [1]);
}

#[tokio::test]
async fn a_schema_of_a_later_version_is_refused_untouched() {
    let (_folder, path) = new_file();
    open(&path).close().await;
    raw(&path).execute_batch("PRAGMA user_version = 7; PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
    refused_untouched(&path, &Error::SchemaTooNew { found: 7, known: 4 });
    let text = Error::SchemaTooNew { found: 7, known: 4 }.to_string();
    assert!(text.contains("version 7") && text.contains("up to 4"), "{text}");
}

#[test]
fn a_file_of_another_program_is_refused_untouched() {
    let (_folder, path) = new_file();
    raw(&path).execute_batch("CREATE TABLE bookmark (url TEXT)").unwrap();
    refused_untouched(&path, &Error::Foreign("its application id is 0, its number of tables 1".to_owned()));
    let (_folder, path) = new_file();
    std::fs::write(&path, "Dear diary, today I wrote a text that is longer than the header of a database. ".repeat(9))
        .unwrap();
    refused_untouched(&path, &Error::Foreign("file is not a database".to_owned()));
}

fn refused_untouched(path: &Path, expected: &Error) {
    let before = std::fs::read(path).unwrap();
    assert_eq!(Sqlite::open(path).map(drop).as_ref(), Err(expected));
    assert_eq!(std::fs::read(path).unwrap(), before);
}

/// A connection as anybody could open one, which may break the rules of the schema.
fn raw(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF").unwrap();
    connection
}

#[tokio::test]
async fn a_cell_that_makes_no_sense_is_named_and_not_shown() {
    let cases = [
        ("account", "email", "'no address'"),
        ("session", "account", "x'00'"),
        ("session", "remember", "2"),
        ("session", "method", "'guess'"),
        ("session", "strategy", "'guess'"),
        ("session", "user_agent", "CAST(x'FF' AS TEXT)"),
        ("session", "generation", "-1"),
        ("session", "generation", "4294967296"),
        ("session", "issue", "9223372036854775807"),
        ("session", "late_repeats", "256"),
        ("session", "refresh_key", "x''"),
        ("session", "seed", "zeroblob(17)"),
        ("session", "ended_reason", "'logged-out'"),
        ("session", "ended_at", "1"),
        ("slip", "key", "x''"),
        ("slip", "key", "zeroblob(65)"),
        ("slip", "account", "x'0102'"),
        ("slip", "version", "-1"),
        ("slip", "version", "4294967296"),
        ("ring_key", "purpose", "'fun'"),
        ("ring", "version", "-1"),
        ("event", "kind", "'nothing'"),
        ("event", "ring_key", "x'0102'"),
        ("revocation", "kind", "'nobody'"),
        ("revocation", "subject", "x'0102'"),
        ("revocation", "oldest_issue", "NULL"),
        ("revocation", "generation", "-1"),
    ];
    for (table, column, value) in cases {
        let (_folder, path) = new_file();
        let store = open(&path);
        account_with_sessions(&store, &[1]).await;
        let issues = Revocation::Issues { session: session_id(1), generation: 1, oldest: 1, from: NOW };
        let revoke = Order::Revoke { entry: issues, until: NOW };
        commit(&store, [Order::InsertKey(key(1)), Order::Record(event(1)), revoke]).await.unwrap();
        commit(&store, [Order::AddSlip(Slip { due_at: Some(NOW), ..slip(1) })]).await.unwrap();
        raw(&path).execute(&format!("UPDATE {table} SET {column} = {value}"), []).unwrap();

        let answer = match table {
            "account" => store.account(account_id(1)).await.map(drop),
            "session" => store.session(session_id(1)).await.map(drop),
            "slip" => store.slips_due(slip(1).kind, NOW, 9).await.map(drop),
            "ring_key" => store.keys().await.map(drop),
            "ring" => store.keys_version().await.map(drop),
            "event" => store.events_after(0, 9).await.map(drop),
            _ => store.revocations_after(0, 9).await.map(drop),
        };
        // The end of a session is in two cells; whichever is broken, the second tells.
        let column = if column == "ended_at" { "ended_reason" } else { column };
        let row = match table {
            "account" | "session" | "ring_key" => account_id(1).to_string(),
            "ring" => "-1".to_owned(),
            "slip" => "without an id".to_owned(),
            _ => "1".to_owned(),
        };
        assert_eq!(answer, Err(Error::Corrupt { table, column, row }), "{value}");
    }
}

#[tokio::test]
async fn errors_of_the_backend_show_no_stored_value() {
    let (_folder, path) = new_file();
    let store = open(&path);
    commit(&store, [Order::OpenAccount(account(1))]).await.unwrap();
    raw(&path).execute_batch("DROP TABLE session; CREATE TABLE session (id BLOB) STRICT").unwrap();
    let unit = Unit::new().order(Order::OpenSession(session(1, 1))).order(Order::SetPassword {
        account: account_id(1),
        expected: hash(1),
        next: hash(2),
        at: None,
    });
    let Err(Error::Fault(text)) = store.commit(unit).await else { panic!("it did not fail") };
    for value in ["argon2id", "Mozilla", "2001:db8", &session_id(1).to_string()] {
        assert!(!text.contains(value), "{text}");
    }
    // The store goes on.
    commit(&store, [Order::InsertKey(key(1))]).await.unwrap();
}
