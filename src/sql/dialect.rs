//! The lexical and syntactic switches of the query language, for sqlparser.

use super::lex;
use datafusion::sql::sqlparser::{dialect::Dialect, keywords::Keyword, parser::Parser};

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

fn is_reserved(keyword: &Keyword) -> bool {
    lex::is_reserved(&format!("{keyword:?}"))
}
