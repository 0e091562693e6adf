//! Which parts make the bank of a strategy: how it keeps a log-in, its manners, its scripts. One row per strategy.
//!
//! What a strategy is and where it comes from is in `catalogue.rs`.

use crate::keeping::{
    Bearer, Behind, DeviceBound, Dpop, Fault, Keeping, Opaque, Provider, RefreshCookie, Sealed, SplitCookies,
    SplitHeader, TokenCookie,
};
use crate::manner::Manner;
use crate::manner::Manner::{
    AllowsWorkers, AnyBody, ChangesByGet, EchoesTrace, LogOutByVisit, LogsSecrets, PublicCaching, Rendered,
    StaticHeader, TellsReferrer,
};
use crate::token::ACCESS;

pub(crate) struct Wiring {
    pub(crate) manners: &'static [Manner],
    /// Path and text of every script but `/app.js`.
    pub(crate) scripts: &'static [(&'static str, &'static str)],
    pub(crate) keeping: fn() -> Box<dyn Keeping>,
}

/// A hundred years, in seconds: "never ends".
const FOR_EVER: i64 = 100 * 365 * 24 * 3600;

/// A row whose page sends the credential itself.
const BY_SCRIPT: &[Manner] = &[];
/// A row whose cookie is all that is asked for.
const BY_COOKIE: &[Manner] = &[Rendered, LogOutByVisit];
/// A row with a back end for its front end.
const BY_SESSION: &[Manner] = &[Rendered, StaticHeader];
/// What the prefix asks for, and Strict.
const HOST: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";

const BEARER: (&str, &str) = ("/bearer.js", include_str!("../assets/bearer/bearer.js"));
const PROVIDER: (&str, &str) = ("/provider.js", include_str!("../assets/bearer/provider.js"));
const COOKIE: &[(&str, &str)] = &[("/auth.js", include_str!("../assets/cookie/auth.js"))];
const SESSION: &[(&str, &str)] = &[("/auth.js", include_str!("../assets/bff/auth.js"))];

fn bearer() -> Box<dyn Keeping> {
    Box::new(Bearer::renewable(ACCESS))
}

const fn by_script(scripts: &'static [(&'static str, &'static str)]) -> Wiring {
    Wiring { manners: BY_SCRIPT, scripts, keeping: bearer }
}

const fn by_cookie(keeping: fn() -> Box<dyn Keeping>) -> Wiring {
    Wiring { manners: BY_COOKIE, scripts: COOKIE, keeping }
}

/// The parts of a strategy of the catalogue; nothing is served for an id that is not in it.
pub(crate) fn of(id: &str) -> Wiring {
    match id {
        "S1" => by_script(&[("/auth.js", include_str!("../assets/S1/auth.js")), BEARER]),
        "S2" => by_script(&[("/auth.js", include_str!("../assets/S2/auth.js")), BEARER]),
        "S3" => by_script(&[("/auth.js", include_str!("../assets/S3/auth.js")), BEARER]),
        "S4" => by_script(&[("/auth.js", include_str!("../assets/S4/auth.js")), BEARER]),
        "S5" => by_script(&[("/auth.js", include_str!("../assets/S5/auth.js")), BEARER]),
        "S5b" => by_script(&[
            ("/auth.js", include_str!("../assets/S5b/auth.js")),
            ("/token-worker.js", include_str!("../assets/S5b/token-worker.js")),
        ]),
        "S6" => by_script(&[("/auth.js", include_str!("../assets/S6/auth.js")), BEARER]),
        "S7a" => by_script(&[("/auth.js", include_str!("../assets/S7a/auth.js")), BEARER]),
        "S7b" => by_script(&[
            ("/auth.js", include_str!("../assets/S7b/auth.js")),
            ("/token-worker.js", include_str!("../assets/S7b/token-worker.js")),
            BEARER,
        ]),
        "S8" => by_cookie(|| Box::new(TokenCookie { attributes: "Path=/; Secure; SameSite=Lax" })),
        "S9" => by_cookie(|| Box::new(TokenCookie { attributes: "Path=/; Secure; HttpOnly; SameSite=None" })),
        "S10" => by_cookie(|| Box::new(TokenCookie { attributes: "Path=/; Secure; HttpOnly; SameSite=Lax" })),
        "S10d" => by_cookie(|| Box::new(TokenCookie { attributes: "Path=/; Secure; HttpOnly" })),
        "S11" => by_cookie(|| Box::new(TokenCookie { attributes: "Path=/; Secure; HttpOnly; SameSite=Strict" })),
        "S12" => by_cookie(|| Box::new(SplitCookies)),
        "S13" => Wiring {
            manners: BY_SCRIPT,
            scripts: &[("/auth.js", include_str!("../assets/S13/auth.js"))],
            keeping: || Box::new(SplitHeader),
        },
        "S14" => Wiring {
            manners: BY_SCRIPT,
            scripts: &[("/auth.js", include_str!("../assets/S14/auth.js"))],
            keeping: || Box::new(RefreshCookie::default()),
        },
        "S15" => Wiring {
            manners: BY_SESSION,
            scripts: SESSION,
            keeping: || Box::new(Opaque::new("__Host-Http-session", HOST, &[])),
        },
        "S16" => Wiring { manners: BY_SESSION, scripts: SESSION, keeping: || Box::new(Sealed::new(HOST)) },
        "S17" => Wiring {
            manners: BY_SCRIPT,
            scripts: &[("/auth.js", include_str!("../assets/S17/auth.js")), PROVIDER],
            keeping: || Box::new(Dpop::default()),
        },
        "S18" => Wiring {
            manners: BY_SESSION,
            scripts: &[("/auth.js", include_str!("../assets/S18/auth.js"))],
            keeping: || Box::new(DeviceBound::default()),
        },
        "idp" => Wiring { manners: &[Rendered], scripts: COOKIE, keeping: || Box::new(Provider::new()) },
        "behind" => Wiring {
            // The most that an application can take: what does not arrive has been refused in front of it.
            manners: &[Rendered, AnyBody],
            scripts: &[("/auth.js", include_str!("../assets/behind/auth.js"))],
            keeping: || Box::new(Behind),
        },
        "control-get" => Wiring {
            manners: &[Rendered, ChangesByGet],
            scripts: COOKIE,
            keeping: || Box::new(Opaque::new("sid", "Path=/; Secure; HttpOnly; SameSite=None", &[])),
        },
        "control-none" => Wiring {
            manners: &[
                Rendered,
                LogOutByVisit,
                AnyBody,
                EchoesTrace,
                LogsSecrets,
                PublicCaching,
                TellsReferrer,
                AllowsWorkers,
            ],
            scripts: COOKIE,
            keeping: || {
                let faults = &[Fault::Fixation, Fault::NoRevocation, Fault::InAddress];
                Box::new(Opaque::new("sid", "Path=/; Secure; SameSite=None", faults))
            },
        },
        "control-plain" => Wiring {
            manners: &[Rendered, AnyBody],
            scripts: COOKIE,
            keeping: || Box::new(Opaque::new("sid", "Path=/; HttpOnly; SameSite=Lax", &[])),
        },
        "control-bearer" => Wiring {
            manners: BY_SCRIPT,
            scripts: &[("/auth.js", include_str!("../assets/control-bearer/auth.js")), BEARER, PROVIDER],
            keeping: || Box::new(Bearer::alone(FOR_EVER)),
        },
        _ => Wiring { manners: &[], scripts: &[], keeping: || Box::new(Behind) },
    }
}
