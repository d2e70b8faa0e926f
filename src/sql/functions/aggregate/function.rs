//! Aggregates: a list of forms, each a signature and what computes it, as one DataFusion aggregate.

use super::{
    super::{
        Class, Definition, Entry, Family, Function,
        signature::{self, Arguments, Match, Signature},
    },
    recount::{Distinct, Sliding},
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, BooleanArray},
        datatypes::{DataType, Field, FieldRef, Schema},
    },
    common::ScalarValue,
    error::Result,
    logical_expr::{
        Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature as PlanSignature, Volatility,
        function::{AccumulatorArgs, StateFieldsArgs},
        utils::AggregateOrderSensitivity,
    },
    physical_expr::PhysicalExpr,
};
use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

/// The types of one aggregate in one plan.
#[derive(Clone, Debug)]
pub struct Types {
    /// Of its arguments.
    pub parameters: Vec<DataType>,
    /// Of its result.
    pub returns: DataType,
}

/// Makes an empty accumulator.
pub type MakeAccumulator = fn(&Types) -> Result<Box<dyn Accumulator>>;
/// Makes an empty accumulator for many groups at once.
pub type MakeGroupsAccumulator = fn(&Types) -> Result<Box<dyn GroupsAccumulator>>;

/// An aggregate of our own.
#[derive(Clone, Copy, Debug)]
pub struct Own {
    /// Makes an empty accumulator.
    pub accumulator: MakeAccumulator,
    /// The types of its partial state.
    pub state: fn(&Types) -> Vec<DataType>,
    /// Makes an empty accumulator for many groups at once, where that is worth it.
    pub groups: Option<MakeGroupsAccumulator>,
}

/// What computes a form.
#[derive(Clone, Copy, Debug)]
pub enum Implementation {
    /// Ours.
    Own(Own),
    /// DataFusion's, where its semantics are Presto's.
    Engine(fn() -> Arc<AggregateUDF>),
    /// DataFusion's, which also knows DISTINCT, ORDER BY and frames that move.
    EngineWhole(fn() -> Arc<AggregateUDF>),
}

/// An aggregate under construction.
#[derive(Debug)]
pub(crate) struct Aggregate {
    entry: Entry,
    forms: Vec<(Signature, Implementation)>,
}

/// Begins an aggregate; its forms follow.
pub(crate) fn aggregate(name: &'static str, class: Class, summary: &'static str) -> Aggregate {
    let entry = Entry { name, family: Family::Aggregate, class, signatures: Vec::new(), summary };
    Aggregate { entry, forms: Vec::new() }
}

impl Aggregate {
    /// Adds a form.
    pub(crate) fn form(mut self, text: &'static str, implementation: Implementation) -> Self {
        self.entry.signatures.push(text);
        self.forms.push((Signature::new(text), implementation));
        self
    }

    /// Lists the aggregate in another family.
    pub(crate) fn family(mut self, family: Family) -> Self {
        self.entry.family = family;
        self
    }

    /// The aggregate, under its name and under others.
    pub(crate) fn named(self, others: &[&'static str]) -> Vec<Function> {
        let names = std::iter::once(self.entry.name).chain(others.iter().copied());
        names
            .map(|name| {
                let entry = Entry { name, ..self.entry.clone() };
                let function = AggregateFunction {
                    name,
                    forms: self.forms.clone().into(),
                    signature: PlanSignature::user_defined(Volatility::Immutable),
                    ordered: None,
                };
                Function { entry, definition: Definition::Aggregate(Arc::new(AggregateUDF::from(function))) }
            })
            .collect()
    }

    /// The aggregate, under its name.
    pub(crate) fn build(self) -> Vec<Function> {
        self.named(&[])
    }
}

/// A finished aggregate. Two of one name are the same: the registry holds one of each.
#[derive(Clone, Debug)]
struct AggregateFunction {
    name: &'static str,
    forms: Arc<[(Signature, Implementation)]>,
    signature: PlanSignature,
    /// Whether the input comes in the order ORDER BY asks for; `None` before the plan has found out.
    ordered: Option<bool>,
}

impl PartialEq for AggregateFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.ordered == other.ordered
    }
}

impl Eq for AggregateFunction {}

impl Hash for AggregateFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl AggregateFunction {
    fn resolve(&self, types: &[DataType]) -> Result<(Implementation, Match)> {
        let arguments = Arguments { name: self.name, types, literals: &[] };
        let (index, found) = signature::choose(self.forms.iter().map(|(signature, _)| signature), &arguments)?;
        Ok((self.forms[index].1, found))
    }

    fn resolve_fields(&self, fields: &[FieldRef]) -> Result<(Implementation, Match)> {
        let types: Vec<DataType> = fields.iter().map(|field| field.data_type().clone()).collect();
        self.resolve(&types)
    }

    fn factory(&self, args: &AccumulatorArgs) -> Result<Factory> {
        let (implementation, found) = self.resolve_fields(args.expr_fields)?;
        Ok(Factory {
            implementation: self.engine(implementation)?,
            types: Types { parameters: found.parameters, returns: found.returns },
            schema: args.schema.clone(),
            return_field: Arc::clone(&args.return_field),
            exprs: args.exprs.to_vec(),
            expr_fields: args.expr_fields.to_vec(),
        })
    }

    /// The implementation with DataFusion's aggregate told whether its input is ordered.
    fn engine(&self, implementation: Implementation) -> Result<Bound> {
        Ok(match implementation {
            Implementation::Own(own) => Bound::Own(own),
            Implementation::Engine(make) => Bound::Engine(make()),
            Implementation::EngineWhole(make) => {
                let inner = make();
                let told = match self.ordered {
                    Some(ordered) => Arc::clone(inner.inner()).with_beneficial_ordering(ordered)?,
                    None => None,
                };
                Bound::EngineWhole(told.map_or(inner, |told| Arc::new(AggregateUDF::new_from_shared_impl(told))))
            }
        })
    }

    /// DataFusion's aggregate when every form is its and it knows everything about it.
    fn whole(&self) -> Option<Arc<AggregateUDF>> {
        match &*self.forms {
            [(_, Implementation::EngineWhole(make)), ..] => Some(make()),
            _ => None,
        }
    }
}

#[derive(Debug, Clone)]
enum Bound {
    Own(Own),
    Engine(Arc<AggregateUDF>),
    EngineWhole(Arc<AggregateUDF>),
}

/// Makes accumulators of one aggregate of one plan, as many as are asked for.
#[derive(Debug)]
pub struct Factory {
    implementation: Bound,
    types: Types,
    schema: Schema,
    return_field: FieldRef,
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    expr_fields: Vec<FieldRef>,
}

impl Factory {
    /// The types of the aggregate.
    pub fn types(&self) -> &Types {
        &self.types
    }

    /// An empty accumulator of what is to be aggregated, DISTINCT and frames left out.
    ///
    /// # Errors
    /// When the aggregate refuses these types.
    pub fn plain(&self) -> Result<Box<dyn Accumulator>> {
        match &self.implementation {
            Bound::Own(own) => (own.accumulator)(&self.types),
            Bound::Engine(inner) | Bound::EngineWhole(inner) => inner.accumulator(AccumulatorArgs {
                return_field: Arc::clone(&self.return_field),
                schema: &self.schema,
                ignore_nulls: false,
                order_bys: &[],
                is_reversed: false,
                name: "",
                is_distinct: false,
                exprs: &self.exprs,
                expr_fields: &self.expr_fields,
            }),
        }
    }
}

impl AggregateUDFImpl for AggregateFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &PlanSignature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.resolve(types).map(|(_, found)| found.returns)
    }

    fn return_field(&self, fields: &[FieldRef]) -> Result<FieldRef> {
        let (_, found) = self.resolve_fields(fields)?;
        Ok(Arc::new(Field::new(self.name, found.returns, self.is_nullable())))
    }

    fn is_nullable(&self) -> bool {
        self.whole().is_none_or(|inner| inner.is_nullable())
    }

    /// Types no form takes are left as they are: [`Self::return_field`] says what is wrong with them, in words that
    /// reach the client unwrapped.
    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(self.resolve(types).map_or_else(|_| types.to_vec(), |(_, found)| found.parameters))
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let (implementation, found) = self.resolve_fields(args.expr_fields)?;
        if let (Implementation::Own(own), false) = (implementation, args.is_distinct) {
            // The common case, and one accumulator for each group: without what a factory holds.
            return (own.accumulator)(&Types { parameters: found.parameters, returns: found.returns });
        }
        let factory = self.factory(&args)?;
        match &factory.implementation {
            Bound::EngineWhole(inner) => inner.accumulator(args),
            _ if args.is_distinct => Ok(Box::new(Distinct::try_new(factory)?)),
            _ => factory.plain(),
        }
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let factory = self.factory(&args)?;
        match &factory.implementation {
            Bound::EngineWhole(inner) => inner.create_sliding_accumulator(args),
            _ => Ok(Box::new(Sliding::new(factory, args.is_distinct))),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let (implementation, found) = self.resolve_fields(args.input_fields)?;
        let named = |(index, data_type): (usize, DataType)| -> FieldRef {
            Arc::new(Field::new(format!("{}[{index}]", args.name), data_type, true))
        };
        match self.engine(implementation)? {
            Bound::EngineWhole(inner) => inner.state_fields(args),
            _ if args.is_distinct => {
                Ok(Distinct::state_types(&found.parameters).into_iter().enumerate().map(named).collect())
            }
            Bound::Engine(inner) => inner.state_fields(args),
            Bound::Own(own) => {
                let types = Types { parameters: found.parameters, returns: found.returns };
                Ok((own.state)(&types).into_iter().enumerate().map(named).collect())
            }
        }
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        match self.factory(&args).map(|factory| factory.implementation) {
            Ok(Bound::EngineWhole(inner)) => inner.groups_accumulator_supported(args),
            Ok(Bound::Engine(inner)) => !args.is_distinct && inner.groups_accumulator_supported(args),
            Ok(Bound::Own(own)) => !args.is_distinct && own.groups.is_some(),
            Err(_) => false,
        }
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        let factory = self.factory(&args)?;
        match &factory.implementation {
            Bound::EngineWhole(inner) | Bound::Engine(inner) => inner.create_groups_accumulator(args),
            Bound::Own(Own { groups: Some(groups), .. }) => groups(&factory.types),
            Bound::Own(_) => datafusion::common::internal_err!("{} has no groups accumulator", self.name),
        }
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.whole().map_or(AggregateOrderSensitivity::Insensitive, |inner| inner.order_sensitivity())
    }

    fn with_beneficial_ordering(self: Arc<Self>, ordered: bool) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        Ok(Some(Arc::new(Self { ordered: Some(ordered), ..(*self).clone() })))
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        self.whole().map_or_else(|| ScalarValue::try_from(data_type), |inner| inner.default_value(data_type))
    }
}

/// The partial state of each row alone, computed by an accumulator that is still empty.
///
/// # Errors
/// When the aggregate refuses a row.
pub(in crate::sql::functions) fn row_states(
    mut empty: impl GroupsAccumulator,
    columns: &[ArrayRef],
    filter: Option<&BooleanArray>,
) -> Result<Vec<ArrayRef>> {
    let rows = columns.first().map_or(0, |column| column.len());
    let groups: Vec<usize> = (0..rows).collect();
    empty.update_batch(columns, &groups, filter, rows)?;
    empty.state(EmitTo::All)
}

#[cfg(test)]
mod tests {
    use super::super::super::{Registry, scalar::tests::value_text};
    use crate::sql::types::TIMESTAMP;
    use datafusion::{
        arrow::{
            array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, StringArray, UInt32Array},
            compute,
            datatypes::{DataType, Field, FieldRef, Int64Type, Schema},
        },
        logical_expr::{
            Accumulator, AggregateUDF, EmitTo, GroupsAccumulator,
            function::{AccumulatorArgs, StateFieldsArgs},
        },
        physical_expr::{PhysicalExpr, expressions::Column},
    };
    use std::sync::Arc;

    fn accumulator(udaf: &AggregateUDF, columns: &[ArrayRef], is_distinct: bool) -> Box<dyn Accumulator> {
        let field = |(index, column): (usize, &ArrayRef)| -> FieldRef {
            Arc::new(Field::new(format!("c{index}"), column.data_type().clone(), true))
        };
        let expr_fields: Vec<FieldRef> = columns.iter().enumerate().map(field).collect();
        let exprs: Vec<Arc<dyn PhysicalExpr>> = (0..columns.len())
            .map(|index| Arc::new(Column::new(&format!("c{index}"), index)) as Arc<dyn PhysicalExpr>)
            .collect();
        let return_field = udaf.return_field(&expr_fields).unwrap();
        let states = udaf.state_fields(StateFieldsArgs {
            name: "a",
            input_fields: &expr_fields,
            return_field: Arc::clone(&return_field),
            ordering_fields: &[],
            is_distinct,
        });
        let mut made = udaf
            .accumulator(AccumulatorArgs {
                return_field,
                schema: &Schema::new(expr_fields.clone()),
                ignore_nulls: false,
                order_bys: &[],
                is_reversed: false,
                name: "a",
                is_distinct,
                exprs: &exprs,
                expr_fields: &expr_fields,
            })
            .unwrap();
        let types: Vec<DataType> = states.unwrap().iter().map(|field| field.data_type().clone()).collect();
        let given: Vec<DataType> = made.state().unwrap().iter().map(|state| state.data_type()).collect();
        assert_eq!(given, types, "{}", udaf.name());
        made
    }

    fn text(made: &mut Box<dyn Accumulator>) -> String {
        value_text(&made.evaluate().unwrap().to_array().unwrap()).unwrap()
    }

    /// Aggregates the rows as a whole, and in two parts whose partial results are merged.
    fn check(name: &str, columns: &[ArrayRef], is_distinct: bool, expect: &str) {
        let udaf = Registry::new().aggregate(name).unwrap();
        let mut whole = accumulator(&udaf, columns, is_distinct);
        whole.update_batch(columns).unwrap();
        assert_eq!(text(&mut whole), expect, "{name} whole");
        let mut merged = accumulator(&udaf, columns, is_distinct);
        for rows in [0..2, 2..2, 2..columns[0].len()] {
            let mut part = accumulator(&udaf, columns, is_distinct);
            let slices: Vec<ArrayRef> = columns.iter().map(|column| column.slice(rows.start, rows.len())).collect();
            part.update_batch(&slices).unwrap();
            let states: Vec<ArrayRef> = part.state().unwrap().iter().map(|state| state.to_array().unwrap()).collect();
            merged.merge_batch(&states).unwrap();
        }
        assert_eq!(text(&mut merged), expect, "{name} merged");
    }

    #[test]
    fn merged_parts_give_what_the_whole_gives() {
        let ints: ArrayRef = Arc::new(Int64Array::from(vec![Some(3), Some(1), None, Some(4), Some(1)]));
        let doubles: ArrayRef = compute::cast(&ints, &DataType::Float64).unwrap();
        let others: ArrayRef = Arc::new(Float64Array::from(vec![6.0, 2.0, 9.0, 8.0, 2.0]));
        let flags: ArrayRef = Arc::new(BooleanArray::from(vec![Some(true), None, Some(false), Some(true), None]));
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("c"), Some("a"), Some("x"), None, Some("b")]));
        let times: ArrayRef = compute::cast(&Int64Array::from(vec![3, 1, 9, 4, 1]), &TIMESTAMP).unwrap();
        let two: ArrayRef = Arc::new(Int64Array::from(vec![2; 5]));
        let half: ArrayRef = Arc::new(Float64Array::from(vec![0.5; 5]));
        let intervals: ArrayRef = compute::cast(&ints, &crate::sql::types::DAY_TO_SECOND).unwrap();
        let one = |column: &ArrayRef| vec![Arc::clone(column)];
        let pair = |left: &ArrayRef, right: &ArrayRef| vec![Arc::clone(left), Arc::clone(right)];
        check("sum", &one(&ints), false, "9");
        check("sum", &one(&ints), true, "8");
        check("sum", &one(&doubles), true, "8.0");
        check("avg", &one(&doubles), false, "2.25");
        check("avg", &one(&intervals), false, "0 00:00:00.000000002");
        check("count", &one(&ints), false, "4");
        check("count_if", &one(&flags), false, "2");
        check("bool_or", &one(&flags), false, "true");
        check("arbitrary", &one(&texts), false, "c");
        check("max", &one(&texts), false, "x");
        check("max", &pair(&ints, &two), false, "[4, 3]");
        check("min", &pair(&ints, &two), false, "[1, 1]");
        check("max_by", &pair(&texts, &ints), false, "NULL");
        check("min_by", &pair(&texts, &ints), false, "a");
        check("min_by", &[Arc::clone(&texts), Arc::clone(&ints), Arc::clone(&two)], false, "[a, b]");
        check("approx_percentile", &pair(&ints, &half), false, "1");
        check("approx_percentile", &[Arc::clone(&doubles), Arc::clone(&two), Arc::clone(&half)], false, "1.0");
        check("approx_distinct", &one(&texts), false, "4");
        check("corr", &pair(&doubles, &others), false, "1.0");
        check("covar_pop", &pair(&doubles, &others), false, "3.375");
        check("regr_slope", &pair(&others, &doubles), false, "2.0");
        check("var_pop", &one(&doubles), false, "1.6875");
        check("array_agg", &one(&ints), false, "[3, 1, NULL, 4, 1]");
        check(
            "create_time_series",
            &pair(&times, &others),
            false,
            "[(1970-01-01 00:00:00.000000001, 2.0), (1970-01-01 00:00:00.000000001, 2.0), \
             (1970-01-01 00:00:00.000000003, 6.0), (1970-01-01 00:00:00.000000004, 8.0), \
             (1970-01-01 00:00:00.000000009, 9.0)]",
        );
    }

    fn groups_accumulator(udaf: &AggregateUDF, columns: &[ArrayRef]) -> Box<dyn GroupsAccumulator> {
        let field = |(index, column): (usize, &ArrayRef)| -> FieldRef {
            Arc::new(Field::new(format!("c{index}"), column.data_type().clone(), true))
        };
        let expr_fields: Vec<FieldRef> = columns.iter().enumerate().map(field).collect();
        let exprs: Vec<Arc<dyn PhysicalExpr>> = (0..columns.len())
            .map(|index| Arc::new(Column::new(&format!("c{index}"), index)) as Arc<dyn PhysicalExpr>)
            .collect();
        let schema = Schema::empty();
        let args = || AccumulatorArgs {
            return_field: udaf.return_field(&expr_fields).unwrap(),
            schema: &schema,
            ignore_nulls: false,
            order_bys: &[],
            is_reversed: false,
            name: "a",
            is_distinct: false,
            exprs: &exprs,
            expr_fields: &expr_fields,
        };
        assert!(udaf.groups_accumulator_supported(args()), "{}", udaf.name());
        udaf.create_groups_accumulator(args()).unwrap()
    }

    /// Aggregates rows of four groups, one of them without rows, at once, in two batches, with a filter, through partial
    /// states, and group by group: each as the plain accumulator does it.
    fn check_groups(name: &str, columns: &[ArrayRef]) {
        let udaf = Registry::new().aggregate(name).unwrap();
        let groups = [0, 1, 0, 3, 1];
        let filter = BooleanArray::from(vec![Some(true), Some(true), Some(false), None, Some(true)]);
        let texts = |values: &ArrayRef| -> Vec<String> {
            (0..values.len()).map(|row| value_text(&values.slice(row, 1)).unwrap()).collect()
        };
        for filter in [None, Some(&filter)] {
            let expect: Vec<String> = (0..4)
                .map(|group| {
                    let kept = |row: usize| filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
                    let rows = (0..5usize).filter(|row| groups[*row] == group && kept(*row));
                    let rows = UInt32Array::from_iter_values(rows.map(|row| u32::try_from(row).unwrap()));
                    let rows: Vec<ArrayRef> =
                        columns.iter().map(|column| compute::take(column, &rows, None).unwrap()).collect();
                    let mut plain = accumulator(&udaf, columns, false);
                    plain.update_batch(&rows).unwrap();
                    text(&mut plain)
                })
                .collect();
            let filled = || {
                let mut made = groups_accumulator(&udaf, columns);
                for rows in [0..2, 2..5] {
                    let batch: Vec<ArrayRef> =
                        columns.iter().map(|column| column.slice(rows.start, rows.len())).collect();
                    let filter = filter.map(|filter| filter.slice(rows.start, rows.len()));
                    let total = if rows.start == 0 { 2 } else { 4 };
                    made.update_batch(&batch, &groups[rows], filter.as_ref(), total).unwrap();
                }
                assert!(made.size() > 0);
                made
            };
            assert_eq!(texts(&filled().evaluate(EmitTo::All).unwrap()), expect, "{name}");
            let mut in_parts = filled();
            assert_eq!(texts(&in_parts.evaluate(EmitTo::First(1)).unwrap()), expect[..1], "{name}");
            assert_eq!(texts(&in_parts.evaluate(EmitTo::All).unwrap()), expect[1..], "{name}");
            let mut merged = groups_accumulator(&udaf, columns);
            let states = filled().state(EmitTo::All).unwrap();
            merged.merge_batch(&states, &[3, 2, 1, 0], 4).unwrap();
            let reversed: Vec<String> = expect.iter().rev().cloned().collect();
            assert_eq!(texts(&merged.evaluate(EmitTo::All).unwrap()), reversed, "{name}");
            let states = filled().convert_to_state(columns, filter).unwrap();
            let mut merged = groups_accumulator(&udaf, columns);
            merged.merge_batch(&states, &groups, 4).unwrap();
            assert_eq!(texts(&merged.evaluate(EmitTo::All).unwrap()), expect, "{name} row by row");
        }
    }

    #[test]
    fn groups_are_aggregated_as_each_alone() {
        let ints: ArrayRef = Arc::new(Int64Array::from(vec![Some(3), Some(1), None, Some(4), Some(1)]));
        let doubles: ArrayRef = compute::cast(&ints, &DataType::Float64).unwrap();
        let others: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN, 2.0, 9.0, -0.0, 0.0]));
        let flags: ArrayRef = Arc::new(BooleanArray::from(vec![Some(true), None, Some(false), Some(true), None]));
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("c"), Some("a"), Some("x"), None, Some("b")]));
        let times: ArrayRef = compute::cast(&Int64Array::from(vec![3, 1, 1, 4, 0]), &TIMESTAMP).unwrap();
        let two: ArrayRef = Arc::new(Int64Array::from(vec![2; 5]));
        let half: ArrayRef = Arc::new(Float64Array::from(vec![0.5; 5]));
        let own: ArrayRef = Arc::new(Float64Array::from(vec![0.0, 1.0, 0.0, 0.5, 1.0]));
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>([
            Some(vec![Some(1)]),
            Some(vec![]),
            Some(vec![Some(0), None]),
            None,
            Some(vec![Some(7)]),
        ]));
        let columns = |columns: &[&ArrayRef]| -> Vec<ArrayRef> { columns.iter().map(|c| Arc::clone(c)).collect() };
        check_groups("sum", &columns(&[&ints]));
        check_groups("count_if", &columns(&[&flags]));
        check_groups("arbitrary", &columns(&[&texts]));
        check_groups("arbitrary", &columns(&[&lists]));
        for name in ["max_by", "min_by"] {
            for keys in [&ints, &others, &flags, &texts, &times, &lists] {
                check_groups(name, &columns(&[&texts, keys]));
                check_groups(name, &columns(&[&lists, keys]));
            }
        }
        check_groups("approx_percentile", &columns(&[&ints, &half]));
        check_groups("approx_percentile", &columns(&[&doubles, &own]));
        check_groups("approx_percentile", &columns(&[&doubles, &two, &half, &half]));
        check_groups("approx_distinct", &columns(&[&texts]));
        check_groups("approx_distinct", &columns(&[&others]));
        for name in ["corr", "covar_pop", "covar_samp", "regr_slope", "regr_intercept"] {
            check_groups(name, &columns(&[&doubles, &doubles]));
        }
        check_groups("geometric_mean", &columns(&[&doubles]));
        check_groups("skewness", &columns(&[&doubles]));
        check_groups("create_time_series", &columns(&[&times, &others]));
        check_groups("create_time_series", &columns(&[&times, &two]));
    }
}
