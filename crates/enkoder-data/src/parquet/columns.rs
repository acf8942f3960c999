//! Which columns of a Parquet file are read, and what their values mean.

use std::collections::HashSet;

use ::parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as PhysicalType};
use ::parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use ::parquet::schema::types::{ColumnDescriptor, Type};

use super::values::list_length;
use super::{damaged, missing_column, warn_of};
use crate::table::{TableOptions, check_column_count};
use crate::{DataError, Place};

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

/// The columns to read, and the names of the others.
pub(super) struct Plan {
    pub(super) leaves: Vec<Leaf>,
    pub(super) unread: Vec<String>,
}

/// The columns to read: all, or those that a model knows.
pub(super) fn plan<R: ChunkReader + 'static>(
    reader: &SerializedFileReader<R>,
    options: &TableOptions,
) -> Result<Plan, DataError> {
    let schema = reader.metadata().file_metadata().schema_descr();
    check_column_count(schema.num_columns())?;
    let wanted = Wanted::new(options);
    let (mut leaves, mut names) = (Vec::new(), Vec::new());
    let (mut unread, mut unknown, mut row_names) = (Vec::new(), Vec::new(), Vec::new());
    for (index, column) in schema.columns().iter().enumerate() {
        let nesting = nesting(schema.root_schema(), column);
        let (Nesting::None(name) | Nesting::List(name) | Nesting::Deep(name)) = &nesting;
        let list = !matches!(nesting, Nesting::None(_));
        if wanted.has(name) || list && wanted.has_elements_of(name) {
            let mut leaf = leaf(reader, index, column, nesting)?;
            leaf.kept = options.keep.iter().position(|keep| keep == leaf.name());
            names.extend(leaf.column_names());
            check_column_count(names.len().max(1))?;
            leaves.push(leaf);
            continue;
        }
        if is_row_name(name) {
            row_names.push(name.clone());
        } else if !wanted.ignored.contains(name.as_str()) {
            unknown.push(name.clone());
        }
        names.push(name.clone());
        unread.push(name.clone());
    }
    let found: HashSet<&str> = names.iter().map(String::as_str).collect();
    let mut needed = options.schema.iter().flat_map(|schema| &schema.columns);
    if let Some(missing) = needed.find(|column| !found.contains(column.name.as_str())) {
        return Err(missing_column(&missing.name, names));
    }
    if let Some(missing) = options.keep.iter().find(|keep| !found.contains(keep.as_str())) {
        return Err(DataError::unknown_name("column", missing, names));
    }
    let features: HashSet<&str> = options.known_columns().into_keys().collect();
    if let Some(both) = options.keep.iter().find(|keep| features.contains(keep.as_str())) {
        return Err(DataError::unsuitable(
            Place::default(),
            format!("column {both:?} cannot be kept beside the features: it is one"),
        ));
    }
    warn_of(&row_names, "left out, for they are the names that pandas gives to rows");
    warn_of(&unknown, "left out, for the model does not know them");
    Ok(Plan { leaves, unread })
}

/// Which columns are asked for.
struct Wanted<'a> {
    names: HashSet<&'a str>,
    ignored: HashSet<&'a str>,
    /// A column is asked for by its number, which counts them all.
    numbered: bool,
    /// Without a model all are asked for that are not to be ignored.
    all: bool,
}

impl<'a> Wanted<'a> {
    fn new(options: &'a TableOptions) -> Self {
        let known = options.schema.iter().flat_map(|schema| &schema.columns).map(|column| column.name.as_str());
        let label = options.label.as_deref();
        let ignored: HashSet<&str> = options.ignore.iter().map(String::as_str).collect();
        let numbered = ignored.iter().copied().chain(label).any(|name| name.starts_with('#'));
        let kept = options.keep.iter().map(String::as_str);
        Self { names: known.chain(label).chain(kept).collect(), ignored, numbered, all: options.schema.is_none() }
    }

    fn has(&self, name: &str) -> bool {
        let by_default = self.all && !self.ignored.contains(name) && !is_row_name(name);
        self.numbered || by_default || self.names.contains(name)
    }

    fn has_elements_of(&self, list: &str) -> bool {
        self.names.iter().any(|name| name.strip_prefix(list).is_some_and(|rest| rest.starts_with('[')))
    }
}

/// A column that is asked for.
fn leaf<R: ChunkReader + 'static>(
    reader: &SerializedFileReader<R>,
    index: usize,
    column: &ColumnDescriptor,
    nesting: Nesting,
) -> Result<Leaf, DataError> {
    let (name, list) = match nesting {
        Nesting::None(name) => (name, false),
        Nesting::List(name) => (name, true),
        Nesting::Deep(name) => return Err(unreadable(&name, "it is nested")),
    };
    let meaning = meaning(column).map_err(|why| unreadable(&name, &why))?;
    if list && meaning == Meaning::Word {
        return Err(unreadable(&name, "it holds lists of words"));
    }
    let element = list.then(|| column.repeated_ancestor_def_level());
    let present = column.max_def_level();
    let clock = matches!(column.logical_type_ref(), Some(LogicalType::Timestamp(_)))
        || matches!(column.converted_type(), ConvertedType::TIMESTAMP_MILLIS | ConvertedType::TIMESTAMP_MICROS);
    let mut leaf = Leaf { index, name, meaning, present, element, length: 1, clock, kept: None };
    if list {
        leaf.length = first_length(reader, &leaf)?;
    }
    Ok(leaf)
}

/// Whether it is the column in which pandas stores the names of rows, which are no data.
fn is_row_name(column: &str) -> bool {
    column.strip_prefix("__index_level_").and_then(|rest| rest.strip_suffix("__")).is_some()
}

fn unreadable(name: &str, why: &str) -> DataError {
    DataError::unsuitable(Place::default(), format!("column {name:?} cannot be read: {why}"))
        .with_hint("write the file without this column, or as numbers, strings or lists of numbers of one length")
}

/// How deep a stored column lies, and the name of the column of the table.
enum Nesting {
    None(String),
    List(String),
    /// Lists of lists, of structures or of maps.
    Deep(String),
}

fn nesting(root: &Type, column: &ColumnDescriptor) -> Nesting {
    let parts = column.path().parts();
    match column.max_rep_level() {
        0 => Nesting::None(parts.join(".")),
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
            if single { Nesting::List(name) } else { Nesting::Deep(name) }
        }
    }
}

const REPEATED: ::parquet::basic::Repetition = ::parquet::basic::Repetition::REPEATED;

/// The length of the first list there is.
fn first_length<R: ChunkReader + 'static>(reader: &SerializedFileReader<R>, leaf: &Leaf) -> Result<usize, DataError> {
    for index in 0..reader.num_row_groups() {
        let group = reader.get_row_group(index).map_err(damaged)?;
        let mut column = group.get_column_reader(leaf.index).map_err(damaged)?;
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        if let Some(length) = list_length(&mut column, leaf, rows)? {
            return Ok(length);
        }
    }
    Ok(0)
}

/// What the values mean; the reason where they are none that can be learned from.
fn meaning(column: &ColumnDescriptor) -> Result<Meaning, String> {
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
        (PhysicalType::FIXED_LEN_BYTE_ARRAY, _, _) => Err("it holds binary data".into()),
        // Old writers do not say that bytes are text; what is none is refused when it is read.
        (PhysicalType::BYTE_ARRAY, None | Some(LogicalType::String | LogicalType::Enum | LogicalType::Json), other) => {
            if other == ConvertedType::BSON {
                Err("it holds binary data".into())
            } else {
                Ok(Meaning::Word)
            }
        }
        (PhysicalType::BYTE_ARRAY, Some(other), _) => Err(format!("it holds values of type {other:?}")),
        _ => Ok(Meaning::Plain),
    }
}
