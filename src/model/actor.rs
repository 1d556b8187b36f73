//! Who asks.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// Who asks, from where and by which way in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The person or the program, by the name that it claims.
    pub name: String,
    /// The system's own user, by the machine's own list of users; none where nobody looked. Nobody can claim it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The machine.
    pub host: String,
    /// The way in: `cli`, `import`, `library` ….
    pub via: String,
}

impl Actor {
    /// Names who asks.
    pub fn new(name: &str, host: &str, via: &str) -> Self {
        Actor { name: name.to_owned(), user: None, host: host.to_owned(), via: via.to_owned() }
    }

    /// Adds the system's own user.
    pub fn of_user(self, user: &str) -> Self {
        Actor { user: Some(user.to_owned()), ..self }
    }

    /// Returns the system's own user, where that is not the name that is claimed.
    pub fn other_user(&self) -> Option<&str> {
        self.user.as_deref().filter(|user| *user != self.name)
    }

    /// Says whether two names are one, however their characters are composed.
    pub fn has_name_of(&self, other: &Actor) -> bool {
        self.name == other.name || self.name.trim().nfc().eq(other.name.trim().nfc())
    }

    /// Says whether the user of the one is what another one of the same machine is called.
    pub fn is_called(&self, other: &Actor) -> bool {
        self.host == other.host && self.user.as_deref().is_some_and(|user| user == other.name.trim())
    }

    /// Says whether two are known to be one user of one machine.
    pub fn is_user_of(&self, other: &Actor) -> bool {
        self.user.is_some() && self.user == other.user && self.host == other.host
    }
}

/// Writes the name, and the user where that is another: `ana (as root)`.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.other_user() {
            None => f.write_str(&self.name),
            Some(user) => write!(f, "{} (as {user})", self.name),
        }
    }
}
