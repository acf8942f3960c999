//! Tables: Arrow's streams, which polars, pandas, pyarrow and DuckDB give without a copy, and columns of NumPy. They become a data set as the
//! command makes one of a Parquet file with these columns.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, TimeUnit};
use enkoder::{Dataset, Schema};
use enkoder_data::{ColumnValues, DataError, Table, TableOptions};
use numpy::PyReadonlyArray1;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyList;
use pyo3_arrow::PyRecordBatchReader;

use crate::calling::call;
use crate::errors::{raised, value_error};

const SECONDS_PER_DAY: f64 = 86_400.0;

/// What tables are called in messages.
const NAME: &str = "table";

/// The data set that a table is: an object with `__arrow_c_stream__`, or a list of columns as `(name, kind, values)`.
pub fn dataset(given: &Bound<'_, PyAny>, known: Option<&Schema>) -> PyResult<Dataset> {
    let columns = if given.hasattr("__arrow_c_stream__")? {
        of_arrow(given)?
    } else if let Ok(columns) = given.cast::<PyList>() {
        of_list(columns)?
    } else {
        let kind = given.get_type().name()?;
        return Err(PyTypeError::new_err(format!("{kind} is no array of numbers and no table")));
    };
    let options = TableOptions { schema: known.cloned(), keep_infinite: true, ..TableOptions::default() };
    call(given.py(), None, move || -> Result<Dataset, DataError> {
        let mut lent: Vec<(String, ColumnValues<'_>)> = Vec::with_capacity(columns.len());
        let mut texts = Vec::new();
        for (name, column) in columns {
            match column {
                Column::Numbers(values) => lent.push((name, ColumnValues::Numbers(values))),
                Column::Times(values) => lent.push((name, ColumnValues::Times(values))),
                Column::Words(words) => {
                    texts.push((lent.len(), Texts::Owned(words)));
                    lent.push((name, ColumnValues::Words(Vec::new())));
                }
                Column::Batches(batches) => {
                    texts.push((lent.len(), Texts::Batches(batches)));
                    lent.push((name, ColumnValues::Words(Vec::new())));
                }
            }
        }
        for (place, words) in &texts {
            lent[*place].1 = ColumnValues::Words(words.lent());
        }
        Table::from_columns(NAME, lent, &options)?.into_dataset(&options)
    })
}

/// A column of a table.
enum Column {
    Numbers(Vec<f32>),
    Times(Vec<f32>),
    Words(Vec<Option<String>>),
    /// Words of Arrow, as `LargeUtf8`.
    Batches(Vec<ArrayRef>),
}

/// Words that a table is made of.
enum Texts {
    Owned(Vec<Option<String>>),
    Batches(Vec<ArrayRef>),
}

impl Texts {
    fn lent(&self) -> Vec<Option<&str>> {
        match self {
            Self::Owned(words) => words.iter().map(Option::as_deref).collect(),
            Self::Batches(batches) => batches.iter().flat_map(|batch| batch.as_string::<i64>().iter()).collect(),
        }
    }
}

/// Columns as `(name, kind, values)`: `numbers` and `times` of NumPy in f32, or `words`, a list of them and of `None`.
fn of_list(columns: &Bound<'_, PyList>) -> PyResult<Vec<(String, Column)>> {
    let column = |column: Bound<'_, PyAny>| {
        let (name, kind, values): (String, String, Bound<'_, PyAny>) = column.extract()?;
        let column = match kind.as_str() {
            "words" => Column::Words(values.extract()?),
            _ => {
                let numbers = values.extract::<PyReadonlyArray1<'_, f32>>()?.as_array().to_vec();
                if kind == "times" { Column::Times(numbers) } else { Column::Numbers(numbers) }
            }
        };
        Ok((name, column))
    };
    columns.iter().map(column).collect()
}

/// The columns of a stream of Arrow.
fn of_arrow(given: &Bound<'_, PyAny>) -> PyResult<Vec<(String, Column)>> {
    let reader = given.extract::<PyRecordBatchReader>()?.into_reader()?;
    let schema = reader.schema();
    let batches = reader.collect::<Result<Vec<RecordBatch>, ArrowError>>().map_err(|error| raised(&error))?;
    let mut columns = Vec::new();
    for (index, field) in schema.fields().iter().enumerate().filter(|(_, field)| !is_row_name(field.name())) {
        let parts: Vec<&ArrayRef> = batches.iter().map(|batch| batch.column(index)).collect();
        let column = column(field.data_type(), &parts).map_err(|error| raised(&error))?;
        let unreadable = || {
            value_error(format!(
                "column {:?} cannot be read: it holds values of type {}\nhint: give numbers, words, dates or times, or leave the column out",
                field.name(),
                field.data_type()
            ))
        };
        columns.push((field.name().clone(), column.ok_or_else(unreadable)?));
    }
    Ok(columns)
}

/// Whether it is the column in which pandas hands over the names of rows, which are no data.
fn is_row_name(column: &str) -> bool {
    column.strip_prefix("__index_level_").and_then(|rest| rest.strip_suffix("__")).is_some()
}

/// The values of a column of Arrow; none of a type that is neither numbers nor words.
fn column(kind: &DataType, parts: &[&ArrayRef]) -> Result<Option<Column>, ArrowError> {
    let divided = |by: f64| {
        numbers(parts, &DataType::Int64, |array, out: &mut Vec<f32>| {
            out.extend(
                array.as_primitive::<Int64Type>().iter().map(|value| number(value.map(|value| value as f64 / by))),
            );
        })
    };
    Ok(Some(match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Column::Batches(texts(parts)?),
        DataType::Dictionary(_, values) if values.is_string() => Column::Batches(texts(parts)?),
        DataType::Dictionary(_, values) => {
            let unpacked = parts.iter().map(|part| cast(part, values)).collect::<Result<Vec<_>, _>>()?;
            return column(values, &unpacked.iter().collect::<Vec<_>>());
        }
        DataType::Timestamp(unit, _) => Column::Times(divided(ticks(*unit))?),
        DataType::Time32(unit) | DataType::Time64(unit) | DataType::Duration(unit) => {
            // Arrow casts no time of 32 bits to whole numbers of 64 at once.
            let whole = if matches!(kind, DataType::Time32(_)) { DataType::Int32 } else { DataType::Int64 };
            let parts = parts.iter().map(|part| cast(part, &whole)).collect::<Result<Vec<_>, _>>()?;
            let Some(Column::Numbers(values)) = column(&whole, &parts.iter().collect::<Vec<_>>())? else {
                return Ok(None);
            };
            let by = ticks(*unit);
            Column::Numbers(values.into_iter().map(|value| (f64::from(value) / by) as f32).collect())
        }
        DataType::Date32 => Column::Numbers(numbers(parts, &DataType::Int32, |array, out: &mut Vec<f32>| {
            let days = array.as_primitive::<arrow_array::types::Int32Type>().iter();
            out.extend(days.map(|day| number(day.map(|day| f64::from(day) * SECONDS_PER_DAY))));
        })?),
        DataType::Date64 => Column::Numbers(divided(1e3)?),
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            Column::Numbers(numbers(parts, &DataType::Float64, |array, out: &mut Vec<f32>| {
                out.extend(array.as_primitive::<Float64Type>().iter().map(number));
            })?)
        }
        DataType::Null => Column::Numbers(vec![f32::NAN; parts.iter().map(|part| part.len()).sum()]),
        kind if kind.is_numeric() || *kind == DataType::Boolean => {
            Column::Numbers(numbers(parts, &DataType::Float32, |array, out: &mut Vec<f32>| {
                let array = array.as_primitive::<Float32Type>();
                if array.null_count() == 0 {
                    out.extend_from_slice(array.values());
                } else {
                    out.extend(array.iter().map(|value| value.unwrap_or(f32::NAN)));
                }
            })?)
        }
        _ => return Ok(None),
    }))
}

fn number(value: Option<f64>) -> f32 {
    value.map_or(f32::NAN, |value| value as f32)
}

fn ticks(unit: TimeUnit) -> f64 {
    match unit {
        TimeUnit::Second => 1.0,
        TimeUnit::Millisecond => 1e3,
        TimeUnit::Microsecond => 1e6,
        TimeUnit::Nanosecond => 1e9,
    }
}

fn texts(parts: &[&ArrayRef]) -> Result<Vec<ArrayRef>, ArrowError> {
    parts.iter().map(|part| cast(part, &DataType::LargeUtf8)).collect()
}

fn numbers(
    parts: &[&ArrayRef],
    kind: &DataType,
    append: impl Fn(&ArrayRef, &mut Vec<f32>),
) -> Result<Vec<f32>, ArrowError> {
    let mut values = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        append(&cast(part, kind)?, &mut values);
    }
    Ok(values)
}
