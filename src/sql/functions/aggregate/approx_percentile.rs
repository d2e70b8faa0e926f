//! `approx_percentile(x, p)` and its forms with a weight, several percentages, or an accuracy. The answer is exact: the
//! smallest value up to which at least the fraction `p` of the values lies, and so within every accuracy.
//! # guide: aggregate-functions.html: 0.4 of 1, 2, 3, 4 is 2

use super::{
    super::{Class, Function},
    function::{Implementation, Own, Types, aggregate, row_states},
    gathered::{ByGroup, Gathered, kept_rows},
};
use crate::sql::{
    error::invalid,
    functions::call::{list, primitive},
    types::array,
};
use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, ArrowPrimitiveType, BooleanArray, Float64Array, Int64Array, PrimitiveArray,
            new_empty_array,
        },
        datatypes::{ArrowNativeTypeOp, DataType, Float64Type, Int64Type},
    },
    common::{ScalarValue, internal_datafusion_err, utils::SingleRowListArrayBuilder},
    error::Result,
    logical_expr::{Accumulator, EmitTo, GroupsAccumulator},
};
use std::{fmt::Debug, marker::PhantomData, sync::Arc};

pub(super) fn functions() -> Vec<Function> {
    let (bigint, double) = (implementation::<Int64Type>(), implementation::<Float64Type>());
    aggregate("approx_percentile", Class::Documented, "The value up to which a fraction of the values lies.")
        .form("approx_percentile(bigint, double) -> bigint", bigint)
        .form("approx_percentile(double, double) -> double", double)
        .form("approx_percentile(bigint, array(double)) -> array(bigint)", bigint)
        .form("approx_percentile(double, array(double)) -> array(double)", double)
        .form("approx_percentile(bigint, bigint, double) -> bigint", bigint)
        .form("approx_percentile(double, bigint, double) -> double", double)
        .form("approx_percentile(bigint, bigint, array(double)) -> array(bigint)", bigint)
        .form("approx_percentile(double, bigint, array(double)) -> array(double)", double)
        .form("approx_percentile(bigint, bigint, double, double) -> bigint", bigint)
        .form("approx_percentile(double, bigint, double, double) -> double", double)
        .build()
}

fn implementation<T: ArrowPrimitiveType + Send + Sync + Debug>() -> Implementation {
    Implementation::Own(Own {
        accumulator: |types| Ok(Box::new(Percentiles::<T>::new(types))),
        state: |types| vec![array(types.parameters[0].clone()), array(DataType::Int64), array(DataType::Float64)],
        groups: Some(|types| Ok(Box::new(PercentilesOfGroups::<T>::new(types)))),
    })
}

#[derive(Debug)]
struct Percentiles<T: ArrowPrimitiveType> {
    types: Types,
    values: Vec<T::Native>,
    /// One for each value; empty when every weight is 1.
    weights: Vec<i64>,
    /// `None` before the first row says them.
    percentages: Option<Vec<f64>>,
}

impl<T: ArrowPrimitiveType> Percentiles<T> {
    fn new(types: &Types) -> Self {
        Self { types: types.clone(), values: Vec::new(), weights: Vec::new(), percentages: None }
    }

    fn is_weighted(&self) -> bool {
        self.types.parameters.len() > 2
    }

    /// Takes the percentages of the first row: they are the same for all.
    fn set_percentages(&mut self, column: &ArrayRef) -> Result<()> {
        if self.percentages.is_some() || column.is_empty() {
            return Ok(());
        }
        self.percentages = Some(percentages_at(column, 0)?);
        Ok(())
    }

    fn add(&mut self, values: &PrimitiveArray<T>, weights: Option<&Int64Array>) -> Result<()> {
        for (row, value) in values.iter().enumerate() {
            let (Some(value), Some(weight)) = (value, weight_at(weights, row)?) else { continue };
            self.values.push(value);
            if weights.is_some() {
                self.weights.push(weight);
            }
        }
        Ok(())
    }
}

/// The percentages of a row: one, or an array of them.
fn percentages_at(column: &ArrayRef, row: usize) -> Result<Vec<f64>> {
    let percentages = match column.data_type() {
        DataType::List(_) if column.is_valid(row) => list(column)?.value(row),
        _ => column.slice(row, 1),
    };
    let checked = primitive::<Float64Type>(&percentages)?.iter().map(|percentage| match percentage {
        Some(percentage) if (0.0..=1.0).contains(&percentage) => Ok(percentage),
        _ => Err(invalid("Percentile must be between 0 and 1")), // # inferred: Presto's words
    });
    checked.collect()
}

/// The weight of a row, 1 where there are none; `None` where it is NULL.
fn weight_at(weights: Option<&Int64Array>, row: usize) -> Result<Option<i64>> {
    let Some(weights) = weights else { return Ok(Some(1)) };
    match weights.is_valid(row).then(|| weights.value(row)) {
        Some(..1) => Err(invalid("percentile weight must be > 0")), // # inferred: Presto's words
        weight => Ok(weight),
    }
}

fn check_accuracy(accuracies: Option<&ArrayRef>) -> Result<()> {
    let Some(accuracies) = accuracies else { return Ok(()) };
    let first = primitive::<Float64Type>(accuracies)?.iter().next();
    let fits = |accuracy: Option<f64>| accuracy.is_some_and(|accuracy| accuracy > 0.0 && accuracy < 1.0);
    match first {
        // # inferred: Presto's words
        Some(accuracy) if !fits(accuracy) => Err(invalid("percentile accuracy must be exclusively between 0 and 1")),
        _ => Ok(()),
    }
}

/// The value at each fraction of the whole: the first whose weight, with that of all before it, reaches it.
fn nearest_ranks<V: ArrowNativeTypeOp>(values: &mut [V], weights: &[i64], percentages: &[f64]) -> Vec<Option<V>> {
    if weights.is_empty() {
        values.sort_unstable_by(|a, b| a.compare(*b));
        let rank = |percentage: &f64| (percentage * values.len() as f64).ceil().max(1.0) as usize;
        return percentages.iter().map(|p| values.get(rank(p).min(values.len()).wrapping_sub(1)).copied()).collect();
    }
    let mut weighted: Vec<(V, i128)> =
        values.iter().zip(weights).map(|(value, weight)| (*value, i128::from(*weight))).collect();
    weighted.sort_by(|(a, _), (b, _)| a.compare(*b));
    let mut total = 0;
    for (_, weight) in &mut weighted {
        total += *weight;
        *weight = total;
    }
    let at = |percentage: &f64| {
        let wanted = percentage * total as f64;
        let index = weighted.partition_point(|(_, weight)| (*weight as f64) < wanted);
        weighted.get(index.min(weighted.len().saturating_sub(1))).map(|(value, _)| *value)
    };
    percentages.iter().map(at).collect()
}

impl<T: ArrowPrimitiveType + Send + Sync + Debug> Accumulator for Percentiles<T> {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let weighted = self.is_weighted();
        let values = primitive::<T>(&columns[0])?;
        let weights = if weighted { Some(primitive::<Int64Type>(&columns[1])?) } else { None };
        self.set_percentages(&columns[if weighted { 2 } else { 1 }])?;
        check_accuracy(columns.get(3))?;
        self.add(values, weights)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.values.is_empty() {
            return ScalarValue::try_new_null(&self.types.returns);
        }
        let percentages = self.percentages.clone().unwrap_or_default();
        // Without weights the order of the values does not matter afterwards.
        let values = nearest_ranks(&mut self.values, &self.weights, &percentages);
        let values = PrimitiveArray::<T>::from_iter(values);
        match self.types.returns {
            DataType::List(_) => Ok(one_list(Arc::new(values))),
            _ => ScalarValue::try_from_array(&values, 0),
        }
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.capacity() * size_of::<T::Native>() + self.weights.capacity() * size_of::<i64>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let percentages = match &self.percentages {
            Some(percentages) => one_list(Arc::new(Float64Array::from(percentages.clone()))),
            None => ScalarValue::try_new_null(&array(DataType::Float64))?,
        };
        Ok(vec![
            one_list(Arc::new(PrimitiveArray::<T>::from_iter_values(self.values.iter().copied()))),
            one_list(Arc::new(Int64Array::from(self.weights.clone()))),
            percentages,
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [values, weights, percentages] = states else {
            return Err(internal_datafusion_err!("three columns of state"));
        };
        let (values, weights, percentages) = (list(values)?, list(weights)?, list(percentages)?);
        for row in (0..values.len()).filter(|row| percentages.is_valid(*row)) {
            let percentages = primitive::<Float64Type>(&percentages.value(row))?.values().to_vec();
            self.percentages.get_or_insert(percentages);
            let weights = weights.value(row);
            let weights = if self.is_weighted() { Some(primitive::<Int64Type>(&weights)?) } else { None };
            self.add(primitive::<T>(&values.value(row))?, weights)?;
        }
        Ok(())
    }
}

/// An array of all values.
fn one_list(values: ArrayRef) -> ScalarValue {
    ScalarValue::List(Arc::new(SingleRowListArrayBuilder::new(values).with_nullable(true).build_list_array()))
}

/// The values of many groups.
#[derive(Debug)]
struct PercentilesOfGroups<T: ArrowPrimitiveType> {
    types: Types,
    /// Values, and weights where there are any.
    rows: Gathered,
    /// The percentages of each group, as a place in `known`; `None` before its first row says them.
    percentages: Vec<Option<usize>>,
    /// Nearly always one: they are the same for all rows.
    known: Vec<Vec<f64>>,
    kind: PhantomData<T>,
}

impl<T: ArrowPrimitiveType + Send + Sync + Debug> PercentilesOfGroups<T> {
    fn new(types: &Types) -> Self {
        let types = types.clone();
        Self { types, rows: Gathered::default(), percentages: Vec::new(), known: Vec::new(), kind: PhantomData }
    }

    fn set_percentages(&mut self, group: usize, percentages: impl FnOnce() -> Result<Vec<f64>>) -> Result<()> {
        if self.percentages[group].is_none() {
            let percentages = percentages()?;
            if self.known.last() != Some(&percentages) {
                self.known.push(percentages);
            }
            self.percentages[group] = Some(self.known.len() - 1);
        }
        Ok(())
    }

    /// What is known of each group.
    fn groups(&mut self, emit_to: EmitTo) -> Result<Vec<Percentiles<T>>> {
        let ByGroup { columns, places } = self.rows.take(emit_to)?;
        let values = columns.first().map(|values| primitive::<T>(values)).transpose()?;
        let weights = columns.get(1).map(|weights| primitive::<Int64Type>(weights)).transpose()?;
        let percentages = emit_to.take_needed(&mut self.percentages);
        let mut groups = Vec::with_capacity(places.len());
        for (places, percentages) in places.into_iter().zip(percentages) {
            let mut group = Percentiles::<T>::new(&self.types);
            if let Some(values) = values {
                let weights = weights.map(|weights| weights.slice(places.start, places.len()));
                group.add(&values.slice(places.start, places.len()), weights.as_ref())?;
            }
            group.percentages = percentages.map(|place| self.known[place].clone());
            groups.push(group);
        }
        Ok(groups)
    }
}

impl<T: ArrowPrimitiveType + Send + Sync + Debug> GroupsAccumulator for PercentilesOfGroups<T> {
    fn update_batch(
        &mut self,
        columns: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        let (mut columns, groups) = kept_rows(columns, groups, filter)?;
        check_accuracy(columns.get(3))?;
        columns.truncate(3);
        let percentages = columns.pop().ok_or_else(|| internal_datafusion_err!("no percentages"))?;
        self.percentages.resize(total, None);
        for (row, group) in groups.iter().enumerate() {
            self.set_percentages(*group as usize, || percentages_at(&percentages, row))?;
        }
        self.rows.push(columns, groups, total);
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let groups = self.groups(emit_to)?;
        if groups.is_empty() {
            return Ok(new_empty_array(&self.types.returns));
        }
        let values = groups.into_iter().map(|mut group| group.evaluate()).collect::<Result<Vec<_>>>()?;
        ScalarValue::iter_to_array(values)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let mut columns = [Vec::new(), Vec::new(), Vec::new()];
        for mut group in self.groups(emit_to)? {
            columns.iter_mut().zip(group.state()?).for_each(|(column, part)| column.push(part));
        }
        columns.into_iter().map(ScalarValue::iter_to_array).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        let [values, weights, percentages] = states else {
            return Err(internal_datafusion_err!("three columns of state"));
        };
        let (values, weights, percentages) = (list(values)?, list(weights)?, list(percentages)?);
        let weighted = self.types.parameters.len() > 2;
        self.percentages.resize(total, None);
        for (row, group) in groups.iter().enumerate().filter(|(row, _)| percentages.is_valid(*row)) {
            let wanted = primitive::<Float64Type>(&percentages.value(row))?.values().to_vec();
            self.set_percentages(*group, || Ok(wanted))?;
            let group = u32::try_from(*group).map_err(|_| internal_datafusion_err!("group {group}"))?;
            let mut columns = vec![values.value(row)];
            columns.extend(weighted.then(|| weights.value(row)));
            let rows = columns[0].len();
            self.rows.push(columns, vec![group; rows], total);
        }
        self.rows.push(Vec::new(), Vec::new(), total);
        Ok(())
    }

    fn convert_to_state(&self, columns: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        row_states(Self::new(&self.types), columns, filter)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.rows.size() + self.percentages.capacity() * size_of::<Option<usize>>()
    }
}
