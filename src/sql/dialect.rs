//! The lexical and syntactic switches of the query language, for sqlparser.

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

    /// Presto reserves few words: `FROM t DESC LIMIT 10` names the table `DESC`. # observed: client queries
    fn is_table_alias(&self, kw: &Keyword, parser: &mut Parser) -> bool {
        const NON_RESERVED: [Keyword; 6] =
            [Keyword::DESC, Keyword::ASC, Keyword::FIRST, Keyword::LAST, Keyword::SAMPLE, Keyword::FORMAT];
        let _ = parser;
        NON_RESERVED.contains(kw) || !datafusion::sql::sqlparser::keywords::RESERVED_FOR_TABLE_ALIAS.contains(kw)
    }
}
