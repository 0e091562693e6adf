//! Makes runs of any size from a seed: the strategies and attacks of `docs/lab`, with verdicts that are plausible but were
//! never observed. Nothing here is a finding.

pub(crate) mod evidence;
pub(crate) mod hostile;
mod story;

use cloakroom_lab_report::{
    Attack, BrowserRun, Cell, Control, Defence, Run, SCHEMA, Strategy, ThirdPartyCookies, UsabilityCell,
    UsabilityColumn, Verdict, WorksAgain,
};

use self::story::{ATTACKS, DEFENCES, STRATEGIES, USABILITIES};

/// Numbers that look like chance and are the same for the same seed (`SplitMix64`).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// A run of all strategies and attacks in three browsers, with evidence in every cell.
pub(crate) fn full(seed: u64) -> Run {
    run(seed, &|_| true)
}

/// A run of a few strategies, of Cloakroom's too, and a few attacks, in three browsers.
pub(crate) fn small(seed: u64) -> Run {
    let kept = ["cookie", "ticket", "S1", "S9", "S10", "A1", "A3b", "C1", "C5", "R1"];
    run(seed, &|id| kept.contains(&id))
}

/// Of the strategies and attacks that are kept.
fn run(seed: u64, kept: &dyn Fn(&str) -> bool) -> Run {
    let mut dice = Dice::of(seed);
    let text = |text: &str| text.to_owned();
    let strategies: Vec<Strategy> = STRATEGIES
        .iter()
        .filter(|row| kept(row.0))
        .map(|(id, title, summary, ..)| Strategy {
            id: text(id),
            title: text(title),
            summary: text(summary),
            is_cloakroom: !id.starts_with('S'),
            sources: vec![
                text("https://datatracker.ietf.org/doc/draft-ietf-oauth-browser-based-apps/"),
                text("RFC 6265, 8.5"),
            ],
        })
        .collect();
    let attacks: Vec<Attack> = ATTACKS
        .iter()
        .filter(|column| kept(column.0))
        .map(|(id, title, group, story)| Attack {
            id: text(id),
            title: text(title),
            group: text(group),
            story: text(story),
            mechanism: text("The script runs with everything that the page may do. It looks where tokens are kept, and sends what it finds with a request that no policy of the page forbids."),
            stopped_by: text("Keeping the credential where no script of the page can reach it, and asking for a proof that no other site can give."),
            sources: vec![text("https://cheatsheetseries.owasp.org/"), text("RFC 9700, 4.2")],
        })
        .collect();
    let usabilities: Vec<UsabilityColumn> = USABILITIES
        .iter()
        .map(|(id, title)| UsabilityColumn {
            id: text(id),
            title: text(title),
            how: text("The page is loaded again, and asked who is logged in."),
        })
        .collect();
    let browsers = [
        ("chromium", "Chromium", "chromium/150.0.7871.46"),
        ("firefox", "Firefox", "firefox/153.0"),
        ("webkit", "WebKitGTK", "2.52.1"),
    ];
    let browsers: Vec<BrowserRun> = browsers
        .into_iter()
        .map(|(id, name, version)| BrowserRun {
            id: text(id),
            name: text(name),
            version: text(version),
            third_party_cookies: ThirdPartyCookies::Block,
            not_run: None,
        })
        .collect();
    let mut cells = Vec::new();
    let mut usability = Vec::new();
    for browser in &browsers {
        for row in &strategies {
            let known = STRATEGIES.iter().find(|known| known.0 == row.id).unwrap();
            for attack in &attacks {
                cells.push(cell(&mut dice, browser, row, known.3, attack));
            }
            for column in &usabilities {
                let value = match &*column.id {
                    "bytes" => (dice.below(900) + 40).to_string(),
                    "reload" if known.3 == Kind::Memory => text("after a refresh"),
                    _ => text(if dice.below(3) == 0 { "no" } else { "yes" }),
                };
                usability.push(UsabilityCell {
                    browser: browser.id.clone(),
                    strategy: row.id.clone(),
                    usability: column.id.clone(),
                    value,
                    why: text("The profile stood there again, and the server saw the same session."),
                });
            }
        }
    }
    Run {
        schema: text(SCHEMA),
        began_at: text("2026-11-22T18:04:11Z"),
        took_seconds: 1023,
        command: format!("cloakroom-lab run --third-party-cookies block --seed {seed}"),
        seed,
        lab: text("0.1.0 (4f1c2aa)"),
        cloakroom: text("0.1.0"),
        machine: text("Debian 13, AMD EPYC 7763, 2 processors"),
        browsers,
        strategies,
        attacks,
        usabilities,
        cells,
        usability,
        defences: defences(kept),
        defences_from: Some("2026-11-20T10:00:00Z, 600 s, cloakroom-lab run --strategy cloakroom-cookie".into()),
    }
}

/// What a strategy is made of, as far as a plausible verdict depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Readable,
    Memory,
    Cookie,
    Strict,
    Ours,
}

fn cell(dice: &mut Dice, browser: &BrowserRun, row: &Strategy, kind: Kind, attack: &Attack) -> Cell {
    let verdict = plausible(dice, browser, kind, &attack.id);
    let failed = verdict == Verdict::Invalid;
    let wavers = dice.below(170) == 0 && !failed;
    Cell {
        browser: browser.id.clone(),
        strategy: row.id.clone(),
        attack: attack.id.clone(),
        verdict,
        why: story::why(verdict, &row.title),
        honest: Control { passed: true, what: "The profile of alice was shown after a log-in.".to_owned() },
        falls: Control {
            passed: !failed,
            what: if failed {
                "Nothing arrived at the collector from S1 either.".to_owned()
            } else {
                "S1 fell: its token arrived at the collector.".to_owned()
            },
        },
        evidence: evidence::of(dice, row, attack, verdict),
        unstable: if wavers { vec![Verdict::Safe] } else { Vec::new() },
        unstable_because: if wavers {
            "The browser had discarded the tab in one of three repetitions.".to_owned()
        } else {
            String::new()
        },
        took_ms: 300 + dice.below(4000),
    }
}

fn plausible(dice: &mut Dice, browser: &BrowserRun, kind: Kind, attack: &str) -> Verdict {
    use Kind::{Cookie, Memory, Ours, Readable, Strict};
    use Verdict::{Deny, Detect, Fixate, Forge, Invalid, Leak, Mint, Na, Oracle, Part, Replay, Ride, Safe, Sib, Stale};
    if dice.below(90) == 0 && kind != Ours {
        return Invalid;
    }
    let is_chromium = browser.id == "chromium";
    match (attack, kind) {
        ("A1" | "M2" | "L1", Readable)
        | ("A2" | "A2b" | "M1", Readable | Memory)
        | ("M3", Readable | Memory | Cookie)
        | ("N1", Cookie) => Leak,
        ("A3", Readable | Memory) | ("A3b", Memory) => Mint,
        ("A4" | "A5", _) => Ride,
        ("A6" | "C6" | "C8", Cookie | Readable) => Fixate,
        ("C1" | "C3", Cookie) => {
            if is_chromium {
                Safe
            } else {
                Forge
            }
        }
        ("C2" | "U1", Cookie) | ("C9" | "C10", Cookie | Strict | Readable) => Forge,
        ("C4", Cookie) => {
            if is_chromium {
                Part
            } else {
                Na
            }
        }
        ("C5", Cookie | Strict) => Sib,
        ("C1" | "C2" | "C3" | "C4" | "C5" | "C10", Readable | Memory)
        | ("L1" | "N1", Memory)
        | ("R2", Cookie | Strict) => Na,
        ("C7", _) => Deny,
        ("U2", Cookie | Readable) => Oracle,
        ("R1", Readable | Memory | Cookie | Strict) => Replay,
        ("R1" | "R2", Ours) => Detect,
        ("R2", _) => Part,
        ("L4" | "L5", Readable | Memory | Cookie) => Stale,
        _ => Safe,
    }
}

fn defences(kept: &dyn Fn(&str) -> bool) -> Vec<Defence> {
    DEFENCES
        .iter()
        .map(|(id, title, removed_by, attacks)| Defence {
            id: (*id).to_owned(),
            title: (*title).to_owned(),
            removed_by: (*removed_by).to_owned(),
            works_again: attacks
                .iter()
                .filter(|(attack, _)| kept(attack))
                .flat_map(|(attack, without)| {
                    ["chromium", "firefox"].map(|browser| WorksAgain {
                        browser: browser.to_owned(),
                        strategy: "cookie".to_owned(),
                        attack: (*attack).to_owned(),
                        with: Verdict::Safe,
                        without: *without,
                        why: "The collector received what the cookie had held.".to_owned(),
                    })
                })
                .collect(),
            tried: if *id == "pre-mark" { 0 } else { 96 },
        })
        .collect()
}
