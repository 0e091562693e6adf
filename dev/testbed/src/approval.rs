//! Approvals of changes of the account, by the API: what a story does on its way to what it is about.

use crate::{Answer, Guest};
use http::StatusCode;
use serde_json::{Value, json};

impl Guest {
    /// Opens an approval of a change that is done with nothing else, such as `add-totp`, and gives its name.
    pub async fn ask_approval(&self, act: &str) -> String {
        self.ask_approval_of(&json!({ "act": act })).await
    }

    /// Opens an approval of a change as it is asked for, such as `{"act": "change-email", "email": …}`, and gives its name.
    pub async fn ask_approval_of(&self, change: &Value) -> String {
        let opened = self.fetch("POST", "/auth/step-up", Some(change.clone())).await;
        assert_eq!(opened.status, StatusCode::CREATED, "{}", opened.text());
        opened.json()["id"].as_str().unwrap().to_owned()
    }

    /// Approves it with a proof, such as `{"password": …}`.
    pub async fn prove(&self, approval: &str, proof: &Value) -> Answer {
        self.fetch("POST", &format!("/auth/step-up/{approval}"), Some(proof.clone())).await
    }

    /// Both, and the proof is good: the name goes into the field `step_up` of the change.
    pub async fn approved(&self, act: &str, proof: &Value) -> String {
        self.approved_of(&json!({ "act": act }), proof).await
    }

    /// The same for a change as it is asked for.
    pub async fn approved_of(&self, change: &Value, proof: &Value) -> String {
        let approval = self.ask_approval_of(change).await;
        let answer = self.prove(&approval, proof).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
        approval
    }
}
