//! Arrow's files and streams (<https://arrow.apache.org/docs/format/Columnar.html>), which Feather of version 2 is: `.arrow`, `.feather`. A
//! file is a stream between two marks and is read as one, from the first batch to the last. Arrow's own crates are not used: they
//! bring all of its types and kernels, and a table needs numbers and words.

mod columns;
mod flatbuffer;
mod schema;

use std::collections::HashMap;
use std::io::BufRead as _;
use std::path::Path;
use std::sync::Arc;

use crate::byte_source::ByteSource;
use crate::chunks::Part;
use crate::table::{
    Cells, Table, TableBuilder, TableOptions, Wanted, check_column_count, known_categories, unique_names, unreadable,
};
use crate::{DataError, Place};

use columns::{Batch, Dictionaries, Dictionary, Present, Values};
use flatbuffer::{Table as Message, damaged};
use schema::{Field, Kind};

const MAGIC: &[u8] = b"ARROW1\0\0";
/// What stands before the length of each message.
const CONTINUATION: [u8; 4] = [0xff; 4];
/// Bytes of a message without its buffers.
const MOST_METADATA: u64 = 256 << 20;
/// Values that any batch may claim, and for each byte of it beyond.
const MOST_OF_SMALL: u64 = 1 << 26;
const MOST_PER_BYTE: u64 = 1 << 12;

/// Kinds of messages.
const SCHEMA: u8 = 1;
const DICTIONARY: u8 = 2;
const BATCH: u8 = 3;

/// Whether content that begins so is an Arrow file or stream.
pub(crate) fn is_arrow(head: &[u8]) -> bool {
    let of_stream = |length: &[u8; 4]| {
        let length = i32::from_le_bytes(*length);
        length > 0 && length % 8 == 0 && u64::from(length.unsigned_abs()) <= MOST_METADATA
    };
    head.starts_with(b"ARROW1") || head.strip_prefix(&CONTINUATION).and_then(<[u8]>::first_chunk).is_some_and(of_stream)
}

/// Reads an Arrow file or stream. The table is named after the file; its columns become what [`read_parquet`](crate::read_parquet) makes of
/// them. Lists must be of a fixed size.
///
/// # Errors
/// When the file cannot be read, is damaged, or has columns of other types.
pub fn read_arrow(path: &Path, options: &TableOptions) -> Result<Table, DataError> {
    let name = path.file_stem().map_or_else(|| "table".into(), |name| name.to_string_lossy());
    read(&name, ByteSource::open(path)?, options).map_err(|error| error.within(path.display().to_string()))
}

/// Reads Arrow in memory, like [`read_arrow`].
pub fn parse_arrow(name: &str, bytes: &[u8], options: &TableOptions) -> Result<Table, DataError> {
    read(name, ByteSource::from_bytes(name, bytes)?, options).map_err(|error| error.within(name))
}

fn read(name: &str, source: ByteSource<'_>, options: &TableOptions) -> Result<Table, DataError> {
    let mut batches = Batches::open(source, options)?;
    let mut table = batches.table(name)?;
    table.sample(options.sample);
    batches.fill(&mut table, &mut [], usize::MAX)?;
    Ok(table.finish())
}

/// The names of all columns of a file.
pub(crate) fn column_names(path: &Path) -> Result<Vec<String>, DataError> {
    let names = || {
        let (fields, _) = begin(&mut ByteSource::open(path)?)?;
        Ok(names_of(&fields))
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
        let batches = ByteSource::open(path).and_then(|bytes| Batches::open(bytes, options));
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
    source: ByteSource<'a>,
    is_file: bool,
    ended: bool,
    fields: Vec<Field>,
    plans: Vec<Plan>,
    unread: Vec<String>,
    cells: Vec<(String, Cells)>,
    dictionaries: Dictionaries,
    /// The batch that is being handed out: the values of each column that is read, its rows, and how many of those are gone.
    values: Vec<Values>,
    rows: usize,
    at: usize,
}

impl<'a> Batches<'a> {
    fn open(mut source: ByteSource<'a>, options: &TableOptions) -> Result<Self, DataError> {
        let (fields, is_file) = begin(&mut source)?;
        let mut wanted = Wanted::new(options);
        let known = options.known_columns();
        let mut cells = Vec::new();
        let mut names = names_of(&fields).into_iter();
        let plans = fields.iter().map(|field| {
            plan(field, &mut names, &mut wanted, &mut |name: String, field: &Field| {
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
        let (dictionaries, values) = (HashMap::new(), Vec::new());
        Ok(Self { source, is_file, ended: false, fields, plans, unread, cells, dictionaries, values, rows: 0, at: 0 })
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
            let next = if self.ended { None } else { next_message(&mut self.source, self.is_file)? };
            let Some((metadata, body)) = next else {
                // Behind its end a file has a list of what was in it.
                self.ended = true;
                return Ok(false);
            };
            let message = Message::root(&metadata)?;
            let header = message.table(2)?.ok_or_else(damaged)?;
            match message.u8(1)? {
                DICTIONARY => self.learn(header, &body)?,
                BATCH => {
                    let mut batch = Batch::new(header, &body)?;
                    self.check_rows(batch.rows, body.len())?;
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

    /// Refuses claims of more rows than so many bytes can be trusted with.
    fn check_rows(&self, rows: usize, bytes: usize) -> Result<(), DataError> {
        let claimed = (rows as u64).saturating_mul(self.cells.len().max(1) as u64);
        let limit = MOST_OF_SMALL.max((bytes as u64).saturating_mul(MOST_PER_BYTE));
        if claimed > limit {
            return Err(DataError::TooLarge { place: Place::default(), what: "number of values", claimed, limit });
        }
        Ok(())
    }

    /// Takes a dictionary, or what is added to one.
    fn learn(&mut self, header: Message<'_>, body: &[u8]) -> Result<(), DataError> {
        let id = header.i64(0)?;
        let Some(field) = self.fields.iter().find_map(|field| field_of(field, id)) else { return Ok(()) };
        if field.unreadable().is_some() {
            return Ok(());
        }
        let mut batch = Batch::new(header.table(1)?.ok_or_else(damaged)?, body)?;
        let rows = batch.rows;
        self.check_rows(rows, body.len())?;
        let values = Field { dictionary: None, ..field.clone() };
        let more = batch.values(&values, &Present::default(), rows, &self.dictionaries, false)?;
        let is_more = header.u8(2)? != 0;
        let old = self.dictionaries.remove(&id).filter(|_| is_more);
        let new = match (old, more) {
            (Some(Dictionary::Words(old)), Values::Words(more)) => {
                Dictionary::Words(Arc::new(old.iter().cloned().chain(more).collect()))
            }
            (Some(Dictionary::Numbers(old)), Values::Numbers(more)) => {
                Dictionary::Numbers(old.into_iter().chain(more).collect())
            }
            (None, Values::Words(words)) => Dictionary::Words(Arc::new(words)),
            (None, Values::Numbers(values)) => Dictionary::Numbers(values),
            _ => return Err(damaged()),
        };
        self.dictionaries.insert(id, new);
        Ok(())
    }
}

/// The field, or one in it, whose values lie in this dictionary.
fn field_of(field: &Field, id: i64) -> Option<&Field> {
    if field.dictionary.is_some_and(|(of, _)| of == id) {
        return Some(field);
    }
    field.children.iter().find_map(|child| field_of(child, id))
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

fn is_structure(field: &Field) -> bool {
    field.kind == Kind::Structure && field.dictionary.is_none()
}

/// The names of the columns that fields are, those of structures behind the names of these.
fn names_of(fields: &[Field]) -> Vec<String> {
    fn add(field: &Field, before: &str, names: &mut Vec<String>) {
        let name = if before.is_empty() { field.name.clone() } else { format!("{before}.{}", field.name) };
        if is_structure(field) {
            field.children.iter().for_each(|child| add(child, &name, names));
        } else {
            names.push(name);
        }
    }
    let mut names = Vec::new();
    fields.iter().for_each(|field| add(field, "", &mut names));
    unique_names(names.iter().map(String::as_str))
}

/// What is done with a field, whose columns have the next of the names; `column` takes the columns of the table that it is.
fn plan(
    field: &Field,
    names: &mut impl Iterator<Item = String>,
    wanted: &mut Wanted<'_>,
    column: &mut impl FnMut(String, &Field),
) -> Result<Plan, DataError> {
    if is_structure(field) {
        let plans = field.children.iter().map(|child| plan(child, names, wanted, column));
        return Ok(Plan::Structure(plans.collect::<Result<_, _>>()?));
    }
    let Some(name) = names.next() else { return Ok(Plan::Pass) };
    let length = if let Kind::List(length) = field.kind { Some(length) } else { None };
    if !(wanted.has(&name) || length.is_some() && wanted.has_elements_of(&name)) {
        wanted.leave_out(&name);
        return Ok(Plan::Pass);
    }
    let kept_list =
        || length.and(wanted.kept(&name)).map(|_| "it holds lists, which cannot be kept as text".to_owned());
    if let Some(why) = field.unreadable().or_else(kept_list) {
        return Err(unreadable(&name, &why));
    }
    let leaf = Leaf { kept: wanted.kept(&name), width: length.unwrap_or(1) };
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

/// Reads the schema, which comes first; and says whether it is a file.
fn begin(source: &mut ByteSource<'_>) -> Result<(Vec<Field>, bool), DataError> {
    if source.head().is_empty() {
        return Err(DataError::empty(Place::default()));
    }
    let is_file = source.head().starts_with(MAGIC);
    if is_file {
        source.array::<8>("the mark of the format")?;
    }
    let (metadata, _) = next_message(source, is_file)?.ok_or_else(damaged)?;
    let message = Message::root(&metadata)?;
    let schema = message.table(2)?.filter(|_| matches!(message.u8(1), Ok(SCHEMA))).ok_or_else(damaged)?;
    if schema.i16(0, 0)? != 0 {
        let why = "its numbers are big-endian, which is not read";
        return Err(DataError::unsuitable(Place::default(), why).with_hint("write it on another machine"));
    }
    Ok((Field::all_of(schema)?, is_file))
}

/// A message and its buffers.
type MessageWithBody = (Vec<u8>, Vec<u8>);

/// The next message; none at the end.
fn next_message(source: &mut ByteSource<'_>, is_file: bool) -> Result<Option<MessageWithBody>, DataError> {
    // A stream may end without its mark, a file not.
    let ended = source.fill_buf().map(<[u8]>::is_empty);
    if !is_file && ended.map_err(|error| source.read_error(error))? {
        return Ok(None);
    }
    let mut length = source.array::<4>("the length of a message")?;
    // The first versions wrote the length alone.
    if length == CONTINUATION {
        length = source.array("the length of a message")?;
    }
    let length = u32::from_le_bytes(length);
    if length == 0 {
        return Ok(None);
    }
    let what = "a message";
    source.claim(u64::from(length), 1, what)?;
    if u64::from(length) > MOST_METADATA {
        return Err(source.malformed(source.offset(), format!("a message of {length} bytes is over {MOST_METADATA}")));
    }
    let mut metadata = Vec::new();
    source.values(length as usize, &mut metadata, |[byte]| byte)?;
    let bytes = u64::try_from(Message::root(&metadata)?.i64(3)?).map_err(|_| damaged())?;
    source.claim(bytes, 1, what)?;
    let mut body = Vec::new();
    source.values(usize::try_from(bytes).map_err(|_| damaged())?, &mut body, |[byte]| byte)?;
    Ok(Some((metadata, body)))
}
