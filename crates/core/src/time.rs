//! Instants and durations as the rest of the house uses them: whole milliseconds, no time zone, no leap
//! seconds, no way to ask what time it is.

use std::fmt;

/// An instant: milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A length of time in milliseconds, never negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lifetime(u64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down: the `NumericDate` of RFC 7519 §2.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// From whole seconds since the Unix epoch, as a claim carries them.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// The instant `after` later; saturates at the end of time.
    #[must_use]
    pub const fn plus(self, after: Lifetime) -> Self {
        Self(self.0.saturating_add_unsigned(after.0))
    }

    /// The instant `before` earlier; saturates at the beginning of time.
    #[must_use]
    pub const fn minus(self, before: Lifetime) -> Self {
        Self(self.0.saturating_sub_unsigned(before.0))
    }

    /// How long ago `earlier` was, seen from here; zero when it lies ahead (clocks of two nodes differ).
    pub const fn since(self, earlier: Self) -> Lifetime {
        let gap = self.0.saturating_sub(earlier.0);
        Lifetime(if gap > 0 { gap.unsigned_abs() } else { 0 })
    }
}

impl Lifetime {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// From seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Length in milliseconds.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Length in whole seconds, rounded down, as `Max-Age` and `expires_in` want it.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// `factor` times as long; saturates.
    #[must_use]
    pub const fn times(self, factor: u64) -> Self {
        Self(self.0.saturating_mul(factor))
    }

    /// Both one after the other; saturates.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Lifetime {
    /// The largest unit that divides it, as the configuration writes it: `30d`, `12h`, `5m`, `10s`, `250ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, name) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")] {
            if self.0 >= unit && self.0.is_multiple_of(unit) {
                return write!(f, "{}{name}", self.0 / unit);
            }
        }
        write!(f, "{}ms", self.0)
    }
}

impl std::str::FromStr for Lifetime {
    type Err = NotALifetime;

    /// Reads `250ms`, `10s`, `5m`, `12h`, `30d`: a whole number and one unit, nothing else.
    fn from_str(text: &str) -> Result<Self, NotALifetime> {
        let split = text.find(|c: char| !c.is_ascii_digit()).ok_or(NotALifetime)?;
        let (number, unit) = text.split_at(split);
        let number: u64 = number.parse().map_err(|_| NotALifetime)?;
        let unit: u64 = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(NotALifetime),
        };
        number.checked_mul(unit).map(Self).ok_or(NotALifetime)
    }
}

/// The text is not a whole number followed by `ms`, `s`, `m`, `h` or `d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a length of time is a whole number and a unit, such as \"5m\", \"12h\" or \"30d\"")]
pub struct NotALifetime;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_read_what_they_write() {
        for text in ["250ms", "10s", "5m", "12h", "30d", "90s"] {
            assert_eq!(text.parse::<Lifetime>().unwrap().to_string(), text);
        }
        for text in ["", "5", "m", "5 m", "-5m", "5w", "5.5m", "99999999999999999999d", "18446744073709551615d"] {
            assert_eq!(text.parse::<Lifetime>(), Err(NotALifetime), "{text}");
        }
    }

    #[test]
    fn time_saturates_instead_of_wrapping() {
        let end = Timestamp::from_millis(i64::MAX);
        assert_eq!(end.plus(Lifetime::from_secs(1)), end);
        assert_eq!(Timestamp::from_millis(5).since(Timestamp::from_millis(9)), Lifetime::ZERO);
        assert_eq!(Timestamp::from_millis(-1).unix_seconds(), -1);
    }
}
