//! Text to tokens, and the token-level forms that the parser does not know: interval literals (`5m`), bare rows in
//! VALUES, types inside CAST, texts with `U&` ([`unicode_text`]). Also the bounds on nesting and length, which must hold before anything recurses.

mod unicode_text;

use super::{dialect::TimestreamDialect, error::SqlError};
use crate::model::limits::{QUERY_CHAIN_TERMS_MAX, QUERY_NESTING_MAX};
use datafusion::sql::sqlparser::{
    keywords::Keyword,
    tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer, TokenizerError},
};

/// The function that an interval literal becomes; users cannot call it.
pub(super) const INTERVAL_FUNCTION: &str = "__interval";
/// The type name that carries a CAST's target as text; users cannot name it.
pub(super) const TYPE_TEXT: &str = "__type";

/// The grouping element that GROUP BY DISTINCT becomes.
pub(super) const DISTINCT_GROUPS: &str = "__distinct";

/// Units of interval literals. # guide: date-time-functions.html (interval and duration)
const INTERVAL_UNITS: [&str; 17] = [
    "ns",
    "nanosecond",
    "us",
    "microsecond",
    "ms",
    "millisecond",
    "s",
    "second",
    "m",
    "minute",
    "h",
    "hour",
    "d",
    "day",
    "y",
    "year",
    "month",
];

/// Words that cannot be names unless quoted. # guide: ts-limits.html#limits.system_identifiers
const RESERVED: [&str; 69] = [
    "ALTER",
    "AND",
    "AS",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "CONSTRAINT",
    "CREATE",
    "CROSS",
    "CUBE",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "CURRENT_USER",
    "DEALLOCATE",
    "DELETE",
    "DESCRIBE",
    "DISTINCT",
    "DROP",
    "ELSE",
    "END",
    "ESCAPE",
    "EXCEPT",
    "EXECUTE",
    "EXISTS",
    "EXTRACT",
    "FALSE",
    "FOR",
    "FROM",
    "FULL",
    "GROUP",
    "GROUPING",
    "HAVING",
    "IN",
    "INNER",
    "INSERT",
    "INTERSECT",
    "INTO",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "LOCALTIME",
    "LOCALTIMESTAMP",
    "NATURAL",
    "NORMALIZE",
    "NOT",
    "NULL",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "PREPARE",
    "RECURSIVE",
    "RIGHT",
    "ROLLUP",
    "SELECT",
    "TABLE",
    "THEN",
    "TRUE",
    "UESCAPE",
    "UNION",
    "UNNEST",
    "USING",
    "VALUES",
    "WHEN",
    "WHERE",
    "WITH",
];

/// Whether an unquoted word cannot be a name.
pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED.iter().any(|reserved| word.eq_ignore_ascii_case(reserved))
}

/// Splits `sql` into tokens without white space, checks their bounds and brings Timestream's own forms into the
/// parser's. A trailing `;` is dropped. Every token keeps its place in the text.
///
/// # Errors
/// [`SqlError::Syntax`] where the text is no token; [`SqlError::Invalid`] when it nests or runs on too far.
pub(super) fn tokens(sql: &str) -> Result<Vec<TokenWithSpan>, SqlError> {
    let raw = Tokenizer::new(&TimestreamDialect, sql).tokenize_with_location().map_err(tokenizer_error)?;
    let mut tokens = unicode_text::resolve(merge_intervals(raw)?)?;
    if tokens.last().is_some_and(|t| t.token == Token::SemiColon) {
        tokens.pop();
    }
    check_tokens(&tokens)?;
    check_bounds(&tokens)?;
    refuse_internal_names(&tokens)?;
    let tokens = bare_trims(plain_names(group_quantifier(star_aliases(tokens)?)));
    Ok(cast_types(wrap_values(values_in_expressions(tokens))))
}

fn tokenizer_error(error: TokenizerError) -> SqlError {
    syntax(error.location)
}

/// The service's syntax error at a place.
pub(super) fn syntax(at: Location) -> SqlError {
    SqlError::Syntax { line: at.line.max(1), column: at.column.max(1) }
}

fn is_keyword(token: &TokenWithSpan, keyword: Keyword) -> bool {
    matches!(&token.token, Token::Word(word) if word.quote_style.is_none() && word.keyword == keyword)
}

/// Drops white space and comments; a number that a word touches is an interval literal (`5m`), and nothing else:
/// `5 m` is a number with an alias.
fn merge_intervals(raw: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>, SqlError> {
    let mut merged = Vec::with_capacity(raw.len());
    let mut raw = raw.into_iter().peekable();
    while let Some(token) = raw.next() {
        match &token.token {
            Token::Whitespace(_) | Token::EOF => {}
            Token::Number(digits, long) => match raw.peek().map(|next| &next.token) {
                Some(Token::Word(word)) if word.quote_style.is_none() => {
                    let unit = word.value.to_ascii_lowercase();
                    let whole = digits.bytes().all(|b| b.is_ascii_digit());
                    if *long || !whole || !INTERVAL_UNITS.contains(&unit.as_str()) {
                        return Err(syntax(token.span.start));
                    }
                    let text = format!("{digits}{unit}");
                    let end = raw.next().map_or(token.span.end, |unit| unit.span.end);
                    let span = Span::new(token.span.start, end);
                    merged.extend(call_tokens(INTERVAL_FUNCTION, text, span));
                }
                _ if *long => return Err(syntax(token.span.start)),
                _ => merged.push(token),
            },
            _ => merged.push(token),
        }
    }
    Ok(merged)
}

/// Words that begin no expression, relation or clause in the places after [`expects_operand`].
const NO_OPERANDS: [&str; 35] = [
    "ALTER",
    "AND",
    "AS",
    "BETWEEN",
    "BY",
    "CONSTRAINT",
    "CREATE",
    "CROSS",
    "DELETE",
    "DROP",
    "ELSE",
    "END",
    "ESCAPE",
    "EXCEPT",
    "FOR",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "IN",
    "INNER",
    "INSERT",
    "INTERSECT",
    "INTO",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "NATURAL",
    "ON",
    "OR",
    "ORDER",
    "UNION",
    "USING",
    "WHERE",
];

/// Lets through the tokens that the language has (the tokenizer knows more), and finds where an operand is missing.
fn check_tokens(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    for (i, token) in tokens.iter().enumerate() {
        let known = match &token.token {
            Token::Word(word) => matches!(word.quote_style, None | Some('"')),
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::UnicodeStringLiteral(_)
            | Token::Comma
            | Token::Eq
            | Token::Neq
            | Token::Lt
            | Token::Gt
            | Token::LtEq
            | Token::GtEq
            | Token::Plus
            | Token::Minus
            | Token::Mul
            | Token::Div
            | Token::Mod
            | Token::StringConcat
            | Token::LParen
            | Token::RParen
            | Token::LBracket
            | Token::RBracket
            | Token::Period
            | Token::Arrow
            | Token::AtSign
            | Token::Placeholder(_) => true,
            // `X'1F'`; the tokenizer has `0x1F` as well, which is shorter by the quotes.
            Token::HexStringLiteral(digits) => {
                token.span.end.column.saturating_sub(token.span.start.column) == digits.chars().count() as u64 + 3
            }
            _ => false,
        };
        let misplaced = matches!(&token.token, Token::Word(word) if word.quote_style.is_none()
            && i.checked_sub(1).is_some_and(|before| expects_operand(&tokens[before]))
            && NO_OPERANDS.iter().any(|no| word.value.eq_ignore_ascii_case(no)));
        let is_text = matches!(token.token, Token::SingleQuotedString(_) | Token::UnicodeStringLiteral(_));
        let text_after_operand = is_text && i.checked_sub(1).is_some_and(|before| ends_operand(&tokens[before]));
        if !known || misplaced || text_after_operand {
            return Err(syntax(token.span.start));
        }
    }
    Ok(())
}

/// Whether no text can follow: the parser would take it for an alias.
fn ends_operand(token: &TokenWithSpan) -> bool {
    matches!(
        token.token,
        Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::UnicodeStringLiteral(_)
            | Token::RParen
            | Token::RBracket
    ) || is_keyword(token, Keyword::AS)
}

/// Whether an operand, a relation or a select item must follow.
fn expects_operand(token: &TokenWithSpan) -> bool {
    match &token.token {
        Token::Word(_) => [Keyword::SELECT, Keyword::WHERE, Keyword::HAVING, Keyword::BY, Keyword::AND, Keyword::OR]
            .iter()
            .any(|keyword| is_keyword(token, *keyword)),
        Token::Comma
        | Token::Eq
        | Token::Neq
        | Token::Lt
        | Token::Gt
        | Token::LtEq
        | Token::GtEq
        | Token::Plus
        | Token::Div
        | Token::Mod
        | Token::StringConcat => true,
        _ => false,
    }
}

/// `name('argument')`, standing where `span` does.
fn call_tokens(name: &str, argument: String, span: Span) -> [TokenWithSpan; 4] {
    [Token::make_word(name, None), Token::LParen, Token::SingleQuotedString(argument), Token::RParen]
        .map(|token| TokenWithSpan::new(token, span))
}

/// Counts levels of nesting and the terms of operator chains. Both would otherwise become recursion in the parser, the
/// planner and on drop, and a stack overflow ends the process.
fn check_bounds(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    // One entry per open level: terms of the running expression, and of the running set operation.
    let mut levels: Vec<(usize, usize)> = vec![(0, 0)];
    for (i, token) in tokens.iter().enumerate() {
        let opens = matches!(token.token, Token::LParen | Token::LBracket) || is_keyword(token, Keyword::CASE);
        let closes = matches!(token.token, Token::RParen | Token::RBracket) || is_keyword(token, Keyword::END);
        if closes && levels.len() > 1 {
            levels.pop();
        }
        let Some((terms, selects)) = levels.last_mut() else { break };
        match &token.token {
            Token::Comma => *terms = 0,
            Token::Word(word) if word.quote_style.is_none() => match word.keyword {
                Keyword::SELECT | Keyword::FROM | Keyword::WHERE | Keyword::HAVING => *terms = 0,
                Keyword::WHEN | Keyword::THEN | Keyword::ELSE => *terms = 0,
                Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT => *selects += 1,
                Keyword::AND | Keyword::OR | Keyword::NOT | Keyword::IS | Keyword::LIKE | Keyword::JOIN => *terms += 1,
                Keyword::IN | Keyword::BETWEEN | Keyword::AT => *terms += 1,
                _ => {}
            },
            token if is_operator(token) => *terms += 1,
            Token::LBracket if i > 0 => *terms += 1,
            _ => {}
        }
        if *terms >= QUERY_CHAIN_TERMS_MAX || *selects >= QUERY_CHAIN_TERMS_MAX {
            return Err(SqlError::Invalid(format!(
                "The query is too complex: a chain of operators has more than {QUERY_CHAIN_TERMS_MAX} terms."
            )));
        }
        if opens {
            levels.push((0, 0));
            if levels.len() > QUERY_NESTING_MAX + 1 {
                return Err(SqlError::Invalid(format!(
                    "The query is too complex: it nests more than {QUERY_NESTING_MAX} levels deep."
                )));
            }
        }
    }
    Ok(())
}

fn is_operator(token: &Token) -> bool {
    matches!(
        token,
        Token::Plus
            | Token::Minus
            | Token::Mul
            | Token::Div
            | Token::Mod
            | Token::StringConcat
            | Token::Eq
            | Token::Neq
            | Token::Lt
            | Token::Gt
            | Token::LtEq
            | Token::GtEq
            | Token::Period
            | Token::Arrow
            | Token::DoubleColon
    )
}

/// Names that begin with `__` are this server's own; a user's call of one is a call of an unknown function.
fn refuse_internal_names(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    for (i, pair) in tokens.windows(2).enumerate() {
        let Token::Word(word) = &pair[0].token else { continue };
        if !word.value.starts_with("__") || pair[1].token != Token::LParen {
            continue;
        }
        // The interval literals made above: their four tokens all stand at one place.
        let made_here = tokens.get(i + 3).is_some_and(|last| last.span == pair[0].span);
        if !made_here {
            let Location { line, column, .. } = pair[0].span.start;
            return Err(SqlError::Semantic {
                line,
                column,
                message: format!("Function {} not registered", word.value),
            });
        }
    }
    Ok(())
}

/// `trim(LEADING FROM x)` becomes `ltrim(x)`, and so on: the parser wants characters to trim there.
fn bare_trims(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        let side = [(Keyword::LEADING, "ltrim"), (Keyword::TRAILING, "rtrim"), (Keyword::BOTH, "trim")]
            .iter()
            .find(|(side, _)| is_keyword(&token, *side));
        let in_trim = matches!(&kept[..], [.., trim, open]
            if is_keyword(trim, Keyword::TRIM) && open.token == Token::LParen);
        match (side, rest.peek()) {
            (Some((_, function)), Some(next)) if in_trim && is_keyword(next, Keyword::FROM) => {
                let trim = kept.len() - 2;
                kept[trim].token = Token::make_word(function, None);
                rest.next();
            }
            _ => kept.push(token),
        }
    }
    kept
}

/// Quotes words that mean something to the parser, and to this language nothing, or nothing where they stand: a column may
/// be called `top` or `interval`.
fn plain_names(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    const NEVER: [&str; 8] =
        ["CURRENT_CATALOG", "CURRENT_ROLE", "LAMBDA", "PRIOR", "SESSION_USER", "STRUCT", "TOP", "USER"];
    for i in 0..tokens.len() {
        let next = tokens.get(i + 1).map(|t| &t.token);
        let Token::Word(word) = &tokens[i].token else { continue };
        let called = next == Some(&Token::LParen);
        let name = match word.value.to_ascii_uppercase().as_str() {
            upper if NEVER.contains(&upper) => true,
            "TRIM" | "LATERAL" | "CONVERT" | "OVERLAY" | "MATCH" => !called,
            "INTERVAL" => !matches!(next, Some(Token::SingleQuotedString(_) | Token::Number(..))) && !called,
            _ => false,
        };
        if name && word.quote_style.is_none() {
            tokens[i].token = Token::make_word(&word.value.clone(), Some('"'));
        }
    }
    tokens
}

/// `row.* AS (a, b)` becomes `row.* EXCLUDE (a, b)`: the parser knows no names there, and the language no EXCLUDE.
fn star_aliases(mut tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>, SqlError> {
    for i in 1..tokens.len() {
        if tokens[i - 1].token != Token::Mul {
            continue;
        }
        if is_keyword(&tokens[i], Keyword::EXCLUDE) {
            return Err(syntax(tokens[i].span.start));
        }
        let names = tokens.get(i + 1).is_some_and(|t| t.token == Token::LParen);
        if is_keyword(&tokens[i], Keyword::AS) && names && i > 1 && tokens[i - 2].token == Token::Period {
            tokens[i].token = Token::make_keyword("EXCLUDE");
        }
    }
    Ok(tokens)
}

/// `GROUP BY ALL x` becomes `GROUP BY x`, which is the same; `GROUP BY DISTINCT x` becomes `GROUP BY __distinct, x`.
fn group_quantifier(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for token in tokens {
        let after_group_by = kept.len() > 1
            && is_keyword(&kept[kept.len() - 1], Keyword::BY)
            && is_keyword(&kept[kept.len() - 2], Keyword::GROUP);
        if after_group_by && is_keyword(&token, Keyword::ALL) {
            continue;
        }
        if after_group_by && is_keyword(&token, Keyword::DISTINCT) {
            kept.push(TokenWithSpan::new(Token::make_word(DISTINCT_GROUPS, None), token.span));
            kept.push(TokenWithSpan::new(Token::Comma, token.span));
            continue;
        }
        kept.push(token);
    }
    kept
}

/// `x IN (VALUES …)` becomes `x IN (SELECT * FROM (VALUES …))`, and so on: in an expression the parser sees a subquery only
/// in SELECT.
fn values_in_expressions(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    // What a relation or a query follows.
    const RELATIONS: [Keyword; 4] = [Keyword::FROM, Keyword::JOIN, Keyword::AS, Keyword::LATERAL];
    let before_subquery = |i: usize| {
        !RELATIONS.iter().any(|keyword| is_keyword(&tokens[i], *keyword))
            && tokens.get(i + 1).is_some_and(|t| t.token == Token::LParen)
            && tokens.get(i + 2).is_some_and(|t| is_keyword(t, Keyword::VALUES))
    };
    let mut spelled = Vec::with_capacity(tokens.len());
    let mut depth = 0_usize;
    // Depths at which a subquery was opened.
    let mut opened = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        let token = &tokens[i];
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => {
                if opened.last() == Some(&depth) {
                    opened.pop();
                    spelled.push(token.clone());
                }
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
        spelled.push(token.clone());
        if before_subquery(i) {
            let at = tokens[i + 1].span;
            let select =
                [Token::LParen, Token::make_keyword("SELECT"), Token::Mul, Token::make_keyword("FROM"), Token::LParen];
            spelled.extend(select.map(|t| TokenWithSpan::new(t, at)));
            depth += 1;
            opened.push(depth);
            i += 1;
        }
        i += 1;
    }
    spelled
}

/// `VALUES 1, 2` becomes `VALUES (1), (2)`: the parser wants every row in parentheses.
fn wrap_values(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut wrapped = Vec::with_capacity(tokens.len());
    // For each open level: whether rows of VALUES stand directly in it.
    let mut in_values = vec![false];
    // Levels at which a parenthesis was opened for a bare row.
    let mut open_rows: Vec<usize> = Vec::new();
    let mut row_starts = false;
    for (i, token) in tokens.iter().enumerate() {
        let level = in_values.len();
        let ends_row = open_rows.last() == Some(&level)
            && (matches!(token.token, Token::Comma | Token::RParen) || ends_values(token));
        if ends_row {
            open_rows.pop();
            wrapped.push(TokenWithSpan::new(Token::RParen, token.span));
        }
        if in_values[level - 1] && ends_values(token) {
            in_values[level - 1] = false;
        }
        if row_starts && !is_whole_row(&tokens[i..]) {
            open_rows.push(level);
            wrapped.push(TokenWithSpan::new(Token::LParen, token.span));
        }
        row_starts = false;
        match token.token {
            Token::LParen | Token::LBracket => in_values.push(false),
            Token::RParen | Token::RBracket if level > 1 => {
                in_values.pop();
            }
            Token::Comma => row_starts = in_values[level - 1],
            _ if is_keyword(token, Keyword::VALUES) => {
                in_values[level - 1] = true;
                row_starts = true;
            }
            _ => {}
        }
        wrapped.push(token.clone());
    }
    if open_rows.pop().is_some() {
        let span = wrapped.last().map_or(Span::empty(), |last| last.span);
        wrapped.push(TokenWithSpan::new(Token::RParen, span));
    }
    wrapped
}

/// Whether a token ends a VALUES list that stands directly at its level.
fn ends_values(token: &TokenWithSpan) -> bool {
    const ENDS: [Keyword; 8] = [
        Keyword::ORDER,
        Keyword::LIMIT,
        Keyword::UNION,
        Keyword::EXCEPT,
        Keyword::INTERSECT,
        Keyword::OFFSET,
        Keyword::FETCH,
        Keyword::SELECT,
    ];
    ENDS.iter().any(|keyword| is_keyword(token, *keyword))
}

/// Whether the tokens begin with a parenthesised row or `ROW(…)` that a comma or the list's end follows.
fn is_whole_row(tokens: &[TokenWithSpan]) -> bool {
    let rest = if is_keyword(&tokens[0], Keyword::ROW) { &tokens[1..] } else { tokens };
    if rest.first().map(|t| &t.token) != Some(&Token::LParen) {
        return false;
    }
    let mut depth = 0_usize;
    for (i, token) in rest.iter().enumerate() {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => {
                depth -= 1;
                if depth == 0 {
                    return rest
                        .get(i + 1)
                        .is_none_or(|next| matches!(next.token, Token::Comma | Token::RParen) || ends_values(next));
                }
            }
            _ => {}
        }
    }
    false
}

/// `CAST(x AS ROW(a BIGINT))` becomes `CAST(x AS __type('ROW ( a BIGINT )'))`: the parser loses what is inside.
fn cast_types(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut typed = Vec::with_capacity(tokens.len());
    // For each open level: whether it is the argument of CAST or TRY_CAST.
    let mut in_cast = vec![false];
    let mut i = 0;
    while i < tokens.len() {
        let token = &tokens[i];
        match token.token {
            Token::LParen => {
                let cast = i > 0
                    && (is_keyword(&tokens[i - 1], Keyword::CAST) || is_keyword(&tokens[i - 1], Keyword::TRY_CAST));
                in_cast.push(cast);
            }
            Token::RParen if in_cast.len() > 1 => {
                in_cast.pop();
            }
            _ if in_cast.last() == Some(&true) && is_keyword(token, Keyword::AS) => {
                typed.push(token.clone());
                let end = i + 1 + type_length(&tokens[i + 1..]);
                let text = tokens[i + 1..end].iter().map(|t| t.token.to_string()).collect::<Vec<_>>().join(" ");
                let span = tokens.get(i + 1).map_or(token.span, |t| t.span);
                typed.extend(call_tokens(TYPE_TEXT, text, span));
                i = end;
                continue;
            }
            _ => {}
        }
        typed.push(token.clone());
        i += 1;
    }
    typed
}

/// How many tokens stand before the parenthesis that closes the level they begin in.
fn type_length(tokens: &[TokenWithSpan]) -> usize {
    let mut depth = 0_usize;
    for (i, token) in tokens.iter().enumerate() {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen if depth == 0 => return i,
            Token::RParen => depth -= 1,
            _ => {}
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str, expect: &str) {
        let text = match tokens(sql) {
            Ok(tokens) => tokens.iter().map(|t| t.token.to_string()).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        };
        assert_eq!(text, expect, "{sql}");
    }

    #[test]
    fn intervals() {
        check("SELECT 5m", "SELECT __interval ( '5m' )");
        check("SELECT 5 m", "SELECT 5 m");
        check("bin(time, 10000ms)", "bin ( time , __interval ( '10000ms' ) )");
        check("SELECT 2hours", "The query syntax is invalid at line 1:8");
        check("SELECT 1.5h", "The query syntax is invalid at line 1:8");
        check("SELECT 1e3, '5m', \"5m\"", "SELECT 1e3 , '5m' , \"5m\"");
    }

    #[test]
    fn values() {
        check("VALUES 1, 2", "VALUES ( 1 ) , ( 2 )");
        check("VALUES (1, 2), (3, 4)", "VALUES ( 1 , 2 ) , ( 3 , 4 )");
        check(
            "SELECT * FROM (VALUES 1, f(2, 3)) AS t(a)",
            "SELECT * FROM ( VALUES ( 1 ) , ( f ( 2 , 3 ) ) ) AS t ( a )",
        );
        check("VALUES (1) + 2 ORDER BY 1", "VALUES ( ( 1 ) + 2 ) ORDER BY 1");
        check("SELECT 1 > ALL (VALUES 1, (2)), 3", "SELECT 1 > ALL ( SELECT * FROM ( VALUES ( 1 ) , ( 2 ) ) ) , 3");
        check("SELECT 1 IN (VALUES 1)", "SELECT 1 IN ( SELECT * FROM ( VALUES ( 1 ) ) )");
        check(
            "WITH t AS (VALUES 1) SELECT 1 FROM t JOIN (VALUES 2) u ON (VALUES true)",
            "WITH t AS ( VALUES ( 1 ) ) SELECT 1 FROM t JOIN ( VALUES ( 2 ) ) u ON ( SELECT * FROM ( VALUES ( true ) ) )",
        );
        check("VALUES ROW(1, 2)", "VALUES ROW ( 1 , 2 )");
    }

    #[test]
    fn unicode_texts() {
        check(r"SELECT U&'snow\2603 \+01F600 \\'", r"SELECT U&'snow☃ 😀 \'");
        check(r"SELECT u&'it''s'", "SELECT U&'it's'");
        check(r"SELECT U&'#2603\' UESCAPE '#'", r"SELECT U&'☃\'");
        check("SELECT U&'' UESCAPE", "The query syntax is invalid at line 1:8");
        check("SELECT U & 'a'", "The query syntax is invalid at line 1:10");
        for escaped in [r"\26", r"\26g3", r"\D800", r"\+110000", r"\é26", "' UESCAPE 'a"] {
            check(&format!("SELECT U&'{escaped}'"), "The query syntax is invalid at line 1:8");
        }
    }

    #[test]
    fn casts() {
        check(
            "SELECT CAST(x AS ROW(a BIGINT, b DOUBLE)) AS y",
            "SELECT CAST ( x AS __type ( 'ROW ( a BIGINT , b DOUBLE )' ) ) AS y",
        );
    }

    #[test]
    fn trailing_semicolon_and_comments() {
        check("SELECT 1 -- one\n;", "SELECT 1");
    }

    #[test]
    fn internal_names() {
        check("SELECT __interval('5m')", "line 1:8: Function __interval not registered");
    }

    #[test]
    fn tokens_of_other_languages() {
        for (sql, column) in [
            ("SELECT 1 == 1", 10),
            ("SELECT 1 <=> 1", 10),
            ("SELECT 'a' ~ 'b'", 12),
            ("SELECT a & b", 10),
            ("SELECT 1::int", 9),
            ("SELECT `a`", 8),
            ("SELECT {1}", 8),
            ("SELECT 0x1F", 8),
            ("SELECT N'a'", 8),
            ("SELECT $$a$$", 8),
            ("SELECT FROM (VALUES 1)", 8),
            ("SELECT 1, FROM (VALUES 1)", 11),
            ("SELECT 1 FROM (VALUES 1) WHERE ORDER BY 1", 32),
            ("SELECT 1 + AND 2", 12),
            ("SELECT 1 'a'", 10),
            ("SELECT 1 AS 'a'", 13),
        ] {
            check(sql, &format!("The query syntax is invalid at line 1:{column}"));
        }
        check("SELECT X'1F', \"`\", x IS DISTINCT FROM y", "SELECT X'1F' , \"`\" , x IS DISTINCT FROM y");
    }

    #[test]
    fn bounds() {
        let long = |operator: &str, terms: usize| format!("SELECT 1{}", format!(" {operator} 1").repeat(terms - 1));
        assert!(tokens(&long("+", 5_000)).is_ok());
        for operator in ["+", "AND", "||", "UNION ALL SELECT"] {
            let error = tokens(&long(operator, 5_001)).expect_err(operator);
            assert!(error.to_string().contains("more than 5000 terms"), "{error}");
        }
        let nested = |levels: usize| format!("SELECT {}1{}", "(".repeat(levels), ")".repeat(levels));
        assert!(tokens(&nested(100)).is_ok());
        assert!(tokens(&nested(101)).expect_err("too deep").to_string().contains("100 levels"));
        assert!(tokens(&"(".repeat(256 * 1024)).is_err());
    }
}
