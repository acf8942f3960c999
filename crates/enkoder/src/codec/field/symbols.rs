//! What predictions miss, in symbols by static tables: quicker than adaptive bits, because all of a run is coded at once. So the table of
//! a surprise is chosen by the surprises around that were coded before the run.

use super::super::bytes::{Reader, put_unsigned};
use super::super::element::Element;
use super::super::entropy::{Corrupt, Decoder, Encoder, Estimator};
use super::super::rans::{SymbolReader, SymbolWriter};
use super::Field;
use super::array::{Array, Run};
use super::predictor::{Predictor, strides};
use super::scale::Scale;
use super::surprises::{CLASSES, MOST_SIZE, STORED, class};
use super::traversal::Pass;
use crate::network::vectorised::vectorised;

/// Contexts: the classes of what is around, for the finest grid and for coarser ones.
const CONTEXTS: usize = 2 * CLASSES;
/// The symbol of a value that is stored as it is. Those before are of magnitudes: the highest three bits, the rest follows in bits.
const AS_IT_IS: u8 = 252;

/// One direction of the coding of a run.
pub(crate) trait Symbols {
    /// Whether it reads.
    const DECODES: bool;

    /// Codes the surprises of a run; a reader fills them, and both the symbols.
    fn run(&mut self, contexts: &[u8], surprises: &mut [i64], symbols: &mut [u8], is_exact: bool);

    /// Codes the bits of a value that is stored as it is.
    fn stored(&mut self, bits: u64, count: u32) -> u64;
}

/// The symbol of a surprise.
#[inline(always)]
fn symbol_of(surprise: i64, is_exact: bool) -> u8 {
    let magnitude = surprise.unsigned_abs();
    if magnitude < 4 {
        return magnitude as u8;
    }
    if surprise == STORED && !is_exact {
        return AS_IT_IS;
    }
    let octave = magnitude.ilog2();
    (4 * (octave - 1)) as u8 + (magnitude >> (octave - 2) & 3) as u8
}

/// How many bits follow a symbol that is not 0, but for that of the sign.
#[inline(always)]
fn bits_of(symbol: u8) -> u32 {
    (u32::from(symbol) / 4).saturating_sub(1)
}

/// The least magnitude of a symbol.
#[inline(always)]
fn least_of(symbol: u8) -> u64 {
    let upper = if symbol < 4 { u64::from(symbol) } else { u64::from(4 | symbol & 3) };
    upper << bits_of(symbol)
}

/// The size of a surprise by its symbol: the least that has it.
#[inline(always)]
fn size_of(symbol: u8) -> u16 {
    if symbol >= AS_IT_IS { 0 } else { least_of(symbol).min(MOST_SIZE) as u16 }
}

impl Symbols for SymbolWriter {
    const DECODES: bool = false;

    fn run(&mut self, contexts: &[u8], surprises: &mut [i64], symbols: &mut [u8], is_exact: bool) {
        for (symbol, &surprise) in symbols.iter_mut().zip(surprises.iter()) {
            *symbol = symbol_of(surprise, is_exact);
        }
        self.symbols(contexts, symbols);
        for (&symbol, &surprise) in symbols.iter().zip(surprises.iter()) {
            if symbol != 0 && symbol != AS_IT_IS {
                self.raw(surprise.unsigned_abs() << 1 | u64::from(surprise < 0), 1 + bits_of(symbol));
            }
        }
    }

    fn stored(&mut self, bits: u64, count: u32) -> u64 {
        self.raw(bits, count);
        bits
    }
}

impl Symbols for SymbolReader<'_> {
    const DECODES: bool = true;

    fn run(&mut self, contexts: &[u8], surprises: &mut [i64], symbols: &mut [u8], is_exact: bool) {
        self.symbols(contexts, symbols);
        for (surprise, &symbol) in surprises.iter_mut().zip(symbols.iter()) {
            if symbol >= AS_IT_IS {
                *surprise = if is_exact { 0 } else { STORED };
                continue;
            }
            let bits = self.raw(u32::from(symbol != 0) + bits_of(symbol));
            let magnitude = (least_of(symbol) | bits >> 1) as i64;
            *surprise = if bits & 1 == 1 { magnitude.wrapping_neg() } else { magnitude };
        }
    }

    fn stored(&mut self, _: u64, count: u32) -> u64 {
        self.raw(count)
    }
}

/// Writes an array, and leaves in it what decodes: what is special and the tables by a coder of bits, then the symbols.
pub(crate) fn write<T: Element>(
    mut bits: Encoder,
    field: &Field,
    shape: &[usize],
    values: &mut [T],
) -> Result<Vec<u8>, Corrupt> {
    let mut writer = SymbolWriter::new(CONTEXTS, values.len());
    code(&mut Array::new(&mut bits, field, shape, values)?, &mut writer, shape);
    let symbols = writer.finish(&mut bits)?;
    let (mut bytes, bits) = (Vec::with_capacity(symbols.len() + 1024), bits.into_bytes());
    put_unsigned(&mut bytes, bits.len() as u64);
    bytes.extend(bits);
    bytes.extend(symbols);
    Ok(bytes)
}

/// About the bits of tables, and of all else that an array takes.
pub(crate) fn size<T: Element>(field: &Field, shape: &[usize], values: &mut [T]) -> Result<[f64; 2], Corrupt> {
    let (mut bits, mut writer) = (Estimator::new(), SymbolWriter::new(CONTEXTS, values.len()));
    code(&mut Array::new(&mut bits, field, shape, values)?, &mut writer, shape);
    let [tables, symbols] = writer.size();
    Ok([tables, bits.bits() + symbols])
}

/// Reads an array from bytes that may be anything.
pub(crate) fn read<T: Element>(bytes: &[u8], field: &Field, shape: &[usize], values: &mut [T]) -> Result<(), Corrupt> {
    let mut reader = Reader::new(bytes, 0);
    let length = reader.up_to(bytes.len(), "the length of tables").map_err(|_| Corrupt)?;
    let mut bits = Decoder::new(reader.take(length, "tables").map_err(|_| Corrupt)?);
    let mut array = Array::new(&mut bits, field, shape, values)?;
    let symbols = reader.take(reader.remaining(), "symbols").map_err(|_| Corrupt)?;
    let mut reader = SymbolReader::new(CONTEXTS, &mut bits, symbols)?;
    code(&mut array, &mut reader, shape);
    reader.finish()
}

fn code<T: Element>(array: &mut Array<'_, T>, symbols: &mut impl Symbols, shape: &[usize]) {
    let field = array.field;
    let (passes, strides) = (field.passes(shape), strides(shape));
    for (pass, weights) in passes.iter().zip(&field.weights) {
        pass_of(array, symbols, pass, &strides, weights);
    }
}

/// What is computed of a run.
#[derive(Default)]
struct Coded {
    activities: Vec<u32>,
    contexts: Vec<u8>,
    symbols: Vec<u8>,
    surprises: Vec<i64>,
    /// The numbers of the places that are coded.
    numbers: Vec<usize>,
}

fn pass_of<T: Element, S: Symbols>(
    array: &mut Array<'_, T>,
    symbols: &mut S,
    pass: &Pass,
    strides: &[usize],
    weights: &[i32],
) {
    let predictor = Predictor::new(pass, strides, weights);
    let scale = array.field.scale.finer(array.field.fineness_of(pass.level));
    let last = strides.len() - 1;
    let stride = pass.stride[last];
    let (mut run, mut coded, mut borders) = (Run::default(), Coded::default(), Vec::new());
    let Ok(()) = predictor.each_run(|first, count, _| {
        let border = predictor.bordering(first, &mut borders);
        let index = predictor.index(first);
        let places = (index, first[last], count);
        border.inside.activities(&array.sizes, places, predictor.length(), &mut coded.activities);
        coded.choose_tables(usize::from(pass.level > 0) * CLASSES);
        coded.leave_out(&array.kinds, index, stride);
        let inner = predictor.inner_of(&border.inside, first[last], count);
        if S::DECODES {
            run.surprises.resize(count, 0);
            coded.code(array, symbols, scale, (index, stride), &mut run.surprises);
        }
        for (numbers, is_inner) in [(0..inner.start, false), (inner.clone(), true), (inner.end..count, false)] {
            run.begin(first, numbers.start * stride, count);
            (run.index, run.stride, run.numbers) = (index + numbers.start * stride, stride, numbers);
            if is_inner {
                border.inside.early(&array.known, (run.index, run.numbers.len()), &mut run.sums);
                array.predict(scale, &mut run, (&predictor, &border.inside), S::DECODES);
            } else {
                array.predict_outer(scale, &mut run, (&predictor, &border.there), S::DECODES);
            }
        }
        if !S::DECODES {
            coded.code(array, symbols, scale, (index, stride), &mut run.surprises);
        }
        Ok::<(), std::convert::Infallible>(())
    });
}

impl Coded {
    /// The contexts of activities.
    fn choose_tables(&mut self, from: usize) {
        self.contexts.resize(self.activities.len(), 0);
        let (contexts, activities) = (&mut self.contexts, &self.activities);
        vectorised(
            #[inline(always)]
            || {
                for (context, &activity) in contexts.iter_mut().zip(activities) {
                    *context = (from + class(activity)) as u8;
                }
            },
        );
    }

    /// Leaves out the places of special values.
    fn leave_out(&mut self, kinds: &[u8], index: usize, stride: usize) {
        self.numbers.clear();
        if kinds.is_empty() {
            return;
        }
        self.numbers.extend((0..self.contexts.len()).filter(|number| kinds[index + number * stride] == 0));
        for (to, &number) in self.numbers.iter().enumerate() {
            self.contexts[to] = self.contexts[number];
        }
        self.contexts.truncate(self.numbers.len());
    }

    /// Codes the surprises of a run, and remembers their sizes.
    fn code<T: Element, S: Symbols>(
        &mut self,
        array: &mut Array<'_, T>,
        symbols: &mut S,
        scale: Scale,
        (index, stride): (usize, usize),
        surprises: &mut [i64],
    ) {
        self.symbols.resize(self.contexts.len(), 0);
        let is_all = array.kinds.is_empty();
        if is_all {
            symbols.run(&self.contexts, surprises, &mut self.symbols, scale.is_exact());
        } else {
            self.surprises.clear();
            self.surprises.extend(self.numbers.iter().map(|&number| surprises[number]));
            symbols.run(&self.contexts, &mut self.surprises, &mut self.symbols, scale.is_exact());
            self.numbers.iter().zip(&self.surprises).for_each(|(&number, &surprise)| surprises[number] = surprise);
        }
        for (at, &symbol) in self.symbols.iter().enumerate() {
            let place = index + stride * if is_all { at } else { self.numbers[at] };
            array.sizes[place] = size_of(symbol);
            if symbol >= AS_IT_IS && !scale.is_exact() {
                let value = &mut array.values[place];
                *value = T::from_bits(symbols.stored(value.to_bits(), 8 * T::TYPE.bytes() as u32));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::quantiser::Quantiser;
    use super::super::predictor::strides;
    use super::super::{Coding, Predicts, Special, choose, decode_over, encode, is_within_part, step_of_part};
    use super::*;

    /// Values as others bring them: smooth, rough, and anything else that has 32 bits.
    fn hostile() -> impl Strategy<Value = f32> {
        prop_oneof![
            8 => -10f32..10.0,
            2 => -1e30f32..1e30,
            1 => any::<u32>().prop_map(f32::from_bits),
            1 => prop_oneof![Just(f32::NAN), Just(f32::INFINITY), Just(0.0), Just(-0.0), Just(1e-40), Just(f32::MIN)],
        ]
    }

    fn arrays() -> impl Strategy<Value = (Vec<usize>, Vec<f32>)> {
        proptest::collection::vec(2usize..9, 1..5).prop_flat_map(|shape| {
            let count: usize = shape.iter().product();
            (Just(shape), proptest::collection::vec(hostile(), count))
        })
    }

    /// Codes an array in symbols and reads it again, by what effort and scale choose for it.
    fn back<T: Element>(values: &[T], shape: &[usize], scale: Scale, effort: u8) -> Vec<T> {
        let mut field = choose(values, shape, scale, &[], effort);
        field.coding = Coding::Symbols;
        let mut written = values.to_vec();
        let [head, tail] = encode(&field, shape, &mut written);
        let (read, decoded) = decode_over::<T>(field.mean().cloned(), [&head, &tail], shape).unwrap();
        assert_eq!((read.coding, read.weights), (Coding::Symbols, field.weights));
        assert!(written.iter().zip(&decoded).all(|(a, b)| a.to_bits() == b.to_bits()), "what was written decodes");
        decoded
    }

    proptest! {
        #[test]
        fn bounds_are_kept_whatever_the_values(
            (shape, values) in arrays(), bound in 1e-6f64..1e3, part in 1e-6f64..0.5, effort in 1u8..10,
        ) {
            let steps = Scale::Free(Quantiser::Steps { step: 2.0 * bound, bound });
            let lattice = Scale::Lattice { step: bound, bound };
            for scale in [steps, lattice] {
                for (value, decoded) in values.iter().zip(back(&values, &shape, scale, effort)) {
                    let is_same = value.to_bits() == decoded.to_bits();
                    prop_assert!(is_same || (value.is_finite() && value.within(decoded, bound)), "{value} {decoded}");
                }
            }
            let exact = Scale::Free(Quantiser::Exact);
            let decoded = back(&values, &shape, exact, effort);
            prop_assert!(values.iter().zip(&decoded).all(|(a, b)| a.to_bits() == b.to_bits()));
            let whole: Vec<i64> = values.iter().map(|value| i64::from(value.to_bits()) << 31).collect();
            prop_assert_eq!(&back(&whole, &shape, exact, effort), &whole);
            if let Some(step) = step_of_part(part, f32::TYPE) {
                let scale = Scale::Relative { step, part, predicts: Predicts::Positions };
                for (&value, decoded) in values.iter().zip(back(&values, &shape, scale, effort)) {
                    prop_assert!(value.to_bits() == decoded.to_bits() || is_within_part(value, decoded, part));
                }
            }
        }

        #[test]
        fn any_bytes_decode_without_a_panic(
            (shape, values) in arrays(), at in any::<proptest::sample::Index>(), change in 1u8.., end in any::<proptest::sample::Index>(),
        ) {
            let mut field = choose(&values, &shape, Scale::Free(Quantiser::Steps { step: 0.1, bound: 0.05 }), &[], 5);
            field.coding = Coding::Symbols;
            let [_, mut tail] = encode(&field, &shape, &mut values.clone());
            let mut decoded = values.clone();
            let _ = read(&tail[..end.index(tail.len())], &field, &shape, &mut decoded);
            let changed = at.index(tail.len());
            tail[changed] ^= change;
            let _ = read(&tail, &field, &shape, &mut decoded);
        }
    }

    #[test]
    fn symbols_say_the_highest_three_bits_of_a_magnitude() {
        let mut before = 0;
        for surprise in (0..2000).chain([i64::MAX, i64::MIN]) {
            let symbol = symbol_of(surprise, true);
            let (least, bits) = (least_of(symbol), bits_of(symbol));
            assert!((least..least + (1 << bits)).contains(&surprise.unsigned_abs()), "{surprise}");
            assert!(symbol >= before && symbol < AS_IT_IS);
            before = symbol;
        }
        assert_eq!(symbol_of(STORED, false), AS_IT_IS);
    }

    #[test]
    fn masks_cost_no_symbols() {
        let shape = [20, 30];
        assert_eq!(strides(&shape), [30, 1]);
        let land = |index: usize| index % 30 < 14;
        let values: Vec<f32> = (0..600).map(|i| if land(i) { f32::NAN } else { (i as f32 * 0.1).sin() }).collect();
        let scale = Scale::Free(Quantiser::Steps { step: 0.002, bound: 0.001 });
        let mut field = choose(&values, &shape, scale, &[], 5);
        assert_eq!(field.specials, [Special { bits: u64::from(f32::NAN.to_bits()), is_value: false }]);
        field.coding = Coding::Symbols;
        let decoded = back(&values, &shape, scale, 5);
        assert!(decoded.iter().enumerate().all(|(i, value)| value.is_nan() == land(i)));
    }
}
