//! Regions of arrays with bounds of their own, and what must come back exactly whatever the bound.

use std::fmt;
use std::str::FromStr;

use super::bound::Bound;
use super::container::MAX_NAME;
use super::error::CodecError;

/// Regions at most.
pub const MAX_REGIONS: usize = 16;

/// Cells of an array that have a bound of their own.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// What it is, in words that the file keeps: `lat=35:60,lon=-10:30`.
    pub name: String,
    /// What its values must satisfy: no [`Bound::Psnr`] and no [`Bound::None`], which are of all values together.
    pub bound: Bound,
    /// A cell is in the region where all of these say so.
    pub selections: Vec<Selection>,
}

/// Places along some axes of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Numbers of the axes, ascending; 0 is the leading one.
    pub axes: Vec<usize>,
    /// Their lengths.
    pub lengths: Vec<usize>,
    /// For each place, the last axis closest, whether it is in.
    pub inside: Vec<bool>,
}

impl Selection {
    /// Whether it fits an array of this shape.
    fn fits(&self, shape: &[usize]) -> bool {
        self.axes.is_sorted_by(|a, b| a < b)
            && self.axes.len() == self.lengths.len()
            && self.axes.iter().zip(&self.lengths).all(|(&axis, length)| shape.get(axis) == Some(length))
            && self.lengths.iter().product::<usize>() == self.inside.len()
    }

    fn has(&self, place: &[usize]) -> bool {
        let index = self.axes.iter().zip(&self.lengths).fold(0, |index, (&axis, length)| index * length + place[axis]);
        self.inside[index]
    }
}

/// Checks regions for an array of this shape.
pub(crate) fn check(regions: &[Region], shape: &[usize]) -> Result<(), CodecError> {
    let refused = |region: &Region, why: &str| {
        Err(CodecError::Region { region: region.name.clone(), bound: region.bound.to_string(), why: why.to_owned() })
    };
    for region in regions {
        region.bound.validate()?;
        if matches!(region.bound, Bound::Psnr(_) | Bound::None) {
            return refused(region, "it is of all values together\nhint: use abs:, rel:, prel:, bits: or lossless");
        }
        if region.name.len() > MAX_NAME {
            return refused(region, &format!("its name has more than {MAX_NAME} bytes"));
        }
        if !region.selections.iter().all(|selection| selection.fits(shape)) {
            return refused(region, &format!("it is no part of an array of shape {shape:?}"));
        }
    }
    match regions.get(MAX_REGIONS) {
        Some(region) => refused(region, &format!("there are more than {MAX_REGIONS} regions")),
        None => Ok(()),
    }
}

/// The region of each cell of steps `first` to `first + count` of the leading axis: 0 where it is in none, otherwise one more than the
/// number of the last that it is in.
pub(crate) fn numbers(regions: &[Region], shape: &[usize], first: usize, count: usize) -> Vec<u8> {
    let mut place = vec![0; shape.len()];
    place[0] = first;
    let cells = count * shape[1..].iter().product::<usize>();
    let mut numbers = Vec::with_capacity(cells);
    for _ in 0..cells {
        let is_in = |region: &Region| region.selections.iter().all(|selection| selection.has(&place));
        numbers.push(regions.iter().rposition(is_in).map_or(0, |number| number as u8 + 1));
        for axis in (0..shape.len()).rev() {
            place[axis] += 1;
            if place[axis] < shape[axis] || axis == 0 {
                break;
            }
            place[axis] = 0;
        }
    }
    numbers
}

/// What must come back exactly, whatever the bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exact {
    /// Zeros come back bit for bit.
    pub zeros: bool,
    /// No value changes its sign: positive ones do not become negative, nor negative ones positive, and 0 stays 0. Small ones may become 0.
    pub signs: bool,
    /// The least and the largest value of each variable come back bit for bit wherever they are, and no other value goes beyond them.
    pub extremes: bool,
}

impl Exact {
    /// Whether anything must.
    pub fn is_any(self) -> bool {
        self != Self::default()
    }

    pub(crate) fn to_byte(self) -> u8 {
        u8::from(self.zeros) | u8::from(self.signs) << 1 | u8::from(self.extremes) << 2
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        (byte < 8).then_some(Self { zeros: byte & 1 > 0, signs: byte & 2 > 0, extremes: byte & 4 > 0 })
    }
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [(self.zeros, "zeros"), (self.signs, "signs"), (self.extremes, "extremes")];
        let said: Vec<&str> = all.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect();
        f.pad(&said.join(","))
    }
}

impl FromStr for Exact {
    type Err = CodecError;

    fn from_str(text: &str) -> Result<Self, CodecError> {
        let mut exact = Self::default();
        for word in text.split(',') {
            match word.trim() {
                "zeros" => exact.zeros = true,
                "signs" => exact.signs = true,
                "extremes" => exact.extremes = true,
                other => return Err(CodecError::UnknownExact(other.to_owned())),
            }
        }
        Ok(exact)
    }
}
