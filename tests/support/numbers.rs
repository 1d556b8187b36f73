//! A generator of numbers that is the same every time (SplitMix64).

#![allow(dead_code, reason = "each crate of tests uses a part of it")]

/// Its state, at first the seed.
pub struct Numbers(pub u64);

impl Numbers {
    /// Returns a number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let value = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ value >> 31) % end
    }
}

/// Returns the seed of a test: what `variable` says, or else `default`; and prints it.
pub fn seed(variable: &str, default: u64) -> u64 {
    let seed = setting(variable, default);
    println!("{variable}={seed}");
    seed
}

/// Returns a number that a variable sets.
pub fn setting(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |number| number.parse().expect("a number"))
}
