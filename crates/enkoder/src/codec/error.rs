//! Why something could not be compressed or decompressed.

use std::io;

use super::element::ElementType;
use crate::autoencoder::ModelError;

/// Why data could not be compressed, or a compressed file not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// No bound, or an impossible one.
    #[error(
        "{0:?} is no bound\nhint: use abs:NUMBER, rel:FRACTION (up to 1), prel:FRACTION (up to 0.5), bits:BITS (up to 52), psnr:DECIBELS, lossless or none, with \
         a number above 0"
    )]
    Bound(String),
    /// Not the name of an element type.
    #[error("unknown element type {0:?}\nhint: use u8, i8, u16, i16, u32, i32, u64, i64, f32 or f64")]
    UnknownElement(String),
    /// Weights of another width.
    #[error("weights of {0} bits are not supported\nhint: use 8 or 16")]
    WeightBits(u32),
    /// Values and shape do not belong together.
    #[error("{values} values do not fill samples of shape {shape:?}")]
    Shape {
        /// The values there are.
        values: usize,
        /// The shape of one sample.
        shape: Vec<usize>,
    },
    /// The model takes samples of another size.
    #[error(
        "the data has samples of {found} values, but the model takes {expected}\nhint: the leading axis counts the samples"
    )]
    Features {
        /// Values of a sample of the data.
        found: usize,
        /// What the model takes.
        expected: usize,
    },
    /// The model is too large for the integer decoder.
    #[error("the model cannot be run in integers: {0}")]
    Unsupported(String),
    /// A PSNR of values whose range is more than a number holds.
    #[error(
        "{bound} needs the range of the values, but from {min:e} to {max:e} it is more than 64 bits hold\nhint: use rel:, abs: or lossless"
    )]
    NoRange {
        /// The bound asked for.
        bound: String,
        /// The least value.
        min: f64,
        /// The largest value.
        max: f64,
    },
    /// Arrays of a kind that is not taken.
    #[error("these arrays cannot be compressed: {0}")]
    Arrays(String),
    /// A bound that only means something beside a model.
    #[error("{0} keeps what a model makes of its codes, but there is no model\nhint: give a model, or another bound")]
    NeedsModel(String),
    /// A bound that only means something without a model.
    #[error("{0} is a bound of files without a model\nhint: leave out the model, or use another bound")]
    NeedsNoModel(String),
    /// A bound by significant digits for numbers that have none.
    #[error("{bound} is for floating-point values, but these are {element}\nhint: use abs:, rel: or lossless")]
    NeedsFloats {
        /// The bound asked for.
        bound: String,
        /// What the values are.
        element: ElementType,
    },
    /// A bound for a variable that there is not, or one that is for all of them together.
    #[error("{bound} cannot be the bound of {variable:?}: {why}")]
    OfVariable {
        /// The bound asked for.
        bound: String,
        /// The variable's name.
        variable: String,
        /// What is wrong, and the way out.
        why: String,
    },
    /// A region that there cannot be.
    #[error("{bound} cannot be the bound of the region {region}: {why}")]
    Region {
        /// What it is called.
        region: String,
        /// The bound asked for.
        bound: String,
        /// What is wrong, and the way out.
        why: String,
    },
    /// Not a thing that can come back exactly.
    #[error("{0:?} cannot be kept exactly: write zeros, signs, extremes, or several of these with commas")]
    UnknownExact(String),
    /// Nothing to compress.
    #[error("there are no samples to compress")]
    Empty,
    /// The samples could not be encoded.
    #[error("the samples cannot be encoded")]
    Model(#[from] ModelError),
    /// The proof failed: what was written does not decode to what was promised.
    #[error("block {block} does not decode within {bound}, so the file was not finished; please report this")]
    Proof {
        /// The block's number.
        block: usize,
        /// The bound promised.
        bound: String,
    },
    /// Not a file of ours.
    #[error("not an .enk file: it does not begin as one")]
    Magic,
    /// A newer version of the format.
    #[error("version {found} of the .enk format, but this program reads version {known}: a newer enkoder wrote it")]
    Version {
        /// The file's version.
        found: u32,
        /// The version that can be read.
        known: u32,
    },
    /// A file of several arrays.
    #[error("the file holds several arrays\nhint: open it with `EnkArchive`")]
    Several,
    /// Something in the file is not as it must be.
    #[error("damaged at byte {offset}: {what}")]
    Damaged {
        /// Where.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// The file is shorter than it says.
    #[error("the file ends at byte {length}, but {what} reaches to byte {needed}: it was cut off")]
    Truncated {
        /// The file's length.
        length: u64,
        /// What is missing.
        what: &'static str,
        /// Where it would end.
        needed: u64,
    },
    /// A block whose checksum is wrong.
    #[error(
        "block {block} (samples {first} to {last}) is damaged: {what}\nhint: `EnkFile::salvage` decodes the other blocks"
    )]
    Block {
        /// The block's number.
        block: usize,
        /// Its first sample.
        first: u64,
        /// Its last sample.
        last: u64,
        /// What is wrong.
        what: String,
    },
    /// The model is not in the file.
    #[error("the file needs the model {hash}, which is not in it\nhint: give it with `EnkFile::with_model`")]
    ModelNeeded {
        /// SHA-256 of the integer decoder, in hexadecimal.
        hash: String,
    },
    /// Another model was given.
    #[error("the model given has the hash {found}, but the file was compressed with {expected}")]
    WrongModel {
        /// Hash of the model given.
        found: String,
        /// Hash in the file.
        expected: String,
    },
    /// Samples that are not in the file.
    #[error("samples {first} to {end} were asked for, but the file has {samples}")]
    Range {
        /// First sample asked for.
        first: u64,
        /// The sample after the last.
        end: u64,
        /// How many there are.
        samples: u64,
    },
    /// More values than the caller allows.
    #[error(
        "the file decodes to {values} values, more than the {limit} allowed at once\nhint: decode a range of samples"
    )]
    TooLarge {
        /// Values in the file.
        values: u64,
        /// What is allowed.
        limit: u64,
    },
    /// Reading or writing failed.
    #[error("reading or writing failed")]
    Io(#[from] io::Error),
}

impl CodecError {
    /// The same with the name of the variable, where it is about the numbers of one.
    pub(crate) fn of_variable(self, variables: &[String]) -> Self {
        let [variable] = variables else { return self };
        let refused = |bound: String, why: String| Self::OfVariable { bound, variable: variable.clone(), why };
        match self {
            Self::NeedsFloats { bound, element } => {
                let why = format!(
                    "it holds {element}, and this is a bound of floating-point values\nhint: give it one of its own: \
                     {variable}=abs:NUMBER,{bound}"
                );
                refused(bound, why)
            }
            Self::NoRange { bound, min, max } => {
                let why = format!(
                    "the range of its values, from {min:e} to {max:e}, is more than 64 bits hold\nhint: use rel:, abs: or lossless"
                );
                refused(bound, why)
            }
            Self::Arrays(why) => Self::Arrays(format!("{variable}: {why}")),
            other => other,
        }
    }
}
