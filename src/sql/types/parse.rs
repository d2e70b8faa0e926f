//! Type texts, as in `CAST(x AS row(a bigint, b array(double)))`.

use super::{DAY_TO_SECOND, TIME, TIMESTAMP, YEAR_TO_MONTH, anonymous_field, array, field_name, timeseries};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};

/// Deepest nesting of a type text.
const NESTING_MAX: usize = 100;

/// A parsed type text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeText {
    /// The type.
    pub data_type: DataType,
    /// `n` of a bare `varchar(n)`: CAST cuts the text to so many characters.
    pub varchar_length: Option<usize>,
}

/// The type a text names.
///
/// # Errors
/// What is wrong with it: a type the service does not have, or bad syntax.
pub fn parse_type(text: &str) -> Result<DataType, String> {
    parse_type_text(text).map(|parsed| parsed.data_type)
}

/// The type a text names, with the length of `varchar(n)`.
///
/// # Errors
/// As [`parse_type`].
pub fn parse_type_text(text: &str) -> Result<TypeText, String> {
    let mut parser = Parser { text, tokens: tokens(text)?, position: 0, varchar_length: None };
    let data_type = parser.data_type(0)?;
    if parser.position != parser.tokens.len() {
        return Err(parser.unknown());
    }
    let varchar_length = parser.varchar_length;
    if varchar_length.is_some() && data_type != DataType::Utf8 {
        return Err(format!("{text}: varchar with a length inside another type is not supported"));
    }
    Ok(TypeText { data_type, varchar_length })
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// An unquoted word or number.
    Word(String),
    /// A name in double quotes.
    Quoted(String),
    Symbol(char),
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '"' {
            let mut name = String::new();
            loop {
                match characters.next() {
                    Some('"') if characters.peek() == Some(&'"') => name.extend(characters.next()),
                    Some('"') => break,
                    Some(other) => name.push(other),
                    None => return Err(format!("Unknown type: {text}")),
                }
            }
            tokens.push(Token::Quoted(name));
        } else if character.is_alphanumeric() || character == '_' {
            let mut word = String::from(character);
            while let Some(next) = characters.next_if(|next| next.is_alphanumeric() || matches!(next, '_' | ':')) {
                word.push(next);
            }
            tokens.push(Token::Word(word));
        } else if !character.is_whitespace() {
            tokens.push(Token::Symbol(character));
        }
    }
    Ok(tokens)
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    position: usize,
    varchar_length: Option<usize>,
}

impl Parser<'_> {
    fn unknown(&self) -> String {
        format!("Unknown type: {}", self.text)
    }

    /// Takes the next token when it is this word, in any case.
    fn word(&mut self, expect: &str) -> bool {
        let found =
            matches!(self.tokens.get(self.position), Some(Token::Word(word)) if word.eq_ignore_ascii_case(expect));
        self.position += usize::from(found);
        found
    }

    fn words(&mut self, expect: &[&str]) -> Result<(), String> {
        if expect.iter().all(|word| self.word(word)) { Ok(()) } else { Err(self.unknown()) }
    }

    fn symbol(&mut self, expect: char) -> bool {
        let found = self.tokens.get(self.position) == Some(&Token::Symbol(expect));
        self.position += usize::from(found);
        found
    }

    fn data_type(&mut self, depth: usize) -> Result<DataType, String> {
        if depth > NESTING_MAX {
            return Err(format!("Type is nested more than {NESTING_MAX} levels deep"));
        }
        let Some(Token::Word(name)) = self.tokens.get(self.position).cloned() else { return Err(self.unknown()) };
        self.position += 1;
        Ok(match name.to_ascii_lowercase().as_str() {
            "int" | "integer" => DataType::Int32,
            "bigint" => DataType::Int64,
            "double" => {
                self.word("precision");
                DataType::Float64
            }
            "boolean" => DataType::Boolean,
            "varchar" => {
                self.varchar_length = self.length()?.or(self.varchar_length);
                DataType::Utf8
            }
            "varbinary" => DataType::Binary,
            "date" => DataType::Date32,
            "time" => {
                self.no_zone()?;
                TIME
            }
            "timestamp" => {
                self.no_zone()?;
                TIMESTAMP
            }
            "interval" if self.word("year") => {
                self.words(&["to", "month"])?;
                YEAR_TO_MONTH
            }
            "interval" => {
                self.words(&["day", "to", "second"])?;
                DAY_TO_SECOND
            }
            "unknown" => DataType::Null,
            "array" => array(self.parameter(depth)?),
            "timeseries" => timeseries(self.parameter(depth)?),
            "row" => self.row(depth)?,
            _ => return Err(format!("Unknown type: {name}")),
        })
    }

    /// `(n)` if there is one.
    fn length(&mut self) -> Result<Option<usize>, String> {
        if !self.symbol('(') {
            return Ok(None);
        }
        let length = match self.tokens.get(self.position) {
            Some(Token::Word(digits)) => digits.parse().map_err(|_| self.unknown())?,
            _ => return Err(self.unknown()),
        };
        self.position += 1;
        if self.symbol(')') { Ok(Some(length)) } else { Err(self.unknown()) }
    }

    /// The service's times have no zone. # guide: supported-data-types.html
    fn no_zone(&mut self) -> Result<(), String> {
        if self.word("with") {
            return Err(self.unknown());
        }
        if self.word("without") {
            self.words(&["time", "zone"])?;
        }
        Ok(())
    }

    /// `(T)`, or `<T>` as older Presto wrote it.
    fn parameter(&mut self, depth: usize) -> Result<DataType, String> {
        let close = if self.symbol('(') {
            ')'
        } else if self.symbol('<') {
            '>'
        } else {
            return Err(self.unknown());
        };
        let data_type = self.data_type(depth + 1)?;
        if self.symbol(close) { Ok(data_type) } else { Err(self.unknown()) }
    }

    fn row(&mut self, depth: usize) -> Result<DataType, String> {
        if !self.symbol('(') {
            return Err(self.unknown());
        }
        let mut fields = Vec::new();
        loop {
            fields.push(self.field(fields.len(), depth)?);
            if self.symbol(')') {
                return Ok(DataType::Struct(fields.into()));
            }
            if !self.symbol(',') {
                return Err(self.unknown());
            }
        }
    }

    /// `name type` or `type`. A word is a name when a whole type follows it; `interval day to second` is no name
    /// followed by a type, because `day` is none.
    fn field(&mut self, index: usize, depth: usize) -> Result<FieldRef, String> {
        let name = match self.tokens.get(self.position) {
            Some(Token::Quoted(name) | Token::Word(name)) => name.clone(),
            _ => return Err(self.unknown()),
        };
        let named = matches!(self.tokens.get(self.position), Some(Token::Quoted(_)))
            || matches!(self.tokens.get(self.position + 1), Some(Token::Word(next)) if is_type_word(next));
        if !named {
            return Ok(Field::new(anonymous_field(index), self.data_type(depth + 1)?, true).into());
        }
        self.position += 1;
        let field = FieldRef::from(Field::new(name, self.data_type(depth + 1)?, true));
        if field_name(&field).is_none() {
            return Err(format!("{}: a field name of # and digits is not supported", self.text));
        }
        Ok(field)
    }
}

fn is_type_word(word: &str) -> bool {
    const WORDS: [&str; 15] = [
        "int",
        "integer",
        "bigint",
        "double",
        "boolean",
        "varchar",
        "varbinary",
        "date",
        "time",
        "timestamp",
        "interval",
        "unknown",
        "array",
        "timeseries",
        "row",
    ];
    WORDS.iter().any(|known| known.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::{super::type_name, *};

    #[test]
    fn type_texts() {
        let check = |text: &str, expect: &str| {
            assert_eq!(parse_type(text).map(|t| type_name(&t)).unwrap_or_else(|error| error), expect, "{text}");
        };
        check("BIGINT", "bigint");
        check("INT", "integer");
        check("double precision", "double");
        check("ROW(count_high BIGINT, count_total BIGINT)", "row(count_high bigint,count_total bigint)");
        check("row(bigint, double)", "row(bigint,double)");
        check(
            "row(\"a b\" array(row(x date)), interval day to second)",
            "row(a b array(row(x date)),interval day to second)",
        );
        check("row(date date, time timestamp)", "row(date date,time timestamp)");
        check("array<varchar>", "array(varchar)");
        check("timeseries(double)", "timeseries(double)");
        check("interval year to month", "interval year to month");
        check("decimal(10,2)", "Unknown type: decimal");
        check("smallint", "Unknown type: smallint");
        check("timestamp with time zone", "Unknown type: timestamp with time zone");
        check("array(bigint", "Unknown type: array(bigint");
        check("bigint)", "Unknown type: bigint)");
        check("", "Unknown type: ");
        check("\"x", "Unknown type: \"x");
        check("array(varchar(3))", "array(varchar(3)): varchar with a length inside another type is not supported");
    }

    #[test]
    fn varchar_lengths() {
        assert_eq!(parse_type_text("varchar(3)").unwrap().varchar_length, Some(3));
        assert_eq!(parse_type_text("varchar").unwrap().varchar_length, None);
        assert!(parse_type_text("varchar(x)").is_err());
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = format!("{}bigint{}", "array(".repeat(5_000), ")".repeat(5_000));
        assert_eq!(parse_type(&deep), Err("Type is nested more than 100 levels deep".to_owned()));
    }
}
