//! What the next run wants to know of the last: what was asked for, what the store refused, and
//! who holds the set-up.

use super::{Journal, JournalError};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const APPLIED: &str = "applied";
const REFUSED: &str = "refused";
const TERRAFORM: &str = "terraform";

impl Journal {
    /// Remembers what was applied last: a digest for each part.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remember_applied(&self, parts: &BTreeMap<String, String>) -> Result<(), JournalError> {
        self.put(APPLIED, parts)?;
        self.flush()
    }

    /// What was applied last.
    ///
    /// # Errors
    /// When the store fails.
    pub fn applied(&self) -> Result<BTreeMap<String, String>, JournalError> {
        self.parts(APPLIED)
    }

    /// Remembers what the store refused to take: a digest of what was asked for, for each part.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remember_refused(&self, parts: &BTreeMap<String, String>) -> Result<(), JournalError> {
        self.put(REFUSED, parts)?;
        self.flush()
    }

    /// What the store refused to take.
    ///
    /// # Errors
    /// When the store fails.
    pub fn refused(&self) -> Result<BTreeMap<String, String>, JournalError> {
        self.parts(REFUSED)
    }

    /// Forgets what was applied and what was refused: it was taken down, or undone.
    ///
    /// # Errors
    /// When the store fails.
    pub fn forget_applied(&self) -> Result<(), JournalError> {
        self.put(REFUSED, &BTreeMap::<String, String>::new())?;
        self.remember_applied(&BTreeMap::new())
    }

    /// Remembers that Terraform holds the set-up, with its configuration in `folder`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn hold_by_terraform(&self, folder: &Path) -> Result<(), JournalError> {
        self.put(TERRAFORM, &folder)?;
        self.flush()
    }

    /// Where the configuration is when Terraform holds the set-up. Who deletes the folder has taken
    /// it out of Terraform's hands.
    ///
    /// # Errors
    /// When the store fails.
    pub fn held_by_terraform(&self) -> Result<Option<PathBuf>, JournalError> {
        let folder = match self.disk.db.get(TERRAFORM) {
            Ok(None) => return Ok(None),
            Ok(Some(value)) => self.decode::<PathBuf>(&value)?,
            Err(error) => return Err(self.broken(&error)),
        };
        Ok(folder.is_dir().then_some(folder))
    }

    /// Forgets that Terraform holds the set-up: it is gone.
    ///
    /// # Errors
    /// When the store fails.
    pub fn release_by_terraform(&self) -> Result<(), JournalError> {
        self.remove(TERRAFORM)?;
        self.flush()
    }
}
