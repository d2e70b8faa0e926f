//! What failed in a task: by file, reason and line. # guide: batch-load-using-error-reports.html

use serde::{Deserialize, Serialize};

/// Ranges of lines that are listed of one reason in one file; past that only that there are more is said.
const RANGES_MAX: usize = 10_000;
/// Reasons that are listed of one file.
const REASONS_MAX: usize = 100;
/// # inferred
const MORE: &str = "More lines have errors than a report lists.";

/// A task's report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    pub(super) task_id: String,
    pub(super) task_errors: Vec<TaskErrorEntry>,
    pub(super) file_errors: Vec<FileErrors>,
}

/// What failed of a task as a whole. # inferred: its form
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TaskErrorEntry {
    pub(super) reason: String,
}

/// What failed in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileErrors {
    pub(super) file_name: String,
    pub(super) errors: Vec<ReasonLines>,
}

/// A reason and the lines it is for; those of the whole file have none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReasonLines {
    pub(super) reason: String,
    /// First and last line of each range.
    pub(super) line_ranges: Vec<(u64, u64)>,
}

impl Report {
    /// Whether nothing failed.
    pub(super) fn is_empty(&self) -> bool {
        self.task_errors.is_empty() && self.file_errors.is_empty()
    }

    /// Adds what failed in a file; what was said of it before is replaced.
    pub(super) fn add_file(&mut self, errors: FileErrors) {
        self.file_errors.retain(|earlier| earlier.file_name != errors.file_name);
        if !errors.errors.is_empty() {
            self.file_errors.push(errors);
        }
    }
}

impl FileErrors {
    pub(super) fn of(file_name: &str) -> Self {
        Self { file_name: file_name.to_owned(), errors: Vec::new() }
    }

    /// The file as a whole failed.
    pub(super) fn add_file(&mut self, reason: &str) {
        self.errors.push(ReasonLines { reason: reason.to_owned(), line_ranges: Vec::new() });
    }

    /// A line failed. Lines of one reason come in ascending order.
    pub(super) fn add_line(&mut self, reason: &str, line: u64) {
        let entry = match self.errors.iter().position(|entry| entry.reason == reason) {
            Some(at) => &mut self.errors[at],
            None if self.errors.len() < REASONS_MAX => {
                self.errors.push(ReasonLines { reason: reason.to_owned(), line_ranges: Vec::new() });
                let last = self.errors.len() - 1;
                &mut self.errors[last]
            }
            None => return self.add_more(),
        };
        let count = entry.line_ranges.len();
        match entry.line_ranges.last_mut() {
            Some((_, last)) if line <= *last => {}
            Some((_, last)) if line == *last + 1 => *last = line,
            _ if count < RANGES_MAX => entry.line_ranges.push((line, line)),
            _ => self.add_more(),
        }
    }

    fn add_more(&mut self) {
        if !self.errors.iter().any(|entry| entry.reason == MORE) {
            self.add_file(MORE);
        }
    }
}
