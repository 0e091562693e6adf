//! A statement with its values, and sending many of them at once.
//!
//! The driver sends a statement when its future is first polled. So polling a row of futures once each sends them all
//! before the first answer is awaited, and a whole unit of work costs one round trip.

use super::value::Value;
use crate::Error;
use deadpool_postgres::ClientWrapper;
use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement as Prepared};

/// SQL and what belongs into it.
pub(crate) struct Statement {
    pub(crate) sql: &'static str,
    pub(crate) values: Vec<Value>,
}

/// A statement with its values in order.
pub(crate) fn statement<const N: usize>(sql: &'static str, values: [Value; N]) -> Statement {
    Statement { sql, values: values.into() }
}

/// What goes over the connection, in order.
pub(super) enum Send<'a> {
    /// A word of transactions.
    Word(&'static str),
    Statement(&'a Statement),
}

/// What came back for each.
pub(super) type Answer = Result<Vec<Row>, tokio_postgres::Error>;

/// Statements that this connection knows, by their text.
pub(super) type Known = HashMap<&'static str, Prepared>;

/// Makes the connection know these statements. Costs a round trip for each that it has not met before.
pub(super) async fn prepare<'a>(
    connection: &ClientWrapper,
    statements: impl Iterator<Item = &'a Statement>,
) -> Result<Known, tokio_postgres::Error> {
    let mut known = Known::new();
    for Statement { sql, .. } in statements {
        if !known.contains_key(sql) {
            known.insert(sql, connection.prepare_cached(sql).await?);
        }
    }
    Ok(known)
}

/// Sends everything, then collects the answers: as many as were sent, so that nothing is left on the connection.
///
/// `Err` when a statement does not fit its text; then nothing was sent.
pub(super) async fn pipeline(
    connection: &ClientWrapper,
    known: &Known,
    messages: &[Send<'_>],
) -> Result<Vec<Answer>, Error> {
    let mut calls = Vec::with_capacity(messages.len());
    for message in messages {
        calls.push(match message {
            Send::Word(word) => Call::Word(word),
            Send::Statement(statement) => Call::Statement(
                known
                    .get(statement.sql)
                    .filter(|known| known.params().len() == statement.values.len())
                    .ok_or_else(|| Error::Fault("a statement with a wrong number of values".to_owned()))?,
                statement.values.iter().map(|value| value as &(dyn ToSql + Sync)).collect(),
            ),
        });
    }
    let mut sent: Vec<(Waiting<'_>, Poll<Answer>)> = Vec::with_capacity(calls.len());
    for call in &calls {
        let mut waiting: Waiting<'_> = match call {
            Call::Word(word) => Box::pin(async { connection.batch_execute(word).await.map(|()| Vec::new()) }),
            Call::Statement(known, values) => Box::pin(async { connection.query(*known, values).await }),
        };
        let answer = poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context))).await;
        sent.push((waiting, answer));
    }
    let mut answers = Vec::with_capacity(sent.len());
    for (waiting, answer) in sent {
        answers.push(match answer {
            Poll::Ready(answer) => answer,
            Poll::Pending => waiting.await,
        });
    }
    Ok(answers)
}

enum Call<'a> {
    Word(&'static str),
    Statement(&'a Prepared, Vec<&'a (dyn ToSql + Sync)>),
}

type Waiting<'a> = Pin<Box<dyn Future<Output = Answer> + std::marker::Send + 'a>>;
