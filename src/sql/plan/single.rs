//! The only value of a subquery that stands for a value: an aggregate that fails at a second row.

use crate::sql::error::invalid;
use datafusion::{
    arrow::{
        array::{Array, ArrayRef},
        datatypes::{DataType, Field, FieldRef},
    },
    common::{ScalarValue, internal_datafusion_err},
    error::{DataFusionError, Result},
    logical_expr::{
        Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility,
        function::{AccumulatorArgs, StateFieldsArgs},
    },
};
use std::sync::Arc;

/// The aggregate: the value of the only row, null without one, an error with more.
pub(super) fn single() -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::from(Single { signature: Signature::any(1, Volatility::Immutable) }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Single {
    signature: Signature,
}

impl AggregateUDFImpl for Single {
    fn name(&self) -> &'static str {
        "__single"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        types.first().cloned().ok_or_else(|| internal_datafusion_err!("no argument"))
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Only { value: ScalarValue::try_from(args.return_field.data_type())?, seen: false }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![
            Arc::new(Field::new(format!("{}[value]", args.name), args.return_field.data_type().clone(), true)),
            Arc::new(Field::new(format!("{}[seen]", args.name), DataType::Boolean, false)),
        ])
    }
}

/// The row seen so far.
#[derive(Debug)]
struct Only {
    value: ScalarValue,
    seen: bool,
}

impl Only {
    fn see(&mut self, values: &ArrayRef, row: usize) -> Result<()> {
        if self.seen {
            return Err(multiple_rows());
        }
        self.value = ScalarValue::try_from_array(values, row)?;
        self.seen = true;
        Ok(())
    }
}

/// # inferred: Presto's words
fn multiple_rows() -> DataFusionError {
    invalid("Scalar sub-query has returned multiple rows")
}

impl Accumulator for Only {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values] = values else { return Err(internal_datafusion_err!("one argument")) };
        // Two rows are enough to know.
        (0..values.len().min(2)).try_for_each(|row| self.see(values, row))
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.value.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.value.clone(), ScalarValue::Boolean(Some(self.seen))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [values, seen] = states else { return Err(internal_datafusion_err!("two states")) };
        for row in 0..values.len() {
            if ScalarValue::try_from_array(seen, row)? == ScalarValue::Boolean(Some(true)) {
                self.see(values, row)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::Int64Array;

    #[test]
    fn a_second_row_is_an_error_null_or_not() {
        let check = |batches: &[&[Option<i64>]], expect: std::result::Result<Option<i64>, ()>| {
            let mut only = Only { value: ScalarValue::Int64(None), seen: false };
            let mut run = || {
                for batch in batches {
                    only.update_batch(&[Arc::new(Int64Array::from(batch.to_vec())) as ArrayRef])?;
                }
                only.evaluate()
            };
            assert_eq!(run().map_err(drop), expect.map(ScalarValue::Int64), "{batches:?}");
        };
        check(&[], Ok(None));
        check(&[&[], &[Some(1)]], Ok(Some(1)));
        check(&[&[None]], Ok(None));
        check(&[&[Some(1), None]], Err(()));
        check(&[&[None], &[None]], Err(()));
    }

    #[test]
    fn partial_states_merge() {
        let mut partial = Only { value: ScalarValue::Int64(Some(1)), seen: true };
        let mut all = Only { value: ScalarValue::Int64(None), seen: false };
        let states: Vec<ArrayRef> = partial.state().unwrap().iter().map(|s| s.to_array().unwrap()).collect();
        all.merge_batch(&states).unwrap();
        assert_eq!(all.evaluate().unwrap(), ScalarValue::Int64(Some(1)));
        assert!(all.merge_batch(&states).is_err());
    }
}
