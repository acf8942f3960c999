//! Readings and score over one axis of time, with incidents shaded and numbered. The drawing is complete as it stands; what lies along the
//! axis is in drawings of their own that a script can show a part of, so that a selection becomes the whole.

use std::fmt::Write;

use super::clock::{Ticks, label};
use crate::charts::{coordinate, escape};
use crate::number::significant;
use crate::palette::{Ink, Theme};

/// Pixels at natural size.
const WIDTH: f64 = 1080.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const NAMES: f64 = 20.0;
const TITLE: f64 = 18.0;
const PANEL: f64 = 84.0;
const SCORE: f64 = 110.0;
const BETWEEN: f64 = 8.0;
const LABELS: f64 = 14.0;
const AXIS: f64 = 40.0;
const SMALL: f64 = 12.0;
/// What an inner drawing is wide and high, whatever its size on the page.
const ACROSS: f64 = 10_000.0;
const DOWN: f64 = 100.0;
/// So many empty bins are no gap: moments are not exactly as far apart as bins.
const BRIDGED: usize = 1;
/// Numbers of incidents closer than this are not written beside each other.
const APART: f64 = 20.0;

/// What is drawn.
pub(super) struct Drawing<'a> {
    /// In words.
    pub(super) label: &'a str,
    /// First and last place on the axis: seconds since 1970, or row numbers.
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) is_time: bool,
    /// From the top: readings, each with its lowest and highest value in each bin.
    pub(super) readings: Vec<Panel<'a>>,
    /// The highest score of each bin, and where flagging begins.
    pub(super) score: Panel<'a>,
    pub(super) threshold: f64,
    /// Places that incidents take, with their number on the page.
    pub(super) incidents: Vec<(usize, f64, f64)>,
    /// Places labelled as anomalies.
    pub(super) labelled: Vec<(f64, f64)>,
}

/// Where a bin begins and ends, and its lowest and highest value; none where it has none.
pub(super) type Bin = (f64, f64, Option<(f64, f64)>);

/// Values along the axis.
pub(super) struct Panel<'a> {
    pub(super) name: &'a str,
    pub(super) bins: Vec<Bin>,
}

impl Drawing<'_> {
    pub(super) fn draw(&self) -> String {
        let labels = if self.labelled.is_empty() { 0.0 } else { LABELS };
        let readings = self.readings.len() as f64 * (TITLE + PANEL + BETWEEN);
        let bottom = NAMES + readings + TITLE + SCORE + labels;
        let (width, height) = (WIDTH - LEFT - RIGHT, bottom + AXIS);
        let mut out = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="course" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{}" data-from="{}" data-to="{}" data-kind="{}" data-unit="{}" data-left="{LEFT}" data-width="{width}" data-top="{NAMES}" data-bottom="{bottom}">"#,
            escape(self.label),
            self.from,
            self.to,
            if self.is_time { "time" } else { "row" },
            Ticks::of(self.from, self.to, self.is_time).unit(),
        );
        self.ticks(&mut out, width, bottom);
        self.names(&mut out, width);
        let mut top = NAMES;
        for panel in &self.readings {
            self.panel(&mut out, panel, top, (width, PANEL), None);
            top += TITLE + PANEL + BETWEEN;
        }
        self.panel(&mut out, &self.score, top, (width, SCORE), Some(self.threshold));
        if !self.labelled.is_empty() {
            let top = top + TITLE + SCORE + 4.0;
            let bands = self.bands(self.labelled.iter().copied());
            self.inner(&mut out, top, (width, 8.0), &area(&bands, Ink::Code));
        }
        out.push_str("</svg>");
        out
    }

    /// A place on the axis, from 0 to 1.
    fn at(&self, place: f64) -> f64 {
        let at = (place - self.from) / (self.to - self.from);
        if at.is_finite() { at.clamp(0.0, 1.0) } else { 0.0 }
    }

    fn bands(&self, spans: impl Iterator<Item = (f64, f64)>) -> String {
        let mut commands = String::new();
        for (from, to) in spans {
            let (from, to) = (ACROSS * self.at(from), ACROSS * self.at(to));
            let wide = coordinate((to - from).max(0.1));
            let _ = write!(commands, "M{} 0h{wide}v{DOWN}h-{wide}z", coordinate(from));
        }
        commands
    }

    fn inner(&self, out: &mut String, top: f64, (width, height): (f64, f64), content: &str) {
        let _ = write!(
            out,
            r#"<svg class="along" x="{LEFT}" y="{}" width="{width}" height="{height}" viewBox="0 0 {ACROSS} {DOWN}" preserveAspectRatio="none">{content}</svg>"#,
            coordinate(top)
        );
    }

    fn panel(&self, out: &mut String, panel: &Panel<'_>, top: f64, size: (f64, f64), threshold: Option<f64>) {
        let values = panel.bins.iter().filter_map(|bin| bin.2).flat_map(|(low, high)| [low, high]);
        // A score begins at 0, and its threshold is to be seen.
        let at_least = threshold.map(|threshold| [0.0, 1.15 * threshold]).into_iter().flatten();
        let all = values.chain(at_least).filter(|value| value.is_finite());
        let (low, high) =
            all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        let ink = if threshold.is_some() { Ink::Text } else { Ink::Network };
        text(out, (LEFT, top + TITLE - 5.0), "start", Ink::Text, panel.name);
        let mut content = area(&self.bands(self.incidents.iter().map(|&(_, from, to)| (from, to))), Ink::BaselineFill);
        if low <= high {
            // A reading that never changes lies in the middle.
            let room = if high > low { 0.04 * (high - low) } else { 1.0 };
            let down = |value: f64| DOWN * (high + room - value) / (high - low + 2.0 * room);
            for (value, y) in [(high, top + TITLE + 10.0), (low, top + TITLE + size.1)] {
                text(out, (LEFT - 6.0, y), "end", Ink::Muted, &significant(value, 3));
            }
            let (mut upper, mut run, mut empty) = (String::new(), Vec::new(), 0);
            for &(from, to, value) in &panel.bins {
                match value.filter(|(low, high)| low.is_finite() && high.is_finite()) {
                    Some((low, high)) => {
                        if empty > BRIDGED {
                            outline(&mut upper, &std::mem::take(&mut run));
                        }
                        run.push((ACROSS * self.at((from + to) / 2.0), down(low), down(high)));
                        empty = 0;
                    }
                    None => empty += 1,
                }
            }
            outline(&mut upper, &run);
            let ink = ink.css(Theme::Page);
            let _ = write!(
                content,
                r#"<path d="{upper}" fill="{ink}" stroke="{ink}" stroke-width="1.2" stroke-linejoin="round" vector-effect="non-scaling-stroke"/>"#
            );
            if let Some(threshold) = threshold.filter(|threshold| threshold.is_finite()) {
                let _ = write!(
                    content,
                    r#"<path d="M0 {}h{ACROSS}" fill="none" stroke="{}" stroke-width="2" stroke-dasharray="2 5" vector-effect="non-scaling-stroke"/>"#,
                    coordinate(down(threshold)),
                    Ink::Baseline.css(Theme::Page)
                );
            }
        }
        self.inner(out, top + TITLE, size, &content);
    }

    fn ticks(&self, out: &mut String, width: f64, bottom: f64) {
        out.push_str(r#"<g class="ticks">"#);
        let ticks = Ticks::of(self.from, self.to, self.is_time);
        for place in ticks.places() {
            let x = LEFT + width * self.at(place);
            let _ = write!(
                out,
                r#"<path d="M{} {NAMES}V{}" stroke="{}"/>"#,
                coordinate(x),
                coordinate(bottom + 4.0),
                Ink::Grid.css(Theme::Page)
            );
            let label = label(place, &ticks);
            let half = crate::charts::text_width(&label, SMALL) / 2.0;
            let within = x.min(WIDTH - half).max(half);
            text(out, (within, bottom + 18.0), "middle", Ink::Muted, &label);
        }
        out.push_str("</g>");
        let title = if self.is_time { ticks.title() } else { "row".to_owned() };
        text(out, (LEFT + width / 2.0, bottom + 35.0), "middle", Ink::Muted, &title);
    }

    fn names(&self, out: &mut String, width: f64) {
        let mut last = f64::NEG_INFINITY;
        for &(number, from, to) in &self.incidents {
            let at = self.at((from + to) / 2.0);
            let x = LEFT + width * at;
            let hidden = x - last < APART;
            if !hidden {
                last = x;
            }
            let _ = write!(
                out,
                r##"<a href="#incident-{number}" class="name" data-at="{at:.6}"{}><text x="{}" y="{}" font-size="{SMALL}" font-weight="600" text-anchor="middle" fill="{}">{number}</text></a>"##,
                if hidden { r#" visibility="hidden""# } else { "" },
                coordinate(x),
                NAMES - 6.0,
                Ink::Baseline.css(Theme::Page)
            );
        }
    }
}

/// From the highest values there and back by the lowest.
fn outline(commands: &mut String, run: &[(f64, f64, f64)]) {
    let Some(&(x, _, high)) = run.first() else { return };
    let _ = write!(commands, "M{} {}", coordinate(x), coordinate(high));
    let there = run.iter().skip(1).map(|&(x, _, high)| (x, high));
    let back = run.iter().rev().map(|&(x, low, _)| (x, low));
    for (x, y) in there.chain(back) {
        let _ = write!(commands, "L{} {}", coordinate(x), coordinate(y));
    }
    commands.push('z');
}

/// What is narrow is to be seen as well: its edge has a width on the page.
fn area(commands: &str, ink: Ink) -> String {
    let ink = ink.css(Theme::Page);
    format!(
        r#"<path d="{commands}" fill="{ink}" stroke="{ink}" stroke-width="1.5" vector-effect="non-scaling-stroke"/>"#
    )
}

fn text(out: &mut String, (x, y): (f64, f64), anchor: &str, ink: Ink, text: &str) {
    let _ = write!(
        out,
        r#"<text x="{}" y="{}" font-size="{SMALL}" text-anchor="{anchor}" fill="{}">{}</text>"#,
        coordinate(x),
        coordinate(y),
        ink.css(Theme::Page),
        escape(text)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_values_and_places_draw_well_formed() {
        for (from, to) in [(0.0, 10.0), (5.0, 5.0), (f64::NAN, 1.0), (-1e300, 1e300)] {
            let bins = vec![(0.0, 1.0, Some((1.0, 2.0))), (1.0, 2.0, None), (2.0, 3.0, Some((f64::INFINITY, 1.0)))];
            let drawing = Drawing {
                label: "<course>",
                from,
                to,
                is_time: true,
                readings: vec![Panel { name: "\"&<>", bins: bins.clone() }, Panel { name: "none", bins: Vec::new() }],
                score: Panel { name: "score", bins },
                threshold: f64::INFINITY,
                incidents: vec![(1, 1.0, 2.0), (2, f64::NAN, 2.0)],
                labelled: vec![(0.0, 3.0)],
            };
            let svg = drawing.draw();
            roxmltree::Document::parse(&svg).unwrap();
            let numbers = svg.replace("data-from=\"NaN\"", "");
            assert!(!numbers.contains("NaN") && !numbers.contains("inf\""), "{svg}");
        }
    }
}
