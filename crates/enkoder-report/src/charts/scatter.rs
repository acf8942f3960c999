//! Points coloured by class, with each class named at its middle, so that no reader depends on colours alone.

use super::frame::{Axis, Frame, SMALL, Swatch};
use super::scale::Scale;
use super::svg::{Anchor, text_width};
use crate::palette::{Ink, Theme};

/// The points of one class.
#[derive(Clone, Debug)]
pub(crate) struct ScatterClass {
    pub(crate) name: String,
    pub(crate) ink: Ink,
    pub(crate) points: Vec<(f64, f64)>,
    /// Whether the class is named at the median of its points.
    pub(crate) named: bool,
}

/// A scatter chart.
#[derive(Clone, Debug)]
pub(crate) struct ScatterChart<'a> {
    pub(crate) label: &'a str,
    pub(crate) size: (f64, f64),
    pub(crate) x_title: &'a str,
    pub(crate) y_title: &'a str,
    /// Without ticks the height of a point says nothing.
    pub(crate) y_ticks: bool,
    pub(crate) classes: Vec<ScatterClass>,
    pub(crate) legend: bool,
}

/// In how many rounds classes take turns, so that no class lies over all others.
const ROUNDS: usize = 8;

/// How far apart names lie below each other.
const LINE: f64 = SMALL + 4.0;
/// In how many rounds names make room for each other.
const TRIES: usize = 60;

/// Moves names up and down until none lies over another.
fn set_apart(names: &mut [((f64, f64), &str)], top: f64, bottom: f64) {
    for _ in 0..TRIES {
        let mut moved = false;
        for one in 0..names.len() {
            for other in 0..one {
                let (((x, y), name), ((x2, y2), name2)) = (names[one], names[other]);
                let wide = (text_width(name, SMALL + 2.0) + text_width(name2, SMALL + 2.0)) / 2.0 + 3.0;
                let over = LINE - (y - y2).abs();
                if (x - x2).abs() < wide && over > 0.1 {
                    let by = if y >= y2 { over / 2.0 } else { -over / 2.0 };
                    names[one].0.1 = (y + by).clamp(top, bottom);
                    names[other].0.1 = (y2 - by).clamp(top, bottom);
                    moved = true;
                }
            }
        }
        if !moved {
            break;
        }
    }
}

impl ScatterChart<'_> {
    pub(crate) fn draw(&self, theme: Theme) -> String {
        let all = || self.classes.iter().flat_map(|class| class.points.iter());
        let x = Axis { title: self.x_title, scale: Scale::linear(all().map(|p| p.0)).padded(0.03), ticks: 5 };
        let y_scale = Scale::linear(all().map(|p| p.1)).padded(0.03);
        let y = Axis { title: self.y_title, scale: y_scale, ticks: if self.y_ticks { 5 } else { 0 } };
        let legend: Vec<_> = if self.legend {
            self.classes.iter().map(|class| (class.name.as_str(), class.ink, Swatch::Dot)).collect()
        } else {
            Vec::new()
        };
        let (mut svg, frame) = Frame::draw(self.size, theme, x, y, &legend, (0.0, 0.0));
        let count = all().count();
        let diameter = if count > 1500 {
            4.0
        } else if count > 300 {
            5.0
        } else {
            7.0
        };
        for round in 0..ROUNDS {
            for class in &self.classes {
                let points = class.points.iter().skip(round).step_by(ROUNDS);
                svg.dots(points.filter_map(|&point| frame.place(point)), diameter, class.ink, 0.8);
            }
        }
        let mut names: Vec<((f64, f64), &str)> = Vec::new();
        for class in self.classes.iter().filter(|class| class.named) {
            let median = |coordinate: fn(&(f64, f64)) -> f64| {
                let mut values: Vec<f64> =
                    class.points.iter().map(coordinate).filter(|value| value.is_finite()).collect();
                values.sort_by(f64::total_cmp);
                values.get(values.len() / 2).copied()
            };
            if let (Some(x), Some(y)) = (median(|p| p.0), median(|p| p.1))
                && let Some((x, y)) = frame.place((x, y))
            {
                names.push(((x, y + 5.0), &class.name));
            }
        }
        set_apart(&mut names, frame.top + LINE, frame.top + frame.height);
        for (at, name) in names {
            svg.halo_text(at, Anchor::Middle, SMALL + 2.0, name);
        }
        svg.finish(self.label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_classes_make_room_for_each_other() {
        let mut names = vec![((50.0, 100.0), "8"), ((52.0, 101.0), "6"), ((51.0, 100.0), "3"), ((200.0, 100.0), "1")];
        set_apart(&mut names, 20.0, 300.0);
        let mut heights: Vec<f64> = names[..3].iter().map(|name| name.0.1).collect();
        heights.sort_by(f64::total_cmp);
        assert!(heights.windows(2).all(|pair| pair[1] - pair[0] > LINE - 0.2), "{heights:?}");
        assert_eq!(names[3].0, (200.0, 100.0));
    }

    #[test]
    fn points_without_a_place_are_left_out_and_hostile_class_names_are_text() {
        let class = |name: &str, points| ScatterClass { name: name.into(), ink: Ink::Class(0), points, named: true };
        let chart = ScatterChart {
            label: "codes",
            size: (300.0, 200.0),
            x_title: "first",
            y_title: "second",
            y_ticks: true,
            classes: vec![
                class("<b onload=\"x\">", vec![(f64::NAN, 1.0), (0.0, f64::INFINITY), (1.0, 2.0)]),
                class("empty", vec![]),
            ],
            legend: true,
        };
        let svg = chart.draw(Theme::Page);
        let document = roxmltree::Document::parse(&svg).unwrap();
        assert!(!document.descendants().any(|node| node.has_tag_name("b")));
        assert!(!svg.contains("NaN"));
    }
}
