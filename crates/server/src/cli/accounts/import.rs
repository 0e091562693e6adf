//! `cloakroom accounts import`: one account a line. What is good is imported, what is not is reported with its line.

use super::reason;
use crate::foreign_account::ForeignAccount;
use crate::terminal::{Ending, answer, say};
use anyhow::Context as _;
use clap::Args;
use cloakroom_app::account::Import as Imported;
use cloakroom_app::{App, Error, Refusal};
use futures_util::future::join_all;
use serde_json::json;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;

/// The command's options.
#[derive(Args)]
pub(super) struct Import {
    /// The file with one account a line, or - for standard input.
    #[arg(value_name = "FILE")]
    from: PathBuf,
    /// Pass over addresses that have an account already, without counting them as bad lines: for an import that goes on.
    #[arg(long)]
    skip_existing: bool,
    /// Answer as JSON: {"imported":…,"skipped":…,"failed":[{"line":…,"reason":…}]}.
    #[arg(long)]
    json: bool,
}

/// The longest line, in bytes.
const MAX_LINE: u64 = 16 * 1024;

/// So many are committed together, which costs the store as much as one.
const TOGETHER: usize = 64;

/// After so many lines it is said how far it has come.
const EVERY: u64 = 1000;

#[derive(Default)]
struct Tally {
    lines: u64,
    imported: u64,
    skipped: u64,
    failed: u64,
    /// For the answer in JSON.
    listed: Vec<serde_json::Value>,
}

impl Import {
    pub(super) async fn run(&self, app: &App) -> anyhow::Result<Ending> {
        let mut input: Box<dyn BufRead> = if self.from.as_os_str() == "-" {
            Box::new(io::stdin().lock())
        } else {
            let name = self.from.display();
            Box::new(BufReader::new(File::open(&self.from).with_context(|| format!("cannot read {name}"))?))
        };
        let mut tally = Tally::default();
        loop {
            let mut group = Vec::new();
            let mut is_over = false;
            while group.len() < TOGETHER && !is_over {
                match next(&mut *input).context("the list of accounts cannot be read")? {
                    None => is_over = true,
                    Some(line) => {
                        tally.lines += 1;
                        if let Some(account) = line.transpose() {
                            group.push((tally.lines, account));
                        }
                        if tally.lines.is_multiple_of(EVERY) {
                            say(&format!("{} lines read", tally.lines));
                        }
                    }
                }
            }
            self.carry_out(app, group, &mut tally).await?;
            if is_over {
                return self.tell(&tally);
            }
        }
    }

    async fn carry_out(
        &self,
        app: &App,
        group: Vec<(u64, Result<ForeignAccount, &'static str>)>,
        tally: &mut Tally,
    ) -> anyhow::Result<()> {
        let outcomes = group.into_iter().map(|(number, line)| async move {
            let ForeignAccount { email, hash, verified } = match line {
                Ok(line) => line,
                Err(reason) => return (number, Ok(Some(reason))),
            };
            let outcome = app.import_account(&Imported { email: &email, hash: &hash, verified }).await;
            match outcome {
                Ok(_) => (number, Ok(None)),
                Err(Error::Refused(Refusal::AddressTaken)) if self.skip_existing => (number, Ok(Some(""))),
                Err(Error::Refused(refusal)) => (number, Ok(Some(reason(refusal)))),
                Err(Error::Failed(fault)) => (number, Err(fault)),
            }
        });
        for (number, outcome) in join_all(outcomes).await {
            match outcome.with_context(|| format!("stopped at line {number}; lines before it are done"))? {
                None => tally.imported += 1,
                Some("") => tally.skipped += 1,
                Some(reason) => {
                    tally.failed += 1;
                    if self.json {
                        tally.listed.push(json!({ "line": number, "reason": reason }));
                    } else {
                        say(&format!("line {number}: {reason}"));
                    }
                }
            }
        }
        Ok(())
    }

    fn tell(&self, tally: &Tally) -> anyhow::Result<Ending> {
        let Tally { imported, skipped, failed, listed, .. } = tally;
        if self.json {
            answer(&json!({ "imported": imported, "skipped": skipped, "failed": listed }).to_string());
        } else {
            let skipped = if *skipped == 0 { String::new() } else { format!(", skipped {skipped}") };
            answer(&format!("imported {imported}{skipped}"));
        }
        anyhow::ensure!(*failed == 0, "{failed} line(s) were not imported");
        Ok(Ending::Done)
    }
}

/// The next line: `None` at the end, and an empty one is nothing. A line that is too long is passed over, not kept in memory.
fn next(input: &mut dyn BufRead) -> io::Result<Option<Result<Option<ForeignAccount>, &'static str>>> {
    let mut bytes = Vec::new();
    if io::Read::take(&mut *input, MAX_LINE).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.len() as u64 == MAX_LINE && !bytes.ends_with(b"\n") {
        input.skip_until(b'\n')?;
        return Ok(Some(Err("the line is longer than 16 KiB")));
    }
    if bytes.trim_ascii().is_empty() {
        return Ok(Some(Ok(None)));
    }
    Ok(Some(ForeignAccount::read(&bytes).map(Some)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_account_or_a_reason() {
        let long = format!("{}\n", "x".repeat(usize::try_from(MAX_LINE).unwrap()));
        let text = format!(
            "{{\"email\":\"a@b.example\",\"hash\":\"h\"}}\n\n{long}not json\n{{\"email\":\"a\",\"hash\":\"h\",\"x\":1}}\n{{\"email\":\"c@d.example\",\"hash\":\"h\",\"verified\":true}}"
        );
        let mut input = text.as_bytes();
        let first = next(&mut input).unwrap().unwrap().ok().unwrap().unwrap();
        assert_eq!((first.email.as_str(), first.verified), ("a@b.example", false));
        assert!(next(&mut input).unwrap().unwrap().unwrap().is_none());
        assert!(next(&mut input).unwrap().unwrap().is_err_and(|reason| reason.contains("16 KiB")));
        assert!(next(&mut input).unwrap().unwrap().is_err());
        assert!(next(&mut input).unwrap().unwrap().is_err());
        let last = next(&mut input).unwrap().unwrap().ok().unwrap().unwrap();
        assert!(last.verified && last.email == "c@d.example");
        assert!(next(&mut input).unwrap().is_none());
    }
}
