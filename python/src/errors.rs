//! From the library's errors to the exceptions that Python's users expect: what cannot be read is an `OSError`, all else that is wrong with
//! what was given a `ValueError`.

use std::error::Error;
use std::io;

use enkoder_data::DataError;
use enkoder_data::openml::OpenmlError;
use pyo3::PyErr;
use pyo3::exceptions::PyValueError;

/// What hints of the library name, and what it is called here.
const IN_PYTHON: [(&str, &str); 7] = [
    ("`EnkFile::salvage`", "`python -m enkoder decompress FILE -o REST --salvage`"),
    ("`EnkFile::with_model`", "`model`"),
    ("`Architecture::denoiser`", "`enkoder.Denoiser`"),
    ("`Loss::Huber`", "`loss=\"huber\"`"),
    ("with `--reading` or in `DetectorConfig::readings`", "in `readings`"),
    ("can be used with `OpenmlClient::with_offline`", "can be used with the command's `--offline`"),
    ("fetch it once without `OpenmlClient::with_offline`", "fetch it once with a network"),
];

/// An error with what caused it, where that says more, and the way out in a line of its own.
pub fn raised(error: &(dyn Error + 'static)) -> PyErr {
    let (mut messages, mut hints) = (Vec::<String>::new(), Vec::<String>::new());
    let mut system = None;
    let mut cause = Some(error);
    while let Some(error) = cause {
        let text = error.to_string();
        let mut lines = text.split("\nhint: ");
        let message = lines.next().unwrap_or_default();
        if !messages.iter().any(|before| before.contains(message)) {
            messages.push(message.to_owned());
        }
        let hint = error.downcast_ref::<DataError>().and_then(DataError::hint);
        let hint = hint.or_else(|| error.downcast_ref::<OpenmlError>().and_then(OpenmlError::hint));
        for hint in lines.map(str::to_owned).chain(hint) {
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
        system = system.or_else(|| error.downcast_ref::<io::Error>().map(io::Error::kind));
        cause = error.source();
    }
    let mut text = messages.join(": ");
    for mut hint in hints {
        for (named, here) in IN_PYTHON {
            hint = hint.replace(named, here);
        }
        text += &format!("\nhint: {hint}");
    }
    match system {
        // What is wrong inside of a file is told as such an error, too.
        Some(kind) if !matches!(kind, io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) => {
            io::Error::new(kind, text).into()
        }
        _ => PyValueError::new_err(text),
    }
}

/// The same of a text of our own.
pub fn value_error(text: impl Into<String>) -> PyErr {
    PyValueError::new_err(text.into())
}
