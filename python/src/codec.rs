//! The codec: arrays of NumPy in, bytes out. `archive.rs` is the way back.

use std::io;
use std::ops::ControlFlow;

use enkoder::codec::{
    AloneOptions, CodecError, CompressOptions, CompressSummary, ElementType, Layout, Member, Region, SampleSource,
    Selection, compress as compress_with, compress_alone, compress_several,
};
use enkoder_data::Description;
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::autoencoder::Model;
use crate::calling::call;
use crate::errors::{raised, value_error};

/// A dictionary with all these keys.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Given<'py> {
    /// Empty for an array without a name.
    name: String,
    /// Little-endian numbers, sample after sample.
    values: PyReadonlyArray1<'py, u8>,
    element: String,
    shape: Vec<usize>,
    bound: String,
    regions: Vec<GivenRegion<'py>>,
    exact: Option<String>,
    idempotent: bool,
}

/// A name, a bound, and the cells: numbers of the axes, and for each place along them whether it is in.
type GivenRegion<'py> = (String, String, Vec<usize>, Vec<usize>, PyReadonlyArray1<'py, bool>);

impl Given<'_> {
    fn options(&self, effort: Option<u8>, block_samples: Option<usize>) -> PyResult<AloneOptions> {
        let options = AloneOptions::new(parsed(&self.bound)?);
        let region = |(name, bound, axes, lengths, inside): &GivenRegion<'_>| {
            let inside = inside.as_array().to_vec();
            let selections = vec![Selection { axes: axes.clone(), lengths: lengths.clone(), inside }];
            Ok(Region { name: name.clone(), bound: parsed(bound)?, selections })
        };
        Ok(AloneOptions {
            effort: effort.unwrap_or(options.effort),
            regions: self.regions.iter().map(region).collect::<PyResult<_>>()?,
            exact: self.exact.as_deref().map(parsed).transpose()?.unwrap_or_default(),
            block_samples,
            idempotent: self.idempotent,
            ..options
        })
    }

    fn source(&self, description: &[u8]) -> PyResult<Lent<'_>> {
        let element: ElementType = parsed(&self.element)?;
        let bytes = self.values.as_slice().map_err(|error| value_error(error.to_string()))?;
        let sample = (self.shape.iter().skip(1).product::<usize>() * element.bytes()).max(1);
        Ok(Lent { name: &self.name, bytes, element, array: &self.shape, sample, description: description.to_vec() })
    }
}

fn parsed<T: std::str::FromStr<Err = CodecError>>(text: &str) -> PyResult<T> {
    text.parse().map_err(|error: CodecError| raised(&error))
}

/// An array where it lies. Its leading axis counts the samples.
struct Lent<'a> {
    name: &'a str,
    bytes: &'a [u8],
    element: ElementType,
    array: &'a [usize],
    /// Bytes of a sample.
    sample: usize,
    description: Vec<u8>,
}

impl SampleSource for Lent<'_> {
    fn element(&self) -> ElementType {
        self.element
    }

    fn shape(&self) -> &[usize] {
        match &self.array[1..] {
            [] => &[1],
            shape => shape,
        }
    }

    fn samples(&self) -> u64 {
        self.array[0] as u64
    }

    fn layout(&self) -> Layout {
        let variables = if self.name.is_empty() { Vec::new() } else { vec![self.name.to_owned()] };
        // Of one axis, samples are no rows of one number.
        let array = if let [length] = *self.array { vec![length as u64] } else { Vec::new() };
        Layout { variables, array, block: Vec::new() }
    }

    fn description(&self) -> Vec<u8> {
        self.description.clone()
    }

    fn read(&mut self, first: u64, count: usize) -> io::Result<Vec<u8>> {
        let start = first as usize * self.sample;
        let bytes = self.bytes.get(start..start + count * self.sample);
        bytes.map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

/// Whether Ctrl-C was pressed, which is looked for between blocks.
#[derive(Default)]
pub struct Pressed(Option<PyErr>);

impl Pressed {
    pub fn look(&mut self) -> ControlFlow<()> {
        match Python::attach(|py| py.check_signals()) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.0 = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    /// What some work gave, or what it was stopped by.
    pub fn or<T>(self, done: PyResult<T>) -> PyResult<T> {
        self.0.map_or(done, Err)
    }
}

/// Compresses arrays: one as a file, several as a file of files. `headers` are those of NPY files, where arrays are of a type that the
/// codec knows by another.
#[pyfunction]
#[pyo3(signature = (arrays, headers, model=None, embed_model=true, effort=None, block_samples=None))]
pub fn compress<'py>(
    py: Python<'py>,
    arrays: Vec<Given<'py>>,
    headers: &[u8],
    model: Option<&Model>,
    embed_model: bool,
    effort: Option<u8>,
    block_samples: Option<usize>,
) -> PyResult<(Bound<'py, PyBytes>, Vec<Bound<'py, PyDict>>)> {
    let description = Description::pack_forms(headers).map_err(|error| raised(&error))?;
    let options = arrays.iter().map(|array| array.options(effort, block_samples)).collect::<PyResult<Vec<_>>>()?;
    let sources = arrays.iter().map(|array| array.source(&description)).collect::<PyResult<Vec<_>>>()?;
    let mut out = Vec::new();
    let mut pressed = Pressed::default();
    let done =
        call(py, None, || compress_all(sources, options, model, embed_model, &description, &mut out, &mut pressed));
    let told = pressed.or(done)?.iter().map(|summary| told(py, summary)).collect::<PyResult<_>>()?;
    Ok((PyBytes::new(py, &out), told))
}

fn compress_all(
    mut sources: Vec<Lent<'_>>,
    options: Vec<AloneOptions>,
    model: Option<&Model>,
    embed_model: bool,
    description: &[u8],
    out: &mut Vec<u8>,
    pressed: &mut Pressed,
) -> Result<Vec<CompressSummary>, CodecError> {
    match (&mut sources[..], &options[..], model) {
        ([source], [options], Some(model)) => {
            let (bound, block_samples) = (options.bound, options.block_samples);
            let options = CompressOptions { embed_model, block_samples, ..CompressOptions::new(bound) };
            Ok(vec![compress_with(&model.model, source, &options, out, &mut |_| pressed.look())?])
        }
        ([source], [options], None) => Ok(vec![compress_alone(source, options, out, &mut |_| pressed.look())?]),
        (sources, _, _) => {
            let members = sources.iter_mut().zip(options);
            let mut members: Vec<_> = members.map(|(source, options)| Member { source, options }).collect();
            Ok(compress_several(&mut members, description, out, &mut |_, _| pressed.look())?.members)
        }
    }
}

fn told<'py>(py: Python<'py>, summary: &CompressSummary) -> PyResult<Bound<'py, PyDict>> {
    let told = PyDict::new(py);
    told.set_item("samples", summary.samples)?;
    told.set_item("original_bytes", summary.original_bytes)?;
    told.set_item("compressed_bytes", summary.file_bytes)?;
    told.set_item("model_bytes", summary.model_bytes)?;
    told.set_item("largest_error", summary.largest_error)?;
    told.set_item("mean_squared_error", summary.mean_squared_error)?;
    Ok(told)
}
