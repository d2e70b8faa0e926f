//! Patterns of `java.util.regex`, rewritten for the engine that runs them.
//!
//! What differs: `\d`, `\w`, `\s` and the classes of POSIX are of ASCII; `.` and `$` know Java's line terminators; `\h`,
//! `\v`, `\R`, `\Z`, `\Q…\E`, `\uXXXX`, `\0n`, `\cX` and comments mode are Java's. In multi-line mode only `\n` ends a line,
//! and letters of any script are compared without case. # trino

use std::iter::Peekable;
use std::str::Chars;

/// Deepest nesting of character classes.
const CLASS_NESTING_MAX: usize = 32;
/// Java's line terminators, within a class.
const TERMINATORS: &str = r"\n\r\x{85}\x{2028}\x{2029}";
/// Where `$` matches outside of multi-line mode when the text ends in a line terminator.
const BEFORE_LAST_TERMINATOR: &str = r"(?:(?=\r\n\z)|(?<!\r)(?=\n\z)|(?=[\r\x{85}\x{2028}\x{2029}]?\z))";

/// Makes a colon in a class a range of one, so that the engine does not read `[:alpha:]` as a name: Java does not.
const COLON_RANGE_END: &str = r"-\x{3a}";

/// A rewritten pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// For texts that do not end in a line terminator; right for all when `with_terminator` is `None`.
    pub plain: String,
    /// For texts that do.
    pub with_terminator: Option<String>,
}

/// Whether a text ends in one of Java's line terminators.
#[must_use]
pub fn ends_in_terminator(text: &str) -> bool {
    text.ends_with(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
}

/// Rewrites a pattern.
///
/// # Errors
/// What is wrong with it, or not supported. Not everything wrong is found here: the engine reads the result again.
pub fn rewrite(pattern: &str) -> Result<Rewritten, String> {
    let (plain, has_end) = Rewriter::new(pattern, r"\z").run()?;
    let with_terminator = if has_end { Some(Rewriter::new(pattern, BEFORE_LAST_TERMINATOR).run()?.0) } else { None };
    Ok(Rewritten { plain, with_terminator })
}

/// Java's flags that the rewriter sees to; the engine's own is `i`.
#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    multi_line: bool,
    dot_all: bool,
    comments: bool,
    unix_lines: bool,
}

/// What stands before the next character: it decides whether a quantifier may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Nothing,
    Atom,
    Quantifier,
}

struct Rewriter<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
    flags: Flags,
    /// The flags outside of each open group.
    outer_flags: Vec<Flags>,
    before: Before,
    /// Capturing groups opened so far.
    groups: usize,
    /// What `$` becomes outside of multi-line mode.
    end: &'static str,
    has_end: bool,
}

impl<'a> Rewriter<'a> {
    fn new(pattern: &'a str, end: &'static str) -> Self {
        Self {
            rest: pattern.chars().peekable(),
            out: String::with_capacity(pattern.len() + 16),
            flags: Flags::default(),
            outer_flags: Vec::new(),
            before: Before::Nothing,
            groups: 0,
            end,
            has_end: false,
        }
    }

    fn run(mut self) -> Result<(String, bool), String> {
        while let Some(character) = self.rest.next() {
            if self.flags.comments && self.skip_comment(character) {
                continue;
            }
            self.element(character)?;
        }
        if self.outer_flags.is_empty() { Ok((self.out, self.has_end)) } else { Err("Unclosed group".to_owned()) }
    }

    /// Passes over white space and comments of comments mode.
    fn skip_comment(&mut self, character: char) -> bool {
        if character == '#' {
            while self.rest.next_if(|next| *next != '\n').is_some() {}
            return true;
        }
        is_ascii_space(character)
    }

    fn take(&mut self, expect: char) -> bool {
        self.rest.next_if_eq(&expect).is_some()
    }

    fn atom(&mut self, text: &str) {
        self.out.push_str(text);
        self.before = Before::Atom;
    }

    fn literal(&mut self, character: char) {
        push_literal(&mut self.out, character);
        self.before = Before::Atom;
    }

    fn element(&mut self, character: char) -> Result<(), String> {
        match character {
            '\\' => self.escape()?,
            '[' => {
                self.class(0)?;
                self.before = Before::Atom;
            }
            '(' => self.open_group()?,
            ')' => {
                self.flags = self.outer_flags.pop().ok_or("Unmatched closing ')'")?;
                self.atom(")");
            }
            '|' => {
                self.out.push('|');
                self.before = Before::Nothing;
            }
            '*' | '+' | '?' | '{' => self.quantifier(character)?,
            '.' if self.flags.dot_all => self.atom("(?s:.)"),
            '.' if self.flags.unix_lines => self.atom(r"[^\n]"),
            '.' => self.atom(&format!("[^{TERMINATORS}]")),
            '^' if self.flags.multi_line => self.atom(r"(?:\A|(?m:^)(?!\z))"),
            '^' => self.atom(r"\A"),
            '$' if self.flags.multi_line => self.atom("(?m:$)"),
            '$' => self.end_of_text(),
            other => self.literal(other),
        }
        Ok(())
    }

    fn end_of_text(&mut self) {
        self.has_end = true;
        let end = if self.flags.unix_lines && self.end != r"\z" { r"(?=\n?\z)" } else { self.end };
        self.atom(end);
    }

    fn quantifier(&mut self, first: char) -> Result<(), String> {
        match (self.before, first) {
            (Before::Atom, _) => {}
            (_, '{') => return Err("Illegal repetition".to_owned()),
            _ => return Err(format!("Dangling meta character '{first}'")),
        }
        self.out.push(first);
        if first == '{' {
            self.counts()?;
        }
        if let Some(mode) = self.rest.next_if(|next| matches!(next, '?' | '+')) {
            self.out.push(mode);
        }
        self.before = Before::Quantifier;
        Ok(())
    }

    /// `n}`, `n,}` or `n,m}`
    fn counts(&mut self) -> Result<(), String> {
        let mut text = String::new();
        loop {
            match self.rest.next() {
                Some('}') => break,
                Some(next) if next.is_ascii_digit() || next == ',' => text.push(next),
                _ => return Err("Unclosed counted closure".to_owned()),
            }
        }
        let (least, most) = text.split_once(',').unwrap_or((&text, &text));
        let count = |digits: &str| digits.parse::<u32>().map_err(|_| "Illegal repetition range".to_owned());
        let least = count(least)?;
        if !most.is_empty() && count(most)? < least {
            return Err("Illegal repetition range".to_owned());
        }
        self.out.push_str(&text);
        self.out.push('}');
        Ok(())
    }

    fn open_group(&mut self) -> Result<(), String> {
        let outer = self.flags;
        self.before = Before::Nothing;
        if !self.take('?') {
            self.groups += 1;
            self.outer_flags.push(outer);
            self.out.push('(');
            return Ok(());
        }
        let open = match self.rest.peek() {
            Some(':') => "(?:",
            Some('=') => "(?=",
            Some('!') => "(?!",
            Some('>') => "(?>",
            Some('<') => return self.open_angle(),
            _ => return self.inline_flags(),
        };
        self.rest.next();
        self.out.push_str(open);
        self.outer_flags.push(outer);
        Ok(())
    }

    /// `(?<=`, `(?<!` or `(?<name>`
    fn open_angle(&mut self) -> Result<(), String> {
        self.rest.next();
        self.outer_flags.push(self.flags);
        if self.take('=') {
            self.out.push_str("(?<=");
        } else if self.take('!') {
            self.out.push_str("(?<!");
        } else {
            let name = self.group_name()?;
            self.groups += 1;
            self.out.push_str(&format!("(?<{name}>"));
        }
        Ok(())
    }

    /// A group's name up to the `>`.
    fn group_name(&mut self) -> Result<String, String> {
        let mut name = String::new();
        while let Some(next) = self.rest.next_if(char::is_ascii_alphanumeric) {
            name.push(next);
        }
        if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) || !self.take('>') {
            return Err("named capturing group is missing trailing '>'".to_owned());
        }
        Ok(name)
    }

    /// `(?flags)` or `(?flags:`
    fn inline_flags(&mut self) -> Result<(), String> {
        let mut on = true;
        let mut case = None;
        let mut flags = self.flags;
        loop {
            match self.rest.next() {
                Some('-') if on => on = false,
                Some('i') => case = Some(on),
                Some('m') => flags.multi_line = on,
                Some('s') => flags.dot_all = on,
                Some('x') => flags.comments = on,
                Some('d') => flags.unix_lines = on,
                // Letters are compared without case in any script as it is.
                Some('u') => {}
                Some(')') => {
                    self.flags = flags;
                    self.out.push_str(match case {
                        Some(true) => "(?i)",
                        Some(false) => "(?-i)",
                        None => "",
                    });
                    return Ok(());
                }
                Some(':') => {
                    self.outer_flags.push(self.flags);
                    self.flags = flags;
                    self.out.push_str(match case {
                        Some(true) => "(?i:",
                        Some(false) => "(?-i:",
                        None => "(?:",
                    });
                    return Ok(());
                }
                _ => return Err("Unknown inline modifier".to_owned()),
            }
        }
    }

    /// What follows a backslash outside of a class.
    fn escape(&mut self) -> Result<(), String> {
        let letter = self.rest.next().ok_or("Unexpected internal error")?;
        match letter {
            'Q' => self.quotation(false),
            // The end of a quotation that never began.
            'E' => return Err(unsupported_escape('E')),
            'A' => self.atom(r"\A"),
            'z' => self.atom(r"\z"),
            'Z' => self.end_of_text(),
            'b' | 'B' | 'G' => self.atom(&format!(r"\{letter}")),
            'R' => self.atom(&format!(r"(?:\r\n|[\x{{b}}\x{{c}}{TERMINATORS}])")),
            'k' => {
                if !self.take('<') {
                    return Err(r"\k is not followed by '<' for named capturing group".to_owned());
                }
                let name = self.group_name()?;
                self.atom(&format!(r"\k<{name}>"));
            }
            '1'..='9' => self.back_reference(letter),
            _ => match self.escaped_set(letter)? {
                Some(set) => self.atom(&format!("(?-i:[{set}])")),
                None => {
                    let character = self.escaped_character(letter)?;
                    self.literal(character);
                }
            },
        }
        Ok(())
    }

    /// As many digits as name a group that has been opened; the first in any case.
    fn back_reference(&mut self, first: char) {
        let mut number = first.to_digit(10).unwrap_or_default() as usize;
        while let Some(digit) = self.rest.peek().and_then(|next| next.to_digit(10)) {
            let longer = number * 10 + digit as usize;
            if longer > self.groups {
                break;
            }
            number = longer;
            self.rest.next();
        }
        self.atom(&format!(r"(?:\{number})"));
    }

    /// The text up to `\E`, as it is.
    fn quotation(&mut self, in_class: bool) {
        while let Some(character) = self.rest.next() {
            if character == '\\' && self.rest.peek() == Some(&'E') {
                self.rest.next();
                return;
            }
            self.literal(character);
            if in_class && character == ':' {
                self.out.push_str(COLON_RANGE_END);
            }
        }
    }

    /// The set that an escape stands for, as the inside of a class; `None` when it stands for one character.
    fn escaped_set(&mut self, letter: char) -> Result<Option<String>, String> {
        let (set, positive) = match letter {
            'd' | 'D' => ("0-9".to_owned(), letter == 'd'),
            'w' | 'W' => ("a-zA-Z_0-9".to_owned(), letter == 'w'),
            's' | 'S' => (r"\x{20}\t\n\x{b}\x{c}\r".to_owned(), letter == 's'),
            'h' | 'H' => {
                (r"\x{20}\t\x{a0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}".to_owned(), letter == 'h')
            }
            'v' | 'V' => (format!(r"\x{{b}}\x{{c}}{TERMINATORS}"), letter == 'v'),
            'p' | 'P' => (self.property()?, letter == 'p'),
            _ => return Ok(None),
        };
        Ok(Some(if positive { set } else { format!("[^{set}]") }))
    }

    /// The set of characters with a property: `L`, `{Lu}`, `{Alpha}`, `{IsGreek}`, `{sc=Greek}`.
    fn property(&mut self) -> Result<String, String> {
        let name = if self.take('{') {
            let mut name = String::new();
            loop {
                match self.rest.next() {
                    Some('}') => break name,
                    Some(next) if next.is_ascii_alphanumeric() || matches!(next, '_' | '=' | '-' | ' ') => {
                        name.push(next);
                    }
                    _ => return Err("Unclosed character family".to_owned()),
                }
            }
        } else {
            self.rest.next().filter(char::is_ascii_alphabetic).ok_or("Unknown character property name")?.to_string()
        };
        Ok(match name.as_str() {
            "Lower" => "a-z".to_owned(),
            "Upper" => "A-Z".to_owned(),
            "ASCII" => r"\x{0}-\x{7f}".to_owned(),
            "Alpha" => "a-zA-Z".to_owned(),
            "Digit" => "0-9".to_owned(),
            "Alnum" => "a-zA-Z0-9".to_owned(),
            "Punct" => r"\x{21}-\x{2f}\x{3a}-\x{40}\x{5b}-\x{60}\x{7b}-\x{7e}".to_owned(),
            "Graph" => r"\x{21}-\x{7e}".to_owned(),
            "Print" => r"\x{20}-\x{7e}".to_owned(),
            "Blank" => r"\x{20}\t".to_owned(),
            "Cntrl" => r"\x{0}-\x{1f}\x{7f}".to_owned(),
            "XDigit" => "0-9a-fA-F".to_owned(),
            "Space" => r"\x{20}\t\n\x{b}\x{c}\r".to_owned(),
            "javaLowerCase" => r"\p{Lowercase}".to_owned(),
            "javaUpperCase" => r"\p{Uppercase}".to_owned(),
            "javaAlphabetic" => r"\p{Alphabetic}".to_owned(),
            other if other.starts_with("In") || other.starts_with("java") || other.starts_with("bl") => {
                return Err(format!("Character property {{{other}}} is not supported"));
            }
            other => match other.split_once('=') {
                Some(("sc" | "script", script)) => format!(r"\p{{sc={script}}}"),
                Some(("gc" | "general_category", category)) => format!(r"\p{{gc={category}}}"),
                Some(_) => return Err(format!("Unknown character property name {{{other}}}")),
                None => format!(r"\p{{{}}}", other.strip_prefix("Is").unwrap_or(other)),
            },
        })
    }

    /// The one character that an escape stands for.
    fn escaped_character(&mut self, letter: char) -> Result<char, String> {
        let code = match letter {
            't' => 9,
            'n' => 10,
            'r' => 13,
            'f' => 12,
            'a' => 7,
            'e' => 27,
            '0' => self.octal()?,
            'x' if self.take('{') => {
                let mut digits = String::new();
                while let Some(next) = self.rest.next_if(char::is_ascii_hexdigit) {
                    digits.push(next);
                }
                if !self.take('}') {
                    return Err("Unclosed hexadecimal escape sequence".to_owned());
                }
                u32::from_str_radix(&digits, 16).map_err(|_| "Illegal hexadecimal escape sequence".to_owned())?
            }
            'x' => self.hexadecimal(2)?,
            'u' => self.unicode()?,
            'c' => u32::from(self.rest.next().ok_or("Illegal control escape sequence")?) ^ 64,
            other if other.is_ascii_alphanumeric() => return Err(unsupported_escape(other)),
            other => u32::from(other),
        };
        char::from_u32(code).ok_or_else(|| "Illegal character code".to_owned())
    }

    fn hexadecimal(&mut self, count: usize) -> Result<u32, String> {
        let mut code = 0;
        for _ in 0..count {
            let digit = self.rest.next().and_then(|next| next.to_digit(16));
            code = code * 16 + digit.ok_or("Illegal hexadecimal escape sequence")?;
        }
        Ok(code)
    }

    /// Four digits; two halves of a surrogate pair are one character.
    fn unicode(&mut self) -> Result<u32, String> {
        let first = self.hexadecimal(4)?;
        if !(0xd800..0xdc00).contains(&first) {
            return Ok(first);
        }
        if !(self.take('\\') && self.take('u')) {
            return Err("Illegal character code".to_owned());
        }
        let second = self.hexadecimal(4)?;
        if !(0xdc00..0xe000).contains(&second) {
            return Err("Illegal character code".to_owned());
        }
        Ok(0x1_0000 + (first - 0xd800) * 0x400 + (second - 0xdc00))
    }

    /// One to three octal digits, up to 377.
    fn octal(&mut self) -> Result<u32, String> {
        let mut code = None;
        for _ in 0..3 {
            let Some(digit) = self.rest.peek().and_then(|next| next.to_digit(8)) else { break };
            let longer = code.unwrap_or(0) * 8 + digit;
            if longer > 0o377 {
                break;
            }
            code = Some(longer);
            self.rest.next();
        }
        code.ok_or_else(|| "Illegal octal escape sequence".to_owned())
    }

    /// A character class after its `[`.
    fn class(&mut self, depth: usize) -> Result<(), String> {
        if depth > CLASS_NESTING_MAX {
            return Err(format!("Character classes are nested more than {CLASS_NESTING_MAX} levels deep"));
        }
        self.out.push('[');
        if self.take('^') {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let character = self.rest.next().ok_or("Unclosed character class")?;
            match character {
                ']' if !first => {
                    self.out.push(']');
                    return Ok(());
                }
                '[' => self.class(depth + 1)?,
                '&' if self.take('&') => self.out.push_str("&&"),
                _ if self.flags.comments && self.skip_comment(character) => continue,
                _ => self.class_member(character)?,
            }
            first = false;
        }
    }

    /// A character, a range, a set or a quotation within a class.
    fn class_member(&mut self, character: char) -> Result<(), String> {
        if character == '\\' && self.rest.peek() == Some(&'Q') {
            self.rest.next();
            self.quotation(true);
            return Ok(());
        }
        let least = match self.class_character(character)? {
            Ok(least) => least,
            Err(set) => {
                self.out.push_str(&set);
                return Ok(());
            }
        };
        let mut ahead = self.rest.clone();
        let is_range = ahead.next() == Some('-') && !matches!(ahead.next(), None | Some(']' | '['));
        push_literal(&mut self.out, least);
        if is_range {
            self.rest.next();
            let end = self.rest.next().ok_or("Unclosed character class")?;
            let Ok(most) = self.class_character(end)? else { return Err("Illegal character range".to_owned()) };
            if most < least {
                return Err("Illegal character range".to_owned());
            }
            self.out.push('-');
            push_literal(&mut self.out, most);
        } else if least == ':' {
            self.out.push_str(COLON_RANGE_END);
        }
        Ok(())
    }

    /// A character of a class, or the set that an escape stands for.
    fn class_character(&mut self, character: char) -> Result<Result<char, String>, String> {
        if character != '\\' {
            return Ok(Ok(character));
        }
        let letter = self.rest.next().ok_or("Unclosed character class")?;
        match self.escaped_set(letter)? {
            Some(set) => Ok(Err(set)),
            None => self.escaped_character(letter).map(Ok),
        }
    }
}

fn unsupported_escape(letter: char) -> String {
    format!(r"Illegal/unsupported escape sequence \{letter}")
}

fn is_ascii_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r')
}

/// A character that stands for itself: anything the engine may have plans for by its number.
fn push_literal(out: &mut String, character: char) {
    if character.is_ascii_alphanumeric() || !character.is_ascii() {
        out.push(character);
    } else {
        out.push_str(&format!(r"\x{{{:x}}}", u32::from(character)));
    }
}
