//! The colours of figures and report. Network, PCA and other fixed roles take theirs from Okabe and Ito's set (darkened where
//! white paper needs the contrast), classes from Petroff's ten-colour sequence (arXiv 2107.02270; the light ones darker on white), heat maps from viridis:
//! all chosen to be told apart with any kind of colour vision.

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
    ("#3f90da", "#5aa5ea"),
    ("#cb8200", "#ffb633"),
    ("#bd1f01", "#ec4a2c"),
    ("#839694", "#a9b8b6"),
    ("#832db6", "#b06add"),
    ("#a96b59", "#c4836f"),
    ("#e76300", "#f58432"),
    ("#a0914e", "#cdc089"),
    ("#717581", "#8a8f9d"),
    ("#339fa3", "#92dadd"),
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

/// A style that gives a figure's file dark colours where it is shown on dark ground. Programs that know no such styles keep the light
/// ones, which stand at each shape.
pub(crate) fn dark_style() -> String {
    let roles = ROLES.iter().map(|&(_, _, light, dark)| (light, dark));
    let rules = roles
        .chain(CLASSES)
        .map(|(light, dark)| format!(r#"[fill="{light}"]{{fill:{dark}}}[stroke="{light}"]{{stroke:{dark}}}"#));
    let deviations = ".deviations{filter:invert(1) hue-rotate(180deg)}";
    format!("<style>@media (prefers-color-scheme:dark){{{}{deviations}}}</style>", rules.collect::<String>())
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

    /// Relative luminance by WCAG 2.2.
    fn luminance(hex: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
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
