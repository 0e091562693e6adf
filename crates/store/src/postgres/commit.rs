//! Carrying out units of work, each in one transaction.
//!
//! `BEGIN`, every statement and `COMMIT` are sent at once: a statement whose expectation is not met fails inside the server,
//! and then `COMMIT` undoes the unit. Only a unit that ends sessions which it cannot name takes a second round trip, to tell
//! the feed of them. Deliberately absent: any judgement; a unit says itself what it expects.

use super::failure::{driver, io, is_lost, is_undone};
use super::listener::NOTIFY;
use super::plan::{Entry, Plan};
use super::pool::Pool;
use super::statement::{Answer, Known, Send, Statement, pipeline, prepare, statement};
use crate::{Error, Outage, Unit, revocation, session};
use cloakroom_core::access::Revocation;
use cloakroom_core::time::Timestamp;
use deadpool_postgres::ClientWrapper;
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::Row;

const BEGIN: Send<'_> = Send::Word("BEGIN ISOLATION LEVEL READ COMMITTED");
const COMMIT: Send<'_> = Send::Word("COMMIT");
const ROLLBACK: Send<'_> = Send::Word("ROLLBACK");

/// How often a unit is carried out that Postgres had to undo because units waited for each other.
const ATTEMPTS: usize = 5;
/// A unit takes no longer; one that ends a million sessions takes seconds.
const CARRYING_OUT: Duration = Duration::from_mins(1);

/// Carries a unit out. After [`Error::Unavailable`] the outcome can be either.
pub(super) async fn commit(pool: &Pool, unit: &Unit) -> Result<(), Error> {
    let plan = Plan::of(unit);
    for _ in 0..ATTEMPTS {
        let connection = pool.take().await?;
        let (outcome, is_done_with) = match timeout(CARRYING_OUT, carry_out(&connection, &plan)).await {
            Ok(outcome) => {
                let lost = matches!(&outcome, Err(Failure::Driver(error)) if is_lost(error));
                (outcome, lost)
            }
            Err(_) => (Err(Failure::Known(io("the server did not answer in time".to_owned()))), true),
        };
        if is_done_with {
            pool.give_up(connection);
        }
        match outcome {
            Ok(()) => return Ok(()),
            Err(Failure::Driver(error)) if is_undone(&error) => {}
            Err(Failure::Driver(error)) => return Err(driver(&error)),
            Err(Failure::Known(error)) => return Err(error),
        }
    }
    Err(Error::Unavailable(Outage::Busy))
}

enum Failure {
    Driver(tokio_postgres::Error),
    Known(Error),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Driver(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Known(error)
    }
}

async fn carry_out(connection: &ClientWrapper, plan: &Plan) -> Result<(), Failure> {
    let statements = plan.statements.iter().map(Send::Statement);
    if !plan.is_known() {
        return carry_out_in_two(connection, plan).await;
    }
    let last = last(plan, &[])?;
    let known = prepare(connection, plan.statements.iter().chain(&last)).await?;
    let mut messages: Vec<_> = statements.chain(last.iter().map(Send::Statement)).collect();
    if messages.len() > 1 {
        messages.insert(0, BEGIN);
        messages.push(COMMIT);
    }
    first_failure(pipeline(connection, &known, &messages).await?)?;
    Ok(())
}

/// As [`carry_out`], for a unit that ends sessions which only Postgres can name.
async fn carry_out_in_two(connection: &ClientWrapper, plan: &Plan) -> Result<(), Failure> {
    let known = prepare(connection, plan.statements.iter()).await?;
    let messages: Vec<_> = std::iter::once(BEGIN).chain(plan.statements.iter().map(Send::Statement)).collect();
    let answers = first_failure(pipeline(connection, &known, &messages).await?);
    // From here on a transaction is open. It must not stay so on a connection that others use.
    let ended = async {
        // The first answer is that of `BEGIN`.
        let last = last(plan, answers?.get(1..).unwrap_or_default())?;
        let known = prepare(connection, last.iter()).await?;
        Ok((last, known))
    };
    let (last, known): (Vec<Statement>, Known) = match ended.await {
        Ok(ended) => ended,
        Err(failure) => {
            first_failure(pipeline(connection, &Known::new(), &[ROLLBACK]).await?)?;
            return Err(failure);
        }
    };
    let messages: Vec<_> = last.iter().map(Send::Statement).chain([COMMIT]).collect();
    first_failure(pipeline(connection, &known, &messages).await?)?;
    Ok(())
}

/// What comes after the orders: the feed, with word to whoever listens, and its sweep. `answers` are those of the
/// statements of the plan, as far as they matter.
fn last(plan: &Plan, answers: &[Vec<Row>]) -> Result<Vec<Statement>, Error> {
    let mut entries: Vec<(Revocation, Timestamp)> = Vec::new();
    for entry in &plan.entries {
        match entry {
            Entry::This(entry, until) => entries.push((*entry, *until)),
            Entry::EndedBy(place, until) => {
                for row in answers.get(*place).into_iter().flatten() {
                    entries.push((Revocation::Session(session::postgres::read_id(row)?), *until));
                }
            }
        }
    }
    let mut statements = Vec::new();
    if !entries.is_empty() {
        statements.push(revocation::postgres::revoke(&entries));
        statements.push(statement(NOTIFY, []));
    }
    // The sweeps of a plan are sent once; they hold one instant each.
    statements.extend(plan.sweeps.iter().map(|sweep| Statement { sql: sweep.sql, values: sweep.values.clone() }));
    Ok(statements)
}

/// The rows of every statement, or why the first one that failed did. Those behind it only say that they were not heard.
///
/// A `BEGIN` that an operator cancels leaves what is behind it to stand each for itself. The answer is then that of a
/// cancelled statement: nobody knows what happened. (There is no statement timeout, so nothing else cancels it.)
fn first_failure(answers: Vec<Answer>) -> Result<Vec<Vec<Row>>, tokio_postgres::Error> {
    answers.into_iter().collect()
}
