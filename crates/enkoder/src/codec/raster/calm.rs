//! Values whose neighbours are all alike: most of a drawing. Whether such a value is like them is one bit, told by few numbers, and
//! nothing is mixed.

use super::super::entropy::{Bit, Coder, Corrupt, WINDOW};

/// Places that are told apart, and kinds of what lies further around.
const PLACES: usize = 1 << 16;
pub(super) const KINDS: usize = 1 << 8;
/// How much a place that is new believes in what holds for all.
const BELIEF: u32 = 4;

/// A value among others that are all alike.
#[derive(Clone, Copy)]
pub(super) struct Calm {
    /// The others.
    pub(super) value: u8,
    /// The number of the value in its picture.
    pub(super) place: usize,
    /// What lies further around.
    pub(super) kind: usize,
}

/// How often such values were like the others: at their place, and in all places with the same around.
pub(super) struct Calms {
    places: Vec<Option<Bit>>,
    kinds: [Bit; KINDS],
}

impl Calms {
    /// Of pictures of so many values.
    pub(super) fn new(values: usize) -> Self {
        Self { places: vec![None; values.min(PLACES)], kinds: [Bit::EVEN; KINDS] }
    }

    /// Codes whether a value is like the others.
    #[inline(always)]
    pub(super) fn code(&mut self, coder: &mut impl Coder, calm: Calm, value: u8) -> Result<bool, Corrupt> {
        let of_kind = &mut self.kinds[calm.kind];
        let of_place = self.places[calm.place % PLACES].get_or_insert(Bit::expecting(of_kind.probability(), BELIEF));
        let is_like = coder.bit(of_place, value == calm.value)?;
        of_kind.learn(is_like, WINDOW);
        Ok(is_like)
    }
}
