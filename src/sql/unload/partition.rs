//! Which folder a row goes to.

use super::{SqlError, json};
use datafusion::arrow::array::{Array, RecordBatch};
use std::{collections::BTreeMap, fmt::Write as _};

/// The folder of rows whose column is null or empty. # trino
const NO_VALUE: &str = "__HIVE_DEFAULT_PARTITION__";

/// The rows of a batch by their folder, `channel=direct/event=click`; one folder without a name when there are no names. The
/// columns of that name are the batch's last ones.
pub(super) fn split(batch: &RecordBatch, names: &[String]) -> Result<BTreeMap<String, Vec<u32>>, SqlError> {
    let rows = 0..u32::try_from(batch.num_rows()).unwrap_or(u32::MAX);
    if names.is_empty() {
        return Ok(BTreeMap::from([(String::new(), rows.collect())]));
    }
    let first = batch.num_columns() - names.len();
    let mut folders: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    let (mut folder, mut value) = (String::new(), String::new());
    for row in rows {
        folder.clear();
        for (array, name) in batch.columns()[first..].iter().zip(names) {
            value.clear();
            if !array.is_null(row as usize) {
                json::write_cell(array, row as usize, &mut value);
            }
            if !folder.is_empty() {
                folder.push('/');
            }
            write_part(name, &value, &mut folder)?;
        }
        match folders.get_mut(&folder) {
            Some(rows) => rows.push(row),
            None => drop(folders.insert(folder.clone(), vec![row])),
        }
    }
    Ok(folders)
}

fn write_part(name: &str, value: &str, out: &mut String) -> Result<(), SqlError> {
    // # guide: export-unload-best-practices.html: ASCII only; # inferred: the text
    if let Some(text) = [name, value].into_iter().find(|text| !text.is_ascii()) {
        return Err(SqlError::Invalid(format!(
            "The value '{text}' of a column in partitioned_by has other characters than ASCII, which the keys of S3 \
             objects cannot have."
        )));
    }
    write_escaped(name, out);
    out.push('=');
    write_escaped(if value.is_empty() { NO_VALUE } else { value }, out);
    Ok(())
}

/// Characters that mean something in a path are written in hexadecimal. # trino
fn write_escaped(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_control() || b"\"#%'*/:=?\\{[]^".contains(&byte) {
            let _ = write!(out, "%{byte:02X}");
        } else {
            out.push(char::from(byte));
        }
    }
}
