//! Compiled patterns, and the matches they find.

use super::java::{ends_in_terminator, rewrite};
use crate::sql::{error::invalid, interrupt};
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
        interrupt::check()?;
        let found = self.regex(text)?.find_from_pos(text, from).map_err(|error| self.failed(&error))?;
        Ok(found.map(|found| found.range()))
    }

    /// The first match from a byte on, with its groups.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn captures(&self, text: &str, from: usize) -> Result<Option<Captures>> {
        interrupt::check()?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn find(pattern: &str, text: &str) -> String {
        match Pattern::new(pattern).and_then(|pattern| pattern.find(text, 0)) {
            Ok(Some(range)) => format!("{}..{}", range.start, range.end),
            Ok(None) => "none".to_owned(),
            Err(error) => match error.find_root() {
                DataFusionError::External(error) => error.to_string(),
                error => panic!("not an error for the client: {error}"),
            },
        }
    }

    #[test]
    fn matches_are_javas() {
        let check = |pattern: &str, text: &str, expect: &str| assert_eq!(find(pattern, text), expect, "{pattern}");
        check("a|ab", "ab", "0..1");
        check("(a{1,2}+)ab", "aab", "none");
        check("a{1,2}+ab", "aaab", "0..4");
        check("x{0}y", "y", "0..1");
        check(r"(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)\10", "abcdefghijj", "0..11");
        check(r"(a)\11", "aa1", "0..3");
        check(r"(?<n>a)\k<n>", "aa", "0..2");
        check(r"(a)|\1b", "b", "none");
        check(r"\u0041\x42\0103\x{44}\cJ\t", "ABCD\n\t", "0..6");
        check(r"\ud83d\ude00", "😀", "0..4");
        check(r"\R", "\r\n", "0..2");
        check(r"\R{2}", "\r\n", "none");
        check(r"\h\v", "\u{a0}\n", "0..3");
        check(r"[\w&&[^b]]+", "abc", "0..1");
        check(r"[^\d\s]+", "1 ab", "2..4");
        check(r"[\Qa-c\E]+", "b-", "1..2");
        check(r"[a\-c]+", "-a", "0..2");
        check("[[:alpha:]]+", ":ahpl", "0..5");
        check("[a~~b]+", "a~b", "0..3");
        check(r"[[\Q:alpha:\E]]+", ":ahpl", "0..5");
        check(r"\p{IsGreek}\p{script=Latin}\p{gc=Lu}\pN", "αaB1", "0..5");
        check(r"\P{Lower}+", "abC1", "2..4");
        check("(?i)straße", "STRAßE", "0..7");
        check(r"(?i:a)b", "Ab", "0..2");
        check(r"(?i)a(?-i)b", "AB", "none");
        check("(a(?i)b)c", "aBC", "none");
        check("(?x) a # b\n c [ d e ]", "ace", "0..3");
        check("(?d)a.", "a\r", "0..2");
        check("a$", "ba\r\n", "1..2");
        check("$", "a\r\n", "1..1");
        check("(?m)^$", "a\n", "none");
        check("(?m)^", "", "0..0");
        check("]}", "]}", "0..2");
        check("é+", "aéé", "1..5");
    }

    #[test]
    fn bad_patterns() {
        let check = |pattern: &str, expect: &str| {
            let expect = format!("Invalid regular expression '{pattern}': {expect}");
            assert_eq!(find(pattern, ""), expect);
        };
        check("(", "Unclosed group");
        check("a)", "Unmatched closing ')'");
        check("[a", "Unclosed character class");
        check("a**", "Dangling meta character '*'");
        check("?", "Dangling meta character '?'");
        check("a|*", "Dangling meta character '*'");
        check("{1}", "Illegal repetition");
        check("a{1", "Unclosed counted closure");
        check("a{,2}", "Illegal repetition range");
        check("a{2,1}", "Illegal repetition range");
        check("[b-a]", "Illegal character range");
        check(r"\y", r"Illegal/unsupported escape sequence \y");
        check(r"\x1", "Illegal hexadecimal escape sequence");
        check("(?U)a", "Unknown inline modifier");
        check("(?P<a>b)", "Unknown inline modifier");
        check("(?<a>b)(?<a>c)", "Named capturing group <a> is already defined");
        check(r"\Ga", r"\G is not supported");
        check("(?<1a>b)", "named capturing group is missing trailing '>'");
        check(r"\p{InGreek}", "Character property {InGreek} is not supported");
        check(r"\ud83d", "Illegal character code");
        check(&format!("{}a", "[".repeat(40)), "Character classes are nested more than 32 levels deep");
        assert!(find(&"(".repeat(1000), "").ends_with("Unclosed group"));
        assert!(find(&format!("{}{}", "(".repeat(1000), ")".repeat(1000)), "").starts_with("Invalid"));
        assert!(find("((a{1000}){1000}){1000}", "").starts_with("Invalid"));
        assert!(find(&"a".repeat(1 << 20), "").starts_with("Regular expression is larger"));
    }

    #[test]
    fn searches_are_bounded() {
        let text = "a".repeat(60);
        for pattern in [r"(a*)*\1b", r"(a|aa)+\1?b$", r"^(?=((a+)+)+b)\1c", r"(?<!b)(a+)+(?!a)b", r"((a|b|a)*)*\1\1c"] {
            let found = find(pattern, &text);
            assert!(found == "none" || found.starts_with("Regular expression takes too many steps"), "{found}");
        }
    }
}
