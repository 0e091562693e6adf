//! One world: three nodes, the owner's browser, perhaps a thief, and everything that was ever handed out.

use crate::ground::Ground;
use crate::step::{Forgery, Step};
use cloakroom_app::device::{MOST_DEVICES, Visit};
use cloakroom_app::login::{LoggedIn, Login, Wish};
use cloakroom_app::session::{Company, Handed, Opened};
use cloakroom_app::token::Credential;
use cloakroom_app::{App, Error, ManualClock, Refusal};
use cloakroom_core::id::SessionId;
use cloakroom_core::session::{Session, Strategy};
use cloakroom_core::time::{Lifetime, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;
use std::sync::Arc;

const PASSWORD: &str = "amber kettle river thimble";

/// Longer than any round trip that is believed, twice.
const LONG: Lifetime = Lifetime::from_secs(61);

pub(crate) struct World<'a> {
    pub(crate) ground: &'a Ground,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) nodes: Vec<Arc<App>>,
    pub(crate) session: SessionId,
    pub(crate) owner: Jar,
    pub(crate) thief: Option<Jar>,
    /// Another session of the same account, which nobody touches.
    pub(crate) other: (SessionId, Jar),
    /// The refresh token of each generation.
    pub(crate) refresh_tokens: BTreeMap<u32, String>,
    /// Every access token, with generation and issue, and when it was made.
    pub(crate) access_tokens: BTreeMap<(u32, u32), (String, Timestamp)>,
    /// Generations of which an answer to the owner was lost.
    pub(crate) lossy: BTreeSet<u32>,
    /// The newest generation and issue that was seen in the store.
    pub(crate) reached: (u32, u32),
    /// Whether the end was noticed, and everything tried that must not be accepted after it.
    pub(crate) over: bool,
}

/// Two cookies.
#[derive(Clone)]
pub(crate) struct Jar {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// What a refresh was answered with.
pub(crate) enum Answer {
    Given { jar: Jar, generation: u32, issue: u32 },
    Raced,
    Ended { clear: bool },
}

impl<'a> World<'a> {
    /// Somebody has just logged in, twice.
    pub(crate) async fn begin(ground: &'a Ground) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix_seconds(1_800_000_000)));
        let mut nodes = Vec::new();
        for node in 0..ground.stores.len() {
            nodes.push(ground.start(node, &clock).await);
        }
        let address = ground.new_address();
        nodes[0].sign_up(&address, PASSWORD.to_owned(), &visit(&address)).await.unwrap();
        let (opened, other) = (log_in(&nodes[0], &address).await, log_in(&nodes[1], &address).await);
        let (owner, other) = (jar(&opened), (other.session.id, jar(&other)));
        let refresh_tokens = BTreeMap::from([(0, owner.refresh.clone())]);
        let access_tokens = BTreeMap::from([((0, 0), (owner.access.clone(), opened.session.family.issued_at))]);
        Self {
            ground,
            clock,
            nodes,
            session: opened.session.id,
            owner,
            thief: None,
            other,
            refresh_tokens,
            access_tokens,
            lossy: BTreeSet::new(),
            reached: (0, 0),
            over: false,
        }
    }

    /// Goes through the steps, and asks after each whether everything is as promised.
    pub(crate) async fn live(mut self, steps: &[Step]) {
        for step in steps {
            self.take(step).await;
            self.keeps_what_is_promised().await;
        }
        if self.thief.is_some() {
            self.throws_the_thief_out().await;
        } else {
            self.has_a_way_on().await;
        }
        // Once more: nodes may have died and come back since the end.
        self.over = false;
        self.keeps_what_is_promised().await;
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::Refresh { node, arrives } => {
                let answer = self.refresh(*node, &self.owner).await;
                self.receive(answer, *arrives);
            }
            Step::Both { nodes: [one, two], arrive, swapped } => {
                let (first, second) = tokio::join!(self.refresh(*one, &self.owner), self.refresh(*two, &self.owner));
                let mut answers = [(first, arrive[0]), (second, arrive[1])];
                if *swapped {
                    answers.reverse();
                }
                for (answer, arrives) in answers {
                    self.receive(answer, arrives);
                }
            }
            Step::Use { node } => drop(self.accepts(*node, &self.owner.access).await),
            Step::Flush { node } => self.nodes[*node].flush_sightings().await.unwrap(),
            Step::Follow { node } => self.refuses_outdated_issues(*node).await,
            Step::Crash { node } => self.nodes[*node] = self.ground.start(*node, &self.clock).await,
            Step::Wait { millis } => self.clock.advance(Lifetime::from_millis(*millis)),
            Step::Forge { node, forgery } => self.refuses(*node, *forgery).await,
            Step::Steal => self.thief = Some(self.owner.clone()),
            Step::ThiefUses { node } => {
                if let Some(thief) = &self.thief {
                    self.accepts(*node, &thief.access).await;
                }
            }
            Step::ThiefRefreshes { node } => self.thief_refreshes(*node).await,
        }
    }

    async fn thief_refreshes(&mut self, node: usize) {
        let Some(thief) = self.thief.clone() else { return };
        let answer = self.refresh(node, &thief).await;
        if let Answer::Given { jar, generation, issue } = answer {
            self.note(&jar, generation, issue);
            self.thief = Some(jar);
        }
    }

    /// Presents what is in a jar.
    pub(crate) async fn refresh(&self, node: usize, jar: &Jar) -> Answer {
        self.present(node, &jar.refresh, Some(&jar.access)).await
    }

    async fn present(&self, node: usize, refresh: &str, access: Option<&str>) -> Answer {
        match self.nodes[node].refresh(refresh, Company { access, ..Company::default() }).await {
            Ok(opened) => {
                let family = &opened.session.family;
                Answer::Given { generation: family.generation, issue: family.issue, jar: jar(&opened) }
            }
            Err(Error::Refused(Refusal::RefreshRaced)) => Answer::Raced,
            Err(Error::Refused(Refusal::SessionEnded { clear })) => Answer::Ended { clear },
            Err(other) => panic!("a refresh fails: {other:?}"),
        }
    }

    /// An answer to the owner arrives, or is lost.
    fn receive(&mut self, answer: Answer, arrives: bool) {
        if let Answer::Given { jar, generation, issue } = answer {
            self.note(&jar, generation, issue);
            if arrives {
                self.owner = jar;
            } else {
                self.lossy.insert(generation);
            }
        }
    }

    /// Of one generation there is one refresh token, of one issue one access token.
    fn note(&mut self, jar: &Jar, generation: u32, issue: u32) {
        let known = self.refresh_tokens.entry(generation).or_insert_with(|| jar.refresh.clone());
        assert_eq!(*known, jar.refresh, "two refresh tokens of generation {generation}");
        let made = (jar.access.clone(), self.now());
        let twin = self.access_tokens.insert((generation, issue), made);
        assert!(twin.is_none(), "two access tokens of generation {generation}, issue {issue}");
    }

    /// Whether a node accepts an access token.
    pub(crate) async fn accepts(&self, node: usize, access: &str) -> bool {
        match self.nodes[node].authenticate(Credential::Cookie(access)).await {
            Ok(_) => true,
            Err(Error::Refused(Refusal::SignedOut | Refusal::AccessExpired)) => false,
            Err(other) => panic!("an access token fails: {other:?}"),
        }
    }

    /// The session's row, ended or not.
    pub(crate) async fn row(&self, session: SessionId) -> Session {
        self.ground.stores[0].session(session).await.unwrap().unwrap()
    }

    pub(crate) fn now(&self) -> Timestamp {
        cloakroom_app::Clock::now(&*self.clock)
    }

    /// A forged token is refused, clears nothing and changes no row.
    async fn refuses(&self, node: usize, forgery: Forgery) {
        let before = (self.row(self.session).await, self.row(self.other.0).await);
        let Jar { access, refresh } = &self.owner;
        let (head, mac) = refresh.rsplit_once('.').unwrap();
        let (names, generation) = head.rsplit_once('.').unwrap();
        let answer = match forgery {
            Forgery::Mac => {
                let flipped = if mac.starts_with('A') { 'B' } else { 'A' };
                self.present(node, &format!("{head}.{flipped}{}", &mac[1..]), Some(access)).await
            }
            Forgery::Ahead => {
                let next = generation.parse::<u32>().unwrap() + 1;
                self.present(node, &format!("{names}.{next}.{mac}"), Some(access)).await
            }
            Forgery::Alone => self.present(node, refresh, None).await,
            Forgery::ForeignCompany => self.present(node, refresh, Some(&self.other.1.access)).await,
            Forgery::Foreign => self.present(node, &self.other.1.refresh, Some(access)).await,
        };
        assert!(matches!(answer, Answer::Ended { clear: false }), "{forgery:?} is not refused");
        assert_eq!(
            (self.row(self.session).await, self.row(self.other.0).await),
            before,
            "{forgery:?} has changed a row"
        );
    }

    /// Without a thief, two attempts are enough to come to an access token that every node accepts.
    async fn has_a_way_on(&mut self) {
        for node in [0, 1] {
            let answer = self.refresh(node, &self.owner).await;
            self.receive(answer, true);
            let mut accepted = 0;
            for node in 0..self.nodes.len() {
                accepted += usize::from(self.accepts(node, &self.owner.access).await);
            }
            if accepted == self.nodes.len() {
                return;
            }
        }
        assert!(self.row(self.session).await.family.ended.is_some(), "the owner is stuck");
    }

    /// Whatever happened before: when owner and thief go on beside each other, the family soon ends.
    async fn throws_the_thief_out(&mut self) {
        for _ in 0..3 {
            for who in ["owner", "thief"] {
                self.clock.advance(LONG);
                if who == "owner" {
                    let answer = self.refresh(0, &self.owner).await;
                    self.receive(answer, true);
                    self.accepts(1, &self.owner.access).await;
                } else {
                    self.thief_refreshes(2).await;
                    self.accepts(0, &self.thief.as_ref().unwrap().access).await;
                }
                for node in &self.nodes {
                    node.flush_sightings().await.unwrap();
                }
            }
        }
        assert!(self.row(self.session).await.family.ended.is_some(), "the thief goes on beside the owner");
    }
}

async fn log_in(node: &App, address: &str) -> Opened {
    let login = Login {
        email: address,
        password: PASSWORD.to_owned(),
        wish: Wish { remember: true, strategy: Strategy::Cookie },
        visit: visit(address),
        replaces: None,
    };
    match node.log_in(login).await.unwrap() {
        LoggedIn::Entered(entered) => entered.opened,
        LoggedIn::SecondFactor(_) => panic!("nobody has enrolled one"),
    }
}

/// Everybody from a network of their own: so many in one world's hour would be a flood from one.
fn visit(address: &str) -> Visit<'static> {
    let hash = address.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let (high, low) = ((hash >> 16) as u16, (hash & 0xffff) as u16);
    let address = Ipv6Addr::new(0x2001, 0xdb8, high, low, 0, 0, 0, 1).into();
    Visit { devices: [None; MOST_DEVICES], user_agent: "", address }
}

fn jar(opened: &Opened) -> Jar {
    let Handed::Cookie { access, refresh } = &opened.handed else { panic!("not two cookies") };
    Jar { access: access.clone(), refresh: refresh.to_wire() }
}
