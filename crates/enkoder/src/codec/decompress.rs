//! Decompression from anything that can be read and sought: all samples, a range of them, or what a damaged file still holds.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use rayon::prelude::*;

use super::alone::{self, Prediction};
use super::block;
use super::bound::Bound;
use super::container::{
    BLOCK_MARK, END_BYTES, Frame, Header, MAX_HEADER, ModelPlace, end_from_bytes, index_from_bytes, is_sound,
};
use super::element::{Element, ElementType, with_element};
use super::entropy::Corrupt;
use super::error::CodecError;
use super::fixed_point::FixedDecoder;
use super::region::Exact;
use super::samples::{Layout, SampleArray};
use crate::autoencoder::Autoencoder;

/// A frame is at most this long: a value takes at most 24 bytes, and a code no more.
const MAX_FRAME: u64 = 1 << 32;
/// Bytes of lost samples that are handed on together, unless a single sample has more.
const MISSING_BYTES: usize = 1 << 20;

/// An open .enk file.
#[derive(Debug)]
pub struct EnkFile<R> {
    input: R,
    length: u64,
    header: Header,
    decoder: Option<FixedDecoder>,
    /// Whether the embedded model is not what was written.
    model_is_damaged: bool,
    model_bytes: u64,
    blocks_start: u64,
    /// Where each block begins, and the end of the last; `None` where the index is damaged.
    offsets: Result<Vec<u64>, CodecError>,
    /// For each variable the bytes of what stands for lost values, where that is given.
    fills: Vec<Option<Vec<u8>>>,
}

/// A block that could not be decoded, or several in a row of which nothing was found.
#[derive(Debug)]
#[non_exhaustive]
pub struct Lost {
    /// The first block's number.
    pub block: u64,
    /// Its first sample.
    pub first: u64,
    /// How many samples they held.
    pub samples: u64,
    /// Why.
    pub cause: CodecError,
}

impl<R: Read + Seek + Sync> EnkFile<R> {
    /// Opens a file: reads and checks header, embedded model and index. A damaged index and a damaged model are only complained of
    /// when a block is asked for: [`salvage`](Self::salvage) needs no index, and [`with_model`](Self::with_model) gives the model.
    ///
    /// # Errors
    /// When it is no .enk file, a newer one, when the header is damaged, or when the file ends before the blocks.
    pub fn open(mut input: R) -> Result<Self, CodecError> {
        let length = input.seek(SeekFrom::End(0))?;
        let start = read_at(&mut input, 0, length.min(MAX_HEADER as u64 + 64))?;
        let (header, header_length) = Header::from_bytes(&start)?;
        let header_length = described(header_length as u64, header.description, length)?;
        let (mut decoder, mut model_bytes, mut model_is_damaged) = (None, 0, false);
        if let ModelPlace::Embedded(bytes) = header.model {
            let end = header_length.checked_add(bytes).and_then(|end| end.checked_add(4));
            match end {
                Some(end) if end <= length => model_bytes = bytes + 4,
                _ => {
                    let needed = end.unwrap_or(u64::MAX);
                    return Err(CodecError::Truncated { length, what: "the model", needed });
                }
            }
            let model = read_at(&mut input, header_length, model_bytes)?;
            let (model, checksum) = model.split_last_chunk::<4>().ok_or(CodecError::Magic)?;
            if is_sound(model, u32::from_le_bytes(*checksum)) {
                decoder = Some(FixedDecoder::from_bytes(model, header_length)?);
            } else {
                model_is_damaged = true;
            }
        }
        let blocks_start = header_length + model_bytes;
        let offsets = read_index(&mut input, length, blocks_start, &header);
        let mut file = Self {
            input,
            length,
            header,
            decoder: None,
            model_is_damaged,
            model_bytes,
            blocks_start,
            offsets,
            fills: Vec::new(),
        };
        if let Some(decoder) = decoder {
            file.accept(decoder)?;
        }
        Ok(file)
    }

    /// Gives the model of a file that only names it, or in which it is damaged. Otherwise the one in the file is used.
    ///
    /// # Errors
    /// When it is another model than the file was compressed with.
    pub fn with_model(mut self, model: &Autoencoder) -> Result<Self, CodecError> {
        if self.model_is_damaged {
            let decoder = self.undamaged(model)?;
            self.accept(decoder)?;
            return Ok(self);
        }
        if let ModelPlace::ByHash(expected, bits) = self.header.model {
            let mut decoder = FixedDecoder::new(model, u32::from(bits))?;
            decoder.shape.clone_from(&self.header.shape);
            let found = decoder.hash();
            if found != expected {
                return Err(CodecError::WrongModel { found: hexadecimal(&found), expected: hexadecimal(&expected) });
            }
            self.accept(decoder)?;
        }
        Ok(self)
    }

    /// For each variable the little-endian bytes of a number that [`salvage`](Self::salvage) gives in place of what is lost; of those without
    /// one, and where it has not the width of the type, NaN or 0.
    #[must_use]
    pub fn with_fills(mut self, fills: Vec<Option<Vec<u8>>>) -> Self {
        self.fills = fills;
        self
    }

    /// The decoder of this model, if it is the one that was in the file: by all of its bytes, or by the checksum of those.
    fn undamaged(&mut self, model: &Autoencoder) -> Result<FixedDecoder, CodecError> {
        let offset = self.header_bytes();
        let embedded = read_at(&mut self.input, offset, self.model_bytes)?;
        let (embedded, checksum) = embedded.split_last_chunk::<4>().ok_or(CodecError::Magic)?;
        for bits in [8, 16] {
            let mut decoder = FixedDecoder::new(model, bits)?;
            decoder.shape.clone_from(&self.header.shape);
            let bytes = decoder.to_bytes();
            if bytes.len() == embedded.len() && (bytes == embedded || is_sound(&bytes, u32::from_le_bytes(*checksum))) {
                return Ok(decoder);
            }
        }
        let what = "the model is damaged, and the one given is not the same".to_owned();
        Err(CodecError::Damaged { offset, what })
    }

    fn accept(&mut self, decoder: FixedDecoder) -> Result<(), CodecError> {
        let (features, latent) = (self.header.features(), self.header.plan.active);
        if decoder.shape != self.header.shape || features != decoder.features() || latent > decoder.latent() {
            let what = format!(
                "samples of shape {:?} and {latent} latents, but a model of {:?}, {} values and {}",
                self.header.shape,
                decoder.shape,
                decoder.features(),
                decoder.latent()
            );
            return Err(CodecError::Damaged { offset: 0, what });
        }
        self.decoder = Some(decoder);
        Ok(())
    }

    /// The type of the values.
    pub fn element(&self) -> ElementType {
        self.header.element
    }

    /// The shape of one sample.
    pub fn shape(&self) -> &[usize] {
        &self.header.shape
    }

    /// How the samples were cut from arrays.
    pub fn layout(&self) -> &Layout {
        &self.header.layout
    }

    /// The number of samples.
    pub fn samples(&self) -> u64 {
        self.header.samples
    }

    /// Samples of a block; the last may have fewer.
    pub fn block_samples(&self) -> usize {
        self.header.block_samples
    }

    /// The number of blocks.
    pub fn blocks(&self) -> u64 {
        self.header.blocks()
    }

    /// What was promised of the values.
    pub fn bound(&self) -> Bound {
        self.header.bound
    }

    /// What was promised of each variable, where it is not the same for all; otherwise nothing.
    pub fn bounds(&self) -> &[Bound] {
        &self.header.bounds
    }

    /// Regions with bounds of their own: their names and bounds, the last holding where they overlap.
    pub fn regions(&self) -> &[(String, Bound)] {
        self.header.alone.as_ref().map_or(&[], |alone| &alone.regions)
    }

    /// What came back exactly, whatever the bound.
    pub fn exact(&self) -> Exact {
        self.header.alone.as_ref().map_or(Exact::default(), |alone| alone.exact)
    }

    /// Latents in use.
    pub fn active_latents(&self) -> usize {
        self.header.plan.active
    }

    /// Bytes of the file.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Bytes of the embedded model with its checksum; 0 where the file only names it.
    pub fn model_bytes(&self) -> u64 {
        self.model_bytes
    }

    /// Whether there is a model in the file that is not what was written. What it was can be given with
    /// [`with_model`](Self::with_model).
    pub fn model_is_damaged(&self) -> bool {
        self.model_is_damaged
    }

    /// What is damaged behind the blocks, where that is: they are then only found by [`salvage`](Self::salvage).
    pub fn index_damage(&self) -> Option<&CodecError> {
        self.offsets.as_ref().err()
    }

    /// Bytes of magic, version, header and description.
    pub fn header_bytes(&self) -> u64 {
        self.blocks_start - self.model_bytes
    }

    /// What the writer kept beside the samples, as it was given; empty where that was nothing.
    ///
    /// # Errors
    /// When it is damaged, and when it is longer than `limit` bytes. The samples do not depend on it.
    pub fn description(&mut self, limit: u64) -> Result<Vec<u8>, CodecError> {
        let length = self.header.description;
        let offset = self.header_bytes().saturating_sub(length + 4);
        description_at(&mut self.input, offset, length, limit)
    }

    /// SHA-256 of the decoder in hexadecimal; empty where it is damaged.
    pub fn model_hash(&self) -> String {
        match (&self.header.model, &self.decoder) {
            (ModelPlace::ByHash(hash, _), _) => hexadecimal(hash),
            (_, Some(decoder)) => hexadecimal(&decoder.hash()),
            _ => String::new(),
        }
    }

    /// Whether blocks are predicted by a model, which may be in the file or not.
    pub fn has_model(&self) -> bool {
        self.header.model != ModelPlace::None
    }

    /// For each block, and in it for each variable and each of its regions, how it is predicted without a model; empty where there is one.
    ///
    /// # Errors
    /// When index or blocks are damaged.
    pub fn predictions(&mut self) -> Result<Vec<Vec<Prediction>>, CodecError> {
        if self.has_model() {
            return Ok(Vec::new());
        }
        let blocks = self.blocks();
        let of_block = |block| {
            let bytes = self.frame_bytes(block)?;
            let frame = self.frame(block, &bytes)?;
            alone::predictions(&self.header, [frame.codes, frame.residual], frame.samples)
                .map_err(|_| self.unwritable(block))
        };
        (0..blocks).map(of_block).collect()
    }

    /// Bytes of codes, of what is stored beside them, and of all the rest but the model.
    ///
    /// # Errors
    /// When index or blocks are damaged.
    pub fn account(&mut self) -> Result<(u64, u64, u64), CodecError> {
        let (mut codes, mut residual) = (0, 0);
        for block in 0..self.blocks() {
            let bytes = self.frame_bytes(block)?;
            let frame = self.frame(block, &bytes)?;
            codes += frame.codes.len() as u64;
            residual += frame.residual.len() as u64;
        }
        Ok((codes, residual, self.length - self.model_bytes - codes - residual))
    }

    /// Samples `first` to `end`, decoding only the blocks that they lie in.
    ///
    /// # Errors
    /// When there are no such samples, when a block is damaged, when the model is missing, and when there are more values than
    /// `limit`.
    pub fn read(&mut self, first: u64, end: u64, limit: u64) -> Result<SampleArray, CodecError> {
        let samples = self.samples();
        if first > end || end > samples {
            return Err(CodecError::Range { first, end, samples });
        }
        let features = self.header.features() as u64;
        if (end - first).saturating_mul(features) > limit {
            return Err(CodecError::TooLarge { values: (end - first).saturating_mul(features), limit });
        }
        let mut bytes = Vec::new();
        self.each(first, end, &mut |part| {
            bytes.extend_from_slice(part);
            Ok(())
        })?;
        SampleArray::from_bytes(self.element(), self.header.shape.clone(), bytes)
    }

    /// Hands on the values of samples `first` to `end` as little-endian bytes, block by block; only a few blocks are held.
    ///
    /// # Errors
    /// As [`read`](Self::read), and what `take` fails with.
    pub fn each(
        &mut self,
        first: u64,
        end: u64,
        take: &mut dyn FnMut(&[u8]) -> Result<(), CodecError>,
    ) -> Result<(), CodecError> {
        self.check_model()?;
        if first >= end {
            return Ok(());
        }
        let size = self.header.block_samples as u64;
        let sample_bytes = self.header.features() * self.element().bytes();
        let (from, to) = (first / size, (end - 1) / size + 1);
        let together = rayon::current_num_threads() as u64;
        for start in (from..to).step_by(together as usize) {
            let frames = (start..to.min(start + together))
                .map(|block| Ok((block, self.frame_bytes(block)?)))
                .collect::<Result<Vec<_>, CodecError>>()?;
            let decoded: Vec<_> = frames.par_iter().map(|(block, bytes)| self.decode(*block, bytes)).collect();
            for ((block, _), decoded) in frames.iter().zip(decoded) {
                let decoded = decoded?;
                let skipped = first.saturating_sub(block * size) as usize * sample_bytes;
                let wanted = (end - block * size).min(size) as usize * sample_bytes;
                take(&decoded[skipped..wanted.min(decoded.len())])?;
            }
        }
        Ok(())
    }

    /// Hands on all samples as [`each`](Self::each), those that can no longer be decoded as what [`with_fills`](Self::with_fills) says,
    /// otherwise as NaN, or 0 where the type has none, and says which these are. Works without the index: blocks are found by their marks. Memory is taken for the file and a block,
    /// and never for what the header claims.
    ///
    /// # Errors
    /// When the model is missing, when reading fails, when there are more values than `limit` or no block is left, and what
    /// `take` fails with.
    pub fn salvage(
        &mut self,
        limit: u64,
        take: &mut dyn FnMut(&[u8]) -> Result<(), CodecError>,
    ) -> Result<Vec<Lost>, CodecError> {
        self.check_model()?;
        let values = self.samples().saturating_mul(self.header.features() as u64);
        if values > limit {
            return Err(CodecError::TooLarge { values, limit });
        }
        let body = read_at(&mut self.input, self.blocks_start, self.length - self.blocks_start)?;
        let found = self.find_blocks(&body);
        if found.is_empty() && self.blocks() > 0 {
            let what = "no block is left that is not damaged".to_owned();
            return Err(CodecError::Damaged { offset: self.blocks_start, what });
        }
        let (mut lost, mut next) = (Vec::new(), 0);
        for (block, frame) in found {
            if next < block {
                let cause = self.blocks_error(next..block, "no undamaged copy of it was found");
                lost.push(self.lose(next..block, cause, take)?);
            }
            match self.decode(block, frame) {
                Ok(decoded) => take(&decoded)?,
                Err(cause) => lost.push(self.lose(block..block + 1, cause, take)?),
            }
            next = block + 1;
        }
        if next < self.blocks() {
            let rest = next..self.blocks();
            let cause = self.blocks_error(rest.clone(), "no undamaged copy of it was found");
            lost.push(self.lose(rest, cause, take)?);
        }
        Ok(lost)
    }

    /// Hands on all samples as [`salvage`](Self::salvage) does where no block is left.
    ///
    /// # Errors
    /// When there are more values than `limit`, and what `take` fails with.
    pub fn lose_all(
        &self,
        limit: u64,
        take: &mut dyn FnMut(&[u8]) -> Result<(), CodecError>,
    ) -> Result<Lost, CodecError> {
        let values = self.samples().saturating_mul(self.header.features() as u64);
        if values > limit {
            return Err(CodecError::TooLarge { values, limit });
        }
        let blocks = 0..self.blocks();
        let cause = self.blocks_error(blocks.clone(), "no block is left that is not damaged");
        self.lose(blocks, cause, take)
    }

    /// The frames that are not damaged, by the numbers of their blocks.
    fn find_blocks<'b>(&self, body: &'b [u8]) -> BTreeMap<u64, &'b [u8]> {
        let mut found = BTreeMap::new();
        let mut position = 0;
        while let Some(next) = body[position..].windows(4).position(|window| window == BLOCK_MARK) {
            position += next;
            match Frame::from_bytes(&body[position..], self.blocks_start + position as u64) {
                Ok(frame) => {
                    if frame.number < self.blocks() {
                        found.insert(frame.number, &body[position..position + frame.length]);
                    }
                    position += frame.length;
                }
                Err(_) => position += 1,
            }
        }
        found
    }

    /// Hands on what stands for the samples of blocks that are lost.
    fn lose(
        &self,
        blocks: Range<u64>,
        cause: CodecError,
        take: &mut dyn FnMut(&[u8]) -> Result<(), CodecError>,
    ) -> Result<Lost, CodecError> {
        let none = match self.element() {
            ElementType::F16 => half::f16::NAN.to_le_bytes().to_vec(),
            ElementType::F32 => f32::NAN.to_le_bytes().to_vec(),
            ElementType::F64 => f64::NAN.to_le_bytes().to_vec(),
            other => vec![0; other.bytes()],
        };
        let parts = self.header.layout.parts();
        let of_part = |part: usize| {
            let fill = self.fills.get(part).and_then(Option::as_deref).filter(|fill| fill.len() == none.len());
            fill.unwrap_or(&none).repeat(self.header.features() / parts)
        };
        let sample: Vec<u8> = (0..parts).flat_map(of_part).collect();
        let Range { start: first, end } = self.samples_in(&blocks);
        let together = (MISSING_BYTES / sample.len()).clamp(1, self.header.block_samples);
        let piece = sample.repeat(together);
        for at in (first..end).step_by(together) {
            let samples = (end - at).min(together as u64) as usize;
            take(&piece[..samples * sample.len()])?;
        }
        Ok(Lost { block: blocks.start, first, samples: end - first, cause })
    }

    /// Whether blocks can be decoded: the model is here, or none is needed.
    fn check_model(&self) -> Result<(), CodecError> {
        if self.header.model == ModelPlace::None { Ok(()) } else { self.require_model().map(|_| ()) }
    }

    fn require_model(&self) -> Result<&FixedDecoder, CodecError> {
        self.decoder.as_ref().ok_or_else(|| match self.model_is_damaged {
            true => CodecError::Damaged {
                offset: self.header_bytes(),
                what: "the model's checksum is wrong\nhint: give the model with `EnkFile::with_model`".to_owned(),
            },
            false => CodecError::ModelNeeded { hash: self.model_hash() },
        })
    }

    fn frame_bytes(&mut self, block: u64) -> Result<Vec<u8>, CodecError> {
        let offsets = self.offsets.as_ref().map_err(|error| index_lost(error, self.length))?;
        let (start, end) = (offsets[block as usize], offsets[block as usize + 1]);
        read_at(&mut self.input, start, end - start)
    }

    fn frame<'b>(&self, block: u64, bytes: &'b [u8]) -> Result<Frame<'b>, CodecError> {
        let frame = Frame::from_bytes(bytes, 0).map_err(|error| self.block_error(block, &error.to_string()))?;
        if frame.number != block || frame.samples != self.header.samples_of(block) || frame.length != bytes.len() {
            return Err(self.block_error(block, "another block lies in its place"));
        }
        Ok(frame)
    }

    fn decode(&self, block: u64, bytes: &[u8]) -> Result<Vec<u8>, CodecError> {
        let frame = self.frame(block, bytes)?;
        let decoder = (self.header.model != ModelPlace::None).then(|| self.require_model()).transpose()?;
        decode(&self.header, decoder, &frame).map_err(|_| self.unwritable(block))
    }

    fn unwritable(&self, block: u64) -> CodecError {
        self.block_error(block, "its stream is none that a writer makes")
    }

    fn block_error(&self, block: u64, what: &str) -> CodecError {
        self.blocks_error(block..block + 1, what)
    }

    fn blocks_error(&self, blocks: Range<u64>, what: &str) -> CodecError {
        let Range { start: first, end } = self.samples_in(&blocks);
        CodecError::Block { block: blocks.start as usize, first, last: end - 1, what: what.to_owned() }
    }

    /// The samples of blocks, of which there is at least one.
    fn samples_in(&self, blocks: &Range<u64>) -> Range<u64> {
        let size = self.header.block_samples as u64;
        let last = blocks.end - 1;
        blocks.start * size..last * size + self.header.samples_of(last) as u64
    }
}

// What follows knows nothing of the place that a file is read from: a crate that opens files of its own kind would otherwise compile all
// that decodes anew, for each type of values.

fn decode(header: &Header, decoder: Option<&FixedDecoder>, frame: &Frame<'_>) -> Result<Vec<u8>, Corrupt> {
    fn values<T: Element>(
        header: &Header,
        decoder: Option<&FixedDecoder>,
        frame: &Frame<'_>,
    ) -> Result<Vec<u8>, Corrupt> {
        let streams = [frame.codes, frame.residual];
        let values: Vec<T> = match decoder {
            None => alone::decode(header, streams, frame.samples)?,
            Some(decoder) => block::decode(decoder, &header.plan, streams, frame.samples)?,
        };
        Ok(T::to_le(&values))
    }
    with_element!(header.element, T => values::<T>(header, decoder, frame))
}

/// Where a header with a description ends, whose own fields end at `header`.
pub(crate) fn described(header: u64, description: u64, length: u64) -> Result<u64, CodecError> {
    let end = match description {
        0 => Some(header),
        bytes => bytes.checked_add(4).and_then(|bytes| bytes.checked_add(header)),
    };
    end.filter(|&end| end <= length).ok_or(CodecError::Truncated {
        length,
        what: "the description",
        needed: end.unwrap_or(u64::MAX),
    })
}

/// The description of this length; empty where there is none.
pub(crate) fn description_at<R: Read + Seek>(
    input: &mut R,
    offset: u64,
    length: u64,
    limit: u64,
) -> Result<Vec<u8>, CodecError> {
    if length == 0 {
        return Ok(Vec::new());
    }
    if length > limit {
        return Err(CodecError::TooLarge { values: length, limit });
    }
    let mut bytes = read_at(input, offset, length + 4)?;
    let checksum = bytes.split_off(length as usize).try_into().map_err(|_| CodecError::Magic)?;
    if !is_sound(&bytes, u32::from_le_bytes(checksum)) {
        return Err(CodecError::Damaged { offset, what: "the description's checksum is wrong".to_owned() });
    }
    Ok(bytes)
}

/// Bytes at a place that has been checked to lie within the file.
pub(crate) fn read_at<R: Read + Seek>(input: &mut R, offset: u64, length: u64) -> Result<Vec<u8>, CodecError> {
    input.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    input.take(length).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < length {
        let needed = offset + length;
        return Err(CodecError::Truncated { length: offset + bytes.len() as u64, what: "what was asked for", needed });
    }
    Ok(bytes)
}

/// Where the blocks begin.
fn read_index<R: Read + Seek>(
    input: &mut R,
    length: u64,
    blocks_start: u64,
    header: &Header,
) -> Result<Vec<u64>, CodecError> {
    let needed = blocks_start + END_BYTES as u64;
    if length < needed {
        return Err(CodecError::Truncated { length, what: "the end", needed });
    }
    let end = read_at(input, length - END_BYTES as u64, END_BYTES as u64)?;
    let end: &[u8; END_BYTES] = end.as_slice().try_into().map_err(|_| CodecError::Magic)?;
    let index = end_from_bytes(end, length)?;
    if index < blocks_start {
        let what = format!("an index at byte {index}, before the blocks");
        return Err(CodecError::Damaged { offset: length - END_BYTES as u64, what });
    }
    let bytes = read_at(input, index, length - END_BYTES as u64 - index)?;
    let lengths = index_from_bytes(&bytes, index, header.blocks())?;
    let mut offsets = vec![blocks_start];
    let mut position = blocks_start;
    for block in lengths {
        position = position.checked_add(block).filter(|&end| end <= index && block < MAX_FRAME).ok_or_else(|| {
            CodecError::Damaged { offset: index, what: "blocks that reach beyond the index".to_owned() }
        })?;
        offsets.push(position);
    }
    if position != index {
        return Err(CodecError::Damaged { offset: index, what: "bytes between the blocks and the index".to_owned() });
    }
    Ok(offsets)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Damage of an index behind what it is of, with the way out.
pub(super) fn index_lost(error: &CodecError, length: u64) -> CodecError {
    let (offset, what) = match error {
        CodecError::Damaged { offset, what } => (*offset, what.clone()),
        error => (length, error.to_string()),
    };
    let what = format!("{what}\nhint: `EnkFile::salvage` decodes the blocks that are whole");
    CodecError::Damaged { offset, what }
}
