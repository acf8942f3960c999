//! Reading DATA: a built-in name, a data set on OpenML with its download shown, or a path.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::slice;

use enkoder::codec::{ElementType, SampleSource as _};
use enkoder::{Autoencoder, Dataset, Schema, StoredDataset};
use enkoder_data::openml::{CachedSet, DownloadEvent, OpenmlClient};
use enkoder_data::{Arrays, Chunks, Contents, ReadOptions, Source, TableOptions, TextOptions};

use crate::arguments::{DataName, DataOptions, FetchOptions, ModelAndData, YesOrNo};
use crate::compressible::{Collection, Compressible};
use crate::failure::Usage;
use crate::model;
use crate::pictures;
use crate::progress::DownloadProgress;
use crate::screen::Screen;
use crate::standard_input;
use crate::wording;

/// The side of an image, at least, that a row of bytes may be.
const SIDE_OF_IMAGE: usize = 8;

impl DataOptions {
    /// Opens data to train on, or to look at.
    pub fn open(&self, names: &[DataName], screen: Screen) -> anyhow::Result<Dataset> {
        self.as_images(self.read_all(names, TableOptions::default(), screen)?, screen)
    }

    /// Data that is images where `--size` says so.
    ///
    /// # Errors
    /// When rows of numbers have another size.
    pub fn as_images(&self, data: Dataset, screen: Screen) -> anyhow::Result<Dataset> {
        self.check_size(data.shape())?;
        if data.row_u8(0).is_some() {
            tell_of_images(data.shape(), screen);
        }
        Ok(data)
    }

    /// Sees that samples of this shape are images, where `--size` says so: those that are have two or three axes.
    fn check_size(&self, shape: &[usize]) -> anyhow::Result<()> {
        let ([row], Some((height, width))) = (shape, self.size) else { return Ok(()) };
        let why = format!("a sample has {row} values, which are no image of {height}×{width} pixels");
        Err(Usage::new(why).with_hint("give --size the height and the width of the images, or leave it out").into())
    }

    /// Opens data to use a model on: a table is read as the model's was, and pictures are brought to the size and colours that it takes.
    pub fn open_for(&self, model: &Autoencoder, names: &[DataName], screen: Screen) -> anyhow::Result<Dataset> {
        if model.record().data.patches && self.size.is_none() && pictures::are_pictures(names) {
            let patch = wording::shape(&model.architecture().input_shape);
            return Err(Usage::new(format!(
                "the model learned from patches of {patch} pixels, which whole pictures are not"
            ))
            .with_hint(
                "`enkoder denoise` takes pictures of any size; --size HEIGHTxWIDTH makes them as small as a patch",
            )
            .into());
        }
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

    /// Opens data to compress without a model. Of files of several arrays all are taken, or those that are chosen.
    pub fn open_to_compress_alone(&self, data: &[DataName], screen: Screen) -> anyhow::Result<Collection> {
        let options = self.options(TableOptions::default());
        let source = self.source(data)?;
        let opened = match self.label {
            Some(_) => source.open_arrays(&options)?.map(|arrays| vec![arrays]),
            None => source.open_all_arrays(&options)?,
        };
        let Some(mut arrays) = opened else {
            let samples = self.open(data, screen)?;
            let are_pictures = pictures::are_pictures(data);
            return Ok(
                if are_pictures { Compressible::of_pictures(&samples)? } else { Compressible::new(&samples) }.into()
            );
        };
        if arrays.len() > 1 {
            if self.samples.is_some() {
                let why = format!(
                    "{} holds arrays of several shapes, of which --samples cannot take the same steps",
                    data.first().map_or_else(String::new, ToString::to_string)
                );
                return Err(Usage::new(why).with_hint("choose arrays of one shape by --variable").into());
            }
            return Collection::of(arrays);
        }
        let Some(only) = arrays.pop() else { return Err(Usage::new("there is no array to compress").into()) };
        if only.element() == ElementType::U8 {
            tell_of_images(only.shape(), screen);
        }
        Ok(Compressible::of(self.wanted(only)?)?.into())
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
        let data = self.read_all(slice::from_ref(name), table, screen)?;
        self.check_size(data.shape())?;
        Ok(data)
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
        if let Some(schema) = &table.schema {
            self.check_size(&[schema.features()])?;
        }
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
        let of_model =
            |name: &&String| table.schema.iter().flat_map(|schema| &schema.columns).any(|of| of.name == **name);
        if let Some(column) = self.ignore.iter().find(of_model) {
            return Err(Usage::new(format!("column {column:?} cannot be ignored: the model has learned from it"))
                .with_hint("train without it, with the same --ignore, or leave the option out")
                .into());
        }
        self.text.check()?;
        anyhow::ensure!(
            !self.grey || pictures::are_pictures(names),
            Usage::new("--grey is for pictures, and the data is none").with_hint("leave it out")
        );
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
                ignore: [&self.ignore[..], &table.ignore].concat(),
                missing: self.missing.into(),
                header: table.header.or(self.header.map(|header| header == YesOrNo::Yes)),
                text: TextOptions { strict: self.strict, ..self.text.options() },
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

/// Says how samples are images that may be such: rows of bytes, of a square number.
fn tell_of_images(sample: &[usize], screen: Screen) {
    let [row] = *sample else { return };
    let side = row.isqrt();
    if side >= SIDE_OF_IMAGE && side * side == row {
        screen.note(format_args!(
            "a sample has {row} values; if it is an image of {side}×{side} pixels, --size {side}x{side} says so"
        ));
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
