//! A learned codec that keeps its promises: bytes in, fewer bytes out, and the data back within a bound, on any machine.
//!
//! A model's encoder gives each sample a code, which is quantised and entropy-coded. Its decoder, turned into integers
//! ([`FixedDecoder`]), predicts the sample from the code, bit for bit alike everywhere; what the prediction misses is stored as
//! far as the [`Bound`] asks. Without a model ([`compress_alone`]) whole arrays are predicted from the values around, by what is
//! learned on them and stored with them. Every block is decoded and compared with the original before it is written. The file is specified
//! in `docs/enk-format.md`.
//!
//! ```
//! use std::io::Cursor;
//! use std::ops::ControlFlow;
//!
//! use enkoder::codec::{Bound, CompressOptions, EnkFile, SampleArray, compress};
//! use enkoder::{Dataset, Scaling, fit_pca};
//! use ndarray::Array2;
//!
//! // Waves of any phase and height: two numbers say all of one.
//! let wave = |i: usize, j: usize| ((i * 7 % 31) as f32 * 0.2 + j as f32 * 0.1).sin() * (i % 5) as f32;
//! let (train, validation) = Dataset::from_f32("waves", Array2::from_shape_fn((300, 64), |(i, j)| wave(i, j)))?.split(0.2, 0)?;
//! let model = fit_pca(&train, &validation, 2, Scaling::UnitRange)?;
//!
//! let mut new = SampleArray::from_dataset(&Dataset::from_f32("new", Array2::from_shape_fn((500, 64), |(i, j)| wave(i + 3, j)))?);
//! let mut file = Vec::new();
//! let options = CompressOptions::new(Bound::Absolute(0.01));
//! let summary = compress(&model, &mut new, &options, &mut file, &mut |_| ControlFlow::Continue(()))?;
//! assert_eq!(summary.file_bytes, file.len() as u64);
//! assert!(summary.original_bytes > 20 * (summary.file_bytes - summary.model_bytes));
//!
//! let mut file = EnkFile::open(Cursor::new(file))?;
//! let back = file.read(0, 500, 1 << 20)?;
//! let pairs = new.values::<f32>().unwrap().into_iter().zip(back.values::<f32>().unwrap());
//! assert!(pairs.into_iter().all(|(x, y)| (f64::from(x) - f64::from(y)).abs() <= 0.01));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod alone;
mod archive;
mod block;
mod bound;
mod bytes;
mod calibration;
mod codes;
mod compress;
mod container;
mod decompress;
mod element;
mod encoder;
mod entropy;
mod error;
mod exact;
mod exponential;
mod field;
mod fixed_file;
mod fixed_layer;
mod fixed_point;
mod integers;
mod kept;
mod levels;
mod limits;
mod missing;
mod mixing;
mod part;
mod plan;
mod prediction;
mod promise;
mod quantiser;
mod rans;
mod raster;
mod region;
mod residual;
mod samples;
mod writer;

pub use alone::{AloneOptions, Prediction, compress_alone};
pub use archive::{ArchiveSummary, EnkArchive, Member, Part, compress_several};
pub use bound::Bound;
pub use calibration::Calibration;
pub use compress::{CompressOptions, compress};
pub use container::{MAX_DIMENSIONS, MAX_VARIABLES};
pub use decompress::{EnkFile, Lost};
pub use element::{Element, ElementType};
pub use error::CodecError;
pub use fixed_point::FixedDecoder;
pub use region::{Exact, MAX_REGIONS, Region, Selection};
pub use samples::{Layout, SampleArray, SampleSource};
pub use writer::{CompressSummary, Stages};
