//! Reading DATA: a built-in name, a data set on OpenML with its download shown, or a path.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::slice;

use enkoder::codec::{self, Bound, CompressSummary, ElementType, SampleArray, SampleSource};
use enkoder::{Autoencoder, Dataset, Quantity, Schema, StoredDataset};
use enkoder_data::openml::{CachedSet, DownloadEvent, OpenmlClient};
use enkoder_data::{ArrayEntry, Arrays, Chunks, Contents, ReadOptions, Source, TableOptions};

use crate::arguments::{ArrayArguments, DataName, DataOptions, FetchOptions, ModelAndData};
use crate::failure::Usage;
use crate::model;
use crate::pictures;
use crate::progress::DownloadProgress;
use crate::screen::Screen;
use crate::standard_input;
use crate::wording;

impl DataOptions {
    /// Opens data to train on, or to look at.
    pub fn open(&self, names: &[DataName], screen: Screen) -> anyhow::Result<Dataset> {
        self.read_all(names, TableOptions::default(), screen)
    }

    /// Opens data to use a model on: a table is read as the model's was, and pictures are brought to the size and colours that it takes.
    pub fn open_for(&self, model: &Autoencoder, names: &[DataName], screen: Screen) -> anyhow::Result<Dataset> {
        let (height, width, is_grey) = match model.architecture().input_shape[..] {
            [height, width] | [height, width, 1] => (height, width, true),
            [height, width, _] => (height, width, false),
            _ => (0, 0, false),
        };
        let as_the_model = Self {
            size: self.size.or(Some((height, width)).filter(|_| height > 0)),
            grey: self.grey || is_grey,
            ..self.clone()
        };
        if height > 0
            && pictures::are_pictures(names)
            && (as_the_model.size, as_the_model.grey) != (self.size, self.grey)
        {
            let colours = if is_grey { ", grey" } else { "" };
            screen.note(format_args!("pictures are read as the model takes them: {height}×{width} pixels{colours}"));
            return as_the_model.open_for(model, names, screen);
        }
        self.read_all(names, TableOptions { schema: model.schema().cloned(), ..TableOptions::default() }, screen)
    }

    /// Opens data to compress: arrays as they are, to be read in pieces, and other data in memory. It fits the model.
    pub fn open_to_compress(
        &self,
        model: &Autoencoder,
        of: &ModelAndData,
        screen: Screen,
    ) -> anyhow::Result<Compressible> {
        let Some(arrays) = self.open_arrays(&of.data)? else {
            let data = self.open_for(model, &of.data, screen)?;
            model::check(model, &of.model, &data)?;
            return Ok(Compressible::new(&data));
        };
        let arrays = self.wanted(arrays)?;
        model::check_arrays(model, &of.model, &arrays)?;
        Compressible::of(arrays)
    }

    /// Opens arrays, which keep their type; none where the data is something else.
    pub fn open_arrays(&self, names: &[DataName]) -> anyhow::Result<Option<Arrays>> {
        Ok(self.source(names)?.open_arrays(&self.options(TableOptions::default()))?)
    }

    /// Opens data to train on in blocks; what a table was converted to is said.
    pub fn open_in_blocks(&self, names: &[DataName], screen: Screen) -> anyhow::Result<StoredDataset> {
        let (source, options) = self.find(names, TableOptions::default(), screen)?;
        let opened = {
            let _busy = screen.busy(standard_input::in_words(format!("reading {source}")));
            source.open_in_blocks(&options)?
        };
        if let Some(converted) = opened.converted.filter(|converted| converted.is_new) {
            screen.note(format_args!(
                "{source} was converted to {} of numbers, which later trainings read again; remove {} to free the space",
                wording::bytes(converted.bytes),
                converted.folder.display()
            ));
        }
        Ok(opened.data)
    }

    /// About how many bytes data takes in memory; none where that shows only once it is read.
    pub fn memory(&self, names: &[DataName]) -> anyhow::Result<Option<u64>> {
        Ok(self.source(names)?.memory(&self.options(TableOptions::default()))?)
    }

    /// What names stand for.
    pub fn source(&self, names: &[DataName]) -> anyhow::Result<Source> {
        Ok(Source::find_all(&files(names)?)?)
    }

    /// Opens data to compress without a model. Of a file of several arrays all are taken.
    pub fn open_to_compress_alone(&self, data: &[DataName], screen: Screen) -> anyhow::Result<Collection> {
        match self.variables_together(data)? {
            Together::Chosen => {
                let Some(arrays) = self.open_arrays(data)? else {
                    return Ok(Compressible::new(&self.open(data, screen)?).into());
                };
                Ok(Compressible::of(self.wanted(arrays)?)?.into())
            }
            Together::Alike(variables) => {
                let chosen = Self { arrays: ArrayArguments { variables, ..self.arrays.clone() }, ..self.clone() };
                let arrays = chosen.open_arrays(data)?;
                let arrays = arrays.ok_or_else(|| Usage::new("the arrays of the file cannot be read together"))?;
                Ok(Compressible::of(self.wanted(arrays)?)?.into())
            }
            Together::Each(variables) => {
                let chosen = Self { arrays: ArrayArguments { variables, ..self.arrays.clone() }, ..self.clone() };
                let options = chosen.options(TableOptions::default());
                Collection::of(chosen.source(data)?.open_each_array(&options)?)
            }
        }
    }

    /// Which arrays of a file are taken, where none is chosen: all of them.
    fn variables_together(&self, data: &[DataName]) -> anyhow::Result<Together> {
        let [name] = data else { return Ok(Together::Chosen) };
        if standard_input::is_meant(name.as_ref()) || self.label.is_some() {
            return Ok(Together::Chosen);
        }
        if !self.arrays.variables.is_empty() {
            return Ok(Together::Chosen);
        }
        let contents = self.source(data)?.all_contents(&self.options(TableOptions::default()))?;
        let Some(contents) = contents else { return Ok(Together::Chosen) };
        let (arrays, unreadable): (Vec<&ArrayEntry>, Vec<_>) =
            contents.arrays.iter().filter(|array| !array.is_coordinate).partition(|array| array.is_data());
        let unreadable = unreadable.iter().filter(|array| array.unreadable.is_some());
        let left_out: Vec<&str> = unreadable.map(|array| array.name.as_str()).collect();
        if !left_out.is_empty() && !arrays.is_empty() {
            tracing::warn!("{name} also holds {}, left out: they cannot be read", left_out.join(", "));
        }
        let names = arrays.iter().map(|array| array.name.clone()).collect();
        Ok(match arrays[..] {
            [] | [_] => Together::Chosen,
            [first, ..] => {
                let are_alike = arrays.iter().all(|array| array.shape == first.shape && array.element == first.element);
                if are_alike && arrays.len() <= codec::MAX_VARIABLES {
                    Together::Alike(names)
                } else if self.samples.is_some() {
                    let why =
                        format!("{name} holds arrays of several shapes, of which --samples cannot take the same steps");
                    return Err(Usage::new(why).with_hint("choose arrays of one shape by --variable").into());
                } else {
                    Together::Each(names)
                }
            }
        })
    }

    /// As many samples of arrays as are asked for.
    fn wanted(&self, arrays: Arrays) -> anyhow::Result<Arrays> {
        Ok(match self.samples {
            Some(samples) => arrays.head(samples)?,
            None => arrays,
        })
    }

    /// Opens data with these options for tables, beside those that the user gives.
    pub fn read(&self, name: &DataName, table: TableOptions, screen: Screen) -> anyhow::Result<Dataset> {
        self.read_all(slice::from_ref(name), table, screen)
    }

    fn read_all(&self, names: &[DataName], table: TableOptions, screen: Screen) -> anyhow::Result<Dataset> {
        let (source, options) = self.find(names, table, screen)?;
        let _busy = screen.busy(standard_input::in_words(format!("reading {source}")));
        Ok(match source {
            Source::Openml { .. } => {
                source.open_with(&options, &self.fetching.client()?, &mut |_| ControlFlow::Continue(()))?
            }
            _ => source.open(&options)?,
        })
    }

    /// The same, some rows at a time.
    pub fn chunks(&self, name: &DataName, table: TableOptions, rows: usize, screen: Screen) -> anyhow::Result<Chunks> {
        let (source, options) = self.find(slice::from_ref(name), table, screen)?;
        Ok(match source {
            Source::Openml { .. } => {
                let client = self.fetching.client()?;
                source.chunks_with(&options, rows, &client, &mut |_| ControlFlow::Continue(()))?
            }
            _ => source.chunks(&options, rows)?,
        })
    }

    /// The names of the columns of data as it is, or those of `schema` where its format has none.
    pub fn column_names(
        &self,
        name: &DataName,
        schema: Option<&Schema>,
        screen: Screen,
    ) -> anyhow::Result<Vec<String>> {
        let (source, options) = self.find(slice::from_ref(name), TableOptions::default(), screen)?;
        let known = || schema.into_iter().flat_map(|schema| &schema.columns).map(|column| column.name.clone());
        Ok(source.column_names(&options)?.unwrap_or_else(|| known().chain(self.label.clone()).collect()))
    }

    /// What names stand for, fetched where it has to be, and how it is to be read.
    fn find(&self, names: &[DataName], table: TableOptions, screen: Screen) -> anyhow::Result<(Source, ReadOptions)> {
        let options = self.options(table);
        let source = self.source(names)?;
        if let Source::Openml { id } = source {
            // What has to be downloaded is seen to be, before it is read.
            self.fetching.fetch(id, screen)?;
        }
        Ok((source, options))
    }

    /// What arrays are in a file of several, where none is chosen.
    pub fn contents(&self, name: &DataName) -> anyhow::Result<Option<Contents>> {
        if !self.arrays.variables.is_empty() {
            return Ok(None);
        }
        let files = files(slice::from_ref(name))?;
        Ok(Source::find_all(&files)?.contents(&self.options(TableOptions::default()))?)
    }

    /// The files that would be read, standard input being one of them.
    pub fn inputs(&self, names: &[DataName]) -> anyhow::Result<Vec<PathBuf>> {
        let names = names.iter().map(|name| name.as_ref().to_owned());
        let (mut inputs, names): (Vec<PathBuf>, Vec<PathBuf>) = names.partition(|name| standard_input::is_meant(name));
        if !names.is_empty() {
            inputs.extend(Source::find_all(&names)?.files(&self.options(TableOptions::default()))?);
        }
        Ok(inputs)
    }

    fn options(&self, table: TableOptions) -> ReadOptions {
        ReadOptions {
            table: TableOptions {
                label: self.label.clone(),
                missing: self.missing.into(),
                text: self.text.options(),
                ..table
            },
            arrays: self.arrays.options(),
            size: self.size,
            grey: self.grey,
            strict: self.strict,
            samples: self.samples,
            seed: self.data_seed,
        }
    }
}

/// The names that readers know.
fn files(names: &[DataName]) -> anyhow::Result<Vec<PathBuf>> {
    names.iter().map(|name| standard_input::file(name.as_ref())).collect()
}

impl ModelAndData {
    /// The files that would be read.
    pub fn inputs(&self, reading: &DataOptions) -> anyhow::Result<Vec<PathBuf>> {
        let mut inputs = reading.inputs(&self.data)?;
        inputs.push(model::file_of(&self.model));
        Ok(inputs)
    }
}

/// Which arrays of a file are compressed.
enum Together {
    /// Those that are asked for, or the only one.
    Chosen,
    /// These, which have one shape and type, in samples that have a part of each.
    Alike(Vec<String>),
    /// These, each by itself.
    Each(Vec<String>),
}

/// What one compressed file is to hold.
pub struct Collection {
    /// What it is called.
    pub name: String,
    /// At least one.
    pub members: Vec<Compressible>,
    /// What the file is to keep beside the samples, so that they can come back as they were.
    pub description: Vec<u8>,
}

impl From<Compressible> for Collection {
    fn from(mut data: Compressible) -> Self {
        let description = std::mem::take(&mut data.description);
        Self { name: data.name.clone(), members: vec![data], description }
    }
}

impl Collection {
    /// Arrays of one file, each by itself.
    fn of(arrays: Vec<Arrays>) -> anyhow::Result<Self> {
        let (description, not_kept) = Arrays::description_of(&arrays.iter().collect::<Vec<_>>())?;
        say_what_is_lost(arrays.first().map_or("", Arrays::name), &not_kept);
        let axes = |arrays: &Arrays| arrays.array().iter().filter(|&&length| length > 1).count();
        let most = arrays.iter().map(axes).max().unwrap_or(0);
        let member = |arrays: Arrays| {
            let packing = arrays.packing();
            let is_float = arrays.element().is_float() || packing.iter().any(|&packing| packing != (1.0, 0.0));
            let is_auxiliary = !is_float || (axes(&arrays) < 2 && most >= 2);
            Compressible { is_auxiliary, ..Compressible::undescribed(arrays) }
        };
        let members: Vec<Compressible> = arrays.into_iter().map(member).collect();
        let all_are = members.iter().all(|member| member.is_auxiliary);
        let members: Vec<_> = members
            .into_iter()
            .map(|member| Compressible { is_auxiliary: member.is_auxiliary && !all_are, ..member })
            .collect();
        Ok(Self { name: members.first().map_or_else(String::new, |member| member.name.clone()), members, description })
    }
}

fn say_what_is_lost(name: &str, not_kept: &[String]) {
    if !not_kept.is_empty() {
        tracing::warn!(
            "of {name} a compressed file does not keep {}; whoever needs them keeps the original",
            not_kept.join("; ")
        );
    }
}

/// Samples to compress.
pub struct Compressible {
    /// What they are called.
    pub name: String,
    samples: Samples,
    /// Whether values belong to columns, each with a range of its own.
    pub is_table: bool,
    /// Whether it is of integers, or small beside others, and no bound is meant for it that does not name it.
    pub is_auxiliary: bool,
    /// For each variable: a stored number `x` means `x · scale + offset`.
    packing: Vec<(f64, f64)>,
    /// What the file is to keep beside the samples, so that they can come back as they were.
    pub description: Vec<u8>,
    /// What the values are, where their file says it.
    pub quantity: Option<Quantity>,
}

/// Where samples are.
enum Samples {
    Arrays(Box<Arrays>),
    Memory(SampleArray),
}

impl Compressible {
    /// Arrays, to be read in pieces.
    fn of(arrays: Arrays) -> anyhow::Result<Self> {
        let (description, not_kept) = arrays.description()?;
        say_what_is_lost(arrays.name(), &not_kept);
        Ok(Self { description, ..Self::undescribed(arrays) })
    }

    fn undescribed(arrays: Arrays) -> Self {
        let packing = arrays.packing();
        let mut quantity = arrays.quantity();
        if packing.iter().any(|&packing| packing != (1.0, 0.0)) {
            quantity = quantity.map(|quantity| Quantity { units: Some("as stored".to_owned()), ..quantity });
        }
        Self {
            name: arrays.name().to_owned(),
            packing,
            quantity,
            samples: Samples::Arrays(Box::new(arrays)),
            is_table: false,
            is_auxiliary: false,
            description: Vec::new(),
        }
    }

    /// Samples that are in memory.
    pub fn new(data: &Dataset) -> Self {
        Self {
            name: data.name().to_owned(),
            samples: Samples::Memory(SampleArray::from_dataset(data)),
            is_table: data.schema().is_some(),
            is_auxiliary: false,
            packing: vec![(1.0, 0.0)],
            description: Vec::new(),
            quantity: data.quantity().cloned(),
        }
    }

    /// The samples.
    pub fn source(&mut self) -> &mut dyn codec::SampleSource {
        match &mut self.samples {
            Samples::Arrays(arrays) => &mut **arrays,
            Samples::Memory(samples) => samples,
        }
    }

    fn source_ref(&self) -> &dyn codec::SampleSource {
        match &self.samples {
            Samples::Arrays(arrays) => &**arrays,
            Samples::Memory(samples) => samples,
        }
    }

    /// The arrays that they are cut from, where there are such.
    pub fn arrays(&self) -> Option<&Arrays> {
        if let Samples::Arrays(arrays) = &self.samples { Some(arrays) } else { None }
    }

    /// The names of the variables; none where there is one without a name.
    pub fn variables(&self) -> Vec<String> {
        self.source_ref().layout().variables
    }

    /// The type of the numbers.
    pub fn element(&self) -> ElementType {
        self.source_ref().element()
    }

    /// Whether stored numbers mean others.
    pub fn is_packed(&self) -> bool {
        self.packing.iter().any(|&packing| packing != (1.0, 0.0))
    }

    /// The model for the numbers as they are stored.
    pub fn model(&self, model: Autoencoder) -> anyhow::Result<Autoencoder> {
        Ok(if self.is_packed() { model.for_packed(&self.packing)? } else { model })
    }

    /// A bound in the units of the data as one of stored numbers.
    pub fn bound(&self, bound: Bound) -> anyhow::Result<Bound> {
        let (scale, _) = self.packing[0];
        if matches!(bound, Bound::Absolute(_)) && self.packing.iter().any(|(other, _)| other.abs() != scale.abs()) {
            let why = format!("the variables of {} are packed with different scale factors", self.name);
            return Err(Usage::new(why).with_hint("compress them one at a time, or with a bound of rel:").into());
        }
        Ok(self.bound_of_stored(bound, scale))
    }

    /// The same for bounds of single variables.
    pub fn bounds_of_variables(&self, bounds: &[(String, Bound)]) -> Vec<(String, Bound)> {
        let variables = self.variables();
        let stored = |(variable, bound): &(String, Bound)| {
            let number = variables.iter().position(|name| name == variable);
            let packing = number.and_then(|number| self.packing.get(number));
            let scale = packing.map_or(1.0, |&(scale, _)| scale);
            (variable.clone(), self.bound_of_stored(*bound, scale))
        };
        bounds.iter().map(stored).collect()
    }

    /// A bound on numbers that are stored, of which each counts `scale` in the units of the data.
    fn bound_of_stored(&self, bound: Bound, scale: f64) -> Bound {
        match bound {
            Bound::Absolute(most) => Bound::Absolute(most / scale.abs()),
            other => other,
        }
    }

    /// What was measured in stored numbers, in the units of the data.
    pub fn in_its_units(&self, mut summary: CompressSummary) -> CompressSummary {
        let scale = self.packing.iter().map(|(scale, _)| scale.abs()).fold(0.0, f64::max);
        summary.range *= scale;
        summary.largest_error *= scale;
        summary.mean_squared_error *= scale * scale;
        summary
    }

    /// Bytes of one sample.
    pub fn sample_bytes(&self) -> u64 {
        let source = self.source_ref();
        (source.shape().iter().product::<usize>() * source.element().bytes()) as u64
    }

    /// Bytes of all samples.
    pub fn bytes(&self) -> u64 {
        self.source_ref().samples() * self.sample_bytes()
    }
}

impl FetchOptions {
    /// The client that the options ask for.
    pub fn client(&self) -> anyhow::Result<OpenmlClient> {
        let client = match &self.cache_dir {
            Some(folder) => OpenmlClient::with_cache_folder(folder),
            None => OpenmlClient::new()?,
        };
        let client = client.with_offline(self.offline);
        Ok(match &self.openml_server {
            Some(server) => client.with_server(server)?,
            None => client,
        })
    }

    /// Sees that a data set is in the cache, and shows its download where there is one.
    pub fn fetch(&self, id: u32, screen: Screen) -> anyhow::Result<CachedSet> {
        let mut progress = DownloadProgress::new(id, screen);
        Ok(self.client()?.find_or_fetch(id, &mut |event: DownloadEvent<'_>| {
            progress.update(&event);
            ControlFlow::Continue(())
        })?)
    }
}
