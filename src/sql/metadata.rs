//! SHOW and DESCRIBE: answered from the catalog.

use super::{
    error::SqlError,
    parse::{Like, Statement, TableName},
    plan::OutputColumn,
};
use crate::{
    engine::{Snapshot, TableView},
    model::access::{Access, AccessDenied, Action, Resource},
};
use datafusion::arrow::{
    array::{ArrayRef, ListBuilder, RecordBatch, StringArray, StringBuilder, StructBuilder},
    datatypes::{DataType, Field, Fields, Schema},
};
use std::sync::Arc;

/// The answer of a metadata statement.
pub(super) struct Listing {
    pub(super) columns: Vec<OutputColumn>,
    pub(super) rows: RecordBatch,
}

/// Answers SHOW and DESCRIBE; `None` for the other statements.
///
/// # Errors
/// [`SqlError::Invalid`] when a database or table does not exist.
/// [`SqlError::AccessDenied`] before that is found out.
pub(super) fn answer(statement: &Statement, snapshot: &Snapshot, access: &Access) -> Result<Option<Listing>, SqlError> {
    check_access(statement, access)?;
    Ok(Some(match statement {
        Statement::ShowDatabases { like } => {
            let names = snapshot.databases().map(|database| &*database.name);
            one_column("Database", names.filter(|name| matches(like.as_ref(), name)).collect())?
        }
        Statement::ShowTables { database, like } => {
            let databases: Vec<&str> = match database {
                Some(name) => vec![&*existing_database(snapshot, name, name)?.name],
                None => snapshot.databases().map(|database| &*database.name).collect(),
            };
            let tables = databases.iter().flat_map(|database| snapshot.tables(database));
            let mut names: Vec<&str> = tables.map(|view| &*view.table.name).collect();
            names.retain(|name| matches(like.as_ref(), name));
            names.sort_unstable();
            one_column("Table", names)?
        }
        Statement::ShowMeasures { table, like } => measures(existing_table(snapshot, table)?, like.as_ref())?,
        Statement::Describe(table) => describe(existing_table(snapshot, table)?)?,
        Statement::Query(..) | Statement::Unload(..) => return Ok(None),
    }))
}

/// # guide: service authorization reference, list_timestream.html, Query; # inferred: which action is which statement's
fn check_access(statement: &Statement, access: &Access) -> Result<(), AccessDenied> {
    match statement {
        Statement::ShowDatabases { .. } => access.check(Action::ListDatabases, Resource::Any),
        Statement::ShowTables { database: Some(database), .. } => {
            access.check(Action::ListTables, Resource::Database(database))
        }
        Statement::ShowTables { database: None, .. } => access.check(Action::ListTables, Resource::Databases),
        Statement::ShowMeasures { table: TableName { database, table }, .. } => {
            access.check(Action::ListMeasures, Resource::Table(database, table))
        }
        Statement::Describe(TableName { database, table }) => {
            access.check(Action::DescribeTable, Resource::Table(database, table))
        }
        // What these read shows when they are planned.
        Statement::Query(..) | Statement::Unload(..) => Ok(()),
    }
}

/// # observed: the places are those of the statement, 1:1
fn existing_database<'a>(
    snapshot: &'a Snapshot,
    name: &str,
    identifier: &str,
) -> Result<&'a crate::catalog::Database, SqlError> {
    snapshot.database(name).ok_or_else(|| {
        SqlError::Invalid(format!("Requested database '{name}' not found for identifier '{identifier}' at line 1:1"))
    })
}

fn existing_table<'a>(snapshot: &'a Snapshot, name: &TableName) -> Result<&'a TableView, SqlError> {
    let TableName { database, table } = name;
    existing_database(snapshot, database, &format!("{database}.{table}"))?;
    snapshot.table(database, table).map(Arc::as_ref).ok_or_else(|| {
        SqlError::Invalid(format!("The table '{table}' does not exist in database '{database}' at line 1:1"))
    })
}

fn one_column(label: &str, names: Vec<&str>) -> Result<Listing, SqlError> {
    listing(vec![(label, Arc::new(StringArray::from(names)))])
}

/// # observed: describe-table.json
fn describe(view: &TableView) -> Result<Listing, SqlError> {
    let columns = &view.table.columns;
    let text = |of: &dyn Fn(&crate::model::table::Column) -> String| -> ArrayRef {
        Arc::new(columns.iter().map(|column| Some(of(column))).collect::<StringArray>())
    };
    listing(vec![
        ("Column", text(&|c| c.name.to_string())),
        ("Type", text(&|c| c.kind.value_type().sql_name().to_owned())),
        ("Timestream attribute type", text(&|c| c.kind.attribute_type().to_owned())),
    ])
}

/// # observed: show-measures.json
fn measures(view: &TableView, like: Option<&Like>) -> Result<Listing, SqlError> {
    let fields: Fields =
        ["dimension_name", "data_type"].map(|name| Field::new(name, DataType::Utf8, true)).to_vec().into();
    let element = StructBuilder::from_fields(fields.clone(), 0);
    let mut dimensions = ListBuilder::new(element).with_field(Field::new("item", DataType::Struct(fields), true));
    let (mut names, mut types) = (StringBuilder::new(), StringBuilder::new());
    for measure in view.measures.iter().filter(|m| matches(like, &m.measure_name)) {
        names.append_value(&measure.measure_name);
        types.append_value(measure.data_type);
        for dimension in &measure.dimensions {
            let row = dimensions.values();
            if let Some(name) = row.field_builder::<StringBuilder>(0) {
                name.append_value(dimension);
            }
            if let Some(data_type) = row.field_builder::<StringBuilder>(1) {
                data_type.append_value("varchar");
            }
            row.append(true);
        }
        dimensions.append(true);
    }
    listing(vec![
        ("measure_name", Arc::new(names.finish())),
        ("data_type", Arc::new(types.finish())),
        ("dimensions", Arc::new(dimensions.finish())),
    ])
}

fn listing(columns: Vec<(&str, ArrayRef)>) -> Result<Listing, SqlError> {
    let fields: Vec<Field> =
        columns.iter().map(|(label, array)| Field::new(*label, array.data_type().clone(), true)).collect();
    let outputs = columns.iter().map(|(label, array)| OutputColumn {
        label: (*label).to_owned(),
        aliased: false,
        data_type: array.data_type().clone(),
        origin: None,
    });
    let outputs = outputs.collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|error| SqlError::Internal(error.to_string()))?;
    Ok(Listing { columns: outputs, rows })
}

/// SQL's LIKE, case-sensitive: `%` any run, `_` one character. An escape character makes the next one literal, whatever
/// it is. # observed: the drivers' tests
fn matches(like: Option<&Like>, text: &str) -> bool {
    let Some(like) = like else { return true };
    let mut parts = Vec::new();
    let mut pattern = like.pattern.chars();
    while let Some(c) = pattern.next() {
        parts.push(match c {
            c if Some(c) == like.escape => pattern.next().map_or(Part::One(c), Part::One),
            '%' => Part::Run,
            '_' => Part::Any,
            c => Part::One(c),
        });
    }
    let text: Vec<char> = text.chars().collect();
    // Only the last run needs to be remembered: a later one starts the search anew.
    let (mut t, mut p, mut last_run) = (0, 0, None);
    while t < text.len() {
        match parts.get(p) {
            Some(Part::Run) => {
                last_run = Some((p, t));
                p += 1;
            }
            Some(Part::Any) => (t, p) = (t + 1, p + 1),
            Some(Part::One(c)) if *c == text[t] => (t, p) = (t + 1, p + 1),
            _ => match last_run {
                Some((run, from)) => {
                    last_run = Some((run, from + 1));
                    (t, p) = (from + 1, run + 1);
                }
                None => return false,
            },
        }
    }
    parts[p..].iter().all(|part| matches!(part, Part::Run))
}

/// A step of a LIKE pattern.
enum Part {
    One(char),
    Any,
    Run,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, escape: Option<char>, text: &str, expect: bool) {
        let like = Like { pattern: pattern.to_owned(), escape };
        assert_eq!(matches(Some(&like), text), expect, "{text} LIKE {pattern}");
    }

    #[test]
    fn like_patterns() {
        check("%test%", None, "a test b", true);
        check("_estTabl_", None, "testTable", true);
        check("_estTabl_", None, "testTables", false);
        check("Empty_b!_1!_2.34", Some('!'), "Emptyxb_1_2.34", true);
        check("Empty_b!_1!_2.34", Some('!'), "Empty_bx1_2.34", false);
        check("%DB!_003", Some('!'), "my_DB_003", true);
        check("a%b%c", None, "aXbYbZc", true);
        check("a%b%c", None, "aXbYbZ", false);
        check("ABC", None, "abc", false);
        check("", None, "", true);
        check("%", None, "", true);
    }
}
