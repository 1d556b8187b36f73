//! Whether a command that is sent again is the one that was recorded under its id.

use super::LedgerError;
use crate::model::{Command, Digest, Recorded, Seq};
use crate::store::StoreError;

/// Checks that a command which is sent again is the one that was recorded under its id: that it asks for the same.
///
/// # Errors
///
/// [`LedgerError::IdConflict`] where it does not; a first event that does not say what was asked for is damage.
pub fn check_repeats(command: &Command, first: &Recorded) -> Result<(), LedgerError> {
    check_content(command, first.seq, digest_of(first.seq, Some(first))?)
}

pub(super) fn check_content(command: &Command, seq: Seq, found: Digest) -> Result<(), LedgerError> {
    let given = command.digest();
    match found == given {
        true => Ok(()),
        false => Err(LedgerError::IdConflict { id: command.id, seq, found, given }),
    }
}

/// Returns the digest of the command whose first event is at a place.
pub(super) fn digest_of(seq: Seq, first: Option<&Recorded>) -> Result<Digest, LedgerError> {
    let digest = first.and_then(|first| first.command_digest);
    let missing = || format!("event {seq} is a command's first, but has no digest");
    Ok(digest.ok_or_else(|| StoreError::Damaged { found: missing() })?)
}
