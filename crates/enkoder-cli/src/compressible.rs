//! What `enkoder compress` and its like are given: samples in memory or arrays that are read in pieces, one by one or several of a file.

use enkoder::codec::{self, Bound, CompressSummary, ElementType, MAX_DIMENSIONS, SampleArray, SampleSource};
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
            "the compressed file does not hold all of {name}. It leaves out {}. Keep the original if you need that",
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

    /// The same of pictures: values of 16 bits, which a data set has as 32-bit numbers, are what they were in their files.
    pub fn of_pictures(data: &Dataset) -> anyhow::Result<Self> {
        let mut bytes = Vec::new();
        for index in 0..data.len() {
            let Some(row) = data.row_f32(index) else { return Ok(Self::new(data)) };
            if !row.iter().all(|&value| value.fract() == 0.0 && (0.0..=65_535.0).contains(&value)) {
                return Ok(Self::new(data));
            }
            bytes.extend(row.iter().flat_map(|&value| (value as u16).to_le_bytes()));
        }
        let samples = SampleArray::from_bytes(ElementType::U16, data.shape(), bytes)?;
        Ok(Self { samples: Samples::Memory(samples), ..Self::new(data) })
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

    /// Refuses arrays of more axes than a file holds.
    pub fn check_shape(&self) -> Result<(), Usage> {
        let source = self.source_ref();
        let axes = source.shape().len().max(source.layout().array.len());
        if axes <= MAX_DIMENSIONS {
            return Ok(());
        }
        let why = format!("{} has {axes} axes, and a compressed file holds at most {MAX_DIMENSIONS}", self.called());
        Err(Usage::new(why).with_hint("choose the other variables with --variable"))
    }

    /// Refuses a bound by significant digits of integers, which have none.
    pub fn check_type(&self, bound: Bound, is_own: bool) -> Result<(), Usage> {
        let by_digits = matches!(bound, Bound::Pointwise(_) | Bound::SignificantBits(_));
        if !by_digits || self.element().is_float() {
            return Ok(());
        }
        let why = format!("{bound} is for floating-point values, but {} holds {}", self.called(), self.element());
        let names = self.variables();
        let own = |bound| names.iter().map(|name| format!("{name}={bound}")).collect::<Vec<_>>().join(",");
        Err(Usage::new(why).with_hint(match (names.is_empty(), is_own) {
            (true, _) => "use abs:, rel: or lossless".to_owned(),
            (false, true) => format!("write {} or {}", own("abs:NUMBER"), own("lossless")),
            (false, false) => format!("give it a bound of its own: --bound {},{bound}", own("abs:NUMBER")),
        }))
    }

    /// Its variables, or its name where they have none.
    fn called(&self) -> String {
        let names = self.variables();
        if names.is_empty() { self.name.clone() } else { names.join(", ") }
    }

    /// A bound in the units of the data as one of stored numbers.
    pub fn bound(&self, bound: Bound) -> anyhow::Result<Bound> {
        let (scale, _) = self.packing[0];
        if matches!(bound, Bound::Absolute(_)) && self.packing.iter().any(|(other, _)| other.abs() != scale.abs()) {
            let why = format!("the variables of {} are packed with different scale factors", self.name);
            return Err(Usage::new(why).with_hint("compress them one at a time, or with a bound of rel:").into());
        }
        let stored = self.bound_of_stored(bound, scale);
        if stored == Bound::Absolute(f64::INFINITY) {
            let why = format!("{bound} is more than every value of {}, whose scale_factor is {scale:e}", self.called());
            return Err(Usage::new(why)
                .with_hint(format!("give it a bound of its own: --bound {}=lossless,{bound}", self.called()))
                .into());
        }
        Ok(stored)
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
            Bound::Absolute(most) => match most / scale.abs() {
                most if most > 0.0 => Bound::Absolute(most),
                _ => Bound::Lossless,
            },
            other => other,
        }
    }

    /// What was measured in stored numbers, in the units of the data.
    pub fn in_its_units(&self, mut summary: CompressSummary) -> CompressSummary {
        let scale = self.packing.iter().map(|(scale, _)| scale.abs()).fold(0.0, f64::max);
        summary.range *= scale;
        summary.largest_error *= scale;
        // The square of a scale may be more than a number holds.
        summary.mean_squared_error = (summary.mean_squared_error.sqrt() * scale).powi(2);
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
