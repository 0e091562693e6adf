//! Log-in: with a password, with a second factor after it, with a passkey alone. All end in `App::enter`, which opens the session.

mod factor;
mod passkey;
mod password;

pub use factor::{Answer, Asked};
pub use passkey::PasskeyQuestion;
pub use password::{Entered, LoggedIn, Login, Wish};
pub(crate) use password::{Entry, nobody};
