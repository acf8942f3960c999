//! The schema of an Arrow file: what its columns hold, and how many buffers each takes.

use super::flatbuffer::{Table, damaged};
use crate::table::{BINARY, LISTS_OF_WORDS, NESTED, unique_names};
use crate::{DataError, Place};

/// Structures in structures; deeper ones are refused.
const MOST_DEPTH: usize = 32;

/// A column, or a field of one.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// With the names of the structures around it before it, `a.b`; unlike those of all other columns.
    pub name: String,
    pub kind: Kind,
    /// Of a column whose values are numbers in a dictionary: which one, and the type of those numbers.
    pub dictionary: Option<(i64, Whole)>,
    pub children: Vec<Field>,
}

/// Whole numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Whole {
    pub bytes: usize,
    pub signed: bool,
}

/// What values are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Null,
    Bool,
    Whole(Whole),
    /// Floating point of so many bytes.
    Float(usize),
    /// Whole numbers of so many bytes, to be divided.
    Decimal {
        bytes: usize,
        scale: i32,
    },
    /// Days since 1970.
    Days,
    /// Whole numbers of so many bytes, of which so many make a second.
    Ticks {
        bytes: usize,
        per_second: i64,
        is_moment: bool,
    },
    /// Texts with offsets of so many bytes.
    Text(usize),
    /// Texts as views.
    Views,
    Structure,
    /// So many values each.
    List(usize),
    /// As many values each as offsets of so many bytes say: mostly one length, which the first list shows.
    Lists {
        offset: usize,
        length: usize,
    },
    /// What is none of a table, with how many buffers it has.
    Other {
        what: &'static str,
        buffers: usize,
        has_views: bool,
    },
}

impl Field {
    pub(super) fn all_of(schema: Table<'_>) -> Result<Vec<Self>, DataError> {
        let fields = schema.tables(1)?.into_iter().map(|field| Self::of(field, "", 0));
        let mut fields = fields.collect::<Result<Vec<_>, _>>()?;
        let unique = unique_names(fields.iter().flat_map(Self::columns).map(|column| &*column.name));
        let mut unique = unique.into_iter();
        fields.iter_mut().for_each(|field| field.rename(&mut unique));
        Ok(fields)
    }

    pub(super) fn is_structure(&self) -> bool {
        self.kind == Kind::Structure && self.dictionary.is_none()
    }

    /// The columns of the table that it is: itself, or those within a structure.
    pub(super) fn columns(&self) -> Vec<&Self> {
        if self.is_structure() { self.children.iter().flat_map(Self::columns).collect() } else { vec![self] }
    }

    fn rename(&mut self, names: &mut impl Iterator<Item = String>) {
        if self.is_structure() {
            self.children.iter_mut().for_each(|child| child.rename(names));
        } else if let Some(name) = names.next() {
            self.name = name;
        }
    }

    fn of(field: Table<'_>, before: &str, depth: usize) -> Result<Self, DataError> {
        if depth > MOST_DEPTH {
            return Err(damaged());
        }
        let name = field.text(0)?;
        let name = if before.is_empty() { name.to_owned() } else { format!("{before}.{name}") };
        let kind = Kind::of(&name, field.u8(2)?, field.table(3)?)?;
        let dictionary = match field.table(4)? {
            None => None,
            Some(encoding) => {
                let index = match encoding.table(1)? {
                    Some(index) => Whole::of(index)?,
                    None => Whole { bytes: 4, signed: true },
                };
                Some((encoding.i64(0)?, index))
            }
        };
        let children = field.tables(5)?.into_iter().map(|child| Self::of(child, &name, depth + 1));
        let children = children.collect::<Result<Vec<_>, _>>()?;
        if matches!(kind, Kind::List(_) | Kind::Lists { .. }) && children.len() != 1 {
            return Err(damaged());
        }
        Ok(Self { name, kind, dictionary, children })
    }

    /// What it holds that no column of a table can be, where it does.
    pub(super) fn unreadable(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Other { what, .. } => Some(what),
            Kind::Structure | Kind::List(_) | Kind::Lists { .. } if self.dictionary.is_some() => Some(NESTED),
            Kind::List(_) | Kind::Lists { .. } => {
                let child = &self.children[0];
                match child.kind {
                    Kind::List(_) | Kind::Lists { .. } | Kind::Structure => Some(NESTED),
                    Kind::Text(_) | Kind::Views => Some(LISTS_OF_WORDS),
                    _ if child.dictionary.is_some() => Some(NESTED),
                    _ => child.unreadable(),
                }
            }
            _ => None,
        }
    }

    /// Whether it holds lists of numbers of which no one has told the length yet.
    pub(super) fn is_to_be_measured(&self) -> bool {
        match self.kind {
            Kind::Structure => self.children.iter().any(Self::is_to_be_measured),
            Kind::Lists { length: 0, .. } => self.unreadable().is_none(),
            _ => false,
        }
    }

    /// How many columns it is where it holds lists of numbers.
    pub(super) fn list_length(&self) -> Option<usize> {
        match self.kind {
            Kind::List(length) | Kind::Lists { length, .. } => Some(length),
            _ => None,
        }
    }

    pub(super) fn holds_words(&self) -> bool {
        matches!(self.kind, Kind::Text(_) | Kind::Views)
    }

    pub(super) fn is_clock(&self) -> bool {
        matches!(self.kind, Kind::Days | Kind::Ticks { is_moment: true, .. })
    }
}

impl Whole {
    fn of(table: Table<'_>) -> Result<Self, DataError> {
        let bytes = match table.i32(0, 0)? {
            bits @ (8 | 16 | 32 | 64 | 128) => bits as usize / 8,
            _ => return Err(damaged()),
        };
        Ok(Self { bytes, signed: table.u8(1)? != 0 })
    }
}

impl Kind {
    fn of(name: &str, number: u8, kind: Option<Table<'_>>) -> Result<Self, DataError> {
        let kind = kind.ok_or_else(damaged)?;
        let per_second = |unit: i16| match unit {
            0 => Ok(1),
            1 => Ok(1_000),
            2 => Ok(1_000_000),
            3 => Ok(1_000_000_000),
            _ => Err(damaged()),
        };
        let other = |what, buffers| Ok(Self::Other { what, buffers, has_views: false });
        Ok(match number {
            1 => Self::Null,
            2 => match Whole::of(kind)? {
                // As Polars has them.
                Whole { bytes: 16, signed: true } => Self::Decimal { bytes: 16, scale: 0 },
                Whole { bytes: 16, signed: false } => return other("whole numbers of 128 bits", 2),
                whole => Self::Whole(whole),
            },
            3 => Self::Float(match kind.i16(0, 0)? {
                precision @ 0..=2 => 2 << precision,
                _ => return Err(damaged()),
            }),
            4 | 19 => return other(BINARY, 3),
            5 => Self::Text(4),
            6 => Self::Bool,
            7 => {
                let bytes = match kind.i32(2, 128)? {
                    bits @ (32 | 64 | 128 | 256) => bits as usize / 8,
                    _ => return Err(damaged()),
                };
                Self::Decimal { bytes, scale: kind.i32(1, 0)? }
            }
            8 if kind.i16(0, 1)? == 0 => Self::Days,
            8 => Self::Ticks { bytes: 8, per_second: 1_000, is_moment: false },
            9 => {
                let bytes = if kind.i32(1, 32)? == 32 { 4 } else { 8 };
                Self::Ticks { bytes, per_second: per_second(kind.i16(0, 1)?)?, is_moment: false }
            }
            10 => Self::Ticks { bytes: 8, per_second: per_second(kind.i16(0, 0)?)?, is_moment: true },
            11 => return other("intervals of a calendar", 2),
            12 => Self::Lists { offset: 4, length: 0 },
            13 => Self::Structure,
            14 => return other("values of several types", if kind.i16(0, 0)? == 1 { 2 } else { 1 }),
            15 => return other(BINARY, 2),
            16 => Self::List(usize::try_from(kind.i32(0, 0)?).map_err(|_| damaged())?),
            17 => return other("maps", 2),
            18 => Self::Ticks { bytes: 8, per_second: per_second(kind.i16(0, 1)?)?, is_moment: false },
            20 => Self::Text(8),
            21 => Self::Lists { offset: 8, length: 0 },
            22 => return other("runs of equal values", 0),
            23 => return Ok(Self::Other { what: BINARY, buffers: 2, has_views: true }),
            24 => Self::Views,
            25 | 26 => return other("views of lists", 3),
            _ => {
                let why = format!("column {name:?} is of a type that is not known here (number {number})");
                return Err(
                    DataError::unsuitable(Place::default(), why).with_hint("write the file without this column")
                );
            }
        })
    }
}
