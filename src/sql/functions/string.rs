//! Functions of texts. Lengths and positions count characters (code points). NULL gives NULL.

pub mod case;
pub mod character;
pub mod concat;
pub mod distance;
pub mod format;
pub mod luhn;
pub mod pad;
pub mod position;
pub mod replace;
pub mod soundex;
pub mod split;
pub mod substring;
pub mod translate;
pub mod trim;
pub mod url;
pub mod word_stem;

use super::Function;

pub(super) fn functions() -> Vec<Function> {
    [
        case::functions(),
        character::functions(),
        concat::functions(),
        distance::functions(),
        format::functions(),
        luhn::functions(),
        pad::functions(),
        position::functions(),
        replace::functions(),
        soundex::functions(),
        split::functions(),
        substring::functions(),
        translate::functions(),
        trim::functions(),
        url::functions(),
        word_stem::functions(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
