//! Randomness that a seed brings back.

/// A small generator (splitmix64).
pub struct Random(u64);

impl Random {
    /// Returns the generator of that seed.
    pub fn new(seed: u64) -> Self {
        let mut random = Self(seed ^ 0x6e69_6768_7464_6573);
        // Neighbouring seeds begin far apart.
        Self(random.next() ^ seed.rotate_left(32))
    }

    /// Returns the next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// Returns a number from `from` to `to`.
    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        from + (self.next() % (to - from + 1) as u64) as i64
    }

    /// Returns true so many times in a thousand.
    pub fn permille(&mut self, of: u64) -> bool {
        self.next() % 1000 < of
    }

    /// Returns one of them; `None` when there are none.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        if all.is_empty() { None } else { all.get(self.below(all.len())) }
    }
}
