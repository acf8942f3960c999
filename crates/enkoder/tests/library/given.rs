//! Samples as a reader hands them out: numbers, and what it knows of them.

use enkoder::codec::{Element, ElementType, Layout, SampleArray, SampleSource};

#[derive(Clone)]
pub struct Given {
    pub samples: SampleArray,
    pub layout: Layout,
    /// Numbers that stand for a missing value.
    pub missing: Vec<f64>,
    /// Of each variable alike: the limits of its values, and what its numbers mean.
    pub valid: Option<(f64, f64)>,
    pub packing: (f64, f64),
}

impl Given {
    pub fn new(samples: SampleArray) -> Self {
        Self { samples, layout: Layout::default(), missing: Vec::new(), valid: None, packing: (1.0, 0.0) }
    }

    pub fn of<T: Element>(shape: impl Into<Vec<usize>>, values: &[T]) -> Self {
        Self::new(SampleArray::from_values(shape, values).unwrap())
    }

    fn of_each<T: Clone>(&self, variable: T) -> Vec<T> {
        vec![variable; self.layout.variables.len().max(1)]
    }
}

impl SampleSource for Given {
    fn element(&self) -> ElementType {
        self.samples.element()
    }

    fn shape(&self) -> &[usize] {
        self.samples.shape()
    }

    fn samples(&self) -> u64 {
        self.samples.len() as u64
    }

    fn layout(&self) -> Layout {
        self.layout.clone()
    }

    fn missing(&self) -> Vec<f64> {
        self.missing.clone()
    }

    fn valid(&self) -> Vec<Option<(f64, f64)>> {
        self.of_each(self.valid)
    }

    fn packing(&self) -> Vec<(f64, f64)> {
        self.of_each(self.packing)
    }

    fn read(&mut self, first: u64, count: usize) -> std::io::Result<Vec<u8>> {
        SampleSource::read(&mut self.samples, first, count)
    }
}
