//! What a table has learnt from its records: dimensions, measure names and measure columns, in order of first
//! appearance.
//!
//! A schema only grows, and everything in it is known by its place in a list. So the state at any earlier moment is a
//! [`SchemaMark`]: the lengths of the lists then.

use crate::model::{
    limits::{DIMENSIONS_PER_TABLE_MAX, MEASURE_NAMES_PER_TABLE_MAX, MULTI_ATTRIBUTES_PER_TABLE_MAX},
    record::{Dimensions, Measure, MeasureType, RejectReason},
    table::{Column, ColumnKind, MeasureInfo},
};
use hashbrown::{HashMap, HashSet};
use std::{collections::BTreeMap, sync::Arc};

/// The place of a dimension in its table's list.
pub type DimensionId = u16;
/// The place of a measure name in its table's list.
pub type MeasureNameId = u16;
/// The place of a measure column in its table's list.
pub type ColumnId = u16;

/// That records of a measure name and kind were written with a dimension: a row's part of SHOW MEASURES.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MeasureUse {
    /// The measure name.
    pub measure_name: MeasureNameId,
    /// The value's type; `None` for multi-measure records.
    pub kind: Option<MeasureType>,
    /// A dimension written with it.
    pub dimension: DimensionId,
}

/// A moment in a schema's growth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SchemaMark {
    dimensions: usize,
    measure_names: usize,
    columns: usize,
    uses: usize,
}

impl SchemaMark {
    /// Cuts a schema that is given in whole back to this moment.
    pub fn cut(&self, whole: &mut SchemaGrowth) {
        whole.dimensions.truncate(self.dimensions);
        whole.measure_names.truncate(self.measure_names);
        whole.columns.truncate(self.columns);
        whole.uses.truncate(self.uses);
    }
}

/// The inferred schema of a table.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    dimensions: Vec<Arc<str>>,
    dimension_ids: HashMap<Arc<str>, DimensionId>,
    measure_names: Vec<Arc<str>>,
    measure_name_ids: HashMap<Arc<str>, MeasureNameId>,
    columns: Vec<Column>,
    single_ids: [Option<ColumnId>; MeasureType::ALL.len()],
    attribute_ids: HashMap<Arc<str>, ColumnId>,
    uses: Vec<MeasureUse>,
    use_set: HashSet<MeasureUse>,
}

/// What was added to a schema since a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaGrowth {
    /// New dimensions.
    pub dimensions: Vec<Arc<str>>,
    /// New measure names.
    pub measure_names: Vec<Arc<str>>,
    /// New measure columns.
    pub columns: Vec<Column>,
    /// New uses of dimensions by measures.
    pub uses: Vec<MeasureUse>,
}

impl Schema {
    /// The dimension of that exact name.
    #[must_use]
    pub fn dimension(&self, name: &str) -> Option<DimensionId> {
        self.dimension_ids.get(name).copied()
    }

    /// The dimensions' names.
    #[must_use]
    pub fn dimensions(&self) -> &[Arc<str>] {
        &self.dimensions
    }

    /// The measure name's place.
    #[must_use]
    pub fn measure_name(&self, name: &str) -> Option<MeasureNameId> {
        self.measure_name_ids.get(name).copied()
    }

    /// The measure names.
    #[must_use]
    pub fn measure_names(&self) -> &[Arc<str>] {
        &self.measure_names
    }

    /// The measure columns.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column of single-measure values of a type.
    #[must_use]
    pub fn single(&self, value_type: MeasureType) -> Option<ColumnId> {
        self.single_ids[value_type as usize]
    }

    /// The column of a multi-measure attribute, and its type.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<(ColumnId, MeasureType)> {
        let id = *self.attribute_ids.get(name)?;
        Some((id, self.columns[usize::from(id)].kind.value_type()))
    }

    /// Whether a record may add what it would add: the limits of a table and the one name space of its columns.
    ///
    /// # Errors
    /// Why the record must be rejected; nothing is added then.
    pub fn check_growth(
        &self,
        dimensions: Dimensions<'_>,
        measure_name: &str,
        measure: &Measure<'_>,
    ) -> Result<(), RejectReason> {
        let new_dimensions = dimensions.iter().filter(|d| !self.dimension_ids.contains_key(d.name));
        for dimension in new_dimensions.clone() {
            if self.attribute_ids.contains_key(dimension.name) {
                return Err(RejectReason::ColumnClash(dimension.name.to_owned()));
            }
        }
        if self.dimensions.len() + new_dimensions.count() > DIMENSIONS_PER_TABLE_MAX {
            return Err(RejectReason::TableDimensions);
        }
        if !self.measure_name_ids.contains_key(measure_name) && self.measure_names.len() >= MEASURE_NAMES_PER_TABLE_MAX
        {
            return Err(RejectReason::TableMeasureNames);
        }
        let Measure::Multi(attributes) = measure else { return Ok(()) };
        let new_attributes = attributes.iter().filter(|a| !self.attribute_ids.contains_key(a.name));
        for attribute in new_attributes.clone() {
            if self.dimension_ids.contains_key(attribute.name) {
                return Err(RejectReason::ColumnClash(attribute.name.to_owned()));
            }
        }
        if self.attribute_ids.len() + new_attributes.count() > MULTI_ATTRIBUTES_PER_TABLE_MAX {
            return Err(RejectReason::TableAttributes);
        }
        Ok(())
    }

    /// The dimension's place; it is added when it is new.
    pub fn add_dimension(&mut self, name: &str) -> DimensionId {
        if let Some(id) = self.dimension(name) {
            return id;
        }
        let name: Arc<str> = name.into();
        let id = place(self.dimensions.len());
        self.dimensions.push(Arc::clone(&name));
        self.dimension_ids.insert(name, id);
        id
    }

    /// The measure name's place; it is added when it is new.
    pub fn add_measure_name(&mut self, name: &str) -> MeasureNameId {
        if let Some(id) = self.measure_name(name) {
            return id;
        }
        let name: Arc<str> = name.into();
        let id = place(self.measure_names.len());
        self.measure_names.push(Arc::clone(&name));
        self.measure_name_ids.insert(name, id);
        id
    }

    /// The place of the column of single-measure values of a type; it is added when it is new.
    pub fn add_single(&mut self, value_type: MeasureType) -> ColumnId {
        if let Some(id) = self.single(value_type) {
            return id;
        }
        let id = place(self.columns.len());
        let name = format!("measure_value::{}", value_type.sql_name()).into();
        self.columns.push(Column { name, kind: ColumnKind::MeasureValue(value_type) });
        self.single_ids[value_type as usize] = Some(id);
        id
    }

    /// The place of an attribute's column; it is added when it is new. A known attribute keeps its type.
    pub fn add_attribute(&mut self, name: &str, value_type: MeasureType) -> ColumnId {
        if let Some((id, _)) = self.attribute(name) {
            return id;
        }
        let name: Arc<str> = name.into();
        let id = place(self.columns.len());
        self.columns.push(Column { name: Arc::clone(&name), kind: ColumnKind::Multi(value_type) });
        self.attribute_ids.insert(name, id);
        id
    }

    /// Notes that a measure was written with a dimension.
    pub fn add_use(&mut self, measure_use: MeasureUse) {
        if self.use_set.insert(measure_use) {
            self.uses.push(measure_use);
        }
    }

    /// This moment.
    #[must_use]
    pub fn mark(&self) -> SchemaMark {
        SchemaMark {
            dimensions: self.dimensions.len(),
            measure_names: self.measure_names.len(),
            columns: self.columns.len(),
            uses: self.uses.len(),
        }
    }

    /// What was added since a moment.
    #[must_use]
    pub fn growth_since(&self, mark: SchemaMark) -> SchemaGrowth {
        SchemaGrowth {
            dimensions: self.dimensions[mark.dimensions..].to_vec(),
            measure_names: self.measure_names[mark.measure_names..].to_vec(),
            columns: self.columns[mark.columns..].to_vec(),
            uses: self.uses[mark.uses..].to_vec(),
        }
    }

    /// Adds what was added elsewhere, in the same order.
    pub fn grow(&mut self, growth: &SchemaGrowth) {
        for name in &growth.dimensions {
            self.add_dimension(name);
        }
        for name in &growth.measure_names {
            self.add_measure_name(name);
        }
        for column in &growth.columns {
            match column.kind {
                ColumnKind::MeasureValue(value_type) => self.add_single(value_type),
                kind => self.add_attribute(&column.name, kind.value_type()),
            };
        }
        for measure_use in &growth.uses {
            self.add_use(*measure_use);
        }
    }

    /// Goes back to an earlier moment.
    pub fn truncate(&mut self, mark: SchemaMark) {
        for name in self.dimensions.drain(mark.dimensions..) {
            self.dimension_ids.remove(&name);
        }
        for name in self.measure_names.drain(mark.measure_names..) {
            self.measure_name_ids.remove(&name);
        }
        for column in self.columns.drain(mark.columns..) {
            match column.kind {
                ColumnKind::MeasureValue(value_type) => self.single_ids[value_type as usize] = None,
                _ => {
                    self.attribute_ids.remove(&column.name);
                }
            }
        }
        for measure_use in self.uses.drain(mark.uses..) {
            self.use_set.remove(&measure_use);
        }
    }

    /// The table's columns at a moment, in the order of `SELECT *`: dimensions, `measure_name`, `time`, then measure
    /// columns. # observed: select-star.json; # inferred: within each part, first appearance
    #[must_use]
    pub fn columns_at(&self, mark: SchemaMark) -> Arc<[Column]> {
        let dimensions = self.dimensions[..mark.dimensions].iter();
        let dimensions = dimensions.map(|name| Column { name: Arc::clone(name), kind: ColumnKind::Dimension });
        let fixed = [("measure_name", ColumnKind::MeasureName), ("time", ColumnKind::Time)];
        let fixed = fixed.into_iter().map(|(name, kind)| Column { name: name.into(), kind });
        dimensions.chain(fixed).chain(self.columns[..mark.columns].iter().cloned()).collect()
    }

    /// What SHOW MEASURES prints at a moment, sorted by measure name. # guide: supported-sql-constructs.SHOW.html;
    /// # inferred: a name written with several types has a row for each
    #[must_use]
    pub fn measures_at(&self, mark: SchemaMark) -> Arc<[MeasureInfo]> {
        let mut measures = BTreeMap::new();
        for &MeasureUse { measure_name, kind, dimension } in &self.uses[..mark.uses] {
            let name = &self.measure_names[usize::from(measure_name)];
            let data_type = kind.map_or("multi", MeasureType::sql_name);
            let dimensions: &mut Vec<Arc<str>> = measures.entry((name, data_type)).or_default();
            dimensions.push(Arc::clone(&self.dimensions[usize::from(dimension)]));
        }
        let rows = measures.into_iter();
        rows.map(|((name, data_type), dimensions)| MeasureInfo {
            measure_name: Arc::clone(name),
            data_type,
            dimensions,
        })
        .collect()
    }
}

/// A place in a list as an id. The limits of a table keep every list far below 65,536 entries.
fn place(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::record::{Attribute, Dimension, Value};

    fn names(columns: &[Column]) -> Vec<&str> {
        columns.iter().map(|column| &*column.name).collect()
    }

    fn sample() -> Schema {
        let mut schema = Schema::default();
        let (host, region) = (schema.add_dimension("host"), schema.add_dimension("region"));
        let (cpu, all) = (schema.add_measure_name("cpu"), schema.add_measure_name("all"));
        schema.add_single(MeasureType::Double);
        schema.add_attribute("mem", MeasureType::Bigint);
        schema.add_use(MeasureUse { measure_name: cpu, kind: Some(MeasureType::Double), dimension: region });
        schema.add_use(MeasureUse { measure_name: cpu, kind: Some(MeasureType::Double), dimension: host });
        schema.add_use(MeasureUse { measure_name: all, kind: None, dimension: host });
        schema.add_use(MeasureUse { measure_name: cpu, kind: Some(MeasureType::Bigint), dimension: host });
        schema
    }

    #[test]
    fn columns_stand_in_the_order_of_select_star() {
        let schema = sample();
        let columns = schema.columns_at(schema.mark());
        assert_eq!(names(&columns), ["host", "region", "measure_name", "time", "measure_value::double", "mem"]);
        // # observed: a table without data has exactly these two
        assert_eq!(names(&Schema::default().columns_at(SchemaMark::default())), ["measure_name", "time"]);
    }

    #[test]
    fn measures_are_listed_by_name_and_type() {
        let schema = sample();
        let rows: Vec<_> = schema
            .measures_at(schema.mark())
            .iter()
            .map(|m| format!("{} {} {}", m.measure_name, m.data_type, m.dimensions.join(",")))
            .collect();
        assert_eq!(rows, ["all multi host", "cpu bigint host", "cpu double region,host"]);
    }

    #[test]
    fn growth_taken_since_a_mark_rebuilds_the_schema_and_truncation_undoes_it() {
        let mut schema = sample();
        let mark = schema.mark();
        schema.add_dimension("az");
        schema.add_attribute("up", MeasureType::Boolean);
        schema.add_single(MeasureType::Varchar);
        let name = schema.add_measure_name("disk");
        schema.add_use(MeasureUse { measure_name: name, kind: None, dimension: 2 });
        let mut copy = Schema::default();
        copy.grow(&schema.growth_since(SchemaMark::default()));
        assert_eq!(copy.columns_at(copy.mark()), schema.columns_at(schema.mark()));
        assert_eq!(copy.measures_at(copy.mark()), schema.measures_at(schema.mark()));
        schema.truncate(mark);
        assert_eq!(schema.mark(), mark);
        assert_eq!(schema.dimension("az"), None);
        assert_eq!(schema.attribute("up"), None);
        assert_eq!(schema.single(MeasureType::Varchar), None);
        assert_eq!(schema.growth_since(mark), SchemaGrowth::default());
    }

    #[test]
    fn growth_stops_at_the_limits_and_at_name_clashes() {
        let mut schema = Schema::default();
        for i in 0..DIMENSIONS_PER_TABLE_MAX - 1 {
            schema.add_dimension(&format!("d{i}"));
        }
        for i in 0..MEASURE_NAMES_PER_TABLE_MAX {
            schema.add_measure_name(&format!("m{i}"));
        }
        for i in 0..MULTI_ATTRIBUTES_PER_TABLE_MAX - 1 {
            schema.add_attribute(&format!("a{i}"), MeasureType::Double);
        }
        let check = |dimensions: &[&str], measure_name: &str, attributes: &[&str], expect: Result<(), RejectReason>| {
            let own: Vec<_> = dimensions.iter().map(|name| Dimension { name, value: "v" }).collect();
            let attributes = attributes.iter().map(|name| Attribute { name, value: Value::Double(1.0) }).collect();
            let dimensions = Dimensions { common: &[], own: &own };
            assert_eq!(schema.check_growth(dimensions, measure_name, &Measure::Multi(attributes)), expect);
        };
        check(&["d0", "new"], "m0", &["a0", "fresh"], Ok(()));
        check(&["new", "newer"], "m0", &["a0"], Err(RejectReason::TableDimensions));
        check(&["d0"], "fresh", &["a0"], Err(RejectReason::TableMeasureNames));
        check(&["d0"], "m0", &["x", "y"], Err(RejectReason::TableAttributes));
        check(&["a7"], "m0", &["a0"], Err(RejectReason::ColumnClash("a7".into())));
        check(&["d0"], "m0", &["d9"], Err(RejectReason::ColumnClash("d9".into())));
    }
}
