//! Activation functions: value, slope and curvature of each, and passes over whole buffers. Where the slope can be had from the
//! value, the value before the activation is not kept; only GELU and SiLU need it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::elementary::{exp, normal_below, sigmoid, tanh};
use super::vectorised::vectorised;

/// The function applied to each output of a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Activation {
    /// x.
    Linear,
    /// max(x, 0).
    #[default]
    Relu,
    /// x where positive, x/100 elsewhere (Maas, Hannun & Ng 2013).
    LeakyRelu,
    /// x where positive, eˣ − 1 elsewhere (Clevert, Unterthiner & Hochreiter 2016).
    Elu,
    /// x·Φ(x) in its tanh form (Hendrycks & Gimpel 2016).
    Gelu,
    /// x·Φ(x) with Φ by the error function, as PyTorch and Keras have it where nothing else is said (Hendrycks & Gimpel 2016).
    GeluErf,
    /// x / (1 + e⁻ˣ), also called swish (Elfwing, Uchibe & Doya 2018).
    Silu,
    /// tanh x: −1..1.
    Tanh,
    /// 1 / (1 + e⁻ˣ): 0..1.
    Sigmoid,
}

impl Activation {
    /// All activations, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::Linear,
        Self::Relu,
        Self::LeakyRelu,
        Self::Elu,
        Self::Gelu,
        Self::GeluErf,
        Self::Silu,
        Self::Tanh,
        Self::Sigmoid,
    ];

    /// The name used in commands and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Relu => "relu",
            Self::LeakyRelu => "leaky-relu",
            Self::Elu => "elu",
            Self::Gelu => "gelu",
            Self::GeluErf => "gelu-erf",
            Self::Silu => "silu",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
        }
    }

    /// Whether the slope needs the value before the activation.
    pub(crate) fn needs_input(self) -> bool {
        matches!(self, Self::Gelu | Self::GeluErf | Self::Silu)
    }

    /// Whether negative inputs are cut off or damped, so that initial weights must be larger (He et al. 2015).
    pub(crate) fn is_rectifier(self) -> bool {
        matches!(self, Self::Relu | Self::LeakyRelu | Self::Elu | Self::Gelu | Self::GeluErf | Self::Silu)
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no activation's.
#[derive(Debug, thiserror::Error)]
#[error("unknown activation {0:?}: it is one of linear, relu, leaky-relu, elu, gelu, gelu-erf, silu, tanh, sigmoid")]
pub struct UnknownActivation(String);

impl FromStr for Activation {
    type Err = UnknownActivation;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|activation| activation.name() == name)
            .ok_or_else(|| UnknownActivation(name.to_owned()))
    }
}

/// One activation's mathematics. `z` is the value before it (equal to `y` where the function does not need it), `y` after.
pub(crate) trait Function {
    fn value(z: f32) -> f32;
    fn slope(z: f32, y: f32) -> f32;
    fn curvature(z: f32, y: f32) -> f32;
}

pub(crate) struct Linear;
pub(crate) struct Relu;
pub(crate) struct LeakyRelu;
pub(crate) struct Elu;
pub(crate) struct Gelu;
pub(crate) struct GeluErf;
pub(crate) struct Silu;
pub(crate) struct Tanh;
pub(crate) struct Sigmoid;

/// The slope of leaky ReLU for negative inputs.
pub(crate) const LEAK: f32 = 0.01;

impl Function for Linear {
    #[inline(always)]
    fn value(z: f32) -> f32 {
        z
    }
    #[inline(always)]
    fn slope(_: f32, _: f32) -> f32 {
        1.0
    }
    #[inline(always)]
    fn curvature(_: f32, _: f32) -> f32 {
        0.0
    }
}

impl Function for Relu {
    #[inline(always)]
    fn value(z: f32) -> f32 {
        if z > 0.0 { z } else { 0.0 }
    }
    #[inline(always)]
    fn slope(_: f32, y: f32) -> f32 {
        if y > 0.0 { 1.0 } else { 0.0 }
    }
    #[inline(always)]
    fn curvature(_: f32, _: f32) -> f32 {
        0.0
    }
}

impl Function for LeakyRelu {
    #[inline(always)]
    fn value(z: f32) -> f32 {
        if z > 0.0 { z } else { LEAK * z }
    }
    #[inline(always)]
    fn slope(_: f32, y: f32) -> f32 {
        if y > 0.0 { 1.0 } else { LEAK }
    }
    #[inline(always)]
    fn curvature(_: f32, _: f32) -> f32 {
        0.0
    }
}

impl Function for Elu {
    #[inline(always)]
    fn value(z: f32) -> f32 {
        if z > 0.0 { z } else { exp(z) - 1.0 }
    }
    #[inline(always)]
    fn slope(_: f32, y: f32) -> f32 {
        if y > 0.0 { 1.0 } else { y + 1.0 }
    }
    #[inline(always)]
    fn curvature(_: f32, y: f32) -> f32 {
        if y > 0.0 { 0.0 } else { y + 1.0 }
    }
}

impl Gelu {
    /// √(2/π), and the weight of the cubic term.
    const C: f32 = 0.797_884_6;
    const A: f32 = 0.044_715;

    #[inline(always)]
    fn inner(z: f32) -> (f32, f32, f32) {
        let square = z * z;
        (
            tanh(Self::C * z * (1.0 + Self::A * square)),
            Self::C * (1.0 + 3.0 * Self::A * square),
            Self::C * 6.0 * Self::A * z,
        )
    }
}

impl Function for Gelu {
    #[inline(always)]
    fn value(z: f32) -> f32 {
        0.5 * z * (1.0 + Self::inner(z).0)
    }
    #[inline(always)]
    fn slope(z: f32, _: f32) -> f32 {
        let (t, du, _) = Self::inner(z);
        0.5 * (1.0 + t) + 0.5 * z * (1.0 - t * t) * du
    }
    #[inline(always)]
    fn curvature(z: f32, _: f32) -> f32 {
        let (t, du, ddu) = Self::inner(z);
        (1.0 - t * t) * (du + 0.5 * z * (ddu - 2.0 * t * du * du))
    }
}

impl GeluErf {
    /// Φ(z) and its slope φ(z).
    #[inline(always)]
    fn normal(z: f32) -> (f32, f32) {
        // 1/√(2π).
        let density = 0.398_942_3 * exp(-0.5 * z * z);
        (normal_below(z), density)
    }
}

impl Function for GeluErf {
    #[inline(always)]
    fn value(z: f32) -> f32 {
        z * normal_below(z)
    }
    #[inline(always)]
    fn slope(z: f32, _: f32) -> f32 {
        let (below, density) = Self::normal(z);
        below + z * density
    }
    #[inline(always)]
    fn curvature(z: f32, _: f32) -> f32 {
        Self::normal(z).1 * (2.0 - z * z)
    }
}

impl Function for Silu {
    #[inline(always)]
    fn value(z: f32) -> f32 {
        z * sigmoid(z)
    }
    #[inline(always)]
    fn slope(z: f32, _: f32) -> f32 {
        let s = sigmoid(z);
        s * (1.0 + z * (1.0 - s))
    }
    #[inline(always)]
    fn curvature(z: f32, _: f32) -> f32 {
        let s = sigmoid(z);
        s * (1.0 - s) * (2.0 + z * (1.0 - 2.0 * s))
    }
}

impl Function for Tanh {
    #[inline(always)]
    fn value(z: f32) -> f32 {
        tanh(z)
    }
    #[inline(always)]
    fn slope(_: f32, y: f32) -> f32 {
        1.0 - y * y
    }
    #[inline(always)]
    fn curvature(_: f32, y: f32) -> f32 {
        -2.0 * y * (1.0 - y * y)
    }
}

impl Function for Sigmoid {
    #[inline(always)]
    fn value(z: f32) -> f32 {
        sigmoid(z)
    }
    #[inline(always)]
    fn slope(_: f32, y: f32) -> f32 {
        y * (1.0 - y)
    }
    #[inline(always)]
    fn curvature(_: f32, y: f32) -> f32 {
        y * (1.0 - y) * (1.0 - 2.0 * y)
    }
}

/// Evaluates `$body` with the type `$F` standing for the mathematics of `$activation`.
macro_rules! with_function {
    ($activation:expr, $F:ident => $body:expr) => {{
        use $crate::network::activation as functions;
        match $activation {
            functions::Activation::Linear => {
                type $F = functions::Linear;
                $body
            }
            functions::Activation::Relu => {
                type $F = functions::Relu;
                $body
            }
            functions::Activation::LeakyRelu => {
                type $F = functions::LeakyRelu;
                $body
            }
            functions::Activation::Elu => {
                type $F = functions::Elu;
                $body
            }
            functions::Activation::Gelu => {
                type $F = functions::Gelu;
                $body
            }
            functions::Activation::GeluErf => {
                type $F = functions::GeluErf;
                $body
            }
            functions::Activation::Silu => {
                type $F = functions::Silu;
                $body
            }
            functions::Activation::Tanh => {
                type $F = functions::Tanh;
                $body
            }
            functions::Activation::Sigmoid => {
                type $F = functions::Sigmoid;
                $body
            }
        }
    }};
}
pub(crate) use with_function;

/// y ← activation(y).
pub(crate) fn apply(activation: Activation, values: &mut [f32]) {
    if activation == Activation::Linear {
        return;
    }
    // By value, as the slices of the pass below: what lies behind a reference keeps loops from vectors.
    with_function!(activation, F => vectorised(#[inline(always)] move || {
        for value in values.iter_mut() {
            *value = F::value(*value);
        }
    }))
}

/// delta ← delta · slope: the error before the activation from the error after it. `z` is read only where the activation
/// [needs it](Activation::needs_input); elsewhere pass `y` again.
pub(crate) fn multiply_by_slope(activation: Activation, z: &[f32], y: &[f32], delta: &mut [f32]) {
    if activation == Activation::Linear {
        return;
    }
    with_function!(activation, F => vectorised(#[inline(always)] move || {
        for ((delta, &z), &y) in delta.iter_mut().zip(z).zip(y) {
            *delta *= F::slope(z, y);
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slope_and_curvature_are_the_derivatives_of_the_value() {
        for activation in Activation::ALL {
            for z in [-3.0f32, -1.2, -0.3, 0.4, 1.1, 2.7] {
                let h = 1e-2f32;
                let (value, slope, curvature) = with_function!(activation, F => {
                    let slope = |z: f32| F::slope(z, F::value(z));
                    ((F::value(z + h) - F::value(z - h)) / (2.0 * h), slope(z), F::curvature(z, F::value(z)))
                });
                assert!((value - slope).abs() < 1e-3, "{activation} at {z}: {value} against {slope}");
                let difference = with_function!(activation, F => {
                    (F::slope(z + h, F::value(z + h)) - F::slope(z - h, F::value(z - h))) / (2.0 * h)
                });
                assert!((difference - curvature).abs() < 1e-3, "{activation} at {z}: {difference} against {curvature}");
            }
        }
    }

    #[test]
    fn every_name_reads_back() {
        for activation in Activation::ALL {
            assert_eq!(activation.to_string().parse::<Activation>().unwrap(), activation);
        }
        assert!("swish".parse::<Activation>().is_err());
    }
}
