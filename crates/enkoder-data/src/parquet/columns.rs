//! Which columns of a Parquet file are read, and what their values mean.

use ::parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as PhysicalType};
use ::parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use ::parquet::schema::types::{ColumnDescriptor, SchemaDescriptor, Type};

use super::damaged;
use super::values::{are_texts, list_length};
use crate::DataError;
use crate::source::FolderValue;
use crate::table::{
    BINARY, Cells, EMPTY_LISTS, LISTS_OF_WORDS, NESTED, TableOptions, Wanted, check_column_count, known_categories,
    parse_number, unique_names,
};

/// A column that is stored, which is one column of the table or, as a list, several.
pub(super) struct Leaf {
    index: usize,
    name: String,
    meaning: Meaning,
    /// From this level on a value is there.
    pub(super) present: i16,
    /// For a list, the level from which on it has an element.
    pub(super) element: Option<i16>,
    length: usize,
    /// Whether it holds points in time.
    clock: bool,
    /// The number of the column to be kept as text that it is.
    pub(super) kept: Option<usize>,
}

/// How a stored value becomes a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Meaning {
    /// It is one.
    Plain,
    /// It is one without a sign.
    Unsigned,
    /// Divided by this: decimals, and ticks of a clock.
    Divided(f64),
    /// Multiplied by the seconds of a day.
    Days,
    /// A half-precision number in two bytes.
    Half,
    /// It is a word.
    Word,
}

impl Leaf {
    pub(super) fn index(&self) -> usize {
        self.index
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn meaning(&self) -> Meaning {
        self.meaning
    }

    /// Whether it holds points in time.
    pub(super) fn is_clock(&self) -> bool {
        self.clock
    }

    pub(super) fn holds_words(&self) -> bool {
        self.meaning == Meaning::Word
    }

    /// How many columns of the table it is.
    pub(super) fn width(&self) -> usize {
        self.length
    }

    pub(super) fn column_names(&self) -> impl Iterator<Item = String> {
        (0..self.length)
            .map(|index| if self.element.is_some() { format!("{}[{index}]", self.name) } else { self.name.clone() })
    }
}

/// A column that has one value in all rows of the file.
pub(super) struct Constant {
    pub(super) name: String,
    /// None is missing.
    pub(super) text: Option<String>,
    /// Of a column of numbers, where NaN is missing.
    pub(super) number: Option<f32>,
    /// The number of the column to be kept as text that it is.
    pub(super) kept: Option<usize>,
}

/// The columns to read, and the names of the others.
pub(super) struct Plan {
    pub(super) leaves: Vec<Leaf>,
    pub(super) constants: Vec<Constant>,
    pub(super) unread: Vec<String>,
}

/// The columns to read: all, or those that a model knows.
pub(super) fn plan<R: ChunkReader + 'static>(
    reader: &SerializedFileReader<R>,
    values: &[FolderValue],
    options: &TableOptions,
) -> Result<Plan, DataError> {
    let schema = reader.metadata().file_metadata().schema_descr();
    check_column_count(schema.num_columns())?;
    let mut wanted = Wanted::new(options);
    let mut leaves = Vec::new();
    let stored = names_of(schema);
    // What a file stores itself, it knows better than the names of its folders.
    let values: Vec<_> = values.iter().filter(|value| stored.iter().all(|(name, _)| *name != value.column)).collect();
    for (index, (name, nesting)) in stored.into_iter().enumerate() {
        if !(wanted.has(&name) || nesting != Nesting::None && wanted.has_elements_of(&name)) {
            wanted.leave_out(&name);
            continue;
        }
        match leaf(reader, index, &name, nesting)? {
            Ok(leaf) => {
                leaf.column_names().for_each(|name| wanted.read(name));
                check_column_count(wanted.count().max(1))?;
                leaves.push(Leaf { kept: wanted.kept(&name), ..leaf });
            }
            Err(what) => wanted.leave_out_unreadable(&name, what)?,
        }
    }
    let known = options.known_columns();
    let mut constants = Vec::new();
    for FolderValue { column: name, text, is_number } in values {
        if !wanted.has(name) {
            wanted.leave_out(name);
            continue;
        }
        wanted.read(name.clone());
        let holds_words = known.get(name.as_str()).map(|column| column.categories().is_some());
        let number = text.as_ref().map_or(Some(f32::NAN), |text| parse_number(text.as_bytes()));
        let number = number.filter(|_| *is_number && holds_words != Some(true));
        constants.push(Constant { name: name.clone(), text: text.clone(), number, kept: wanted.kept(name) });
    }
    Ok(Plan { leaves, constants, unread: wanted.finish()? })
}

/// What the columns of the table hold: those that are stored, and behind them those of one value.
pub(super) fn cells(leaves: &[Leaf], constants: &[Constant], options: &TableOptions) -> Vec<(String, Cells)> {
    let known = options.known_columns();
    let words = |name: &str| Cells::Words(known_categories(&known, name));
    let mut cells = Vec::new();
    for leaf in leaves.iter().filter(|leaf| leaf.kept.is_none()) {
        cells.extend(leaf.column_names().map(|name| {
            let cells = match () {
                () if leaf.holds_words() => words(&name),
                () if leaf.is_clock() => Cells::Times,
                () => Cells::Numbers,
            };
            (name, cells)
        }));
    }
    for Constant { name, number, .. } in constants.iter().filter(|constant| constant.kept.is_none()) {
        cells.push((name.clone(), if number.is_some() { Cells::Numbers } else { words(name) }));
    }
    cells
}

/// A column that is asked for, or what it holds that no column of a table can be.
fn leaf<R: ChunkReader + 'static>(
    reader: &SerializedFileReader<R>,
    index: usize,
    name: &str,
    nesting: Nesting,
) -> Result<Result<Leaf, &'static str>, DataError> {
    if nesting == Nesting::Deep {
        return Ok(Err(NESTED));
    }
    let (name, list) = (name.to_owned(), nesting == Nesting::List);
    let column = &reader.metadata().file_metadata().schema_descr().columns()[index];
    let meaning = match meaning(column) {
        Ok(Meaning::Word) if list => return Ok(Err(LISTS_OF_WORDS)),
        Ok(meaning) => meaning,
        Err(what) => return Ok(Err(what)),
    };
    let element = list.then(|| column.repeated_ancestor_def_level());
    let present = column.max_def_level();
    let clock = meaning == Meaning::Days
        || column.physical_type() == PhysicalType::INT96
        || matches!(column.logical_type_ref(), Some(LogicalType::Timestamp(_)))
        || matches!(column.converted_type(), ConvertedType::TIMESTAMP_MILLIS | ConvertedType::TIMESTAMP_MICROS);
    let leaf = Leaf { index, name, meaning, present, element, length: 1, clock, kept: None };
    let is_marked = column.logical_type_ref().is_some() || column.converted_type() != ConvertedType::NONE;
    Ok(match list {
        true => first_length(reader, &leaf)?.map(|length| Leaf { length, ..leaf }).ok_or(EMPTY_LISTS),
        // Old writers do not say that bytes are text.
        false if meaning == Meaning::Word && !is_marked && !begins_with_text(reader, &leaf)? => Err(BINARY),
        false => Ok(leaf),
    })
}

/// How deep a stored column lies.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Nesting {
    None,
    List,
    /// Lists of lists, of structures or of maps.
    Deep,
}

/// The names of the columns of the table, and how deep each lies where it is stored. Those that lie deep may share a name.
pub(super) fn names_of(schema: &SchemaDescriptor) -> Vec<(String, Nesting)> {
    let mut columns: Vec<_> = schema.columns().iter().map(|column| nesting(schema.root_schema(), column)).collect();
    let readable = columns.iter().filter(|(_, nesting)| *nesting != Nesting::Deep).map(|(name, _)| name.as_str());
    let mut unique = unique_names(readable).into_iter();
    for (name, _) in columns.iter_mut().filter(|(_, nesting)| *nesting != Nesting::Deep) {
        *name = unique.next().unwrap_or_default();
    }
    columns
}

fn nesting(root: &Type, column: &ColumnDescriptor) -> (String, Nesting) {
    let parts = column.path().parts();
    match column.max_rep_level() {
        0 => (parts.join("."), Nesting::None),
        levels => {
            let (mut node, mut before) = (root, 0);
            let mut single = levels == 1;
            for (depth, part) in parts.iter().enumerate() {
                match node.get_fields().iter().find(|field| field.name() == part) {
                    Some(field) => node = field,
                    None => single = false,
                }
                if node.get_basic_info().has_repetition() && node.get_basic_info().repetition() == REPEATED {
                    before = depth.max(1);
                    // The repeated group of a list holds its elements alone, and they are no structures.
                    single &= node.is_primitive() || (node.get_fields().len() == 1 && depth + 2 >= parts.len());
                    break;
                }
            }
            let name = parts[..before.clamp(1, parts.len())].join(".");
            (name, if single { Nesting::List } else { Nesting::Deep })
        }
    }
}

const REPEATED: ::parquet::basic::Repetition = ::parquet::basic::Repetition::REPEATED;

/// The length of the first list there is; none where all are empty.
fn first_length<R: ChunkReader + 'static>(
    reader: &SerializedFileReader<R>,
    leaf: &Leaf,
) -> Result<Option<usize>, DataError> {
    for index in 0..reader.num_row_groups() {
        let group = reader.get_row_group(index).map_err(damaged)?;
        let mut column = group.get_column_reader(leaf.index).map_err(damaged)?;
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        if let Some(length) = list_length(&mut column, leaf, rows)? {
            return Ok(Some(length));
        }
    }
    Ok(None)
}

/// Whether the first values of a column are text.
fn begins_with_text<R: ChunkReader + 'static>(
    reader: &SerializedFileReader<R>,
    leaf: &Leaf,
) -> Result<bool, DataError> {
    const ROWS: usize = 100;
    for index in 0..reader.num_row_groups() {
        let group = reader.get_row_group(index).map_err(damaged)?;
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0).min(ROWS);
        if rows > 0 {
            return are_texts(&mut group.get_column_reader(leaf.index).map_err(damaged)?, leaf, rows);
        }
    }
    Ok(true)
}

/// What the values mean, or what they are where no column of a table can hold them.
fn meaning(column: &ColumnDescriptor) -> Result<Meaning, &'static str> {
    let (physical, converted, logical) = (column.physical_type(), column.converted_type(), column.logical_type_ref());
    let scale = match (logical, converted) {
        (Some(LogicalType::Decimal(decimal)), _) => Some(decimal.scale),
        (None, ConvertedType::DECIMAL) => Some(column.type_scale()),
        _ => None,
    };
    if let Some(scale) = scale {
        return Ok(Meaning::Divided(10f64.powi(scale)));
    }
    let unit = match (logical, converted) {
        (Some(LogicalType::Time(time)), _) => Some(&time.unit),
        (Some(LogicalType::Timestamp(time)), _) => Some(&time.unit),
        (None, ConvertedType::TIME_MILLIS | ConvertedType::TIMESTAMP_MILLIS) => Some(&TimeUnit::MILLIS),
        (None, ConvertedType::TIME_MICROS | ConvertedType::TIMESTAMP_MICROS) => Some(&TimeUnit::MICROS),
        _ => None,
    };
    if let Some(unit) = unit {
        return Ok(Meaning::Divided(match unit {
            TimeUnit::MILLIS => 1e3,
            TimeUnit::MICROS => 1e6,
            TimeUnit::NANOS => 1e9,
        }));
    }
    match (physical, logical, converted) {
        (_, Some(LogicalType::Date), _) | (_, None, ConvertedType::DATE) => Ok(Meaning::Days),
        (_, Some(LogicalType::Float16), _) => Ok(Meaning::Half),
        (_, Some(LogicalType::Integer(integer)), _) if !integer.is_signed => Ok(Meaning::Unsigned),
        (_, None, ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64) => {
            Ok(Meaning::Unsigned)
        }
        (PhysicalType::FIXED_LEN_BYTE_ARRAY, _, ConvertedType::INTERVAL) => Err("intervals of a calendar"),
        (PhysicalType::FIXED_LEN_BYTE_ARRAY, _, _) => Err(BINARY),
        (PhysicalType::BYTE_ARRAY, None | Some(LogicalType::String | LogicalType::Enum | LogicalType::Json), other) => {
            if other == ConvertedType::BSON {
                Err(BINARY)
            } else {
                Ok(Meaning::Word)
            }
        }
        (PhysicalType::BYTE_ARRAY, Some(_), _) => Err(BINARY),
        _ => Ok(Meaning::Plain),
    }
}
