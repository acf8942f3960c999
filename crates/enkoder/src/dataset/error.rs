//! Why a data set could not be made or cut.

/// Why a [`Dataset`](super::Dataset) could not be made or cut.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The shape of one sample does not have as many elements as a row.
    #[error("sample shape {shape:?} holds {elements} values, but each row has {features}")]
    Shape {
        /// The shape asked for.
        shape: Vec<usize>,
        /// Its number of elements.
        elements: usize,
        /// The values in a row.
        features: usize,
    },
    /// Values that do not make whole rows.
    #[error("{values} values cannot be cut into rows of {features}")]
    Uneven {
        /// The values there are.
        values: usize,
        /// The values asked for in a row.
        features: usize,
    },
    /// The schema's features are not the row's.
    #[error("the columns make {schema} features, but each row has {features}")]
    Schema {
        /// The schema's features.
        schema: usize,
        /// The values in a row.
        features: usize,
    },
    /// Not one label for each sample.
    #[error("{labels} labels for {samples} samples")]
    Labels {
        /// The labels given.
        labels: usize,
        /// The samples there are.
        samples: usize,
    },
    /// A label's number names no class.
    #[error("label {label} of sample {sample} names no class: there are {classes}")]
    Class {
        /// The label's number.
        label: u32,
        /// The sample that has it.
        sample: usize,
        /// How many classes there are.
        classes: usize,
    },
    /// A fraction outside 0..1.
    #[error("validation fraction {0} is not between 0 and 1")]
    Fraction(f64),
    /// Too few samples to cut in two.
    #[error("training and validation need at least 2 samples together, but there {}", match samples { 0 => "is none", _ => "is only 1" })]
    TooFew {
        /// The samples there are.
        samples: usize,
    },
    /// An image has no place for a patch.
    #[error(
        "image {image:?} of {height}×{width} pixels is smaller than a patch of {}×{}\nhint: leave it out, or ask for smaller patches",
        patch[0], patch[1]
    )]
    SmallImage {
        /// The image's name.
        image: String,
        /// Its height in pixels.
        height: usize,
        /// Its width in pixels.
        width: usize,
        /// The patches' height and width.
        patch: [usize; 2],
    },
    /// Images of which some have colour and some have not.
    #[error(
        "image {image:?} has {channels} channels, but the first image has {expected}\nhint: make all of them grey, or all coloured"
    )]
    Channels {
        /// The image's name.
        image: String,
        /// Its channels.
        channels: usize,
        /// Those of the first image.
        expected: usize,
    },
    /// No image, or patches without a pixel.
    #[error("patches of {}×{} pixels cannot be cut from {images} images", patch[0], patch[1])]
    NoPatch {
        /// The number of images.
        images: usize,
        /// The patches' height and width.
        patch: [usize; 2],
    },
    /// More samples than row numbers can address.
    #[error("{0} samples are more than the 4,294,967,295 that a data set can hold")]
    TooMany(usize),
}
