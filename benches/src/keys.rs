//! The keys that everybody is asked about: 24 bytes each, unlike one another from the ninth on.
//! Knows nothing of limiters.

/// Bytes in every key.
pub const KEY_BYTES: usize = 24;

/// The `index`-th key: `api-key-` and 16 hexadecimal digits.
///
/// ```
/// assert_eq!(tidegate_benches::keys::key(1), "api-key-e220a8397b1dcdaf");
/// ```
#[must_use]
pub fn key(index: usize) -> String {
    format!("api-key-{:016x}", scramble(index as u64))
}

/// SplitMix64 (Steele, Lea, Flood 2014): a bijection, so that no two indices share a key, and a
/// sequence that depends on nothing but its index.
fn scramble(index: u64) -> u64 {
    let z = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The keys of these indices, laid out one after another in the order in which they are asked,
/// so that fetching the question costs every contender the same and next to nothing.
///
/// The text lives as long as the process: a bench that ends in minutes need not free it.
fn texts(indices: impl ExactSizeIterator<Item = usize>) -> Vec<&'static str> {
    let mut text = String::with_capacity(indices.len() * KEY_BYTES);
    indices.for_each(|index| text.push_str(&key(index)));
    let text: &'static str = text.leak();
    (0..text.len()).step_by(KEY_BYTES).filter_map(|at| text.get(at..at + KEY_BYTES)).collect()
}

/// A piece of the questions, as the two kinds of keys that APIs ask for.
#[derive(Clone, Copy)]
pub struct Chunk<'a> {
    /// Borrowed text, as a server finds it in a request.
    pub keys: &'a [&'static str],
    /// The same keys already owned, for APIs that are faster so.
    pub owned: &'a [String],
}

/// Which keys exist, and in which order they are asked about.
pub struct Questions {
    /// Every distinct key once.
    pub distinct: Vec<&'static str>,
    asked: Vec<&'static str>,
    owned: Vec<String>,
    chunk: usize,
}

impl Questions {
    /// Each of `distinct` keys `times` times in a row; one chunk is all of it.
    #[must_use]
    pub fn in_runs(distinct: usize, times: usize) -> Self {
        Self::new(distinct, (0..distinct * times).map(move |i| i / times), distinct * times)
    }

    /// `asked` uniform draws from `distinct` keys, always the same ones, in chunks of `chunk`.
    #[must_use]
    pub fn uniform(distinct: usize, asked: usize, chunk: usize) -> Self {
        // Seeds apart from the keys' own indices.
        let draw = move |i: usize| (scramble(u64::MAX - i as u64) % distinct as u64) as usize;
        Self::new(distinct, (0..asked).map(draw), chunk)
    }

    fn new(distinct: usize, asked: impl ExactSizeIterator<Item = usize>, chunk: usize) -> Self {
        let asked = texts(asked);
        let owned = asked.iter().map(|&key| key.to_owned()).collect();
        Self { distinct: texts(0..distinct), asked, owned, chunk: chunk.max(1) }
    }

    /// The `index`-th chunk; after the last comes the first again.
    #[must_use]
    pub fn chunk(&self, index: usize) -> Chunk<'_> {
        let start = index % (self.asked.len() / self.chunk).max(1) * self.chunk;
        let range = start..(start + self.chunk).min(self.asked.len());
        Chunk {
            keys: self.asked.get(range.clone()).unwrap_or_default(),
            owned: self.owned.get(range).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn keys_are_distinct_and_24_bytes() {
        let questions = Questions::in_runs(10_000, 1);
        assert_eq!(questions.distinct.iter().collect::<HashSet<_>>().len(), 10_000);
        assert!(questions.distinct.iter().all(|key| key.len() == KEY_BYTES));
    }

    #[test]
    fn runs_repeat_each_key_and_chunks_come_round_again() {
        let runs = Questions::in_runs(3, 2);
        let (a, b, c) = (key(0), key(1), key(2));
        assert_eq!(runs.chunk(0).keys, [&a, &a, &b, &b, &c, &c]);
        let uniform = Questions::uniform(5, 100, 30);
        assert_eq!(uniform.chunk(0).keys, uniform.chunk(3).keys);
        assert_ne!(uniform.chunk(0).keys, uniform.chunk(1).keys);
        assert_eq!(uniform.chunk(2).keys, uniform.chunk(2).owned);
    }
}
