//! `array_join(array, delimiter[, null_replacement])`: the elements' texts; without a replacement NULLs are left out.

use crate::sql::{
    error::invalid,
    functions::{
        Class, Family, Function,
        call::{Call, TextBuilder, check_text_bytes, string},
        conversion::cast::{can_cast, convert},
        lists::range,
        scalar::{Resolved, scalar},
        signature::{Arguments, unexpected_parameters},
    },
    types::{self, array_element},
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef},
        datatypes::DataType,
    },
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    scalar("array_join", Family::Array, Class::Documented, "The elements' texts with a delimiter between them.")
        .custom("array_join(array(T), varchar[, varchar]) -> varchar", resolve)
        .build()
}

fn resolve(arguments: &Arguments) -> Result<Resolved> {
    let expected = "array_join(array(T), varchar), array_join(array(T), varchar, varchar)";
    let is_text = |data_type: &DataType| matches!(data_type, DataType::Utf8 | DataType::Null);
    let (array, texts) = match arguments.types {
        [array, texts @ ..] if matches!(texts.len(), 1 | 2) && texts.iter().all(is_text) => (array, texts),
        _ => return Err(unexpected_parameters(arguments, expected)),
    };
    let array = if *array == DataType::Null { types::array(DataType::Null) } else { array.clone() };
    let Some(element) = array_element(&array) else { return Err(unexpected_parameters(arguments, expected)) };
    let nested = element.is_nested() && *element != DataType::Null;
    if nested || !can_cast(element, &DataType::Utf8) {
        // # inferred: Presto's words
        return Err(invalid(format!("Input type {} not supported", types::type_name(element))));
    }
    let mut parameters = vec![array.clone()];
    parameters.extend(texts.iter().map(|_| DataType::Utf8));
    Ok(Resolved { parameters, returns: DataType::Utf8, kernel: join })
}

fn join(call: &Call) -> Result<ArrayRef> {
    let (list, column) = call.lists(0)?;
    let values = convert(list.values(), &DataType::Utf8)?;
    let values = string(&values)?;
    let delimiters = call.texts(1)?;
    let replacements = if call.columns.len() == 3 { Some(call.texts(2)?) } else { None };
    let mut builder = TextBuilder::new(call.rows);
    let mut joined = String::new();
    for row in 0..call.rows {
        let at = column.index(row);
        let replacement = replacements.as_ref().map(|replacements| replacements.get(row));
        let (Some(delimiter), true, false) = (delimiters.get(row), list.is_valid(at), replacement == Some(None)) else {
            builder.append(None)?;
            continue;
        };
        joined.clear();
        let mut first = true;
        for place in range(list, at) {
            let text = if values.is_valid(place) { Some(values.value(place)) } else { replacement.flatten() };
            let Some(text) = text else { continue };
            if !first {
                joined.push_str(delimiter);
            }
            first = false;
            joined.push_str(text);
            check_text_bytes(joined.len())?;
        }
        builder.append(Some(&joined))?;
    }
    Ok(builder.finish())
}
