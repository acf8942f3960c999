//! Lines over a common axis: losses over epochs, distributions, samples beside their reconstructions.

use std::fmt::Write;

use super::frame::{Axis, Frame, SMALL, Swatch};
use super::scale::Scale;
use super::svg::{Anchor, coordinate, text_width};
use crate::number::{grouped, significant};
use crate::palette::{Ink, Theme};

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Solid,
    Dashed,
    /// A line with a dot at each point.
    Marked,
    /// An area down to the axis under a solid line.
    Filled,
}

/// One named run of points; points that are not finite interrupt it.
#[derive(Clone, Debug)]
pub(crate) struct Series<'a> {
    pub(crate) name: &'a str,
    pub(crate) ink: Ink,
    pub(crate) style: Style,
    pub(crate) points: Vec<(f64, f64)>,
}

/// A horizontal line to compare with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference<'a> {
    pub(crate) name: &'a str,
    pub(crate) ink: Ink,
    pub(crate) value: f64,
}

/// A point that deserves a remark.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark<'a> {
    pub(crate) at: (f64, f64),
    pub(crate) ink: Ink,
    pub(crate) text: &'a str,
}

/// A chart of lines.
#[derive(Clone, Debug)]
pub(crate) struct LineChart<'a> {
    pub(crate) label: &'a str,
    pub(crate) size: (f64, f64),
    pub(crate) x_title: &'a str,
    pub(crate) y_title: &'a str,
    pub(crate) x: Scale,
    pub(crate) y: Scale,
    /// About how many ticks on each axis; none hides them.
    pub(crate) ticks: (usize, usize),
    pub(crate) series: Vec<Series<'a>>,
    pub(crate) references: Vec<Reference<'a>>,
    pub(crate) mark: Option<Mark<'a>>,
    pub(crate) legend: bool,
    /// What each point says under the pointer, before its two values; `None` adds no hover targets.
    pub(crate) hover: Option<&'a str>,
}

const DASH: &str = "5 5";
/// More points than this get no hover targets.
const MOST_HOVERS: usize = 240;

impl LineChart<'_> {
    pub(crate) fn draw(&self, theme: Theme) -> String {
        let mut legend: Vec<(&str, Ink, Swatch)> = Vec::new();
        if self.legend {
            legend.extend(self.series.iter().map(|series| (series.name, series.ink, swatch(series.style))));
            legend.extend(self.references.iter().map(|r| (r.name, r.ink, Swatch::Line { dash: Some("2 5") })));
        }
        let x = Axis { title: self.x_title, scale: self.x, ticks: self.ticks.0 };
        let y = Axis { title: self.y_title, scale: self.y, ticks: self.ticks.1 };
        let (mut svg, frame) = Frame::draw(self.size, theme, x, y, &legend, (0.0, 0.0));
        let bottom = frame.top + frame.height;
        // What a label must not lie over.
        let mut drawn = Vec::new();
        for reference in &self.references {
            if let Some(y) = frame.y(reference.value) {
                drawn.push(vec![(frame.left, y), (frame.left + frame.width, y)]);
                let commands = format!("M{} {}h{}", coordinate(frame.left), coordinate(y), coordinate(frame.width));
                svg.path(&commands, reference.ink, 2.0, Some("2 5"));
            }
        }
        for series in &self.series {
            let placed = series.points.iter().map(|&point| frame.place(point));
            for run in runs(placed) {
                if series.style == Style::Filled {
                    svg.area(&closed(&run, bottom), series.ink, 0.18);
                }
                if run.len() == 1 {
                    svg.circle(run[0], 3.0, Some(series.ink), series.ink);
                } else {
                    let dash = (series.style == Style::Dashed).then_some(DASH);
                    svg.path(&open(&run), series.ink, 2.0, dash);
                }
                if series.style == Style::Marked {
                    run.iter().for_each(|&point| svg.circle(point, 3.5, Some(series.ink), series.ink));
                }
                drawn.push(run);
            }
        }
        if let Some(mark) = &self.mark
            && let Some((x, y)) = frame.place(mark.at)
        {
            svg.circle((x, y), 5.0, Some(Ink::Background), mark.ink);
            let left_half = x < frame.left + frame.width / 2.0;
            let (anchor, shift) = if left_half { (Anchor::Start, 2.0) } else { (Anchor::End, -2.0) };
            let wide = text_width(mark.text, SMALL);
            let across = if left_half { (x, x + wide) } else { (x - wide, x) };
            let height = free_height(y, across, (frame.top, bottom), &drawn);
            svg.coloured_halo_text((x + shift, height), anchor, SMALL, mark.ink, mark.text);
        }
        if let Some(what) = self.hover
            && self.series.iter().map(|series| series.points.len()).sum::<usize>() <= MOST_HOVERS
        {
            for series in &self.series {
                for &(x, y) in &series.points {
                    if let Some(at) = frame.place((x, y)) {
                        let x = if x.fract() == 0.0 { grouped(x as usize) } else { significant(x, 4) };
                        let title = format!("{}, {what} {x}: {}", series.name, significant(y, 4));
                        svg.hover(at, 7.0, &title);
                    }
                }
            }
        }
        svg.finish(self.label)
    }
}

/// The height of a text beside a point at `y` where the fewest lines cross it: above the point, below it, or further away.
fn free_height(y: f64, across: (f64, f64), (top, bottom): (f64, f64), lines: &[Vec<(f64, f64)>]) -> f64 {
    let crossed = |height: f64| {
        let (upper, lower) = (height - SMALL, height + 5.0);
        let within = |&(x, y): &(f64, f64)| (across.0..=across.1).contains(&x) && (upper..=lower).contains(&y);
        lines.iter().flat_map(|line| line.windows(2)).flat_map(|pair| along(pair[0], pair[1])).filter(within).count()
    };
    let heights = [-13.0, 24.0, -30.0, 41.0].map(|away| y + away);
    let fitting = heights.into_iter().filter(|height| height - SMALL >= top && *height <= bottom - 4.0);
    fitting.min_by_key(|&height| crossed(height)).unwrap_or(y - 13.0)
}

/// Places a few pixels apart from one point to the next.
fn along(from: (f64, f64), to: (f64, f64)) -> impl Iterator<Item = (f64, f64)> {
    let steps = ((to.0 - from.0).hypot(to.1 - from.1) / 4.0).ceil().clamp(1.0, 500.0);
    let at = move |step: usize| step as f64 / steps;
    (0..=steps as usize).map(move |step| (from.0 + (to.0 - from.0) * at(step), from.1 + (to.1 - from.1) * at(step)))
}

fn swatch(style: Style) -> Swatch {
    match style {
        Style::Solid | Style::Marked => Swatch::Line { dash: None },
        Style::Dashed => Swatch::Line { dash: Some(DASH) },
        Style::Filled => Swatch::Box,
    }
}

/// The unbroken stretches of a series.
fn runs(placed: impl Iterator<Item = Option<(f64, f64)>>) -> Vec<Vec<(f64, f64)>> {
    let mut runs = vec![Vec::new()];
    for place in placed {
        match (place, runs.last_mut()) {
            (Some(place), Some(run)) => run.push(place),
            (None, Some(run)) if run.is_empty() => {}
            _ => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

fn open(run: &[(f64, f64)]) -> String {
    let mut commands = String::new();
    for (index, (x, y)) in run.iter().enumerate() {
        let _ = write!(commands, "{}{} {}", if index == 0 { 'M' } else { 'L' }, coordinate(*x), coordinate(*y));
    }
    commands
}

fn closed(run: &[(f64, f64)], bottom: f64) -> String {
    let (first, last) = (run[0].0, run[run.len() - 1].0);
    format!("{}L{} {b}L{} {b}Z", open(run), coordinate(last), coordinate(first), b = coordinate(bottom))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: Vec<(f64, f64)>) -> LineChart<'static> {
        let x = Scale::linear(points.iter().map(|point| point.0));
        let y = Scale::logarithmic(points.iter().map(|point| point.1));
        LineChart {
            label: "Loss over epochs",
            size: (300.0, 200.0),
            x_title: "epoch",
            y_title: "loss",
            x,
            y,
            ticks: (4, 4),
            series: vec![Series { name: "validation", ink: Ink::Network, style: Style::Solid, points: points.clone() }],
            references: vec![Reference { name: "PCA", ink: Ink::Baseline, value: 0.05 }],
            mark: points.last().map(|&at| Mark { at, ink: Ink::Network, text: "best" }),
            legend: true,
            hover: Some("epoch"),
        }
    }

    #[test]
    fn a_loss_curve_looks_as_it_did() {
        insta::assert_snapshot!(chart(vec![(1.0, 0.1), (2.0, 0.04), (3.0, 0.02)]).draw(Theme::Page));
    }

    #[test]
    fn any_number_of_points_and_any_values_draw_well_formed_and_finite() {
        let odd = [f64::NAN, f64::INFINITY, 0.0, -1.0, 1e300, 1e-300];
        let mut cases: Vec<Vec<(f64, f64)>> = vec![vec![], vec![(1.0, 0.5)]];
        cases.extend(odd.iter().map(|&value| vec![(1.0, value)]));
        cases.push(odd.iter().enumerate().map(|(index, &value)| (index as f64, value)).collect());
        cases.push(odd.iter().map(|&value| (value, 1.0)).collect());
        for points in cases {
            let svg = chart(points.clone()).draw(Theme::Paper);
            roxmltree::Document::parse(&svg).unwrap();
            assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{points:?}");
        }
    }

    #[test]
    fn a_label_lies_where_no_line_crosses_it() {
        let flat = |y: f64| vec![vec![(0.0, y), (200.0, y)]];
        let height = |lines: &[Vec<(f64, f64)>]| free_height(100.0, (50.0, 150.0), (0.0, 200.0), lines);
        assert_eq!(height(&[]), 87.0);
        assert_eq!(height(&flat(85.0)), 124.0);
        assert_eq!(height(&[flat(85.0), flat(120.0)].concat()), 70.0);
        assert_eq!(free_height(5.0, (50.0, 150.0), (0.0, 200.0), &[]), 29.0, "no room above");
    }

    #[test]
    fn a_value_that_is_not_finite_interrupts_the_line() {
        let placed = [Some((0.0, 0.0)), None, None, Some((1.0, 1.0)), Some((2.0, 2.0))];
        assert_eq!(runs(placed.into_iter()), [vec![(0.0, 0.0)], vec![(1.0, 1.0), (2.0, 2.0)]]);
    }
}
