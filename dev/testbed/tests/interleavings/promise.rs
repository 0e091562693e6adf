//! What holds after every step.

use crate::world::{Answer, World};
use cloakroom_core::refresh::Policy;

impl World<'_> {
    /// Generations and issues only grow, nobody ends the session of an owner who is alone, and what has ended stays so.
    pub(crate) async fn keeps_what_is_promised(&mut self) {
        let family = self.row(self.session).await.family;
        let reached = (family.generation, family.issue);
        assert!(reached >= self.reached, "{reached:?} after {:?}", self.reached);
        self.reached = reached;
        assert!(family.ended.is_some() || !self.over, "it came back to life");
        if family.ended.is_none() || self.over {
            return;
        }
        self.over = true;
        if self.thief.is_none() {
            let lossy = (0..=family.generation).rev().take_while(|generation| self.lossy.contains(generation)).count();
            let limit = usize::from(Policy::default().late_limit);
            assert!(lossy >= limit, "an owner alone is logged out after {lossy} generations in trouble");
        }
        self.accepts_nothing_any_more().await;
    }

    /// On no node that has read the feed.
    async fn accepts_nothing_any_more(&self) {
        for (number, node) in self.nodes.iter().enumerate() {
            node.follow_feed().await.unwrap();
            for (version, (token, _)) in &self.access_tokens {
                assert!(
                    !self.accepts(number, token).await,
                    "node {number} accepts the token of {version:?} after the end"
                );
            }
            for (generation, refresh) in &self.refresh_tokens {
                let jar = crate::world::Jar { refresh: refresh.clone(), ..self.owner.clone() };
                let answer = self.refresh(number, &jar).await;
                assert!(matches!(answer, Answer::Ended { .. }), "node {number} refreshes {generation} after the end");
            }
        }
    }

    /// Of one generation an issue is not accepted once a newer one has been there for `race_window`, now and ever after.
    pub(crate) async fn refuses_outdated_issues(&self, node: usize) {
        self.nodes[node].follow_feed().await.unwrap();
        for ((generation, issue), (token, _)) in &self.access_tokens {
            let newer = self.access_tokens.range((*generation, issue + 1)..=(*generation, u32::MAX)).next();
            let outdated =
                newer.is_some_and(|(_, (_, made_at))| self.now().since(*made_at) >= Policy::default().race_window);
            if outdated {
                assert!(!self.accepts(node, token).await, "issue {issue} of generation {generation} lives on");
            }
        }
    }
}
