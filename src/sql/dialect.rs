//! The lexical and syntactic switches of the query language, for sqlparser.

use super::lex;
use datafusion::sql::sqlparser::{
    ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName},
    dialect::{Dialect, Precedence},
    keywords::Keyword,
    parser::{Parser, ParserError},
};

/// The function that carries a pattern of LIKE with its escape; users cannot call it.
pub(super) const LIKE_ESCAPE: &str = "__like_escape";

/// Timestream's dialect: Presto's of 2019/20, with `measure_value::double` as one identifier.
#[derive(Debug)]
pub(super) struct TimestreamDialect;

impl Dialect for TimestreamDialect {
    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }

    /// Presto's lexer has `:` and `@` inside identifiers; it is what makes `measure_value::double` one of them.
    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || matches!(ch, '_' | ':' | '@')
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '"'
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_lambda_functions(&self) -> bool {
        true
    }

    fn supports_window_function_null_treatment_arg(&self) -> bool {
        true
    }

    fn supports_boolean_literals(&self) -> bool {
        true
    }

    fn supports_parens_around_table_factor(&self) -> bool {
        true
    }

    fn supports_values_as_table_factor(&self) -> bool {
        true
    }

    fn allow_extract_custom(&self) -> bool {
        true
    }

    /// `a IS DISTINCT FROM b AND c`: the parser by itself would take all that follows FROM for the second operand. `a LIKE b
    /// ESCAPE c`: it would take nothing but a literal for `c`.
    fn parse_infix(&self, parser: &mut Parser, expr: &Expr, _precedence: u8) -> Option<Result<Expr, ParserError>> {
        for (words, negated) in [(&[Keyword::LIKE][..], false), (&[Keyword::NOT, Keyword::LIKE], true)] {
            if parser.parse_keywords(words) {
                return Some(self.like(parser, expr, negated));
            }
        }
        let negated = if parser.parse_keywords(&[Keyword::IS, Keyword::DISTINCT, Keyword::FROM]) {
            false
        } else if parser.parse_keywords(&[Keyword::IS, Keyword::NOT, Keyword::DISTINCT, Keyword::FROM]) {
            true
        } else {
            return None;
        };
        let left = Box::new(expr.clone());
        let right = parser.parse_subexpr(self.prec_value(Precedence::Eq)).map(Box::new);
        Some(right.map(|right| match negated {
            false => Expr::IsDistinctFrom(left, right),
            true => Expr::IsNotDistinctFrom(left, right),
        }))
    }

    fn supports_select_expr_star(&self) -> bool {
        true
    }

    /// Not the language's: [`lex`] writes the names of `row.* AS (a, b)` so.
    fn supports_select_wildcard_exclude(&self) -> bool {
        true
    }

    /// The language reserves few words: `FROM t DESC LIMIT 10` names the table `DESC`. # observed: client queries
    fn is_table_alias(&self, kw: &Keyword, _parser: &mut Parser) -> bool {
        const CLAUSES: [Keyword; 5] =
            [Keyword::LIMIT, Keyword::OFFSET, Keyword::FETCH, Keyword::TABLESAMPLE, Keyword::MATCH_RECOGNIZE];
        !CLAUSES.contains(kw) && !is_reserved(kw)
    }

    fn is_column_alias(&self, kw: &Keyword, _parser: &mut Parser) -> bool {
        const CLAUSES: [Keyword; 3] = [Keyword::LIMIT, Keyword::OFFSET, Keyword::FETCH];
        !CLAUSES.contains(kw) && !is_reserved(kw)
    }
}

impl TimestreamDialect {
    /// What follows LIKE. An escape that is no literal is kept with the pattern, as a call of [`LIKE_ESCAPE`].
    fn like(&self, parser: &mut Parser, expr: &Expr, negated: bool) -> Result<Expr, ParserError> {
        let precedence = self.prec_value(Precedence::Like);
        let start = parser.peek_token().span;
        let mut pattern = parser.parse_subexpr(precedence)?;
        let mut escape_char = None;
        if parser.parse_keyword(Keyword::ESCAPE) {
            match parser.parse_subexpr(precedence)? {
                Expr::Value(literal) => escape_char = Some(literal),
                escape => {
                    let name = Ident::with_span(start, LIKE_ESCAPE);
                    let args = vec![pattern, escape];
                    pattern = Expr::Function(function_of(name, args));
                }
            }
        }
        Ok(Expr::Like { negated, any: false, expr: Box::new(expr.clone()), pattern: Box::new(pattern), escape_char })
    }
}

/// A plain call.
pub(super) fn function_of(name: Ident, args: Vec<Expr>) -> Function {
    let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg))).collect();
    Function {
        name: ObjectName::from(vec![name]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    }
}

fn is_reserved(keyword: &Keyword) -> bool {
    lex::is_reserved(&format!("{keyword:?}"))
}
