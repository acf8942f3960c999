//! What `enkoder compress` and its like are given: samples in memory or arrays that are read in pieces, one by one or several of a file.

use enkoder::codec::{self, Bound, CompressSummary, ElementType, SampleArray, SampleSource};
use enkoder::{Autoencoder, Dataset, Quantity};
use enkoder_data::Arrays;

use crate::failure::Usage;

/// What one compressed file is to hold.
pub struct Collection {
    /// What it is called.
    pub name: String,
    /// At least one.
    pub members: Vec<Compressible>,
    /// What the file is to keep beside the samples, so that they can come back as they were.
    pub description: Vec<u8>,
}

impl From<Compressible> for Collection {
    fn from(mut data: Compressible) -> Self {
        let description = std::mem::take(&mut data.description);
        Self { name: data.name.clone(), members: vec![data], description }
    }
}

impl Collection {
    /// Arrays of one file, each by itself.
    pub fn of(arrays: Vec<Arrays>) -> anyhow::Result<Self> {
        let (description, not_kept) = Arrays::description_of(&arrays.iter().collect::<Vec<_>>())?;
        say_what_is_lost(arrays.first().map_or("", Arrays::name), &not_kept);
        let axes = |arrays: &Arrays| arrays.array().iter().filter(|&&length| length > 1).count();
        let most = arrays.iter().map(axes).max().unwrap_or(0);
        let member = |arrays: Arrays| {
            let packing = arrays.packing();
            let is_float = arrays.element().is_float() || packing.iter().any(|&packing| packing != (1.0, 0.0));
            let is_auxiliary = !is_float || (axes(&arrays) < 2 && most >= 2);
            Compressible { is_auxiliary, ..Compressible::undescribed(arrays) }
        };
        let members: Vec<Compressible> = arrays.into_iter().map(member).collect();
        let all_are = members.iter().all(|member| member.is_auxiliary);
        let members: Vec<_> = members
            .into_iter()
            .map(|member| Compressible { is_auxiliary: member.is_auxiliary && !all_are, ..member })
            .collect();
        Ok(Self { name: members.first().map_or_else(String::new, |member| member.name.clone()), members, description })
    }
}

fn say_what_is_lost(name: &str, not_kept: &[String]) {
    if !not_kept.is_empty() {
        tracing::warn!(
            "of {name} a compressed file does not keep {}; whoever needs them keeps the original",
            not_kept.join("; ")
        );
    }
}

/// Samples to compress.
pub struct Compressible {
    /// What they are called.
    pub name: String,
    samples: Samples,
    /// Whether values belong to columns, each with a range of its own.
    pub is_table: bool,
    /// Whether it is of integers, or small beside others, and no bound is meant for it that does not name it.
    pub is_auxiliary: bool,
    /// For each variable: a stored number `x` means `x · scale + offset`.
    packing: Vec<(f64, f64)>,
    /// What the file is to keep beside the samples, so that they can come back as they were.
    pub description: Vec<u8>,
    /// What the values are, where their file says it.
    pub quantity: Option<Quantity>,
}

/// Where samples are.
enum Samples {
    Arrays(Box<Arrays>),
    Memory(SampleArray),
}

impl Compressible {
    /// Arrays, to be read in pieces.
    pub fn of(arrays: Arrays) -> anyhow::Result<Self> {
        let (description, not_kept) = arrays.description()?;
        say_what_is_lost(arrays.name(), &not_kept);
        Ok(Self { description, ..Self::undescribed(arrays) })
    }

    fn undescribed(arrays: Arrays) -> Self {
        let packing = arrays.packing();
        let mut quantity = arrays.quantity();
        if packing.iter().any(|&packing| packing != (1.0, 0.0)) {
            quantity = quantity.map(|quantity| Quantity { units: Some("as stored".to_owned()), ..quantity });
        }
        Self {
            name: arrays.name().to_owned(),
            packing,
            quantity,
            samples: Samples::Arrays(Box::new(arrays)),
            is_table: false,
            is_auxiliary: false,
            description: Vec::new(),
        }
    }

    /// Samples that are in memory.
    pub fn new(data: &Dataset) -> Self {
        Self {
            name: data.name().to_owned(),
            samples: Samples::Memory(SampleArray::from_dataset(data)),
            is_table: data.schema().is_some(),
            is_auxiliary: false,
            packing: vec![(1.0, 0.0)],
            description: Vec::new(),
            quantity: data.quantity().cloned(),
        }
    }

    /// The samples.
    pub fn source(&mut self) -> &mut dyn codec::SampleSource {
        match &mut self.samples {
            Samples::Arrays(arrays) => &mut **arrays,
            Samples::Memory(samples) => samples,
        }
    }

    fn source_ref(&self) -> &dyn codec::SampleSource {
        match &self.samples {
            Samples::Arrays(arrays) => &**arrays,
            Samples::Memory(samples) => samples,
        }
    }

    /// The arrays that they are cut from, where there are such.
    pub fn arrays(&self) -> Option<&Arrays> {
        if let Samples::Arrays(arrays) = &self.samples { Some(arrays) } else { None }
    }

    /// The names of the variables; none where there is one without a name.
    pub fn variables(&self) -> Vec<String> {
        self.source_ref().layout().variables
    }

    /// The type of the numbers.
    pub fn element(&self) -> ElementType {
        self.source_ref().element()
    }

    /// Whether stored numbers mean others.
    pub fn is_packed(&self) -> bool {
        self.packing.iter().any(|&packing| packing != (1.0, 0.0))
    }

    /// The model for the numbers as they are stored.
    pub fn model(&self, model: Autoencoder) -> anyhow::Result<Autoencoder> {
        Ok(if self.is_packed() { model.for_packed(&self.packing)? } else { model })
    }

    /// A bound in the units of the data as one of stored numbers.
    pub fn bound(&self, bound: Bound) -> anyhow::Result<Bound> {
        let (scale, _) = self.packing[0];
        if matches!(bound, Bound::Absolute(_)) && self.packing.iter().any(|(other, _)| other.abs() != scale.abs()) {
            let why = format!("the variables of {} are packed with different scale factors", self.name);
            return Err(Usage::new(why).with_hint("compress them one at a time, or with a bound of rel:").into());
        }
        Ok(self.bound_of_stored(bound, scale))
    }

    /// The same for bounds of single variables.
    pub fn bounds_of_variables(&self, bounds: &[(String, Bound)]) -> Vec<(String, Bound)> {
        let variables = self.variables();
        let stored = |(variable, bound): &(String, Bound)| {
            let number = variables.iter().position(|name| name == variable);
            let packing = number.and_then(|number| self.packing.get(number));
            let scale = packing.map_or(1.0, |&(scale, _)| scale);
            (variable.clone(), self.bound_of_stored(*bound, scale))
        };
        bounds.iter().map(stored).collect()
    }

    /// A bound on numbers that are stored, of which each counts `scale` in the units of the data.
    fn bound_of_stored(&self, bound: Bound, scale: f64) -> Bound {
        match bound {
            Bound::Absolute(most) => Bound::Absolute(most / scale.abs()),
            other => other,
        }
    }

    /// What was measured in stored numbers, in the units of the data.
    pub fn in_its_units(&self, mut summary: CompressSummary) -> CompressSummary {
        let scale = self.packing.iter().map(|(scale, _)| scale.abs()).fold(0.0, f64::max);
        summary.range *= scale;
        summary.largest_error *= scale;
        summary.mean_squared_error *= scale * scale;
        summary
    }

    /// Bytes of one sample.
    pub fn sample_bytes(&self) -> u64 {
        let source = self.source_ref();
        (source.shape().iter().product::<usize>() * source.element().bytes()) as u64
    }

    /// Bytes of all samples.
    pub fn bytes(&self) -> u64 {
        self.source_ref().samples() * self.sample_bytes()
    }
}
