//! A window function over frames whose bounds differ from row to row, which the engine does not have: it
//! computes each row's frame anew.

use crate::sql::{
    error::invalid,
    functions::{
        call::{check_batch_bytes, primitive},
        compare::order,
    },
    interrupt,
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, DynComparator, make_comparator, new_empty_array},
        compute::{self, SortOptions},
        datatypes::{DataType, Field, FieldRef, Int64Type, Schema},
    },
    common::{ScalarValue, internal_datafusion_err, internal_err},
    error::{DataFusionError, Result},
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
    /// Before it, by as much as an argument says.
    Preceding,
    /// After it, by as much as an argument says.
    Following,
}

impl Edge {
    /// Whether an argument belongs to it.
    #[must_use]
    pub fn has_offset(self) -> bool {
        matches!(self, Self::Preceding | Self::Following)
    }
}

/// What the edges of frames are measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Rows. For each edge with an offset there is one argument: how many.
    Rows,
    /// Groups of rows that are equal in ORDER BY's keys, of which there are so many. For each edge with an offset there is
    /// one argument, how many groups; and after them there are the keys.
    Groups(usize),
    /// The key of ORDER BY, in this order. For each edge with an offset there are two arguments, whether the offset is one
    /// and the key at which the edge is; and after them there is the key itself.
    Range(SortOptions),
}

impl Measure {
    /// How many arguments there are for frames with these edges.
    fn arguments(self, edges: [Edge; 2]) -> usize {
        let offsets = edges.iter().filter(|edge| edge.has_offset()).count();
        match self {
            Self::Rows => offsets,
            Self::Groups(keys) => offsets + keys,
            Self::Range(_) => 2 * offsets + 1,
        }
    }
}

/// A function with its frames. After the function's own arguments come those of the measure, then the filter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Framed {
    name: String,
    inner: WindowFunctionDefinition,
    /// How many arguments the function itself has.
    own: usize,
    distinct: bool,
    filtered: bool,
    measure: Measure,
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
        measure: Measure,
        edges: [Edge; 2],
    ) -> WindowUDF {
        let arguments = own + measure.arguments(edges) + usize::from(filtered);
        let signature = Signature::any(arguments, Volatility::Immutable);
        // The engine tells functions apart by name and arguments.
        let name = format!("__framed_{}_{distinct}_{filtered}_{measure:?}_{edges:?}", inner.name());
        WindowUDF::from(Self { name, inner, own, distinct, filtered, measure, edges, signature })
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
        let Self { own, filtered, measure, edges, .. } = *self;
        Ok(Box::new(FramedEvaluator { function, own, filtered, measure, edges, returns }))
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
    measure: Measure,
    edges: [Edge; 2],
    returns: DataType,
}

/// Where the frames of a partition's rows begin and end.
enum Frames {
    /// So many rows away.
    Rows([Option<ArrayRef>; 2]),
    /// So many groups away.
    Groups { offsets: [Option<ArrayRef>; 2], groups: PeerGroups },
    /// Where the key compares with that of an edge as it must: the order of a row's key and the edge's of another.
    Range { are_offsets: [Option<ArrayRef>; 2], orders: [DynComparator; 2] },
}

impl Frames {
    fn new(measure: Measure, edges: [Edge; 2], mut arguments: impl Iterator<Item = ArrayRef>) -> Result<Self> {
        let mut next = || arguments.next().ok_or_else(|| internal_datafusion_err!("arguments are missing"));
        let Measure::Range(options) = measure else {
            let mut offset = |edge: Edge| edge.has_offset().then(&mut next).transpose();
            let offsets = [offset(edges[0])?, offset(edges[1])?];
            return Ok(match measure {
                Measure::Groups(keys) => {
                    let keys = (0..keys).map(|_| next()).collect::<Result<Vec<_>>>()?;
                    Self::Groups { offsets, groups: PeerGroups::of(&keys)? }
                }
                _ => Self::Rows(offsets),
            });
        };
        let mut pair = |edge: Edge| edge.has_offset().then(|| Ok::<_, DataFusionError>((next()?, next()?))).transpose();
        let (start, end) = (pair(edges[0])?, pair(edges[1])?);
        let key = next()?;
        let order = |pair: &Option<(ArrayRef, ArrayRef)>| {
            let at = pair.as_ref().map_or(&key, |(_, at)| at);
            make_comparator(&key, at, options)
        };
        let orders = [order(&start)?, order(&end)?];
        Ok(Self::Range { are_offsets: [start, end].map(|pair| pair.map(|(is_offset, _)| is_offset)), orders })
    }

    /// The rows of a row's frame, none when it ends before it starts.
    fn of(&self, row: usize, rows: usize, edges: [Edge; 2]) -> Result<Range<usize>> {
        let [start, end] = edges;
        let frame = match self {
            Self::Rows(offsets) => {
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
                start..end
            }
            Self::Groups { offsets, groups } => {
                let (group, count) = (groups.of_row(row), groups.starts.len());
                let start = match (start, offset(&offsets[0], row, "starting")?) {
                    (Edge::Unbounded, _) => 0,
                    (Edge::Preceding, before) => group.saturating_sub(before),
                    (_, after) => group.saturating_add(after).min(count),
                };
                let end = match (end, offset(&offsets[1], row, "ending")?) {
                    (Edge::Unbounded, _) => count,
                    (Edge::Preceding, before) => (group + 1).saturating_sub(before),
                    (_, after) => group.saturating_add(after).saturating_add(1).min(count),
                };
                let first_of = |group: usize| groups.starts.get(group).copied().unwrap_or(rows);
                first_of(start)..first_of(end)
            }
            Self::Range { are_offsets, orders } => {
                are_offsets.iter().flatten().try_for_each(|are| check_offset(are, row))?;
                let start = match start {
                    Edge::Unbounded => 0,
                    _ => first_row(rows, |other| orders[0](other, row).is_ge()),
                };
                let end = match end {
                    Edge::Unbounded => rows,
                    _ => first_row(rows, |other| orders[1](other, row).is_gt()),
                };
                start..end
            }
        };
        Ok(frame.start..frame.end.max(frame.start))
    }
}

/// The rows of a partition by what ORDER BY says of them.
struct PeerGroups {
    /// The first row of each group.
    starts: Vec<usize>,
}

impl PeerGroups {
    fn of(keys: &[ArrayRef]) -> Result<Self> {
        let orders = keys.iter().map(|key| order(key, key)).collect::<Result<Vec<_>>>()?;
        let rows = keys.first().map_or(0, |key| key.len());
        let begins = |row: &usize| *row == 0 || orders.iter().any(|order| order(*row - 1, *row).is_ne());
        Ok(Self { starts: (0..rows).filter(begins).collect() })
    }

    fn of_row(&self, row: usize) -> usize {
        self.starts.partition_point(|start| *start <= row).saturating_sub(1)
    }
}

/// How many rows or groups away a row's edge is.
fn offset(offsets: &Option<ArrayRef>, row: usize, edge: &str) -> Result<usize> {
    let Some(offsets) = offsets else { return Ok(0) };
    let offsets = primitive::<Int64Type>(offsets)?;
    // # trino: its words
    if offsets.is_null(row) {
        return Err(invalid(format!("Window frame {edge} offset must not be null")));
    }
    usize::try_from(offsets.value(row)).map_err(|_| invalid(format!("Window frame {edge} offset must not be negative")))
}

fn check_offset(are_offsets: &ArrayRef, row: usize) -> Result<()> {
    let are_offsets = are_offsets.as_boolean();
    match are_offsets.is_valid(row) && are_offsets.value(row) {
        true => Ok(()),
        // # trino: its words
        false => Err(invalid("Window frame offset value must not be negative or null")),
    }
}

/// The first of the rows that passes a test, which all rows after it pass as well; `rows` when none does.
fn first_row(rows: usize, passes: impl Fn(usize) -> bool) -> usize {
    let (mut first, mut end) = (0, rows);
    while first < end {
        let middle = first + (end - first) / 2;
        if passes(middle) { end = middle } else { first = middle + 1 }
    }
    first
}

impl PartitionEvaluator for FramedEvaluator {
    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let frames = Frames::new(self.measure, self.edges, values.iter().skip(self.own).cloned())?;
        let filter = if self.filtered { values.last() } else { None };
        let own = values.get(..self.own).ok_or_else(|| internal_datafusion_err!("arguments are missing"))?;
        let mut results = Vec::with_capacity(rows);
        let mut bytes = 0;
        for row in 0..rows {
            interrupt::check()?;
            let frame = frames.of(row, rows, self.edges)?;
            let result = match &mut self.function {
                FrameFunction::Value(evaluator) => evaluator.evaluate(own, &frame)?,
                FrameFunction::Aggregate(over) => {
                    let mut accumulator = over.accumulator()?;
                    accumulator.update_batch(&framed_rows(own, filter, &frame)?)?;
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
