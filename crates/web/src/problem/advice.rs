//! What to do about a problem, in words for a person.

use super::{Code, by_client};
use cloakroom_core::account::PasswordRefusal;

impl Code {
    /// What to do about it, in one or two sentences for a person.
    pub fn advice(self) -> String {
        match self {
            Self::BadRequest => "Send a JSON object, or a form, with the fields that the route asks for.".into(),
            Self::BadEmail => cloakroom_core::account::NotAnEmail.to_string(),
            Self::BadPassword(refusal) => of_password(refusal),
            Self::WeakPassword(weak) => format!("It {weak}. A few words that do not belong together are fine."),
            Self::TooManyAttempts => "The header Retry-After says how long. A device that you logged in on before is not affected by what others try.".into(),
            Self::PasswordLocked => {
                "The password was guessed wrongly too often. Set a new one by mail; devices that you logged in on before still work."
                    .into()
            }
            Self::TokenInvalid => "It was used already, a newer one was sent, or it is too old. Ask for a new one.".into(),
            Self::MailOff => "Whoever runs this site can help.".into(),
            Self::PasswordsOff => "Log in by one of the ways that the log-in page offers.".into(),
            Self::SignupClosed => "Ask whoever runs this site for an invitation.".into(),
            Self::SecondFactorAsked => "POST /auth/login/factor with the id of second_factor and a code or a passkey.".into(),
            Self::SecondFactorNeeded => {
                "Add an authenticator app or a passkey on your account page; if you have one, log out and log in with it.".into()
            }
            Self::ChallengeOver => "Begin again.".into(),
            Self::ProofWrong => "Check what you have entered and try again.".into(),
            Self::ProofNotAccepted => "Use one of the ways that the page offers.".into(),
            Self::UnknownAccount => "GET /admin/accounts lists them.".into(),
            Self::UnknownDevice => "GET /auth/devices lists those of the account.".into(),
            Self::UnknownFactor => "GET /auth/factors lists those of the account.".into(),
            Self::PasskeyRefused => "Try again, or use another way.".into(),
            Self::StepUpNeeded(act) => {
                let value = act.field().map(|field| format!(", and its {field}")).unwrap_or_default();
                format!("POST /auth/step-up with {{\"act\":\"{}\"}}{value}, show its page to the person, then send its id in the field step_up.", act.as_str())
            }
            Self::CallNeedsStepUp => {
                "POST /auth/step-up with method, path and body_sha256, show its page to the person, collect the grant and send it in Cloakroom-Grant. cloakroom.fetch of /auth/client.js does all of that."
                    .into()
            }
            Self::ApprovalOver => "It was used, declined, or not given in time. Begin again.".into(),
            Self::NotACall => {
                "Send method, path with query, and body_sha256; where fields are shown, also the body itself, as JSON in which no member comes twice.".into()
            }
            Self::GrantRefused => "It is good once, for two minutes, for exactly what was approved. Ask for a new one.".into(),
            Self::CallTooLarge => "Bodies of calls that are approved have at most 1 MiB, come within 30 seconds, and have no trailers.".into(),
            Self::ApprovalElsewhere => "Use the address in the field page of POST /auth/step-up.".into(),
            Self::AddressTaken => "Show it with: cloakroom accounts show EMAIL".into(),
            Self::BadHash => "Known are argon2, bcrypt, scrypt and PBKDF2 as PHC strings, and those of passlib and Django, up to 256 MiB and about two seconds.".into(),
            Self::WrongCredentials => "Check both and try again. If you have just signed up, confirm your address first.".into(),
            Self::SignedOut => "Log in first.".into(),
            Self::AccessExpired => "POST /auth/refresh, then repeat the request.".into(),
            Self::NeedsScript => "You are logged in, but this site keeps its tokens in the memory of its pages, which a visit \
                                  to an address cannot show. Open the application itself."
                .into(),
            Self::SessionEnded => "Log in again.".into(),
            Self::RefreshRaced => "Nothing was set: repeat the request with the cookies you have.".into(),
            Self::CrossSite => {
                "Only pages of this site, and of listed sibling origins, may do that. A client that sends neither \
                 Sec-Fetch-Site nor Origin uses a token from GET /auth/csrf."
                    .into()
            }
            Self::FormTokenNeeded => {
                "Send the token from GET /auth/csrf in the header Cloakroom-Csrf, or in the field cloakroom_csrf of the form."
                    .into()
            }
            Self::DuplicateCookie => {
                "Another site under the same domain may have planted it. Clear the cookies of this site.".into()
            }
            Self::CookiesTooLarge => "Clear the cookies of this site.".into(),
            Self::HttpsRequired => "Use https, and treat what you just sent as seen by others.".into(),
            Self::ServiceWorkerRefused => "List its path in server.service_workers if it is yours.".into(),
            Self::Misdirected => {
                "Use the name in server.public_url, or the host of an upstream; what stands in front must pass it on.".into()
            }
            Self::VerifiedElsewhere => {
                "Its answers have tokens in them, so no browser gets one: a proxy asks at the address of forward_auth.listen.".into()
            }
            Self::NotFound => "Check the address.".into(),
            Self::MethodNotAllowed => "The header Allow names the methods that work.".into(),
            Self::TooLarge => "Routes under /auth take at most 16 KiB.".into(),
            Self::TooSlow => "Try again.".into(),
            Self::UnsupportedMediaType => "Send application/json.".into(),
            Self::Busy => "Try again in a few seconds.".into(),
            Self::StrategyNotOffered => "Leave the field strategy out, or ask for one that session.offered lists.".into(),
            Self::NativeInBrowser => "Leave the field strategy out: a browser keeps its session in cookies. A program \
                                      sends no Cookie, Origin or Sec-Fetch header."
                .into(),
            Self::AccountDisabled => "Ask whoever runs this site.".into(),
            Self::TooManySessions => "Log out somewhere else first, or wait until a session there has ended.".into(),
            Self::UnknownSession => "GET /auth/sessions lists those of the account.".into(),
            Self::RevocationsStale => {
                "The store that tells it does not answer; nobody is let in on old news. Try again in a moment.".into()
            }
            Self::FeedNotOffered => "Set revocation.feed_token in the configuration.".into(),
            Self::NotAService => "Send Authorization: Bearer with the value of revocation.feed_token.".into(),
            Self::SightingsOff => "Nothing was noted, and nothing needs to be: session.sightings is false.".into(),
            Self::Provider(by) => by.advice().into(),
            Self::Service(why) => by_client::parts(why).2.into(),
            Self::ClientTaken => "Choose another id, or remove the one that is there.".into(),
            Self::UnknownClient => "Look at the list of clients.".into(),
            Self::BadKeys => "Give a JSON Web Key Set with at least one public key that has a kid.".into(),
            Self::Fault => "The incident number helps us to find what happened.".into(),
            Self::Unavailable => "Look whether what you wanted has happened before you try again.".into(),
        }
    }
}

fn of_password(refusal: PasswordRefusal) -> String {
    match refusal {
        PasswordRefusal::TooShort { min_characters } => {
            format!("Use at least {min_characters} characters. A few words in a row are fine.")
        }
        PasswordRefusal::ContainsEmail => "It is mostly your email address. Use words that are not part of it.".into(),
        PasswordRefusal::ContainsWord => {
            "It is mostly a word that everybody here knows. Use words that are not part of it.".into()
        }
        PasswordRefusal::Repetitive => "It is one short piece over and over. Use a few different words.".into(),
    }
}
