//! `array_distinct`, `array_union`, `array_intersect`, `array_except`, `arrays_overlap`: arrays as sets. NULL counts as one
//! element; elements stay in the order of their first occurrence. # inferred: the order

use crate::sql::functions::{
    Class, Family, Function,
    call::Call,
    compare::same_zeros,
    lists::{Lists, element_type, range},
    scalar::scalar,
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef},
        datatypes::DataType,
        row::{RowConverter, Rows, SortField},
    },
    error::Result,
};
use std::{collections::HashSet, ops::Range, sync::Arc};

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::Array, Class::Documented, summary);
    [
        function("array_distinct", "The array without repeated elements.")
            .form("array_distinct(array(T)) -> array(T)", |call| set_operation(call, Operation::Union))
            .build(),
        function("array_union", "The elements of either array, without repetition.")
            .form("array_union(array(T), array(T)) -> array(T)", |call| set_operation(call, Operation::Union))
            .build(),
        function("array_intersect", "The elements of both arrays, without repetition.")
            .form("array_intersect(array(T), array(T)) -> array(T)", |call| set_operation(call, Operation::Intersect))
            .build(),
        function("array_except", "The elements of the first array that are not in the second, without repetition.")
            .form("array_except(array(T), array(T)) -> array(T)", |call| set_operation(call, Operation::Except))
            .build(),
        function("arrays_overlap", "Whether two arrays have a common element that is not NULL.")
            .form("arrays_overlap(array(T), array(T)) -> boolean", overlap)
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Union,
    Intersect,
    Except,
}

/// The values of a column's arrays in a form that is equal when they are.
struct Keys {
    rows: Rows,
    values: ArrayRef,
}

impl Keys {
    fn try_new(call: &Call, index: usize, converter: &RowConverter) -> Result<Self> {
        let (list, _) = call.lists(index)?;
        let values = same_zeros(list.values())?;
        Ok(Self { rows: converter.convert_columns(&[Arc::clone(&values)])?, values })
    }

    fn of(&self, places: Range<usize>) -> HashSet<&[u8]> {
        places.map(|place| self.key(place)).collect()
    }

    fn key(&self, place: usize) -> &[u8] {
        self.rows.row(place).data()
    }
}

fn converter(call: &Call) -> Result<RowConverter> {
    let element = call.lists(0)?.0.value_type();
    Ok(RowConverter::new(vec![SortField::new(element)])?)
}

fn set_operation(call: &Call, operation: Operation) -> Result<ArrayRef> {
    let element = element_type(call.returns)?;
    let converter = converter(call)?;
    let keys = (0..call.columns.len()).map(|index| Keys::try_new(call, index, &converter));
    let keys = keys.collect::<Result<Vec<_>>>()?;
    let sources = (0..call.columns.len()).map(|index| Ok(Arc::clone(call.lists(index)?.0.values())));
    let mut lists = Lists::new(element, sources.collect::<Result<Vec<_>>>()?);
    let columns = (0..call.columns.len()).map(|index| call.lists(index)).collect::<Result<Vec<_>>>()?;
    for row in 0..call.rows {
        if columns.iter().any(|(list, column)| list.is_null(column.index(row))) {
            lists.end_null_row();
            continue;
        }
        let places = |index: usize| range(columns[index].0, columns[index].1.index(row));
        let mut seen = HashSet::new();
        let others = match operation {
            Operation::Union => HashSet::new(),
            Operation::Intersect | Operation::Except => keys[1].of(places(1)),
        };
        let sources = if operation == Operation::Union { keys.len() } else { 1 };
        for (source, keys) in keys.iter().enumerate().take(sources) {
            for place in places(source) {
                let key = keys.key(place);
                let wanted =
                    operation == Operation::Union || others.contains(key) == (operation == Operation::Intersect);
                if wanted && seen.insert(key) {
                    lists.push(source, place);
                }
            }
        }
        lists.end_row()?;
    }
    lists.finish(call.returns)
}

fn overlap(call: &Call) -> Result<ArrayRef> {
    let converter = converter(call)?;
    let (left, right) = (Keys::try_new(call, 0, &converter)?, Keys::try_new(call, 1, &converter)?);
    let ((left_list, left_column), (right_list, right_column)) = (call.lists(0)?, call.lists(1)?);
    let known = |keys: &Keys, place: usize| *keys.values.data_type() != DataType::Null && keys.values.is_valid(place);
    call.collect_booleans(|row| {
        let (i, j) = (left_column.index(row), right_column.index(row));
        if left_list.is_null(i) || right_list.is_null(j) {
            return Ok(None);
        }
        let (ours, theirs) = (range(left_list, i), range(right_list, j));
        let others = right.of(theirs.clone());
        let common = ours.clone().any(|place| known(&left, place) && others.contains(left.key(place)));
        let has_null =
            ours.into_iter().any(|place| !known(&left, place)) || theirs.into_iter().any(|place| !known(&right, place));
        Ok(match (common, has_null) {
            (true, _) => Some(true),
            (false, true) => None,
            (false, false) => Some(false),
        })
    })
}
