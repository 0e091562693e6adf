//! The texts of a sample run, about as long as real ones.

use cloakroom_lab_report::Verdict;

use super::Kind;

/// Id, title, summary, kind.
pub(crate) const STRATEGIES: &[(&str, &str, &str, Kind)] = &[
    (
        "cookie",
        "access token in a __Host-Http- cookie",
        "Both tokens in cookies that no script reads; a static header is asked for.",
        Kind::Ours,
    ),
    ("ticket", "opaque ticket", "A random ticket in a cookie; the session is a row of the store.", Kind::Ours),
    (
        "split-cookie",
        "claims beside a cookie",
        "Claims readable, the signature in a cookie that no script reads.",
        Kind::Ours,
    ),
    ("memory", "bearer in memory", "For programs that must send Authorization themselves.", Kind::Ours),
    ("split-bearer", "half a bearer", "Half of the token in memory, half in a cookie.", Kind::Ours),
    ("S1", "localStorage", "The token lies in localStorage and goes out in an Authorization header.", Kind::Readable),
    ("S2", "sessionStorage", "As localStorage, for one tab.", Kind::Readable),
    ("S3", "IndexedDB", "The token is a record of a database in the browser.", Kind::Readable),
    ("S4", "Credential Management", "The token is kept as a password credential.", Kind::Readable),
    ("S5", "Cache API", "The token is a response in a cache.", Kind::Readable),
    ("S5b", "service-worker memory", "A worker attaches the header; the page never sees it.", Kind::Memory),
    ("S6", "global variable", "window.token.", Kind::Readable),
    ("S7a", "closure", "A variable that only one function sees.", Kind::Memory),
    ("S7b", "Web Worker", "A worker keeps the token and does the fetching.", Kind::Memory),
    ("S8", "readable cookie", "A cookie without HttpOnly.", Kind::Readable),
    ("S9", "HttpOnly, SameSite=None", "A cookie that every site sends along.", Kind::Cookie),
    ("S10", "HttpOnly, SameSite=Lax", "A cookie that links send along.", Kind::Cookie),
    ("S10d", "HttpOnly, no SameSite", "A cookie that the browser's default decides about.", Kind::Cookie),
    ("S11", "HttpOnly, SameSite=Strict", "A cookie that only this site sends.", Kind::Strict),
    ("S12", "split in two cookies", "Payload readable, signature HttpOnly, both Lax.", Kind::Cookie),
    ("S13", "split, half in localStorage", "A header of its own and a cookie.", Kind::Memory),
    (
        "S14",
        "memory and refresh cookie",
        "The access token in memory, the refresh token in a Strict cookie.",
        Kind::Memory,
    ),
    ("S15", "BFF, opaque session", "A backend keeps the tokens, the browser a session id.", Kind::Strict),
    ("S16", "BFF, encrypted JWT", "The session is in the cookie, encrypted.", Kind::Strict),
    ("S17", "DPoP-bound", "The token is bound to a key that cannot be exported.", Kind::Memory),
    ("S18", "DBSC-bound", "The cookie is bound to a key of the device.", Kind::Strict),
];

/// Id, title, group, story.
pub(crate) const ATTACKS: &[(&str, &str, &str, &str)] = &[
    (
        "A1",
        "A script reads every storage",
        IN_PAGE,
        "A customer writes a blog post. The administrator previews it, and one line of it is a script. It looks into every drawer that the page has, and posts what it finds to its author.",
    ),
    ("A2", "A script hooks fetch", IN_PAGE, STORY),
    ("A2b", "A script starts the app again", IN_PAGE, STORY),
    ("A3", "A silent log-in", IN_PAGE, STORY),
    ("A3b", "A script refreshes", IN_PAGE, STORY),
    ("A4", "A script acts in the session", IN_PAGE, STORY),
    ("A5", "A service worker stays", IN_PAGE, STORY),
    ("A6", "A script plants a credential", IN_PAGE, STORY),
    ("C1", "A form of another site", OTHER, "Get a 50 % discount, says the button. It changes a password."),
    ("C2", "A link of another site", OTHER, STORY),
    ("C3", "A picture of another site", OTHER, STORY),
    ("C4", "Lax+POST in two minutes", OTHER, STORY),
    ("C5", "A form of a sibling", OTHER, STORY),
    ("C6", "A sibling tosses a cookie", OTHER, STORY),
    ("C7", "A sibling floods the jar", OTHER, STORY),
    ("C8", "A log-in by another site", OTHER, STORY),
    ("C9", "A path that climbs", OTHER, STORY),
    ("C10", "Laundered by the app's worker", OTHER, STORY),
    ("U1", "A page under a page", FRAMES, STORY),
    ("U2", "A page asks questions", FRAMES, STORY),
    (
        "N1",
        "The café network",
        NETWORK,
        "The café has a network, and somebody sits between it and the world. One plain-http picture is enough to see what comes along.",
    ),
    (
        "R1",
        "A copied credential",
        MACHINE,
        "A laptop is borrowed for thirty seconds with its developer tools open. Later, elsewhere, somebody is logged in.",
    ),
    ("R2", "An old refresh token", MACHINE, STORY),
    ("R3", "TRACE", MACHINE, STORY),
    ("M1", "A poisoned package", SUPPLY, "A package of a package has a new maintainer, and a new line."),
    ("M2", "The profile on disk", SUPPLY, STORY),
    ("M3", "A browser extension", SUPPLY, STORY),
    ("L1", "An address leaks", AFTER, STORY),
    ("L2", "A log remembers", AFTER, STORY),
    ("L3", "A cache is shared", AFTER, STORY),
    ("L4", "Back after log-out", AFTER, STORY),
    ("L5", "A token after log-out", AFTER, STORY),
];

const IN_PAGE: &str = "A script in the page";
const OTHER: &str = "Another site, a sibling";
const FRAMES: &str = "Frames";
const NETWORK: &str = "Network";
const MACHINE: &str = "Another machine";
const SUPPLY: &str = "Supply, disk";
const AFTER: &str = "Leaks, log-out";
const STORY: &str = "It is an ordinary morning, and the person does what they do every day. Nothing on the screen looks different. \
     What they do not see is a second request, made in their name, to an address they never typed.";

/// Id, title.
pub(crate) const USABILITIES: &[(&str, &str)] = &[
    ("reload", "Survives a reload"),
    ("restart", "Survives a restart"),
    ("tabs", "Shared by tabs"),
    ("per-tab", "Apart per tab"),
    ("sibling", "Works on sub-domains"),
    ("cross-site", "Works across sites"),
    ("claims", "Claims readable in the page"),
    ("bytes", "Bytes per request"),
    ("no-script", "Works without JavaScript"),
    ("native", "Native programs"),
    ("revocable", "Revocable at once"),
];

type Row = (&'static str, &'static str, &'static str, &'static [(&'static str, Verdict)]);

/// Id, title, how it is removed, what works again.
pub(crate) const DEFENCES: &[Row] = &[
    (
        "http-only",
        "HttpOnly on every cookie",
        "The proxy drops the attribute from Set-Cookie.",
        &[("A1", Verdict::Leak), ("M1", Verdict::Leak)],
    ),
    ("same-site", "SameSite=Strict", "The proxy makes it SameSite=None.", &[("U2", Verdict::Oracle)]),
    (
        "header",
        "The static request header",
        "The proxy adds it where it is missing.",
        &[("C5", Verdict::Sib), ("C1", Verdict::Forge)],
    ),
    ("no-store", "Cache-Control: no-store", "The proxy removes it.", &[("L3", Verdict::Leak)]),
    ("referrer", "Referrer-Policy", "The proxy removes it.", &[]),
    ("pre-mark", "The mark of the first visit", "The proxy removes it.", &[]),
];

pub(crate) fn why(verdict: Verdict, strategy: &str) -> String {
    match verdict {
        Verdict::Leak => format!(
            "The canary arrived at the collector: the token of {strategy}, whole, good for 15 minutes on any machine."
        ),
        Verdict::Safe => {
            "Nothing arrived, at no server, within the deadline. The request that was tried was answered with 403."
                .to_owned()
        }
        Verdict::Invalid => "The victim that must fall did not fall, so nothing can be said.".to_owned(),
        Verdict::Na => format!("With {strategy} there is nothing that this attack could be made against."),
        other => format!(
            "{}: the audit log of the victim shows a transfer that alice did not ask for.",
            other.meaning().trim_end_matches('.')
        ),
    }
}
