//! A mail that is to be sent: to whom, and what it says. What it looks like is decided where it is rendered.
//!
//! It can carry a link or a code that grants something, so it has no `Debug`, and waits in the store sealed.

use serde::{Deserialize, Serialize};

/// One mail to one address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// The address, as its owner typed it.
    pub to: String,
    /// What it is about.
    pub about: About,
}

/// A way to do something by mail: a link whose fragment carries the token, and a code to type where there is no script.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// An absolute address on the site, built from its public URL.
    pub link: String,
    /// The page where the code is typed, without any secret.
    pub page: String,
    /// Groups of capital letters and digits.
    pub code: String,
    /// How long both are good, in words: `30 minutes`.
    pub good_for: String,
}

/// Where something happened, for its owner to recognise.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Browser and system, such as `Firefox on Linux`.
    pub device: String,
    /// The client's address.
    pub address: String,
    /// When, in UTC: `2026-11-22 16:30 UTC`.
    pub at: String,
}

/// What a mail is about. Serialised names never change their meaning: letters wait over an upgrade.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// Somebody signed up with this address: confirm that it is yours.
    ConfirmAddress(Way),
    /// Somebody signed up with an address that has an account already. Where to log in, and where to reset the password.
    AddressTaken {
        /// The log-in page.
        login: String,
        /// The page that asks for a reset.
        forgot: String,
    },
    /// Set a new password.
    ResetPassword(Way),
    /// An operator opened an account for this address: set its password.
    Invitation(Way),
    /// The password was changed, by its owner or by a reset; every session has ended.
    PasswordChanged {
        /// Where.
        place: Place,
        /// The page that asks for a reset, for who did not do it.
        forgot: String,
    },
    /// So many guesses in a row failed that the password is no longer asked for on unknown devices.
    PasswordLocked {
        /// The page that asks for a reset.
        forgot: String,
    },
    /// To the new address of an account: confirm the change.
    ConfirmNewAddress(Way),
    /// To the old address of an account, once the change has happened: a way back.
    AddressChanged {
        /// The new address, partly hidden.
        to: String,
        /// Where.
        place: Place,
        /// Takes it back.
        back: Way,
    },
    /// A log-in from a device that was not seen before.
    NewDevice {
        /// Where.
        place: Place,
        /// Why it counts as new, each a sentence.
        reasons: Vec<String>,
        /// Ends the session and forgets the device.
        revoke: Way,
    },
    /// A way to prove who one is was added, such as `a passkey named "Phone"`.
    FactorAdded {
        /// What.
        what: String,
        /// Where.
        place: Place,
        /// The page that asks for a reset, for who did not do it.
        forgot: String,
    },
    /// A way to prove who one is was removed.
    FactorRemoved {
        /// What.
        what: String,
        /// Where.
        place: Place,
        /// The page that asks for a reset, for who did not do it.
        forgot: String,
    },
    /// The people who run the site removed every second factor.
    FactorsRemovedForYou {
        /// When, in UTC.
        at: String,
        /// Where the owner adds new ones.
        account: String,
    },
    /// The people who run the site send a way to set a new password.
    ResetForYou(Way),
    /// A recovery code was used to log in.
    RecoveryCodeUsed {
        /// How many are left.
        left: u32,
        /// Where.
        place: Place,
        /// The page that asks for a reset, for who did not do it.
        forgot: String,
    },
    /// Somebody gave the right password on an unknown device, and then a wrong second factor.
    FactorFailed {
        /// Where.
        place: Place,
        /// The page that asks for a reset.
        forgot: String,
    },
    /// A code that approves one thing. It has no link: it is typed where it was asked for.
    ApprovalCode {
        /// Eight digits.
        code: String,
        /// What is approved, in words.
        what: String,
        /// How long it is good, in words.
        good_for: String,
    },
    /// The account was deleted.
    AccountDeleted,
}
