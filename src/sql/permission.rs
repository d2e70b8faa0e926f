//! What a statement needs permission for. # guide: service authorization reference, list_timestream.html, Query

use super::error::SqlError;
use crate::model::access::{Access, Action, Resource};

/// What is done with what a query reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Query, or the run of a scheduled query.
    Answer,
    /// UNLOAD.
    Unload,
    /// PrepareQuery, of a query.
    Prepare,
}

/// The permissions of whoever asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Permission<'a> {
    pub(super) access: &'a Access,
    pub(super) purpose: Purpose,
}

impl Permission<'_> {
    /// Asks to read a table, whether there is one or not.
    ///
    /// # Errors
    /// [`SqlError::AccessDenied`].
    pub(super) fn read(&self, database: &str, table: &str) -> Result<(), SqlError> {
        self.ask(Action::Select, Resource::Table(database, table))
    }

    /// Asks to run a query that reads no table.
    ///
    /// # Errors
    /// [`SqlError::AccessDenied`].
    pub(super) fn read_nothing(&self) -> Result<(), SqlError> {
        self.ask(Action::SelectValues, Resource::Any)
    }

    fn ask(&self, reading: Action, resource: Resource<'_>) -> Result<(), SqlError> {
        self.access.check(reading, resource)?;
        match self.purpose {
            Purpose::Answer => {}
            // # guide: export-unload-prerequisites.html
            Purpose::Unload => self.access.check(Action::Unload, resource)?,
            // The reference has PrepareQuery ask for Select, yet knows an action of its name: a denial of that holds.
            Purpose::Prepare => self.access.check_not_denied(Action::PrepareQuery, resource)?,
        }
        Ok(())
    }
}
