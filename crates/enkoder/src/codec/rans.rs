//! Symbols by tables of frequencies that are written before them, coded by asymmetric numeral systems (Duda, *Asymmetric numeral
//! systems*, 2013) with several states in turn (Giesen, *Interleaved entropy coders*, 2014): one step for a symbol, and no step waits
//! for the one before. Every context has a table; contexts that are alike share one. Bits without a pattern go to a stream of their
//! own.

use super::bytes::{Reader, put_unsigned};
use super::entropy::{Bit, Coder, Corrupt, Decoder, Encoder};
use super::integers::Magnitude;

/// Frequencies of a table add up to this power of two.
const PRECISION: u32 = 12;
const ONE: u32 = 1 << PRECISION;
/// States take turns.
const STATES: usize = 4;
/// A state is at least this, and is made smaller by a word of 16 bits where a symbol would take it beyond 32 bits.
const LEAST: u32 = 1 << 16;
/// About the bits that a frequency takes in the file, and those of a table beside.
const FREQUENCY_BITS: f64 = 6.0;
const TABLE_BITS: f64 = 12.0;
/// Models of frequencies, by the size of the one before.
const SIZES: usize = PRECISION as usize + 2;
/// Bits that are read at once at most.
const MOST_BITS: u32 = 56;

/// How often each symbol comes; those behind the last never do.
type Frequencies = Vec<u32>;

/// Takes symbols and bits, which are written when all are there: the tables are made of them.
pub(crate) struct SymbolWriter {
    /// Of each symbol its state, its context and itself.
    symbols: Vec<(u8, u8, u8)>,
    counts: Vec<[u32; 256]>,
    bits: Vec<u8>,
    /// Bits that fill no byte yet, and how many.
    open: u64,
    filled: u32,
}

impl SymbolWriter {
    pub(crate) fn new(contexts: usize, symbols: usize) -> Self {
        Self {
            symbols: Vec::with_capacity(symbols),
            counts: vec![[0; 256]; contexts],
            bits: Vec::new(),
            open: 0,
            filled: 0,
        }
    }

    /// Takes the symbols of a run. The first of a run has the first state.
    pub(crate) fn symbols(&mut self, contexts: &[u8], symbols: &[u8]) {
        for (number, (&context, &symbol)) in contexts.iter().zip(symbols).enumerate() {
            self.counts[usize::from(context)][usize::from(symbol)] += 1;
            self.symbols.push(((number % STATES) as u8, context, symbol));
        }
    }

    /// Takes the lowest `count` bits of a number, at most 64.
    #[inline(always)]
    pub(crate) fn raw(&mut self, value: u64, count: u32) {
        if count > MOST_BITS {
            self.raw(value & ((1 << 32) - 1), 32);
            return self.raw(value >> 32, count - 32);
        }
        self.open |= (value & ((1 << count) - 1)) << self.filled;
        self.filled += count;
        while self.filled >= 8 {
            self.bits.push(self.open as u8);
            self.open >>= 8;
            self.filled -= 8;
        }
    }

    /// About the bits of tables, and of all else.
    pub(crate) fn size(&self) -> [f64; 2] {
        let segments = segments(&self.counts);
        let tables: f64 = segments.iter().map(|segment| table_bits(&segment.counts)).sum();
        let all: f64 = segments.iter().map(|segment| segment.cost).sum();
        let states = (8 * size_of::<[u32; STATES]>()) as f64;
        [tables + states, all - tables + 8.0 * self.bits.len() as f64]
    }

    /// The tables to a stream of bits, and the bytes of all else.
    pub(crate) fn finish(mut self, encoder: &mut Encoder) -> Result<Vec<u8>, Corrupt> {
        if self.filled > 0 {
            self.bits.push(self.open as u8);
        }
        let (mut tables, mut table_of) = (Vec::new(), vec![0u8; self.counts.len()]);
        for segment in segments(&self.counts) {
            table_of[segment.contexts.clone()].fill(tables.len() as u8);
            tables.push(normalised(&segment.counts));
        }
        code_tables(encoder, &mut tables, &mut table_of)?;
        let starts: Vec<Vec<u32>> = tables.iter().map(|table| starts(table)).collect();
        let mut states = [LEAST; STATES];
        let mut words: Vec<u16> = Vec::with_capacity(self.symbols.len() / 4);
        for &(state, context, symbol) in self.symbols.iter().rev() {
            let table = usize::from(table_of[usize::from(context)]);
            let (frequency, start) = (tables[table][usize::from(symbol)], starts[table][usize::from(symbol)]);
            let state = &mut states[usize::from(state)];
            if u64::from(*state) >= u64::from(frequency) << (32 - PRECISION) {
                words.push(*state as u16);
                *state >>= 16;
            }
            *state = ((*state / frequency) << PRECISION) + *state % frequency + start;
        }
        let mut bytes = Vec::with_capacity(2 * words.len() + self.bits.len() + 4 * STATES + 8);
        put_unsigned(&mut bytes, words.len() as u64);
        states.iter().for_each(|state| bytes.extend(state.to_le_bytes()));
        words.iter().rev().for_each(|word| bytes.extend(word.to_le_bytes()));
        bytes.extend(self.bits);
        Ok(bytes)
    }
}

/// Contexts one after the other with a table for all of them.
struct Segment {
    contexts: std::ops::Range<usize>,
    counts: Vec<u32>,
    /// About the bits of its symbols and its table.
    cost: f64,
}

impl Segment {
    fn new(contexts: std::ops::Range<usize>, counts: Vec<u32>) -> Self {
        let all: u32 = counts.iter().sum();
        let bits = |&count: &u32| f64::from(count) * (f64::from(all) / f64::from(count)).log2();
        let cost = table_bits(&counts) + counts.iter().filter(|&&count| count > 0).map(bits).sum::<f64>();
        Self { contexts, counts, cost }
    }

    fn with(&self, next: &Self) -> Self {
        let counts = self.counts.iter().zip(&next.counts).map(|(a, b)| a + b).collect();
        Self::new(self.contexts.start..next.contexts.end, counts)
    }
}

/// About the bits of a table.
fn table_bits(counts: &[u32]) -> f64 {
    TABLE_BITS + FREQUENCY_BITS * counts.iter().filter(|&&count| count > 0).count() as f64
}

/// Tables for contexts: neighbours share one as long as that takes fewer bits.
fn segments(counts: &[[u32; 256]]) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for (context, counts) in counts.iter().enumerate() {
        let is_empty = counts.iter().all(|&count| count == 0);
        match segments.last_mut() {
            Some(last) if is_empty => last.contexts.end = context + 1,
            _ => segments.push(Segment::new(context..context + 1, counts.to_vec())),
        }
    }
    let join = |segments: &[Segment], at: usize| segments[at].with(&segments[at + 1]);
    let mut joined: Vec<Segment> = (1..segments.len()).map(|next| join(&segments, next - 1)).collect();
    loop {
        let gain = |at: usize| segments[at].cost + segments[at + 1].cost - joined[at].cost;
        let best = (0..joined.len()).max_by(|&a, &b| gain(a).total_cmp(&gain(b))).filter(|&at| gain(at) > 0.0);
        let Some(best) = best else { return segments };
        segments[best] = joined.remove(best);
        segments.remove(best + 1);
        if best > 0 {
            joined[best - 1] = join(&segments, best - 1);
        }
        if best < joined.len() {
            joined[best] = join(&segments, best);
        }
    }
}

/// Counts as frequencies that add up to all: none that is not 0 becomes 0.
fn normalised(counts: &[u32]) -> Frequencies {
    let all: u64 = counts.iter().map(|&count| u64::from(count)).sum();
    let last = counts.iter().rposition(|&count| count > 0);
    let Some(last) = last else { return vec![ONE] };
    let share = |&count: &u32| ((u64::from(count) * u64::from(ONE) + all / 2) / all) as u32;
    let mut frequencies: Vec<u32> =
        counts[..=last].iter().map(|count| share(count).max(u32::from(*count > 0))).collect();
    // What is too many or too few is taken from, or given to, the largest, one at a time.
    loop {
        let sum: u32 = frequencies.iter().sum();
        let Some(largest) = frequencies.iter_mut().max() else { return frequencies };
        match sum.cmp(&ONE) {
            std::cmp::Ordering::Equal => return frequencies,
            std::cmp::Ordering::Less => *largest += ONE - sum,
            std::cmp::Ordering::Greater => *largest -= (sum - ONE).min(*largest / 2),
        }
    }
}

/// Where the slots of each symbol begin.
fn starts(frequencies: &[u32]) -> Vec<u32> {
    let mut next = 0;
    let start = |&frequency: &u32| {
        next += frequency;
        next - frequency
    };
    frequencies.iter().map(start).collect()
}

/// Codes tables, and which of them each context has; a reader fills both.
fn code_tables<C: Coder>(coder: &mut C, tables: &mut Vec<Frequencies>, table_of: &mut [u8]) -> Result<(), Corrupt> {
    let (mut other, mut models) = (Bit::EVEN, vec![Magnitude::EVEN; SIZES]);
    for context in 0..table_of.len() {
        let before = context.checked_sub(1).map(|before| table_of[before]);
        let is_new = match before {
            Some(before) => coder.bit(&mut other, table_of[context] != before)?,
            None => true,
        };
        let number = before.map_or(0, |before| before + u8::from(is_new));
        table_of[context] = number;
        if !is_new {
            continue;
        }
        if C::DECODES {
            tables.push(Vec::new());
        }
        let table = tables.get_mut(usize::from(number)).ok_or(Corrupt)?;
        // Symbol after symbol, until all slots are taken.
        let (mut symbol, mut left, mut size) = (0usize, ONE, 0usize);
        while left > 0 {
            let frequency = table.get(symbol).copied().unwrap_or(0);
            let coded = models[size].code(coder, u64::from(frequency) + 1)? - 1;
            let frequency = u32::try_from(coded).ok().filter(|&frequency| frequency <= left).ok_or(Corrupt)?;
            if C::DECODES {
                table.push(frequency);
            }
            left -= frequency;
            size = (32 - frequency.leading_zeros()) as usize;
            symbol += 1;
            if symbol > 256 || (symbol == 256 && left > 0) {
                return Err(Corrupt);
            }
        }
    }
    Ok(())
}

/// A table of a reader.
struct Table {
    /// The symbol of each slot; its frequency and where its slots begin.
    symbols: Box<[u8; ONE as usize]>,
    of: Box<[(u16, u16); 256]>,
}

impl Table {
    fn new(frequencies: &[u32]) -> Self {
        let (mut symbols, mut of) = (Box::new([0; ONE as usize]), Box::new([(0, 0); 256]));
        for (symbol, (&frequency, start)) in frequencies.iter().zip(starts(frequencies)).enumerate() {
            symbols[start as usize..(start + frequency) as usize].fill(symbol as u8);
            of[symbol] = (frequency as u16, start as u16);
        }
        Self { symbols, of }
    }
}

/// Reads symbols and bits.
pub(crate) struct SymbolReader<'a> {
    tables: Vec<Table>,
    table_of: Vec<u8>,
    states: [u32; STATES],
    words: &'a [[u8; 2]],
    /// How many words were read.
    next: usize,
    bits: &'a [u8],
    /// How many bits were read.
    position: usize,
}

impl<'a> SymbolReader<'a> {
    /// Reads the tables.
    pub(crate) fn new(contexts: usize, decoder: &mut Decoder<'_>, bytes: &'a [u8]) -> Result<Self, Corrupt> {
        let (mut tables, mut table_of) = (Vec::new(), vec![0; contexts]);
        code_tables(decoder, &mut tables, &mut table_of)?;
        let mut reader = Reader::new(bytes, 0);
        let count = reader.up_to(bytes.len() / 2, "the number of words").map_err(|_| Corrupt)?;
        let mut states = [0; STATES];
        for state in &mut states {
            *state = u32::from_le_bytes(reader.array("a state").map_err(|_| Corrupt)?);
        }
        let words = reader.take(2 * count, "words").map_err(|_| Corrupt)?.as_chunks().0;
        let bits = reader.take(reader.remaining(), "bits").map_err(|_| Corrupt)?;
        let tables = tables.iter().map(|table| Table::new(table)).collect();
        Ok(Self { tables, table_of, states, words, next: 0, bits, position: 0 })
    }

    /// The symbols of a run, one for each context.
    #[inline(always)]
    pub(crate) fn symbols(&mut self, contexts: &[u8], symbols: &mut [u8]) {
        let mut states = self.states;
        let mut next = self.next;
        let mut one = |state: &mut u32, context: u8| {
            let table = &self.tables[usize::from(self.table_of[usize::from(context)])];
            let slot = *state % ONE;
            let symbol = table.symbols[slot as usize];
            let (frequency, start) = table.of[usize::from(symbol)];
            *state = u32::from(frequency).wrapping_mul(*state >> PRECISION).wrapping_add(slot - u32::from(start));
            let word = self.words.get(next).copied().unwrap_or_default();
            let is_small = *state < LEAST;
            *state = if is_small { *state << 16 | u32::from(u16::from_le_bytes(word)) } else { *state };
            next += usize::from(is_small);
            symbol
        };
        let (fours, rest) = contexts.as_chunks::<STATES>();
        let (symbol_fours, symbol_rest) = symbols.as_chunks_mut::<STATES>();
        for (contexts, symbols) in fours.iter().zip(symbol_fours) {
            for number in 0..STATES {
                symbols[number] = one(&mut states[number], contexts[number]);
            }
        }
        for ((&context, symbol), state) in rest.iter().zip(symbol_rest).zip(&mut states) {
            *symbol = one(state, context);
        }
        (self.states, self.next) = (states, next);
    }

    /// So many bits, at most 64; beyond the end they are 0.
    #[inline(always)]
    pub(crate) fn raw(&mut self, count: u32) -> u64 {
        if count > MOST_BITS {
            let low = self.raw(32);
            return low | self.raw(count - 32) << 32;
        }
        let (first, shift) = (self.position / 8, self.position % 8);
        self.position += count as usize;
        let bits = match self.bits.get(first..).and_then(|bits| bits.first_chunk::<8>()) {
            Some(bytes) => u64::from_le_bytes(*bytes),
            None => {
                let rest = self.bits.get(first..).unwrap_or_default();
                rest.iter().rev().fold(0, |bits, &byte| bits << 8 | u64::from(byte))
            }
        };
        bits >> shift & ((1 << count) - 1)
    }

    /// Whether all was read, and no more: the states are back where a writer began.
    pub(crate) fn finish(&self) -> Result<(), Corrupt> {
        let is_all = self.states == [LEAST; STATES]
            && self.next == self.words.len()
            && self.position.div_ceil(8) == self.bits.len();
        if is_all { Ok(()) } else { Err(Corrupt) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CONTEXTS: usize = 5;

    fn take(writer: &mut SymbolWriter, run: &[(u8, u8)]) {
        let (contexts, symbols): (Vec<u8>, Vec<u8>) = run.iter().copied().unzip();
        writer.symbols(&contexts, &symbols);
    }

    fn written(runs: &[Vec<(u8, u8)>], numbers: &[(u64, u32)]) -> (Vec<u8>, Vec<u8>) {
        let mut writer = SymbolWriter::new(CONTEXTS, 0);
        runs.iter().for_each(|run| take(&mut writer, run));
        numbers.iter().for_each(|&(number, count)| writer.raw(number, count));
        let mut tables = Encoder::new();
        let bytes = writer.finish(&mut tables).unwrap();
        (tables.into_bytes(), bytes)
    }

    proptest! {
        #[test]
        fn symbols_and_bits_come_back(
            runs in proptest::collection::vec(proptest::collection::vec((0..CONTEXTS as u8, any::<u8>()), 0..300), 0..5),
            few in proptest::collection::vec((0..CONTEXTS as u8, 0u8..3), 0..3000),
            numbers: Vec<(u64, u8)>,
        ) {
            let runs = [runs, vec![few]].concat();
            let numbers: Vec<(u64, u32)> = numbers.into_iter().map(|(number, count)| (number, u32::from(count) % 65)).collect();
            let (tables, bytes) = written(&runs, &numbers);
            let mut reader = SymbolReader::new(CONTEXTS, &mut Decoder::new(&tables), &bytes).unwrap();
            for run in &runs {
                let (contexts, symbols): (Vec<u8>, Vec<u8>) = run.iter().copied().unzip();
                let mut read = vec![0; run.len()];
                reader.symbols(&contexts, &mut read);
                prop_assert_eq!(read, symbols);
            }
            for (number, count) in numbers {
                prop_assert_eq!(reader.raw(count), if count == 64 { number } else { number & ((1 << count) - 1) });
            }
            prop_assert_eq!(reader.finish(), Ok(()));
        }

        #[test]
        fn any_bytes_decode_without_a_panic(tables: Vec<u8>, bytes: Vec<u8>) {
            if let Ok(mut reader) = SymbolReader::new(CONTEXTS, &mut Decoder::new(&tables), &bytes) {
                reader.symbols(&[0, 1, 2, 3, 4, 0, 1], &mut [0; 7]);
                let _ = (reader.raw(64), reader.finish());
            }
        }
    }

    #[test]
    fn a_skewed_source_costs_its_entropy() {
        let run: Vec<(u8, u8)> = (0..100_000u64)
            .map(|i| (0, (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40 & 0xff).leading_zeros() as u8 - 56))
            .collect();
        let mut writer = SymbolWriter::new(CONTEXTS, run.len());
        take(&mut writer, &run);
        let expected = writer.size()[1] / 8.0;
        let (tables, bytes) = written(&[run], &[]);
        // Half the symbols take a bit, a quarter two, and so on: two bits on the average.
        assert!((expected - 25_000.0).abs() < 200.0, "{expected}");
        let size = (tables.len() + bytes.len()) as f64;
        assert!((size - expected).abs() < 0.01 * expected, "{size} bytes for {expected}");
    }
}
