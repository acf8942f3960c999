//! Data sets: those that Enkoder makes up, and everything that the command reads.

use std::error::Error;

use enkoder::Dataset;
use enkoder_data::{ReadOptions, TableOptions, fields, open, pump, strokes};
use numpy::ndarray::{Array2, ArrayD};
use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;

use crate::calling::call;
use crate::errors::value_error;

/// Values as samples of a shape, the number of each sample's class, the names of the classes, and the names of the features.
type Read<'py> = (Bound<'py, PyAny>, Option<Bound<'py, PyArray1<u32>>>, Option<Vec<String>>, Option<Vec<String>>);

/// One of the data sets that are made up: `strokes`, `pump`, `pump-faulty` or `fields`.
#[pyfunction]
pub fn generated<'py>(py: Python<'py>, name: &str, count: usize, seed: u64) -> PyResult<Read<'py>> {
    let make = match name {
        "strokes" => strokes::strokes,
        "pump" => pump::normal,
        "pump-faulty" => pump::faulty,
        "fields" => fields::fields,
        other => return Err(value_error(format!("there is no data set {other:?} to be made up"))),
    };
    let data = call(py, None, || Ok::<_, std::convert::Infallible>(make(count, seed)))?;
    to_python(py, &data)
}

/// What a name means to the command: a built-in name, `openml:ID`, or a path.
#[pyfunction]
#[pyo3(signature = (name, label=None, ignore=vec![], samples=None, seed=0))]
pub fn read<'py>(
    py: Python<'py>,
    name: &str,
    label: Option<String>,
    ignore: Vec<String>,
    samples: Option<usize>,
    seed: u64,
) -> PyResult<Read<'py>> {
    let table = TableOptions { label, ignore, ..TableOptions::default() };
    let options = ReadOptions { samples, seed, table, ..ReadOptions::default() };
    let data = call(py, None, || open(name, &options))?;
    to_python(py, &data)
}

fn to_python<'py>(py: Python<'py>, data: &Dataset) -> PyResult<Read<'py>> {
    let shape = [&[data.len()], data.shape()].concat();
    let refused = |error: &dyn Error| value_error(error.to_string());
    let values = if data.is_u8() {
        let mut bytes = vec![0; data.len() * data.features()];
        for (row, out) in bytes.chunks_exact_mut(data.features().max(1)).enumerate() {
            data.copy_row_u8(row, out);
        }
        ArrayD::from_shape_vec(shape, bytes).map_err(|error| refused(&error))?.into_pyarray(py).into_any()
    } else {
        let rows: Array2<f32> = data.to_array();
        rows.into_dyn().into_shape_with_order(shape).map_err(|error| refused(&error))?.into_pyarray(py).into_any()
    };
    let labels: Option<Vec<u32>> = (0..data.len()).map(|row| data.label(row)).collect();
    let labels = labels.filter(|labels| !labels.is_empty()).map(|labels| labels.into_pyarray(py));
    let classes = data.classes().map(<[String]>::to_vec);
    let names = data.schema().map(|schema| schema.feature_names());
    Ok((values, labels, classes, names))
}
