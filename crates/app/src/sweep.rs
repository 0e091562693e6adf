//! Forgetting what nothing alive can need.

use crate::{App, Fault};
use cloakroom_store::{Order, Unit};

impl App {
    /// Forgets what no token can need any longer, in memory and in the store. Called now and then.
    pub async fn sweep(&self) -> Result<(), Fault> {
        let now = self.clock.now();
        self.marks.forget(now);
        // An ended session stays visible to operators for a while after its cookies can no longer matter.
        let ended_before = now.minus(self.settings.lifetimes.absolute_for);
        Ok(self.save(Unit::from(Order::Sweep { now, ended_before })).await?)
    }

    /// How many revocations are held in memory.
    pub fn revocations_held(&self) -> usize {
        self.marks.len()
    }
}
