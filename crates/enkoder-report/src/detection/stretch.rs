//! A stretch of a reading around an incident, and the most similar normal stretch beside it.

use enkoder::anomaly::NearestWindow;

use super::Event;
use crate::charts::{LineChart, Scale, Series, Style};
use crate::number::name;
use crate::palette::{Ink, Theme};

const SIZE: (f64, f64) = (340.0, 170.0);
const LONGEST_NAME: usize = 24;

/// A small chart: rows before and behind the incident's peak, and the reading in its own units.
pub(super) fn draw(event: &Event, nearest: &NearestWindow) -> String {
    let reading = event.columns.first().map_or(String::new(), |column| name(column, LONGEST_NAME));
    let place = |part: usize| (part as f64 + 0.5) * nearest.rows as f64 - nearest.before as f64;
    let points = |values: &[f32]| {
        values.iter().enumerate().map(|(part, &value)| (place(part), f64::from(value))).collect::<Vec<_>>()
    };
    let (observed, normal) = (points(&nearest.observed), points(&nearest.nearest));
    let ends = [place(0), place(nearest.observed.len().max(2) - 1)];
    let values = observed.iter().chain(&normal).map(|point| point.1);
    let series = |name, ink, style, points| Series { name, ink, style, points };
    let y = Scale::linear(values).between_ticks(3);
    LineChart {
        label: &format!("{reading} around the incident, beside the most similar normal window"),
        size: SIZE,
        x_title: "rows from the peak",
        y_title: &reading,
        x: Scale::linear(ends),
        y,
        ticks: (3, 3),
        series: vec![
            series("nearest normal", Ink::Muted, Style::Dashed, normal),
            series("observed", Ink::Network, Style::Solid, observed),
        ],
        references: Vec::new(),
        mark: None,
        legend: true,
        hover: None,
    }
    .draw(Theme::Page)
}
