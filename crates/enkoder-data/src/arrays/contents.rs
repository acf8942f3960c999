//! What arrays are in a file, which of them are coordinates, and which one is the data.

use std::io;
use std::sync::Arc;

use enkoder::codec::ElementType;

use super::conventions::Attributes;
use super::variable::{Field, Origin, Variable};
use crate::error::{DataError, Place};

/// Bytes that are looked at at once.
const AT_ONCE: u64 = 4 << 20;

/// What is in a file of arrays.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Contents {
    /// What the format is called.
    pub format: &'static str,
    /// The groups but the outermost, as paths.
    pub groups: Vec<String>,
    /// All arrays, in the order of the file.
    pub arrays: Vec<ArrayEntry>,
    /// Of the file as a whole.
    pub(crate) attributes: Attributes,
    /// Names of the axes that can grow.
    pub(crate) unlimited: Vec<String>,
}

/// An array in a file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ArrayEntry {
    /// Its name; that of an array in a group is a path, as `/group/t`. Empty where the format has no names.
    pub name: String,
    /// The type of what it holds, in words: `f32`, `text`, `structure (x: f32, y: f32)`.
    pub type_name: String,
    /// The type of its numbers; none where it holds something else.
    pub element: Option<ElementType>,
    /// The names of its axes, the outermost first; empty where the format has no names for them.
    pub axes: Vec<String>,
    /// Their lengths.
    pub shape: Vec<u64>,
    /// The shape of the pieces in which it is stored; empty where it lies in one.
    pub chunks: Vec<u64>,
    /// The names of the filters that each piece went through.
    pub filters: Vec<String>,
    /// The unit of its values.
    pub units: Option<String>,
    /// What it is, in words.
    pub long_name: Option<String>,
    /// A stored number `x` means `x · scale + offset`.
    pub scale: f64,
    /// See [`scale`](Self::scale).
    pub offset: f64,
    /// Whether it says where the values of others lie, and is no data itself.
    pub is_coordinate: bool,
    /// Why its numbers cannot be read, where they cannot.
    pub unreadable: Option<String>,
    pub(crate) field: Option<Field>,
    /// The type that its numbers are stored in, which attributes may mean as another.
    pub(crate) stored: Option<ElementType>,
    /// Where it holds texts of one length: their bytes.
    pub(crate) text: Option<Field>,
    pub(crate) attributes: Attributes,
}

/// What the values of an array are like, in the units of the data.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ArraySummary {
    /// How many there are.
    pub values: u64,
    /// How many of them are missing.
    pub missing: u64,
    /// The least and the largest finite value; none where there is no such.
    pub range: Option<(f64, f64)>,
    /// The same of integers that are not packed, of which 64 bits hold more than an f64 can.
    pub integers: Option<(i128, i128)>,
}

/// An array as a format describes it.
pub(crate) struct Described {
    pub name: String,
    pub axes: Vec<String>,
    pub shape: Vec<u64>,
    pub attributes: Attributes,
}

impl ArrayEntry {
    pub(crate) fn new(described: Described, type_name: String) -> Self {
        let text = |name| described.attributes.text(name);
        Self {
            type_name,
            element: None,
            chunks: Vec::new(),
            filters: Vec::new(),
            units: text("units"),
            long_name: text("long_name"),
            scale: 1.0,
            offset: 0.0,
            is_coordinate: false,
            unreadable: None,
            field: None,
            stored: None,
            text: None,
            name: described.name,
            axes: described.axes,
            shape: described.shape,
            attributes: described.attributes,
        }
    }

    /// The same, of numbers that can be read.
    pub(crate) fn with_field(mut self, field: Field) -> Self {
        (self.scale, self.offset) = (field.conventions.scale, field.conventions.offset);
        self.element = Some(field.element);
        self.field = Some(field);
        self
    }

    /// Its name without the groups it is in.
    pub(crate) fn leaf(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }

    /// Whether it holds numbers that can be data.
    pub fn is_data(&self) -> bool {
        self.field.is_some() && !self.is_coordinate && !self.shape.is_empty() && !self.shape.contains(&0)
    }

    /// Looks at all values; none where they cannot be read.
    ///
    /// # Errors
    /// When reading fails.
    pub fn summary(&self) -> Result<Option<ArraySummary>, DataError> {
        let Some(field) = &self.field else { return Ok(None) };
        let mut field = field.clone();
        if field.shape.is_empty() {
            field.shape.push(1);
        }
        let (element, width) = (field.element, field.element.bytes() as u64);
        let bytes = field.shape.iter().try_fold(width, |bytes, &axis| bytes.checked_mul(axis)).unwrap_or(0);
        let conventions = field.conventions.clone();
        let mut summary = ArraySummary { values: bytes / width, missing: 0, range: None, integers: None };
        let mut variable = Variable::new(vec![(self.name.clone(), field)])?;
        let mut piece = Vec::new();
        for first in (0..bytes).step_by(AT_ONCE as usize) {
            piece.resize((bytes - first).min(AT_ONCE) as usize, 0);
            let failed = |error: io::Error| DataError::io("read", &self.name, error);
            variable.read(first, &mut piece).map_err(failed)?;
            let integer = |at: usize| {
                let bytes = piece[at * width as usize..].first_chunk()?;
                match element {
                    ElementType::I64 => Some(i128::from(i64::from_le_bytes(*bytes))),
                    ElementType::U64 => Some(i128::from(u64::from_le_bytes(*bytes))),
                    _ => None,
                }
            };
            let is_packed = (conventions.scale, conventions.offset) != (1.0, 0.0);
            for (at, value) in conventions.values(element, &piece).into_iter().enumerate() {
                if !is_packed
                    && !value.is_nan()
                    && let Some(integer) = integer(at)
                {
                    let (low, high) = summary.integers.unwrap_or((integer, integer));
                    summary.integers = Some((low.min(integer), high.max(integer)));
                }
                if value.is_nan() {
                    summary.missing += 1;
                } else if value.is_finite() {
                    let (low, high) = summary.range.unwrap_or((value, value));
                    summary.range = Some((low.min(value), high.max(value)));
                }
            }
        }
        Ok(Some(summary))
    }
}

impl Contents {
    /// The arrays of a file. Those that others name as their coordinates are marked, as are those called like an axis, and those
    /// whose units are of places or of times.
    pub(crate) fn new(format: &'static str, groups: Vec<String>, arrays: Vec<ArrayEntry>) -> Self {
        let mut coordinates: Vec<String> = Vec::new();
        for array in &arrays {
            for name in ["coordinates", "bounds", "climatology", "grid_mapping", "cell_measures", "ancillary_variables"]
            {
                let named = array.attributes.text(name).unwrap_or_default();
                let named = named.split_whitespace();
                coordinates.extend(named.map(|name| name.rsplit('/').next().unwrap_or_default().to_owned()));
            }
        }
        for array in &arrays {
            coordinates.extend(array.axes.iter().cloned());
        }
        let mut of_file = Vec::new();
        for mut array in arrays {
            let units = array.units.as_deref().unwrap_or_default();
            array.is_coordinate = coordinates.iter().any(|name| name == array.leaf())
                || is_place(units)
                || is_time(units)
                || is_called_like_coordinates(array.leaf())
                || array.attributes.text("axis").is_some()
                || array.attributes.text("standard_name").is_some_and(|name| is_coordinate_name(&name))
                || array.attributes.text("grid_mapping_name").is_some()
                || array.attributes.text("cf_role").is_some();
            of_file.push(array);
        }
        Self { format, groups, arrays: of_file, attributes: Attributes::default(), unlimited: Vec::new() }
    }

    /// The one that is data where there is no choice: of those that are not coordinates, the one with most axes.
    pub fn only_data(&self) -> Option<&ArrayEntry> {
        if let [only] = self.candidates()[..] { Some(only) } else { None }
    }

    /// The arrays that are data. An NPZ file has no others: whatever an array is called, nothing says of what it would be a coordinate.
    pub(crate) fn data(&self) -> impl Iterator<Item = &ArrayEntry> {
        let is_npz = self.format == crate::npz::FORMAT;
        let is_whole = |array: &ArrayEntry| array.field.is_some() && !array.shape.contains(&0);
        self.arrays.iter().filter(move |array| if is_npz { is_whole(array) } else { array.is_data() })
    }

    /// The arrays with most axes that are data.
    fn candidates(&self) -> Vec<&ArrayEntry> {
        let data = || self.arrays.iter().filter(|array| array.is_data());
        let axes = |array: &ArrayEntry| array.shape.iter().filter(|&&length| length > 1).count();
        let most = data().map(axes).max();
        data().filter(|array| Some(axes(array)) == most).collect()
    }

    /// The arrays of these names, or, without names, the one that is data.
    pub(crate) fn fields(&self, source: &str, names: &[String]) -> Result<Vec<Field>, DataError> {
        let all = Arc::new(self.clone());
        let of = |array: &ArrayEntry| {
            let origin = Origin::Contents { all: all.clone(), name: array.name.clone() };
            Ok(Field { origin: Some(origin), ..self.field_of(source, array)? })
        };
        if names.is_empty() {
            return Ok(vec![of(self.choose(source)?)?]);
        }
        names.iter().map(|name| of(self.find(name)?)).collect()
    }

    pub(super) fn find(&self, name: &str) -> Result<&ArrayEntry, DataError> {
        let plain = |name: &str| name.trim_start_matches('/').to_owned();
        let wanted = plain(name);
        let found = self.arrays.iter().find(|array| plain(&array.name) == wanted);
        found.ok_or_else(|| {
            DataError::unknown_name("variable", name, self.arrays.iter().map(|array| array.name.clone()))
        })
    }

    fn field_of(&self, source: &str, array: &ArrayEntry) -> Result<Field, DataError> {
        array.field.clone().ok_or_else(|| {
            let name = &array.name;
            let why = match &array.unreadable {
                Some(why) => format!("{name:?} cannot be read: {why}"),
                None => format!("{name:?} holds {}, not numbers", array.type_name),
            };
            let error = DataError::unsuitable(Place::source(source), why);
            match self.candidates().first() {
                Some(data) => error.with_hint(format!("name another with `ArrayOptions::variables` {}", data.name)),
                None => error,
            }
        })
    }

    fn choose(&self, source: &str) -> Result<&ArrayEntry, DataError> {
        let candidates = self.candidates();
        match candidates[..] {
            [only] => Ok(only),
            [] => {
                let unreadable = self.arrays.iter().find_map(|array| Some((array, array.unreadable.as_ref()?)));
                let why = match unreadable {
                    Some((array, why)) => format!("there is no variable of numbers in it: {:?}: {why}", array.name),
                    None => "there is no variable of numbers in it but coordinates".to_owned(),
                };
                let error = DataError::unsuitable(Place::source(source), why);
                Err(match self.arrays.iter().find(|array| array.field.is_some() && !array.shape.contains(&0)) {
                    Some(array) => error.with_hint(format!(
                        "a coordinate can be named too, with `ArrayOptions::variables` {}",
                        array.name
                    )),
                    None => error,
                })
            }
            _ => {
                let names: Vec<&str> = candidates.iter().map(|array| array.name.as_str()).collect();
                let why = format!("which of its variables is the data? it has {}", names.join(", "));
                Err(DataError::unsuitable(Place::source(source), why)
                    .with_hint(format!("name it with `ArrayOptions::variables` {}", names[0])))
            }
        }
    }
}

/// Names of latitudes and longitudes, of bounds and of dates, which files of all times use without saying more.
fn is_called_like_coordinates(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let last = name.rsplit('_').next().unwrap_or_default();
    matches!(last, "lat" | "lon" | "latitude" | "longitude" | "bnds" | "bounds" | "xlat" | "xlong")
        || matches!(name.as_str(), "date" | "datesec" | "time" | "times" | "yyyymm" | "yyyymmdd")
}

/// Whether an array says how far north places lie, by its units or its name.
pub(super) fn is_latitude(entry: &ArrayEntry) -> bool {
    is_direction(entry, ["degrees_north", "latitude"], ["lat", "latitude", "xlat", "nav_lat", "tlat"])
}

/// Whether an array says how far east places lie.
pub(super) fn is_longitude(entry: &ArrayEntry) -> bool {
    is_direction(entry, ["degrees_east", "longitude"], ["lon", "longitude", "xlong", "nav_lon", "tlong"])
}

fn is_direction(entry: &ArrayEntry, [units, standard]: [&str; 2], names: [&str; 5]) -> bool {
    entry.units.as_deref() == Some(units)
        || entry.attributes.text("standard_name").is_some_and(|name| name == standard)
        || names.contains(&entry.leaf().to_ascii_lowercase().as_str())
}

/// Standard names of coordinates in the CF conventions.
fn is_coordinate_name(name: &str) -> bool {
    name == "time" || ["latitude", "longitude", "_coordinate", "_time"].iter().any(|end| name.ends_with(end))
}

/// Units of latitude and longitude, as the CF conventions list them.
fn is_place(units: &str) -> bool {
    matches!(direction(units).as_deref(), Some("north" | "n" | "south" | "s" | "east" | "e" | "west" | "w"))
}

/// In which direction degrees are counted, where these units say it: `north` or `n` of `degrees_north` and its like.
pub(super) fn direction(units: &str) -> Option<String> {
    let words = ["degrees", "degree", "degs", "deg"];
    let lower = units.to_ascii_lowercase();
    words.iter().find_map(|word| lower.strip_prefix(word)).map(|rest| rest.trim_start_matches('_').to_owned())
}

/// Units of time since a moment.
fn is_time(units: &str) -> bool {
    units.split_whitespace().nth(1).is_some_and(|word| word.eq_ignore_ascii_case("since"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_coordinates_are_told_from_others() {
        for name in ["lat", "LON", "XLAT", "time_bnds", "grid_center_lat", "at42_lon", "date", "lat_bounds"] {
            assert!(is_called_like_coordinates(name), "{name}");
        }
        for name in ["late", "flat", "latent_heat", "update", "lat_flux", "along", "timeseries"] {
            assert!(!is_called_like_coordinates(name), "{name}");
        }
        assert!(is_coordinate_name("projection_x_coordinate") && is_coordinate_name("grid_latitude"));
        assert!(!is_coordinate_name("air_temperature"));
    }

    #[test]
    fn units_of_places_and_times_are_told_from_others() {
        for units in ["degrees_north", "degreesE", "degree_west", "degN"] {
            assert!(is_place(units), "{units}");
        }
        for units in ["degrees", "degC", "degrees_Celsius", "K"] {
            assert!(!is_place(units), "{units}");
        }
        assert!(is_time("days since 1970-01-01") && !is_time("days") && !is_time("m s-1"));
    }
}
