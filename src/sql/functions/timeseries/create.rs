//! `create_time_series(time, value)`: the points of a group as a time series, in the order of time.
//! # guide: timeseries-specific-constructs.views.html · Points of one time all stay, in the order they came. # inferred

use crate::sql::{
    error::invalid,
    functions::{
        Class, Family, Function,
        aggregate::{
            function::{Implementation, Own, Types, aggregate, row_states},
            gathered::{ByGroup, Gathered, kept_rows},
        },
        call::{list, primitive},
        lists::range,
    },
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, StructArray, UInt32Array, new_null_array},
        buffer::{NullBuffer, OffsetBuffer},
        compute,
        datatypes::{DataType, TimestampNanosecondType},
    },
    common::{ScalarValue, internal_datafusion_err},
    error::Result,
    logical_expr::{Accumulator, EmitTo, GroupsAccumulator},
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
                groups: Some(|types| Ok(Box::new(PointsOfGroups::new(&types.returns)))),
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
            let places = UInt32Array::from(places);
            times = compute::take(&times, &places, None)?;
            values = compute::take(&values, &places, None)?;
        }
        let points = StructArray::try_new(fields.clone(), vec![times, values], None)?;
        let offsets = OffsetBuffer::from_lengths([points.len()]);
        let series = ListArray::try_new(Arc::clone(item), offsets, Arc::new(points), None)?;
        Ok(ScalarValue::List(Arc::new(series)))
    }
}

/// The columns of points, none of which may hold NULL.
fn checked(columns: &[ArrayRef]) -> Result<[&ArrayRef; 2]> {
    let [times, values] = columns else { return Err(internal_datafusion_err!("two columns make a time series")) };
    // # inferred: the guide says that the value cannot be null, not what happens then
    if times.logical_null_count() > 0 {
        return Err(invalid("The first parameter of create_time_series cannot be null"));
    }
    if values.logical_null_count() > 0 {
        return Err(invalid("The second parameter of create_time_series cannot be null"));
    }
    Ok([times, values])
}

impl Accumulator for Points {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let [times, values] = checked(columns)?;
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

/// The points of many groups.
#[derive(Debug)]
struct PointsOfGroups {
    /// timeseries(T)
    series: DataType,
    points: Gathered,
}

impl PointsOfGroups {
    fn new(series: &DataType) -> Self {
        Self { series: series.clone(), points: Gathered::default() }
    }

    /// The time series of the groups; NULL for those without points.
    fn series(&mut self, emit_to: EmitTo, ordered: bool) -> Result<ArrayRef> {
        let DataType::List(item) = &self.series else { return Err(internal_datafusion_err!("not a time series")) };
        let DataType::Struct(fields) = item.data_type() else { return Err(internal_datafusion_err!("no points")) };
        let ByGroup { mut columns, places } = self.points.take(emit_to)?;
        if columns.is_empty() {
            return Ok(new_null_array(&self.series, places.len()));
        }
        let moments = primitive::<TimestampNanosecondType>(&columns[0])?.values();
        if ordered && places.iter().any(|places| !moments[places.clone()].is_sorted()) {
            let mut order: Vec<u32> = (0..u32::try_from(moments.len()).unwrap_or(u32::MAX)).collect();
            places.iter().for_each(|places| order[places.clone()].sort_by_key(|place| moments[*place as usize]));
            let order = UInt32Array::from(order);
            columns = columns.iter().map(|column| compute::take(column, &order, None)).collect::<Result<_, _>>()?;
        }
        let points = StructArray::try_new(fields.clone(), columns, None)?;
        let offsets = OffsetBuffer::from_lengths(places.iter().map(ExactSizeIterator::len));
        let nulls = NullBuffer::from_iter(places.iter().map(|places| !places.is_empty()));
        let nulls = (nulls.null_count() > 0).then_some(nulls);
        Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, Arc::new(points), nulls)?))
    }
}

impl GroupsAccumulator for PointsOfGroups {
    fn update_batch(
        &mut self,
        columns: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        let (columns, groups) = kept_rows(columns, groups, filter)?;
        checked(&columns)?;
        self.points.push(columns, groups, total);
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.series(emit_to, true)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.series(emit_to, false)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        let Some(states) = states.first() else { return Ok(()) };
        let states = list(states)?;
        let points = states.values().as_struct();
        for (row, group) in groups.iter().enumerate().filter(|(row, _)| states.is_valid(*row)) {
            let places = range(states, row);
            let group = u32::try_from(*group).map_err(|_| internal_datafusion_err!("group {group}"))?;
            let columns = points.columns().iter().map(|column| column.slice(places.start, places.len())).collect();
            self.points.push(columns, vec![group; places.len()], total);
        }
        self.points.push(Vec::new(), Vec::new(), total);
        Ok(())
    }

    fn convert_to_state(&self, columns: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        row_states(Self::new(&self.series), columns, filter)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.points.size()
    }
}
