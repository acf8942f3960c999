//! The .enk file: header, model, blocks, index, end. `docs/enk-format.md` is its specification.

use super::block::{Plan, Residual};
use super::bound::Bound;
use super::bytes::{Reader, put_signed, put_unsigned};
use super::element::ElementType;
use super::error::CodecError;
use super::levels::Grid;
use super::quantiser::Quantiser;
use super::region::{Exact, MAX_REGIONS};
use super::samples::Layout;

pub(crate) const MAGIC: [u8; 8] = *b"\x89ENK\r\n\x1a\n";
/// Of a file with a model. Version 2 has none.
const VERSION: u32 = 1;
/// Of one without that may have bounds of its own for variables, or of each value by itself.
const VERSION_OF_MORE_BOUNDS: u32 = 3;
/// Of one that says of each array how it is coded, and has regions and what comes back exactly.
const VERSION_OF_PARTS: u32 = 4;
/// Of several arrays, each a whole file.
const VERSION_OF_SEVERAL: u32 = 5;
/// As that of parts, but an array may be coded over its mean.
const VERSION_OF_MEANS: u32 = 6;
/// Added to a version where a description follows the header.
const DESCRIBED: u32 = 16;
pub(crate) const BLOCK_MARK: [u8; 4] = *b"ENKB";
pub(crate) const INDEX_MARK: [u8; 4] = *b"ENKI";
pub(crate) const END_MARK: [u8; 4] = *b"ENKE";
/// Index offset, total length, checksum, mark.
pub(crate) const END_BYTES: usize = 8 + 8 + 4 + 4;
/// No header is longer: latents are limited to 65,536.
pub(crate) const MAX_HEADER: usize = 1 << 20;
/// Values that a block holds at most: it is decoded in memory.
pub(crate) const MAX_BLOCK_VALUES: usize = 1 << 26;
const MAX_LATENT: usize = 1 << 16;
/// Axes of a sample at most.
pub const MAX_DIMENSIONS: usize = 16;
/// Variables of a file at most: each has probabilities of its own in memory.
pub const MAX_VARIABLES: usize = 32;
/// Arrays of a file of several.
pub(crate) const MAX_MEMBERS: usize = 4096;
/// Bytes of a variable's name.
pub(crate) const MAX_NAME: usize = 256;

/// Whether bytes have this checksum. Fuzzing takes any: it would never get past them.
pub(crate) fn is_sound(bytes: &[u8], checksum: u32) -> bool {
    cfg!(fuzzing) || crc32fast::hash(bytes) == checksum
}

/// Where the decoder is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ModelPlace {
    /// In the file, so many bytes long.
    Embedded(u64),
    /// Elsewhere: the SHA-256 of its bytes and the bits of its weights.
    ByHash([u8; 32], u8),
    /// There is none: every block says how it is predicted.
    None,
}

/// What a file says of itself first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Header {
    pub(crate) layout: Layout,
    pub(crate) element: ElementType,
    pub(crate) shape: Vec<usize>,
    pub(crate) samples: u64,
    pub(crate) bound: Bound,
    /// Bounds of single variables, where any has one of its own: one for each.
    pub(crate) bounds: Vec<Bound>,
    pub(crate) block_samples: usize,
    pub(crate) plan: Plan,
    pub(crate) model: ModelPlace,
    /// What files without a model say from version 4 on.
    pub(crate) alone: Option<Alone>,
    /// Bytes of the description; 0 where there is none.
    pub(crate) description: u64,
}

/// What a file without a model says beside its bounds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Alone {
    pub(crate) exact: Exact,
    /// Names of regions, and their bounds.
    pub(crate) regions: Vec<(String, Bound)>,
}

impl Header {
    pub(crate) fn features(&self) -> usize {
        self.shape.iter().product()
    }

    /// The number of blocks.
    pub(crate) fn blocks(&self) -> u64 {
        self.samples.div_ceil(self.block_samples as u64)
    }

    /// The samples of a block.
    pub(crate) fn samples_of(&self, block: u64) -> usize {
        (self.samples - block * self.block_samples as u64).min(self.block_samples as u64) as usize
    }

    /// Magic, version, length, header, checksum.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let described = if self.description > 0 { DESCRIBED } else { 0 };
        if described > 0 {
            put_unsigned(&mut body, self.description);
        }
        body.push(self.element as u8);
        put_unsigned(&mut body, self.shape.len() as u64);
        self.shape.iter().for_each(|&length| put_unsigned(&mut body, length as u64));
        put_layout(&mut body, &self.layout);
        put_unsigned(&mut body, self.samples);
        put_unsigned(&mut body, self.block_samples as u64);
        let put_bound = |body: &mut Vec<u8>, bound: Bound| {
            let (kind, number) = bound.to_parts();
            body.push(kind);
            body.extend(number.to_le_bytes());
        };
        put_bound(&mut body, self.bound);
        if self.model == ModelPlace::None {
            put_unsigned(&mut body, self.bounds.len() as u64);
            self.bounds.iter().for_each(|&bound| put_bound(&mut body, bound));
            let Alone { exact, regions } = self.alone.as_ref().expect("a writer says it");
            body.push(exact.to_byte());
            put_unsigned(&mut body, regions.len() as u64);
            for (name, bound) in regions {
                put_name(&mut body, name);
                put_bound(&mut body, *bound);
            }
            return with_envelope(VERSION_OF_MEANS + described, &body);
        }
        match &self.plan.residual {
            Residual::None => body.push(0),
            Residual::Deviations(quantisers) => {
                body.push(1);
                quantisers.iter().for_each(|&quantiser| put_quantiser(&mut body, quantiser));
            }
            Residual::Levels(Grid { step }) => body.extend([2, *step]),
        }
        body.extend(self.plan.coefficients.map(|coefficient| coefficient as u8));
        put_unsigned(&mut body, self.plan.active as u64);
        put_signed(&mut body, i64::from(self.plan.fraction));
        let units = &self.plan.units;
        let uniform = units.iter().all(|unit| *unit == units[0]);
        body.push(u8::from(!uniform));
        units.iter().take(if uniform { 1 } else { units.len() }).for_each(|&unit| put_unsigned(&mut body, unit as u64));
        match self.model {
            ModelPlace::Embedded(length) => {
                body.push(1);
                put_unsigned(&mut body, length);
            }
            ModelPlace::ByHash(hash, bits) => {
                body.extend([0, bits]);
                body.extend(hash);
            }
            ModelPlace::None => {}
        }
        with_envelope(VERSION + described, &body)
    }

    /// Reads a header from the first bytes of a file, and where it ends.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<(Self, usize), CodecError> {
        let Envelope { version, description, mut reader, end } = Envelope::open(bytes)?;
        if version == VERSION_OF_SEVERAL {
            return Err(CodecError::Several);
        }
        let header = Self { description, ..Self::parse(version, &mut reader)? };
        Ok((header, end))
    }

    fn parse(version: u32, reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let number = reader.u8("the element type")?;
        let element =
            ElementType::from_number(number).ok_or_else(|| reader.damaged(format!("element type {number}")))?;
        let dimensions = reader.up_to(MAX_DIMENSIONS, "the number of dimensions")?;
        let mut shape = Vec::with_capacity(dimensions);
        for _ in 0..dimensions {
            shape.push(reader.up_to(MAX_BLOCK_VALUES, "a dimension")?);
        }
        let features = shape.iter().try_fold(1usize, |product, &length| product.checked_mul(length));
        let features = features.filter(|features| (1..=MAX_BLOCK_VALUES).contains(features));
        let features = features.ok_or_else(|| reader.damaged(format!("samples of shape {shape:?}")))?;
        let layout = layout(reader, &shape)?;
        let parts = layout.parts();
        let samples = reader.unsigned("the number of samples")?;
        if samples.checked_mul(features as u64 * 8).is_none() {
            return Err(reader.damaged(format!("{samples} samples of {features} values")));
        }
        let block_samples = reader.up_to(MAX_BLOCK_VALUES / features, "the samples of a block")?;
        if block_samples == 0 {
            return Err(reader.damaged("blocks of no samples"));
        }
        let bound = |reader: &mut Reader<'_>| {
            let (kind, number) = (reader.u8("a bound")?, reader.f64("a bound")?);
            Bound::from_parts(kind, number).ok_or_else(|| reader.damaged("an impossible bound"))
        };
        let (of_all, mut bounds) = (bound(reader)?, Vec::new());
        if version >= VERSION_OF_MORE_BOUNDS {
            for _ in 0..reader.up_to(parts, "the number of bounds")? {
                bounds.push(bound(reader)?);
            }
            if ![0, parts].contains(&bounds.len()) {
                return Err(reader.damaged(format!("{} bounds of {parts} variables", bounds.len())));
            }
        } else if of_all.part().is_some() {
            return Err(reader.damaged("a bound of a later version"));
        }
        let mut alone = None;
        if [VERSION_OF_PARTS, VERSION_OF_MEANS].contains(&version) {
            alone = Some(Alone::read(reader, &bound)?);
        }
        let bound = of_all;
        if version != VERSION {
            reader.finish("the header")?;
            let (plan, model) = (Plan::without_model(parts), ModelPlace::None);
            return Ok(Self {
                layout,
                element,
                shape,
                samples,
                bound,
                bounds,
                block_samples,
                plan,
                model,
                alone,
                description: 0,
            });
        }
        let residual = match reader.u8("the kind of residual")? {
            0 => Residual::None,
            1 => Residual::Deviations((0..parts).map(|_| quantiser(reader)).collect::<Result<_, _>>()?),
            2 => match (reader.u8("the step")?, element) {
                (step @ 1.., ElementType::U8) => Residual::Levels(Grid { step }),
                (step, _) => return Err(reader.damaged(format!("levels {step} apart of type {element}"))),
            },
            other => return Err(reader.damaged(format!("residual of kind {other}"))),
        };
        let coefficients = reader.array("the coefficients")?.map(|byte: u8| byte as i8);
        let active = reader.up_to(MAX_LATENT, "the latents in use")?;
        let fraction = reader.signed("the latents' fraction bits")?;
        if !(-64..=64).contains(&fraction) {
            return Err(reader.damaged(format!("{fraction} fraction bits of a latent")));
        }
        let uniform = match reader.u8("the kind of units")? {
            0 => true,
            1 => false,
            other => return Err(reader.damaged(format!("units of kind {other}"))),
        };
        if block_samples.checked_mul(active).is_none_or(|codes| codes > MAX_BLOCK_VALUES) {
            return Err(reader.damaged(format!("{active} latents in blocks of {block_samples} samples")));
        }
        let mut units = Vec::new();
        for _ in 0..if uniform { active.min(1) } else { active } {
            units.push(reader.up_to(1 << 30, "a unit")? as i32);
        }
        if uniform && active > 0 {
            units = vec![units[0]; active];
        }
        let model = match reader.u8("the model's place")? {
            0 => {
                let bits = reader.u8("the weights' width")?;
                ModelPlace::ByHash(reader.array("the model's hash")?, bits)
            }
            1 => ModelPlace::Embedded(reader.unsigned("the model's length")?),
            other => return Err(reader.damaged(format!("a model of place {other}"))),
        };
        reader.finish("the header")?;
        let plan =
            Plan { active, units, fraction: fraction as i32, coefficients, residual, parts, missing: Vec::new() };
        Ok(Self { layout, element, shape, samples, bound, bounds, block_samples, plan, model, alone, description: 0 })
    }
}

/// What is around the fields of a header.
struct Envelope<'a> {
    version: u32,
    /// Bytes of the description.
    description: u64,
    /// The fields behind it.
    reader: Reader<'a>,
    /// Where the header ends.
    end: usize,
}

impl<'a> Envelope<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new(bytes, 0);
        if bytes.len() < MAGIC.len() && MAGIC.starts_with(bytes) {
            return Err(reader.damaged("the file ends within its first 8 bytes"));
        }
        if reader.array::<8>("the magic").map_err(|_| CodecError::Magic)? != MAGIC {
            return Err(CodecError::Magic);
        }
        let found = u32::try_from(reader.unsigned("the version")?).unwrap_or(u32::MAX);
        let is_described = found & DESCRIBED != 0;
        let version = found & !DESCRIBED;
        if !(VERSION..=VERSION_OF_MEANS).contains(&version) {
            return Err(CodecError::Version { found, known: VERSION_OF_MEANS });
        }
        let length = reader.up_to(MAX_HEADER, "the header's length")?;
        let start = bytes.len() - reader.remaining();
        let body = reader.take(length, "the header")?;
        let checksum = u32::from_le_bytes(reader.array("the header's checksum")?);
        if !is_sound(&bytes[..start + length], checksum) {
            return Err(CodecError::Damaged { offset: 0, what: "the header's checksum is wrong".to_owned() });
        }
        let mut reader = Reader::new(body, start as u64);
        let description = if is_described { reader.unsigned("the length of the description")? } else { 0 };
        Ok(Self { version, description, reader, end: start + length + 4 })
    }
}

/// The header of a file of several arrays.
pub(crate) fn archive_to_bytes(members: usize, description: usize) -> Vec<u8> {
    let mut body = Vec::new();
    let described = if description > 0 { DESCRIBED } else { 0 };
    if described > 0 {
        put_unsigned(&mut body, description as u64);
    }
    put_unsigned(&mut body, members as u64);
    with_envelope(VERSION_OF_SEVERAL + described, &body)
}

/// How many arrays a file of several has, the bytes of its description, and where its header ends; none for a file of another version.
pub(crate) fn archive_from_bytes(bytes: &[u8]) -> Result<Option<(u64, u64, u64)>, CodecError> {
    let Envelope { version, description, mut reader, end } = Envelope::open(bytes)?;
    if version != VERSION_OF_SEVERAL {
        return Ok(None);
    }
    let members = reader.up_to(MAX_MEMBERS, "the number of arrays")?;
    reader.finish("the header")?;
    Ok(Some((members as u64, description, end as u64)))
}

/// A description as it follows the header: its bytes and their checksum; nothing where there is none.
pub(crate) fn description_to_bytes(description: &[u8]) -> Vec<u8> {
    if description.is_empty() {
        return Vec::new();
    }
    [description, &crc32fast::hash(description).to_le_bytes()].concat()
}

/// Magic, version, length, fields, checksum.
fn with_envelope(version: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    put_unsigned(&mut bytes, u64::from(version));
    put_unsigned(&mut bytes, body.len() as u64);
    bytes.extend(body);
    let checksum = crc32fast::hash(&bytes);
    bytes.extend(checksum.to_le_bytes());
    bytes
}

fn put_name(body: &mut Vec<u8>, name: &str) {
    put_unsigned(body, name.len() as u64);
    body.extend(name.as_bytes());
}

fn name(reader: &mut Reader<'_>) -> Result<String, CodecError> {
    let length = reader.up_to(MAX_NAME, "the length of a name")?;
    let name = reader.take(length, "a name")?.to_vec();
    String::from_utf8(name).map_err(|_| reader.damaged("a name that is not UTF-8"))
}

impl Alone {
    fn read(
        reader: &mut Reader<'_>,
        bound: &dyn Fn(&mut Reader<'_>) -> Result<Bound, CodecError>,
    ) -> Result<Self, CodecError> {
        let byte = reader.u8("what is exact")?;
        let exact = Exact::from_byte(byte).ok_or_else(|| reader.damaged(format!("exactness {byte}")))?;
        let mut regions = Vec::new();
        for _ in 0..reader.up_to(MAX_REGIONS, "the number of regions")? {
            regions.push((name(reader)?, bound(reader)?));
        }
        Ok(Self { exact, regions })
    }
}

fn put_layout(body: &mut Vec<u8>, layout: &Layout) {
    put_unsigned(body, layout.variables.len() as u64);
    layout.variables.iter().for_each(|name| put_name(body, name));
    put_unsigned(body, layout.array.len() as u64);
    layout.array.iter().for_each(|&length| put_unsigned(body, length));
    put_unsigned(body, layout.block.len() as u64);
    layout.block.iter().for_each(|&length| put_unsigned(body, length as u64));
}

/// A layout that belongs to samples of this shape.
fn layout(reader: &mut Reader<'_>, shape: &[usize]) -> Result<Layout, CodecError> {
    let mut layout = Layout::default();
    for _ in 0..reader.up_to(MAX_VARIABLES, "the number of variables")? {
        layout.variables.push(name(reader)?);
    }
    if layout.parts() > 1 && shape.first() != Some(&layout.parts()) {
        return Err(reader.damaged(format!("{} variables in samples of shape {shape:?}", layout.parts())));
    }
    for _ in 0..reader.up_to(MAX_DIMENSIONS, "the dimensions of the array")? {
        layout.array.push(reader.unsigned("a length of the array")?);
    }
    for _ in 0..reader.up_to(layout.array.len(), "the dimensions of a block")? {
        layout.block.push(reader.up_to(MAX_BLOCK_VALUES, "a length of a block")?);
    }
    Ok(layout)
}

fn put_quantiser(body: &mut Vec<u8>, quantiser: Quantiser) {
    match quantiser {
        Quantiser::Exact => body.push(0),
        Quantiser::Steps { step, bound } => {
            body.push(1);
            body.extend(step.to_le_bytes());
            body.extend(bound.to_le_bytes());
        }
    }
}

fn quantiser(reader: &mut Reader<'_>) -> Result<Quantiser, CodecError> {
    match reader.u8("the kind of steps")? {
        0 => Ok(Quantiser::Exact),
        1 => {
            let (step, bound) = (reader.f64("the step")?, reader.f64("the bound of a value")?);
            if !(step > 0.0 && step.is_finite() && bound >= 0.0) {
                return Err(reader.damaged(format!("steps of {step} with bound {bound}")));
            }
            Ok(Quantiser::Steps { step, bound })
        }
        other => Err(reader.damaged(format!("steps of kind {other}"))),
    }
}

/// A block as it lies in the file.
pub(crate) struct Frame<'a> {
    pub(crate) number: u64,
    pub(crate) samples: usize,
    pub(crate) codes: &'a [u8],
    pub(crate) residual: &'a [u8],
    /// Bytes of the whole frame.
    pub(crate) length: usize,
}

impl<'a> Frame<'a> {
    /// Mark, number, samples, lengths of the streams, streams, checksum.
    pub(crate) fn to_bytes(number: u64, samples: usize, codes: &[u8], residual: &[u8]) -> Vec<u8> {
        let mut bytes = BLOCK_MARK.to_vec();
        put_unsigned(&mut bytes, number);
        put_unsigned(&mut bytes, samples as u64);
        put_unsigned(&mut bytes, codes.len() as u64);
        put_unsigned(&mut bytes, residual.len() as u64);
        bytes.extend(codes);
        bytes.extend(residual);
        let checksum = crc32fast::hash(&bytes);
        bytes.extend(checksum.to_le_bytes());
        bytes
    }

    /// Reads the block that begins here.
    pub(crate) fn from_bytes(bytes: &'a [u8], origin: u64) -> Result<Self, CodecError> {
        let mut reader = Reader::new(bytes, origin);
        if reader.array::<4>("a block's mark")? != BLOCK_MARK {
            return Err(CodecError::Damaged { offset: origin, what: "no block begins here".to_owned() });
        }
        let number = reader.unsigned("a block's number")?;
        let samples = reader.up_to(MAX_BLOCK_VALUES, "a block's samples")?;
        let codes = reader.up_to(reader.remaining(), "the length of the codes")?;
        let residual = reader.up_to(reader.remaining(), "the length of the residual")?;
        let codes = reader.take(codes, "the codes")?;
        let residual = reader.take(residual, "the residual")?;
        let length = bytes.len() - reader.remaining();
        let checksum = u32::from_le_bytes(reader.array("a block's checksum")?);
        if !is_sound(&bytes[..length], checksum) {
            return Err(CodecError::Damaged { offset: origin, what: "a block's checksum is wrong".to_owned() });
        }
        Ok(Self { number, samples, codes, residual, length: length + 4 })
    }
}

/// What stands behind blocks that begin at `start`. The index: mark, number of blocks, their lengths, checksum. And the end, of
/// [`END_BYTES`]: where the index begins, the length of all, checksum, mark.
pub(crate) fn index_to_bytes(start: u64, lengths: &[u64]) -> Vec<u8> {
    let mut bytes = INDEX_MARK.to_vec();
    put_unsigned(&mut bytes, lengths.len() as u64);
    lengths.iter().for_each(|&length| put_unsigned(&mut bytes, length));
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    let index = start + lengths.iter().sum::<u64>();
    let total = index + (bytes.len() + END_BYTES) as u64;
    let end = [index.to_le_bytes(), total.to_le_bytes()].concat();
    bytes.extend(&end);
    bytes.extend(crc32fast::hash(&end).to_le_bytes());
    bytes.extend(END_MARK);
    bytes
}

pub(crate) fn index_from_bytes(bytes: &[u8], origin: u64, blocks: u64) -> Result<Vec<u64>, CodecError> {
    let (content, checksum) = bytes
        .split_last_chunk::<4>()
        .ok_or(CodecError::Damaged { offset: origin, what: "the index has no room for its checksum".to_owned() })?;
    if !is_sound(content, u32::from_le_bytes(*checksum)) {
        return Err(CodecError::Damaged { offset: origin, what: "the index's checksum is wrong".to_owned() });
    }
    let mut reader = Reader::new(content, origin);
    if reader.array::<4>("the index's mark")? != INDEX_MARK {
        return Err(reader.damaged("no index is here"));
    }
    let count = reader.unsigned("the number of blocks")?;
    if count != blocks || count > reader.remaining() as u64 {
        return Err(reader.damaged(format!("an index of {count} blocks for a file of {blocks}")));
    }
    let lengths = (0..count).map(|_| reader.unsigned("a block's length")).collect::<Result<_, _>>()?;
    reader.finish("the index")?;
    Ok(lengths)
}

/// Where the index begins, from the last bytes of a file that is `length` long.
pub(crate) fn end_from_bytes(bytes: &[u8; END_BYTES], length: u64) -> Result<u64, CodecError> {
    let origin = length - END_BYTES as u64;
    let mut reader = Reader::new(bytes, origin);
    let index = u64::from_le_bytes(reader.array("the index's offset")?);
    let total = u64::from_le_bytes(reader.array("the file's length")?);
    let checksum = u32::from_le_bytes(reader.array("the checksum of the end")?);
    if bytes[20..] != END_MARK || !is_sound(&bytes[..16], checksum) {
        let what = "the file does not end as it should: it was cut off or damaged".to_owned();
        return Err(CodecError::Damaged { offset: origin, what });
    }
    if total != length {
        return Err(CodecError::Damaged { offset: origin, what: format!("{length} bytes, but it says {total}") });
    }
    if index > origin {
        return Err(CodecError::Damaged { offset: origin, what: format!("an index at byte {index}") });
    }
    Ok(index)
}
