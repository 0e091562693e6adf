//! The reverse proxy: find the route, ask the gate, strip, forward, stream, upgrade.
//!
//! It carries a request to an upstream and the answer back, byte for byte where it may, and decides nothing about
//! people: who may pass is asked of a [`Gate`], which the caller writes. It knows no account, no token, no store and no
//! configuration file, and it counts nothing (the gate's [`Gate::observe`] may).
//!
//! Three rules order everything here:
//! 1. A path is forwarded as it came, and only if every way that some server reads it leads to the same route
//!    ([`Routes::find`]).
//! 2. What the client says about itself goes out before what we say about it comes in, `Connection`-nominated fields
//!    first, so that nothing a client writes can remove or imitate the identity that an upstream trusts.
//! 3. A transfer that broke looks broken to the other side, never like a clean end.
//!
//! Not here, on purpose: HTTP/2 to upstreams, extended CONNECT (RFC 8441), forwarding of interim (1xx) responses,
//! caching, load balancing, following of redirects.

#![warn(missing_docs)]

mod body;
mod cookies;
mod error;
mod forward;
mod gate;
mod gateway;
mod hold;
mod hop_by_hop;
mod identity_headers;
mod inbound;
mod judge;
mod limits;
mod link;
mod pool;
mod problem;
mod readings;
mod request_headers;
mod response_headers;
mod routes;
mod step_up;
mod target;
mod tunnel;
mod upload;
mod upstream;
mod watch;

pub use body::Body;
pub use error::{Error, Reason, Side};
pub use gate::{Admission, ClientInfo, Gate, Identity, Outcome, Seen};
pub use gateway::{Extras, Gateway, SetupError};
pub use hold::Hold;
pub use inbound::Inbound;
pub use judge::{Judgement, Passed};
pub use limits::Limits;
pub use problem::Problem;
pub use routes::{Lost, RouteError, RouteMistake, Routes};
pub use step_up::StepUpRule;
pub use upstream::{Access, CachePolicy, Timeouts, Upstream};
