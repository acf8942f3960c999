//! Scores of a detector: their course with what was flagged, and their distribution with the threshold.

use super::frame::{Axis, Frame, SMALL, Swatch};
use super::scale::Scale;
use super::svg::{Anchor, coordinate};
use crate::number::grouped;
use crate::palette::{Ink, Theme};

/// The score of a row, or the highest of some.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScorePoint {
    pub(crate) row: f64,
    pub(crate) score: f64,
    pub(crate) flagged: bool,
    /// Whether a label says that it is an anomaly.
    pub(crate) labelled: bool,
}

/// The scores of rows that do not follow each other: a dot for each.
#[derive(Clone, Debug)]
pub(crate) struct ScoreCourse<'a> {
    pub(crate) label: &'a str,
    pub(crate) size: (f64, f64),
    pub(crate) points: Vec<ScorePoint>,
    pub(crate) threshold: f64,
    pub(crate) rows: f64,
}

impl ScoreCourse<'_> {
    pub(crate) fn draw(&self, theme: Theme) -> String {
        let is_labelled = self.points.iter().any(|point| point.labelled);
        let mut legend = vec![
            ("flagged", Ink::Baseline, Swatch::Dot),
            ("not flagged", Ink::Training, Swatch::Dot),
            ("threshold", Ink::Baseline, Swatch::Line { dash: Some("2 5") }),
        ];
        if is_labelled {
            legend.push(("labelled as anomaly", Ink::Text, Swatch::Ring));
        }
        let highest = self.points.iter().map(|point| point.score).chain([self.threshold * 1.15]);
        let x = Axis { title: "row", scale: Scale::linear([0.0, self.rows.max(1.0) * 1.01]), ticks: 6 };
        let y = Axis { title: "score", scale: Scale::from_zero(highest).up_to_tick(4), ticks: 4 };
        let (mut svg, frame) = Frame::draw(self.size, theme, x, y, &legend, (0.0, 0.0));
        let diameter = if self.points.len() > 400 { 4.0 } else { 6.0 };
        for (flagged, ink) in [(false, Ink::Training), (true, Ink::Baseline)] {
            let points = self.points.iter().filter(|point| point.flagged == flagged);
            svg.dots(points.filter_map(|point| frame.place((point.row, point.score))), diameter, ink, 1.0);
        }
        for point in self.points.iter().filter(|point| point.labelled) {
            if let Some(at) = frame.place((point.row, point.score)) {
                svg.circle(at, diameter / 2.0 + 1.75, None, Ink::Text);
            }
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
    /// What is counted.
    pub(crate) many: &'a str,
    pub(crate) counts: Vec<usize>,
    /// Score that each bar is wide.
    pub(crate) width: f64,
    pub(crate) threshold: f64,
    /// Whether the threshold only begins there.
    pub(crate) begins: bool,
}

impl ScoreHistogram<'_> {
    pub(crate) fn draw(&self, theme: Theme) -> String {
        let end = (self.counts.len() as f64 * self.width).max(self.threshold * 1.05);
        let most = self.counts.iter().copied().max().unwrap_or(0).max(1) as f64;
        let x = Axis { title: "score", scale: Scale::linear([0.0, end]), ticks: 6 };
        // From below 1, so that a single row has a bar.
        let y = Axis { title: self.many, scale: Scale::logarithmic([0.7, most * 1.1]).up_to_tick(4), ticks: 4 };
        let (mut svg, frame) = Frame::draw(self.size, theme, x, y, &[], (0.0, 0.0));
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
            let what = if self.begins { "threshold begins" } else { "threshold" };
            let text = format!("{what}, {} above", grouped(above));
            svg.halo_text((x + shift, frame.top + 12.0), anchor, SMALL, &text);
        }
        svg.finish(self.label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(row: f64, score: f64) -> ScorePoint {
        ScorePoint { row, score, flagged: false, labelled: false }
    }

    #[test]
    fn a_course_with_a_flagged_row_looks_as_it_did() {
        let course = ScoreCourse {
            label: "Scores",
            size: (300.0, 200.0),
            points: vec![
                point(0.5, 1.0),
                ScorePoint { flagged: true, labelled: true, ..point(1.5, 6.0) },
                point(3.5, 0.5),
            ],
            threshold: 4.0,
            rows: 4.0,
        };
        insta::assert_snapshot!(course.draw(Theme::Page));
    }

    #[test]
    fn scores_of_any_number_and_value_draw_well_formed() {
        for (points, threshold) in [
            (vec![], f64::NAN),
            (vec![point(0.0, 0.0)], 0.0),
            (vec![point(0.0, 1.0), point(1.0, f64::NAN), point(2.0, f64::INFINITY), point(3.0, 7.0)], 5.0),
        ] {
            let rows = points.len() as f64;
            let course = ScoreCourse { label: "<scores>", size: (600.0, 240.0), points, threshold, rows };
            for counts in [vec![], vec![0, 3], vec![100_000, 5, 0, 1]] {
                let size = (500.0, 240.0);
                let histogram =
                    ScoreHistogram { label: "scores", size, many: "rows", counts, width: 0.5, threshold, begins: true };
                for svg in [course.draw(Theme::Page), histogram.draw(Theme::Page)] {
                    roxmltree::Document::parse(&svg).unwrap();
                    assert!(!svg.contains("NaN") && !svg.contains("inf\""));
                }
            }
        }
    }
}
