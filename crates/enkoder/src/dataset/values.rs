//! Where the values of a data set lie: in memory that it owns or shares, row after row, or in images that patches are cut from.

use std::fmt;
use std::sync::Arc;

use ndarray::ArcArray2;

use super::Dataset;
use super::patches::Patches;

/// Values that lie row after row, and whoever owns them.
type Memory<T> = Arc<dyn AsRef<[T]> + Send + Sync>;

/// The values of all samples, selected or not.
#[derive(Clone)]
pub(super) enum Values {
    U8(Memory<u8>),
    F32(Memory<f32>),
    Patches(Arc<Patches>),
}

mod sealed {
    use super::{Memory, Values};

    pub trait Value: Clone + Send + Sync + 'static {
        #[expect(private_interfaces)]
        fn values(memory: Memory<Self>) -> Values;
    }
}

/// A type of values that a [`Dataset`] holds: u8 and f32. No others can be added.
pub trait DatasetValue: sealed::Value {}

macro_rules! value {
    ($type:ty, $variant:ident) => {
        impl sealed::Value for $type {
            #[expect(private_interfaces)]
            fn values(memory: Memory<Self>) -> Values {
                Values::$variant(memory)
            }
        }

        impl DatasetValue for $type {}
    };
}

value!(u8, U8);
value!(f32, F32);

/// An array that lies row after row.
struct ByRows<T>(ArcArray2<T>);

impl<T> AsRef<[T]> for ByRows<T> {
    fn as_ref(&self) -> &[T] {
        self.0.as_slice().unwrap_or_default()
    }
}

impl Values {
    pub(super) fn of_owner<T: DatasetValue>(owner: impl AsRef<[T]> + Send + Sync + 'static) -> Self {
        T::values(Arc::new(owner))
    }

    /// Without a copy where the array already lies row after row.
    pub(super) fn of_array<T: DatasetValue>(array: ArcArray2<T>) -> Self {
        let by_rows = array.is_standard_layout();
        Self::of_owner(ByRows(if by_rows { array } else { array.as_standard_layout().into_owned().into_shared() }))
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::U8(values) => write!(f, "{} bytes", (**values).as_ref().len()),
            Self::F32(values) => write!(f, "{} numbers", (**values).as_ref().len()),
            Self::Patches(patches) => patches.fmt(f),
        }
    }
}

impl Dataset {
    /// Sample `index` as it is stored.
    pub(super) fn stored<'a, T>(&self, values: &'a Memory<T>, index: usize) -> &'a [T] {
        let start = self.rows[index] as usize * self.features;
        &(**values).as_ref()[start..start + self.features]
    }

    /// The samples there are, selected or not.
    pub(super) fn stored_samples(&self) -> usize {
        let values = match &self.values {
            Values::U8(values) => (**values).as_ref().len(),
            Values::F32(values) => (**values).as_ref().len(),
            Values::Patches(patches) => return patches.len(),
        };
        values.checked_div(self.features).unwrap_or(self.rows.len())
    }
}
