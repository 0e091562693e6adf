//! Small things of use cases, kept as slips: written as JSON, read back or reported as a fault.

use crate::Fault;
use cloakroom_core::id::AccountId;
use cloakroom_core::time::Timestamp;
use cloakroom_store::{Order, Slip, SlipKey, SlipKind, Store};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A slip with what it says.
pub(crate) struct Kept<T> {
    pub(crate) slip: Slip,
    pub(crate) value: T,
}

/// Reads a slip that has not expired at `now`.
pub(crate) async fn kept<T: DeserializeOwned>(
    store: &dyn Store,
    kind: SlipKind,
    key: &SlipKey,
    now: Timestamp,
) -> Result<Option<Kept<T>>, Fault> {
    store.slip(kind, key).await?.filter(|slip| is_alive(slip, now)).map(read).transpose()
}

/// Reads the slips of an account that have not expired at `now`, at most 100.
pub(crate) async fn kept_of<T: DeserializeOwned>(
    store: &dyn Store,
    account: AccountId,
    kind: SlipKind,
    now: Timestamp,
) -> Result<Vec<Kept<T>>, Fault> {
    let slips = store.slips_of(account, kind, 100).await?;
    slips.into_iter().filter(|slip| is_alive(slip, now)).map(read).collect()
}

/// Reads what a slip says.
pub(crate) fn read<T: DeserializeOwned>(slip: Slip) -> Result<Kept<T>, Fault> {
    let value = serde_json::from_slice(&slip.data).map_err(|_| Fault::plain("a slip of the store cannot be read"))?;
    Ok(Kept { slip, value })
}

fn is_alive(slip: &Slip, now: Timestamp) -> bool {
    slip.expires_at.is_none_or(|at| now < at)
}

/// A new slip.
pub(crate) fn slip<T: Serialize>(kind: SlipKind, key: SlipKey, value: &T) -> Result<Slip, Fault> {
    let data = serde_json::to_vec(value).map_err(|error| Fault::new("a slip could not be written", error))?;
    Ok(Slip { kind, key, account: None, version: 0, due_at: None, expires_at: None, data })
}

/// The name of a slip, of parts whose lengths are fixed by its kind: at most 64 bytes together.
pub(crate) fn key(parts: &[&[u8]]) -> Result<SlipKey, Fault> {
    SlipKey::new(&parts.concat()).ok_or_else(|| Fault::plain("the name of a slip is empty or too long"))
}

impl<T: Serialize> Kept<T> {
    /// The order to write what it says now, if nobody else has changed it.
    pub(crate) fn changed(&self) -> Result<Order, Fault> {
        let data = serde_json::to_vec(&self.value).map_err(|error| Fault::new("a slip could not be written", error))?;
        let next = Slip { version: self.slip.version.wrapping_add(1), data, ..self.slip.clone() };
        Ok(Order::ChangeSlip { expected: self.slip.version, next })
    }

    /// The same, after which this is what is there: for who changes it once more.
    pub(crate) fn change(&mut self) -> Result<Order, Fault> {
        let order = self.changed()?;
        self.slip.version = self.slip.version.wrapping_add(1);
        Ok(order)
    }

    /// The order to remove it, if nobody else has changed it.
    pub(crate) fn removed(&self) -> Order {
        Order::RemoveSlip { kind: self.slip.kind, key: self.slip.key.clone(), expected: self.slip.version }
    }
}
