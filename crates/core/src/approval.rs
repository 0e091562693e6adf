//! Step-up: one more proof for one call (design §3.7). What exactly is approved, and which proofs are good for it.
//!
//! Deliberately absent: comparing proofs (`app`), and who asks for a step-up (the routes).

use crate::id::SessionId;
use crate::session::Method;
use serde::{Deserialize, Serialize};

/// One call, exactly as it will be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The method, in capital letters.
    pub method: String,
    /// Path and query, byte for byte.
    pub path: String,
    /// SHA-256 of the body; of no bytes where there is none.
    pub body_sha256: [u8; 32],
}

impl Call {
    /// Longer methods are refused, in bytes.
    pub const MAX_METHOD: usize = 32;
    /// Longer paths are refused, in bytes.
    pub const MAX_PATH: usize = 4096;

    /// Reads what a client asks to have approved. `None` when it cannot be a call.
    pub fn parse(method: &str, path: &str, body_sha256: [u8; 32]) -> Option<Self> {
        let method_is_one =
            (1..=Self::MAX_METHOD).contains(&method.len()) && method.bytes().all(|b| b.is_ascii_uppercase());
        let path_is_one =
            path.starts_with('/') && path.len() <= Self::MAX_PATH && path.bytes().all(|b| b.is_ascii_graphic());
        (method_is_one && path_is_one).then(|| Self { method: method.to_owned(), path: path.to_owned(), body_sha256 })
    }

    /// The message whose hash a passkey signs: it is this call, in this session, of this approval, and nothing else. Every
    /// part has its length before it, so no two calls have one message.
    pub fn message(&self, approval: &[u8; 16], session: SessionId) -> Vec<u8> {
        let mut message = b"cloakroom approval v1".to_vec();
        for part in [&approval[..], session.as_bytes(), self.method.as_bytes(), self.path.as_bytes(), &self.body_sha256]
        {
            message.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            message.extend_from_slice(part);
        }
        message
    }
}

/// One change of how somebody logs in, or of their account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Another password.
    ChangePassword,
    /// Another address.
    ChangeEmail,
    /// An authenticator app.
    AddTotp,
    /// No authenticator app any more.
    RemoveTotp,
    /// Recovery codes in the place of those before.
    NewRecoveryCodes,
    /// A passkey for log-in.
    AddPasskey,
    /// A passkey for approvals on their own origin.
    AddApprovalPasskey,
    /// One passkey less.
    RemovePasskey,
    /// An identity at a provider.
    AddProvider,
    /// One identity less.
    RemoveProvider,
}

impl Act {
    /// Every act there is.
    pub const ALL: [Self; 10] = [
        Self::ChangePassword,
        Self::ChangeEmail,
        Self::AddTotp,
        Self::RemoveTotp,
        Self::NewRecoveryCodes,
        Self::AddPasskey,
        Self::AddApprovalPasskey,
        Self::RemovePasskey,
        Self::AddProvider,
        Self::RemoveProvider,
    ];

    /// As requests and the store write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChangePassword => "change-password",
            Self::ChangeEmail => "change-email",
            Self::AddTotp => "add-totp",
            Self::RemoveTotp => "remove-totp",
            Self::NewRecoveryCodes => "new-recovery-codes",
            Self::AddPasskey => "add-passkey",
            Self::AddApprovalPasskey => "add-approval-passkey",
            Self::RemovePasskey => "remove-passkey",
            Self::AddProvider => "add-provider",
            Self::RemoveProvider => "remove-provider",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.as_str() == text)
    }

    /// The field of a request that says what it is done with, where a person can see that before they approve: what was
    /// approved is good for that value alone.
    pub const fn field(self) -> Option<&'static str> {
        match self {
            Self::ChangeEmail => Some("email"),
            Self::RemovePasskey => Some("passkey"),
            Self::AddProvider => Some("provider"),
            Self::RemoveProvider => Some("identity"),
            // A secret, something that is made later, or the only one that there is.
            Self::ChangePassword
            | Self::AddTotp
            | Self::RemoveTotp
            | Self::NewRecoveryCodes
            | Self::AddPasskey
            | Self::AddApprovalPasskey => None,
        }
    }

    /// In words, after "You are about to".
    pub const fn words(self) -> &'static str {
        match self {
            Self::ChangePassword => "change your password",
            Self::ChangeEmail => "change your email address",
            Self::AddTotp => "add an authenticator app",
            Self::RemoveTotp => "remove your authenticator app",
            Self::NewRecoveryCodes => "replace your recovery codes",
            Self::AddPasskey => "add a passkey for logging in",
            Self::AddApprovalPasskey => "add a passkey for approving",
            Self::RemovePasskey => "remove a passkey",
            Self::AddProvider => "add a site to log in with",
            Self::RemoveProvider => "remove a site to log in with",
        }
    }
}

/// A way to prove anew who one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// A passkey, over a challenge that is made of what is approved.
    Passkey,
    /// A code of an authenticator app.
    Totp,
    /// The password.
    Password,
    /// A code that was mailed for this approval.
    MailedCode,
    /// A recovery code.
    Recovery,
    /// A new log-in at the provider that logs in to the account.
    Provider,
}

impl Proof {
    /// As requests and pages write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passkey => "passkey",
            Self::Totp => "totp",
            Self::Password => "password",
            Self::MailedCode => "mail",
            Self::Recovery => "recovery",
            Self::Provider => "provider",
        }
    }
}

/// What an account has to prove itself with.
#[expect(clippy::struct_excessive_bools, reason = "eight independent facts, each read by its name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Enrolled {
    /// A password.
    pub password: bool,
    /// An authenticator app.
    pub totp: bool,
    /// Recovery codes that are left.
    pub recovery: bool,
    /// A passkey that works on the page that approves.
    pub passkey: bool,
    /// A passkey for log-in, whether or not it works on the page that approves.
    pub login_passkey: bool,
    /// Whether that passkey is also good for log-in: there is no origin of its own for approvals.
    pub passkey_logs_in: bool,
    /// An address that was confirmed, and mail to send.
    pub mail: bool,
    /// An identity at a provider, where approvals have no origin of their own: its answer comes to the public one.
    pub provider: bool,
}

impl Enrolled {
    /// Whether there is more than a password.
    pub fn second_factor(&self) -> bool {
        self.totp || self.passkey || self.login_passkey
    }
}

/// The proofs that are good for an approval, best first. Never the way that opened the session alone where another is
/// enrolled, and nothing weaker than a second factor where there is one (v5.0.0-7.5.3, design §3.7).
pub fn accepted(enrolled: Enrolled, opened_by: Method) -> Vec<Proof> {
    let by_passkey = opened_by == Method::Passkey;
    let another = enrolled.totp || enrolled.password;
    let mut proofs = Vec::new();
    if enrolled.passkey && !(by_passkey && enrolled.passkey_logs_in && another) {
        proofs.push(Proof::Passkey);
    }
    if enrolled.totp {
        proofs.push(Proof::Totp);
    }
    // A session that a passkey opened has not seen the password yet.
    if enrolled.password && (by_passkey || !enrolled.second_factor()) {
        proofs.push(Proof::Password);
    }
    if enrolled.mail && !enrolled.second_factor() {
        proofs.push(Proof::MailedCode);
    }
    if enrolled.recovery && enrolled.second_factor() {
        proofs.push(Proof::Recovery);
    }
    // The way that opened the session, though shown anew: for whoever has nothing else, and would be able to approve nothing.
    if enrolled.provider && !enrolled.second_factor() && proofs.is_empty() {
        proofs.push(Proof::Provider);
    }
    proofs
}

#[cfg(test)]
mod tests {
    use super::*;
    use Proof::{MailedCode, Passkey, Password, Provider, Recovery, Totp};

    const PASSWORD: Enrolled = Enrolled {
        password: true,
        totp: false,
        recovery: false,
        passkey: false,
        login_passkey: false,
        passkey_logs_in: false,
        mail: false,
        provider: false,
    };

    #[test]
    fn asvs_7_5_3_never_the_way_that_opened_the_session_alone_where_another_is_enrolled() {
        let by = |method, enrolled| accepted(enrolled, method);
        let totp = Enrolled { totp: true, recovery: true, ..PASSWORD };
        let passkey = Enrolled { passkey: true, passkey_logs_in: true, ..PASSWORD };
        let mail = Enrolled { mail: true, ..PASSWORD };
        for (method, enrolled, proofs) in [
            (Method::Password, PASSWORD, vec![Password]),
            (Method::Password, mail, vec![Password, MailedCode]),
            (Method::Password, totp, vec![Totp, Recovery]),
            (Method::PasswordAndTotp, totp, vec![Totp, Recovery]),
            (Method::Password, Enrolled { mail: true, ..totp }, vec![Totp, Recovery]),
            (Method::Password, passkey, vec![Passkey]),
            (Method::Passkey, passkey, vec![Password]),
            (Method::Passkey, Enrolled { totp: true, ..passkey }, vec![Totp, Password]),
            // The passkey of an approval origin is another one than that which opened the session.
            (Method::Passkey, Enrolled { passkey_logs_in: false, ..passkey }, vec![Passkey, Password]),
            (Method::Passkey, Enrolled { password: false, ..passkey }, vec![Passkey]),
            // A passkey that logs in and cannot approve is a second factor all the same.
            (
                Method::PasswordAndPasskey,
                Enrolled { passkey: false, login_passkey: true, recovery: true, ..mail },
                vec![Recovery],
            ),
        ] {
            assert_eq!(by(method, enrolled), proofs, "{method:?} {enrolled:?}");
        }
    }

    #[test]
    fn a_log_in_at_the_provider_is_good_for_whoever_has_nothing_else_and_for_nobody_else() {
        let provider = Enrolled { password: false, provider: true, ..PASSWORD };
        for (enrolled, proofs) in [
            (provider, vec![Provider]),
            (Enrolled { provider: false, ..provider }, vec![]),
            (Enrolled { mail: true, ..provider }, vec![MailedCode]),
            (Enrolled { password: true, ..provider }, vec![Password]),
            (Enrolled { totp: true, ..provider }, vec![Totp]),
            (Enrolled { passkey: true, passkey_logs_in: true, ..provider }, vec![Passkey]),
            // A second factor that cannot be shown here is not passed by.
            (Enrolled { login_passkey: true, ..provider }, vec![]),
        ] {
            assert_eq!(accepted(enrolled, Method::Provider), proofs, "{enrolled:?}");
        }
    }

    #[test]
    fn no_two_calls_have_one_message() {
        let call = |method: &str, path: &str, body| Call::parse(method, path, [body; 32]).unwrap();
        let session = SessionId::from_bytes([7; 16]);
        let messages = [
            call("POST", "/a", 0).message(&[1; 16], session),
            call("POST", "/ab", 0).message(&[1; 16], session),
            call("POSTA", "/", 0).message(&[1; 16], session),
            call("PUT", "/a", 0).message(&[1; 16], session),
            call("POST", "/a?", 0).message(&[1; 16], session),
            call("POST", "/a", 1).message(&[1; 16], session),
            call("POST", "/a", 0).message(&[2; 16], session),
            call("POST", "/a", 0).message(&[1; 16], SessionId::from_bytes([8; 16])),
        ];
        for (i, one) in messages.iter().enumerate() {
            assert!(messages.iter().skip(i + 1).all(|other| one != other), "{i}");
        }
    }

    #[test]
    fn what_is_no_call_is_refused() {
        for (method, path) in
            [("", "/"), ("post", "/"), ("POST", ""), ("POST", "x"), ("POST", "/a b"), ("POST", "/\n"), ("PO ST", "/")]
        {
            assert!(Call::parse(method, path, [0; 32]).is_none(), "{method} {path}");
        }
        assert!(Call::parse("POST", &format!("/{}", "a".repeat(Call::MAX_PATH)), [0; 32]).is_none());
    }
}
