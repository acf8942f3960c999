//! What can be wrong with data: one error for all readers and sources, which says where the fault lies and what it is. The way
//! out stands apart, in [`DataError::hint`], so that a command can print it on a line of its own.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use enkoder::DatasetError;

use crate::openml::OpenmlError;
use crate::remote::RemoteError;

/// A cause of another type, kept for the chain of sources.
pub type Cause = Box<dyn Error + Send + Sync + 'static>;

/// Why data could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The system refused to read or write.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: "open", "read", "write", ….
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The bytes are not what their format asks for.
    #[error("{place}: {why}")]
    Malformed {
        /// Where the fault was found.
        place: Place,
        /// What is wrong, with the value found.
        why: String,
        /// The way out, where one is known.
        hint: Option<String>,
        /// The error of the library that decodes the format, where there was one.
        #[source]
        source: Option<Cause>,
    },
    /// The data is sound, but cannot be used as asked.
    #[error("{place}: {why}")]
    Unsuitable {
        /// The data, and where in it, if in one place.
        place: Place,
        /// What does not fit, with the values found.
        why: String,
        /// The way out, where one is known.
        hint: Option<String>,
    },
    /// Data of a kind whose reader was left out of this build.
    #[error("{place}: this build reads no {what}")]
    NotBuilt {
        /// The data.
        place: Place,
        /// What it is: "Parquet".
        what: &'static str,
        /// The feature of `enkoder-data` with which it is read.
        feature: &'static str,
    },
    /// A size claimed by a file is over the limit; found before anything was allocated.
    #[error("{place}: {what} of {claimed} is over the limit of {limit}")]
    TooLarge {
        /// Where the claim stands.
        place: Place,
        /// What the claim is about, with its unit: "decoded size in bytes".
        what: &'static str,
        /// The size claimed.
        claimed: u64,
        /// The largest size accepted.
        limit: u64,
    },
    /// An infinite value, or a number too large for 32 bits; only missing values (NaN) are accepted.
    #[error("{place}: the value of feature {feature} is infinite, or outside of what 32-bit numbers hold")]
    Infinite {
        /// The data, and the row, counted from 0 as samples are.
        place: Place,
        /// The feature's name, or its number counted from 0.
        feature: String,
        /// The value as read.
        value: f64,
    },
    /// There is no sample.
    #[error("{place}: there is no sample in it")]
    Empty {
        /// The data.
        place: Place,
    },
    /// Neither the content nor the name says what format a file has.
    #[error("{}: the format is not known, neither from the first bytes nor from the name", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// A name that names neither a built-in source nor a file, or not one of the parts there are.
    #[error("there is no {what} {name:?}")]
    UnknownName {
        /// What was looked for: "file or built-in data", "column", "array".
        what: &'static str,
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// An output is there already and may not be replaced.
    #[error("{} exists already", path.display())]
    Exists {
        /// The file or folder.
        path: PathBuf,
    },
    /// A data set could not be had from OpenML.
    #[error(transparent)]
    Openml(#[from] OpenmlError),
    /// Data on a server could not be read.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// What was read makes no data set.
    #[error("{place}")]
    Dataset {
        /// The data.
        place: Place,
        /// What does not fit.
        #[source]
        source: DatasetError,
    },
}

/// A place in a source of data: the source's name, a member in it, and a position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The file or other source; empty while only bytes are known. A reader of bytes leaves it so, and whoever opened the file
    /// fills it with [`DataError::within`].
    pub source: String,
    /// The position in the source.
    pub position: Position,
}

/// A position in a source of data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Position {
    /// The source as a whole.
    #[default]
    Whole,
    /// A byte of the (unpacked) content, counted from 0.
    Byte(u64),
    /// A line of text, counted from 1.
    Line(u64),
    /// A sample, counted from 0; messages count from 1.
    Row(u64),
}

impl Place {
    /// A source as a whole.
    pub fn source(source: impl Into<String>) -> Self {
        Self { source: source.into(), position: Position::Whole }
    }

    /// A file as a whole.
    pub fn path(path: &Path) -> Self {
        Self::source(path.display().to_string())
    }

    /// A byte, counted from 0.
    pub fn byte(offset: u64) -> Self {
        Position::Byte(offset).into()
    }

    /// A line, counted from 1.
    pub fn line(line: u64) -> Self {
        Position::Line(line).into()
    }

    /// The line, where the place is one.
    pub(crate) fn line_number(&self) -> Option<u64> {
        if let Position::Line(line) = self.position { Some(line) } else { None }
    }

    /// A sample, counted from 0.
    pub fn row(row: u64) -> Self {
        Position::Row(row).into()
    }
}

impl From<Position> for Place {
    fn from(position: Position) -> Self {
        Self { source: String::new(), position }
    }
}

impl From<&Path> for Place {
    fn from(path: &Path) -> Self {
        Self::path(path)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Position::Whole if self.source.is_empty() => f.write_str("the data"),
            Position::Whole => f.write_str(&self.source),
            position if self.source.is_empty() => position.fmt(f),
            position => write!(f, "{}, {position}", self.source),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("the whole"),
            Self::Byte(offset) => write!(f, "byte {offset}"),
            Self::Line(line) => write!(f, "line {line}"),
            // As lines, and as rows of results.
            Self::Row(row) => write!(f, "row {}", row.saturating_add(1)),
        }
    }
}

impl DataError {
    /// The system's refusal to do `action` ("open", "read", "write", …) with a file, or a server's.
    pub fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        if let Some(error) = RemoteError::behind(&source) {
            return error.clone().into();
        }
        Self::Io { action, path: path.into(), source }
    }

    /// Content that breaks its format, at a place, with the reason in lower case.
    pub fn malformed(place: impl Into<Place>, why: impl Into<String>) -> Self {
        Self::Malformed { place: place.into(), why: why.into(), hint: None, source: None }
    }

    /// Sound data that cannot be used as asked, with the reason in lower case.
    pub fn unsuitable(place: impl Into<Place>, why: impl Into<String>) -> Self {
        Self::Unsuitable { place: place.into(), why: why.into(), hint: None }
    }

    /// Data whose reader is in no build without this feature.
    pub fn not_built(place: impl Into<Place>, what: &'static str, feature: &'static str) -> Self {
        Self::NotBuilt { place: place.into(), what, feature }
    }

    /// A name that is not among those known.
    pub fn unknown_name(what: &'static str, name: impl Into<String>, known: impl IntoIterator<Item = String>) -> Self {
        Self::UnknownName { what, name: name.into(), known: known.into_iter().collect() }
    }

    /// Data without a sample.
    pub fn empty(place: impl Into<Place>) -> Self {
        Self::Empty { place: place.into() }
    }

    /// What was read makes no data set.
    pub fn dataset(place: impl Into<Place>, source: DatasetError) -> Self {
        Self::Dataset { place: place.into(), source }
    }

    /// The same error with the way out. Errors whose way out is fixed keep it.
    pub fn with_hint(mut self, way_out: impl Into<String>) -> Self {
        if let Self::Malformed { hint, .. } | Self::Unsuitable { hint, .. } = &mut self {
            *hint = Some(way_out.into());
        }
        self
    }

    /// The same error with the error of another library that led to it. Where that comes from a server, nothing else is to be said.
    pub fn with_cause(mut self, cause: impl Into<Cause>) -> Self {
        let cause = cause.into();
        if let Some(error) = RemoteError::behind(&*cause) {
            return error.clone().into();
        }
        if let Self::Malformed { source, .. } = &mut self {
            *source = Some(cause);
        }
        self
    }

    fn place_mut(&mut self) -> Option<&mut Place> {
        match self {
            Self::Malformed { place, .. }
            | Self::Unsuitable { place, .. }
            | Self::NotBuilt { place, .. }
            | Self::TooLarge { place, .. }
            | Self::Infinite { place, .. }
            | Self::Empty { place }
            | Self::Dataset { place, .. } => Some(place),
            _ => None,
        }
    }

    /// The same error, said of this source where it did not name one yet.
    pub fn within(mut self, name: impl Into<String>) -> Self {
        if let Some(place) = self.place_mut()
            && place.source.is_empty()
        {
            place.source = name.into();
        }
        self
    }

    /// The same error, said of the file at `path` where it is said of what its data is called: the name up to its first dot.
    pub(crate) fn of_file(mut self, path: &Path) -> Self {
        if let Some(place) = self.place_mut()
            && path.file_name().is_some_and(|name| name.to_string_lossy().split('.').next() == Some(&place.source))
        {
            place.source = path.display().to_string();
        }
        self
    }

    /// The same error, said of the line instead of the row where that row's line is known.
    pub(crate) fn in_line(mut self, lines: &HashMap<u64, u64>) -> Self {
        if let Self::Infinite { place: Place { position, .. }, .. }
        | Self::Unsuitable { place: Place { position, .. }, .. } = &mut self
            && let Position::Row(row) = *position
            && let Some(&line) = lines.get(&row)
        {
            *position = Position::Line(line);
        }
        self
    }

    /// The same error, said of a row that many rows farther behind.
    pub(crate) fn behind(mut self, rows: u64) -> Self {
        if let Self::Malformed { place, .. } | Self::Unsuitable { place, .. } | Self::Infinite { place, .. } = &mut self
            && let Position::Row(row) = &mut place.position
        {
            *row += rows;
        }
        self
    }

    /// The way out, where one is known: a sentence in lower case to print behind "hint: ".
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Malformed { hint, .. } | Self::Unsuitable { hint, .. } => hint.clone(),
            Self::NotBuilt { feature, .. } => Some(format!("build with the feature `{feature}`")),
            Self::Infinite { .. } => {
                Some("replace such values by numbers up to 3.4e38, or leave their cells empty".into())
            }
            Self::TooLarge { .. } => Some("a file this large is more likely damaged; split it if it is sound".into()),
            Self::UnknownFormat { .. } => {
                let known = "IDX, NPY, NPZ, NetCDF, HDF5, Zarr, CSV, TSV, JSON Lines, ARFF, Parquet, Arrow, PNG, JPEG, TIFF, BMP, WebP, GIF, PGM and PPM";
                Some(format!("readable are {known}, and raw numbers with `ArrayOptions::raw`"))
            }
            Self::UnknownName { what, name, known } => known_names(what, name, known),
            Self::Exists { .. } => Some("name another output, or replace it with `Overwrite::Replace`".into()),
            Self::Openml(error) => error.hint(),
            Self::Remote(error) => error.hint(),
            Self::Io { .. } | Self::Empty { .. } | Self::Dataset { .. } => None,
        }
    }
}

/// The nearest of the known names where one is near, and otherwise the first of them.
fn known_names(what: &str, name: &str, known: &[String]) -> Option<String> {
    const SHOWN: usize = 12;
    let nearest = known.iter().map(|other| (edit_distance(name, other), other)).min();
    match nearest {
        None => None,
        Some((distance, other)) if distance <= 2 && distance < other.chars().count() => {
            Some(format!("did you mean {other:?}?"))
        }
        Some(_) => {
            let mut list = known.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
            if known.len() > SHOWN {
                list += &format!(", … ({} in all)", known.len());
            }
            Some(format!("{}: {list}", if what == "column" { "the columns are" } else { "known are" }))
        }
    }
}

/// Insertions, deletions and substitutions that lead from one name to the other, upper and lower case alike (Levenshtein).
fn edit_distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &b) in to.iter().enumerate() {
            let substituted = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_its_source_and_its_place_once_both_are_known() {
        let error = DataError::malformed(Place::byte(4), "dimension 0 is negative");
        assert_eq!(error.to_string(), "byte 4: dimension 0 is negative");
        let error = error.within("a.idx").within("outer");
        assert_eq!(error.to_string(), "a.idx, byte 4: dimension 0 is negative");
    }

    #[test]
    fn a_misspelt_name_is_answered_with_the_nearest_one() {
        let known = ["strokes", "mnist"].map(String::from);
        let error = DataError::unknown_name("built-in data", "Minst", known.clone());
        assert_eq!(error.hint().as_deref(), Some("did you mean \"mnist\"?"));
        let error = DataError::unknown_name("built-in data", "photographs", known);
        assert_eq!(error.hint().as_deref(), Some("known are: strokes, mnist"));
    }

    #[test]
    fn the_cause_is_kept_as_the_source() {
        let error = DataError::malformed(Place::default(), "broken").with_cause(io::Error::other("deflate"));
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("deflate"));
    }
}
