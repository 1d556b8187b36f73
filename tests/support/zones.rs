//! Files of a time zone database (TZif, RFC 9636), made here: a test needs none of the machine's.

#![allow(dead_code, reason = "each crate of tests uses a part of it")]

/// The rule of central Europe, as POSIX writes it.
pub const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

/// The rule of Nepal: five hours and three quarters to the east, and no changes.
pub const KATHMANDU: &str = "<+0545>-5:45";

/// The rule of an island whose clocks are put forward at midnight.
pub const HAVANA: &str = "CST5CDT,M3.2.0/0,M11.1.0/1";

/// Makes the file of a zone whose clocks follow one rule at all times.
pub fn tzif(rule: &str) -> Vec<u8> {
    let counts = [0_u32, 0, 0, 0, 1, 4].map(u32::to_be_bytes).concat();
    let header = [b"TZif2".as_slice(), &[0; 15], &counts].concat();
    // One kind of time, of no distance from UTC, which the rule stands in for.
    let kinds = [0, 0, 0, 0, 0, 0, b'L', b'M', b'T', 0];
    [&header, kinds.as_slice(), &header, &kinds, b"\n", rule.as_bytes(), b"\n"].concat()
}
