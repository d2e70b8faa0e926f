//! Aggregates: a list of forms, each a signature and what computes it, as one DataFusion aggregate.

use super::{
    super::{
        Class, Definition, Entry, Family, Function,
        signature::{self, Arguments, Match, Signature},
    },
    recount::{Distinct, Sliding},
};
use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef, Schema},
    common::ScalarValue,
    error::Result,
    logical_expr::{
        Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, Signature as PlanSignature, Volatility,
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
