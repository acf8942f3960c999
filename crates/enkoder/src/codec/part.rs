//! The array of one variable in a block, as files of version 4 have it: its values as they are, a field, a raster, or one of these for each region. A
//! region is an array of its own: the box around its cells, in which all other cells have one value that the data does not have.

use std::borrow::Cow;
use std::ops::Range;

use super::bytes::{Reader, put_unsigned};
use super::element::{Element, ElementType, with_element};
use super::entropy::Corrupt;
use super::error::CodecError;
use super::field::{self, Field, Mean, Scale, lattice};
use super::kept::Demand;
use super::limits::{Limits, bits};
use super::missing::Found;
use super::quantiser::Quantiser;
use super::raster;
use super::region::{Exact, MAX_REGIONS};

/// What the first byte of a part says.
const FIELD: u8 = 0;
const STORED: u8 = 1;
const REGIONS: u8 = 2;
const RASTER: u8 = 3;
const OVER_MEAN: u8 = 4;
/// Added to it where limits follow.
const LIMITED: u8 = 16;

/// Where more than one of so many places must be put right, it is tried whether keeping every bit takes fewer bytes.
const MANY_PLACES: usize = 64;

/// The two streams of an array: what predicts it, and what that misses.
pub(crate) type Streams = [Vec<u8>; 2];

/// How an array is to be coded.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) demand: &'a Demand,
    /// The steps to try for each region.
    pub(crate) scales: &'a [Vec<Scale>],
    /// The region of each value; empty where there are none.
    pub(crate) regions: &'a [u8],
    pub(crate) effort: u8,
}

/// How an array is predicted.
pub(crate) enum Way {
    Field(Field),
    Raster,
    /// Values are stored as they are.
    Stored,
}

/// An array, or a region of it.
pub(crate) struct Coded {
    /// The number of its region among those of the array; none where it is all of it.
    pub(crate) region: Option<u8>,
    pub(crate) way: Way,
    pub(crate) bytes: [usize; 2],
}

/// The streams of an array, and what they decode to, which is what is asked for.
pub(crate) fn encode<T: Element>(values: &[T], shape: &[usize], request: &Request<'_>) -> (Streams, Vec<T>) {
    let (mut best, places) = attempt(values, shape, request);
    let exactly = vec![vec![Scale::Free(Quantiser::Exact)]; request.scales.len()];
    if places > values.len() / MANY_PLACES && request.scales != exactly {
        let (other, _) = attempt(values, shape, &Request { scales: &exactly, ..*request });
        if bytes(&other.0) < bytes(&best.0) {
            best = other;
        }
    }
    if bytes(&best.0) > values.len() * T::TYPE.bytes() + 1 { stored(values) } else { best }
}

/// An array by the steps of a request, put right wherever it does not decode to what is asked for; and in how many places.
fn attempt<T: Element>(values: &[T], shape: &[usize], request: &Request<'_>) -> ((Streams, Vec<T>), usize) {
    let (single, several_times): (Vec<Found>, Vec<Found>) =
        request.demand.missing.among(values).into_iter().partition(|found| found.count == 1);
    let missing: Vec<u64> = several_times.iter().map(|found| found.bits).collect();
    // A place costs less than a mask, and nothing is to be predicted from what is no value.
    let mut seen = Cow::Borrowed(values);
    if request.scales.iter().flatten().any(|scale| !scale.is_exact()) {
        for Found { first, .. } in single {
            let beside = first.checked_sub(1).unwrap_or((first + 1).min(values.len() - 1));
            seen.to_mut()[first] = seen[beside];
        }
    }
    let first = request.regions.first().copied().unwrap_or(0);
    let (mut streams, mut decoded) = if request.regions.iter().all(|&region| region == first) {
        one(&seen, shape, (request, first), &missing)
    } else {
        several(&seen, shape, request, &missing)
    };
    let limits = Limits::of(values, &mut decoded, request);
    if limits.do_anything() {
        streams[0][0] |= LIMITED;
        streams[0].splice(1..1, limits.to_bytes());
    }
    ((streams, decoded), limits.places.len())
}

/// An array whose values are stored as they are.
fn stored<T: Element>(values: &[T]) -> (Streams, Vec<T>) {
    ([vec![STORED], T::to_le(values)], values.to_vec())
}

fn bytes([head, tail]: &Streams) -> usize {
    head.len() + tail.len()
}

/// The array of two streams, which may be anything.
pub(crate) fn decode<T: Element>(streams: [&[u8]; 2], shape: &[usize]) -> Result<Vec<T>, Corrupt> {
    let mut head = Reader::new(streams[0], 0);
    let kind = head.u8("a kind").map_err(|_| Corrupt)?;
    let limits = if kind & LIMITED > 0 { Some(Limits::<T>::read(&mut head, shape)?) } else { None };
    let mut values = if kind & !LIMITED == REGIONS {
        let mut values = vec![T::from_bits(0); shape.iter().product()];
        let sentinel = T::from_bits(bits(&mut head, T::TYPE)?);
        for layer in layers(&mut head, streams[1], shape)? {
            let of_box = decode_one::<T>(layer.streams, &layer.lengths())?;
            layer.put(shape, &of_box, sentinel, &mut values);
        }
        values
    } else {
        let rest = head.take(head.remaining(), "a field").map_err(|_| Corrupt)?;
        decode_kind(kind & !LIMITED, [rest, streams[1]], shape)?
    };
    if let Some(limits) = limits {
        limits.apply(&mut values);
    }
    Ok(values)
}

/// How the array of two streams, which may be anything, is coded.
pub(crate) fn coded(element: ElementType, streams: [&[u8]; 2], shape: &[usize]) -> Result<Vec<Coded>, Corrupt> {
    let mut head = Reader::new(streams[0], 0);
    let kind = head.u8("a kind").map_err(|_| Corrupt)?;
    if kind & LIMITED > 0 {
        with_element!(element, T => Limits::<T>::read(&mut head, shape).map(drop))?;
    }
    let way = |kind: u8, stream: &[u8], shape: &[usize]| match kind {
        FIELD => field::decode_field(stream, element, None, shape).map(Way::Field),
        OVER_MEAN => {
            let (mean, stream) = mean(stream, shape)?;
            field::decode_field(stream, element, Some(mean), shape).map(Way::Field)
        }
        RASTER => Ok(Way::Raster),
        STORED => Ok(Way::Stored),
        _ => Err(Corrupt),
    };
    if kind & !LIMITED == REGIONS {
        bits(&mut head, element)?;
        let of_layer = |layer: Layer<'_>| {
            let [head, tail] = layer.streams;
            let (kind, rest) = head.split_first().ok_or(Corrupt)?;
            let way = way(*kind, rest, &layer.lengths())?;
            Ok(Coded { region: Some(layer.region), way, bytes: [head.len(), tail.len()] })
        };
        return layers(&mut head, streams[1], shape)?.into_iter().map(of_layer).collect();
    }
    let rest = head.take(head.remaining(), "a field").map_err(|_| Corrupt)?;
    let way = way(kind & !LIMITED, rest, shape)?;
    Ok(vec![Coded { region: None, way, bytes: [streams[0].len(), streams[1].len()] }])
}

/// An array that lies in one region: the fewest bytes of all steps to try that keep what is asked for, or its values as they are.
fn one<T: Element>(
    values: &[T],
    shape: &[usize],
    (request, region): (&Request<'_>, u8),
    missing: &[u64],
) -> (Streams, Vec<T>) {
    let scales = &request.scales[usize::from(region)];
    // What goes beyond the extremes is brought back later.
    let exact = Exact { extremes: false, ..request.demand.exact };
    let demand = Demand { exact, ..request.demand.clone() };
    let mut best: Option<(usize, Streams, Vec<T>)> = None;
    for &scale in scales {
        let field = field::choose(values, shape, on_lattice(values, scale), missing, request.effort);
        let mut decoded = values.to_vec();
        let [of_field, tail] = field::encode(&field, shape, &mut decoded);
        let mut head = vec![FIELD];
        if let Some(mean) = field.mean() {
            head[0] = OVER_MEAN;
            mean.put(&mut head);
        }
        head.extend(of_field);
        // What is not met is put right place by place.
        let pairs = values.iter().zip(&decoded).filter(|(value, _)| !missing.contains(&value.to_bits()));
        let places = pairs.filter(|&(&value, &decoded)| !demand.is_met(region, value, decoded)).count();
        let streams = [head, tail];
        let all = bytes(&streams) + places * (T::TYPE.bytes() + 1);
        if best.as_ref().is_none_or(|(least, ..)| all < *least) {
            best = Some((all, streams, decoded));
        }
    }
    let all = values.len() * T::TYPE.bytes();
    let (most, streams, decoded) = best.filter(|(least, ..)| *least <= all).unwrap_or_else(|| {
        let (streams, decoded) = stored(values);
        (all, streams, decoded)
    });
    // What comes back exactly keeps every bound.
    if T::TYPE == ElementType::U8
        && let Some([head, tail]) = raster::fewer(&T::to_le(values), shape, request.effort, most)
    {
        return ([[&[RASTER][..], &head].concat(), tail], values.to_vec());
    }
    (streams, decoded)
}

/// An array of several regions.
fn several<T: Element>(values: &[T], shape: &[usize], request: &Request<'_>, missing: &[u64]) -> (Streams, Vec<T>) {
    let sentinel = rarest(values);
    let missing = [missing, &[sentinel.to_bits()]].concat();
    let mut head = vec![REGIONS];
    head.extend(T::to_le(&[sentinel]));
    let mut decoded = vec![T::from_bits(0); values.len()];
    let mut streams: Vec<Streams> = Vec::new();
    let mut boxes = Vec::new();
    for region in 0..request.scales.len() as u8 {
        let Some(bounds) = around(request.regions, shape, region) else { continue };
        let layer = Layer { region, bounds, streams: [&[]; 2] };
        let mut of_box = Vec::new();
        layer.each_row(shape, |row| {
            let own = values[row.clone()].iter().zip(&request.regions[row]);
            of_box.extend(own.map(|(&value, &own)| if own == region { value } else { sentinel }));
        });
        let (coded, back) = one(&of_box, &layer.lengths(), (request, region), &missing);
        layer.put(shape, &back, sentinel, &mut decoded);
        streams.push(coded);
        boxes.push(layer);
    }
    put_unsigned(&mut head, boxes.len() as u64);
    for (layer, streams) in boxes.iter().zip(&streams) {
        head.push(layer.region);
        for bounds in &layer.bounds {
            put_unsigned(&mut head, bounds.start as u64);
            put_unsigned(&mut head, bounds.len() as u64);
        }
        streams.iter().for_each(|stream| put_unsigned(&mut head, stream.len() as u64));
    }
    let mut tail = Vec::new();
    for [of_head, of_tail] in streams {
        head.extend(of_head);
        tail.extend(of_tail);
    }
    ([head, tail], decoded)
}

/// A region of an array: the box around it, and its streams.
struct Layer<'a> {
    region: u8,
    bounds: Vec<Range<usize>>,
    streams: [&'a [u8]; 2],
}

impl Layer<'_> {
    fn lengths(&self) -> Vec<usize> {
        self.bounds.iter().map(ExactSizeIterator::len).collect()
    }

    /// Puts the values of the box into an array of this shape, but those that stand for what is not in the region.
    fn put<T: Element>(&self, shape: &[usize], of_box: &[T], sentinel: T, values: &mut [T]) {
        let mut from = of_box.iter();
        self.each_row(shape, |row| {
            for (to, &value) in values[row].iter_mut().zip(&mut from) {
                if value.to_bits() != sentinel.to_bits() {
                    *to = value;
                }
            }
        });
    }

    /// Hands on where each row of the box lies in an array of this shape.
    fn each_row(&self, shape: &[usize], mut take: impl FnMut(Range<usize>)) {
        let Some((last, outer)) = self.bounds.split_last() else { return };
        let rows: usize = outer.iter().map(ExactSizeIterator::len).product();
        for row in 0..rows {
            let (mut number, mut stride, mut index) = (row, shape[outer.len()], last.start);
            for (axis, bounds) in outer.iter().enumerate().rev() {
                index += (bounds.start + number % bounds.len()) * stride;
                number /= bounds.len();
                stride *= shape[axis];
            }
            take(index..index + last.len());
        }
    }
}

/// The regions of a head, whose values were read up to here.
fn layers<'a>(head: &mut Reader<'a>, tail: &'a [u8], shape: &[usize]) -> Result<Vec<Layer<'a>>, Corrupt> {
    let read = |head: &mut Reader<'a>| -> Result<Vec<Layer<'a>>, CodecError> {
        let count = head.up_to(MAX_REGIONS + 1, "the number of regions")?;
        let (mut found, mut lengths) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let region = head.u8("a region")?;
            let mut bounds = Vec::with_capacity(shape.len());
            for &length in shape {
                let start = head.up_to(length - 1, "where a region begins")?;
                let end = start + head.up_to(length - start, "the length of a region")?;
                bounds.push(start..end);
            }
            if bounds.iter().any(Range::is_empty) {
                return Err(head.damaged("an empty region"));
            }
            lengths.push([(); 2].map(|()| head.up_to(usize::MAX, "the length of a stream")));
            found.push(Layer { region, bounds, streams: [&[]; 2] });
        }
        let mut tail = Reader::new(tail, 0);
        for (layer, [of_head, of_tail]) in found.iter_mut().zip(lengths) {
            layer.streams = [head.take(of_head?, "a stream")?, tail.take(of_tail?, "a stream")?];
        }
        head.finish("the regions")?;
        tail.finish("the regions")?;
        Ok(found)
    };
    read(head).map_err(|_| Corrupt)
}

fn decode_one<T: Element>([head, tail]: [&[u8]; 2], shape: &[usize]) -> Result<Vec<T>, Corrupt> {
    let (kind, rest) = head.split_first().ok_or(Corrupt)?;
    decode_kind(*kind, [rest, tail], shape)
}

fn decode_kind<T: Element>(kind: u8, streams: [&[u8]; 2], shape: &[usize]) -> Result<Vec<T>, Corrupt> {
    match kind {
        FIELD => field::decode(streams, shape).map(|(_, values)| values),
        OVER_MEAN => {
            let (mean, head) = mean(streams[0], shape)?;
            field::decode_over(Some(mean), [head, streams[1]], shape).map(|(_, values)| values)
        }
        RASTER if T::TYPE == ElementType::U8 => {
            raster::decode(streams, shape.iter().product()).map(|bytes| T::from_le(&bytes))
        }
        STORED if streams[1].len() == shape.iter().product::<usize>() * T::TYPE.bytes() => Ok(T::from_le(streams[1])),
        _ => Err(Corrupt),
    }
}

/// The mean at the beginning of a stream, and what follows it.
fn mean<'a>(stream: &'a [u8], shape: &[usize]) -> Result<(Mean, &'a [u8]), Corrupt> {
    let mut reader = Reader::new(stream, 0);
    let mean = Mean::read(&mut reader, shape)?;
    Ok((mean, reader.take(reader.remaining(), "a field").map_err(|_| Corrupt)?))
}

/// The box around the values of a region; none where there is no such value.
fn around(regions: &[u8], shape: &[usize], region: u8) -> Option<Vec<Range<usize>>> {
    let mut bounds: Vec<Range<usize>> = shape.iter().map(|&length| length..0).collect();
    for (index, _) in regions.iter().enumerate().filter(|(_, own)| **own == region) {
        let mut number = index;
        for (bounds, &length) in bounds.iter_mut().zip(shape).rev() {
            let at = number % length;
            *bounds = bounds.start.min(at)..bounds.end.max(at + 1);
            number /= length;
        }
    }
    bounds.iter().all(|bounds| !bounds.is_empty()).then_some(bounds)
}

/// A value that is not among others, a NaN where the type has them; where there is none, one of those that occur least.
fn rarest<T: Element>(values: &[T]) -> T {
    let (start, all) = match T::TYPE {
        ElementType::F16 => (0x7e00, 1 << 9),
        ElementType::F32 => (0x7fc0_0000, LOOKED_AT),
        ElementType::F64 => (0x7ff8_0000_0000_0000, LOOKED_AT),
        other => (0, LOOKED_AT.min(1u64 << (8 * other.bytes() as u32).min(32))),
    };
    let mut counts = vec![0u64; all as usize];
    for value in values {
        if let Some(count) = counts.get_mut(value.to_bits().wrapping_sub(start) as usize) {
            *count += 1;
        }
    }
    let rarest = counts.iter().enumerate().min_by_key(|(_, count)| **count).map_or(0, |(number, _)| number);
    T::from_bits(start + rarest as u64)
}

/// Values among which one is looked for that is not there.
const LOOKED_AT: u64 = 1 << 16;

/// Of values that all lie on a lattice coarser than the steps, the lattice.
fn on_lattice<T: Element>(values: &[T], scale: Scale) -> Scale {
    match scale {
        Scale::Free(Quantiser::Steps { step, bound }) => {
            lattice(values, step, bound).map_or(scale, |step| Scale::Lattice { step, bound })
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::kept::Kept;
    use super::super::missing::Missing;
    use super::super::promise::{Extent, Packing};
    use super::*;

    const SHAPE: [usize; 3] = [3, 4, 5];

    /// The streams of an array of each kind of part.
    fn streams(kind: usize) -> Streams {
        let values: Vec<f32> = (0..60).map(|i| (i as f32 * 0.3).sin() * f32::from(u8::from(i % 7 != 0))).collect();
        let noise: Vec<f32> = (0..60u32).map(|i| f32::from_bits(i.wrapping_mul(0x9E37_79B9))).collect();
        let regions: Vec<u8> = (0..60).map(|i| u8::from(i % 5 > 2)).collect();
        let extent = Extent { min: -1.0, max: 1.0, all_finite: true };
        let exact = Exact { extremes: kind == 3, ..Exact::default() };
        let (missing, packing) = (Missing::default(), Packing::NONE);
        let demand =
            &Demand { kept: vec![Kept::Within(0.1), Kept::Exact], exact, extent, missing, packing, idempotent: false };
        let exactly = vec![vec![Scale::Free(Quantiser::Exact)]];
        let (values, scales) =
            if kind == 1 { (noise, exactly) } else { (values, demand.scales(ElementType::F32, 0.0)) };
        let regions = if kind > 1 { &regions[..] } else { &[] };
        encode(&values, &SHAPE, &Request { demand, scales: &scales, regions, effort: 5 }).0
    }

    #[test]
    fn every_kind_of_part_is_there() {
        for (kind, byte) in [FIELD, STORED, REGIONS, REGIONS | LIMITED].into_iter().enumerate() {
            assert_eq!(streams(kind)[0][0], byte);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_or_refused(bytes: Vec<u8>, tail: Vec<u8>, kind in 0u8..32) {
            let head = [&[kind][..], &bytes].concat();
            let _ = decode::<f32>([&head, &tail], &SHAPE);
            let _ = coded(ElementType::F32, [&head, &tail], &SHAPE);
            let _ = decode::<u8>([&head, &tail], &SHAPE);
        }

        #[test]
        fn changed_bytes_are_decoded_or_refused(kind in 0usize..4, place: prop::sample::Index, change in 1u8.., of_head: bool) {
            let mut streams = streams(kind);
            let stream = &mut streams[usize::from(!of_head)];
            if !stream.is_empty() {
                let place = place.index(stream.len());
                stream[place] ^= change;
            }
            let _ = decode::<f32>([&streams[0], &streams[1]], &SHAPE);
            let _ = coded(ElementType::F32, [&streams[0], &streams[1]], &SHAPE);
        }
    }
}
