//! What Python gives as samples: arrays of NumPy, seen where they lie, and tables, which become a data set as the command makes one.

use std::slice;

use enkoder::{Dataset, DatasetError, DatasetValue, RowValue, Rows, Schema};
use numpy::ndarray::{ArrayViewD, Ix2, Ix3, Ix4};
use numpy::{Element, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::errors::value_error;
use crate::frame;

/// Samples as they were given.
pub enum Samples<'py> {
    F32(PyReadonlyArrayDyn<'py, f32>),
    F64(PyReadonlyArrayDyn<'py, f64>),
    U8(PyReadonlyArrayDyn<'py, u8>),
    Table(Dataset),
}

impl<'py> Samples<'py> {
    /// What Python gives. `known` are the columns of a model; without them a table is read as one to learn from.
    pub fn of(given: &Bound<'py, PyAny>, known: Option<&Schema>) -> PyResult<Self> {
        if let Ok(array) = given.extract() {
            Ok(Self::F32(array))
        } else if let Ok(array) = given.extract() {
            Ok(Self::F64(array))
        } else if let Ok(array) = given.extract() {
            Ok(Self::U8(array))
        } else {
            Ok(Self::Table(frame::dataset(given, known)?))
        }
    }

    /// The samples to learn from: without a copy where f32 or bytes lie row after row, and as f32 otherwise.
    pub fn to_dataset(&self) -> PyResult<Dataset> {
        match self {
            Self::F32(array) => lent(array),
            Self::U8(array) => lent(array),
            Self::F64(array) => rows(&array.as_array())?.to_dataset().map_err(refused),
            Self::Table(data) => Ok(data.clone()),
        }
    }
}

fn refused(error: DatasetError) -> PyErr {
    value_error(error.to_string())
}

/// An array's samples, its memory lent where they lie in one piece.
fn lent<T: Element + DatasetValue + RowValue>(array: &PyReadonlyArrayDyn<'_, T>) -> PyResult<Dataset> {
    let Some((_, sample)) = array.shape().split_first().filter(|_| array.is_c_contiguous()) else {
        return rows(&array.as_array())?.to_dataset().map_err(refused);
    };
    let values = array.as_slice().map_err(|error| value_error(error.to_string()))?;
    let owner = Lent { values: values.as_ptr(), length: values.len(), _array: array.as_any().clone().unbind() };
    let data = Dataset::from_shared("samples", owner, sample.iter().product()).map_err(refused)?;
    data.with_shape(sample).map_err(refused)
}

/// The values of an array that lies in one piece, and the array.
struct Lent<T> {
    values: *const T,
    length: usize,
    _array: Py<PyAny>,
}

// SAFETY: the values are only read, by any thread, and the array that owns them is kept until then. NumPy does not move the memory of an
// array that others hold. Who writes into an array while a model learns from it races with the reader, as with every library that
// works on NumPy's memory without the interpreter's lock.
unsafe impl<T: Sync> Send for Lent<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Lent<T> {}

impl<T> AsRef<[T]> for Lent<T> {
    fn as_ref(&self) -> &[T] {
        // SAFETY: pointer and length are those of a slice of the array, which `_array` keeps alive.
        unsafe { slice::from_raw_parts(self.values, self.length) }
    }
}

/// An array's rows as a model reads them.
pub fn rows<'a, T: RowValue>(array: &'a ArrayViewD<'_, T>) -> PyResult<Rows<'a>> {
    let refused = |_| value_error("samples have two to four axes");
    match array.ndim() {
        2 => Ok(array.view().into_dimensionality::<Ix2>().map_err(refused)?.into()),
        3 => Ok(array.view().into_dimensionality::<Ix3>().map_err(refused)?.into()),
        4 => Ok(array.view().into_dimensionality::<Ix4>().map_err(refused)?.into()),
        axes => Err(value_error(format!("samples have two to four axes, but here are {axes}"))),
    }
}

/// Computes with the rows of some samples.
macro_rules! with_rows {
    ($samples:expr, $rows:ident => $body:expr) => {
        match $samples {
            $crate::samples::Samples::F32(array) => {
                let view = array.as_array();
                let $rows = $crate::samples::rows(&view)?;
                $body
            }
            $crate::samples::Samples::F64(array) => {
                let view = array.as_array();
                let $rows = $crate::samples::rows(&view)?;
                $body
            }
            $crate::samples::Samples::U8(array) => {
                let view = array.as_array();
                let $rows = $crate::samples::rows(&view)?;
                $body
            }
            $crate::samples::Samples::Table(data) => {
                let $rows = ::enkoder::Rows::from(data);
                $body
            }
        }
    };
}

pub(crate) use with_rows;
