//! Near misses: what someone probably meant.

/// The most characters of a word that is compared; a longer one has no near miss.
const CHARACTERS_MAX: usize = 64;

/// Returns the word that `typed` is a slip of: within two edits (a swap of neighbours counting as one; one
/// edit for a word of three characters), or else the only one that starts with it.
pub(crate) fn nearest<'w>(typed: &str, words: impl Iterator<Item = &'w str> + Clone) -> Option<&'w str> {
    let length = typed.chars().count();
    if length == 0 || length > CHARACTERS_MAX {
        return None;
    }
    let edits_max = (length - 1).min(2);
    let typed_letters: Vec<char> = typed.to_lowercase().chars().collect();
    let close = words
        .clone()
        .filter_map(|word| {
            Some((edits(&typed_letters, word, if length == 3 { 1 } else { edits_max })?, word))
        })
        .min_by_key(|&(edits, _)| edits);
    if let Some((_, word)) = close {
        return Some(word);
    }
    let mut longer = words.filter(|word| word.starts_with(typed));
    longer.next().filter(|_| longer.next().is_none())
}

/// Counts the edits between two words (the restricted Damerau-Levenshtein distance), up to `edits_max`.
fn edits(typed: &[char], word: &str, edits_max: usize) -> Option<usize> {
    if word.len() > CHARACTERS_MAX * 4 {
        return None;
    }
    let word: Vec<char> = word.to_lowercase().chars().collect();
    if typed.len().abs_diff(word.len()) > edits_max {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=word.len()).collect();
    for (row, letter) in typed.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, other) in word.iter().enumerate() {
            let change = above[column] + usize::from(letter != other);
            let mut least = change.min(above[column + 1] + 1).min(current[column] + 1);
            let swapped = row > 0 && column > 0 && typed[row - 1] == *other && *letter == word[column - 1];
            if swapped {
                least = least.min(before[column - 1] + 1);
            }
            current.push(least);
        }
        if current.iter().min() > Some(&edits_max) {
            return None;
        }
        before = std::mem::replace(&mut above, current);
    }
    above.last().copied().filter(|&edits| edits <= edits_max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(typed: &str, words: &[&'static str]) -> Option<&'static str> {
        nearest(typed, words.iter().copied())
    }

    #[test]
    fn slips_find_their_word() {
        let keys = ["id", "needs", "cost_limit", "version", "inputs", "outputs", "description"];
        assert_eq!(near("nedes", &keys), Some("needs"));
        assert_eq!(near("need", &keys), Some("needs"));
        assert_eq!(near("Version", &keys), Some("version"));
        assert_eq!(near("desc", &keys), Some("description"));
        assert_eq!(near("ID", &keys), Some("id"));
        for far in ["", "x", "owner", "requires", &"n".repeat(1000)] {
            assert_eq!(near(far, &keys), None, "{far}");
        }
        assert_eq!(near("phase_2", &["phase_2_analysis", "phase_20_other"]), None);
        assert_eq!(near("A", &["B", "C"]), None);
    }
}
