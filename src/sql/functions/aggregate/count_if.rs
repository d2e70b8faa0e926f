//! `count_if(condition)`: how many rows it is true for. `arbitrary(x)`: a value that is not NULL.

use super::{
    super::{Class, Function},
    function::{Implementation, Own, aggregate},
};
use crate::sql::functions::call::primitive;
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray},
        datatypes::{DataType, Int64Type},
    },
    common::ScalarValue,
    error::Result,
    logical_expr::Accumulator,
};

pub(super) fn functions() -> Vec<Function> {
    [
        aggregate("count_if", Class::Documented, "How many values are true; 0 for none.")
            .form(
                "count_if(boolean) -> bigint",
                Implementation::Own(Own {
                    accumulator: |_| Ok(Box::new(CountIf { count: 0 })),
                    state: |_| vec![DataType::Int64],
                    groups: None,
                }),
            )
            .build(),
        aggregate("arbitrary", Class::Documented, "A value that is not NULL, if there is one.")
            .form(
                "arbitrary(T) -> T",
                Implementation::Own(Own {
                    accumulator: |types| Ok(Box::new(Arbitrary { value: ScalarValue::try_new_null(&types.returns)? })),
                    state: |types| vec![types.returns.clone()],
                    groups: None,
                }),
            )
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[derive(Debug)]
struct CountIf {
    count: i64,
}

impl Accumulator for CountIf {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.count += i64::try_from(values[0].as_boolean().true_count()).unwrap_or(i64::MAX);
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(self.count)))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.count += primitive::<Int64Type>(&states[0])?.iter().flatten().sum::<i64>();
        Ok(())
    }
}

#[derive(Debug)]
struct Arbitrary {
    value: ScalarValue,
}

impl Accumulator for Arbitrary {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        if self.value.is_null()
            && let Some(row) = (0..values[0].len()).find(|row| values[0].is_valid(*row))
        {
            self.value = ScalarValue::try_from_array(&values[0], row)?;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.value.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.value.clone()])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }
}
