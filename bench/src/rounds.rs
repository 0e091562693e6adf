//! Measurements that take turns, so that whatever the machine does happens to both sides.

use anyhow::Result;

/// Measures two things in turns: A B, B A, A B, …
pub(crate) fn in_turns<A, B>(
    rounds: usize,
    mut ours: impl FnMut() -> Result<A>,
    mut theirs: impl FnMut() -> Result<B>,
) -> Result<(Vec<A>, Vec<B>)> {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        if round % 2 == 0 {
            first.push(ours()?);
            second.push(theirs()?);
        } else {
            second.push(theirs()?);
            first.push(ours()?);
        }
    }
    Ok((first, second))
}

/// Nanoseconds of one of `count` calls.
pub(crate) fn nanoseconds(count: u32, mut call: impl FnMut()) -> f64 {
    let started = std::time::Instant::now();
    for _ in 0..count {
        call();
    }
    started.elapsed().as_secs_f64() * 1e9 / f64::from(count)
}
