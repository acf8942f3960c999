//! Scores of a detector: their course with what was flagged, and their distribution with the threshold.

use std::fmt::Write;

use super::frame::{Axis, Frame, SMALL, Swatch};
use super::scale::Scale;
use super::svg::{Anchor, coordinate};
use crate::number::grouped;
use crate::palette::{Ink, Theme};

/// The course of a score: the highest of each stretch of rows.
#[derive(Clone, Debug)]
pub(crate) struct ScoreCourse<'a> {
    pub(crate) label: &'a str,
    pub(crate) size: (f64, f64),
    /// For each stretch its first row and highest score; none interrupts the line.
    pub(crate) points: Vec<(f64, Option<f64>)>,
    pub(crate) threshold: f64,
    /// First and last row of what was flagged.
    pub(crate) flagged: Vec<(f64, f64)>,
    /// Rows whose label says that they are anomalies, in stretches.
    pub(crate) labelled: Vec<(f64, f64)>,
    pub(crate) rows: f64,
}

impl ScoreCourse<'_> {
    pub(crate) fn draw(&self, theme: Theme) -> String {
        let mut legend = vec![
            ("score", Ink::Network, Swatch::Line { dash: None }),
            ("threshold", Ink::Baseline, Swatch::Line { dash: Some("2 5") }),
            ("flagged", Ink::BaselineFill, Swatch::Box),
        ];
        if !self.labelled.is_empty() {
            legend.push(("labelled as anomaly", Ink::Code, Swatch::Box));
        }
        let highest = self.points.iter().filter_map(|point| point.1).chain([self.threshold * 1.15]);
        let x = Axis { title: "row", scale: Scale::linear([0.0, self.rows.max(1.0) * 1.02]), ticks: 6 };
        let y = Axis { title: "", scale: Scale::from_zero(highest), ticks: 4 };
        let (mut svg, frame) = Frame::draw(self.size, theme, x, y, &legend, 0.0);
        let bottom = frame.top + frame.height;
        let mut bands = |spans: &[(f64, f64)], top: f64, height: f64, ink: Ink| {
            let mut commands = String::new();
            for &(first, last) in spans {
                let (Some(from), Some(to)) = (frame.x(first), frame.x(last + 1.0)) else { continue };
                // A single row of many is still to be seen.
                let wide = (to - from).max(1.5);
                let (x, y, wide, tall) = (coordinate(from), coordinate(top), coordinate(wide), coordinate(height));
                let _ = write!(commands, "M{x} {y}h{wide}v{tall}h-{wide}z");
            }
            if !commands.is_empty() {
                svg.area(&commands, ink, 1.0);
            }
        };
        bands(&self.flagged, frame.top, frame.height, Ink::BaselineFill);
        bands(&self.labelled, bottom - 5.0, 5.0, Ink::Code);
        let mut commands = String::new();
        let mut drawing = false;
        for &(row, score) in &self.points {
            let Some((x, y)) = score.and_then(|score| frame.place((row, score))) else {
                drawing = false;
                continue;
            };
            let _ = write!(commands, "{}{} {}", if drawing { 'L' } else { 'M' }, coordinate(x), coordinate(y));
            drawing = true;
        }
        if !commands.is_empty() {
            svg.path(&commands, Ink::Network, 1.25, None);
        }
        if let Some(y) = frame.y(self.threshold) {
            let line = format!("M{} {}h{}", coordinate(frame.left), coordinate(y), coordinate(frame.width));
            svg.path(&line, Ink::Baseline, 2.0, Some("2 5"));
        }
        svg.finish(self.label)
    }
}

/// The distribution of scores: how many rows have each, on a logarithmic axis, for anomalies are few.
#[derive(Clone, Debug)]
pub(crate) struct ScoreHistogram<'a> {
    pub(crate) label: &'a str,
    pub(crate) size: (f64, f64),
    pub(crate) counts: Vec<usize>,
    /// Score that each bar is wide.
    pub(crate) width: f64,
    pub(crate) threshold: f64,
}

impl ScoreHistogram<'_> {
    pub(crate) fn draw(&self, theme: Theme) -> String {
        let end = (self.counts.len() as f64 * self.width).max(self.threshold * 1.05);
        let most = self.counts.iter().copied().max().unwrap_or(0).max(1) as f64;
        let x = Axis { title: "score", scale: Scale::linear([0.0, end]), ticks: 6 };
        // From below 1, so that a single row has a bar.
        let y = Axis { title: "rows", scale: Scale::logarithmic([0.7, most * 1.3]), ticks: 4 };
        let (mut svg, frame) = Frame::draw(self.size, theme, x, y, &[], 0.0);
        let bottom = frame.top + frame.height;
        for (index, &count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let from = index as f64 * self.width;
            let (Some(left), Some(right)) = (frame.x(from), frame.x(from + self.width)) else { continue };
            let top = frame.y(count as f64).unwrap_or(bottom).min(bottom - 1.0);
            let ink = if from + self.width / 2.0 >= self.threshold { Ink::Baseline } else { Ink::Network };
            let gap = if right - left > 4.0 { 1.0 } else { 0.0 };
            svg.rect((left, top), ((right - left - gap).max(0.8), bottom - top), 0.0, ink);
        }
        if let Some(x) = frame.x(self.threshold) {
            let line = format!("M{} {}v{}", coordinate(x), coordinate(frame.top), coordinate(frame.height));
            svg.path(&line, Ink::Text, 1.5, Some("2 5"));
            let above = self.counts.iter().enumerate();
            let above = above.filter(|(index, _)| (*index as f64 + 0.5) * self.width >= self.threshold);
            let above: usize = above.map(|(_, count)| count).sum();
            let (anchor, shift) =
                if x < frame.left + frame.width * 0.6 { (Anchor::Start, 6.0) } else { (Anchor::End, -6.0) };
            let text = format!("threshold, {} above", grouped(above));
            svg.halo_text((x + shift, frame.top + 12.0), anchor, SMALL, &text);
        }
        svg.finish(self.label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_with_a_flagged_span_looks_as_it_did() {
        let course = ScoreCourse {
            label: "Scores",
            size: (300.0, 200.0),
            points: vec![(0.5, Some(1.0)), (1.5, Some(6.0)), (2.5, None), (3.5, Some(0.5))],
            threshold: 4.0,
            flagged: vec![(1.0, 1.0)],
            labelled: vec![(1.0, 2.0)],
            rows: 4.0,
        };
        insta::assert_snapshot!(course.draw(Theme::Page));
    }

    #[test]
    fn scores_of_any_number_and_value_draw_well_formed() {
        for (points, threshold) in [
            (vec![], f64::NAN),
            (vec![(0.0, None)], 0.0),
            (vec![(0.0, Some(1.0)), (1.0, None), (2.0, Some(f64::INFINITY)), (3.0, Some(7.0))], 5.0),
        ] {
            let rows = points.len() as f64;
            let spans = vec![(0.0, 0.0), (f64::NAN, 3.0)];
            let course = ScoreCourse {
                label: "<scores>",
                size: (600.0, 240.0),
                points,
                threshold,
                flagged: spans.clone(),
                labelled: spans,
                rows,
            };
            for counts in [vec![], vec![0, 3], vec![100_000, 5, 0, 1]] {
                let histogram = ScoreHistogram { label: "scores", size: (500.0, 240.0), counts, width: 0.5, threshold };
                for svg in [course.draw(Theme::Page), histogram.draw(Theme::Page)] {
                    roxmltree::Document::parse(&svg).unwrap();
                    assert!(!svg.contains("NaN") && !svg.contains("inf\""));
                }
            }
        }
    }
}
