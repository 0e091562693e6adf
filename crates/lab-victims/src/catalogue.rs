//! What the strategies are, in words, where tutorials say so, and what they keep in the browser; and which victim must
//! fall to which attack. How they work is in `wiring.rs`.

use serde::Serialize;

/// One way to keep a log-in, as one of the banks does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StrategyInfo {
    /// The row of the matrix, such as `S10`; or `behind`, or a control's name.
    pub id: &'static str,
    /// A few words.
    pub title: &'static str,
    /// A sentence or three: what is kept where, how it is sent, what a log-out does.
    pub summary: &'static str,
    /// Where it is recommended or described: addresses.
    pub sources: &'static [&'static str],
    /// Whose victim it is.
    pub kind: Kind,
    /// The names of its cookies.
    pub cookies: &'static [&'static str],
    /// Where in the browser it keeps something besides: `localStorage tokens` is the key `tokens` of that storage.
    pub storage: &'static [&'static str],
}

/// Whose victim a bank is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Written as tutorials write it.
    Naive,
    /// Built to fall, so that an attack that does nothing is noticed.
    Control,
    /// The application behind Cloakroom.
    Behind,
}

/// The identity provider: a bank of its own kind, and no strategy.
pub(crate) const PROVIDER: &str = "idp";

/// The strategies whose banks offer to sign in with it.
pub(crate) const WITH_PROVIDER: &[&str] = &["S17", "control-bearer"];

const fn naive(id: &'static str, title: &'static str, summary: &'static str) -> StrategyInfo {
    StrategyInfo { id, title, summary, sources: &[], kind: Kind::Naive, cookies: &[], storage: &[] }
}

const fn control(id: &'static str, title: &'static str, summary: &'static str) -> StrategyInfo {
    StrategyInfo { id, title, summary, sources: &[], kind: Kind::Control, cookies: &[], storage: &[] }
}

/// Article of 2021 that recommends closures less and workers more.
const WORKERS: &str = "https://thenewstack.io/leveraging-web-workers-to-safely-store-access-tokens/";
const BROWSER_APPS: &str = "https://datatracker.ietf.org/doc/draft-ietf-oauth-browser-based-apps/";
const SESSION_SHEET: &str = "https://cheatsheetseries.owasp.org/cheatsheets/Session_Management_Cheat_Sheet.html";
const COOKIE_FLAGS: &str = "https://jsschools.com/express/cookie-auth";

/// All of them, in the order of the matrix.
pub(crate) const STRATEGIES: &[StrategyInfo] = &[
    StrategyInfo {
        sources: &[
            "https://www.bezkoder.com/react-refresh-token/",
            "https://tkssharma.com/implement-refresh-token-in-nestjs-apis-part-2/",
        ],
        storage: &["localStorage tokens"],
        ..naive(
            "S1",
            "localStorage",
            "Access token (15 minutes) and refresh token (7 days, not rotated) lie in localStorage; the page sends \
             Authorization: Bearer. Log-out forgets both and takes the refresh token off the server's list.",
        )
    },
    StrategyInfo {
        sources: &["https://cheatsheetseries.owasp.org/cheatsheets/HTML5_Security_Cheat_Sheet.html"],
        storage: &["sessionStorage tokens"],
        ..naive(
            "S2",
            "sessionStorage",
            "As S1, in sessionStorage: each tab has its own log-in, which ends with the tab.",
        )
    },
    StrategyInfo {
        sources: &["https://firebase.google.com/docs/auth/web/auth-state-persistence"],
        storage: &["indexedDB auth/kept/tokens"],
        ..naive("S3", "IndexedDB", "As S1, as one object in IndexedDB.")
    },
    StrategyInfo {
        sources: &["https://developer.mozilla.org/en-US/docs/Web/API/PasswordCredential"],
        storage: &["PasswordCredential session"],
        ..naive(
            "S4",
            "Credential Management API",
            "As S1, with both tokens as the password of the user \"session\" in the browser's password store (JSON: \
             access_token, refresh_token). Chromium only; elsewhere the page says so in window.unsupported. A browser \
             without a window stores nothing: put it there beforehand, or the log-in lasts until the reload.",
        )
    },
    StrategyInfo {
        sources: &["https://developer.mozilla.org/en-US/docs/Web/API/Cache"],
        storage: &["caches auth /tokens"],
        ..naive("S5", "Cache API", "As S1, as a made-up answer in the Cache API.")
    },
    StrategyInfo {
        sources: &["https://firebase.google.com/docs/auth/web/service-worker-sessions", BROWSER_APPS],
        storage: &["service worker /token-worker.js"],
        ..naive(
            "S5b",
            "service worker's memory",
            "Both tokens are in a variable of the service worker, which adds Authorization to every request to its \
             origin, visits and forms included. They are gone when the browser stops the worker.",
        )
    },
    StrategyInfo {
        sources: &[
            "https://techlia.hashnode.dev/the-best-way-to-handle-jwt-access-and-refresh-tokens-on-the-client-side",
        ],
        storage: &["window.tokens"],
        ..naive("S6", "global variable", "As S1, in window.tokens, until the page is reloaded.")
    },
    StrategyInfo {
        sources: &[SESSION_SHEET, WORKERS],
        ..naive("S7a", "closure", "As S1, in a private field of an object in a module, until the page is reloaded.")
    },
    StrategyInfo {
        sources: &[SESSION_SHEET, WORKERS],
        storage: &["worker /token-worker.js"],
        ..naive("S7b", "Web Worker", "As S1, in a variable of a Web Worker that sends the requests for the page.")
    },
    StrategyInfo {
        sources: &["https://povioremote.com/blog/handling-authentication-in-spa-with-jwt-and-cookies/"],
        cookies: &["token"],
        ..naive(
            "S8",
            "readable cookie",
            "A JWT of one day in a cookie with Secure and SameSite=Lax that scripts can read. The server takes the \
             cookie, and nothing else. Log-out clears it.",
        )
    },
    StrategyInfo {
        sources: &[COOKIE_FLAGS],
        cookies: &["token"],
        ..naive("S9", "HttpOnly, SameSite=None", "As S8, with HttpOnly and SameSite=None: sent along from any site.")
    },
    StrategyInfo {
        sources: &[COOKIE_FLAGS],
        cookies: &["token"],
        ..naive("S10", "HttpOnly, SameSite=Lax", "As S8, with HttpOnly and SameSite=Lax.")
    },
    StrategyInfo {
        sources: &["https://devdays.netlify.app/cookies"],
        cookies: &["token"],
        ..naive(
            "S10d",
            "HttpOnly, no SameSite",
            "As S8, with HttpOnly and no word about SameSite: the browser decides.",
        )
    },
    StrategyInfo {
        sources: &[COOKIE_FLAGS],
        cookies: &["token"],
        ..naive("S11", "HttpOnly, SameSite=Strict", "As S8, with HttpOnly and SameSite=Strict.")
    },
    StrategyInfo {
        sources: &[
            "https://medium.com/lightrail/getting-token-authentication-right-in-a-stateless-single-page-application-57d0c6474e3",
        ],
        cookies: &["token_payload", "token_signature"],
        ..naive(
            "S12",
            "split into two cookies",
            "header.payload of a JWT of one day in a readable cookie, its signature in an HttpOnly one, both Secure and \
             Lax. The server puts them together. Log-out clears both.",
        )
    },
    StrategyInfo {
        sources: &["https://security.stackexchange.com/questions/259048/json-web-token-splitting"],
        cookies: &["token_signature"],
        storage: &["localStorage payload"],
        ..naive(
            "S13",
            "split: storage and cookie",
            "header.payload in localStorage, sent as Authorization: Bearer; the signature in an HttpOnly cookie with \
             Secure and Lax. Both are needed.",
        )
    },
    StrategyInfo {
        sources: &[
            "https://mg-wunna.vercel.app/articles/silent-refresh-using-http-only-cookies",
            "https://naserrasouli.ir/en/blog/refresh-token-in-frontend",
            "https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2",
        ],
        cookies: &["refresh_token"],
        ..naive(
            "S14",
            "memory and refresh cookie",
            "The access token (15 minutes) in a variable, the refresh token (7 days) in a cookie with HttpOnly, Secure, \
             Strict and Path=/refresh. Each refresh rotates; a used-up token ends its family.",
        )
    },
    StrategyInfo {
        sources: &[BROWSER_APPS],
        cookies: &["__Host-Http-session"],
        ..naive(
            "S15",
            "opaque session",
            "The name of a session of the server in a cookie with HttpOnly, Secure, Strict and the prefix __Host-Http-; \
             every call carries X-CSRF: 1. Log-out ends the session.",
        )
    },
    StrategyInfo {
        sources: &[BROWSER_APPS, "https://github.com/vvo/iron-session"],
        cookies: &["__Host-Http-session"],
        ..naive(
            "S16",
            "encrypted token in a cookie",
            "As S15, with the session itself in the cookie, as an encrypted token (JWE, dir, A256GCM) of one day. The \
             server remembers nothing, so log-out only clears the cookie.",
        )
    },
    StrategyInfo {
        sources: &["https://www.rfc-editor.org/rfc/rfc9449", BROWSER_APPS],
        storage: &["indexedDB auth/kept/key", "indexedDB auth/kept/tokens", "sessionStorage oauth"],
        ..naive(
            "S17",
            "tokens bound to a key (DPoP)",
            "Access token (15 minutes) and refresh token (7 days) bound to a key that cannot be exported; all three lie \
             in IndexedDB. Authorization: DPoP with a proof per request. A password at its own token endpoint, or the \
             provider, by authorization code with PKCE.",
        )
    },
    StrategyInfo {
        sources: &["https://w3c.github.io/webappsec-dbsc/"],
        cookies: &["__Host-Http-session", "__Host-Http-bound"],
        ..naive(
            "S18",
            "opaque session bound to the device (DBSC)",
            "As S15; a browser that can (Chromium) binds the session to a key of the device right after the log-in. From \
             then on a second cookie of five minutes is asked for, which only that key renews. \
             window.bound and the header X-Bound say whether it is bound.",
        )
    },
    StrategyInfo {
        kind: Kind::Behind,
        ..naive(
            "behind",
            "behind Cloakroom",
            "The same bank as an upstream of Cloakroom, with its own rules in order: changes by POST and JSON only. The \
             preview still runs scripts, and the profile still tolerates any ending: Cloakroom cannot know.",
        )
    },
    StrategyInfo {
        cookies: &["sid"],
        ..control(
            "control-get",
            "control: changes by GET",
            "GET /api/transfer?to=&amount= transfers, and the cookie has SameSite=None.",
        )
    },
    StrategyInfo {
        cookies: &["sid"],
        ..control(
            "control-none",
            "control: no defence at all",
            "A session cookie with SameSite=None that scripts can read, forms of any kind are taken, the name of the \
             session is kept over the log-in, stands in addresses (?token=) and in the log, the profile may be cached by \
             anybody, TRACE echoes, and a log-out ends nothing.",
        )
    },
    StrategyInfo {
        cookies: &["sid"],
        ..control(
            "control-plain",
            "control: a cookie for plain http",
            "A session cookie without Secure: it goes over plain http, and whoever is on the wire can set it.",
        )
    },
    StrategyInfo {
        storage: &["localStorage tokens"],
        ..control(
            "control-bearer",
            "control: a token that never ends",
            "A JWT of a hundred years in localStorage, sent as Authorization: Bearer. Log-out only forgets it.",
        )
    },
];

/// Which bank must fall to which attacks.
const FALLS: &[(&str, &[&str])] = &[
    // One token in localStorage, good for ever, and a provider to sign in with.
    ("control-bearer", &["A1", "A2", "A2b", "A3", "R1", "M1", "M2"]),
    ("S14", &["A3b"]),
    ("S1", &["R2"]),
    ("control-get", &["C2", "C3", "C9"]),
    ("S10d", &["C4"]),
    // Its own service worker carries requests of other sites.
    ("S5b", &["C10"]),
    ("control-plain", &["N1"]),
    (
        "control-none",
        &["A4", "A5", "A6", "C1", "C5", "C6", "C7", "C8", "U1", "U2", "R3", "M3", "L1", "L2", "L3", "L4", "L5"],
    ),
];

/// The id of the strategy whose bank must fall to this attack (`A1` to `L5`), wherever the browser still lets the attack
/// exist at all. An empty text for an attack that is not in the matrix.
pub fn falls(attack: &str) -> &'static str {
    FALLS.iter().find(|(_, attacks)| attacks.contains(&attack)).map_or("", |(id, _)| id)
}
