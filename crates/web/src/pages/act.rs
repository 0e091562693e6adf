//! A change of the account goes on after it was approved: the form that uses the approval.

use crate::Response;
use crate::call::Call;
use crate::problem::{Code, Problem};
use cloakroom_core::approval::Act;
use minijinja::context;

impl Call {
    /// The form of an approved change. Whether it was approved, and in this session, is judged when the form is sent.
    pub(crate) async fn act_page(&self, id: &str) -> Result<Response, Problem> {
        let view = self.web.app().view_approval(id).await?;
        let (act, false) = (view.act.ok_or(Code::ApprovalOver)?, view.waiting) else {
            return Err(Code::ApprovalOver.into());
        };
        let me = self.web.app().me(self.seen()?).await?;
        let fields: Vec<_> = view.fields.iter().map(|(name, value)| context! { name, value }).collect();
        let values = context! {
            id, act => act.as_str(), words => act.words(), email => me.account.email.as_str(), fields,
            field => act.field(), value => view.value.as_deref(),
            script => act == Act::AddPasskey,
            min_characters => self.web.app().settings().passwords.min_characters,
        };
        self.form_page("act.html", None, values).await
    }
}
