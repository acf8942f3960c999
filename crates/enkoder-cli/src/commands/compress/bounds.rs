//! What a user asks of the decoded values: bounds of all variables, of single ones, and of regions.

use std::fmt;
use std::str::FromStr;

use enkoder::codec::{Bound, CodecError, Region, Selection};
use enkoder_data::Beside;

use crate::arguments::{DataName, DataOptions};
use crate::compressible::Compressible;
use crate::failure::Usage;

/// One bound, or bounds of single variables and perhaps one for all others: `t=abs:0.05,q=rel:1e-3,lossless`.
#[derive(Clone, Debug)]
pub struct Bounds {
    others: Option<Bound>,
    pub of_variables: Vec<(String, Bound)>,
}

impl FromStr for Bounds {
    type Err = CodecError;

    fn from_str(text: &str) -> Result<Self, CodecError> {
        let mut bounds = Self { others: None, of_variables: Vec::new() };
        for part in text.split(',') {
            match part.rsplit_once('=') {
                Some((variable, bound)) => {
                    bounds.of_variables.push((variable.trim().to_owned(), bound.trim().parse()?))
                }
                // Of two bounds for all others one would be lost.
                None if bounds.others.is_some() => return Err(CodecError::Bound(text.to_owned())),
                None => bounds.others = Some(part.trim().parse()?),
            }
        }
        Ok(bounds)
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_variables = self.of_variables.iter().map(|(variable, bound)| format!("{variable}={bound}"));
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

    /// Refuses bounds of variables that there are not.
    pub fn check(&self, variables: &[String]) -> Result<(), CodecError> {
        match self.of_variables.iter().find(|(of, _)| !variables.contains(of)) {
            Some((variable, bound)) => Err(CodecError::OfVariable {
                bound: bound.to_string(),
                variable: variable.clone(),
                why: format!("there is none\nhint: the variables are {}", variables.join(", ")),
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
        let bound = bound.trim().parse::<Bound>().map_err(|error| error.to_string())?;
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
        let bound = data.bound(self.bound)?;
        let region = Region { name: self.name.clone(), bound, selections };
        if region.selections.iter().any(|selection| !selection.inside.contains(&true)) {
            tracing::warn!("no cell of {} lies in the region {}", data.name, self.name);
        }
        Ok(region)
    }
}

fn selection(beside: Beside, is_in: impl Fn(f64) -> bool) -> Selection {
    let inside = beside.values.iter().map(|&value| is_in(value)).collect();
    Selection { axes: beside.axes, lengths: beside.lengths, inside }
}
