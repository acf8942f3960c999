//! How data is read.

use crate::arrays::RawFormat;
use crate::images::ImageOptions;
use crate::table::{MissingPolicy, TableOptions};

/// How data is read. What does not concern a format is ignored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadOptions {
    /// How tables are read. Its `label` also names the array of labels in an NPZ file.
    pub table: TableOptions,
    /// Height and width that images are resized to. Rows of as many numbers, of tables and arrays, are such images.
    pub size: Option<(usize, usize)>,
    /// Whether images in colour become grey.
    pub grey: bool,
    /// Whether an image that cannot be read is an error; otherwise it is left out, and a warning names it.
    pub strict: bool,
    /// How arrays are read.
    pub arrays: ArrayOptions,
    /// How many samples to take from the start at most, or to draw of `strokes`.
    pub samples: Option<usize>,
    /// The seed of generated data.
    pub seed: u64,
}

impl ReadOptions {
    pub(super) fn images(&self) -> ImageOptions {
        ImageOptions { size: self.size, grey: self.grey, strict: self.strict }
    }

    /// How tables are read, whose rows may have to be images.
    pub(super) fn of_table(&self) -> TableOptions {
        TableOptions { image: self.table.image.or(self.size), ..self.table.clone() }
    }

    /// The same, without dropping rows that miss a value: [`Chunks`](crate::Chunks) do that, which tell the numbers of the others.
    pub(super) fn keeping_missing(&self) -> Self {
        let mut options = self.clone();
        if options.table.missing == MissingPolicy::Drop {
            options.table.missing = MissingPolicy::Keep;
        }
        options
    }
}

/// How arrays become samples: those of NPY, NPZ, NetCDF and raw files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArrayOptions {
    /// The arrays to take of a file in which they have names; several lie one after the other in each sample. Without a name the
    /// file must leave no choice.
    pub variables: Vec<String>,
    /// Lengths of the blocks to cut along the last axes; empty to cut the leading axis.
    pub block: Vec<usize>,
    /// What is in files that are nothing but numbers; files are then not asked for their format.
    pub raw: Option<RawFormat>,
}
