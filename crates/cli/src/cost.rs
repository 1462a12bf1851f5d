//! What requests cost: as it is asked for, and as it is kept for every one of them.

use std::fmt;
use std::str::FromStr;

use indexmap::IndexSet;

use crate::log::{LineError, Selector};

/// What a request costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    Fixed(u64),
    Value(Selector),
}

impl FromStr for Cost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<u64>() {
            Ok(0) => Err("a request costs at least 1".to_owned()),
            Ok(cost) => Ok(Self::Fixed(cost)),
            Err(_) => match text.parse::<Selector>() {
                Ok(selector) if selector != Selector::Address => Ok(Self::Value(selector)),
                _ => Err(format!("expected a number from 1 to {}, header:NAME or field:N", u64::MAX)),
            },
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(cost) => cost.fmt(f),
            Self::Value(selector) => selector.fmt(f),
        }
    }
}

/// A cost in half of its bits, since a log has many: of a large one, its place in [`Costs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoredCost(u32);

/// Set where the other bits are a place.
const LARGE: u32 = 1 << 31;

/// The costs that are too large to be stored as they are.
#[derive(Debug, Default)]
pub(crate) struct Costs {
    large: IndexSet<u64, ahash::RandomState>,
}

impl Costs {
    pub(crate) fn store(&mut self, cost: u64) -> Result<StoredCost, LineError> {
        if let Some(small) = u32::try_from(cost).ok().filter(|cost| cost & LARGE == 0) {
            return Ok(StoredCost(small));
        }
        let place = u32::try_from(self.large.insert_full(cost).0).ok().filter(|place| place & LARGE == 0);
        place.map(|place| StoredCost(LARGE | place)).ok_or_else(|| LineError::Value {
            reason: format!("more than {LARGE} different costs of {LARGE} or more"),
        })
    }

    pub(crate) fn get(&self, stored: StoredCost) -> u64 {
        match stored.0 & LARGE {
            0 => u64::from(stored.0),
            _ => self.large.get_index((stored.0 & !LARGE) as usize).copied().unwrap_or(u64::MAX),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn costs_of_every_size_come_back() {
        let edge = u64::from(LARGE);
        let all = [1, edge - 1, edge, edge + 1, u64::from(u32::MAX), 1 << 32, u64::MAX, 1 << 32, edge];
        let mut costs = Costs::default();
        let stored = all.map(|cost| costs.store(cost).unwrap());
        assert_eq!(stored.map(|cost| costs.get(cost)), all);
        assert_eq!(costs.large.len(), 5, "each is kept once");
    }
}
