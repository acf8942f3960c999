//! What a user asks of the decoded values: bounds of all variables, of single ones, and of regions.

use std::fmt;
use std::str::FromStr;

use enkoder::codec::{Bound, CodecError, Region, Selection};
use enkoder_data::{Arrays, Beside};

use crate::arguments::{DataName, DataOptions, split_at_commas};
use crate::compressible::Compressible;
use crate::failure::Usage;

/// One bound, or bounds of single variables and perhaps one for all others: `t=abs:0.05,q=rel:1e-3,lossless`.
#[derive(Clone, Debug)]
pub struct Bounds {
    others: Option<Bound>,
    pub of_variables: Vec<(String, Bound)>,
}

impl FromStr for Bounds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = split_at_commas(text);
        // `abs:0,5`: what follows the comma is no bound.
        if let Some(digits) = parts[1..].iter().find(|part| part.trim().parse::<u64>().is_ok()) {
            let point = text.replacen(&format!(",{digits}"), &format!(".{digits}"), 1);
            return Err(format!(
                "a comma stands between two bounds, and {digits:?} is none: write a point, as in {point}"
            ));
        }
        let mut bounds = Self { others: None, of_variables: Vec::new() };
        for part in parts {
            match part.rsplit_once('=') {
                Some((variable, bound)) => {
                    let variable = variable.trim();
                    if bounds.of(variable).is_some() {
                        return Err(format!("{variable} has two bounds: give it one"));
                    }
                    bounds.of_variables.push((variable.to_owned(), parse_bound(bound)?));
                }
                // Of two bounds for all others one would be lost.
                None if bounds.others.is_some() => {
                    return Err(format!(
                        "{text:?} has two bounds for all variables: name the variable of one, as in t=abs:0.05"
                    ));
                }
                None => bounds.others = Some(parse_bound(&part)?),
            }
        }
        Ok(bounds)
    }
}

/// A bound, or which of its limits it breaks.
fn parse_bound(text: &str) -> Result<Bound, String> {
    let text = text.trim();
    text.parse::<Bound>().map_err(|error| {
        let broken = text.split_once(':').and_then(|(kind, number)| {
            let number: f64 = number.parse().ok().filter(|number: &f64| number.is_finite())?;
            Some(match kind {
                _ if number <= 0.0 => "the number must be above 0",
                "rel" => "it is a fraction of the range, and at most 1",
                "prel" => "it is a fraction of each value, and at most 0.5",
                "bits" => "it is a whole number of significant bits, and at most 52",
                "psnr" => "it is in decibels, and at most 300",
                _ => return None,
            })
        });
        match broken {
            Some(why) => format!("{text:?} is no bound: {why}"),
            None => error.to_string(),
        }
    })
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_variables =
            self.of_variables.iter().map(|(variable, bound)| format!("{}={bound}", variable.replace(',', "\\,")));
        let all: Vec<String> = of_variables.chain(self.others.map(|bound| bound.to_string())).collect();
        f.write_str(&all.join(","))
    }
}

impl Bounds {
    /// The bound of all variables that have none of their own.
    pub fn for_others(&self, data: &Compressible, with_model: bool) -> Result<Bound, Usage> {
        if with_model && !self.of_variables.is_empty() {
            return Err(Usage::new(format!(
                "{self} bounds single variables, but with a model all have the same bound"
            ))
            .with_hint("give one bound, or leave out the model"));
        }
        if let Some(bound) = self.others {
            return Ok(bound);
        }
        let variables = data.variables();
        match variables.iter().find(|variable| self.of(variable).is_none()) {
            Some(variable) => Err(Usage::new(format!("{self} says nothing of the variable {variable}"))
                .with_hint(format!("give it a bound, {variable}=BOUND, or all others one: {self},BOUND"))),
            // It is asked of no variable.
            None => Ok(Bound::Lossless),
        }
    }

    /// The bound of a variable's own.
    pub fn of(&self, variable: &str) -> Option<Bound> {
        self.of_variables.iter().rev().find(|(of, _)| of == variable).map(|(_, bound)| *bound)
    }

    /// Refuses bounds of variables that there are not. `is_beside` knows what goes along with them.
    pub fn check(&self, variables: &[String], is_beside: impl Fn(&str) -> bool) -> Result<(), CodecError> {
        match self.of_variables.iter().find(|(of, _)| !variables.contains(of)) {
            Some((variable, bound)) => Err(CodecError::OfVariable {
                bound: bound.to_string(),
                variable: variable.clone(),
                why: match is_beside(variable) {
                    true => "it is a coordinate or a single value, of which every bit is kept\nhint: leave it out"
                        .to_owned(),
                    false => format!("there is none\nhint: the variables are {}", variables.join(", ")),
                },
            }),
            None => Ok(()),
        }
    }
}

/// Cells with a bound of their own: `lat=35:60,lon=-10:30=abs:0.01`, or `mask.npy=abs:0.01`.
#[derive(Clone, Debug)]
pub struct RegionBound {
    cells: Cells,
    /// The part of the text before the bound.
    name: String,
    bound: Bound,
}

#[derive(Clone, Debug)]
enum Cells {
    /// Where all coordinates are within these, the ends included.
    Box(Vec<(String, f64, f64)>),
    /// Where an array, of the file or another one, is not 0.
    Mask(String),
}

impl FromStr for RegionBound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "write lat=35:60,lon=-10:30=abs:0.01, or the name of a mask: land=abs:0.01, land.npy=abs:0.01";
        let (name, bound) = text.rsplit_once('=').ok_or(form)?;
        let bound = parse_bound(bound)?;
        let name = name.trim().to_owned();
        if !name.contains('=') {
            return if name.is_empty() {
                Err(form.to_owned())
            } else {
                Ok(Self { cells: Cells::Mask(name.clone()), name, bound })
            };
        }
        let mut limits = Vec::new();
        for part in name.split(',') {
            let (coordinate, range) = part.split_once('=').ok_or(form)?;
            let (low, high) = range.split_once(':').unwrap_or((range, range));
            let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
            let (Some(low), Some(high)) = (number(low), number(high)) else {
                return Err(format!("{range:?} is no range: write LOW:HIGH, as in lat=35:60"));
            };
            limits.push((coordinate.trim().to_owned(), low, high));
        }
        Ok(Self { cells: Cells::Box(limits), name, bound })
    }
}

impl RegionBound {
    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The region of arrays; what is missing is an error.
    pub fn of(&self, data: &Compressible, reading: &DataOptions) -> anyhow::Result<Region> {
        let Some(arrays) = data.arrays() else {
            let why = format!("{} is no array with coordinates, of which {} could be a region", data.name, self.name);
            return Err(Usage::new(why).with_hint("leave out --region").into());
        };
        let selections: Vec<Selection> = match &self.cells {
            Cells::Box(limits) => {
                let select = |(name, low, high): &(String, f64, f64)| {
                    let beside = arrays.beside(name)?;
                    if low > high && !beside.is_longitude {
                        return Err(Usage::new(format!("{name}={low}:{high} ends before it begins"))
                            .with_hint(format!("write {name}={high}:{low}"))
                            .into());
                    }
                    let is_longitude = beside.is_longitude;
                    let is_in = |value: f64| match is_longitude {
                        // 350:10 goes across 0, and -10 is 350.
                        true => {
                            (value - low).rem_euclid(360.0) <= (high - low).rem_euclid(360.0) || high - low >= 360.0
                        }
                        false => (*low..=*high).contains(&value),
                    };
                    anyhow::Ok(selection(beside, is_in))
                };
                limits.iter().map(select).collect::<anyhow::Result<_>>()?
            }
            Cells::Mask(name) => {
                let path = std::path::Path::new(name);
                let mask = if path.exists() {
                    let asked = DataOptions { arrays: Default::default(), samples: None, ..reading.clone() };
                    let mask = asked.open_arrays(&[DataName::from(path.to_owned())])?;
                    let is_no = || Usage::new(format!("{name} is no array, which a mask is"));
                    mask.ok_or_else(is_no)?.into_mask(arrays.array())?
                } else {
                    arrays.beside(name)?
                };
                vec![selection(mask, |value| value != 0.0 && !value.is_nan())]
            }
        };
        if is_empty(&selections) {
            return Err(self.holds_nothing(arrays));
        }
        let bound = data.bound(self.bound)?;
        Ok(Region { name: self.name.clone(), bound, selections })
    }

    fn holds_nothing(&self, arrays: &Arrays) -> anyhow::Error {
        let why = format!("no cell lies in the region {}", self.name);
        let Cells::Box(limits) = &self.cells else {
            return Usage::new(format!("{why}: the mask is 0 or missing everywhere"))
                .with_hint("leave out --region")
                .into();
        };
        let mut ranges = Vec::new();
        let mut hint = "write a range that holds some of the cells".to_owned();
        for (name, low, high) in limits {
            let Ok(beside) = arrays.beside(name) else { continue };
            let finite = || beside.values.iter().copied().filter(|value| value.is_finite());
            let [least, most] = [finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max)];
            ranges.push(format!("{name} is from {least} to {most}"));
            let turned = |turn: f64| low + turn <= most && high + turn >= least;
            if !beside.is_longitude
                && !turned(0.0)
                && let Some(turn) = [360.0, -360.0].into_iter().find(|&turn| turned(turn))
            {
                hint = format!(
                    "if {name} is a longitude, write {name}={}:{}; with units of degrees_east it is known to be one",
                    low + turn,
                    high + turn
                );
            }
        }
        Usage::new(format!("{why}: {}", ranges.join(", "))).with_hint(hint).into()
    }
}

/// Whether no cell is in all selections. Those along other axes than the others have a say of their own.
fn is_empty(selections: &[Selection]) -> bool {
    selections.iter().any(|one| {
        let same: Vec<_> = selections.iter().filter(|other| other.axes == one.axes).collect();
        !(0..one.inside.len()).any(|cell| same.iter().all(|selection| selection.inside[cell]))
    })
}

fn selection(beside: Beside, is_in: impl Fn(f64) -> bool) -> Selection {
    let inside = beside.values.iter().map(|&value| is_in(value)).collect();
    Selection { axes: beside.axes, lengths: beside.lengths, inside }
}
