//! The native module of the wheel: converts between Python and the library, and calls it. What is checked for the sake of scikit-learn's
//! contract, and all that users see, is written in Python beside it.

mod archive;
mod autoencoder;
mod calling;
mod codec;
mod command;
mod data;
mod denoiser;
mod detector;
mod errors;
mod frame;
mod options;
mod samples;
mod warnings;
mod watching;

use pyo3::prelude::*;

/// The native module.
#[pymodule]
mod _enkoder {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::archive::Archive;
    #[pymodule_export]
    use crate::autoencoder::Model;
    #[pymodule_export]
    use crate::codec::compress;
    #[pymodule_export]
    use crate::command::command;
    #[pymodule_export]
    use crate::data::{generated, read};
    #[pymodule_export]
    use crate::denoiser::{denoise, fit_images, noise_level};
    #[pymodule_export]
    use crate::detector::{Detector, DetectorPart};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
