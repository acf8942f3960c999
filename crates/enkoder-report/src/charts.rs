//! Charts as SVG, small and our own. The charting crates write fixed colours (plotters), need a browser's script (charming) or
//! are no longer kept up (poloto); ours take their colours from the report's style sheet, so that light, dark and print are
//! one picture, and each chart knows how to be silent about values that are not finite.

mod bars;
mod dots;
mod frame;
mod heat_map;
mod lines;
mod network;
mod scale;
mod scatter;
mod scores;
mod svg;

pub(crate) use bars::{BarChart, BarRow, spark_histogram};
pub(crate) use dots::{DotPlot, DotRow};
pub(crate) use heat_map::{HeatMap, HeatPanel, colour_bar};
pub(crate) use lines::{LineChart, Mark, Reference, Series, Style};
pub(crate) use network::network_drawing;
pub(crate) use scale::Scale;
pub(crate) use scatter::{ScatterChart, ScatterClass};
pub(crate) use scores::{ScoreCourse, ScoreHistogram, ScorePoint};
pub(crate) use svg::{Anchor, Svg, coordinate, escape, text_width};
