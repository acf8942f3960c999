//! Reading DATA: a built-in name, a data set on OpenML with its download shown, or a path.

use std::ops::ControlFlow;

use enkoder::{Autoencoder, Dataset};
use enkoder_data::openml::{CachedSet, DownloadEvent, OpenmlClient};
use enkoder_data::{ReadOptions, Source, TableOptions};

use crate::arguments::{DataOptions, FetchOptions};
use crate::progress::DownloadProgress;
use crate::screen::Screen;

impl DataOptions {
    /// Opens data to train on, or to look at.
    pub fn open(&self, name: &str, screen: Screen) -> anyhow::Result<Dataset> {
        self.read(name, TableOptions::default(), screen)
    }

    /// Opens data to use a model on: a table is read as the model's was.
    pub fn open_for(&self, model: &Autoencoder, name: &str, screen: Screen) -> anyhow::Result<Dataset> {
        self.read(name, TableOptions { schema: model.schema().cloned(), ..TableOptions::default() }, screen)
    }

    /// Opens data with these options for tables, beside those that the user gives.
    pub fn read(&self, name: &str, table: TableOptions, screen: Screen) -> anyhow::Result<Dataset> {
        let options = ReadOptions {
            table: TableOptions { label: self.label.clone(), missing: self.missing.into(), ..table },
            size: self.size,
            grey: self.grey,
            samples: self.samples,
            seed: self.data_seed,
        };
        let source = Source::find(name)?;
        if let Source::Openml { id } = source {
            // What has to be downloaded is seen to be, before it is read.
            self.fetching.fetch(id, screen)?;
        }
        let _busy = screen.busy(format!("reading {name}"));
        Ok(match source {
            Source::Openml { .. } => {
                source.open_with(&options, &self.fetching.client()?, &mut |_| ControlFlow::Continue(()))?
            }
            _ => source.open(&options)?,
        })
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
