//! The script of a log-in: steps in TOML. Its secrets come from the environment and are never printed. Carrying the steps out
//! is done in `drive.rs`.

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

/// No script is longer, in bytes and in steps.
const LONGEST: usize = 64 << 10;
const MOST_STEPS: usize = 200;

/// What to do to be logged in, and to be logged out again.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// From an empty browser to a page that only this account sees.
    #[serde(default)]
    pub(crate) step: Vec<Step>,
    /// From there to being logged out; nothing is said about log-out without them.
    #[serde(default)]
    pub(crate) logout: Vec<Step>,
    /// What must not be printed.
    #[serde(skip)]
    secrets: Secrets,
}

/// One step; it has exactly one of these.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) goto: Option<String>,
    pub(crate) fill: Option<Fill>,
    pub(crate) click: Option<String>,
    pub(crate) press: Option<String>,
    pub(crate) wait_for: Option<WaitFor>,
    pub(crate) mark: Option<Mark>,
}

/// A field and what is typed into it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fill {
    pub(crate) selector: String,
    pub(crate) text: Option<String>,
    /// The variable of the environment that holds the text.
    pub(crate) text_env: Option<String>,
    #[serde(skip)]
    pub(crate) typed: Typed,
}

/// What to wait for: an element, or a part of the address.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WaitFor {
    pub(crate) selector: Option<String>,
    pub(crate) url: Option<String>,
}

/// A point in the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Mark {
    /// What follows is done inside the session.
    #[serde(rename = "logged-in")]
    LoggedIn,
}

/// Text from the environment or the script. Its `Debug` shows nothing.
#[derive(Clone, Default)]
pub(crate) struct Typed(pub(crate) String);

impl std::fmt::Debug for Typed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Typed(…)")
    }
}

/// Words that are cut out of whatever is said.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Secrets({})", self.0.len())
    }
}

impl Secrets {
    /// The text without any of the secrets.
    pub(crate) fn scrub(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| {
            // What is shown of a word that looks like a credential is too much of this one.
            let start: String = secret.chars().take(4).collect();
            text.replace(secret.as_str(), "[secret]").replace(&format!("{start}… ("), "[secret] (")
        })
    }

    /// Whether a text holds one of them.
    pub(crate) fn are_in(&self, text: &str) -> bool {
        self.0.iter().any(|secret| text.contains(secret.as_str()))
    }
}

impl Script {
    /// Reads a script; `environment` gives the value of a variable, if it is set. Errors name the step, never a value.
    pub fn read(text: &str, environment: impl Fn(&str) -> Option<String>) -> Result<Self> {
        if text.len() > LONGEST {
            bail!("the script is longer than {LONGEST} bytes");
        }
        // The error of the parser quotes the line, which may hold a password.
        let script = toml::from_str(text).map_err(|error: toml::de::Error| {
            let line = error
                .span()
                .map_or(0, |span| text.get(..span.start).map_or(0, |before| before.matches('\n').count()) + 1);
            anyhow::anyhow!("line {line} of the script: {}", error.message())
        });
        let mut script: Self = script?;
        if script.step.len() + script.logout.len() > MOST_STEPS {
            bail!("the script has more than {MOST_STEPS} steps");
        }
        if script.step.is_empty() {
            bail!("the script has no [[step]]");
        }
        let mut secrets = Vec::new();
        for (name, steps) in [("step", &mut script.step), ("logout", &mut script.logout)] {
            for (number, step) in steps.iter_mut().enumerate() {
                step.complete(&environment, &mut secrets).with_context(|| format!("[[{name}]] {}", number + 1))?;
            }
        }
        // The longest first, so that no half of one is left.
        secrets.sort_by_key(|secret: &String| std::cmp::Reverse(secret.len()));
        script.secrets = Secrets(secrets);
        Ok(script)
    }

    /// What must not be printed.
    pub(crate) fn secrets(&self) -> Secrets {
        self.secrets.clone()
    }
}

impl Step {
    fn complete(&mut self, environment: &impl Fn(&str) -> Option<String>, secrets: &mut Vec<String>) -> Result<()> {
        let given = [
            self.goto.is_some(),
            self.fill.is_some(),
            self.click.is_some(),
            self.press.is_some(),
            self.wait_for.is_some(),
            self.mark.is_some(),
        ];
        if given.iter().filter(|given| **given).count() != 1 {
            bail!("a step has exactly one of goto, fill, click, press, wait_for, mark");
        }
        if let Some(wait) = &self.wait_for
            && wait.selector.is_some() == wait.url.is_some()
        {
            bail!("wait_for has either selector or url");
        }
        if let Some(fill) = &mut self.fill {
            fill.typed = match (fill.text.take(), &fill.text_env) {
                (Some(text), None) => Typed(text),
                (None, Some(name)) => {
                    let text = environment(name).with_context(|| format!("the variable {name} is not set"))?;
                    // Shorter ones would cut holes into everything, and are no secrets.
                    if text.chars().count() > 2 {
                        secrets.push(text.clone());
                    }
                    Typed(text)
                }
                _ => bail!("fill has either text or text_env"),
            };
        }
        Ok(())
    }

    /// The step in a few words, without what is typed.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self { goto: Some(url), .. } => format!("goto {}", crate::address::shown(url)),
            Self { fill: Some(fill), .. } => format!("fill {:?}", fill.selector),
            Self { click: Some(selector), .. } => format!("click {selector:?}"),
            Self { press: Some(key), .. } => format!("press {key:?}"),
            Self { wait_for: Some(_), .. } => "wait_for".to_owned(),
            _ => "mark".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = r##"
[[step]]
goto = "/login"
[[step]]
fill = { selector = "#email", text = "ada@example.com" }
[[step]]
fill = { selector = "#password", text_env = "AUDIT_PASSWORD" }
[[step]]
press = "Enter"
[[step]]
wait_for = { url = "/account" }
[[step]]
mark = "logged-in"
[[logout]]
click = "#logout"
"##;

    fn environment(name: &str) -> Option<String> {
        (name == "AUDIT_PASSWORD").then(|| "correct horse".to_owned())
    }

    #[test]
    fn a_script_is_read_and_its_secrets_are_cut_out_of_everything() {
        let script = Script::read(SCRIPT, environment).unwrap();
        assert_eq!((script.step.len(), script.logout.len()), (6, 1));
        assert_eq!(script.step[2].fill.as_ref().unwrap().typed.0, "correct horse");
        assert_eq!(script.secrets().scrub("the page says: correct horse!"), "the page says: [secret]!");
        assert_eq!(script.secrets().scrub("note: corr… (random word)"), "note: [secret] (random word)");
        let debug = format!("{script:?} {}", script.step[2].shown());
        assert!(!debug.contains("correct horse"), "{debug}");
    }

    #[test]
    fn mistakes_are_named_by_their_step_and_never_quote_a_value() {
        let wrong = |text: &str| format!("{:#}", Script::read(text, environment).unwrap_err());
        assert!(wrong("[[step]]\ngoto = \"/\"\nclick = \"a\"").contains("[[step]] 1: a step has exactly one"));
        assert!(wrong("[[step]]\nfill = { selector = \"a\", text_env = \"NONE\" }").contains("NONE is not set"));
        assert!(wrong("[[step]]\nwait_for = {}").contains("either selector or url"));
        assert!(wrong("").contains("no [[step]]"));
        let typing = wrong("[[step]]\nfill = { selector = \"a\", text = \"hunter22\", tekst = 1 }");
        assert!(typing.contains("line 2") && !typing.contains("hunter22"), "{typing}");
        assert!(wrong(&"#".repeat(LONGEST + 1)).contains("longer"));
        assert!(wrong(&"[[step]]\npress = \"a\"\n".repeat(MOST_STEPS + 1)).contains("more than"));
    }
}
