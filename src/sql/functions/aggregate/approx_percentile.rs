//! `approx_percentile(x, p)` and its forms with a weight, several percentages, or an accuracy. The answer is exact: the
//! smallest value up to which at least the fraction `p` of the values lies, and so within every accuracy.
//! # guide: aggregate-functions.html: 0.4 of 1, 2, 3, 4 is 2

use super::{
    super::{Class, Function},
    function::{Implementation, Own, Types, aggregate},
};
use crate::sql::{
    error::invalid,
    functions::call::{list, primitive},
    types::array,
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, ArrowPrimitiveType, Float64Array, Int64Array, PrimitiveArray},
        datatypes::{ArrowNativeTypeOp, DataType, Float64Type, Int64Type},
    },
    common::{ScalarValue, internal_datafusion_err, utils::SingleRowListArrayBuilder},
    error::Result,
    logical_expr::Accumulator,
};
use std::{fmt::Debug, sync::Arc};

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
        groups: None,
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
        let percentages = match column.data_type() {
            DataType::List(_) if column.is_valid(0) => list(column)?.value(0),
            _ => column.slice(0, 1),
        };
        let percentages = primitive::<Float64Type>(&percentages)?;
        let checked = percentages.iter().map(|percentage| match percentage {
            Some(percentage) if (0.0..=1.0).contains(&percentage) => Ok(percentage),
            _ => Err(invalid("Percentile must be between 0 and 1")), // # inferred: Presto's words
        });
        self.percentages = Some(checked.collect::<Result<_>>()?);
        Ok(())
    }

    fn add(&mut self, values: &PrimitiveArray<T>, weights: Option<&Int64Array>) -> Result<()> {
        for (row, value) in values.iter().enumerate() {
            let Some(value) = value else { continue };
            if let Some(weights) = weights {
                if weights.is_null(row) {
                    continue;
                }
                if weights.value(row) < 1 {
                    return Err(invalid("percentile weight must be > 0")); // # inferred: Presto's words
                }
                self.weights.push(weights.value(row));
            }
            self.values.push(value);
        }
        Ok(())
    }

    /// The values in order, each with the weight of itself and all before it.
    fn cumulated(&self) -> Vec<(T::Native, i128)> {
        let weight = |index: usize| self.weights.get(index).copied().unwrap_or(1);
        let mut weighted: Vec<(T::Native, i128)> =
            self.values.iter().enumerate().map(|(index, value)| (*value, i128::from(weight(index)))).collect();
        weighted.sort_by(|(a, _), (b, _)| a.compare(*b));
        let mut total = 0;
        for (_, weight) in &mut weighted {
            total += *weight;
            *weight = total;
        }
        weighted
    }
}

/// The first value whose cumulated weight reaches the fraction of the whole.
fn at<V: Copy>(cumulated: &[(V, i128)], percentage: f64) -> Option<V> {
    let (_, total) = cumulated.last()?;
    let wanted = percentage * *total as f64;
    let index = cumulated.partition_point(|(_, weight)| (*weight as f64) < wanted);
    cumulated.get(index.min(cumulated.len() - 1)).map(|(value, _)| *value)
}

impl<T: ArrowPrimitiveType + Send + Sync + Debug> Accumulator for Percentiles<T> {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let weighted = self.is_weighted();
        let values = primitive::<T>(&columns[0])?;
        let weights = if weighted { Some(primitive::<Int64Type>(&columns[1])?) } else { None };
        self.set_percentages(&columns[if weighted { 2 } else { 1 }])?;
        if let Some(accuracies) = columns.get(3) {
            let accuracies: &Float64Array = primitive::<Float64Type>(accuracies)?;
            let fits = |accuracy: Option<f64>| accuracy.is_some_and(|accuracy| accuracy > 0.0 && accuracy < 1.0);
            if !accuracies.is_empty() && !fits(accuracies.iter().next().flatten()) {
                // # inferred: Presto's words
                return Err(invalid("percentile accuracy must be exclusively between 0 and 1"));
            }
        }
        self.add(values, weights)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let cumulated = self.cumulated();
        let percentages = self.percentages.clone().unwrap_or_default();
        if cumulated.is_empty() {
            return ScalarValue::try_new_null(&self.types.returns);
        }
        let values = PrimitiveArray::<T>::from_iter(percentages.iter().map(|percentage| at(&cumulated, *percentage)));
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
