//! Signatures of functions as text, and the choice among them by the types of the arguments.
//!
//! `bin(timestamp, interval day to second) -> timestamp` is at once what the compatibility table prints, what error
//! messages say was expected, and what arguments are checked against. A single capital letter stands for any type, the
//! same one wherever it occurs, `K` for any type whose values have an order; `...` after the last parameter lets it occur any number of times, also never.

use super::compare::is_orderable;
use crate::sql::{
    error::invalid,
    types::{self, TIMESTAMP},
};
use datafusion::{arrow::datatypes::DataType, common::ScalarValue, error::Result};

/// The types of a call's arguments and which of them are literals.
#[derive(Clone, Copy, Debug)]
pub struct Arguments<'a> {
    /// The function's name, for messages.
    pub name: &'a str,
    /// One type for each argument.
    pub types: &'a [DataType],
    /// The value of each argument that is a literal.
    pub literals: &'a [Option<&'a ScalarValue>],
}

impl Arguments<'_> {
    /// The text of an argument that is a varchar literal.
    #[must_use]
    pub fn literal_text(&self, index: usize) -> Option<&str> {
        self.literals.get(index).copied().flatten()?.try_as_str().flatten()
    }
}

/// One form of a function.
#[derive(Clone, Debug)]
pub struct Signature {
    /// As written.
    pub text: &'static str,
    parameters: Vec<Pattern>,
    /// Whether the last parameter may occur any number of times.
    variadic: bool,
    returns: Pattern,
}

/// What a call's arguments are converted to and what it returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// One type for each argument.
    pub parameters: Vec<DataType>,
    /// The type of the result.
    pub returns: DataType,
}

impl Match {
    fn is_as_specific_as(&self, other: &Self) -> bool {
        self.parameters.iter().zip(&other.parameters).all(|(ours, theirs)| types::coerces(ours, theirs))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Exact(DataType),
    Variable(char),
    Array(Box<Pattern>),
    TimeSeries(Box<Pattern>),
}

impl Signature {
    /// Reads a signature.
    ///
    /// # Panics
    /// When the text is not one: signatures are constants of this program, and building the registry reads them all.
    #[must_use]
    pub fn new(text: &'static str) -> Self {
        Self::parse(text).unwrap_or_else(|error| panic!("signature {text}: {error}"))
    }

    fn parse(text: &'static str) -> Result<Self, String> {
        let (call, returns) = text.rsplit_once(" -> ").ok_or("no result")?;
        let (_, parameters) = call.split_once('(').ok_or("no parameters")?;
        let parameters = parameters.strip_suffix(')').ok_or("no closing parenthesis")?;
        let (parameters, variadic) = match parameters.strip_suffix("...") {
            Some(fixed) => (fixed, true),
            None => (parameters, false),
        };
        let parameters = split_parameters(parameters).map(Pattern::parse).collect::<Result<_, _>>()?;
        Ok(Self { text, parameters, variadic, returns: Pattern::parse(returns)? })
    }

    /// The signature without its result, as messages print it.
    fn call(&self) -> &'static str {
        self.text.rsplit_once(" -> ").map_or(self.text, |(call, _)| call)
    }

    /// The types this form would take the arguments as. Without `convert` they must be those types already.
    fn matches(&self, arguments: &Arguments, convert: bool) -> Option<Match> {
        let required = self.parameters.len() - usize::from(self.variadic);
        let count = arguments.types.len();
        if count < required || (!self.variadic && count > required) {
            return None;
        }
        let pattern = |index: usize| self.parameters.get(index).or(self.parameters.last());
        let mut bound = Vec::new();
        for (index, data_type) in arguments.types.iter().enumerate() {
            let literal = convert && arguments.literal_text(index).is_some();
            if !pattern(index)?.bind(data_type, literal, convert, &mut bound) {
                return None;
            }
        }
        let parameters =
            (0..count).map(|index| Some(pattern(index)?.substitute(&bound))).collect::<Option<Vec<_>>>()?;
        if !convert && parameters != arguments.types {
            return None;
        }
        Some(Match { parameters, returns: self.returns.substitute(&bound) })
    }
}

/// Splits at the commas outside parentheses.
fn split_parameters(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    text.split(move |c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, String> {
        let parameter = |prefix: &str| text.strip_prefix(prefix)?.strip_suffix(')');
        if let Some(element) = parameter("array(") {
            return Ok(Self::Array(Box::new(Self::parse(element)?)));
        }
        if let Some(value) = parameter("timeseries(") {
            return Ok(Self::TimeSeries(Box::new(Self::parse(value)?)));
        }
        match text.as_bytes() {
            [letter] if letter.is_ascii_uppercase() => Ok(Self::Variable(char::from(*letter))),
            _ => types::parse_type(text).map(Self::Exact),
        }
    }

    /// Whether a type fits, noting what its variables stand for.
    fn bind(&self, data_type: &DataType, literal: bool, convert: bool, bound: &mut Vec<(char, DataType)>) -> bool {
        match self {
            Self::Exact(exact) => {
                data_type == exact || (convert && types::coerces(data_type, exact)) || (literal && *exact == TIMESTAMP)
            }
            Self::Variable('K') if !is_orderable(data_type) => false,
            Self::Variable(letter) => {
                let Some(place) = bound.iter().position(|(known, _)| known == letter) else {
                    bound.push((*letter, data_type.clone()));
                    return true;
                };
                let Some(common) = types::comparable(&bound[place].1, data_type) else { return false };
                bound[place].1 = common;
                true
            }
            Self::Array(element) => match types::array_element(data_type) {
                Some(found) => element.bind(found, false, convert, bound),
                None => convert && *data_type == DataType::Null,
            },
            Self::TimeSeries(value) => match types::timeseries_value(data_type) {
                Some(found) => value.bind(found, false, convert, bound),
                None => convert && *data_type == DataType::Null,
            },
        }
    }

    /// The type with its variables replaced; one that nothing stands for is unknown.
    fn substitute(&self, bound: &[(char, DataType)]) -> DataType {
        match self {
            Self::Exact(exact) => exact.clone(),
            Self::Variable(letter) => {
                bound.iter().find(|(known, _)| known == letter).map_or(DataType::Null, |(_, found)| found.clone())
            }
            Self::Array(element) => types::array(element.substitute(bound)),
            Self::TimeSeries(value) => types::timeseries(value.substitute(bound)),
        }
    }
}

/// The form of a function its arguments call, by position in `signatures`: the one that takes them as they are, else the
/// most specific of those that take them converted, that is the one whose parameters convert to the others'; else the
/// first of them.
///
/// A varchar literal is accepted as a timestamp; a varchar column is not. # guide: date-time-functions.html passes
/// literals only
///
/// # Errors
/// `Unexpected parameters (…) for function …. Expected: …`, in Presto's words, or what is wrong with a timestamp's text.
pub fn choose<'a>(
    signatures: impl Iterator<Item = &'a Signature> + Clone,
    arguments: &Arguments,
) -> Result<(usize, Match)> {
    let matches = |convert: bool| {
        let indexed = signatures.clone().enumerate();
        indexed.filter_map(move |(index, signature)| Some((index, signature.matches(arguments, convert)?)))
    };
    if let Some(exact) = matches(false).next() {
        return Ok(exact);
    }
    let converted: Vec<(usize, Match)> = matches(true).collect();
    let is_specific = |found: &(usize, Match)| converted.iter().all(|other| found.1.is_as_specific_as(&other.1));
    let Some(chosen) = converted.iter().find(|found| is_specific(found)).or(converted.first()) else {
        let expected = signatures.map(Signature::call).collect::<Vec<_>>().join(", ");
        return Err(unexpected_parameters(arguments, &expected));
    };
    check_timestamp_literals(arguments, &chosen.1.parameters)?;
    Ok(chosen.clone())
}

/// The error for arguments no form of a function takes.
pub fn unexpected_parameters(arguments: &Arguments, expected: &str) -> datafusion::error::DataFusionError {
    let given = types::type_names(arguments.types);
    invalid(format!("Unexpected parameters ({given}) for function {}. Expected: {expected}", arguments.name))
}

fn check_timestamp_literals(arguments: &Arguments, parameters: &[DataType]) -> Result<()> {
    for (index, parameter) in parameters.iter().enumerate() {
        match arguments.literal_text(index) {
            Some(text) if *parameter == TIMESTAMP && types::parse_timestamp(text).is_none() => {
                return Err(invalid(format!("Value cannot be cast to timestamp: {text}")));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(signatures: &[&'static str], arguments: &str, expect: &str) {
        let signatures: Vec<Signature> = signatures.iter().map(|text| Signature::new(text)).collect();
        let types: Vec<DataType> = split_parameters(arguments).map(|text| types::parse_type(text).unwrap()).collect();
        let literals = vec![None; types.len()];
        let arguments = Arguments { name: "f", types: &types, literals: &literals };
        let got = match choose(signatures.iter(), &arguments) {
            Ok((index, found)) => {
                format!("{index}: {} -> {}", types::type_names(&found.parameters), types::type_name(&found.returns))
            }
            Err(error) => error.to_string(),
        };
        assert!(got.ends_with(expect), "{got} is not {expect}");
    }

    #[test]
    fn forms_are_chosen_by_type() {
        let abs = ["f(integer) -> integer", "f(bigint) -> bigint", "f(double) -> double"];
        check(&abs, "double", "2: double -> double");
        check(&abs, "integer", "0: integer -> integer");
        check(&abs, "unknown", "0: integer -> integer");
        check(
            &abs,
            "varchar",
            "Unexpected parameters (varchar) for function f. Expected: f(integer), f(bigint), f(double)",
        );
        check(&["f(bigint, double) -> boolean"], "integer, bigint", "0: bigint, double -> boolean");
        check(
            &["f(bigint, timestamp) -> bigint", "f(bigint, date) -> bigint"],
            "integer, date",
            "1: bigint, date -> bigint",
        );
        check(&["f() -> double"], "", "0:  -> double");
        check(&["f() -> double"], "bigint", "Unexpected parameters (bigint) for function f. Expected: f()");
    }

    #[test]
    fn variables_stand_for_one_type() {
        check(&["f(T, T...) -> T"], "integer, bigint, double", "0: double, double, double -> double");
        check(&["f(T, T...) -> T"], "unknown, varchar", "0: varchar, varchar -> varchar");
        check(
            &["f(T, T...) -> T"],
            "varchar, bigint",
            "Unexpected parameters (varchar, bigint) for function f. Expected: f(T, T...)",
        );
        check(&["f(array(T), T) -> T"], "array(integer), bigint", "0: array(bigint), bigint -> bigint");
        check(
            &["f(array(array(T))) -> array(T)"],
            "array(array(varchar))",
            "0: array(array(varchar)) -> array(varchar)",
        );
        check(&["f(timeseries(double), T) -> T"], "timeseries(bigint), date", "0: timeseries(double), date -> date");
        check(&["f(K) -> K"], "array(row(date))", "0: array(row(date)) -> array(row(date))");
        check(
            &["f(K) -> K"],
            "timeseries(double)",
            "Unexpected parameters (timeseries(double)) for function f. Expected: f(K)",
        );
        check(&["f(array(T)) -> T"], "unknown", "0: array(unknown) -> unknown");
    }

    #[test]
    fn only_varchar_literals_are_timestamps() {
        let signature = [Signature::new("f(timestamp) -> date")];
        let types = [DataType::Utf8];
        let text = |text: &str| ScalarValue::Utf8(Some(text.to_owned()));
        let choose_with = |literal: Option<&ScalarValue>| {
            choose(signature.iter(), &Arguments { name: "f", types: &types, literals: &[literal] })
                .map(|(_, found)| found.parameters)
                .map_err(|error| error.to_string())
        };
        assert_eq!(choose_with(Some(&text("2022-01-01"))), Ok(vec![TIMESTAMP]));
        assert!(choose_with(Some(&text("abc"))).unwrap_err().ends_with("Value cannot be cast to timestamp: abc"));
        assert!(choose_with(None).unwrap_err().contains("Unexpected parameters (varchar)"));
    }
}
