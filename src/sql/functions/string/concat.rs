//! `concat(a, b, …)`: of texts, or of arrays; NULL when one is.

use crate::sql::functions::{
    Class, Family, Function,
    binary::part,
    operators::concatenation::{concat_arrays, concat_texts},
    scalar::scalar,
};

pub(super) fn functions() -> Vec<Function> {
    scalar("concat", Family::String, Class::Documented, "Texts or arrays one after the other.")
        .form("concat(varchar, varchar, varchar...) -> varchar", concat_texts)
        .form("concat(varbinary, varbinary, varbinary...) -> varbinary", part::concat)
        .form("concat(array(T), array(T)...) -> array(T)", concat_arrays)
        .build()
}
