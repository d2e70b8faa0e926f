//! `word_stem(word)`, `word_stem(word, language)`: the stem of a word, by the Snowball algorithm of its language. # trino

use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, scalar::scalar},
};
use datafusion::error::Result;
use rust_stemmers::{Algorithm, Stemmer};

pub(super) fn functions() -> Vec<Function> {
    scalar("word_stem", Family::String, Class::Inherited, "The stem of a word, of English or of the language given.")
        .form("word_stem(varchar) -> varchar", |call| {
            let words = call.texts(0)?;
            let stemmer = Stemmer::create(Algorithm::English);
            call.collect_texts(|row| Ok(words.get(row).map(|word| stemmer.stem(word))))
        })
        .form("word_stem(varchar, varchar) -> varchar", |call| {
            let (words, languages) = (call.texts(0)?, call.texts(1)?);
            call.collect_texts(|row| match (words.get(row), languages.get(row)) {
                (Some(word), Some(language)) => Ok(Some(stem(word, language)?)),
                _ => Ok(None),
            })
        })
        .build()
}

fn stem(word: &str, language: &str) -> Result<String> {
    Ok(Stemmer::create(algorithm(language)?).stem(word).into_owned())
}

fn algorithm(language: &str) -> Result<Algorithm> {
    Ok(match language {
        "da" => Algorithm::Danish,
        "de" => Algorithm::German,
        "en" => Algorithm::English,
        "es" => Algorithm::Spanish,
        "fi" => Algorithm::Finnish,
        "fr" => Algorithm::French,
        "hu" => Algorithm::Hungarian,
        "it" => Algorithm::Italian,
        "nl" => Algorithm::Dutch,
        "no" => Algorithm::Norwegian,
        "pt" => Algorithm::Portuguese,
        "ro" => Algorithm::Romanian,
        "ru" => Algorithm::Russian,
        "sv" => Algorithm::Swedish,
        "tr" => Algorithm::Turkish,
        // Presto has them; the library has no algorithm for them.
        "ca" | "eu" | "hy" | "ir" | "lt" => {
            return Err(invalid(format!("word_stem for the language '{language}' is not implemented by Timebrook")));
        }
        // # trino: its words
        _ => return Err(invalid(format!("Unknown stemmer language: {language}"))),
    })
}
