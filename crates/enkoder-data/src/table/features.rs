//! From a table's columns to a data set's features: which columns count, and what each becomes.

use std::collections::{HashMap, HashSet};

use enkoder::{Column, ColumnKind, Dataset, DatasetError, LeftOut, Schema, WhyLeftOut};
use ndarray::{Array2, ShapeError};

use super::encoding::{EncodedRows, FeatureColumn, encode};
use super::labels::labels;
use super::pixels::{image_of, image_shape};
use super::{CellKind, MAX_CATEGORIES, MAX_VALUES, Table, TableColumn, TableOptions};
use crate::timestamp::{is_moment, is_time_of_day};
use crate::{DataError, Place};

/// Fewer rows than this are too few to tell text from categories by how many words are different.
const MIN_ROWS_FOR_TEXT: u64 = 20;

pub(super) fn into_dataset(table: Table, options: &TableOptions) -> Result<Dataset, DataError> {
    if table.is_empty() {
        return Err(DataError::empty(Place::default()));
    }
    let is_loss = options.sample.is_none_or(|sample| !sample.for_columns);
    if is_loss && table.read > table.rows.len() as u64 {
        let (kept, read) = (table.rows.len(), table.read);
        tracing::warn!("the table has {read} rows, of which {kept} are taken, drawn evenly at random");
    }
    let (label, apart) = apart(&table, options)?;
    let (used, schema) = match &options.schema {
        Some(schema) => (known_columns(&table, &apart, schema)?, schema.clone()),
        None => learned_columns(&table, &apart)?,
    };
    let shape = if options.schema.is_none() { pixel_shape(&schema, options) } else { None };
    let features = schema.features();
    let values = (table.len() as u64).saturating_mul(features as u64);
    if values > MAX_VALUES {
        let what = "number of values, with one for each category,";
        return Err(DataError::TooLarge { place: Place::default(), what, claimed: values, limit: MAX_VALUES });
    }

    let Table { name, columns, rows, .. } = table;
    let encoder = schema.encoder();
    let places = used.into_iter().zip(schema.ranges()).zip(encoder.columns());
    let places = places.map(|((column, features), encoder)| {
        FeatureColumn::new(column, &columns, features, encoder, options.keep_infinite)
    });
    let mut sources: Vec<FeatureColumn<'_>> = places.collect();
    let (dataset, label_values) = if sources.iter().all(|source| source.is_bytes(&rows, &columns)) {
        let encoded = encode(rows, &columns, &mut sources, label, options, |value| value as u8)?;
        let (values, labels) = encoded.into_array(features)?;
        (Dataset::from_u8(name, values), labels)
    } else {
        let encoded = encode(rows, &columns, &mut sources, label, options, |value| value)?;
        let (values, labels) = encoded.into_array(features)?;
        (Dataset::from_f32(name, values), labels)
    };
    warn_of_unknown_words(&sources, &columns);
    let dataset = dataset.and_then(|dataset| match shape {
        Some(shape) => dataset.with_shape(shape),
        None => dataset.with_schema(schema.clone()),
    });
    let dataset = match label.and_then(|label| labels(&columns[label], &label_values)) {
        Some(labels) => dataset.and_then(|dataset| dataset.with_labels(labels)),
        None => dataset,
    };
    dataset.map_err(no_dataset)
}

/// What a table that is trained on offers: its columns, and the shape of a sample.
pub(super) fn learned(table: &Table, options: &TableOptions) -> Result<(Schema, Vec<usize>), DataError> {
    if table.is_empty() {
        return Err(DataError::empty(Place::default()));
    }
    let (_, schema) = learned_columns(table, &apart(table, options)?.1)?;
    let shape = pixel_shape(&schema, options).unwrap_or_else(|| vec![schema.features()]);
    Ok((schema, shape))
}

/// The label column, and all columns that are no features.
fn apart(table: &Table, options: &TableOptions) -> Result<(Option<usize>, HashSet<usize>), DataError> {
    let label = options.label.as_deref().map(|name| table.find(name)).transpose()?;
    let ignored = options.ignore.iter().filter(|name| !table.unread.contains(name));
    let mut apart = ignored.map(|name| table.find(name)).collect::<Result<HashSet<_>, _>>()?;
    apart.extend(label);
    Ok((label, apart))
}

fn no_dataset(source: DatasetError) -> DataError {
    DataError::dataset(Place::default(), source)
}

impl<T> EncodedRows<T> {
    fn into_array(self, features: usize) -> Result<(Array2<T>, Vec<f32>), DataError> {
        let refused = |error: ShapeError| DataError::unsuitable(Place::default(), error.to_string());
        Ok((Array2::from_shape_vec((self.rows, features), self.values).map_err(refused)?, self.labels))
    }
}

/// The shape of the image where the columns are its pixels.
fn pixel_shape(schema: &Schema, options: &TableOptions) -> Option<Vec<usize>> {
    let numeric = schema.columns.iter().all(|column| column.kind == ColumnKind::Numeric);
    let names: Vec<&str> = schema.columns.iter().map(|column| column.name.as_str()).collect();
    let asked = || image_of(options.image, &[names.len()]);
    if numeric { image_shape(&names).map(Vec::from).or_else(asked) } else { None }
}

/// Why columns are left out of what is learned, each with what is said of it.
const LEFT_OUT: [(WhyLeftOut, &str); 4] = [
    (WhyLeftOut::NoValue, "left out, for no row has a value there"),
    (WhyLeftOut::Clock, "left out as clocks, which tell when and not what"),
    (WhyLeftOut::RowNumber, "left out as numbers of rows, which tell where a row stands and not what it holds"),
    (WhyLeftOut::Text, "left out as text, with too many different words for categories"),
];

/// What a table to train on offers: all columns from which something can be learned.
fn learned_columns(table: &Table, apart: &HashSet<usize>) -> Result<(Vec<usize>, Schema), DataError> {
    let rows = table.len() as u64;
    let (mut used, mut schema) = (Vec::new(), Vec::new());
    let mut left_out: Vec<LeftOut> = Vec::new();
    for (index, column) in table.columns.iter().enumerate().filter(|(index, _)| !apart.contains(index)) {
        let name = column.name.as_str();
        let reason = match &column.kind {
            _ if column.missing == rows => Some(WhyLeftOut::NoValue),
            _ if column.left_out.is_some() => column.left_out,
            CellKind::Numbers => None,
            CellKind::Words { words, seen, more, .. } => {
                let different = seen.iter().filter(|&&seen| seen).count();
                let present = rows - column.missing;
                let is_text = *more
                    || different > MAX_CATEGORIES
                    || (present >= MIN_ROWS_FOR_TEXT && different as u64 > present / 2);
                if different > 1 && words.iter().all(|word| is_moment(word)) {
                    Some(WhyLeftOut::Clock)
                } else {
                    is_text.then_some(WhyLeftOut::Text)
                }
            }
        };
        if let Some(why) = reason {
            left_out.push(LeftOut { name: name.to_owned(), why });
            continue;
        }
        used.push(index);
        schema.push(match &column.kind {
            CellKind::Numbers => Column::numeric(name),
            CellKind::Words { words, seen, .. } => {
                let names = words.iter().zip(seen).filter(|&(_, &seen)| seen).map(|(word, _)| word.clone());
                Column::categorical(name, names.collect())
            }
        });
    }
    let of = |why: WhyLeftOut| -> Vec<&str> {
        left_out.iter().filter(|column| column.why == why).map(|column| column.name.as_str()).collect()
    };
    if used.is_empty() {
        let whys: Vec<String> = LEFT_OUT
            .iter()
            .filter(|(reason, _)| !of(*reason).is_empty())
            .map(|(reason, what)| format!("{} {what}", named(&of(*reason))))
            .collect();
        let why = if whys.is_empty() { String::new() } else { format!(": {}", whys.join("; ")) };
        return Err(DataError::unsuitable(Place::default(), format!("no column is left to learn from{why}"))
            .with_hint("a column to learn from holds numbers, or few different words; ignore fewer columns"));
    }
    for (reason, what) in LEFT_OUT {
        warn_of(&of(reason), what);
    }
    let is_time =
        |column: &&Column| column.categories().is_some_and(|words| words.iter().all(|word| is_time_of_day(word)));
    let times: Vec<&str> = schema.iter().filter(is_time).map(|column| column.name.as_str()).collect();
    let dates = of(WhyLeftOut::Clock);
    if !times.is_empty() && !dates.is_empty() {
        tracing::warn!(
            "times of day beside dates are read as words: {}; join date and time in one column, or leave the times out with `TableOptions::ignore`",
            named(&times)
        );
    }
    Ok((used, Schema { left_out, ..Schema::new(schema) }))
}

/// The columns that a model needs, in its order.
fn known_columns(table: &Table, apart: &HashSet<usize>, schema: &Schema) -> Result<Vec<usize>, DataError> {
    let by_name: HashMap<&str, usize> =
        table.columns.iter().enumerate().map(|(index, column)| (column.name.as_str(), index)).collect();
    let find = |wanted: &Column| {
        let missing = || missing_column(&wanted.name, table.columns.iter().map(|column| column.name.clone()));
        by_name.get(wanted.name.as_str()).copied().ok_or_else(missing)
    };
    let known = schema.columns.iter().map(find).collect::<Result<Vec<_>, _>>()?;
    let used: HashSet<usize> = known.iter().copied().collect();
    let others = table.columns.iter().enumerate();
    let others = others.filter(|(index, _)| !used.contains(index) && !apart.contains(index));
    warn_of_unknown(others.map(|(_, column)| column.name.as_str()), Some(schema));
    Ok(known)
}

/// A column that a model needs is not among those there are.
pub(crate) fn missing_column(name: &str, known: impl IntoIterator<Item = String>) -> DataError {
    let why = format!("column {name:?}, which was learned from, is missing");
    let error = DataError::unsuitable(Place::default(), why);
    match DataError::unknown_name("column", name, known).hint() {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// Says which columns are left out because the model does not know them. Those in which the training found a clock or a text are no news.
pub(crate) fn warn_of_unknown(columns: impl IntoIterator<Item = impl AsRef<str>>, schema: Option<&Schema>) {
    let found: HashSet<&str> = schema.iter().flat_map(|schema| schema.clocks_and_texts()).collect();
    let unknown: Vec<_> = columns.into_iter().filter(|name| !found.contains(name.as_ref())).collect();
    warn_of(&unknown, "left out, for the model does not know them");
}

/// One warning for several columns, of which the first few are named.
pub(crate) fn warn_of(columns: &[impl AsRef<str>], what: &str) {
    if !columns.is_empty() {
        tracing::warn!("columns {what}: {}", named(columns));
    }
}

/// The names of columns, or the first few of many.
fn named(columns: &[impl AsRef<str>]) -> String {
    const SHOWN: usize = 8;
    let mut names =
        columns.iter().take(SHOWN).map(|name| format!("{:?}", name.as_ref())).collect::<Vec<_>>().join(", ");
    if columns.len() > SHOWN {
        names += &format!(", … ({} in all)", columns.len());
    }
    names
}

fn warn_of_unknown_words(sources: &[FeatureColumn<'_>], columns: &[TableColumn]) {
    for source in sources {
        if let Some(first) = source.first_unknown {
            let column = source.column(columns);
            let (name, word) = (&column.name, column.word(first));
            tracing::warn!(
                "column {name:?}: the model does not know the categories of {} rows, such as {word}; they count as none of \
                 its categories",
                source.unknown
            );
        }
    }
}
