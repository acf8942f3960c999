//! The library as its user meets it. All in one binary: each more would be compiled and linked with everything again.

mod anomaly;
mod codec;
mod codec_alone;
mod codec_convolutions;
mod codec_golden;
mod codec_missing;
mod convolutions;
mod denoising;
mod given;
mod known_codes;
mod model_file;
mod parts;
mod pca_mnist;
mod readings;
mod reproducibility;
mod training;
