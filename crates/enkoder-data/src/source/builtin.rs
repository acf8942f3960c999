//! Data that needs no file: drawn or made up from a seed, or fetched once.

use enkoder::Dataset;

use super::ReadOptions;
use crate::error::{DataError, Place};
use crate::fields;
use crate::strokes;

/// Data that needs no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Builtin {
    /// The name to open it by.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
}

/// The built-in names.
pub fn builtin() -> &'static [Builtin] {
    &[
        Builtin {
            name: "strokes",
            about: "12,000 handwriting-like digits of 28×28, drawn here from a seed; strokes:N draws N",
        },
        Builtin {
            name: "pump",
            about: "8,000 normal rows of a pump's sensors, made here from a seed; pump:faults has 4,000 with 100 faults",
        },
        Builtin {
            name: "plant",
            about: "8,640 normal rows of a plant over time, made here from a seed; plant:faults has the next 4,320 with ten faults",
        },
        Builtin {
            name: "fields",
            about: "240 temperature fields of 48×96, made here from a seed, which is a run; fields:N makes N",
        },
        Builtin {
            name: "mnist", about: "70,000 handwritten digits of 28×28, fetched once from OpenML (data set 554)"
        },
    ]
}

/// The most digits drawn at once: 7.8 GB of pixels.
pub(super) const MOST_STROKES: usize = 10_000_000;
/// The most fields made at once: 18 GB.
pub(super) const MOST_FIELDS: usize = 1_000_000;

/// Digits, as many as the name or else the options say.
pub(super) fn read_strokes(count: Option<usize>, options: &ReadOptions) -> Result<Dataset, DataError> {
    let count = count.or(options.samples).unwrap_or(strokes::DEFAULT_COUNT);
    Ok(strokes::strokes(within("strokes", count, "digits", MOST_STROKES)?, options.seed))
}

/// Fields, as many as the name or else the options say.
pub(super) fn read_fields(count: Option<usize>, options: &ReadOptions) -> Result<Dataset, DataError> {
    let count = count.or(options.samples).unwrap_or(fields::DEFAULT_STEPS);
    Ok(fields::fields(within("fields", count, "fields", MOST_FIELDS)?, options.seed))
}

/// A number of generated samples that memory can hold.
fn within(name: &str, count: usize, what: &str, most: usize) -> Result<usize, DataError> {
    if (1..=most).contains(&count) {
        return Ok(count);
    }
    Err(DataError::unsuitable(Place::source(name), format!("{count} is not a number of {what} from 1 to {most}")))
}
