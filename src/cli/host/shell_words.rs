//! The command line as it stands when Tab is pressed: its words, and how a candidate is written so that the
//! shell takes it for one.

use std::path::PathBuf;

/// What was typed up to the cursor.
#[derive(Debug, PartialEq, Eq)]
pub struct Typed {
    /// The words, without their quotes; the last one is being typed.
    words: Vec<String>,
    /// How bash wants the rest of the last word; none for shells that quote by themselves.
    bash: Option<Bash>,
}

/// Where the last word stands in bash.
#[derive(Debug, Default, PartialEq, Eq)]
struct Bash {
    /// The quote that is open.
    quote: Option<char>,
    /// What of the word bash keeps, since it takes what follows for a word of its own.
    kept: String,
}

impl Typed {
    /// Takes words that the shell has split and unquoted.
    pub fn words_of(words: Vec<String>) -> Self {
        Typed { words, bash: None }
    }

    /// Takes the line as bash has it. `breaks` are the characters at which bash begins a new word for completion,
    /// `:` and `=` mostly.
    pub fn line_of_bash(line: &str, breaks: &str) -> Self {
        let (mut words, mut word, mut started) = (Vec::new(), String::new(), false);
        let mut bash = Bash::default();
        let mut characters = line.chars().peekable();
        while let Some(character) = characters.next() {
            match (bash.quote, character) {
                (None, ' ' | '\t' | '\n') => {
                    if started {
                        words.push(std::mem::take(&mut word));
                    }
                    started = false;
                    bash.kept.clear();
                    continue;
                }
                (None, '\'' | '"') => bash.quote = Some(character),
                (Some(quote), _) if character == quote => bash.quote = None,
                (None | Some('"'), '\\') => word.extend(characters.next()),
                _ => word.push(character),
            }
            started = true;
            if bash.quote.is_none() && ":=".contains(character) && breaks.contains(character) {
                bash.kept.clone_from(&word);
            }
        }
        words.push(word);
        // `NAME=value` in front of the program is not one of its words.
        let is_setting = |word: &&String| word.split_once('=').is_some_and(|(name, _)| is_name(name));
        let settings = words.iter().take(words.len() - 1).take_while(is_setting).count();
        words.drain(..settings);
        Typed { words, bash: Some(bash) }
    }

    /// Returns the words, the program's name first.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    /// Returns the word that is being typed.
    pub fn current(&self) -> &str {
        self.words.last().map_or("", String::as_str)
    }

    /// Returns the folder that `--dir` names in front of the cursor.
    pub fn dir(&self) -> Option<PathBuf> {
        let end = self.words.len().saturating_sub(1);
        let words = self.words[..end].iter().take_while(|word| *word != "--");
        let mut dir = None;
        let mut is_next = false;
        for word in words {
            match word.strip_prefix("--dir=") {
                _ if is_next => dir = Some(word.as_str()),
                Some(given) => dir = Some(given),
                None => {}
            }
            is_next = !is_next && word == "--dir";
        }
        dir.map(|dir| match (dir.strip_prefix("~/"), std::env::var_os("HOME")) {
            (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
            _ => PathBuf::from(dir),
        })
    }

    /// Returns what is put in place of the word that is being typed; none where the shell could not take it.
    pub fn replacement(&self, candidate: &str) -> Option<String> {
        if candidate.contains(['\n', '\t']) {
            return None;
        }
        let Some(bash) = &self.bash else { return Some(candidate.to_owned()) };
        match bash.quote {
            Some('\'') => (!candidate.contains('\'')).then(|| candidate.to_owned()),
            Some(_) => Some(escaped(candidate, |c| "\\\"$`".contains(c))),
            None => {
                let rest = candidate.strip_prefix(bash.kept.as_str())?;
                Some(escaped(rest, |c| {
                    c.is_ascii() && !c.is_ascii_alphanumeric() && !"-_./:=,+@%".contains(c)
                }))
            }
        }
    }
}

fn is_name(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.chars().all(is_part) && text.starts_with(|c: char| !c.is_ascii_digit())
}

fn escaped(text: &str, is_special: impl Fn(char) -> bool) -> String {
    text.chars().flat_map(|c| is_special(c).then_some('\\').into_iter().chain([c])).collect()
}

/// Returns a word as a shell takes it: within quotes, where it is not plain.
pub fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=,+".contains(c);
    match !text.is_empty() && !text.starts_with('-') && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BREAKS: &str = " \t\n\"'><=;|&(:";

    #[test]
    fn lines_are_split_as_bash_splits_them() {
        for (line, words) in [
            ("phaseledger start ", &["phaseledger", "start", ""][..]),
            ("A=1 b=2 phaseledger  sta", &["phaseledger", "sta"]),
            (r#"phaseledger note 'a b' "c \" d" e\ f"#, &["phaseledger", "note", "a b", "c \" d", "e f"]),
            ("phaseledger start 'run (a", &["phaseledger", "start", "run (a"]),
            ("phaseledger meta a k=v", &["phaseledger", "meta", "a", "k=v"]),
            ("", &[""]),
        ] {
            let typed = Typed::line_of_bash(line, BREAKS);
            assert_eq!(typed.words().collect::<Vec<_>>(), words, "{line}");
        }
    }

    #[test]
    fn candidates_are_written_for_bash() {
        for (line, candidate, written) in [
            ("p start ", "run (a)", Some(r"run\ \(a\)")),
            ("p status --at tag:re", "tag:release", Some("release")),
            ("p status --at=tag:re", "--at=tag:release", Some("release")),
            ("p status --at 'tag:re", "tag:release", Some("tag:release")),
            ("p start \"ru", "run $a", Some(r"run \$a")),
            ("p start 'it", "it's", None),
            ("p start é", "é✓", Some("é✓")),
        ] {
            let found = Typed::line_of_bash(line, BREAKS).replacement(candidate);
            assert_eq!(found.as_deref(), written, "{line}");
        }
        assert_eq!(Typed::words_of(Vec::new()).replacement("run (a)").as_deref(), Some("run (a)"));
    }

    #[test]
    fn the_folder_is_found_wherever_it_is_named() {
        for (line, dir) in [
            ("p --dir /x status ", Some("/x")),
            ("p status --dir=y --at ", Some("y")),
            ("p status --dir ", None),
            ("p exec a -- --dir /x ", None),
        ] {
            assert_eq!(Typed::line_of_bash(line, BREAKS).dir(), dir.map(PathBuf::from), "{line}");
        }
    }
}
