//! The colours of figures and report. Network, PCA and other fixed roles take theirs from Okabe and Ito's set (darkened where
//! white paper needs the contrast), heat maps from viridis. Classes are ten colours that lie as far apart in OKLab as a search found, for usual, red-blind and green-blind eyes
//! (Machado et al. 2009), with a contrast of 3:1 and more to their ground.

use std::borrow::Cow;
use std::fmt::Write;

/// What a colour stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    Text,
    Muted,
    Grid,
    Background,
    Panel,
    Network,
    NetworkFill,
    Baseline,
    BaselineFill,
    Code,
    Training,
    /// One of [`CLASS_COLOURS`] classes.
    Class(usize),
    /// All classes that have no colour of their own.
    OtherClass,
}

/// What is missing in a picture: no grey, and no colour that pictures are drawn in.
pub(crate) const MISSING: [u8; 3] = [186, 108, 128];

/// How many classes can have a colour of their own.
pub(crate) const CLASS_COLOURS: usize = 10;

const ROLES: [(Ink, &str, &str, &str); 12] = [
    (Ink::Text, "text", "#1b1f24", "#e6e9ed"),
    (Ink::Muted, "muted", "#57606a", "#a3acb7"),
    (Ink::Grid, "grid", "#e1e5ea", "#30363e"),
    (Ink::Background, "background", "#ffffff", "#14171b"),
    (Ink::Panel, "panel", "#f5f7f9", "#1c2127"),
    (Ink::Network, "network", "#0067a3", "#5ab8ee"),
    (Ink::NetworkFill, "network-fill", "#cfe3f1", "#1f4057"),
    (Ink::Baseline, "pca", "#b84e00", "#f19a52"),
    (Ink::BaselineFill, "pca-fill", "#f6dcc8", "#573417"),
    (Ink::Code, "code", "#007a59", "#35c79c"),
    (Ink::Training, "training", "#737b85", "#98a1ac"),
    (Ink::OtherClass, "class-other", "#8a94a2", "#6b7480"),
];

const CLASSES: [(&str, &str); CLASS_COLOURS] = [
    ("#3860e7", "#928fef"),
    ("#b18a39", "#fdf520"),
    ("#81333a", "#f51283"),
    ("#81659d", "#c5aeaa"),
    ("#7309bc", "#b448fd"),
    ("#cd789e", "#edf5e7"),
    ("#c43c09", "#fa6d12"),
    ("#52785d", "#6eee95"),
    ("#145471", "#108ca1"),
    ("#4d96da", "#4fd1fd"),
];

/// Where a figure will be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    /// In the report, whose style sheet defines the colours for light and dark.
    Page,
    /// On its own, on white.
    Paper,
}

impl Ink {
    /// The colour as SVG and CSS write it.
    pub(crate) fn css(self, theme: Theme) -> Cow<'static, str> {
        let (name, light) = match self {
            Self::Class(class) => {
                let class = class % CLASS_COLOURS;
                (Cow::from(format!("class-{class}")), CLASSES[class].0)
            }
            role => ROLES
                .iter()
                .find(|(ink, ..)| *ink == role)
                .map_or((Cow::from("text"), "#000000"), |&(_, name, light, _)| (Cow::from(name), light)),
        };
        match theme {
            Theme::Page => format!("var(--{name})").into(),
            Theme::Paper => light.into(),
        }
    }
}

/// The colours as custom properties of a style sheet, for light or dark surroundings.
pub(crate) fn custom_properties(dark: bool) -> String {
    let mut css = String::new();
    for (_, name, on_white, on_black) in ROLES {
        let _ = write!(css, "--{name}:{};", if dark { on_black } else { on_white });
    }
    for (class, (on_white, on_black)) in CLASSES.into_iter().enumerate() {
        let _ = write!(css, "--class-{class}:{};", if dark { on_black } else { on_white });
    }
    css
}

/// A style that gives the shapes of a figure's file dark colours where the file is shown on dark ground: in a page by the page's colour
/// scheme, and alone by that of the reader's system, which then darkens the ground, too. Programs that know no such styles keep the
/// light colours, which stand at each shape.
pub(crate) fn dark_style(shapes: &str) -> String {
    let roles = ROLES.iter().map(|&(_, _, light, dark)| (light, dark));
    let mut rules = String::new();
    for (light, dark) in roles.chain(CLASSES) {
        for property in ["fill", "stroke"] {
            if shapes.contains(&format!(r#" {property}="{light}""#)) {
                let _ = write!(rules, r#"[{property}="{light}"]{{{property}:{dark}}}"#);
            }
        }
    }
    if shapes.contains(r#"class="deviations""#) {
        rules += ".deviations{filter:invert(1) hue-rotate(180deg)}";
    }
    format!("<style>svg:root{{color-scheme:light dark}}@media (prefers-color-scheme:dark){{{rules}}}</style>")
}

/// Colours for values from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColourMap {
    /// For quantities, from dark violet to yellow.
    Viridis,
    /// For deviations, orange below 0.5 and violet above it.
    Deviations,
}

impl ColourMap {
    /// The class of pictures that are white in the middle, which the page darkens on dark ground.
    pub(crate) fn class(self) -> Option<&'static str> {
        (self == Self::Deviations).then_some("deviations")
    }

    /// The colour of a value; values beyond 0..1 are clamped, NaN has that of the lower end, or, of deviations, of none.
    pub(crate) fn colour(self, value: f64) -> [u8; 3] {
        let (map, unknown) = match self {
            Self::Viridis => (colorous::VIRIDIS, 0.0),
            Self::Deviations => (colorous::PURPLE_ORANGE, 0.5),
        };
        let value = if value.is_nan() { unknown } else { value.clamp(0.0, 1.0) };
        let colour = map.eval_continuous(value);
        [colour.r, colour.g, colour.b]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red, green and blue as light, from 0 to 1.
    fn linear(hex: &str) -> [f64; 3] {
        [1, 3, 5].map(|at| {
            let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        })
    }

    fn times(matrix: [[f64; 3]; 3], vector: [f64; 3]) -> [f64; 3] {
        matrix.map(|row| row.into_iter().zip(vector).map(|(a, b)| a * b).sum())
    }

    /// Relative luminance by WCAG 2.2.
    fn luminance(hex: &str) -> f64 {
        let [red, green, blue] = linear(hex);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        if a > b { a / b } else { b / a }
    }

    #[test]
    fn every_ink_used_for_text_has_the_contrast_that_wcag_asks_for() {
        let find = |wanted| ROLES.into_iter().find(|(ink, ..)| *ink == wanted).unwrap();
        let (_, _, white, black) = find(Ink::Background);
        let (_, _, light_panel, dark_panel) = find(Ink::Panel);
        for ink in [Ink::Text, Ink::Muted, Ink::Network, Ink::Baseline, Ink::Code] {
            let (_, name, light, dark) = find(ink);
            for ratio in [
                contrast(light, white),
                contrast(light, light_panel),
                contrast(dark, black),
                contrast(dark, dark_panel),
            ] {
                assert!(ratio >= 4.5, "{name}: {ratio:.2}");
            }
        }
    }

    #[test]
    fn classes_and_what_is_drawn_have_the_contrast_that_wcag_asks_of_graphics() {
        let (_, _, white, black) = ROLES.into_iter().find(|(ink, ..)| *ink == Ink::Background).unwrap();
        let drawn = ROLES.into_iter().filter(|(ink, ..)| [Ink::Training, Ink::OtherClass].contains(ink));
        for (light, dark) in CLASSES.into_iter().chain(drawn.map(|(_, _, light, dark)| (light, dark))) {
            assert!(contrast(light, white) >= 3.0, "{light}: {:.2}", contrast(light, white));
            assert!(contrast(dark, black) >= 3.0, "{dark}: {:.2}", contrast(dark, black));
        }
    }

    #[test]
    fn classes_can_be_told_apart_with_any_kind_of_colour_vision() {
        // Björn Ottosson's OKLab, and Machado, Oliveira & Fernandes (2009) at full severity.
        const CONES: [[f64; 3]; 3] = [[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]];
        const LAB: [[f64; 3]; 3] = [[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]];
        let eyes = [
            (0.14, [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
            (0.08, [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]]),
            (0.08, [[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9690]]),
        ];
        for (least, seen) in eyes {
            for colours in [CLASSES.map(|class| class.0), CLASSES.map(|class| class.1)] {
                let seen = colours.map(|hex| {
                    let light = times(seen, linear(hex)).map(|light| light.clamp(0.0, 1.0));
                    times(LAB, times(CONES, light).map(f64::cbrt))
                });
                for (index, a) in seen.iter().enumerate() {
                    for (other, b) in seen.iter().enumerate().skip(index + 1) {
                        let apart = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
                        assert!(apart >= least, "{} and {}: {apart:.3}", colours[index], colours[other]);
                    }
                }
            }
        }
    }

    #[test]
    fn every_role_has_a_colour_in_both_themes() {
        for (ink, name, light, _) in ROLES {
            assert_eq!(ink.css(Theme::Page), format!("var(--{name})"));
            assert_eq!(ink.css(Theme::Paper), light);
        }
        assert!(custom_properties(true).contains("--class-9:"));
        // A light colour means one thing only, or the dark one would be that of another.
        let mut light: Vec<&str> = ROLES.iter().map(|role| role.2).chain(CLASSES.map(|class| class.0)).collect();
        light.sort_unstable();
        assert!(light.windows(2).all(|pair| pair[0] != pair[1]), "{light:?}");
    }

    #[test]
    fn colours_of_values_beyond_the_scale_are_those_of_its_ends() {
        let viridis = |value| ColourMap::Viridis.colour(value);
        assert_eq!(viridis(f64::NAN), viridis(-1.0));
        assert_eq!((viridis(0.0), viridis(2.0)), ([68, 1, 84], [253, 231, 37]));
        let deviations = |value| ColourMap::Deviations.colour(value);
        assert_eq!(deviations(f64::NAN), deviations(0.5));
    }
}
