//! A number for each axis of an image: one for both, or one for height and one for width.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A number of pixels for height and one for width; in files and layers one number where both are the same, else `[height, width]`.
///
/// ```
/// use enkoder::PerAxis;
///
/// assert_eq!(PerAxis::from(3).to_string(), "3×3");
/// assert_eq!(PerAxis::from([5, 1]).height, 5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "OneOrTwo", into = "OneOrTwo")]
pub struct PerAxis {
    /// Along the height, from row to row.
    pub height: usize,
    /// Along the width, from column to column.
    pub width: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "a number, or two for height and width")]
enum OneOrTwo {
    One(usize),
    Two([usize; 2]),
}

impl PerAxis {
    /// 1 along both axes.
    pub(crate) const ONE: Self = Self { height: 1, width: 1 };

    pub(crate) fn one() -> Self {
        Self::ONE
    }

    /// Both numbers changed by `change`.
    pub(crate) fn map(self, change: impl Fn(usize) -> usize) -> Self {
        Self { height: change(self.height), width: change(self.width) }
    }

    /// Both numbers of this with those of another.
    pub(crate) fn zip_with(self, other: Self, join: impl Fn(usize, usize) -> usize) -> Self {
        Self { height: join(self.height, other.height), width: join(self.width, other.width) }
    }

    /// Height × width, or as much as a number can say.
    pub(crate) fn area(self) -> usize {
        self.height.saturating_mul(self.width)
    }

    pub(crate) fn is_one(&self) -> bool {
        *self == Self::ONE
    }
}

impl From<usize> for PerAxis {
    fn from(both: usize) -> Self {
        Self { height: both, width: both }
    }
}

impl From<[usize; 2]> for PerAxis {
    fn from([height, width]: [usize; 2]) -> Self {
        Self { height, width }
    }
}

impl From<OneOrTwo> for PerAxis {
    fn from(numbers: OneOrTwo) -> Self {
        match numbers {
            OneOrTwo::One(both) => both.into(),
            OneOrTwo::Two(each) => each.into(),
        }
    }
}

impl From<PerAxis> for OneOrTwo {
    fn from(PerAxis { height, width }: PerAxis) -> Self {
        if height == width { Self::One(height) } else { Self::Two([height, width]) }
    }
}

impl fmt::Display for PerAxis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.height, self.width)
    }
}
