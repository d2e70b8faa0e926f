//! Tokens to a statement. Only what Timestream has is let through: a query, SHOW, DESCRIBE, UNLOAD.

use super::{
    dialect::TimestreamDialect,
    error::SqlError,
    lex::{self, syntax},
    plan::Places,
    unload::{OptionValue, UnloadOption, UnloadTarget},
};
use datafusion::sql::sqlparser::{
    ast::Query,
    parser::{Parser, ParserError},
    tokenizer::{Location, Token, TokenWithSpan},
};

/// How deep the parser may recurse. Parentheses are bounded on the tokens; this bounds what has none, such as
/// `NOT NOT …`. One level of parentheses takes up to five of these.
const RECURSION_MAX: usize = 1_000;

/// A statement of the query language.
#[derive(Debug)]
pub(super) enum Statement {
    /// SELECT, VALUES, WITH; with the places of its tokens.
    Query(Box<Query>, Places),
    /// SHOW DATABASES.
    ShowDatabases {
        /// LIKE.
        like: Option<Like>,
    },
    /// SHOW TABLES, of one database or all.
    ShowTables {
        /// FROM.
        database: Option<Name>,
        /// LIKE.
        like: Option<Like>,
    },
    /// SHOW MEASURES.
    ShowMeasures {
        /// FROM.
        table: TableName,
        /// LIKE.
        like: Option<Like>,
    },
    /// DESCRIBE.
    Describe(TableName),
    /// UNLOAD.
    Unload(Box<Query>, Places, UnloadTarget),
}

/// An identifier as written, without its quotes.
pub(super) type Name = String;

/// A table with its database.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TableName {
    /// The database.
    pub(super) database: Name,
    /// The table.
    pub(super) table: Name,
}

/// The LIKE of a SHOW statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Like {
    /// With `%` and `_`.
    pub(super) pattern: String,
    /// What takes the meaning from the next character.
    pub(super) escape: Option<char>,
}

/// Parses `sql` as exactly one statement.
///
/// # Errors
/// [`SqlError::Syntax`] at the token that does not fit; [`SqlError::Invalid`] when a bound is passed.
pub(super) fn statement(sql: &str) -> Result<Statement, SqlError> {
    let tokens = lex::tokens(sql)?;
    let end = end_of(sql);
    let mut front = Front { tokens: &tokens, next: 0, end };
    if front.word("SHOW") {
        return front.show();
    }
    if front.word("DESCRIBE") {
        let table = front.table_name()?;
        front.finish()?;
        return Ok(Statement::Describe(table));
    }
    if front.word("UNLOAD") {
        return front.unload();
    }
    if !tokens.first().is_some_and(|first| begins_query(&first.token)) {
        return Err(syntax(tokens.first().map_or(end, |t| t.span.start)));
    }
    query(tokens, end).map(|(query, places)| Statement::Query(query, places))
}

fn query(tokens: Vec<TokenWithSpan>, end: Location) -> Result<(Box<Query>, Places), SqlError> {
    let places = Places::new(&tokens);
    let mut parser =
        Parser::new(&TimestreamDialect).with_recursion_limit(RECURSION_MAX).with_tokens_with_locations(tokens);
    let query = parser.parse_query().map_err(|error| parser_error(&error, end))?;
    let rest = parser.peek_token();
    if rest.token != Token::EOF {
        return Err(syntax(rest.span.start));
    }
    Ok((query, places))
}

fn begins_query(token: &Token) -> bool {
    match token {
        Token::LParen => true,
        Token::Word(word) => {
            word.quote_style.is_none()
                && ["SELECT", "WITH", "VALUES"].iter().any(|w| word.value.eq_ignore_ascii_case(w))
        }
        _ => false,
    }
}

/// The parser says where as text at the end of its message; without that, the text ended too early.
fn parser_error(error: &ParserError, end: Location) -> SqlError {
    match error {
        ParserError::RecursionLimitExceeded => {
            SqlError::Invalid("The query is too complex: it nests too many levels deep.".to_owned())
        }
        ParserError::ParserError(text) | ParserError::TokenizerError(text) => syntax(place_in(text).unwrap_or(end)),
    }
}

/// Reads `… at Line: 1, Column: 8`.
fn place_in(text: &str) -> Option<Location> {
    let (_, place) = text.rsplit_once(" at Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    Some(Location { line: line.trim().parse().ok()?, column: column.trim().parse().ok()? })
}

/// The place after the last character.
fn end_of(sql: &str) -> Location {
    let line = sql.lines().count().max(1) as u64;
    let column = sql.lines().last().map_or(0, |last| last.chars().count()) as u64 + 1;
    Location { line, column }
}

/// The small front end for the statements that the parser does not know or gets wrong.
struct Front<'a> {
    tokens: &'a [TokenWithSpan],
    next: usize,
    end: Location,
}

impl Front<'_> {
    /// Takes the next token when it is that unquoted word.
    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.next).map(|t| &t.token),
            Some(Token::Word(w)) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word));
        self.next += usize::from(found);
        found
    }

    fn error<T>(&self) -> Result<T, SqlError> {
        Err(syntax(self.tokens.get(self.next).map_or(self.end, |t| t.span.start)))
    }

    fn name(&mut self) -> Result<Name, SqlError> {
        let Some(Token::Word(word)) = self.tokens.get(self.next).map(|t| &t.token) else { return self.error() };
        self.next += 1;
        Ok(word.value.clone())
    }

    fn table_name(&mut self) -> Result<TableName, SqlError> {
        let database = self.name()?;
        if self.tokens.get(self.next).map(|t| &t.token) != Some(&Token::Period) {
            return self.error();
        }
        self.next += 1;
        let table = self.name()?;
        Ok(TableName { database, table })
    }

    fn string(&mut self) -> Result<String, SqlError> {
        let Some(Token::SingleQuotedString(text)) = self.tokens.get(self.next).map(|t| &t.token) else {
            return self.error();
        };
        self.next += 1;
        Ok(text.clone())
    }

    /// `LIKE 'pattern' [ESCAPE 'c']`. # observed: driver tests
    fn like(&mut self) -> Result<Option<Like>, SqlError> {
        if !self.word("LIKE") {
            return Ok(None);
        }
        let pattern = self.string()?;
        let mut escape = None;
        if self.word("ESCAPE") {
            let text = self.string()?;
            let mut chars = text.chars();
            escape = match (chars.next(), chars.next()) {
                (Some(c), None) => Some(c),
                _ => return Err(SqlError::Invalid("Escape string must be a single character".to_owned())),
            };
        }
        Ok(Some(Like { pattern, escape }))
    }

    /// Takes the next token when it is that one.
    fn token(&mut self, token: &Token) -> bool {
        let found = self.tokens.get(self.next).is_some_and(|next| next.token == *token);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, token: &Token) -> Result<(), SqlError> {
        if self.token(token) { Ok(()) } else { self.error() }
    }

    /// `(SELECT …) TO 's3://…' WITH (option = value, …)`, without WITH when every option has its default.
    fn unload(&mut self) -> Result<Statement, SqlError> {
        self.expect(&Token::LParen)?;
        let begin = self.next;
        let close = self.closing_parenthesis()?;
        if !self.tokens[begin..close].first().is_some_and(|first| begins_query(&first.token)) {
            return self.error();
        }
        let (query, places) = query(self.tokens[begin..close].to_vec(), self.tokens[close].span.start)?;
        self.next = close + 1;
        if !self.word("TO") {
            return self.error();
        }
        let destination = self.string()?;
        let options = if self.word("WITH") { self.unload_options()? } else { Vec::new() };
        self.finish()?;
        Ok(Statement::Unload(query, places, UnloadTarget { destination, options }))
    }

    /// The place of the parenthesis that closes the one before the next token.
    fn closing_parenthesis(&self) -> Result<usize, SqlError> {
        let mut depth = 1_usize;
        for (i, token) in self.tokens.iter().enumerate().skip(self.next) {
            match token.token {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(i);
            }
        }
        Err(syntax(self.end))
    }

    fn unload_options(&mut self) -> Result<Vec<UnloadOption>, SqlError> {
        self.expect(&Token::LParen)?;
        let mut options = Vec::new();
        loop {
            let at = self.tokens.get(self.next).map_or(self.end, |token| token.span.start);
            let name = self.name()?;
            self.expect(&Token::Eq)?;
            let value = if self.word("ARRAY") {
                OptionValue::Texts(self.strings()?)
            } else {
                OptionValue::Text(self.string()?)
            };
            options.push(UnloadOption { name, at, value });
            if !self.token(&Token::Comma) {
                break;
            }
        }
        self.expect(&Token::RParen)?;
        Ok(options)
    }

    /// `['…', …]`
    fn strings(&mut self) -> Result<Vec<String>, SqlError> {
        self.expect(&Token::LBracket)?;
        let mut strings = Vec::new();
        if self.token(&Token::RBracket) {
            return Ok(strings);
        }
        loop {
            strings.push(self.string()?);
            if !self.token(&Token::Comma) {
                break;
            }
        }
        self.expect(&Token::RBracket)?;
        Ok(strings)
    }

    fn finish(&self) -> Result<(), SqlError> {
        if self.next < self.tokens.len() { self.error() } else { Ok(()) }
    }

    fn show(&mut self) -> Result<Statement, SqlError> {
        let statement = if self.word("DATABASES") {
            Statement::ShowDatabases { like: self.like()? }
        } else if self.word("TABLES") {
            let database = if self.word("FROM") || self.word("IN") { Some(self.name()?) } else { None };
            Statement::ShowTables { database, like: self.like()? }
        } else if self.word("MEASURES") {
            if !(self.word("FROM") || self.word("IN")) {
                return self.error();
            }
            let table = self.table_name()?;
            Statement::ShowMeasures { table, like: self.like()? }
        } else {
            return self.error();
        };
        self.finish()?;
        Ok(statement)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str, expect: &str) {
        let text = match statement(sql) {
            Ok(Statement::Query(query, _)) => query.to_string(),
            Ok(other) => format!("{other:?}"),
            Err(error) => error.to_string(),
        };
        assert_eq!(text, expect, "{sql}");
    }

    #[test]
    fn syntax_errors() {
        check("SHOW TABLES FROM net-example", "The query syntax is invalid at line 1:21");
        check("CREATE TABLE t (a int)", "The query syntax is invalid at line 1:1");
        check("EXPLAIN SELECT 1", "The query syntax is invalid at line 1:1");
        check("SELECT 1; SELECT 2", "The query syntax is invalid at line 1:9");
        check("SELECT (1", "The query syntax is invalid at line 1:10");
        check("", "The query syntax is invalid at line 1:1");
        check("SELECT 'abc", "The query syntax is invalid at line 1:8");
    }

    #[test]
    fn show() {
        check(
            "show databases like 'a%' escape '!'",
            "ShowDatabases { like: Some(Like { pattern: \"a%\", escape: Some('!') }) }",
        );
        check(
            "SHOW MEASURES FROM \"a-b\".c LIKE 'x'",
            "ShowMeasures { table: TableName { database: \"a-b\", table: \"c\" }, like: Some(Like { pattern: \"x\", escape: None }) }",
        );
        check("DESCRIBE a.b", "Describe(TableName { database: \"a\", table: \"b\" })");
        check("SHOW TABLES", "ShowTables { database: None, like: None }");
    }

    #[test]
    fn unload() {
        let parsed = |sql: &str| match statement(sql) {
            Ok(Statement::Unload(query, _, unload)) => {
                let options = unload.options.iter().map(|option| format!("{}={:?}", option.name, option.value));
                format!("{query} | {} | {}", unload.destination, options.collect::<Vec<_>>().join(" "))
            }
            Ok(other) => format!("{other:?}"),
            Err(error) => error.to_string(),
        };
        let check = |sql: &str, expect: &str| assert_eq!(parsed(sql), expect, "{sql}");
        check(
            "UNLOAD(SELECT (1) AS a) TO 's3://b/f' WITH (partitioned_by = ARRAY ['a', 'b'], format='CSV')",
            r#"SELECT (1) AS a | s3://b/f | partitioned_by=Texts(["a", "b"]) format=Text("CSV")"#,
        );
        check("unload (VALUES 1) to 's3://b'", "SELECT * FROM (VALUES (1)) | s3://b | ");
        check("UNLOAD (SELECT 1)", "The query syntax is invalid at line 1:18");
        check("UNLOAD (SELECT 1 TO 's3://b'", "The query syntax is invalid at line 1:29");
        check("UNLOAD (SELECT 1 1) TO 's3://b'", "The query syntax is invalid at line 1:18");
        check("UNLOAD (SHOW TABLES) TO 's3://b'", "The query syntax is invalid at line 1:9");
        check("UNLOAD SELECT 1 TO 's3://b'", "The query syntax is invalid at line 1:8");
        check("UNLOAD (SELECT 1) TO 's3://b' WITH ()", "The query syntax is invalid at line 1:37");
        check("UNLOAD (SELECT 1) TO 's3://b' WITH (format 'CSV')", "The query syntax is invalid at line 1:44");
        check("UNLOAD (SELECT 1) TO 's3://b' WITH (format = CSV)", "The query syntax is invalid at line 1:46");
        check("UNLOAD (SELECT 1) TO 's3://b' LIMIT 1", "The query syntax is invalid at line 1:31");
    }

    #[test]
    fn forms_of_clients() {
        check("SELECT * FROM a.t DESC LIMIT 10", "SELECT * FROM a.t DESC LIMIT 10");
        check("SELECT ago (15m), Array[], INTEGER '03'", "SELECT ago(__interval('15m')), ARRAY[], INTEGER '03'");
        check("SELECT count(), (1,2,3) FROM (VALUES 1)", "SELECT count(), (1, 2, 3) FROM (VALUES (1))");
    }
}
