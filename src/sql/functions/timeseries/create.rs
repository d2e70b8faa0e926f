//! `create_time_series(time, value)`: the points of a group as a time series, in the order of time.
//! # guide: timeseries-specific-constructs.views.html · Points of one time all stay, in the order they came. # inferred

use crate::sql::{
    error::invalid,
    functions::{
        Class, Family, Function,
        aggregate::function::{Implementation, Own, Types, aggregate},
        call::list,
    },
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, ListArray, StructArray},
        buffer::OffsetBuffer,
        compute,
        datatypes::{DataType, TimestampNanosecondType},
    },
    common::{ScalarValue, internal_datafusion_err},
    error::Result,
    logical_expr::Accumulator,
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    aggregate("create_time_series", Class::Documented, "The points of a group as a time series, ordered by time.")
        .family(Family::TimeSeries)
        .form(
            "create_time_series(timestamp, T) -> timeseries(T)",
            Implementation::Own(Own {
                accumulator: |types: &Types| Ok(Box::new(Points { series: types.returns.clone(), chunks: Vec::new() })),
                state: |types| vec![types.returns.clone()],
                groups: None,
            }),
        )
        .build()
}

#[derive(Debug)]
struct Points {
    /// timeseries(T)
    series: DataType,
    /// Times and values, as they came.
    chunks: Vec<(ArrayRef, ArrayRef)>,
}

impl Points {
    /// All points as one time series; NULL when there are none.
    fn series(&self, ordered: bool) -> Result<ScalarValue> {
        let DataType::List(item) = &self.series else { return Err(internal_datafusion_err!("not a time series")) };
        let DataType::Struct(fields) = item.data_type() else { return Err(internal_datafusion_err!("no points")) };
        if self.chunks.is_empty() {
            return ScalarValue::try_new_null(&self.series);
        }
        let times: Vec<&dyn Array> = self.chunks.iter().map(|(times, _)| times.as_ref()).collect();
        let values: Vec<&dyn Array> = self.chunks.iter().map(|(_, values)| values.as_ref()).collect();
        let (mut times, mut values) = (compute::concat(&times)?, compute::concat(&values)?);
        let moments = times.as_primitive::<TimestampNanosecondType>().values();
        if ordered && !moments.is_sorted() {
            let mut places: Vec<u32> = (0..u32::try_from(times.len()).unwrap_or(u32::MAX)).collect();
            places.sort_by_key(|place| moments[*place as usize]);
            let places = datafusion::arrow::array::UInt32Array::from(places);
            times = compute::take(&times, &places, None)?;
            values = compute::take(&values, &places, None)?;
        }
        let points = StructArray::try_new(fields.clone(), vec![times, values], None)?;
        let offsets = OffsetBuffer::from_lengths([points.len()]);
        let series = ListArray::try_new(Arc::clone(item), offsets, Arc::new(points), None)?;
        Ok(ScalarValue::List(Arc::new(series)))
    }
}

impl Accumulator for Points {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let [times, values] = columns else { return Err(internal_datafusion_err!("two columns make a time series")) };
        // # inferred: the guide says that the value cannot be null, not what happens then
        if times.logical_null_count() > 0 {
            return Err(invalid("The first parameter of create_time_series cannot be null"));
        }
        if values.logical_null_count() > 0 {
            return Err(invalid("The second parameter of create_time_series cannot be null"));
        }
        if !times.is_empty() {
            self.chunks.push((Arc::clone(times), Arc::clone(values)));
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.series(true)
    }

    fn size(&self) -> usize {
        // A chunk may be a slice of a batch that others hold as well; only its share counts.
        let bytes = |array: &ArrayRef| array.to_data().get_slice_memory_size().unwrap_or(0);
        size_of_val(self) + self.chunks.iter().map(|(times, values)| bytes(times) + bytes(values)).sum::<usize>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.series(false)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(states) = states.first() else { return Ok(()) };
        let states = list(states)?;
        for row in (0..states.len()).filter(|row| states.is_valid(*row)) {
            let points = states.value(row);
            let points = points.as_struct();
            self.chunks.push((Arc::clone(points.column(0)), Arc::clone(points.column(1))));
        }
        Ok(())
    }
}
