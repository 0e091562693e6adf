//! `kill -9` in a storm of rotations: what was answered is kept, what was not is mended by the next attempt.
//!
//! Every client keeps the protocol exactly: it takes over cookies only with a whole answer, and after a lost one it tries
//! again with what it has. Eight rounds; `CLOAKROOM_KILL_ROUNDS` asks for more, `CLOAKROOM_KILL_SEED` for another
//! order of events.

use crate::deadline::soon;
use crate::house::House;
use crate::upstream::Upstream;
use crate::visitor::{Lost, Visitor};
use futures_util::future::join_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

const CLIENTS: usize = 12;

/// In each round so many clients log out somewhere in the storm.
const LEAVING: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_in_a_storm_of_rotations_loses_nothing_that_it_has_answered() {
    let (rounds, seed) = (setting("CLOAKROOM_KILL_ROUNDS", 8), setting("CLOAKROOM_KILL_SEED", 20_261_122));
    let mut random = Random(seed);
    let upstream = Upstream::start("first").await;
    let house = House::before(upstream.address);
    let mut server = house.serve().await;
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let mut visitor = house.visitor();
        visitor.sign_in(&format!("client{number}@example.com")).await;
        clients.push(Client { number, visitor, refreshed: 0, lost: 0, left: Left::No });
    }

    for round in 0..rounds {
        let storm = Arc::new(Storm::to_be_killed_after(random.below(400) + 20));
        let leaving: Vec<_> = (0..LEAVING).map(|_| (random.below(CLIENTS), random.below(20))).collect();
        let running: Vec<_> = clients
            .drain(..)
            .map(|client| {
                let storm = Arc::clone(&storm);
                let leaves = leaving.iter().find(|(number, _)| *number == client.number).map(|(_, after)| *after);
                tokio::spawn(async move { client.rage(&storm, leaves).await })
            })
            .collect();
        soon("the storm has grown", storm.grown.notified()).await;
        // Somewhere within what the server is doing now.
        for _ in 0..random.below(200) {
            tokio::task::yield_now().await;
        }
        server.kill().await;
        for client in soon("every client notices", join_all(running)).await {
            clients.push(client.unwrap());
        }
        server = house.serve().await;
        clients = join_all(clients.into_iter().map(|client| client.find_their_way_on(round, seed))).await;
    }

    let (refreshed, lost) = clients.iter().fold((0, 0), |sum, client| (sum.0 + client.refreshed, sum.1 + client.lost));
    println!("{rounds} rounds, seed {seed}: {refreshed} refreshes answered, {lost} answers lost");
    assert!(refreshed > rounds * CLIENTS && lost > 0, "{refreshed} refreshes, {lost} lost answers: there was no storm");
    server.stop().await;
    let database = rusqlite::Connection::open(house.folder().join("cloakroom.db")).unwrap();
    let sound: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
}

/// When the server is to be killed.
struct Storm {
    requests: AtomicUsize,
    most: usize,
    grown: Notify,
}

impl Storm {
    fn to_be_killed_after(most: usize) -> Self {
        Self { requests: AtomicUsize::new(0), most, grown: Notify::new() }
    }

    fn request(&self) {
        if self.requests.fetch_add(1, Ordering::Relaxed) == self.most {
            self.grown.notify_one();
        }
    }
}

struct Client {
    number: usize,
    visitor: Visitor,
    refreshed: usize,
    lost: usize,
    left: Left,
}

/// What has become of a log-out.
enum Left {
    /// There was none.
    No,
    /// Its answer was lost: it has happened or it has not.
    Perhaps,
    /// It was answered; this is what a thief has kept from before it.
    Yes(Box<Visitor>),
}

impl Client {
    /// Refreshes and uses what it got, again and again, until an answer is lost.
    async fn rage(mut self, storm: &Storm, leaves_after: Option<usize>) -> Self {
        for turn in 0.. {
            let done = if leaves_after == Some(turn) { self.leave(storm).await } else { self.refresh(storm).await };
            if done.is_err() {
                self.lost += 1;
                return self;
            }
            if !matches!(self.left, Left::No) {
                return self;
            }
        }
        self
    }

    async fn refresh(&mut self, storm: &Storm) -> Result<(), Lost> {
        storm.request();
        let answer = self.visitor.fetch("POST", "/auth/refresh", None).await?;
        assert_eq!(answer.status, 200, "client {}: {}", self.number, answer.text());
        self.refreshed += 1;
        storm.request();
        let used = self.visitor.app().await?;
        assert_eq!(used.0, 200, "client {}: {}", self.number, used.1);
        Ok(())
    }

    async fn leave(&mut self, storm: &Storm) -> Result<(), Lost> {
        storm.request();
        let before = self.visitor.clone();
        self.left = Left::Perhaps;
        let answer = self.visitor.fetch("POST", "/auth/logout", None).await?;
        assert_eq!(answer.status, 204, "client {}: {}", self.number, answer.text());
        self.left = Left::Yes(Box::new(before));
        Ok(())
    }

    /// On the server that was started again: whoever was logged in still is, whoever had left is gone.
    async fn find_their_way_on(mut self, round: usize, seed: usize) -> Self {
        let who = format!("seed {seed}, round {round}, client {}", self.number);
        match std::mem::replace(&mut self.left, Left::No) {
            Left::No => {
                // What was acknowledged is good at once, without a refresh, and so is the next refresh, and the one after.
                assert_eq!(self.visitor.app().await.unwrap().0, 200, "{who}: the last access token");
                self.refresh_twice(&who).await;
            }
            Left::Perhaps => {
                let (status, code) = self.visitor.app().await.unwrap();
                assert!(status == 200 || code == "signed-out", "{who}: {status} {code}");
                if status == 200 {
                    self.refresh_twice(&who).await;
                } else {
                    assert_eq!(refresh(&mut self.visitor).await, (401, "session-ended".to_owned()), "{who}");
                }
            }
            Left::Yes(mut before) => {
                assert_eq!(before.app().await.unwrap(), (401, "signed-out".to_owned()), "{who}: it came back to life");
                assert_eq!(
                    refresh(&mut before).await,
                    (401, "session-ended".to_owned()),
                    "{who}: it came back to life"
                );
            }
        }
        if self.visitor.app().await.unwrap().0 != 200 {
            self.visitor.log_in(&format!("client{}@example.com", self.number)).await;
        }
        self
    }

    async fn refresh_twice(&mut self, who: &str) {
        for _ in 0..2 {
            assert_eq!(refresh(&mut self.visitor).await, (200, String::new()), "{who}");
            assert_eq!(self.visitor.app().await.unwrap().0, 200, "{who}");
        }
    }
}

async fn refresh(visitor: &mut Visitor) -> (u16, String) {
    let answer = visitor.fetch("POST", "/auth/refresh", None).await.unwrap();
    (answer.status, answer.code())
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var_os(name).map_or(default, |value| value.to_str().unwrap().parse().unwrap())
}

/// `SplitMix64`: the same numbers for the same seed.
struct Random(usize);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}
