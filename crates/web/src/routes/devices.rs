//! The devices of an account, and "that was not me".

use crate::Response;
use crate::call::Call;
use crate::pages::Mailed;
use crate::problem::Problem;
use crate::routes::{answer, no_content};
use cloakroom_app::device::ListedDevice;
use serde_json::{Value, json};

/// `GET /auth/devices`: the one used last first.
pub(crate) async fn list(call: Call) -> Result<Response, Problem> {
    let devices = call.web.app().devices(call.seen()?, &call.visit()?).await?;
    Ok(answer(&json!({ "devices": devices.iter().map(row).collect::<Vec<_>>() })))
}

/// `POST /auth/devices/change`.
pub(crate) async fn change(mut call: Call) -> Result<Response, Problem> {
    let device = call.fields.text("device")?;
    let name = call.fields.optional("name")?;
    let trusted = call.fields.flag("trusted")?;
    call.web.app().change_device(call.seen()?, &device, name, trusted).await?;
    Ok(call.changed("device-changed"))
}

/// `POST /auth/devices/forget`.
pub(crate) async fn forget(mut call: Call) -> Result<Response, Problem> {
    let device = call.fields.text("device")?;
    call.web.app().forget_device(call.seen()?, &device).await?;
    Ok(call.changed("device-forgotten"))
}

/// `POST /auth/devices/revoke`.
pub(crate) async fn revoke(mut call: Call) -> Result<Response, Problem> {
    let token = call.fields.text("token")?;
    let done = call.web.app().revoke_by_mail(&token).await.map_err(Problem::from);
    call.after_mail(Mailed::Revoke, done, &token).await
}

/// `GET /auth/devices/revoke`.
pub(crate) async fn revoke_page(call: Call) -> Result<Response, Problem> {
    call.token_page(Mailed::Revoke, None, "").await
}

fn row(listed: &ListedDevice) -> Value {
    let device = &listed.device;
    json!({
        "id": listed.id,
        "current": listed.here,
        "name": device.name,
        "device": device.family,
        "networks": device.prefixes,
        "first_seen": device.first_seen / 1000,
        "last_seen": device.last_seen / 1000,
        "trusted": device.trusted,
    })
}

impl Call {
    /// After a change from the account page: back to it with a notice; 204 for a program.
    pub(crate) fn changed(&self, notice: &str) -> Response {
        if self.fields.form { self.redirect(&format!("/auth/account?notice={notice}")) } else { no_content() }
    }
}
