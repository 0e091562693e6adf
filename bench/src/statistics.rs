//! Whether two sets of measurements can be told apart: rank and distribution tests, and how well a guesser would do.
//!
//! It decides nothing: what counts as a difference is said by who asks. No assumption is made about the shape of the times,
//! which have long tails; only that the order of the two kinds was random.

use crate::figure::{Spread, quantile};

/// What two sets of values, `a` and `b`, have to do with each other.
pub(crate) struct Comparison {
    /// Probability of ranks at least this far apart if both come from the same distribution (Mann-Whitney U, two-sided, normal
    /// approximation with the correction for ties and for continuity).
    pub(crate) mann_whitney: f64,
    /// The same for the largest distance of the two distribution functions (Kolmogorov-Smirnov, two-sided, asymptotic).
    pub(crate) kolmogorov_smirnov: f64,
    /// Probability that a value of `a` is larger than one of `b`, equal ones counted half: 0.5 where nothing is to be told.
    pub(crate) auc: f64,
    /// Share of right answers of who guesses by the best threshold, found on one half and tried on the other, both ways.
    pub(crate) guessed_right: f64,
    /// Of `a` and of `b`.
    pub(crate) medians: [f64; 2],
    /// Median of `a` less that of `b`, between the ends of its 95 % interval (bootstrap, percentiles).
    pub(crate) difference: Spread,
}

impl Comparison {
    /// Of two sets of at least four values, each in the order in which they were measured.
    pub(crate) fn of(a: &[f64], b: &[f64]) -> Self {
        let (mann_whitney, auc) = mann_whitney(a, b);
        Self {
            mann_whitney,
            kolmogorov_smirnov: kolmogorov_smirnov(a, b),
            auc,
            guessed_right: guessed_right(a, b),
            medians: [quantile(a, 0.5), quantile(b, 0.5)],
            difference: difference(a, b),
        }
    }

    /// The smaller one of both probabilities.
    pub(crate) fn p(&self) -> f64 {
        self.mann_whitney.min(self.kolmogorov_smirnov)
    }
}

/// Both sets in one, ascending, and whether a value is of the first.
fn together(a: &[f64], b: &[f64]) -> Vec<(f64, bool)> {
    let mut all: Vec<_> = a.iter().map(|value| (*value, true)).chain(b.iter().map(|value| (*value, false))).collect();
    all.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    all
}

/// The groups of equal values: each with how many are of `a` and how many of `b`.
fn ties(all: &[(f64, bool)]) -> impl Iterator<Item = (f64, f64, f64)> {
    all.chunk_by(|(one, _), (other, _)| one.total_cmp(other).is_eq()).map(|group| {
        let of_a = group.iter().filter(|(_, is_a)| *is_a).count();
        (group[0].0, of_a as f64, (group.len() - of_a) as f64)
    })
}

/// The probability, and the area under the curve.
fn mann_whitney(a: &[f64], b: &[f64]) -> (f64, f64) {
    let (of_all_a, of_all_b) = (a.len() as f64, b.len() as f64);
    let (all, pairs) = (of_all_a + of_all_b, of_all_a * of_all_b);
    let (mut below, mut wins, mut tied) = (0.0, 0.0, 0.0);
    for (_, of_a, of_b) in ties(&together(a, b)) {
        wins += of_a * (below + of_b / 2.0);
        below += of_b;
        let group = of_a + of_b;
        tied += group * group * group - group;
    }
    let deviation = (pairs / 12.0 * (all + 1.0 - tied / (all * (all - 1.0)))).sqrt();
    let distance = ((wins - pairs / 2.0).abs() - 0.5).max(0.0);
    let p = if deviation > 0.0 { erfc(distance / deviation / std::f64::consts::SQRT_2) } else { 1.0 };
    (p, wins / pairs)
}

/// Where the distribution functions are farthest apart: the threshold, and by how much more of `a` than of `b` lies up to it.
fn farthest(a: &[f64], b: &[f64]) -> (f64, f64) {
    let (mut up_to_a, mut up_to_b, mut best) = (0.0, 0.0, (f64::NAN, 0.0_f64));
    for (value, of_a, of_b) in ties(&together(a, b)) {
        up_to_a += of_a / a.len() as f64;
        up_to_b += of_b / b.len() as f64;
        if (up_to_a - up_to_b).abs() > best.1.abs() {
            best = (value, up_to_a - up_to_b);
        }
    }
    best
}

fn kolmogorov_smirnov(a: &[f64], b: &[f64]) -> f64 {
    let (n, m) = (a.len() as f64, b.len() as f64);
    let root = (n * m / (n + m)).sqrt();
    // Stephens' correction for finite sets.
    let lambda = (root + 0.12 + 0.11 / root) * farthest(a, b).1.abs();
    // The series does not converge near nothing, where the sum is 1.
    if lambda < 0.2 {
        return 1.0;
    }
    let term = |j: i32| if j % 2 == 1 { 2.0 } else { -2.0 } * (-2.0 * f64::from(j * j) * lambda * lambda).exp();
    (1..=100).map(term).sum::<f64>().clamp(0.0, 1.0)
}

fn guessed_right(a: &[f64], b: &[f64]) -> f64 {
    let half = |values: &[f64], which: usize| values.iter().skip(which).step_by(2).copied().collect::<Vec<_>>();
    let tried = [0, 1].map(|learned| {
        let (threshold, more) = farthest(&half(a, learned), &half(b, learned));
        let share = |values: &[f64]| {
            let values = half(values, 1 - learned);
            values.iter().filter(|value| **value <= threshold).count() as f64 / values.len() as f64
        };
        0.5 + more.signum() * (share(a) - share(b)) / 2.0
    });
    f64::midpoint(tried[0], tried[1])
}

fn difference(a: &[f64], b: &[f64]) -> Spread {
    const TIMES: usize = 2000;
    let mut dice = Dice::new(0x00c1_0a6b_0075_7ea9);
    let mut resampled = |values: &[f64], room: &mut Vec<f64>| {
        room.clear();
        room.extend((0..values.len()).map(|_| values[dice.below(values.len())]));
        let middle = room.len() / 2;
        *room.select_nth_unstable_by(middle, f64::total_cmp).1
    };
    let mut room = Vec::new();
    let drawn: Vec<_> = (0..TIMES).map(|_| resampled(a, &mut room) - resampled(b, &mut room)).collect();
    Spread { min: quantile(&drawn, 0.025), median: quantile(a, 0.5) - quantile(b, 0.5), max: quantile(&drawn, 0.975) }
}

/// The complementary error function, with a relative error below 1.2e-7 everywhere (Numerical Recipes, 2nd edition, §6.2).
fn erfc(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 10] = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let t = 1.0 / (1.0 + 0.5 * x.abs());
    let sum = COEFFICIENTS.iter().rev().fold(0.0, |sum, coefficient| sum * t + coefficient);
    let upper = t * (-x * x + sum).exp();
    if x >= 0.0 { upper } else { 2.0 - upper }
}

/// Random numbers that come again with the same seed; not for secrets (`SplitMix64`).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Below this number, which is not 0. What it favours is far below what can be noticed.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap_or_default()
    }

    /// In random order (Fisher-Yates).
    pub(crate) fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            values.swap(last, self.below(last + 1));
        }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(is: f64, should: f64, by: f64) -> bool {
        (is - should).abs() <= by
    }

    /// Values with a long tail, as times have.
    fn times(dice: &mut Dice, count: usize, more: f64) -> Vec<f64> {
        let one = |dice: &mut Dice| -((dice.below(1_000_000) + 1) as f64 / 1_000_001.0).ln();
        (0..count).map(|_| 25.0 + one(dice) + more).collect()
    }

    #[test]
    fn probabilities_are_those_of_the_tables() {
        // Two-sided normal probabilities.
        for (z, p) in [(0.0, 1.0), (1.959_964, 0.05), (2.575_829, 0.01), (3.290_527, 0.001), (5.0, 5.733_03e-7)] {
            let is = erfc(z / std::f64::consts::SQRT_2);
            assert!(near(is / p, 1.0, 1e-5), "{z}: {is}");
        }
        assert!(near(erfc(-1.0), 2.0 - erfc(1.0), 1e-12));
    }

    #[test]
    fn ranks_are_compared_as_in_an_example_worked_by_hand() {
        // Of 20 pairs: 2 ties with 2, and 3 and 4 are above it.
        let (p, auc) = mann_whitney(&[1.0, 2.0, 3.0, 4.0], &[2.0, 5.0, 6.0, 7.0, 8.0]);
        assert!(near(auc, 2.5 / 20.0, 1e-12), "{auc}");
        // Mean 10, variance 20/12 · (10 − 6/72) = 16.5278; (7.5 − 0.5)/4.06544 = 1.72183.
        assert!(near(p, 0.0851, 5e-4), "{p}");
        assert!(mann_whitney(&[1.0; 9], &[1.0; 9]).0 >= 1.0);
    }

    #[test]
    fn distribution_functions_are_compared_as_in_an_example_worked_by_hand() {
        let (threshold, more) = farthest(&[1.0, 2.0, 3.0, 4.0], &[3.0, 4.0, 5.0, 6.0]);
        assert!(near(threshold, 2.0, 0.0) && near(more, 0.5, 1e-12), "{threshold} {more}");
        // 1.3581 is the value of 5 %.
        let (a, b): (Vec<_>, Vec<_>) = ((0..1000).map(f64::from).collect(), (61..1061).map(f64::from).collect());
        let p = kolmogorov_smirnov(&a, &b);
        assert!(near(p, 0.05, 0.005), "{p}");
        assert!(kolmogorov_smirnov(&a, &a) >= 1.0);
    }

    #[test]
    fn the_same_is_not_told_apart_more_often_than_the_probability_says() {
        let mut dice = Dice::new(7);
        let runs = 400;
        let mut below = [0; 2];
        for _ in 0..runs {
            let (a, b) = (times(&mut dice, 200, 0.0), times(&mut dice, 200, 0.0));
            below[0] += i32::from(mann_whitney(&a, &b).0 < 0.05);
            below[1] += i32::from(kolmogorov_smirnov(&a, &b) < 0.05);
        }
        // 20 are expected; more than 36 or fewer than 6 have a chance below one in a thousand.
        assert!(below.iter().all(|count| (6..=36).contains(count)), "{below:?}");
    }

    #[test]
    fn a_shift_is_found_with_its_size_and_a_guesser_profits() {
        let mut dice = Dice::new(11);
        let found = Comparison::of(&times(&mut dice, 1000, 0.2), &times(&mut dice, 1000, 0.0));
        assert!(found.p() < 1e-6 && found.auc > 0.55 && found.guessed_right > 0.53, "{}", found.p());
        assert!(found.difference.min > 0.0 && found.difference.max < 0.4);
        let same = Comparison::of(&times(&mut dice, 1000, 0.0), &times(&mut dice, 1000, 0.0));
        assert!(same.p() > 0.001 && near(same.auc, 0.5, 0.05) && near(same.guessed_right, 0.5, 0.05));
    }

    #[test]
    fn the_interval_holds_the_true_difference_as_often_as_it_says() {
        let mut dice = Dice::new(17);
        let runs = 60;
        let holds = |dice: &mut Dice| {
            let found = difference(&times(dice, 150, 0.2), &times(dice, 150, 0.0));
            found.min < 0.2 && 0.2 < found.max
        };
        let held = (0..runs).filter(|_| holds(&mut dice)).count();
        // 57 are expected; fewer than 50 have a chance below one in a thousand.
        assert!(held >= 50, "{held} of {runs}");
    }

    #[test]
    fn a_wider_spread_around_the_same_middle_is_found() {
        let mut dice = Dice::new(13);
        let narrow: Vec<_> = (0..1000).map(|_| dice.below(1000) as f64).collect();
        let wide: Vec<_> = (0..1000).map(|_| dice.below(3000) as f64 - 1000.0).collect();
        let found = Comparison::of(&wide, &narrow);
        assert!(found.kolmogorov_smirnov < 1e-6 && found.guessed_right > 0.6, "{}", found.kolmogorov_smirnov);
    }
}
