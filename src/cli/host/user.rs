//! Who runs the program, as the machine has it: by the entry of the process's real user in `/etc/passwd`, and nothing
//! that a caller can set. Users whom a directory alone knows (LDAP and the like, and those of macOS) are told by their number.

use std::sync::OnceLock;

use phaseledger::model::claim;

const USERS: &str = "/etc/passwd";

/// Returns the system's own name of the user; `uid:1234` where it has none.
pub fn user() -> &'static str {
    static USER: OnceLock<String> = OnceLock::new();
    USER.get_or_init(|| {
        let uid = rustix::process::getuid().as_raw();
        let users = std::fs::read(USERS).unwrap_or_default();
        name_of(uid, &users).unwrap_or_else(|| format!("uid:{uid}"))
    })
}

/// Finds the name of a number in the list of users: `name:password:number:…`, one a line.
fn name_of(uid: u32, users: &[u8]) -> Option<String> {
    let entries = users.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    let mut names = entries.filter_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(uid)).then_some(name)
    });
    // What looks like a number would be taken for a user that the list has not.
    names.find_map(|name| claim(name).ok().filter(|name| !name.starts_with("uid:")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_number() {
        let users = b"root:x:0:0:root:/root:/bin/sh\n\xff:x:7:7::/:\n# 8\nshort\nana:x:1000:1000:,,,:/home/ana:/bin/sh\n\
            toor:x:0:0::/:/bin/sh\nevil\x1b[2J:x:9:9::/:\nuid:x:11:11\n:x:12:12\n";
        let found = |uid| name_of(uid, users);
        assert_eq!(found(1000).as_deref(), Some("ana"));
        assert_eq!(found(0).as_deref(), Some("root"), "the first entry counts, as everywhere");
        assert_eq!(found(11).as_deref(), Some("uid"));
        for none in [1, 7, 8, 9, 12] {
            assert_eq!(found(none), None, "{none}");
        }
    }
}
