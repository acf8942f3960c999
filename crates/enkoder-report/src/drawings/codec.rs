//! Charts of a codec: what quality costs how many bits, and a sample as it comes back.

use super::{MOST_CELLS, WIDTH};
use crate::charts::{HeatMap, HeatPanel, LineChart, Scale, Series, Style};
use crate::codec::{CodecEvaluation, Field};
use crate::evaluation::quantity_in_words;
use crate::palette::{CLASS_COLOURS, ColourMap, Ink, Theme};
use crate::picture::{PictureError, extremes, north_up, reduced};

/// A sample at one bound.
pub(crate) struct FieldDrawing {
    /// The original beside what is decoded.
    pub(crate) values: String,
    /// What it is off by.
    pub(crate) errors: String,
}

impl CodecEvaluation {
    /// Quality over bits; `None` where nothing was lost at any bound.
    pub(crate) fn draw_rate_distortion(&self, theme: Theme) -> Option<String> {
        let own = |bytes: fn(&crate::codec::CodecPoint) -> u64| -> Vec<(f64, f64)> {
            let points = self.points.iter().filter_map(|point| Some((self.bits(bytes(point)), point.psnr?)));
            sorted(points.collect())
        };
        let mut series = vec![
            Series {
                name: "this model",
                ink: Ink::Network,
                style: Style::Marked,
                points: own(|point| point.payload()),
            },
            Series {
                name: "with the model's bytes",
                ink: Ink::Network,
                style: Style::Dashed,
                points: own(|point| point.file_bytes),
            },
        ];
        // The first class colour is nearly that of the network.
        for (peer, colour) in self.peers.iter().zip((1..CLASS_COLOURS).cycle()) {
            let points = peer.points.iter().filter_map(|point| Some((self.bits(point.bytes), point.psnr?)));
            series.push(Series {
                name: &peer.name,
                ink: Ink::Class(colour),
                style: Style::Marked,
                points: sorted(points.collect()),
            });
        }
        if series[0].points.is_empty() {
            return None;
        }
        let all = || series.iter().flat_map(|series| &series.points);
        let chart = LineChart {
            label: "Peak signal-to-noise ratio over bits of a value, for this model and other codecs",
            size: (WIDTH, 360.0),
            x_title: "bits of a value (logarithmic)",
            y_title: "PSNR (dB)",
            x: Scale::logarithmic(all().map(|point| point.0)).padded(0.04),
            y: Scale::linear(all().map(|point| point.1)).between_ticks(6),
            ticks: (5, 6),
            references: Vec::new(),
            mark: None,
            legend: true,
            hover: Some("bits"),
            series,
        };
        Some(chart.draw(theme))
    }

    /// The sample that is shown, once for each bound that it is shown at.
    pub(crate) fn draw_fields(&self, theme: Theme) -> Result<Vec<FieldDrawing>, PictureError> {
        let Some(field) = &self.field else { return Ok(Vec::new()) };
        let Field { width, height, .. } = *field;
        let all = field.decoded.iter().flat_map(|decoded| &decoded.values).chain(&field.original);
        // One scale for the original and all bounds. Fill values would leave no colours to the others.
        let scale = Scale::linear(trimmed(all.copied().filter(|value| value.is_finite()).collect()));
        let south_first = self.quantity.as_ref().is_some_and(|quantity| quantity.south_first);
        let small = |values: &[f64]| {
            let (width, height, cells) = reduced(values.iter().copied(), width, height, 1, MOST_CELLS);
            (width, height, north_up(cells, width, south_first))
        };
        let legend = quantity_in_words(self.quantity.as_ref());
        let (small_width, small_height, original) = small(&field.original);
        let mut drawings = Vec::new();
        for (number, decoded) in (1..).zip(&field.decoded) {
            let (_, _, back) = small(&decoded.values);
            let unit = decoded.unit.unwrap_or(1.0);
            let off: Vec<f64> = decoded.values.iter().zip(&field.original).map(|(y, x)| (y - x) / unit).collect();
            let (_, _, errors) = extremes(&off, width, height, MOST_CELLS);
            let errors = north_up(errors, small_width, south_first);
            let panel =
                |title: String, ink, values| HeatPanel { title, ink, width: small_width, height: small_height, values };
            let values = HeatMap {
                id: &format!("decoded-{number}"),
                label: &format!("A sample beside what comes back at {}, on one colour scale", decoded.bound),
                legend: &legend,
                scale,
                colours: ColourMap::Viridis,
                panels: vec![
                    panel("original".to_owned(), Ink::Text, &original),
                    panel(format!("decoded, {}", decoded.bound), Ink::Network, &back),
                ],
            };
            let (most, legend) = match decoded.unit {
                Some(_) => (1.0, "error in units of the bound"),
                None => (off.iter().fold(0.0, |most: f64, error| most.max(error.abs())), "error"),
            };
            let errors = HeatMap {
                id: &format!("decoded-{number}-errors"),
                label: &format!("What each value is off by at {}", decoded.bound),
                legend,
                scale: Scale::linear([-most, most]),
                colours: ColourMap::Deviations,
                panels: vec![panel("decoded minus original".to_owned(), Ink::Text, &errors)],
            };
            drawings.push(FieldDrawing { values: values.draw(theme)?, errors: errors.draw(theme)? });
        }
        Ok(drawings)
    }
}

/// Points from left to right.
fn sorted(mut points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points
}

/// The values between which nearly all lie: single ones far beyond the others, as fill values are, are left out.
fn trimmed(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    let (Some(&first), Some(&last)) = (values.first(), values.last()) else { return values };
    let at = |share: f64| values[(share * (values.len() - 1) as f64) as usize];
    let (low, high) = (at(0.1), at(0.9));
    let room = 20.0 * (high - low);
    if room > 0.0 && (first < low - room || last > high + room) {
        values.retain(|value| (low - room..=high + room).contains(value));
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fill_values_do_not_take_the_colours() {
        let values: Vec<f64> = (0..100).map(f64::from).chain([1e20, 1e20]).collect();
        assert_eq!(trimmed(values.clone()).len(), 100);
        assert_eq!(trimmed(values[..100].to_vec()).len(), 100);
        assert_eq!(trimmed(Vec::new()), [0.0; 0]);
    }
}
