//! A result's cells as text, as the `.slt` files print them.

use aws_sdk_timestreamquery::types::{Datum, Row};

/// Scalars as on the wire, `NULL`, `[a, b]`, `(a, b)`, `[(time, value), …]`.
#[must_use]
pub fn datum_text(datum: &Datum) -> String {
    if let Some(text) = &datum.scalar_value {
        text.clone()
    } else if let Some(items) = &datum.array_value {
        format!("[{}]", joined(items))
    } else if let Some(row) = &datum.row_value {
        format!("({})", joined(&row.data))
    } else if let Some(points) = &datum.time_series_value {
        let points: Vec<String> = points
            .iter()
            .map(|point| {
                let value = point.value.as_ref().map_or_else(|| "?".to_owned(), datum_text);
                format!("({}, {value})", point.time)
            })
            .collect();
        format!("[{}]", points.join(", "))
    } else if datum.null_value == Some(true) {
        "NULL".to_owned()
    } else {
        format!("not a Datum: {datum:?}")
    }
}

/// A row's cells.
#[must_use]
pub fn row_texts(row: &Row) -> Vec<String> {
    row.data.iter().map(datum_text).collect()
}

fn joined(items: &[Datum]) -> String {
    items.iter().map(datum_text).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_timestreamquery::types::TimeSeriesDataPoint;

    fn check(datum: Datum, expected: &str) {
        assert_eq!(datum_text(&datum), expected);
    }

    #[test]
    fn texts() {
        let scalar = |text: &str| Datum::builder().scalar_value(text).build();
        let null = || Datum::builder().null_value(true).build();
        let row = |data: Vec<Datum>| Row::builder().set_data(Some(data)).build().expect("data is set");
        check(scalar("1.0E10"), "1.0E10");
        check(scalar(""), "");
        check(null(), "NULL");
        check(Datum::builder().set_array_value(Some(vec![])).build(), "[]");
        check(Datum::builder().array_value(scalar("1")).array_value(null()).build(), "[1, NULL]");
        check(Datum::builder().row_value(row(vec![scalar("1"), scalar("a")])).build(), "(1, a)");
        let point = TimeSeriesDataPoint::builder()
            .time("2020-01-01 00:00:00.000000000")
            .value(scalar("2.5"))
            .build()
            .expect("set");
        check(Datum::builder().time_series_value(point).build(), "[(2020-01-01 00:00:00.000000000, 2.5)]");
    }
}
