//! Randomness that a printed seed brings back.

/// A small generator (splitmix64).
pub struct Random(u64);

impl Random {
    /// Returns one from `NIGHTDESK_TEST_SEED`, else from the clock, and prints the seed.
    pub fn announced(what: &str) -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let fresh = now.map_or(1, |since| since.as_micros() as u64);
        let seed = super::count("NIGHTDESK_TEST_SEED", fresh);
        println!("{what}: NIGHTDESK_TEST_SEED={seed}");
        Self(seed)
    }

    /// Returns one that always gives the same.
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns another generator, for a thread of its own.
    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }

    /// Returns the next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}
