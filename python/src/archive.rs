//! Compressed files, whose arrays are read one by one.

use std::error::Error;
use std::fs::File;
use std::io::{Cursor, ErrorKind, Read, Seek};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use enkoder::codec::{CodecError, EnkArchive, EnkFile, Part};
use enkoder_data::{Assembly, Description};
use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyDict;

use crate::autoencoder::Model;
use crate::calling::call;
use crate::codec::Pressed;

trait Input: Read + Seek + Send + Sync {}

impl<T: Read + Seek + Send + Sync> Input for T {}

type Failure = Box<dyn Error + Send + Sync>;

/// An open file of compressed arrays.
#[pyclass(frozen, module = "enkoder._enkoder")]
pub struct Archive {
    file: Mutex<EnkArchive<Box<dyn Input>>>,
    arrays: Vec<Stored>,
}

/// An array, and where it lies.
struct Stored {
    /// The number of its file, and of the variable in it.
    place: (usize, usize),
    name: String,
    element: &'static str,
    /// The type that it had, where the codec knows it by another.
    kind: &'static str,
    shape: Vec<u64>,
    bound: String,
    regions: Vec<(String, String)>,
    exact: String,
    has_model: bool,
    model_hash: String,
}

/// The numbers as little-endian bytes, their type and shape.
type Values<'py> = (Bound<'py, PyArray1<u8>>, &'static str, Vec<u64>);

impl Archive {
    fn opened(py: Python<'_>, open: impl FnOnce() -> std::io::Result<Box<dyn Input>> + Send) -> PyResult<Self> {
        call(py, None, || {
            let mut archive = EnkArchive::open(open()?)?;
            archive.check_index()?;
            let packed = archive.description(Description::MOST_BYTES).map_err(Failure::from);
            // The numbers do not depend on it.
            let description = packed.and_then(|packed| Ok(Description::parse(&packed)?)).unwrap_or_else(|error| {
                tracing::warn!(target: "enkoder", "what the file keeps beside the numbers (types, names, coordinates) is lost: {error}");
                Description::default()
            });
            let mut arrays = Vec::new();
            for number in 0..archive.len() {
                stored(&archive.file(number)?, number, &description, &mut arrays)?;
            }
            Ok::<_, Failure>(Self { file: Mutex::new(archive), arrays })
        })
    }
}

/// Adds the arrays of one file to a list.
fn stored(
    file: &EnkFile<Part<'_, Box<dyn Input>>>,
    number: usize,
    description: &Description,
    arrays: &mut Vec<Stored>,
) -> Result<(), Failure> {
    let shape = assembly(file, None)?.shape().to_vec();
    let variables = &file.layout().variables;
    for variable in 0..variables.len().max(1) {
        let regions = file.regions().iter().map(|(name, bound)| (name.clone(), bound.to_string()));
        arrays.push(Stored {
            place: (number, variable),
            name: variables.get(variable).cloned().unwrap_or_default(),
            element: file.element().name(),
            kind: description.form(arrays.len(), file.element()).type_name(),
            shape: shape.clone(),
            bound: file.bounds().get(variable).copied().unwrap_or(file.bound()).to_string(),
            regions: regions.collect(),
            exact: file.exact().to_string(),
            has_model: file.has_model(),
            model_hash: file.model_hash(),
        });
    }
    Ok(())
}

fn assembly<R: Read + Seek + Sync>(file: &EnkFile<R>, rows: Option<Range<u64>>) -> Result<Assembly, Failure> {
    Ok(Assembly::new(file.layout(), file.element(), file.shape(), file.samples(), rows)?)
}

#[pymethods]
impl Archive {
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        Self::opened(py, || Ok(Box::new(File::open(path)?)))
    }

    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: PyBackedBytes) -> PyResult<Self> {
        Self::opened(py, || Ok(Box::new(Cursor::new(bytes))))
    }

    /// What there is.
    #[getter]
    fn arrays<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let told = |array: &Stored| {
            let told = PyDict::new(py);
            told.set_item("name", &array.name)?;
            told.set_item("dtype", array.kind)?;
            told.set_item("shape", &array.shape)?;
            told.set_item("bound", &array.bound)?;
            told.set_item("regions", array.regions.clone())?;
            told.set_item("exact", &array.exact)?;
            told.set_item("has_model", array.has_model)?;
            told.set_item("model_hash", &array.model_hash)?;
            Ok(told)
        };
        self.arrays.iter().map(told).collect()
    }

    /// The array of this number, or some steps of its leading axis.
    #[pyo3(signature = (number, model=None, steps=None))]
    fn read<'py>(
        &self,
        py: Python<'py>,
        number: usize,
        model: Option<&Model>,
        steps: Option<(u64, u64)>,
    ) -> PyResult<Values<'py>> {
        let Stored { place: (file, variable), element, .. } = self.arrays[number];
        let mut pressed = Pressed::default();
        let read = call(py, None, || {
            let mut archive = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            let mut file = archive.file(file)?;
            if let Some(model) = model {
                file = file.with_model(&model.model)?;
            }
            let mut assembly = assembly(&file, steps.map(|(first, end)| first..end))?;
            let mut values = Vec::new();
            file.each(assembly.samples().start, assembly.samples().end, &mut |bytes| {
                assembly.take(bytes, &mut |of, bytes| {
                    if of == variable {
                        values.extend_from_slice(bytes);
                    }
                    Ok(())
                })?;
                if pressed.look().is_break() { Err(CodecError::Io(ErrorKind::Interrupted.into())) } else { Ok(()) }
            })?;
            Ok::<_, Failure>((values, assembly.shape().to_vec()))
        });
        let (values, shape) = pressed.or(read)?;
        Ok((values.into_pyarray(py), element, shape))
    }
}
