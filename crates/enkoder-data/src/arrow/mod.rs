//! Arrow's files and streams (<https://arrow.apache.org/docs/format/Columnar.html>), which Feather of version 2 is: `.arrow`, `.feather`. A
//! file is a stream between two marks and is read as one, from the first batch to the last. Arrow's own crates are not used: they
//! bring all of its types and kernels, and a table needs numbers and words.

mod columns;
mod dictionaries;
mod flatbuffer;
mod messages;
mod schema;

use std::path::Path;

use crate::byte_source::ByteSource;
use crate::chunks::Part;
use crate::table::{
    Cells, EMPTY_LISTS, Table, TableBuilder, TableOptions, Wanted, check_column_count, known_categories,
};
use crate::{DataError, Place};

use columns::{Batch, Present, Values};
use dictionaries::Dictionaries;
use flatbuffer::{Table as Message, damaged};
pub(crate) use messages::is_arrow;
use messages::{BATCH, DICTIONARY, Messages, SCHEMA};
use schema::Field;

/// Values that any batch may claim, and for each byte of it beyond.
const MOST_OF_SMALL: u64 = 1 << 26;
const MOST_PER_BYTE: u64 = 1 << 12;

/// Reads an Arrow file or stream. The table is named after the file; its columns become what [`read_parquet`](crate::read_parquet) makes of
/// them.
///
/// # Errors
/// When the file cannot be read or is damaged, or a column that is asked for is of another type.
pub fn read_arrow(path: &Path, options: &TableOptions) -> Result<Table, DataError> {
    let name = path.file_stem().map_or_else(|| "table".into(), |name| name.to_string_lossy());
    read(&name, &|| ByteSource::open(path), options).map_err(|error| error.within(path.display().to_string()))
}

/// Reads Arrow in memory, like [`read_arrow`].
pub fn parse_arrow(name: &str, bytes: &[u8], options: &TableOptions) -> Result<Table, DataError> {
    read(name, &|| ByteSource::from_bytes(name, bytes), options).map_err(|error| error.within(name))
}

/// Opens a source from its beginning.
type Open<'f, 'a> = &'f dyn Fn() -> Result<ByteSource<'a>, DataError>;

fn read(name: &str, open: Open<'_, '_>, options: &TableOptions) -> Result<Table, DataError> {
    let mut batches = Batches::open(open, options)?;
    let mut table = batches.table(name)?;
    table.sample(options.sample);
    batches.fill(&mut table, &mut [], usize::MAX)?;
    Ok(table.finish())
}

/// The names of all columns of a file.
pub(crate) fn column_names(path: &Path) -> Result<Vec<String>, DataError> {
    let names = || {
        let (_, fields) = Messages::open(ByteSource::open(path)?)?;
        Ok(fields.iter().flat_map(Field::columns).map(|column| column.name.clone()).collect())
    };
    names().map_err(|error: DataError| error.within(path.display().to_string()))
}

/// The rows of an Arrow file, some at a time.
pub(crate) struct ArrowChunks {
    source: String,
    batches: Batches<'static>,
    kept: usize,
}

impl ArrowChunks {
    /// Opens a file, to read the columns of the schema, the label, and what is to be kept.
    pub(crate) fn open(path: &Path, options: &TableOptions) -> Result<Self, DataError> {
        let source = path.display().to_string();
        let batches = Batches::open(&|| ByteSource::open(path), options);
        Ok(Self { batches: batches.map_err(|error| error.within(source.clone()))?, source, kept: options.keep.len() })
    }

    /// The next rows, up to so many, and the text that is kept of them; none at the end.
    pub(crate) fn next(&mut self, rows: usize) -> Result<Option<Part>, DataError> {
        let Self { source, batches, kept } = self;
        let mut table = batches.table(source)?;
        let mut kept = vec![Vec::new(); *kept];
        let read = batches.fill(&mut table, &mut kept, rows).map_err(|error| error.within(source.clone()))?;
        Ok((read > 0).then(|| Part { table: table.finish(), kept }))
    }
}

/// A column of the file that is read, which is one of the table or, as a list, several.
struct Leaf {
    /// The number of the column to be kept as text that it is.
    kept: Option<usize>,
    /// How many columns of the table it is.
    width: usize,
}

/// What is done with a field of the file, in the order of the file.
enum Plan {
    Pass,
    Structure(Vec<Plan>),
    Read(Leaf),
}

/// The rows of a source, batch after batch.
struct Batches<'a> {
    messages: Messages<'a>,
    fields: Vec<Field>,
    plans: Vec<Plan>,
    unread: Vec<String>,
    cells: Vec<(String, Cells)>,
    dictionaries: Dictionaries,
    /// Whether the dictionaries are all there already.
    are_known: bool,
    /// The batch that is being handed out: the values of each column that is read, its rows, and how many of those are gone.
    values: Vec<Values>,
    rows: usize,
    at: usize,
}

impl<'a> Batches<'a> {
    fn open(open: Open<'_, 'a>, options: &TableOptions) -> Result<Self, DataError> {
        let (messages, mut fields) = Messages::open(open()?)?;
        let late = look_ahead(Messages::open(open()?)?.0, &mut fields)?;
        let mut wanted = Wanted::new(options);
        let known = options.known_columns();
        let mut cells = Vec::new();
        let plans = fields.iter().map(|field| {
            plan(field, &mut wanted, &mut |name: String, field: &Field| {
                let kind = match () {
                    () if field.holds_words() => Cells::Words(known_categories(&known, &name)),
                    () if field.is_clock() => Cells::Times,
                    () => Cells::Numbers,
                };
                cells.push((name, kind));
            })
        });
        let plans = plans.collect::<Result<Vec<_>, _>>()?;
        let unread = wanted.finish()?;
        let (are_known, dictionaries, values) = (late.is_some(), late.unwrap_or_default(), Vec::new());
        Ok(Self { messages, fields, plans, unread, cells, dictionaries, are_known, values, rows: 0, at: 0 })
    }

    fn table(&self, name: &str) -> Result<TableBuilder, DataError> {
        let mut table = TableBuilder::new(name, self.cells.clone())?;
        table.set_unread(self.unread.clone());
        Ok(table)
    }

    /// Appends up to so many rows to the table, and what is kept as text to `kept`; gives how many there were.
    fn fill(&mut self, table: &mut TableBuilder, kept: &mut [Vec<String>], most: usize) -> Result<usize, DataError> {
        let mut read = 0;
        while read < most && self.begin_batch()? {
            let rows = (self.rows - self.at).min(most - read);
            let (values, from) = (&self.values, self.at);
            let mut leaves = Vec::new();
            self.plans.iter().for_each(|plan| plan.leaves(&mut leaves));
            // Numbers of words, which a table knows once it has seen them.
            let mut seen: Vec<Vec<Option<f32>>> = values.iter().map(|_| Vec::new()).collect();
            for row in from..from + rows {
                let mut column = 0;
                for ((leaf, values), seen) in leaves.iter().zip(values).zip(&mut seen) {
                    if leaf.kept.is_some() {
                        continue;
                    }
                    match values {
                        Values::Numbers(values) => {
                            let values = &values[row * leaf.width..(row + 1) * leaf.width];
                            table.row_mut()[column..column + leaf.width].copy_from_slice(values);
                        }
                        Values::Words(words) => {
                            let word = words[row].as_deref();
                            let number = word.and_then(|word| table.word_number(column, word));
                            table.row_mut()[column] = number.unwrap_or(f32::NAN);
                        }
                        Values::Places(places, words) => {
                            seen.resize(words.len(), None);
                            let number = places[row].and_then(|place| {
                                let (word, seen) = (words[place as usize].as_deref()?, &mut seen[place as usize]);
                                *seen = seen.or_else(|| table.word_number(column, word));
                                *seen
                            });
                            table.row_mut()[column] = number.unwrap_or(f32::NAN);
                        }
                    }
                    column += leaf.width;
                }
                table.end_row()?;
            }
            for (leaf, values) in leaves.iter().zip(values) {
                if let Some(place) = leaf.kept {
                    kept[place].extend(values.texts(from..from + rows));
                }
            }
            self.at += rows;
            read += rows;
        }
        Ok(read)
    }

    /// Reads the next batch with rows where none are left of the last; false at the end.
    fn begin_batch(&mut self) -> Result<bool, DataError> {
        while self.at == self.rows {
            let Some((metadata, body)) = self.messages.next()? else { return Ok(false) };
            let message = Message::root(&metadata)?;
            match message.u8(1)? {
                DICTIONARY if !self.are_known => self.dictionaries.learn(&self.fields, message, &body)?,
                BATCH => {
                    let mut batch = Batch::new(message, message.table(2)?.ok_or_else(damaged)?, &body)?;
                    check_rows(batch.rows, self.cells.len(), body.len())?;
                    self.values.clear();
                    let (rows, present) = (batch.rows, Present::default());
                    for (field, plan) in self.fields.iter().zip(&self.plans) {
                        read_field(&mut batch, field, plan, &present, &self.dictionaries, &mut self.values)?;
                    }
                    (self.rows, self.at) = (rows, 0);
                }
                SCHEMA => return Err(damaged()),
                // Tensors are no rows.
                _ => {}
            }
        }
        Ok(true)
    }
}

/// Refuses claims of more rows of so many columns than so many bytes can be trusted with.
fn check_rows(rows: usize, columns: usize, bytes: usize) -> Result<(), DataError> {
    let claimed = (rows as u64).saturating_mul(columns.max(1) as u64);
    let limit = MOST_OF_SMALL.max((bytes as u64).saturating_mul(MOST_PER_BYTE));
    if claimed > limit {
        return Err(DataError::TooLarge { place: Place::default(), what: "number of values", claimed, limit });
    }
    Ok(())
}

impl Plan {
    fn leaves<'a>(&'a self, all: &mut Vec<&'a Leaf>) {
        match self {
            Self::Pass => {}
            Self::Structure(plans) => plans.iter().for_each(|plan| plan.leaves(all)),
            Self::Read(leaf) => all.push(leaf),
        }
    }
}

fn read_field<'a>(
    batch: &mut Batch<'a>,
    field: &Field,
    plan: &Plan,
    present: &Present<'a>,
    dictionaries: &Dictionaries,
    out: &mut Vec<Values>,
) -> Result<(), DataError> {
    match plan {
        Plan::Pass => batch.pass(field),
        Plan::Structure(plans) => {
            let present = batch.structure(present)?;
            let mut fields = field.children.iter().zip(plans);
            fields.try_for_each(|(field, plan)| read_field(batch, field, plan, &present, dictionaries, out))
        }
        Plan::Read(leaf) => {
            let rows = batch.rows;
            out.push(batch.values(field, present, rows, dictionaries, leaf.kept.is_some())?);
            Ok(())
        }
    }
}

/// Finds out what shows only behind the schema: how long the lists of each column are, which is as long as the first of them that is not
/// empty; and the dictionaries of a file that has them behind the rows, as Polars writes them, or none.
fn look_ahead(mut messages: Messages<'_>, fields: &mut [Field]) -> Result<Option<Dictionaries>, DataError> {
    let mut dictionaries = Dictionaries::default();
    let mut are_late = false;
    while are_late
        || fields.iter().any(Field::is_to_be_measured)
        || messages.is_file() && !dictionaries.are_all_of(fields)
    {
        let Some((metadata, body)) = messages.next()? else { break };
        let message = Message::root(&metadata)?;
        match message.u8(1)? {
            DICTIONARY if messages.is_file() => dictionaries.learn(fields, message, &body)?,
            BATCH => {
                are_late |= messages.is_file() && !dictionaries.are_all_of(fields);
                let mut batch = Batch::new(message, message.table(2)?.ok_or_else(damaged)?, &body)?;
                fields.iter_mut().try_for_each(|field| batch.measure(field))?;
            }
            _ => {}
        }
    }
    Ok(are_late.then_some(dictionaries))
}

/// What is done with a field; `column` takes the columns of the table that it is.
fn plan(field: &Field, wanted: &mut Wanted<'_>, column: &mut impl FnMut(String, &Field)) -> Result<Plan, DataError> {
    let name = &field.name;
    if field.is_structure() {
        let plans = field.children.iter().map(|child| plan(child, wanted, column));
        return Ok(Plan::Structure(plans.collect::<Result<_, _>>()?));
    }
    let length = field.list_length();
    if !(wanted.has(name) || length.is_some() && wanted.has_elements_of(name)) {
        wanted.leave_out(name);
        return Ok(Plan::Pass);
    }
    let kept = wanted.kept(name);
    let why = match length {
        Some(0) if field.is_to_be_measured() => Some(EMPTY_LISTS),
        Some(_) if kept.is_some() => Some("lists, which cannot be kept as text"),
        _ => field.unreadable(),
    };
    if let Some(why) = why {
        wanted.leave_out_unreadable(name, why)?;
        return Ok(Plan::Pass);
    }
    let leaf = Leaf { kept, width: length.unwrap_or(1) };
    check_column_count(wanted.count().saturating_add(leaf.width).max(1))?;
    for index in 0..leaf.width {
        let name = if length.is_some() { format!("{name}[{index}]") } else { name.clone() };
        wanted.read(name.clone());
        if leaf.kept.is_none() {
            column(name, field);
        }
    }
    Ok(Plan::Read(leaf))
}
