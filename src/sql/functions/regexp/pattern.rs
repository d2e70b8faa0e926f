//! Compiled patterns, and the matches they find.

use super::java::{ends_in_terminator, rewrite};
use crate::sql::error::invalid;
use datafusion::error::{DataFusionError, Result};
use fancy_regex::{Regex, RegexBuilder, RuntimeError};
use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
    ops::Range,
    rc::Rc,
};

/// Bytes of a pattern. # inferred
const PATTERN_BYTES_MAX: usize = 32 << 10;
/// Steps back in one search, so that it ends soon: well below a second. # inferred
const BACKTRACKS_MAX: usize = 1_000_000;
/// Bytes of a compiled pattern. # inferred
const COMPILED_BYTES_MAX: usize = 8 << 20;
/// Compiled patterns that a call keeps.
const PATTERNS_KEPT: usize = 32;

/// A compiled pattern.
#[derive(Debug)]
pub struct Pattern {
    text: String,
    plain: Regex,
    /// For texts that end in a line terminator: rewritten, and compiled when one comes.
    with_terminator: Option<(String, OnceCell<Regex>)>,
}

/// What a match covers: the whole of it, then each group, `None` for a group that took no part. In bytes.
pub type Captures = Vec<Option<Range<usize>>>;

impl Pattern {
    /// Compiles a pattern of Java's syntax.
    ///
    /// # Errors
    /// When it is not one, or too large.
    pub fn new(text: &str) -> Result<Self> {
        if text.len() > PATTERN_BYTES_MAX {
            return Err(invalid(format!("Regular expression is larger than {PATTERN_BYTES_MAX} bytes")));
        }
        let rewritten = rewrite(text).map_err(|message| invalid_pattern(text, &message))?;
        Ok(Self {
            text: text.to_owned(),
            plain: compile(text, &rewritten.plain)?,
            with_terminator: rewritten.with_terminator.map(|pattern| (pattern, OnceCell::new())),
        })
    }

    /// How many groups it has.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.plain.captures_len() - 1
    }

    /// The number of the group of that name.
    #[must_use]
    pub fn group_named(&self, name: &str) -> Option<usize> {
        self.plain.capture_names().position(|known| known == Some(name))
    }

    /// Checks the number of a group that a call asks for.
    ///
    /// # Errors
    /// Presto's, when there is no such group.
    pub fn check_group(&self, group: i64) -> Result<usize> {
        match usize::try_from(group) {
            Err(_) => Err(invalid("Group cannot be negative")),
            Ok(number) if number > self.groups() => {
                let message = format!("Pattern has {} groups. Cannot access group {group}", self.groups());
                Err(invalid(message))
            }
            Ok(number) => Ok(number),
        }
    }

    /// The first match from a byte on.
    ///
    /// # Errors
    /// When the search takes too many steps.
    pub fn find(&self, text: &str, from: usize) -> Result<Option<Range<usize>>> {
        let found = self.regex(text)?.find_from_pos(text, from).map_err(|error| self.failed(&error))?;
        Ok(found.map(|found| found.range()))
    }

    /// The first match from a byte on, with its groups.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn captures(&self, text: &str, from: usize) -> Result<Option<Captures>> {
        let found = self.regex(text)?.captures_from_pos(text, from).map_err(|error| self.failed(&error))?;
        Ok(found.map(|found| found.iter().map(|group| group.map(|group| group.range())).collect()))
    }

    /// Hands all matches to `each`, one after the other, until it says `false`.
    ///
    /// # Errors
    /// As [`Self::find`], and those of `each`.
    pub fn each_match(&self, text: &str, each: impl FnMut(Range<usize>) -> Result<bool>) -> Result<()> {
        self.each_match_from(text, 0, each)
    }

    /// As [`Self::each_match`], from a byte on.
    ///
    /// # Errors
    /// As there.
    pub fn each_match_from(
        &self,
        text: &str,
        from: usize,
        mut each: impl FnMut(Range<usize>) -> Result<bool>,
    ) -> Result<()> {
        let mut from = Some(from);
        while let Some(start) = from {
            let Some(found) = self.find(text, start)? else { return Ok(()) };
            from = after(text, &found);
            if !each(found)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// As [`Self::each_match`], with groups.
    ///
    /// # Errors
    /// As there.
    pub fn each_captures(&self, text: &str, mut each: impl FnMut(Range<usize>, &Captures) -> Result<()>) -> Result<()> {
        let mut from = Some(0);
        while let Some(start) = from {
            let Some(captures) = self.captures(text, start)? else { return Ok(()) };
            let Some(Some(whole)) = captures.first().cloned() else { return Ok(()) };
            from = after(text, &whole);
            each(whole, &captures)?;
        }
        Ok(())
    }

    fn regex(&self, text: &str) -> Result<&Regex> {
        match &self.with_terminator {
            Some((rewritten, compiled)) if ends_in_terminator(text) => {
                if compiled.get().is_none() {
                    // Another cannot have been set meanwhile: a pattern belongs to one thread.
                    let _ = compiled.set(compile(&self.text, rewritten)?);
                }
                Ok(compiled.get().unwrap_or(&self.plain))
            }
            _ => Ok(&self.plain),
        }
    }

    fn failed(&self, error: &fancy_regex::Error) -> DataFusionError {
        match error {
            fancy_regex::Error::RuntimeError(RuntimeError::BacktrackLimitExceeded | RuntimeError::StackOverflow) => {
                invalid(format!("Regular expression takes too many steps: {}", self.text))
            }
            other => invalid_pattern(&self.text, &other.to_string()),
        }
    }
}

/// Where the search for the next match begins: behind this one, and past a character when it is empty. # trino
fn after(text: &str, found: &Range<usize>) -> Option<usize> {
    if !found.is_empty() {
        return Some(found.end);
    }
    text[found.end..].chars().next().map(|next| found.end + next.len_utf8())
}

fn compile(text: &str, rewritten: &str) -> Result<Regex> {
    RegexBuilder::new(rewritten)
        .backtrack_limit(BACKTRACKS_MAX)
        .delegate_size_limit(COMPILED_BYTES_MAX)
        .build()
        .map_err(|error| invalid_pattern(text, &error.to_string()))
}

fn invalid_pattern(text: &str, message: &str) -> DataFusionError {
    invalid(format!("Invalid regular expression '{text}': {message}"))
}

/// The patterns of a call, each compiled when it first occurs.
#[derive(Debug, Default)]
pub struct Patterns {
    compiled: RefCell<HashMap<String, Rc<Pattern>>>,
}

impl Patterns {
    /// The pattern of a text.
    ///
    /// # Errors
    /// As [`Pattern::new`].
    pub fn get(&self, text: &str) -> Result<Rc<Pattern>> {
        let mut compiled = self.compiled.borrow_mut();
        if let Some(known) = compiled.get(text) {
            return Ok(Rc::clone(known));
        }
        let pattern = Rc::new(Pattern::new(text)?);
        if compiled.len() >= PATTERNS_KEPT {
            compiled.clear();
        }
        compiled.insert(text.to_owned(), Rc::clone(&pattern));
        Ok(pattern)
    }
}
