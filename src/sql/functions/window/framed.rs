//! A window function over ROWS frames whose bounds differ from row to row, which the engine does not have: it computes each
//! row's frame anew.

use crate::sql::{
    error::invalid,
    functions::call::{check_batch_bytes, primitive},
    interrupt,
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, new_empty_array},
        compute,
        datatypes::{DataType, Field, FieldRef, Int64Type, Schema},
    },
    common::{ScalarValue, internal_datafusion_err, internal_err},
    error::Result,
    logical_expr::{
        Accumulator, AggregateUDF, PartitionEvaluator, Signature, Volatility, WindowFunctionDefinition, WindowUDF,
        WindowUDFImpl,
        function::{AccumulatorArgs, PartitionEvaluatorArgs, WindowUDFFieldArgs},
    },
    physical_expr::{PhysicalExpr, expressions::Column},
};
use std::{ops::Range, sync::Arc};

/// Where a frame begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Edge {
    /// At the partition's begin or end.
    Unbounded,
    /// At the row.
    Current,
    /// Rows before it, as many as an argument says.
    Preceding,
    /// Rows after it, as many as an argument says.
    Following,
}

impl Edge {
    /// Whether an argument belongs to it.
    #[must_use]
    pub fn has_offset(self) -> bool {
        matches!(self, Self::Preceding | Self::Following)
    }
}

/// A function with its frames. After the function's own arguments come the offsets of the edges that have one, then the
/// filter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Framed {
    name: String,
    inner: WindowFunctionDefinition,
    /// How many arguments the function itself has.
    own: usize,
    distinct: bool,
    filtered: bool,
    edges: [Edge; 2],
    signature: Signature,
}

impl Framed {
    /// The window function that computes `inner`, of `own` arguments, over these frames.
    #[must_use]
    pub fn over(
        inner: WindowFunctionDefinition,
        own: usize,
        distinct: bool,
        filtered: bool,
        edges: [Edge; 2],
    ) -> WindowUDF {
        let offsets = edges.iter().filter(|edge| edge.has_offset()).count();
        let signature = Signature::any(own + offsets + usize::from(filtered), Volatility::Immutable);
        // The engine tells functions apart by name and arguments.
        let name = format!("__framed_{}_{distinct}_{filtered}_{edges:?}", inner.name());
        WindowUDF::from(Self { name, inner, own, distinct, filtered, edges, signature })
    }
}

impl WindowUDFImpl for Framed {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        let own = args.input_fields().get(..self.own).unwrap_or_default();
        let returned = self.inner.return_field(own, args.name())?;
        Ok(Arc::new(Field::new(args.name(), returned.data_type().clone(), true)))
    }

    fn partition_evaluator(&self, args: PartitionEvaluatorArgs) -> Result<Box<dyn PartitionEvaluator>> {
        let fields = args.input_fields().get(..self.own).unwrap_or_default();
        let returns = self.inner.return_field(fields, &self.name)?;
        let function = match &self.inner {
            WindowFunctionDefinition::AggregateUDF(aggregate) => FrameFunction::Aggregate(OverFrame {
                aggregate: Arc::clone(aggregate),
                fields: fields.to_vec(),
                returns: Arc::clone(&returns),
                distinct: self.distinct,
            }),
            WindowFunctionDefinition::WindowUDF(window) => {
                let exprs = args.input_exprs().get(..self.own).unwrap_or_default();
                let args = PartitionEvaluatorArgs::new(exprs, fields, false, args.ignore_nulls());
                FrameFunction::Value(window.partition_evaluator_factory(args)?)
            }
        };
        let returns = returns.data_type().clone();
        let Self { own, filtered, edges, .. } = *self;
        Ok(Box::new(FramedEvaluator { function, own, filtered, edges, returns }))
    }
}

/// Makes accumulators of one aggregate.
#[derive(Debug)]
struct OverFrame {
    aggregate: Arc<AggregateUDF>,
    fields: Vec<FieldRef>,
    returns: FieldRef,
    distinct: bool,
}

impl OverFrame {
    fn accumulator(&self) -> Result<Box<dyn Accumulator>> {
        let named = |(index, field): (usize, &FieldRef)| field.as_ref().clone().with_name(format!("a{index}"));
        let schema = Schema::new(self.fields.iter().enumerate().map(named).collect::<Vec<_>>());
        let exprs: Vec<Arc<dyn PhysicalExpr>> =
            (0..self.fields.len()).map(|index| Arc::new(Column::new(&format!("a{index}"), index)) as _).collect();
        self.aggregate.accumulator(AccumulatorArgs {
            return_field: Arc::clone(&self.returns),
            schema: &schema,
            ignore_nulls: false,
            order_bys: &[],
            is_reversed: false,
            name: self.aggregate.name(),
            is_distinct: self.distinct,
            exprs: &exprs,
            expr_fields: &self.fields,
        })
    }
}

#[derive(Debug)]
enum FrameFunction {
    Aggregate(OverFrame),
    /// first_value and its like.
    Value(Box<dyn PartitionEvaluator>),
}

#[derive(Debug)]
struct FramedEvaluator {
    function: FrameFunction,
    own: usize,
    filtered: bool,
    edges: [Edge; 2],
    returns: DataType,
}

impl FramedEvaluator {
    /// The rows of a row's frame, none when it ends before it starts.
    fn frame(&self, row: usize, rows: usize, offsets: &[Option<ArrayRef>; 2]) -> Result<Range<usize>> {
        let [start, end] = self.edges;
        let start = match (start, offset(&offsets[0], row, "starting")?) {
            (Edge::Unbounded, _) => 0,
            (Edge::Preceding, before) => row.saturating_sub(before),
            (_, after) => row.saturating_add(after).min(rows),
        };
        let end = match (end, offset(&offsets[1], row, "ending")?) {
            (Edge::Unbounded, _) => rows,
            (Edge::Preceding, before) => (row + 1).saturating_sub(before),
            (_, after) => row.saturating_add(after).saturating_add(1).min(rows),
        };
        Ok(start..end.max(start))
    }
}

/// How many rows away a row's edge is.
fn offset(offsets: &Option<ArrayRef>, row: usize, edge: &str) -> Result<usize> {
    let Some(offsets) = offsets else { return Ok(0) };
    let offsets = primitive::<Int64Type>(offsets)?;
    // # trino: its words
    if offsets.is_null(row) {
        return Err(invalid(format!("Window frame {edge} offset must not be null")));
    }
    usize::try_from(offsets.value(row)).map_err(|_| invalid(format!("Window frame {edge} offset must not be negative")))
}

impl PartitionEvaluator for FramedEvaluator {
    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let mut rest = values.iter().skip(self.own).cloned();
        let offsets = self.edges.map(|edge| if edge.has_offset() { rest.next() } else { None });
        let filter = if self.filtered { rest.next() } else { None };
        let own = values.get(..self.own).ok_or_else(|| internal_datafusion_err!("arguments are missing"))?;
        let mut results = Vec::with_capacity(rows);
        let mut bytes = 0;
        for row in 0..rows {
            interrupt::check()?;
            let frame = self.frame(row, rows, &offsets)?;
            let result = match &mut self.function {
                FrameFunction::Value(evaluator) => evaluator.evaluate(own, &frame)?,
                FrameFunction::Aggregate(over) => {
                    let mut accumulator = over.accumulator()?;
                    accumulator.update_batch(&framed_rows(own, filter.as_ref(), &frame)?)?;
                    accumulator.evaluate()?
                }
            };
            bytes += result.size();
            check_batch_bytes(bytes)?;
            results.push(result);
        }
        match results.is_empty() {
            true => Ok(new_empty_array(&self.returns)),
            false => ScalarValue::iter_to_array(results),
        }
    }

    fn evaluate(&mut self, _values: &[ArrayRef], _range: &Range<usize>) -> Result<ScalarValue> {
        internal_err!("frames are evaluated all at once")
    }
}

/// The arguments of a frame's rows that the filter keeps.
fn framed_rows(own: &[ArrayRef], filter: Option<&ArrayRef>, frame: &Range<usize>) -> Result<Vec<ArrayRef>> {
    let rows = own.iter().map(|column| column.slice(frame.start, frame.len()));
    let Some(filter) = filter else { return Ok(rows.collect()) };
    let kept = filter.slice(frame.start, frame.len());
    rows.map(|column| Ok(compute::filter(&column, kept.as_boolean())?)).collect()
}
