//! Who asks.

use serde::{Deserialize, Serialize};

/// Who asks, from where and by which way in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The person or the program.
    pub name: String,
    /// The machine.
    pub host: String,
    /// The way in: `cli`, `import`, `library` ….
    pub via: String,
}

impl Actor {
    /// Names who asks.
    pub fn new(name: &str, host: &str, via: &str) -> Self {
        Actor { name: name.to_owned(), host: host.to_owned(), via: via.to_owned() }
    }
}
