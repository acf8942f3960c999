//! Reading DATA: a built-in name, a data set on OpenML with its download shown, or a path.

use std::ops::ControlFlow;

use enkoder::{Autoencoder, Dataset};
use enkoder_data::openml::{DownloadEvent, OpenmlClient};
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

    fn read(&self, name: &str, table: TableOptions, screen: Screen) -> anyhow::Result<Dataset> {
        let options = ReadOptions {
            table: TableOptions { label: self.label.clone(), missing: self.missing.into(), ..table },
            size: self.size,
            grey: self.grey,
            samples: self.samples,
            seed: self.data_seed,
        };
        let source = Source::find(name)?;
        if let Source::Openml { id } = source {
            return self.read_openml(id, &options, screen);
        }
        let _busy = screen.busy(format!("reading {name}"));
        Ok(source.open(&options)?)
    }

    fn read_openml(&self, id: u32, options: &ReadOptions, screen: Screen) -> anyhow::Result<Dataset> {
        let client = self.fetching.client()?;
        self.fetching.fetch(&client, id, screen)?;
        let _busy = screen.busy(format!("reading openml:{id}"));
        let data = client.open(id, &options.table, &mut |_| ControlFlow::Continue(()))?;
        Ok(match options.samples {
            Some(samples) if samples < data.len() => data.head(samples),
            _ => data,
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
    pub fn fetch(
        &self,
        client: &OpenmlClient,
        id: u32,
        screen: Screen,
    ) -> anyhow::Result<enkoder_data::openml::CachedSet> {
        let mut progress = DownloadProgress::new(id, screen);
        Ok(client.find_or_fetch(id, &mut |event: DownloadEvent<'_>| {
            progress.update(&event);
            ControlFlow::Continue(())
        })?)
    }
}
