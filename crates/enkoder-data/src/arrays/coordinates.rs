//! Arrays that lie beside the data along some of its axes: coordinates, and masks.

use super::Arrays;
use super::contents::{ArrayEntry, is_latitude, is_longitude};
use super::description::beside;
use super::variable::Origin;
use crate::error::{DataError, Place};

/// Bytes of an array beside the data that are held at most.
const MOST: u64 = 1 << 30;

/// The values of an array along axes of others.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Beside {
    /// Numbers of the axes, ascending; 0 is the leading one.
    pub axes: Vec<usize>,
    /// Their lengths.
    pub lengths: Vec<usize>,
    /// The values, the last axis closest; NaN where one is missing.
    pub values: Vec<f64>,
    /// Whether they are longitudes, of which 0 and 360 degrees are the same.
    pub is_longitude: bool,
}

impl Arrays {
    /// The values of another array of the same file, which lies along some axes of these: a coordinate or a mask. `lat` and `lon` are also
    /// those that are called otherwise, by their names and units.
    ///
    /// # Errors
    /// When there is none of this name, when its axes are others, and when it cannot be read.
    pub fn beside(&self, name: &str) -> Result<Beside, DataError> {
        let place = || Place::source(&self.name);
        let data = &self.variables[0];
        let Some(Origin::Contents { all, name: own }) = &data.origins[0].1 else {
            let why = format!("it has no names of axes or coordinates, of which {name:?} could be one");
            return Err(DataError::unsuitable(place(), why));
        };
        let own = all.arrays.iter().find(|entry| entry.name == *own);
        let own = own.ok_or_else(|| DataError::unsuitable(place(), "its array is not in its file"))?;
        let axes_of = |entry: &ArrayEntry| -> Option<Vec<usize>> {
            let numbers: Option<Vec<usize>> =
                entry.axes.iter().map(|axis| own.axes.iter().position(|other| other == axis)).collect();
            let is_sorted = |axes: &Vec<usize>| !axes.is_empty() && axes.is_sorted_by(|a, b| a < b);
            numbers.filter(is_sorted).filter(|axes| axes.len() == entry.shape.len())
        };
        let is_meant = |entry: &&ArrayEntry| entry.leaf() == name || entry.name.trim_start_matches('/') == name;
        let is_like = |entry: &&ArrayEntry| match name {
            "lat" => is_latitude(entry),
            "lon" => is_longitude(entry),
            _ => false,
        };
        let named = || all.arrays.iter().filter(is_meant).chain(all.arrays.iter().filter(is_like));
        let Some(entry) = named().find(|entry| axes_of(entry).is_some()) else {
            return Err(match named().next() {
                Some(entry) => DataError::unsuitable(
                    place(),
                    format!("{:?} lies along {:?}, but {:?} along {:?}", entry.name, entry.axes, own.name, own.axes),
                ),
                None if matches!(name, "lat" | "lon") => {
                    let units = if name == "lat" { "degrees_north" } else { "degrees_east" };
                    let why =
                        format!("no coordinate is called {name:?} or has units of {units}, by which it would be found");
                    let along = all.arrays.iter().filter(|entry| axes_of(entry).is_some() && entry.name != own.name);
                    let along: Vec<&str> = along.map(|entry| entry.leaf()).collect();
                    DataError::unsuitable(place(), why)
                        .with_hint(format!("name it as it is called: {}", along.join(", ")))
                }
                None => {
                    let along = all.arrays.iter().filter(|entry| axes_of(entry).is_some() && entry.name != own.name);
                    DataError::unknown_name("coordinate", name, along.map(|entry| entry.leaf().to_owned()))
                }
            });
        };
        let wrong = |why: String| DataError::unsuitable(place(), format!("{:?} cannot be read: {why}", entry.name));
        let mut variable = beside(entry, data, own.axes.first()).map_err(wrong)?;
        let axes = axes_of(entry).unwrap_or_default();
        let lengths: Vec<usize> = variable.shape.iter().map(|&length| length as usize).collect();
        if axes.iter().zip(&variable.shape).any(|(&axis, length)| data.shape.get(axis) != Some(length)) {
            return Err(wrong(format!("it has the shape {:?} beside {:?}", variable.shape, data.shape)));
        }
        let width = variable.element.bytes() as u64;
        let bytes = variable.shape.iter().try_fold(width, |bytes, &axis| bytes.checked_mul(axis));
        let bytes = bytes.filter(|&bytes| bytes <= MOST).ok_or_else(|| wrong("it is too large".to_owned()))?;
        let mut numbers = vec![0; bytes as usize];
        variable.read(0, &mut numbers).map_err(|error| wrong(error.to_string()))?;
        let values = variable.conventions.values(variable.element, &numbers);
        Ok(Beside { axes, lengths, values, is_longitude: name == "lon" || is_longitude(entry) })
    }

    /// Whether the file holds an array of this name that goes along with the data: a coordinate, or a single number.
    pub fn is_beside(&self, name: &str) -> bool {
        let Some(Origin::Contents { all, .. }) = &self.variables[0].origins[0].1 else { return false };
        let is_meant = |entry: &ArrayEntry| entry.leaf() == name || entry.name == name;
        all.arrays.iter().any(|entry| is_meant(entry) && !entry.is_data())
    }

    /// All values of these arrays, of which there is one, as a mask along the last axes of others of this shape.
    ///
    /// # Errors
    /// When its shape is not that of the last axes, and when it cannot be read.
    pub fn into_mask(mut self, of: &[u64]) -> Result<Beside, DataError> {
        let variable = &mut self.variables[0];
        let place = Place::source(&self.name);
        let first = of.len().checked_sub(variable.shape.len()).filter(|&first| of[first..] == variable.shape[..]);
        let Some(first) = first else {
            let why = format!("its shape {:?} is not that of the last axes of the data, {of:?}", variable.shape);
            return Err(DataError::unsuitable(place, why));
        };
        let width = variable.element.bytes() as u64;
        let bytes = variable.shape.iter().try_fold(width, |bytes, &axis| bytes.checked_mul(axis));
        let Some(bytes) = bytes.filter(|&bytes| bytes <= MOST) else {
            return Err(DataError::unsuitable(place, "it is too large for a mask"));
        };
        let mut numbers = vec![0; bytes as usize];
        variable.read(0, &mut numbers).map_err(|error| DataError::io("read", &self.name, error))?;
        let values = variable.conventions.values(variable.element, &numbers);
        let lengths = variable.shape.iter().map(|&length| length as usize).collect();
        Ok(Beside { axes: (first..of.len()).collect(), lengths, values, is_longitude: false })
    }
}
