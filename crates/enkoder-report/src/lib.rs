//! Figures and the self-contained HTML report, from results.
#![allow(dead_code, unused_imports)]

mod charts;
mod number;
mod palette;
mod picture;
mod preview;

pub use picture::PictureError;
pub use preview::preview;
