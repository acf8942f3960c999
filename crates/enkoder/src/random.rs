//! Seeded random streams. Every use draws from a stream of its own, addressed by purpose and index, so that no draw depends
//! on how many were made before it: that is what makes resuming and any number of threads give the same bits.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What a stream of random numbers is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Purpose {
    /// Which samples go to validation.
    Split = 1,
    /// Initial weights; indexed by layer.
    Weights = 2,
    /// The order of the samples; indexed by epoch.
    Shuffle = 3,
    /// Corruption of the inputs; indexed by epoch and position in its order, so that it belongs to the sample alone.
    Corruption = 4,
    /// Directions in which a contractive penalty is probed; indexed likewise.
    Probe = 5,
    /// The first directions of a subspace iteration.
    Subspace = 6,
    /// Where patches are cut; indexed by patch.
    Patch = 7,
    /// Noise that is put on whole pictures; indexed by picture.
    Noise = 8,
    /// Which samples are looked at besides, of more than memory holds.
    Sample = 9,
    /// The order of blocks of samples; indexed by epoch.
    Blocks = 10,
}

/// The random stream of `seed` for one `purpose` and `index` (below 2⁵⁶).
pub(crate) fn stream(seed: u64, purpose: Purpose, index: u64) -> ChaCha8Rng {
    debug_assert!(index < 1 << 56);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((purpose as u64) << 56 | index);
    rng
}
