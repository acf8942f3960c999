//! The codec: arrays of NumPy in, bytes out, and back.

use std::io::Cursor;
use std::ops::ControlFlow;

use enkoder::codec::{
    AloneOptions, Bound as Promise, CodecError, CompressOptions, CompressSummary, ElementType, EnkFile, SampleArray,
    compress as compress_with, compress_alone,
};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::autoencoder::Model;
use crate::calling::call;
use crate::errors::{raised, value_error};

/// Compresses little-endian values of a type, samples of a shape.
#[pyfunction]
#[pyo3(signature = (values, element, shape, bound, model=None, embed_model=true, effort=None, block_samples=None))]
#[expect(clippy::too_many_arguments, reason = "they are named in Python")]
pub fn compress<'py>(
    py: Python<'py>,
    values: Vec<u8>,
    element: &str,
    shape: Vec<usize>,
    bound: &str,
    model: Option<&Model>,
    embed_model: bool,
    effort: Option<u8>,
    block_samples: Option<usize>,
) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyDict>)> {
    let element = named(element)?;
    let promise: Promise = bound.parse().map_err(|error: CodecError| raised(&error))?;
    let mut source = SampleArray::from_bytes(element, shape, values).map_err(|error| raised(&error))?;
    let mut out = Vec::new();
    let mut stopped = None;
    let mut goes_on = |_| match Python::attach(|py| py.check_signals()) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            stopped = Some(error);
            ControlFlow::Break(())
        }
    };
    let done = call(py, None, || match model {
        Some(model) => {
            let options = CompressOptions { embed_model, block_samples, ..CompressOptions::new(promise) };
            compress_with(&model.model, &mut source, &options, &mut out, &mut goes_on)
        }
        None => {
            let options = AloneOptions::new(promise);
            let options = AloneOptions { effort: effort.unwrap_or(options.effort), block_samples, ..options };
            compress_alone(&mut source, &options, &mut out, &mut goes_on)
        }
    });
    if let Some(stopped) = stopped {
        return Err(stopped);
    }
    Ok((PyBytes::new(py, &out), told(py, &done?)?))
}

/// Values of a compressed file, as little-endian bytes, with their type and the shape of all samples.
#[pyfunction]
#[pyo3(signature = (bytes, model=None, first=0, end=None))]
pub fn decompress<'py>(
    py: Python<'py>,
    bytes: &[u8],
    model: Option<&Model>,
    first: u64,
    end: Option<u64>,
) -> PyResult<(Bound<'py, PyBytes>, &'static str, Vec<usize>)> {
    let samples = call(py, None, || {
        let mut file = EnkFile::open(Cursor::new(bytes))?;
        if let Some(model) = model {
            file = file.with_model(&model.model)?;
        }
        let end = end.unwrap_or(file.samples());
        // What is claimed is bounded by what can be addressed; every block is checked while it is read.
        file.read(first, end, u64::MAX)
    })?;
    let shape = [&[samples.len()], samples.shape()].concat();
    Ok((PyBytes::new(py, samples.as_bytes()), samples.element().name(), shape))
}

/// What a compressed file says of itself.
#[pyfunction]
pub fn compressed_info<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyDict>> {
    let file = EnkFile::open(Cursor::new(bytes)).map_err(|error| raised(&error))?;
    let told = PyDict::new(py);
    told.set_item("samples", file.samples())?;
    told.set_item("shape", file.shape())?;
    told.set_item("dtype", file.element().name())?;
    told.set_item("bound", file.bound().to_string())?;
    told.set_item("has_model", file.has_model())?;
    told.set_item("model_hash", file.model_hash())?;
    told.set_item("blocks", file.blocks())?;
    Ok(told)
}

fn named(element: &str) -> PyResult<ElementType> {
    let known = || ElementType::ALL.map(ElementType::name).join(", ");
    let found = ElementType::ALL.into_iter().find(|kind| kind.name() == element);
    found.ok_or_else(|| {
        value_error(format!("values of type {element} cannot be compressed\nhint: they can be {}", known()))
    })
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
