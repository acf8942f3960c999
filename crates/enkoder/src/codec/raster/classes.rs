//! Which bytes count as alike: by how often they occur in the array, so that any kind of picture is told apart as finely.

/// Values that have a bit of their own at most.
pub(super) const MOST_SINGLE: usize = 3;
/// A value has a bit of its own if it is at least this part of all.
const OFTEN: usize = 32;

/// Bytes in two, four and eight classes by their size, and those that are told apart first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Classes {
    /// The first bytes of all classes but the first.
    pub(super) cuts: [u8; 11],
    pub(super) single: Vec<u8>,
}

/// The places of the cuts into so many classes.
const WAYS: [std::ops::Range<usize>; 3] = [0..1, 1..4, 4..11];

impl Classes {
    pub(super) fn of(values: &[u8]) -> Self {
        let mut counts = [0usize; 256];
        values.iter().for_each(|&value| counts[usize::from(value)] += 1);
        let mut by_count: Vec<u8> =
            (0..=255).filter(|&value| counts[usize::from(value)] * OFTEN > values.len()).collect();
        by_count.sort_by_key(|&value| std::cmp::Reverse(counts[usize::from(value)]));
        by_count.truncate(MOST_SINGLE);
        let mut cuts = [255; 11];
        for way in WAYS {
            let found = cut(&counts, way.len());
            cuts[way][..found.len()].copy_from_slice(&found);
        }
        Self { cuts, single: by_count }
    }

    /// The class of each byte, of two, four and eight.
    pub(super) fn tables(&self) -> [[u8; 256]; 3] {
        WAYS.map(|way| {
            std::array::from_fn(|value| {
                self.cuts[way.clone()].iter().filter(|&&cut| value >= usize::from(cut)).count() as u8
            })
        })
    }
}

/// Cuts counts so often: always the largest class, as near to its middle as can be.
fn cut(counts: &[usize; 256], times: usize) -> Vec<u8> {
    let mut starts = vec![0usize];
    for _ in 0..times {
        let end = |index: usize| starts.get(index + 1).copied().unwrap_or(256);
        let of_class = |index: usize| {
            let (start, end) = (starts[index], end(index));
            let all: usize = counts[start..end].iter().sum();
            let mut below = 0;
            let cut = (start + 1..end).map(|at| {
                below += counts[at - 1];
                (below.abs_diff(all - below), at, below > 0 && below < all)
            });
            cut.filter(|cut| cut.2).min().map(|(_, at, _)| (all, at))
        };
        let Some((_, at)) = (0..starts.len()).filter_map(of_class).max_by_key(|cut| cut.0) else { break };
        starts.push(at);
        starts.sort_unstable();
    }
    starts[1..].iter().map(|&start| start as u8).collect()
}
