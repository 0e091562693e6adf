//! The host names of the lab's world. All of them are this machine, and all servers share one port.

use cloakroom_browser::Engine;

/// Names under one made-up top-level domain, and the port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    suffix: &'static str,
    port: u16,
}

impl Names {
    /// `*.test` for browsers that can be told where that is: there, unlike on loopback names, plain http is not
    /// trustworthy (Secure Contexts 3.1). `WebKitGTK` cannot be told, and has its own way with loopback: `*.localhost`.
    pub(crate) fn of(engine: Engine, port: u16) -> Self {
        let suffix = match engine {
            Engine::Chromium | Engine::Firefox => "test",
            Engine::WebKit => "localhost",
        };
        Self { suffix, port }
    }

    /// What a certificate must cover.
    pub(crate) fn patterns() -> Vec<String> {
        ["test", "localhost"]
            .iter()
            .flat_map(|suffix| ["*.bank", "evil", "idp", "cdn"].iter().map(move |name| format!("{name}.{suffix}")))
            .collect()
    }

    /// The port of every server.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The registrable domain that all applications share with their sibling.
    pub(crate) fn site(&self) -> String {
        format!("bank.{}", self.suffix)
    }

    /// The host of the application that keeps its tokens by this strategy.
    pub(crate) fn app_host(&self, strategy: &str) -> String {
        format!("{}.bank.{}", strategy.to_ascii_lowercase(), self.suffix)
    }

    /// The origin of that application.
    pub(crate) fn app(&self, strategy: &str) -> String {
        format!("https://{}:{}", self.app_host(strategy), self.port)
    }

    /// A host of the same site as every application, in somebody else's hands.
    pub(crate) fn sibling(&self) -> String {
        self.origin("blog.bank")
    }

    /// The attacker's own site.
    pub(crate) fn evil(&self) -> String {
        self.origin("evil")
    }

    /// Where applications load somebody else's script from.
    pub(crate) fn cdn(&self) -> String {
        self.origin("cdn")
    }

    /// The identity provider.
    pub(crate) fn provider(&self) -> String {
        self.origin("idp")
    }

    fn origin(&self, name: &str) -> String {
        format!("https://{name}.{}:{}", self.suffix, self.port)
    }

    /// Which server a host name belongs to. None for a name of nobody.
    pub(crate) fn whose(&self, host: &str) -> Option<Whose> {
        let host = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let name = host.strip_suffix(self.suffix)?.strip_suffix('.')?;
        match name {
            "evil" => Some(Whose::Evil),
            "idp" => Some(Whose::Provider),
            "cdn" => Some(Whose::Cdn),
            "blog.bank" => Some(Whose::Sibling),
            _ => name.strip_suffix(".bank").map(|label| Whose::App(label.to_owned())),
        }
    }
}

/// The servers of the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The application of a strategy, by its id in lower case.
    App(String),
    Sibling,
    Evil,
    Cdn,
    Provider,
}

impl Whose {
    /// The word that evidence shows.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::App(_) => "victim",
            Self::Sibling => "sibling",
            Self::Evil => "attacker",
            Self::Cdn => "third party",
            Self::Provider => "provider",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_host_is_somebodys() {
        let names = Names::of(Engine::Firefox, 4433);
        assert_eq!(names.whose("s10d.bank.test:4433"), Some(Whose::App("s10d".to_owned())));
        assert_eq!(names.whose("blog.bank.test"), Some(Whose::Sibling));
        assert_eq!(names.whose("evil.test:4433"), Some(Whose::Evil));
        assert_eq!(names.whose("evil.localhost:4433"), None);
        assert_eq!(names.app("S5b"), "https://s5b.bank.test:4433");
    }
}
