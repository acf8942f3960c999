//! Options that several verbs share.

use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context;
use clap::{Args, ValueEnum, ValueHint};
use enkoder::{Corruption, CorruptionError};
use enkoder_data::{ArrayOptions, BadCells, MissingPolicy, RawElement, RawFormat, TextOptions};

use crate::failure::Usage;
use crate::screen::Screen;
use crate::standard_input;
use crate::warnings;
use crate::wording;

/// What data is called: a built-in name, openml:ID, or a path, of which `-` is standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataName(OsString);

impl From<OsString> for DataName {
    fn from(name: OsString) -> Self {
        Self(name)
    }
}

impl From<PathBuf> for DataName {
    fn from(path: PathBuf) -> Self {
        Self(path.into_os_string())
    }
}

impl AsRef<Path> for DataName {
    fn as_ref(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl fmt::Display for DataName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&standard_input::display(self.as_ref()))
    }
}

/// A model, and the data to use it on.
#[derive(Clone, Debug, Args)]
pub struct ModelAndData {
    /// The model file, or the folder that `enkoder train` wrote
    #[arg(value_hint = ValueHint::AnyPath)]
    pub model: PathBuf,

    /// Built-in name, openml:ID, a path, or an address (https://, s3://, gs://, az://); - is standard input; several files
    /// of images or arrays are taken together
    #[arg(required = true, value_hint = ValueHint::AnyPath)]
    pub data: Vec<DataName>,
}

/// How data is read.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Data options")]
pub struct DataOptions {
    /// Take only the first N samples; of `strokes`, draw N
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub samples: Option<usize>,

    /// Resize images to HEIGHTxWIDTH pixels, or to a square; rows of as many numbers are such images
    #[arg(long, value_name = "28x28|64", value_parser = parse_size)]
    pub size: Option<(usize, usize)>,

    /// Turn colour images grey
    #[arg(long)]
    pub grey: bool,

    /// Column of a table (by name, or by number as #3) or array of an NPZ file with the labels; they are shown and never
    /// learned from
    #[arg(long, value_name = "COLUMN")]
    pub label: Option<String>,

    /// A column of a table to leave out, by name or by number as #3 (may be given several times)
    #[arg(long, value_name = "COLUMN")]
    pub ignore: Vec<String>,

    /// What to do with table rows that miss a value; kept values become the mean of their column [default: keep]
    #[arg(long, value_enum, value_name = "keep|drop|error", hide_possible_values = true, hide_default_value = true)]
    #[arg(default_value_t = Missing::Keep)]
    pub missing: Missing,

    /// End with an error at the first image that cannot be read, instead of leaving it out, and at the first row of a table with too
    /// few cells
    #[arg(long)]
    pub strict: bool,

    /// Whether the first row of a text table holds the names of the columns [default: by the first rows]
    #[arg(long, value_enum, value_name = "yes|no", hide_possible_values = true)]
    pub header: Option<YesOrNo>,

    /// Seed of generated data (`strokes`) [default: 0]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub data_seed: u64,

    #[command(flatten)]
    pub text: TextArguments,

    #[command(flatten)]
    pub arrays: ArrayArguments,

    #[command(flatten)]
    pub fetching: FetchOptions,
}

/// How the text of a table is read.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Data options")]
pub struct TextArguments {
    /// Words in a table that stand for a missing value, beside the usual ones (empty, NA, N/A, #N/A, NaN, NULL, None, ?, -, --, .)
    #[arg(long, value_name = "WORD,…", value_delimiter = ',', allow_hyphen_values = true)]
    pub na: Vec<String>,

    /// What to do with cells that are no numbers, in a column with more than 95 % numbers [default: error]
    #[arg(
        long,
        value_enum,
        value_name = "missing|words|error",
        hide_possible_values = true,
        hide_default_value = true
    )]
    #[arg(default_value_t = BadCellsArgument::Error)]
    pub bad_cells: BadCellsArgument,

    /// Character that begins a comment line; # before the first row always does
    #[arg(long, value_name = "CHARACTER", value_parser = parse_character)]
    pub comment: Option<u8>,

    /// Lines before the table
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub skip_lines: usize,

    /// Decimal separator: . or , [default: by the first rows]
    #[arg(long, value_name = "CHARACTER", value_parser = parse_character)]
    pub decimal: Option<u8>,

    /// Thousands separator [default: by the first rows]
    #[arg(long, value_name = "CHARACTER", value_parser = parse_character)]
    pub thousands: Option<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum BadCellsArgument {
    Missing,
    Words,
    #[default]
    Error,
}

impl TextArguments {
    /// Sees that the options do not contradict each other.
    pub fn check(&self) -> anyhow::Result<()> {
        let same = self.decimal.zip(self.thousands).filter(|(decimal, thousands)| decimal == thousands);
        let same = same.map(|(decimal, _)| {
            Usage::new(format!("--decimal and --thousands are both {:?}", char::from(decimal)))
                .with_hint("one character cannot separate fractions and thousands")
        });
        same.map_or(Ok(()), |error| Err(error.into()))
    }

    /// The options as the readers take them.
    pub fn options(&self) -> TextOptions {
        TextOptions {
            missing_words: self.na.clone(),
            comment: self.comment,
            skip_lines: self.skip_lines,
            decimal: self.decimal,
            thousands: self.thousands,
            bad_cells: match self.bad_cells {
                BadCellsArgument::Missing => BadCells::Missing,
                BadCellsArgument::Words => BadCells::Words,
                BadCellsArgument::Error => BadCells::Error,
            },
            ..TextOptions::default()
        }
    }
}

fn parse_character(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() => Ok(*byte),
        _ => Err("write one character that is no letter and no digit".into()),
    }
}

/// How arrays become samples.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Data options")]
pub struct ArrayArguments {
    /// Arrays to take from a NetCDF, HDF5 or NPZ file, by name or path (a comma within a name is written \,); the values of several are
    /// joined in each sample
    #[arg(long = "variable", value_name = "NAME,…", value_parser = parse_names)]
    pub variables: Vec<Names>,

    /// Cut arrays into blocks along their last axes, as 32x32; without it each step of the leading axis is a sample
    #[arg(long, value_name = "32x32", value_parser = parse_block)]
    pub block: Option<Lengths<usize>>,

    /// Shape of a raw file, which has nothing but numbers, such as 110x64x128
    #[arg(long, value_name = "110x64x128", value_parser = parse_shape, requires = "dtype")]
    pub shape: Option<Lengths<u64>>,

    /// Type of the numbers in a raw file: u8 to i64, f16, f32, f64, little-endian; or NumPy's names, such as >f4 for big-endian
    #[arg(long, value_name = "f32", requires = "shape")]
    pub dtype: Option<RawElement>,
}

/// Names with commas between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names(pub Vec<String>);

pub fn parse_names(text: &str) -> Result<Names, String> {
    let names = split_at_commas(text);
    if names.iter().any(String::is_empty) { Err("a name is empty".to_owned()) } else { Ok(Names(names)) }
}

/// The parts between commas; `\,` is a comma within one.
pub fn split_at_commas(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.next_if_eq(&',').is_some() => parts.last_mut().expect("never empty").push(','),
            ',' => parts.push(String::new()),
            other => parts.last_mut().expect("never empty").push(other),
        }
    }
    parts
}

/// Lengths along axes, the outermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lengths<T>(pub Vec<T>);

impl ArrayArguments {
    /// The options as the readers take them.
    pub fn options(&self) -> ArrayOptions {
        let raw = self.shape.as_ref().zip(self.dtype);
        ArrayOptions {
            variables: self.variables.iter().flat_map(|names| names.0.clone()).collect(),
            block: self.block.as_ref().map_or_else(Vec::new, |block| block.0.clone()),
            raw: raw.map(|(shape, element)| RawFormat { shape: shape.0.clone(), element }),
        }
    }
}

/// How data is fetched from OpenML.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Data options")]
pub struct FetchOptions {
    /// Folder that keeps fetched data [default: the user's cache folder]
    #[arg(long, value_name = "FOLDER", env = "ENKODER_CACHE", hide_env_values = true, value_hint = ValueHint::DirPath)]
    pub cache_dir: Option<PathBuf>,

    /// Never use the network: only what was fetched before
    #[arg(long)]
    pub offline: bool,

    /// Address of another OpenML server
    #[arg(long, value_name = "URL", env = "ENKODER_OPENML", hide_env_values = true, value_hint = ValueHint::Url)]
    pub openml_server: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum YesOrNo {
    Yes,
    No,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Missing {
    #[default]
    Keep,
    Drop,
    Error,
}

impl From<Missing> for MissingPolicy {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Keep => Self::Keep,
            Missing::Drop => Self::Drop,
            Missing::Error => Self::Error,
        }
    }
}

/// What every verb that works on data understands.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "General options")]
pub struct RunOptions {
    /// Threads to use [default: all that the machine has]; the result does not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,

    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,

    /// Print no progress and no notes, only results, errors and what was left out
    #[arg(short, long)]
    pub quiet: bool,
}

impl RunOptions {
    /// Makes the threads and lets warnings be seen. Once, before anything else.
    pub fn start(&self) -> anyhow::Result<Screen> {
        let screen = Screen::new(self.quiet);
        warnings::show();
        if let Some(threads) = self.threads {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.into());
            pool.build_global().with_context(|| format!("cannot start {threads} threads"))?;
        }
        Ok(screen)
    }
}

/// A whole number from 1 on.
pub fn parse_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1 is needed".into()),
        Ok(count) => Ok(count),
        Err(error) => Err(error.to_string()),
    }
}

fn parse_block(text: &str) -> Result<Lengths<usize>, String> {
    parse_lengths(text, "32x32")
}

fn parse_shape(text: &str) -> Result<Lengths<u64>, String> {
    parse_lengths(text, "110x64x128")
}

fn parse_lengths<T: FromStr + PartialOrd + From<u8>>(text: &str, example: &str) -> Result<Lengths<T>, String> {
    let length = |length: &str| length.parse().ok().filter(|length| *length >= T::from(1));
    let lengths = text.split(['x', '×']).map(length).collect::<Option<Vec<T>>>();
    lengths.map(Lengths).ok_or_else(|| format!("write lengths from 1 on with an x between them, as {example}"))
}

fn parse_size(text: &str) -> Result<(usize, usize), String> {
    let (height, width) = text.split_once(['x', '×']).unwrap_or((text, text));
    let side = |text: &str| text.parse().ok().filter(|side| (1..=16_384).contains(side));
    side(height).zip(side(width)).ok_or_else(|| "write HEIGHTxWIDTH as 28x28, or one side from 1 to 16384".into())
}

/// What to say of a standard deviation that was probably meant in the other unit. `scaled` is the noise of values from 0 to 1, and
/// `in_255ths` tells how it was typed.
pub fn doubtful_noise(scaled: Corruption, in_255ths: bool) -> Option<String> {
    let Corruption::Gaussian { sigma } = scaled else { return None };
    let [_, sigma] = sigma.ends();
    // Whoever means 0.5 of the range has typed less than a grey value, and whoever means 25 of 255 more than hides all.
    match in_255ths {
        true if sigma <= 1.0 / 255.0 => Some(format!(
            "the sigma of a denoiser counts in 255ths of white, and {} of them is hardly any noise; for {0} of white write gaussian:{}",
            sigma * 255.0,
            wording::error(f64::from(sigma) * 255.0 * 255.0),
        )),
        false if sigma >= 2.0 => Some(format!(
            "sigma counts in scaled units, where white is 1, and {sigma} hides everything; for {sigma} of 255 write gaussian:{}",
            wording::error(f64::from(sigma) / 255.0),
        )),
        _ => None,
    }
}

/// Noise as it was typed, or why there is no such.
pub fn parse_noise<T: FromStr<Err = CorruptionError>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| match error {
        CorruptionError::Unknown { known, .. } => format!("write {known}"),
        error => error.source().map_or_else(|| error.to_string(), ToString::to_string),
    })
}
