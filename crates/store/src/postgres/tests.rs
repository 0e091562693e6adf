//! The exams on Postgres, and what is Postgres's alone: nodes beside each other, connections that are lost, damage.
//!
//! Each test has a database of its own on the server that `CLOAKROOM_TEST_POSTGRES` names.

#![cfg(feature = "postgres-tests")]

use super::Postgres;
use crate::exam::{
    NOW, account, account_id, account_with_sessions, at, commit, event, hash, key, key_id, logged_out, race, session,
    session_id, slip,
};
use crate::{
    Error, Events as _, Keys as _, Order, Outage, Revocations as _, Sessions as _, Slip, SlipKind, Store, Unit,
};
use cloakroom_core::access::Revocation;
use cloakroom_core::refresh::{EndReason, Ended};
use cloakroom_core::session::{Roles, Session};
use cloakroom_core::time::Timestamp;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::{Client, NoTls};

macro_rules! on_postgres {
    ($($thing:ident: $($name:ident)+;)+) => {$(
        mod $thing {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                let database = super::super::Database::new().await;
                crate::$thing::exam::$name(database.open().await).await;
            }
        )+}
    )+};
}

mod exams {
    crate::exam::every_exam!(on_postgres);
}

/// Longer than anything here takes, on any machine.
const DEADLINE: Duration = Duration::from_mins(1);

/// A database with a name that nobody else has, dropped with this.
struct Database {
    server: String,
    name: String,
}

impl Database {
    async fn new() -> Self {
        let server = std::env::var_os("CLOAKROOM_TEST_POSTGRES")
            .expect("CLOAKROOM_TEST_POSTGRES is the URL of a Postgres in which databases may be made");
        let server = server.into_string().unwrap();
        let name = format!("cloakroom_test_{:016x}", RandomState::new().build_hasher().finish());
        raw(&server)
            .await
            .batch_execute(&format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0"))
            .await
            .unwrap();
        Self { server, name }
    }

    /// The URL of the server, with the name of this database.
    fn url(&self) -> String {
        let (base, query) = self.server.split_once('?').unwrap_or((&self.server, ""));
        let host = base.split("://").nth(1).unwrap().split('/').next().unwrap();
        format!("postgres://{host}/{}?{query}", self.name)
    }

    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.node(8).await)
    }

    async fn node(&self, connections: usize) -> Postgres {
        Postgres::open(&self.url(), connections).await.unwrap()
    }

    /// A connection as anybody could open one.
    async fn raw(&self) -> Client {
        raw(&self.url()).await
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, drop) = (self.server.clone(), format!("DROP DATABASE {} WITH (FORCE)", self.name));
        // The runtime of the test is at its end.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { raw(&server).await.batch_execute(&drop).await })
        });
        if !std::thread::panicking() {
            dropping.join().unwrap().unwrap();
        }
    }
}

async fn raw(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn number(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// Asks until the answer is yes.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, asking).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// Until somebody in this database waits for a lock.
async fn until_somebody_waits(client: &Client) {
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("somebody waits for a lock", async || number(client, waiting).await > 0).await;
}

fn lock_session(n: u8) -> String {
    format!("SELECT 1 FROM cloakroom.session WHERE id = '\\x{}' FOR UPDATE", format!("{n:02x}").repeat(16))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_start_together_bring_a_new_database_to_its_schema_once() {
    let database = Database::new().await;
    let starting: Vec<_> = (0..8)
        .map(|_| {
            let url = database.url();
            tokio::spawn(async move { Postgres::open(&url, 2).await.map(drop) })
        })
        .collect();
    for started in starting {
        assert_eq!(started.await.unwrap(), Ok(()));
    }
    assert_eq!(number(&database.raw().await, "SELECT version FROM cloakroom.schema_version").await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_on_one_database_see_each_other_and_hear_of_revocations() {
    let database = Database::new().await;
    let (one, other) = (database.open().await, database.open().await);
    account_with_sessions(&one, &[1, 2]).await;
    assert_eq!(other.session(session_id(1)).await.unwrap(), Some(session(1, 1)));
    let mut hints = other.hints();
    // The first one says that it listens; after that, every unit of the other node is told.
    let told = async |hints: &mut tokio::sync::watch::Receiver<u64>| {
        tokio::time::timeout(DEADLINE, hints.changed()).await.expect("no hint came").unwrap();
    };
    until("it listens", async || {
        let listening =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";
        number(&database.raw().await, listening).await == 2
    })
    .await;
    hints.mark_unchanged();
    for n in 1..=10 {
        let until = at(n);
        commit(&one, [Order::Revoke { entry: Revocation::Session(session_id(1)), until }]).await.unwrap();
        while other.newest_revocation().await.unwrap() < u64::try_from(n).unwrap() {
            told(&mut hints).await;
        }
        told(&mut hints).await;
    }
    // Who loses the connection on which it listens finds another, and looks whether it has missed something.
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    database.raw().await.query(end, &[]).await.unwrap();
    told(&mut hints).await;
    // One of them goes; the other works on.
    one.close().await;
    commit(&other, [Order::InsertKey(key(2))]).await.unwrap();
}

#[tokio::test]
async fn a_schema_of_a_later_version_is_refused_untouched() {
    let database = Database::new().await;
    database.open().await.close().await;
    let raw = database.raw().await;
    raw.batch_execute("UPDATE cloakroom.schema_version SET version = 7").await.unwrap();
    let refused = Postgres::open(&database.url(), 2).await.map(drop);
    assert_eq!(refused, Err(Error::SchemaTooNew { found: 7, known: 3 }));
    assert_eq!(number(&raw, "SELECT version FROM cloakroom.schema_version").await, 7);
}

#[tokio::test]
async fn a_schema_of_another_program_is_refused_untouched() {
    for made in [
        "CREATE TABLE cloakroom.account (coat TEXT)",
        "CREATE TABLE cloakroom.schema_version (version INTEGER)",
        "CREATE TABLE cloakroom.schema_version (one INTEGER, application TEXT, version BIGINT)",
        "CREATE TABLE cloakroom.schema_version (one INTEGER, application TEXT, version BIGINT);
         INSERT INTO cloakroom.schema_version VALUES (1, 'Theatre', 1)",
    ] {
        let database = Database::new().await;
        let raw = database.raw().await;
        raw.batch_execute("CREATE SCHEMA cloakroom").await.unwrap();
        raw.batch_execute(made).await.unwrap();
        let answer = Postgres::open(&database.url(), 2).await.map(drop);
        assert!(matches!(answer, Err(Error::Foreign(_))), "{answer:?}");
        let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'cloakroom'";
        assert_eq!(number(&raw, tables).await, 1, "{made}");
    }
    // One that is empty was made for us by somebody who may; what is outside of it is nothing to us.
    let database = Database::new().await;
    database
        .raw()
        .await
        .batch_execute("CREATE SCHEMA cloakroom; CREATE TABLE public.account (coat TEXT)")
        .await
        .unwrap();
    database.open().await.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_unit_that_postgres_undid_to_end_a_deadlock_is_carried_out_again() {
    let database = Database::new().await;
    let store = database.open().await;
    account_with_sessions(&store, &[1, 2]).await;
    let (rival, watching) = (database.raw().await, database.raw().await);
    // The rival never looks for deadlocks, so it is the unit that Postgres undoes.
    rival.batch_execute("SET deadlock_timeout = '1h'; BEGIN").await.unwrap();
    rival.query(&lock_session(2), &[]).await.unwrap();
    let end = |n| Order::EndSession { session: session_id(n), ended: logged_out(at(1)) };
    let unit = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { commit(&store, [end(1), end(2), Order::Record(event(1))]).await })
    };
    until_somebody_waits(&watching).await;
    rival.query(&lock_session(1), &[]).await.unwrap();
    rival.batch_execute("COMMIT").await.unwrap();
    assert_eq!(unit.await.unwrap(), Ok(()));
    assert_eq!(
        number(&watching, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").await.min(1),
        1
    );
    assert_eq!(store.events_after(0, 9).await.unwrap().len(), 1);
    for n in [1, 2] {
        assert!(store.session(session_id(n)).await.unwrap().unwrap().family.ended.is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn units_that_name_the_same_sessions_in_every_order_never_wait_for_each_other_in_a_circle() {
    let database = Database::new().await;
    let store = database.open().await;
    account_with_sessions(&store, &[1, 2, 3, 4]).await;
    let sight = |n: u8, used: i64| {
        Order::Sight(crate::Sighting {
            session: session_id(n),
            generation: 0,
            first_used_at: None,
            last_used_at: at(used),
        })
    };
    let units = (0..120_u8).map(|n| {
        let mut sessions = [1, 2, 3, 4];
        sessions.rotate_left(usize::from(n % 4));
        if n % 2 == 0 {
            sessions.reverse();
        }
        match n % 10 {
            9 => Unit::from(Order::EndOldest {
                account: account_id(1),
                keep: 4,
                now: at(5),
                idle_since: at(0),
                ended: logged_out(at(5)),
                revoked_until: at(6),
            }),
            _ => sessions.iter().fold(Unit::new(), |unit, s| unit.order(sight(*s, 10 + i64::from(n)))),
        }
    });
    assert!(race(&store, units.collect()).await.iter().all(Result::is_ok));
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(number(&database.raw().await, deadlocks).await, 0);
    for session in store.sessions_of(account_id(1), 9).await.unwrap() {
        assert_eq!(session.last_used_at, at(128));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn units_that_name_the_same_slips_in_every_order_never_wait_for_each_other_in_a_circle() {
    let database = Database::new().await;
    let store = database.open().await;
    account_with_sessions(&store, &[]).await;
    commit(&store, [Order::OpenAccount(account(2))]).await.unwrap();
    let owned = |n: u8, version: u32| Slip { account: Some(account_id(n % 2 + 1)), version, ..slip(n) };
    let all_of = |n: u8| Order::RemoveSlips { account: account_id(n), kind: SlipKind::Code };
    let units = (0..240_u8).map(|n| {
        let mut slips = [1, 2, 3, 4];
        slips.rotate_left(usize::from(n % 4));
        if n % 2 == 0 {
            slips.reverse();
        }
        // Some are there at the beginning of a unit and some are not, because others remove them all the time.
        let put = |unit: Unit, s: &u8| unit.order(Order::PutSlip(owned(*s, n.into())));
        match n % 6 {
            0 => Unit::from(all_of(1)).order(all_of(2)),
            1 => Unit::from(all_of(2)).order(Order::PutSlip(owned(1, 0))).order(all_of(1)),
            _ => slips.iter().fold(Unit::new(), put),
        }
    });
    let answers = race(&store, units.collect()).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(number(&database.raw().await, deadlocks).await, 0);
}

#[tokio::test]
async fn an_address_that_is_taken_is_not_told_to_the_log_of_the_server() {
    let database = Database::new().await;
    let store = database.open().await;
    commit(&store, [Order::OpenAccount(account(1)), Order::OpenAccount(account(2))]).await.unwrap();
    // What is caught in the function is no error of the server's.
    let set = "SELECT cloakroom.set_email(id, 'person1@example.com', 'x', 'person2@example.com', NULL)
               FROM cloakroom.account WHERE canonical_email = 'person1@example.com'";
    assert_eq!(number(&database.raw().await, set).await, 0);
    assert!(store.account(account_id(1)).await.unwrap() == Some(account(1)));
}

#[tokio::test]
async fn a_store_of_the_first_version_keeps_what_it_holds() {
    let database = Database::new().await;
    let raw = database.raw().await;
    raw.batch_execute("CREATE SCHEMA cloakroom").await.unwrap();
    raw.batch_execute(include_str!("migrations/0001_first.sql")).await.unwrap();
    let rows = format!(
        "UPDATE cloakroom.schema_version SET version = 1;
         INSERT INTO cloakroom.account
             VALUES ('\\x{id}', 'Person1@Example.com', 'person1@example.com', '{hash}', {now}, {now} + 1);
         INSERT INTO cloakroom.session
             VALUES ('\\x{id}', '\\x{id}', {now}, {now} + 2, {now} + 1000000, true, 'pwd', 'cookie', 'a', 'b',
                     0, {now}, 0, {now}, NULL, 0, 0, '\\x{key}', '\\x{id}', NULL, NULL);
         INSERT INTO cloakroom.event VALUES (1, 1, NULL, '\\x{id}', {now} + 1, 'login.succeeded', '\\x{id}')",
        hash = hash(1).as_phc(),
        key = "c8".repeat(16),
        id = "01".repeat(16),
        now = NOW.millis(),
    );
    raw.batch_execute(&rows).await.unwrap();
    let store = database.open().await;
    assert!(store.account(account_id(1)).await.unwrap() == Some(account(1)));
    // Nobody had roles then.
    let roles = Roles::default();
    let kept = Session { user_agent: "a".to_owned(), address: "b".to_owned(), roles, ..session(1, 1) };
    assert_eq!(store.session(session_id(1)).await.unwrap(), Some(kept));
    assert_eq!(store.events_of(account_id(1), 9).await.unwrap(), [(1, event(1))]);
}

#[tokio::test]
async fn lines_of_an_account_are_found_behind_many_that_nobody_has_read() {
    let database = Database::new().await;
    let store = database.open().await;
    commit(&store, [Order::Record(event(1))]).await.unwrap();
    // More than are given their places at once, and then another one of the account.
    let others = "INSERT INTO cloakroom.event (unit, line, id, at, kind)
                  SELECT nextval('cloakroom.event_unit'), 1, '\\x01010101010101010101010101010101', 1, 'login.succeeded'
                  FROM generate_series(1, 25000)";
    database.raw().await.batch_execute(others).await.unwrap();
    commit(&store, [Order::Record(event(2))]).await.unwrap();
    assert_eq!(store.events_of(account_id(1), 9).await.unwrap(), [(25_002, event(2)), (1, event(1))]);
}

#[tokio::test]
async fn no_statement_about_slips_or_the_end_of_an_account_reads_a_whole_table() {
    let database = Database::new().await;
    database.open().await.close().await;
    let raw = database.raw().await;
    raw.batch_execute(
        "CREATE FUNCTION pg_temp.id(n INTEGER) RETURNS BYTEA LANGUAGE sql AS
             $$ SELECT decode(repeat(lpad(to_hex(n), 2, '0'), 16), 'hex') $$;
         INSERT INTO cloakroom.account
             SELECT pg_temp.id(n), 'a' || n || '@b', 'a' || n || '@b', '', 0, 0 FROM generate_series(0, 255) n;
         INSERT INTO cloakroom.slip
             SELECT 'bucket', int4send(n), NULL, 0, NULL, n, '' FROM generate_series(1, 30000) n;
         INSERT INTO cloakroom.slip
             SELECT 'device', int4send(n), pg_temp.id(n % 256), 0, n, NULL, '' FROM generate_series(1, 30000) n;
         INSERT INTO cloakroom.session
             SELECT decode(lpad(to_hex(n), 32, '0'), 'hex'), pg_temp.id(n % 256), 0, 0, 1000000, true, 'pwd', 'cookie',
                    '', '', 0, 0, 0, 0, NULL, 0, 0, pg_temp.id(0), pg_temp.id(0), n, 'logged-out'
             FROM generate_series(1, 30000) n;
         ANALYZE",
    )
    .await
    .unwrap();
    // Connections tell what they have read when they end at the latest.
    let read = async || {
        let others =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                                                              AND backend_type = 'client backend'";
        until("no connection is left", async || number(&raw, others).await == 0).await;
        number(&raw, "SELECT sum(seq_scan)::bigint FROM pg_stat_user_tables WHERE relname IN ('slip', 'session')").await
    };
    raw.batch_execute("SELECT pg_stat_force_next_flush(); SELECT 1").await.unwrap();
    let before = read().await;
    let store = database.open().await;
    let device = |n: u8| Slip { kind: SlipKind::Device, account: Some(account_id(n)), ..slip(n) };
    let delete = |n| Order::DeleteAccount(account_id(n));
    let end =
        |n| Order::EndSessions { account: account_id(n), except: None, ended: logged_out(at(1)), revoked_until: at(1) };
    let remove = |n: u8| Order::RemoveSlip { kind: device(n).kind, key: device(n).key, expected: 0 };
    let expect = |n: u8, expected| Order::ExpectSlip { kind: device(n).kind, key: device(n).key, expected };
    let units = [
        vec![Order::AddSlip(device(1))],
        vec![Order::AddSlip(device(2)), Order::PutSlip(device(3))],
        vec![Order::ChangeSlip { expected: 0, next: device(1) }, expect(2, Some(0)), expect(4, None)],
        vec![remove(1), remove(2)],
        vec![Order::RemoveSlips { account: account_id(3), kind: SlipKind::Device }, Order::PutSlip(device(3))],
        vec![delete(4)],
        vec![end(5), Order::RaiseFloor { account: account_id(5), to: at(1), until: at(1) }, delete(5)],
        vec![Order::Sweep { now: Timestamp::from_millis(10), ended_before: Timestamp::from_millis(10) }],
    ];
    for unit in units {
        commit(&store, unit).await.unwrap();
    }
    assert_eq!(store.slips_of(account_id(6), SlipKind::Device, 999).await.unwrap().len(), 118);
    assert!(store.slips_of(account_id(5), SlipKind::Device, 999).await.unwrap().is_empty());
    assert_eq!(store.slips_due(SlipKind::Device, Timestamp::from_millis(100), 9).await.unwrap().len(), 9);
    assert!(store.slip(SlipKind::Device, &slip(3).key).await.unwrap().is_some());
    store.close().await;
    drop(store);
    assert_eq!(read().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_finds_every_connection_taken_is_told_so_and_nothing_is_lost() {
    let database = Database::new().await;
    let store: Arc<dyn Store> = Arc::new(database.node(1).await);
    account_with_sessions(&store, &[1]).await;
    let rival = database.raw().await;
    rival.batch_execute("BEGIN").await.unwrap();
    rival.query(&lock_session(1), &[]).await.unwrap();
    let unit = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            commit(&store, [Order::EndSession { session: session_id(1), ended: logged_out(at(1)) }]).await
        })
    };
    until_somebody_waits(&rival).await;
    assert_eq!(store.ping().await, Err(Error::Unavailable(Outage::Busy)));
    rival.batch_execute("COMMIT").await.unwrap();
    assert_eq!(unit.await.unwrap(), Ok(()));
    assert_eq!(store.ping().await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_unit_is_carried_out_to_its_end_when_nobody_waits_for_it_any_longer() {
    let database = Database::new().await;
    let store: Arc<dyn Store> = Arc::new(database.node(1).await);
    account_with_sessions(&store, &[1, 2]).await;
    let rival = database.raw().await;
    rival.batch_execute("BEGIN").await.unwrap();
    rival.query(&lock_session(1), &[]).await.unwrap();
    let ended = Ended { at: at(1), reason: EndReason::Revoked };
    let asking = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let end = Order::EndSessions { account: account_id(1), except: None, ended, revoked_until: at(2) };
            commit(&store, [end]).await
        })
    };
    until_somebody_waits(&rival).await;
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    rival.batch_execute("COMMIT").await.unwrap();
    until("the unit has happened", async || store.newest_revocation().await.unwrap() == 2).await;
    for n in [1, 2] {
        assert_eq!(store.session(session_id(n)).await.unwrap().unwrap().family.ended, Some(ended));
    }
    commit(&store, [Order::InsertKey(key(1))]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_read_goes_on_with_a_fresh_connection_when_its_own_is_gone() {
    let database = Database::new().await;
    let store = database.open().await;
    let raw = database.raw().await;
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    store.ping().await.unwrap();
    let mut ended = 0;
    for _ in 0..20 {
        // Whether or not the store has noticed already that its connections are gone.
        ended += number(&raw, end).await;
        assert_eq!(store.keys().await, Ok(vec![]));
        assert_eq!(store.keys_version().await, Ok(0));
    }
    assert!(ended > 0);
}

#[tokio::test]
async fn a_text_that_postgres_cannot_keep_is_a_fault_that_does_not_show_it() {
    let database = Database::new().await;
    let store = database.open().await;
    account_with_sessions(&store, &[]).await;
    let opened = Session { user_agent: "Mozilla\u{0}".to_owned(), ..session(1, 1) };
    let answer = commit(&store, [Order::Record(event(1)), Order::OpenSession(opened)]).await;
    let Err(Error::Fault(text)) = answer else { panic!("{answer:?}") };
    assert!(!text.contains("Mozilla"), "{text}");
    assert_eq!(store.events_after(0, 9).await, Ok(vec![]));
}

#[tokio::test]
async fn errors_of_the_backend_show_no_stored_value() {
    let database = Database::new().await;
    let store = database.open().await;
    commit(&store, [Order::OpenAccount(account(1))]).await.unwrap();
    let raw = database.raw().await;
    raw.batch_execute("ALTER TABLE cloakroom.account ADD CHECK (password NOT LIKE '%2')").await.unwrap();
    let set = Order::SetPassword { account: account_id(1), expected: hash(1), next: hash(2), at: None };
    let Err(Error::Fault(text)) = commit(&store, [set]).await else { panic!("it did not fail") };
    assert!(!text.contains("argon2id") && !text.contains("xample.com"), "{text}");
    // The store goes on.
    commit(&store, [Order::InsertKey(key(1))]).await.unwrap();
}

#[tokio::test]
async fn a_server_that_cannot_be_used_is_an_outage_without_the_password() {
    let database = Database::new().await;
    let wrong = database.url().replace(&format!("/{}", database.name), "/nobody_made_this");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for url in [wrong, format!("postgres://u:hunter2@127.0.0.1:{port}/x"), database.url().replace("://", "://x")] {
        let password = url.split(['@', ':']).nth(2).unwrap().to_owned();
        match Postgres::open(&url, 1).await.map(drop) {
            Err(Error::Unavailable(Outage::Io(text))) => assert!(!text.contains(&password), "{text}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn durability_is_not_switched_off_by_a_setting_of_the_database() {
    let database = Database::new().await;
    let raw = database.raw().await;
    raw.batch_execute(&format!("ALTER DATABASE {} SET synchronous_commit = off", database.name)).await.unwrap();
    let isolation = format!("ALTER DATABASE {} SET default_transaction_isolation = 'serializable'", database.name);
    raw.batch_execute(&isolation).await.unwrap();
    let node = database.node(1).await;
    let connection = node.inner.pool.take().await.unwrap();
    for (setting, value) in [("synchronous_commit", "on"), ("default_transaction_isolation", "read committed")] {
        let said: String = connection.query_one(&format!("SHOW {setting}"), &[]).await.unwrap().get(0);
        assert_eq!(said, value);
    }
}

#[tokio::test]
async fn a_cell_that_makes_no_sense_is_named_and_not_shown() {
    let cases = [
        ("account", "email", "'no address'"),
        ("session", "method", "'guess'"),
        ("session", "strategy", "'guess'"),
        ("session", "generation", "-1"),
        ("session", "generation", "4294967296"),
        ("session", "issue", "9223372036854775807"),
        ("session", "late_repeats", "256"),
        ("session", "refresh_key", "''"),
        ("session", "seed", "'\\x0102'"),
        ("session", "ended_reason", "'logged-out'"),
        ("session", "ended_at", "1"),
        ("slip", "key", "''"),
        ("slip", "key", "decode(repeat('00', 65), 'hex')"),
        ("slip", "account", "'\\x0102'"),
        ("slip", "version", "-1"),
        ("slip", "version", "4294967296"),
        ("ring_key", "purpose", "'fun'"),
        ("ring", "version", "-1"),
        ("event", "kind", "'nothing'"),
        ("event", "ring_key", "'\\x0102'"),
        ("revocation", "kind", "'nobody'"),
        ("revocation", "subject", "'\\x0102'"),
        ("revocation", "oldest_issue", "NULL"),
        ("revocation", "generation", "-1"),
        ("feed", "newest", "-1"),
    ];
    let database = Database::new().await;
    let store = database.open().await;
    account_with_sessions(&store, &[1]).await;
    let issues = Revocation::Issues { session: session_id(1), generation: 1, oldest: 1, from: at(0) };
    let revoke = Order::Revoke { entry: issues, until: at(0) };
    commit(&store, [Order::InsertKey(key(1)), Order::Record(event(1)), revoke]).await.unwrap();
    commit(&store, [Order::AddSlip(Slip { due_at: Some(at(0)), ..slip(1) })]).await.unwrap();
    store.events_after(0, 9).await.unwrap();
    let raw = database.raw().await;
    // Somebody who may has broken the rules of the schema.
    raw.batch_execute(
        "DO $$ DECLARE c RECORD; BEGIN
             FOR c IN SELECT conrelid::regclass AS t, conname FROM pg_constraint
                      WHERE (contype = 'c' OR conname = 'slip_account_fkey') AND connamespace = 'cloakroom'::regnamespace
             LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.t, c.conname); END LOOP;
         END $$; DROP TRIGGER ring_key_changed ON cloakroom.ring_key",
    )
    .await
    .unwrap();
    for (table, column, value) in cases {
        raw.batch_execute(&format!(
            "CREATE TABLE kept AS SELECT * FROM cloakroom.{table}; UPDATE cloakroom.{table} SET {column} = {value}"
        ))
        .await
        .unwrap();
        let answer = match table {
            "account" => store.account(account_id(1)).await.map(drop),
            "session" => store.session(session_id(1)).await.map(drop),
            "slip" => store.slips_due(slip(1).kind, at(0), 9).await.map(drop),
            "ring_key" => store.keys().await.map(drop),
            "ring" => store.keys_version().await.map(drop),
            "event" => store.events_after(0, 9).await.map(drop),
            "feed" => store.newest_revocation().await.map(drop),
            _ => store.revocations_after(0, 9).await.map(drop),
        };
        raw.batch_execute(&format!(
            "UPDATE cloakroom.{table} SET {column} = (SELECT {column} FROM kept); DROP TABLE kept"
        ))
        .await
        .unwrap();
        // The end of a session is in two cells; whichever is broken, the second tells.
        let column = if column == "ended_at" { "ended_reason" } else { column };
        let row = match table {
            "account" | "session" | "ring_key" => account_id(1).to_string(),
            "ring" | "feed" => "-1".to_owned(),
            "slip" => "without an id".to_owned(),
            _ => "1".to_owned(),
        };
        assert_eq!(answer, Err(Error::Corrupt { table, column, row }), "{value}");
    }
}

#[tokio::test]
async fn a_withdrawn_key_is_noticed_by_another_node_at_once() {
    let database = Database::new().await;
    let (one, other) = (database.node(1).await, database.node(1).await);
    one.commit(Order::InsertKey(key(1)).into()).await.unwrap();
    let version = other.keys_version().await.unwrap();
    let stale = Unit::from(Order::ExpectKeys(version)).order(Order::InsertKey(key(2)));
    one.commit(Order::WithdrawKey { key: key_id(1), at: at(1) }.into()).await.unwrap();
    assert_ne!(other.keys_version().await.unwrap(), version);
    assert_eq!(other.commit(stale).await, Err(Error::Conflict));
    assert!(other.session(session_id(1)).await.unwrap().is_none());
    assert_eq!(other.events_after(0, 1).await, Ok(vec![]));
    assert_eq!(other.newest_revocation().await, Ok(0));
}
