//! How the gate learns that an answer has ended.

/// Something that lives as long as an answer streams.
pub type Hold = std::sync::Arc<dyn std::any::Any + Send + Sync>;
