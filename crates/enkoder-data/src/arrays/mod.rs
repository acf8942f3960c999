//! Arrays of numbers as samples: one or several variables, from one or several files, cut along the leading axis or into blocks.
//! They are read piece by piece and keep their type: a codec takes them so, more than fits into memory and every bit as it is. For
//! training they become a [`Dataset`] of bytes or 32-bit numbers.

mod assembly;
mod blocks;
mod contents;
mod conventions;
mod coordinates;
mod description;
mod grid;
mod joining;
mod quantity;
mod raw;
mod slab;
mod times;
mod variable;

use std::io;

use enkoder::codec::{ElementType, Layout, MAX_VARIABLES, SampleSource};
use enkoder::{Dataset, Quantity};
use ndarray::Array2;

use crate::element::infinite;
use crate::error::{DataError, Place};
use grid::Grid;
use variable::Variable;

pub use assembly::Assembly;
pub use contents::{ArrayEntry, ArraySummary, Contents};
pub use coordinates::Beside;
pub use description::{Description, NotKept};
pub use raw::{RawElement, RawFormat, UnknownRawElement};
pub use variable::OriginalType;

pub(crate) use contents::Described;
pub(crate) use conventions::{Attribute, Attributes, Conventions, netcdf_fill};
pub(crate) use joining::{only_in_others, taken};
pub(crate) use raw::{field as raw_field, numpy_name};
pub(crate) use slab::Slab;
pub(crate) use variable::{Field, Origin, Records, Stored};

/// Bytes of an array that are read at once, about.
const WINDOW: u64 = 4 << 20;

/// Samples cut from arrays.
#[derive(Debug)]
pub struct Arrays {
    name: String,
    variables: Vec<Variable>,
    cut: Cut,
    /// Shape of a sample.
    shape: Vec<usize>,
    samples: u64,
    keep_infinite: bool,
    /// Bytes that were read before, in memory that is used again.
    bytes: Vec<u8>,
}

#[derive(Debug)]
enum Cut {
    /// A sample is a step of the leading axis: so many bytes of each variable.
    Leading {
        bytes: usize,
    },
    Blocks {
        grid: Grid,
        block: Vec<usize>,
        window: Window,
    },
}

/// The bands read last: the bytes of each variable.
#[derive(Debug, Default)]
struct Window {
    first: u64,
    end: u64,
    bytes: Vec<Vec<u8>>,
}

impl Arrays {
    /// Samples of arrays: for each variable its arrays, with the names of their files, in the order of the leading axis. Without
    /// `block` the leading axis is cut.
    pub(crate) fn new(name: &str, variables: Vec<Vec<(String, Field)>>, block: &[usize]) -> Result<Self, DataError> {
        Self::of_variables(name, variables.into_iter().map(Variable::new).collect::<Result<_, _>>()?, block)
    }

    /// The same in one, where the arrays of all variables have one shape and type; else each variable by itself.
    pub(crate) fn together(
        name: &str,
        variables: Vec<Vec<(String, Field)>>,
        block: &[usize],
    ) -> Result<Vec<Self>, DataError> {
        let variables = variables.into_iter().map(Variable::new).collect::<Result<Vec<_>, _>>()?;
        let are_alike = variables.iter().all(|variable| variable.kind() == variables[0].kind());
        if are_alike && (1..=MAX_VARIABLES).contains(&variables.len()) {
            return Ok(vec![Self::of_variables(name, variables, block)?]);
        }
        variables.into_iter().map(|variable| Self::of_variables(name, vec![variable], block)).collect()
    }

    fn of_variables(name: &str, variables: Vec<Variable>, block: &[usize]) -> Result<Self, DataError> {
        let place = || Place::source(name);
        let Some(first) = variables.first() else { return Err(DataError::empty(place())) };
        if let Some(other) = variables.iter().find(|v| v.kind() != first.kind()) {
            let why = format!(
                "variables of different kinds cannot be taken together: {:?} holds {} of {:?}, but {:?} {} of {:?}",
                first.name, first.element, first.shape, other.name, other.element, other.shape
            );
            return Err(
                DataError::unsuitable(place(), why).with_hint("take one at a time with `ArrayOptions::variables`")
            );
        }
        if first.shape.contains(&0) {
            return Err(DataError::empty(place()));
        }
        let width = first.element.bytes();
        let (cut, inner, samples) = if block.is_empty() {
            let axes: Option<Vec<usize>> = first.shape[1..].iter().map(|&axis| usize::try_from(axis).ok()).collect();
            let bytes = axes.iter().flatten().try_fold(width, |bytes, &axis| bytes.checked_mul(axis));
            let (Some(axes), Some(bytes)) = (axes, bytes.filter(|&bytes| isize::try_from(bytes).is_ok())) else {
                return Err(DataError::unsuitable(place(), "a sample has more bytes than can be counted"));
            };
            (Cut::Leading { bytes }, axes, first.shape[0])
        } else {
            let grid = Grid::new(&first.shape, block, width).map_err(|why| DataError::unsuitable(place(), why))?;
            let samples = grid.blocks();
            (Cut::Blocks { grid, block: block.to_vec(), window: Window::default() }, block.to_vec(), samples)
        };
        let mut shape = inner;
        if variables.len() > 1 {
            shape.insert(0, variables.len());
        }
        if shape.is_empty() {
            shape.push(1);
        }
        Ok(Self { name: name.to_owned(), variables, cut, shape, samples, keep_infinite: false, bytes: Vec::new() })
    }

    /// What the arrays are called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same arrays under another name.
    pub(crate) fn with_name(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// The same samples in another shape of as many values.
    pub(crate) fn with_sample_shape(self, shape: Vec<usize>) -> Self {
        Self { shape, ..self }
    }

    /// Whether a sample has another shape than in its array.
    fn is_reshaped(&self) -> bool {
        let axes = self.array().len() - 1 + usize::from(self.variables.len() > 1);
        matches!(self.cut, Cut::Leading { .. }) && self.shape.len() != axes.max(1)
    }

    /// The shape of the array of one variable.
    pub fn array(&self) -> &[u64] {
        &self.variables[0].shape
    }

    /// Takes only the first samples.
    ///
    /// # Errors
    /// When the samples are blocks, of which some make no array.
    pub fn head(mut self, samples: usize) -> Result<Self, DataError> {
        match self.cut {
            Cut::Leading { .. } => {
                self.samples = self.samples.min(samples as u64);
                let samples = self.samples;
                self.variables.iter_mut().for_each(|variable| variable.shape[0] = samples);
                Ok(self)
            }
            Cut::Blocks { .. } => {
                let why = format!("{samples} blocks alone make no array to give back");
                Err(DataError::unsuitable(Place::source(self.name), why)
                    .with_hint("leave out `ReadOptions::samples` or `ArrayOptions::block`"))
            }
        }
    }

    /// The same, with values that are infinite or too large for 32 bits [read](Self::into_dataset) as infinite where `keep` says so.
    pub(crate) fn keeping_infinite(self, keep: bool) -> Self {
        Self { keep_infinite: keep, ..self }
    }

    /// All samples in memory: bytes as they are, all else as 32-bit numbers, missing values as NaN.
    ///
    /// # Errors
    /// When reading fails, and when a value is infinite or too large for 32 bits.
    pub fn into_dataset(mut self, most: Option<usize>) -> Result<Dataset, DataError> {
        let features: usize = self.shape.iter().product();
        let all = usize::try_from(self.samples).unwrap_or(usize::MAX).min(most.unwrap_or(usize::MAX));
        let too_large = || DataError::unsuitable(Place::source(&self.name), "it has more values than memory can hold");
        let values = all.checked_mul(features).filter(|&n| n <= isize::MAX as usize / 4).ok_or_else(too_large)?;
        let at_once = (WINDOW as usize / self.sample_bytes()).max(1);
        let name = self.name.clone();
        let failed = |error| DataError::io("read", &name, error);
        let dataset = if self.are_bytes() {
            let mut bytes = Vec::with_capacity(values);
            for first in (0..all).step_by(at_once) {
                bytes.extend(SampleSource::read(&mut self, first as u64, at_once.min(all - first)).map_err(failed)?);
            }
            Array2::from_shape_vec((all, features), bytes).map(|rows| Dataset::from_u8(&name, rows))
        } else {
            let mut numbers = Vec::with_capacity(values);
            for first in (0..all).step_by(at_once) {
                let bytes = SampleSource::read(&mut self, first as u64, at_once.min(all - first)).map_err(failed)?;
                let new = numbers.len();
                self.convert(&bytes, &mut numbers);
                let refused = infinite(&numbers[new..], first, features, &name).filter(|_| !self.keep_infinite);
                refused.map_or(Ok(()), Err)?;
            }
            Array2::from_shape_vec((all, features), numbers).map(|rows| Dataset::from_f32(&name, rows))
        };
        dataset
            .expect("as many values as the shape holds")
            .and_then(|data| data.with_shape(self.shape.clone()))
            .map(|data| match self.quantity() {
                Some(quantity) => data.with_quantity(quantity),
                None => data,
            })
            .map_err(|error| DataError::dataset(Place::source(&name), error))
    }

    fn sample_bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * self.element().bytes()
    }

    /// Appends the values of whole samples.
    fn convert(&self, bytes: &[u8], numbers: &mut Vec<f32>) {
        let part = self.sample_bytes() / self.variables.len();
        if let [variable] = &self.variables[..] {
            return variable.conventions.extend_f32(self.element(), bytes, numbers);
        }
        for (bytes, variable) in bytes.chunks_exact(part).zip(self.variables.iter().cycle()) {
            variable.conventions.extend_f32(self.element(), bytes, numbers);
        }
    }

    /// The bytes of some samples, in place of whatever `out` holds.
    fn read_into(&mut self, first: u64, count: usize, out: &mut Vec<u8>) -> io::Result<()> {
        out.resize(count * self.sample_bytes(), 0);
        match &mut self.cut {
            Cut::Leading { bytes } => {
                let bytes = *bytes;
                if let [variable] = &mut self.variables[..] {
                    return variable.read(first * bytes as u64, out);
                }
                let variables = self.variables.len();
                let mut run = vec![0; count * bytes];
                for (number, variable) in self.variables.iter_mut().enumerate() {
                    variable.read(first * bytes as u64, &mut run)?;
                    for (sample, from) in out.chunks_exact_mut(variables * bytes).zip(run.chunks_exact(bytes)) {
                        sample[number * bytes..][..bytes].copy_from_slice(from);
                    }
                }
            }
            Cut::Blocks { grid, window, .. } => {
                out.clear();
                for sample in first..first + count as u64 {
                    let (band, block) = (sample / grid.band_blocks(), sample % grid.band_blocks());
                    window.show(band, grid, &mut self.variables)?;
                    let start = (grid.band_start(band) - grid.band_start(window.first)) as usize;
                    let rows = grid.band_rows(band);
                    for bytes in &window.bytes {
                        grid.cut(&bytes[start..start + rows * grid.row_bytes()], rows, block, out);
                    }
                }
            }
        }
        Ok(())
    }

    /// The quantity of the first variable, where the file says it.
    pub fn quantity(&self) -> Option<Quantity> {
        quantity::of(&self.variables[0])
    }

    /// The type that the numbers have in their file, where a codec knows it by another.
    pub fn original(&self) -> Option<OriginalType> {
        self.variables[0].original
    }

    /// What a compressed file is to keep beside the numbers, and what of their file it cannot keep.
    ///
    /// # Errors
    /// When coordinates cannot be read.
    pub fn description(&self) -> Result<(Vec<u8>, NotKept), DataError> {
        description::of(&self.variables.iter().collect::<Vec<_>>())
    }

    /// The same of several arrays of one file, one after the other.
    ///
    /// # Errors
    /// When coordinates cannot be read.
    pub fn description_of(all: &[&Self]) -> Result<(Vec<u8>, NotKept), DataError> {
        description::of(&all.iter().flat_map(|arrays| &arrays.variables).collect::<Vec<_>>())
    }
}

impl SampleSource for Arrays {
    fn element(&self) -> ElementType {
        self.variables[0].element
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn samples(&self) -> u64 {
        self.samples
    }

    /// As the files say, in the order of the variables, as their type holds them.
    fn missing(&self) -> Vec<f64> {
        self.variables.iter().flat_map(|variable| variable.conventions.missing.iter().copied()).collect()
    }

    fn valid(&self) -> Vec<Option<(f64, f64)>> {
        self.variables.iter().map(|variable| variable.conventions.valid).collect()
    }

    fn packing(&self) -> Vec<(f64, f64)> {
        self.variables.iter().map(|variable| (variable.conventions.scale, variable.conventions.offset)).collect()
    }

    fn read(&mut self, first: u64, count: usize) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        self.read_into(first, count, &mut out)?;
        Ok(out)
    }

    fn layout(&self) -> Layout {
        let variables = match &self.variables[..] {
            [only] if only.name.is_empty() => Vec::new(),
            all => all.iter().map(|variable| variable.name.clone()).collect(),
        };
        let (array, block) = match &self.cut {
            // The shape of a sample says it, but for an array with one axis, and for samples seen in another shape.
            Cut::Leading { .. } if self.array().len() > 1 && !self.is_reshaped() => (Vec::new(), Vec::new()),
            Cut::Leading { .. } => (self.array().to_vec(), Vec::new()),
            Cut::Blocks { block, .. } => (self.array().to_vec(), block.clone()),
        };
        Layout { variables, array, block }
    }
}

impl Window {
    /// Reads the band where it is not there yet, and some that follow it where the last one came before it.
    fn show(&mut self, band: u64, grid: &Grid, variables: &mut [Variable]) -> io::Result<()> {
        if (self.first..self.end).contains(&band) {
            return Ok(());
        }
        let start = grid.band_start(band);
        let mut end = band + 1;
        while band == self.end && end < grid.bands() && grid.band_start(end + 1) - start <= WINDOW {
            end += 1;
        }
        let length = (grid.band_start(end) - start) as usize;
        self.bytes.resize_with(variables.len(), Vec::new);
        // Should reading fail, there is nothing to show.
        (self.first, self.end) = (band, band);
        for (bytes, variable) in self.bytes.iter_mut().zip(variables) {
            bytes.resize(length, 0);
            variable.read(start, bytes)?;
        }
        (self.first, self.end) = (band, end);
        Ok(())
    }
}
