//! Pictures, masks, drawings and other arrays of bytes without loss. Each byte is coded as bits, by what many contexts say of it
//! (values around, the picture before, its place): `docs/enk-format.md`, *Rasters*. Slow, and the fewest bytes for what is drawn.

mod calm;
mod classes;
mod contexts;
mod network;
mod surroundings;

use super::bytes::{Reader, put_unsigned};
use super::entropy::{Coder, Corrupt, Decoder, Encoder, Estimator};
use super::error::CodecError;
use crate::network::vectorised::vectorised;
use calm::Calms;
use classes::{Classes, MOST_SINGLE};
use contexts::{CORRECTIONS_OF_FEW, CORRECTIONS_OF_MANY, FEW, LAST, MANY, SETS_OF_FEW, SETS_OF_MANY};
use network::{Network, Seen, Sizes};
use surroundings::Surroundings;

/// Channels of a place at most.
const MOST_CHANNELS: usize = 4;
/// Fewer columns are no picture: what lies around it would be larger.
const LEAST_COLUMNS: usize = 4;
/// Kinds of bits: one for each value told apart first, and eight depths of the tree of the others.
const KINDS: usize = MOST_SINGLE + 8;
/// The least and the most groups of slots of a context, as powers of two.
const GROUPS: [u32; 2] = [8, 16];

/// Values of a part on which contexts are tried first.
const TRIED: usize = 1 << 16;
/// More has been learned at the end of an array than of a part of it.
const DOUBTFUL: f64 = 1.15;

/// How values in a row are pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Raster {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) channels: usize,
}

impl Raster {
    /// As the last axes of a shape say; none where there is no picture.
    pub(super) fn of(shape: &[usize]) -> Option<Self> {
        let (channels, shape) = match shape {
            [outer @ .., last] if outer.len() >= 2 && *last <= MOST_CHANNELS => (*last, outer),
            shape => (1, shape),
        };
        let (rows, columns) = match shape {
            [.., rows, columns] => (*rows, *columns),
            [columns] => (1, *columns),
            [] => return None,
        };
        Self { rows, columns, channels }.checked(shape.iter().product::<usize>() * channels)
    }

    /// Whether most values are like those to the left and above, so that few cost more than a moment.
    fn is_drawn(self, values: &[u8]) -> bool {
        let (back, row) = (self.channels, self.columns * self.channels);
        let alike = (row..values.len()).filter(|&at| values[at] == values[at - back] && values[at] == values[at - row]);
        alike.count() >= values.len() / 8 * 7
    }

    /// What lies in the middle of pictures, at most about [`TRIED`] values, and its shape: whole pictures, or rows of one that is large.
    fn middle(self, values: &[u8]) -> (&[u8], Vec<usize>) {
        let row = vec![self.columns, self.channels];
        let (unit, inner) = match self.values() {
            picture if 2 * picture <= TRIED => (picture, [vec![self.rows], row].concat()),
            _ => (self.columns * self.channels, row),
        };
        let units = values.len() / unit;
        let count = (TRIED / unit).clamp(1, units);
        let first = (units - count) / 2 * unit;
        let lengths = [vec![count], inner].concat();
        (&values[first..first + count * unit], lengths.into_iter().filter(|&length| length > 1).collect())
    }

    /// Values of a picture.
    fn values(self) -> usize {
        self.rows * self.columns * self.channels
    }

    fn checked(self, count: usize) -> Option<Self> {
        let picture = self.rows.checked_mul(self.columns)?.checked_mul(self.channels)?;
        let is_right = picture > 0
            && count > 0
            && count.is_multiple_of(picture)
            && self.channels <= MOST_CHANNELS
            && self.columns >= LEAST_COLUMNS;
        is_right.then_some(self)
    }
}

/// How many contexts there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contexts {
    Few,
    Many,
}

/// What a reader must know first.
struct Head {
    contexts: Contexts,
    raster: Raster,
    classes: Classes,
}

/// The two streams of bytes that are pictures; none where they are none.
pub(crate) fn encode(values: &[u8], shape: &[usize], contexts: Contexts) -> Option<[Vec<u8>; 2]> {
    let head = Head { contexts, raster: Raster::of(shape)?, classes: Classes::of(values) };
    let mut tail = Encoder::new();
    // Coding only fails for what an arithmetic coder cannot represent, and the probabilities are kept away from that.
    code(&mut tail, &head, &mut values.to_vec()).expect("every bit has a probability");
    Some([head.to_bytes(), tail.into_bytes()])
}

/// About the bytes that they take; none where they are no pictures.
pub(crate) fn size(values: &[u8], shape: &[usize], contexts: Contexts) -> Option<f64> {
    let head = Head { contexts, raster: Raster::of(shape)?, classes: Classes::of(values) };
    let mut tail = Estimator::new();
    code(&mut tail, &head, &mut values.to_vec()).ok()?;
    Some(tail.bits() / 8.0 + head.to_bytes().len() as f64)
}

/// The two streams of bytes that are pictures, where they are fewer than `most` bytes, and by as much as the time is worth that an
/// effort spares.
pub(crate) fn fewer(values: &[u8], shape: &[usize], effort: u8, most: usize) -> Option<[Vec<u8>; 2]> {
    let raster = Raster::of(shape)?;
    let (ways, worth) = match effort {
        // Of what is small, many learn too little.
        7.. if values.len() <= TRIED => (&[Contexts::Few, Contexts::Many][..], 1.0),
        7.. => (&[Contexts::Many][..], 1.0),
        6 => (&[Contexts::Few][..], 0.95),
        3..6 if raster.is_drawn(values) => (&[Contexts::Few][..], 0.9),
        _ => return None,
    };
    let most = most as f64 * worth;
    let (part, part_shape) = raster.middle(values);
    let hopeful = DOUBTFUL * most * (part.len() as f64 / values.len() as f64);
    let is_hopeful =
        |contexts| part.len() == values.len() || size(part, &part_shape, contexts).is_some_and(|size| size <= hopeful);
    let ways = ways.iter().filter(|&&contexts| is_hopeful(contexts));
    let streams = ways.filter_map(|&contexts| encode(values, shape, contexts));
    let bytes = |[head, tail]: &[Vec<u8>; 2]| head.len() + tail.len();
    streams.min_by_key(bytes).filter(|streams| (bytes(streams) as f64) < most)
}

/// So many bytes from two streams, which may be anything.
pub(crate) fn decode([head, tail]: [&[u8]; 2], count: usize) -> Result<Vec<u8>, Corrupt> {
    let head = Head::read(head, count).map_err(|_| Corrupt)?;
    let mut values = vec![0; count];
    code(&mut Decoder::new(tail), &head, &mut values)?;
    Ok(values)
}

impl Head {
    fn to_bytes(&self) -> Vec<u8> {
        let Raster { rows, columns, channels } = self.raster;
        let mut bytes = vec![u8::from(self.contexts == Contexts::Many), channels as u8];
        put_unsigned(&mut bytes, columns as u64);
        put_unsigned(&mut bytes, rows as u64);
        bytes.push(self.classes.single.len() as u8);
        bytes.extend(&self.classes.single);
        bytes.extend(self.classes.cuts);
        bytes
    }

    fn read(bytes: &[u8], count: usize) -> Result<Self, CodecError> {
        let mut reader = Reader::new(bytes, 0);
        let contexts = match reader.u8("how many contexts")? {
            0 => Contexts::Few,
            1 => Contexts::Many,
            _ => return Err(reader.damaged("contexts of another kind")),
        };
        let channels = usize::from(reader.u8("the channels")?);
        let columns = reader.up_to(count, "the columns")?;
        let rows = reader.up_to(count, "the rows")?;
        let raster = Raster { rows, columns, channels }.checked(count);
        let raster = raster.ok_or_else(|| reader.damaged("pictures that do not fill the array"))?;
        let single = usize::from(reader.u8("the values told apart")?);
        if single > MOST_SINGLE {
            return Err(reader.damaged(format!("{single} values told apart first")));
        }
        let single = reader.take(single, "the values told apart")?.to_vec();
        let cuts = reader.array("the classes")?;
        reader.finish("a raster")?;
        Ok(Self { contexts, raster, classes: Classes { cuts, single } })
    }
}

/// Codes all values; a reader fills them.
fn code<C: Coder>(coder: &mut C, head: &Head, values: &mut [u8]) -> Result<(), Corrupt> {
    let groups = (values.len().max(1).ilog2() + 2).clamp(GROUPS[0], GROUPS[1]);
    match head.contexts {
        Contexts::Few => {
            let sizes = Sizes { slots: groups, sets: SETS_OF_FEW, last: LAST, corrections: CORRECTIONS_OF_FEW };
            code_by::<C, FEW, { 2 * FEW }, 2, false>(coder, head, values, sizes, contexts::few)
        }
        Contexts::Many => {
            let sizes = Sizes { slots: groups, sets: SETS_OF_MANY, last: LAST, corrections: CORRECTIONS_OF_MANY };
            code_by::<C, MANY, { (2 * MANY).next_multiple_of(8) }, 4, true>(coder, head, values, sizes, contexts::many)
        }
    }
}

fn code_by<C: Coder, const CONTEXTS: usize, const INPUTS: usize, const SETS: usize, const ALL: bool>(
    coder: &mut C,
    head: &Head,
    values: &mut [u8],
    sizes: Sizes<SETS>,
    see: impl Fn(&Surroundings<ALL>) -> Seen<CONTEXTS, SETS>,
) -> Result<(), Corrupt> {
    let mut network = Network::<CONTEXTS, INPUTS, SETS>::new(KINDS, sizes);
    let mut surroundings = Surroundings::<ALL>::new(head.raster, &head.classes);
    let mut calms = Calms::new(head.raster.values());
    vectorised(
        #[inline(always)]
        || {
            for value in values {
                *value = match surroundings.calm() {
                    Some(calm) if calms.code(coder, calm, *value)? => calm.value,
                    _ => code_value(&mut network, coder, &see(&surroundings), &head.classes.single, *value)?,
                };
                surroundings.put(*value);
            }
            Ok(())
        },
    )
}

/// A value as bits: whether it is each of those told apart, and which of all.
#[inline(always)]
fn code_value<C: Coder, const CONTEXTS: usize, const INPUTS: usize, const SETS: usize>(
    network: &mut Network<CONTEXTS, INPUTS, SETS>,
    coder: &mut C,
    seen: &Seen<CONTEXTS, SETS>,
    single: &[u8],
    value: u8,
) -> Result<u8, Corrupt> {
    network.turn(seen, 0);
    for (kind, &known) in single.iter().enumerate() {
        if network.code(coder, seen, (kind, kind), value == known)? {
            return Ok(known);
        }
    }
    // The bits before, behind a 1; three at a time lie together.
    let mut node = 1u32;
    for depths in [0..3, 3..6, 6..8] {
        network.turn(seen, node);
        let mut number = 1;
        for depth in depths {
            let set = network.code(coder, seen, (MOST_SINGLE + depth, number), value >> (7 - depth) & 1 == 1)?;
            number = number << 1 | usize::from(set);
            node = node << 1 | u32::from(set);
        }
    }
    Ok(node as u8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOTH: [Contexts; 2] = [Contexts::Few, Contexts::Many];

    /// Values of one kind of array: all alike, a mask, few kinds, steps that grow, any.
    fn values(kind: usize, any: &[u8]) -> Vec<u8> {
        let steps = any.iter().scan(0u8, |sum, &value| {
            *sum = sum.wrapping_add(value & 3);
            Some(*sum)
        });
        match kind {
            0 => vec![any[0]; any.len()],
            1 => any.iter().map(|&value| u8::from(value > 200)).collect(),
            2 => any.iter().map(|&value| [0, 255, 254, 7][usize::from(value) % 4]).collect(),
            3 => steps.collect(),
            _ => any.to_vec(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_pictures_come_back(
            (shape, any) in prop::collection::vec(1usize..9, 1..5).prop_flat_map(|shape| {
                let count = shape.iter().product::<usize>();
                (Just(shape), prop::collection::vec(any::<u8>(), count))
            }),
            kind in 0usize..5,
        ) {
            let values = values(kind, &any);
            for contexts in BOTH {
                let Some([head, tail]) = encode(&values, &shape, contexts) else {
                    prop_assert!(Raster::of(&shape).is_none());
                    continue;
                };
                prop_assert_eq!(decode([&head, &tail], values.len()).unwrap(), values.clone());
                prop_assert!(decode([&head, &tail], values.len() + 1).is_err());
            }
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(
            head: Vec<u8>, tail: Vec<u8>, many in 0u8..3, channels in 0u8..6, columns in 0u8..20, rows in 0u8..20,
            single in 0u8..5, rest in prop::collection::vec(any::<u8>(), 10..16),
        ) {
            let _ = decode([&head, &tail], 60);
            let head = [&[many, channels, columns, rows, single][..], &rest].concat();
            let _ = decode([&head, &tail], 60);
        }
    }

    #[test]
    fn pictures_that_there_cannot_be_are_refused() {
        let right = Head {
            contexts: Contexts::Many,
            raster: Raster { rows: 3, columns: 5, channels: 4 },
            classes: Classes::of(&[1, 2, 2, 3, 3, 3]),
        };
        assert!(decode([&right.to_bytes(), &[]], 60).is_ok());
        for raster in [
            Raster { rows: 0, columns: 5, channels: 4 },
            Raster { rows: 7, columns: 5, channels: 4 },
            Raster { rows: 3, columns: 4, channels: 5 },
            Raster { rows: 20, columns: 3, channels: 1 },
            Raster { rows: 3, columns: 5, channels: 0 },
        ] {
            let head = Head { raster, classes: right.classes.clone(), ..right };
            assert!(decode([&head.to_bytes(), &[]], 60).is_err(), "{raster:?}");
        }
    }

    #[test]
    fn noise_costs_nothing_and_what_is_alike_next_to_nothing() {
        let mut state = 1u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        let noise: Vec<u8> = (0..20_000).map(|_| noise()).collect();
        assert!(fewer(&noise, &[2, 100, 100], 9, noise.len()).is_none());
        let [head, tail] = fewer(&vec![7; 1 << 18], &[1 << 6, 1 << 6, 1 << 6], 9, 1000).unwrap();
        assert!(head.len() + tail.len() < 60, "{} bytes", head.len() + tail.len());
    }
}
