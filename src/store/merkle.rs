//! The Merkle tree over the log's lines: RFC 6962, section 2.1, with SHA-256.

use sha2::{Digest as _, Sha256};

use crate::model::{Algorithm, Digest};

/// The roots of the full subtrees that a log of some length consists of, the largest first: all that is
/// needed to append a line and to know the root. 32 bytes for each one bit of the length.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    leaves: u64,
    peaks: Vec<[u8; 32]>,
}

impl Frontier {
    /// Puts a stored frontier together again; none when the peaks do not fit the number of leaves.
    pub fn from_parts(leaves: u64, peaks: Vec<[u8; 32]>) -> Option<Self> {
        (leaves.count_ones() as usize == peaks.len()).then_some(Frontier { leaves, peaks })
    }

    /// Returns how many lines there are.
    pub const fn leaves(&self) -> u64 {
        self.leaves
    }

    /// Returns the roots of the full subtrees, the largest first.
    pub fn peaks(&self) -> &[[u8; 32]] {
        &self.peaks
    }

    /// Appends a line. The leaf is SHA-256(0x00 ‖ line), a node SHA-256(0x01 ‖ left ‖ right).
    pub fn push(&mut self, line: &[u8]) {
        self.push_leaf(&Digest::leaf(line));
    }

    /// Appends a line, of which its leaf is known.
    pub fn push_leaf(&mut self, leaf: &Digest) {
        self.put(*leaf.bytes(), u32::MAX);
    }

    /// As [`Frontier::push_leaf`], and returns the root of the full subtree of 2 to the power of `level` leaves that ends with
    /// it, where there is one.
    pub fn push_leaf_seeing(&mut self, leaf: &Digest, level: u32) -> Option<[u8; 32]> {
        self.put(*leaf.bytes(), level)
    }

    fn put(&mut self, mut node: [u8; 32], level: u32) -> Option<[u8; 32]> {
        let mut seen = (level == 0).then_some(node);
        for below in 0..self.leaves.trailing_ones() {
            let left = self.peaks.pop().expect("a peak for each one bit");
            node = join(&left, &node);
            seen = if below + 1 == level { Some(node) } else { seen };
        }
        self.peaks.push(node);
        self.leaves += 1;
        seen
    }

    /// Returns the root; for no lines, SHA-256 of nothing.
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        let root = match peaks.next() {
            None => Sha256::digest([]).into(),
            Some(last) => peaks.fold(*last, |right, left| join(left, &right)),
        };
        Digest::new(Algorithm::Sha256, root)
    }
}

fn join(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6962's definition as it is written: split at the largest power of two below the length.
    fn by_definition(lines: &[Vec<u8>]) -> [u8; 32] {
        match lines {
            [] => Sha256::digest([]).into(),
            [line] => Sha256::new().chain_update([0]).chain_update(line).finalize().into(),
            _ => {
                let split = lines.len().next_power_of_two() / 2;
                join(&by_definition(&lines[..split]), &by_definition(&lines[split..]))
            }
        }
    }

    #[test]
    fn the_frontier_agrees_with_the_definition() {
        let lines: Vec<Vec<u8>> = (0..200u32).map(|n| n.to_le_bytes().repeat(n as usize % 7)).collect();
        let mut frontier = Frontier::default();
        for length in 0..lines.len() {
            assert_eq!(frontier.root().bytes(), &by_definition(&lines[..length]), "{length} lines");
            let again = Frontier::from_parts(frontier.leaves(), frontier.peaks().to_vec());
            assert_eq!(again.as_ref(), Some(&frontier));
            frontier.push(&lines[length]);
        }
        assert_eq!(Frontier::from_parts(3, vec![[0; 32]]), None);
    }

    #[test]
    fn full_subtrees_are_seen_as_they_end() {
        let lines: Vec<Vec<u8>> = (0..70u32).map(|n| n.to_le_bytes().to_vec()).collect();
        for level in 0..5 {
            let (mut frontier, leaves) = (Frontier::default(), 1 << level);
            for end in 1..=lines.len() {
                let seen = frontier.push_leaf_seeing(&Digest::leaf(&lines[end - 1]), level);
                let expected = (end % leaves == 0).then(|| by_definition(&lines[end - leaves..end]));
                assert_eq!(seen, expected, "{leaves} leaves to {end}");
            }
        }
    }
}
