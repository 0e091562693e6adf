//! One measured figure: what was measured, how far its rounds lie apart, its goal, and whether that was reached.

use serde::Serialize;
use std::fmt;

/// Rounds of a measurement, from the smallest to the largest.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of at least one value.
    pub(crate) fn of(values: &[f64]) -> Self {
        Self { min: quantile(values, 0.0), median: quantile(values, 0.5), max: quantile(values, 1.0) }
    }
}

/// The value below which that share of the values lies; NaN of none.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the last index")]
    let index = |at: f64| at as usize;
    let at = last as f64 * share;
    let (below, above) = (sorted[index(at.floor())], sorted[index(at.ceil())]);
    below + (above - below) * at.fract()
}

/// What the design asks for.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
    Below(f64),
}

impl Goal {
    fn is_reached(self, value: f64) -> bool {
        match self {
            Self::AtLeast(goal) => value >= goal,
            Self::AtMost(goal) => value <= goal,
            Self::Below(goal) => value < goal,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(goal) => write!(f, "≥ {}", short(*goal)),
            Self::AtMost(goal) => write!(f, "≤ {}", short(*goal)),
            Self::Below(goal) => write!(f, "< {}", short(*goal)),
        }
    }
}

/// A figure. Its goal, where it has one, is judged by the median of its rounds.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) name: String,
    /// Of `measured`: `x` for a ratio.
    pub(crate) unit: String,
    pub(crate) measured: Spread,
    pub(crate) goal: Option<Goal>,
    /// Nothing where there is no goal.
    pub(crate) reached: Option<bool>,
    pub(crate) rounds: usize,
    /// Both sides of a ratio.
    pub(crate) sides: Option<Sides>,
    pub(crate) note: String,
}

/// What a ratio was made of.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Sides {
    pub(crate) unit: String,
    pub(crate) ours: Spread,
    pub(crate) theirs: Spread,
}

impl Figure {
    /// Ours over theirs, round by round.
    pub(crate) fn ratio(name: &str, unit: &str, ours: &[f64], theirs: &[f64]) -> Self {
        let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
        let sides = Sides { unit: unit.to_owned(), ours: Spread::of(ours), theirs: Spread::of(theirs) };
        Self { sides: Some(sides), ..Self::absolute(name, "x", &ratios) }
    }

    /// A figure that is compared with nothing.
    pub(crate) fn absolute(name: &str, unit: &str, values: &[f64]) -> Self {
        Self {
            name: name.to_owned(),
            unit: unit.to_owned(),
            measured: Spread::of(values),
            goal: None,
            reached: None,
            rounds: values.len(),
            sides: None,
            note: String::new(),
        }
    }

    pub(crate) fn goal(self, goal: Goal) -> Self {
        Self { goal: Some(goal), reached: Some(goal.is_reached(self.measured.median)), ..self }
    }

    pub(crate) fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    /// The last cell of its row: yes, no, or nothing.
    pub(crate) fn verdict(&self) -> &'static str {
        match self.reached {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "–",
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Spread { min, median, max } = self.measured;
        write!(f, "{}: {} {} ({} … {})", self.name, short(median), self.unit, short(min), short(max))?;
        if let Some(sides) = &self.sides {
            write!(f, ", {} : {} {}", short(sides.ours.median), short(sides.theirs.median), sides.unit)?;
        }
        match self.goal {
            Some(goal) => write!(f, "; goal {goal}: {}", self.verdict()),
            None => Ok(()),
        }
    }
}

/// A number with about three digits that matter.
pub(crate) fn short(value: f64) -> String {
    match value.abs() {
        size if size == 0.0 || size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_the_values() {
        assert_eq!(quantile(&[3.0, 1.0, 2.0], 0.5).to_bits(), 2.0_f64.to_bits());
        assert_eq!(quantile(&[1.0, 2.0], 0.5).to_bits(), 1.5_f64.to_bits());
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn a_goal_is_judged_by_the_median_of_the_ratios_of_rounds() {
        let figure = Figure::ratio("a", "ns", &[2.0, 9.0, 2.0], &[2.0, 3.0, 1.0]).goal(Goal::AtMost(2.0));
        assert_eq!((figure.reached, figure.rounds, figure.verdict()), (Some(true), 3, "yes"));
        assert_eq!(figure.clone().goal(Goal::Below(2.0)).reached, Some(false));
        assert_eq!(figure.goal(Goal::AtLeast(2.5)).reached, Some(false));
    }
}
