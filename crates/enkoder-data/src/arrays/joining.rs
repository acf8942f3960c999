//! Files whose arrays are put together along the leading axis: which arrays can be, and what else the files must have alike, because the
//! description that is kept is that of the first one.

use std::io;
use std::sync::Arc;

use super::contents::{ArrayEntry, Contents};
use super::conventions::{Attribute, Conventions};
use super::description::beside;
use super::times::{TimeUnits, units_of};
use super::variable::{Field, Origin, Variable};
use crate::error::{DataError, Place};

/// Bytes that are compared at once.
const AT_ONCE: u64 = 4 << 20;
/// Differences up to this part of the largest coordinate are those of rounding.
const ROUNDING: f64 = 1e-6;
const WAY_OUT: &str = "compress the files one by one: files that are joined share what the first one says";

/// An array that is taken of several files.
#[derive(Debug)]
pub(crate) struct Taken {
    pub name: String,
    /// Whether it does not lie along the axis of the files, and is the same in all.
    pub once: bool,
}

/// Of these arrays of the first file those that can be taken of all files, and what is left out, with why.
pub(crate) fn taken(files: &[(String, Contents)], names: &[String]) -> Result<(Vec<Taken>, Vec<String>), DataError> {
    let (_, first) = &files[0];
    let entries: Vec<&ArrayEntry> = names.iter().map(|name| first.find(name)).collect::<Result<_, _>>()?;
    let most_axes = |entry: &&&ArrayEntry| entry.shape.iter().filter(|&&length| length > 1).count();
    // Of several with as many axes `max_by_key` gives the last, and the first is meant.
    let Some(main) = entries.iter().rev().max_by_key(most_axes).copied() else { return Ok((Vec::new(), Vec::new())) };
    let is_along = |contents: &Contents, entry: &ArrayEntry| match main.axes.first() {
        Some(axis) => entry.axes.first() == Some(axis),
        // Without names of axes it is their length that shows it.
        None => {
            let main = contents.arrays.iter().find(|other| other.name == main.name);
            !entry.shape.is_empty() && main.is_some_and(|main| main.shape.first() == entry.shape.first())
        }
    };
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    for entry in entries {
        let mut once = !is_along(first, entry);
        let mut why = None;
        for (file, contents) in &files[1..] {
            let Some(other) = contents.arrays.iter().find(|other| other.name == entry.name) else {
                why = Some(format!("not in {file}"));
                break;
            };
            // Arrays of one length along axes without names: what is the same everywhere stands once.
            once |= main.axes.is_empty() && !is_along(contents, other);
            if once && !is_same(entry, other).map_err(|error| DataError::io("read", file, error))? {
                let axis = main.axes.first().map_or("the axis of the files", String::as_str);
                why = Some(format!("it does not lie along {axis}, and differs in {file}"));
                break;
            }
        }
        match why {
            Some(why) => left_out.push(format!("{} ({why})", entry.name)),
            None => kept.push(Taken { name: entry.name.clone(), once }),
        }
    }
    Ok((kept, left_out))
}

/// The arrays that are data and not in the first file.
pub(crate) fn only_in_others(files: &[(String, Contents)]) -> Vec<String> {
    let (_, first) = &files[0];
    let is_new = |entry: &&ArrayEntry| first.arrays.iter().all(|other| other.name != entry.name);
    let of_file = |(file, contents): &(String, Contents)| {
        contents.data().filter(is_new).map(|entry| format!("{} (only in {file})", entry.name)).collect::<Vec<_>>()
    };
    files[1..].iter().flat_map(of_file).collect()
}

/// What is found where files agree in all that matters.
#[derive(Debug, Default)]
pub(super) struct Joined {
    /// Names of arrays beside the data that are not the same in all files, and why they cannot be kept.
    pub left_out: Vec<(String, String)>,
    /// Names of attributes of which only the value of the first file is kept.
    pub attributes: Vec<String>,
}

/// Holds the files of arrays against the first one. `leading` is the axis along which they are put together.
///
/// # Errors
/// Where they cannot share a description.
pub(super) fn check(variables: &[&Variable], leading: Option<&String>) -> Result<Joined, DataError> {
    let mut joined = Joined::default();
    let Some(data) = variables.iter().find(|variable| variable.origins.len() > 1) else { return Ok(joined) };
    let first = File::of(data, 0)?;
    let names: Vec<&str> = variables.iter().filter_map(|variable| name_of(variable)).collect();
    let all: Vec<File<'_>> = (1..data.origins.len()).map(|number| File::of(data, number)).collect::<Result<_, _>>()?;
    for other in &all {
        for name in variables.iter().filter(|variable| variable.origins.len() > 1).filter_map(|data| name_of(data)) {
            check_data(&first, other, name)?;
        }
        note_attributes(&first, other, &names, &mut joined.attributes);
    }
    let axes: Vec<&String> = first
        .all
        .arrays
        .iter()
        .filter(|entry| names.contains(&&entry.name[..]))
        .flat_map(|entry| &entry.axes)
        .collect();
    for entry in first.all.arrays.iter().filter(|entry| !names.contains(&&entry.name[..]) && !entry.is_data()) {
        if leading.is_some() && entry.axes.first() == leading {
            check_times(&first, &all, entry)?;
            // Times that cannot be converted are no reason to go on without them.
            if units_of(first.all, entry).is_some_and(|(units, _)| units.contains("since")) {
                beside(entry, data, leading).map_err(|why| first.refused(format!("{:?}: {why}", entry.name)))?;
            }
            continue;
        }
        for other in &all {
            let Some(same) = other.find(&entry.name) else { continue };
            let Some(difference) = difference(entry, same).map_err(|error| DataError::io("read", other.name, error))?
            else {
                continue;
            };
            let why = difference.in_words(first.name);
            if entry.axes.iter().any(|axis| axes.contains(&axis)) {
                return Err(other.refused(format!("{:?} {why}", entry.name)));
            }
            joined.left_out.push((entry.name.clone(), format!("in {} it {why}", other.name)));
            break;
        }
    }
    Ok(joined)
}

/// A file of several.
struct File<'a> {
    name: &'a str,
    all: &'a Arc<Contents>,
}

impl<'a> File<'a> {
    fn of(data: &'a Variable, number: usize) -> Result<Self, DataError> {
        match &data.origins[number] {
            (name, Some(Origin::Contents { all, .. })) => Ok(Self { name, all }),
            (name, _) => Err(DataError::unsuitable(
                Place::source(name),
                format!("it is of another format than {}", data.origins[0].0),
            )
            .with_hint("compress the files one by one")),
        }
    }

    fn find(&self, name: &str) -> Option<&'a ArrayEntry> {
        self.all.arrays.iter().find(|entry| entry.name == name)
    }

    fn refused(&self, why: String) -> DataError {
        DataError::unsuitable(Place::source(self.name), why).with_hint(WAY_OUT)
    }
}

fn name_of(variable: &Variable) -> Option<&str> {
    match &variable.origins[0].1 {
        Some(Origin::Contents { name, .. }) => Some(name),
        _ => None,
    }
}

/// Axes, units and missing values of an array that is joined.
fn check_data(first: &File<'_>, other: &File<'_>, name: &str) -> Result<(), DataError> {
    let (Some(one), Some(two)) = (first.find(name), other.find(name)) else { return Ok(()) };
    if one.axes != two.axes {
        let why =
            format!("{name:?} lies along {}, but along {} in {}", two.axes.join(", "), one.axes.join(", "), first.name);
        return Err(other.refused(why));
    }
    if let (Some(units), Some(known)) = (&two.units, &one.units)
        && units != known
    {
        return Err(other.refused(format!("{name:?} is in {units:?}, but in {known:?} in {}", first.name)));
    }
    let (Some(own), Some(field)) = (&one.field, &two.field) else { return Ok(()) };
    let value = meant_otherwise(&own.conventions, field).map_err(|error| DataError::io("read", other.name, error))?;
    match value {
        Some(value) => {
            let [here, there] = match field.conventions.is_missing(value) {
                true => ["missing", "a value"],
                false => ["a value", "missing"],
            };
            let by = "by its fill value and valid range";
            let why = format!("{name:?} holds {value}, which is {here} {by}, but {there} by those of {}", first.name);
            Err(other.refused(why))
        }
        None => Ok(()),
    }
}

/// The first stored number that is missing by what its own file says and a value by what another one says, or the other way round.
fn meant_otherwise(by: &Conventions, field: &Field) -> io::Result<Option<f64>> {
    if (&by.missing, by.valid) == (&field.conventions.missing, field.conventions.valid) {
        return Ok(None);
    }
    let mut found = None;
    each_piece(field, |bytes| {
        let numbers = field.element.to_f64(bytes);
        found = numbers.into_iter().find(|&number| by.is_missing(number) != field.conventions.is_missing(number));
        found.is_none()
    })?;
    Ok(found)
}

/// Hands on the bytes of an array until `take` has had enough.
fn each_piece(field: &Field, mut take: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
    let (mut variable, bytes) = whole(field)?;
    let mut piece = Vec::new();
    for first in (0..bytes).step_by(AT_ONCE as usize) {
        piece.resize((bytes - first).min(AT_ONCE) as usize, 0);
        variable.read(first, &mut piece)?;
        if !take(&piece) {
            break;
        }
    }
    Ok(())
}

/// An array alone, and how many bytes it has.
fn whole(field: &Field) -> io::Result<(Variable, u64)> {
    let mut field = field.clone();
    if field.shape.is_empty() {
        field.shape.push(1);
    }
    let variable = Variable::new(vec![(String::new(), field)]).map_err(io::Error::other)?;
    let bytes = variable.shape.iter().product::<u64>() * variable.element.bytes() as u64;
    Ok((variable, bytes))
}

/// Whether two arrays hold the same bits.
fn is_same(one: &ArrayEntry, two: &ArrayEntry) -> io::Result<bool> {
    let (Some(a), Some(b)) = (&one.field, &two.field) else { return Ok(false) };
    if (a.element, &a.shape, &a.conventions) != (b.element, &b.shape, &b.conventions) {
        return Ok(false);
    }
    let (mut other, _) = whole(b)?;
    let (mut first, mut same, mut piece) = (0, true, Vec::new());
    let mut failed = None;
    each_piece(a, |bytes| {
        piece.resize(bytes.len(), 0);
        failed = other.read(first, &mut piece).err();
        first += bytes.len() as u64;
        same = failed.is_none() && piece == bytes;
        same
    })?;
    failed.map_or(Ok(same), Err)
}

/// How an array beside the data differs between two files.
enum Difference {
    Shape(Vec<u64>, Vec<u64>),
    Units(String, String),
    /// At a place, the value of the first file and that of the other.
    Value(usize, f64, f64),
    Text,
}

impl Difference {
    /// Of another file than the first.
    fn in_words(&self, first: &str) -> String {
        match self {
            Self::Shape(one, two) => format!("has the shape {two:?}, but {one:?} in {first}"),
            Self::Units(one, two) => format!("is in {two:?}, but in {one:?} in {first}"),
            Self::Value(at, one, two) => format!("has {two} at place {at}, but {one} in {first}"),
            Self::Text => format!("holds other text than in {first}"),
        }
    }
}

/// The first difference that is more than rounding; none where one of them cannot be read.
fn difference(one: &ArrayEntry, two: &ArrayEntry) -> io::Result<Option<Difference>> {
    if one.shape != two.shape {
        return Ok(Some(Difference::Shape(one.shape.clone(), two.shape.clone())));
    }
    if let (Some(known), Some(units)) = (&one.units, &two.units)
        && known != units
    {
        return Ok(Some(Difference::Units(known.clone(), units.clone())));
    }
    if let (Some(a), Some(b)) = (&one.text, &two.text) {
        let [a, b] = [a, b].map(bytes_of);
        return Ok((a? != b?).then_some(Difference::Text));
    }
    let (Some(a), Some(b)) = (&one.field, &two.field) else { return Ok(None) };
    let values = |field: &Field| Ok::<_, io::Error>(field.conventions.values(field.element, &bytes_of(field)?));
    let (a, b) = (values(a)?, values(b)?);
    let largest =
        a.iter().copied().filter(|value| value.is_finite()).fold(0.0, |most: f64, value| most.max(value.abs()));
    let differ = |(x, y): (&f64, &f64)| !(x == y || (x.is_nan() && y.is_nan()) || (x - y).abs() <= ROUNDING * largest);
    let at = a.iter().zip(&b).position(differ);
    Ok(at.map(|at| Difference::Value(at, a[at], b[at])))
}

pub(super) fn bytes_of(field: &Field) -> io::Result<Vec<u8>> {
    let (mut variable, bytes) = whole(field)?;
    let mut all = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
    variable.read(0, &mut all)?;
    Ok(all)
}

/// Units of a coordinate along the axis of the files, which must be the same or times that can be converted.
fn check_times(first: &File<'_>, all: &[File<'_>], entry: &ArrayEntry) -> Result<(), DataError> {
    let known = units_of(first.all, entry);
    for other in all {
        let Some(same) = other.find(&entry.name) else { continue };
        let units = units_of(other.all, same);
        if known == units {
            continue;
        }
        let in_words = |units: &Option<(String, Option<String>)>| match units {
            Some((units, Some(calendar))) => format!("{units:?} (calendar {calendar})"),
            Some((units, None)) => format!("{units:?}"),
            None => "no unit".to_owned(),
        };
        let time = |units: &Option<(String, Option<String>)>| {
            units.as_ref().and_then(|(units, calendar)| TimeUnits::of(units, calendar.as_deref()))
        };
        let can = time(&known).zip(time(&units)).is_some_and(|(one, two)| one.has_calendar_of(two));
        if !can {
            let why =
                format!("{:?} is in {}, but in {} in {}", entry.name, in_words(&units), in_words(&known), first.name);
            return Err(other.refused(why));
        }
    }
    Ok(())
}

/// Notes attributes of a file and of arrays that go along of which the first file has another value, or none.
fn note_attributes(first: &File<'_>, other: &File<'_>, data: &[&str], noted: &mut Vec<String>) {
    let mut note = |prefix: &str, may_be_time, one: &[(String, Attribute)], two: &[(String, Attribute)]| {
        for (name, value) in two {
            let full = format!("{prefix}{name}");
            // Times are converted.
            let is_time = may_be_time && ["units", "calendar"].contains(&&name[..]);
            if !is_time && !one.iter().any(|(known, same)| known == name && same == value) && !noted.contains(&full) {
                noted.push(full);
            }
        }
    };
    note("", false, &first.all.attributes.all, &other.all.attributes.all);
    for entry in first.all.arrays.iter().filter(|entry| data.contains(&&entry.name[..]) || !entry.is_data()) {
        if let Some(same) = other.find(&entry.name) {
            note(&format!("{}:", entry.name), !entry.is_data(), &entry.attributes.all, &same.attributes.all);
        }
    }
}
