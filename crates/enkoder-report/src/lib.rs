//! Figures and the self-contained HTML report of a trained autoencoder.
//!
//! ```toml
//! [dependencies]
//! enkoder = "0.1"
//! enkoder-report = "0.1"
//! ```
//!
//! [`Evaluation`] measures an autoencoder and its PCA baseline on samples neither has seen, once; [`Report`] turns that into one
//! HTML file and into figures; [`DenoisingEvaluation`] does so for a denoiser on pictures, [`FillingEvaluation`] measures what a
//! model fills in and [`NoiseEvaluation`] what is left of noise; [`Explorer`] makes a page that runs a model in a browser; [`preview`] shows originals and reconstructions in a terminal.

mod card;
mod charts;
mod codec;
mod denoising;
pub mod detection;
mod drawings;
mod evaluation;
mod explorer;
mod filling;
mod noise;
mod number;
mod palette;
mod picture;
mod preview;
mod report;
mod restoration;

pub use card::model_card;
pub use codec::{CodecEvaluation, CodecPoint, CodecProgress, Payment, Peer, PeerPoint, PeersError, read_peers};
pub use denoising::{DenoisedPicture, DenoisingEvaluation, DenoisingEvaluationError, Method, Quality};
pub use evaluation::{ClassErrors, Evaluation, EvaluationError, Sizes};
pub use explorer::{Explorer, ExplorerError};
pub use filling::{Filled, FillingEvaluation};
pub use noise::{NoiseEvaluation, NoiseLeft};
pub use picture::PictureError;
pub use preview::preview;
pub use report::{Figure, Report, ReportError};
pub use restoration::RestorationError;
