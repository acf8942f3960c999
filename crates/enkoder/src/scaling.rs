//! How values become the numbers a network learns from, and back again. A [`Scaler`] is fitted on training samples alone and
//! travels with the model, so that later samples are scaled in the same way. Missing values (NaN) become the training mean.

mod error;
mod fitting;
mod kind;
mod ranges;
#[cfg(test)]
mod tests;
mod transform;

use serde::{Deserialize, Serialize};

pub use self::error::ScalerError;
pub(crate) use self::fitting::Sampled;
pub use self::kind::Scaling;
pub(crate) use self::ranges::{Ranges, Squares, infinite};

/// A fitted scaling with its inverse.
///
/// ```
/// use enkoder::{Dataset, Scaler, Scaling};
/// use ndarray::array;
///
/// let train = Dataset::from_f32("ages", array![[20.0], [30.0], [f32::NAN], [40.0]])?;
/// let scaler = Scaler::fit(Scaling::MinMax, &train)?;
/// let mut row = [35.0];
/// scaler.transform_row(&mut row);
/// assert_eq!(row, [0.75]);
/// scaler.inverse_row(&mut row);
/// assert_eq!(row, [35.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaler {
    kind: Scaling,
    features: usize,
    unit_interval: bool,
    coefficients: Affine,
    /// What a missing value becomes, in scaled units.
    fill: Fill,
}

/// What is taken from a value, and what the rest is then multiplied by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Affine {
    Uniform { offset: f32, scale: f32 },
    PerFeature { offset: Vec<f32>, scale: Vec<f32> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Fill {
    Uniform(f32),
    PerFeature(Vec<f32>),
}

/// The numbers of a [`Scaler`], for whoever has to scale without it: an exporter, for example.
///
/// A value becomes `(value − offset) · scale`, a missing one (NaN) becomes `fill`, and a scaled value in its original units
/// is `scaled / scale + offset`. Computed in f32 in this order, the results have the scaler's bits. Each slice has one number
/// for each feature, or a single number that holds for all features.
///
/// ```
/// use enkoder::{Dataset, Scaler, Scaling};
/// use ndarray::array;
///
/// let train = Dataset::from_f32("points", array![[0.0, 10.0], [4.0, 30.0]])?;
/// let scaler = Scaler::fit(Scaling::MinMax, &train)?;
/// let numbers = scaler.coefficients();
/// assert_eq!((numbers.offset, numbers.scale), (&[0.0, 10.0][..], &[0.25, 0.05][..]));
/// assert_eq!(numbers.fill, [0.5, 0.5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScalerCoefficients<'a> {
    /// What is taken from a value first, in original units.
    pub offset: &'a [f32],
    /// What the rest is then multiplied by; never 0.
    pub scale: &'a [f32],
    /// What a missing value becomes, in scaled units.
    pub fill: &'a [f32],
}

impl Scaler {
    /// What was fitted; never [`Scaling::Auto`].
    pub fn kind(&self) -> Scaling {
        self.kind
    }

    /// The number of values of a row.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Whether all training values fall within 0..1 when scaled, so that a sigmoid can produce them.
    pub fn is_unit_interval(&self) -> bool {
        self.unit_interval
    }

    /// The numbers that it scales by.
    pub fn coefficients(&self) -> ScalerCoefficients<'_> {
        use std::slice::from_ref;
        let (offset, scale) = match &self.coefficients {
            Affine::Uniform { offset, scale } => (from_ref(offset), from_ref(scale)),
            Affine::PerFeature { offset, scale } => (&offset[..], &scale[..]),
        };
        let fill = match &self.fill {
            Fill::Uniform(fill) => from_ref(fill),
            Fill::PerFeature(fill) => fill,
        };
        ScalerCoefficients { offset, scale, fill }
    }

    /// The same scaling for rows of another length, where it treats all features alike. What stands for a missing value is then
    /// the mean of what stood for one before.
    pub(crate) fn for_features(&self, features: usize) -> Option<Self> {
        if features == self.features {
            return Some(self.clone());
        }
        let Affine::Uniform { .. } = self.coefficients else { return None };
        let fills = self.coefficients().fill;
        let fill = fills.iter().sum::<f32>() / fills.len() as f32;
        Some(Self { features, fill: Fill::Uniform(fill), ..self.clone() })
    }

    /// The same scaling of numbers as they are stored, where a stored `x` of each part of a row means `x · scale + offset`. The
    /// parts are of one length, in order; each has its scale and offset.
    pub(crate) fn for_packed(&self, packing: &[(f64, f64)]) -> Self {
        let ScalerCoefficients { offset, scale, .. } = self.coefficients();
        let part = self.features.div_ceil(packing.len().max(1));
        let of = |feature: usize| {
            let (unit, zero) = packing[feature / part];
            let (offset, scale) = (offset[feature % offset.len()], scale[feature % scale.len()]);
            (((f64::from(offset) - zero) / unit) as f32, (f64::from(scale) * unit) as f32)
        };
        let coefficients = match (&self.coefficients, packing) {
            (Affine::Uniform { .. }, [_]) => {
                let (offset, scale) = of(0);
                Affine::Uniform { offset, scale }
            }
            _ => {
                let (offset, scale) = (0..self.features).map(of).unzip();
                Affine::PerFeature { offset, scale }
            }
        };
        Self { coefficients, ..self.clone() }
    }

    /// Checks a scaler that was read from a file against its model's number of features.
    ///
    /// # Errors
    /// When a length is not `features`, a number is not finite, or a scale is 0.
    pub fn validate(&self, features: usize) -> Result<(), ScalerError> {
        let damaged = |message: String| Err(ScalerError::Damaged(message));
        if self.kind == Scaling::Auto {
            return damaged("its kind is auto, which no fitted scaler has".to_owned());
        }
        let ScalerCoefficients { offset, scale, fill } = self.coefficients();
        let per_feature = matches!(self.coefficients, Affine::PerFeature { .. });
        let lengths = [
            ("features", true, self.features),
            ("offset", per_feature, offset.len()),
            ("scale", per_feature, scale.len()),
            ("fill", matches!(self.fill, Fill::PerFeature(_)), fill.len()),
        ];
        for (field, checked, length) in lengths {
            if checked && length != features {
                return damaged(format!("its {field} is for {length} features, but the model has {features}"));
            }
        }
        for (field, values) in [("offset", offset), ("scale", scale), ("fill", fill)] {
            if let Some(at) = values.iter().position(|value| !value.is_finite() || (field == "scale" && *value == 0.0))
            {
                return damaged(format!("its {field} of feature {at} is {}", values[at]));
            }
        }
        Ok(())
    }
}
