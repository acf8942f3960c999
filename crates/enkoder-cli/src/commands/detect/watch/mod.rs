//! `enkoder detect watch`: a line in, a scored line out, for months.

mod lines;
mod memory;
mod naming;
mod signals;
mod state;
mod watched;

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueHint};
use enkoder_data::export::Overwrite;

use self::lines::Lines;
use self::memory::Memory;
use self::signals::Signal;
use self::state::StateFile;
use self::watched::Watched;
use super::clock::Clock;
use super::following::{Following, News};
use super::incident_file::{IncidentFile, IncidentLog};
use super::keeping::Keeping;
use super::moments::in_words;
use super::scored::{Layout, ScoredFormat};
use super::{JudgeOptions, describe, describe_moving, load};
use crate::arguments::{RunOptions, TextArguments};
use crate::failure::Usage;
use crate::interrupt;
use crate::screen::{Screen, print_with, tell};
use crate::wording;

/// Chunks of lines that wait to be scored.
const WAITING: usize = 2;
/// How long to wait where nothing is to be done.
const LONG: Duration = Duration::from_secs(3600);

/// Score lines of CSV as they come: one in, one out
///
/// Reads CSV with a header from standard input and writes a line for each row at once, with what `enkoder detect score` writes; with
/// --json a JSON object for each. A detector of series scores each moment by the window that ends with it, so its first moments have no
/// score. A row that cannot be read or scored is reported, has no score, and ends nothing: bytes that are no text, lines that are torn or
/// longer than 4 MB, infinite values, one time in the future or the past. Lines before the header that are comments or shorter than
/// it are passed over, and a header that comes again is no row. A stream needs no header if the detector was fitted to a file without
/// one. Series of several groups are told apart, and begin anew after a gap, where the detector was fitted with --group and --time.
///
/// SIGHUP loads the detector again, SIGUSR1 says what was counted so far, and SIGINT or SIGTERM end the watch, which says so, too.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tail -n +1 -F sensors.csv | enkoder detect watch pump.safetensors")]
pub struct Options {
    /// What `enkoder detect fit` wrote
    #[arg(value_hint = ValueHint::FilePath)]
    detector: PathBuf,

    /// Write each incident to a file as soon as it is over: .csv or .jsonl
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    incidents: Option<PathBuf>,

    /// Replace the file of incidents that is there already
    #[arg(long)]
    force: bool,

    /// A file whose first line names the columns, where the stream has no header
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    header: Option<PathBuf>,

    /// Keep the state in this file and continue from it, so that a watch can end at any moment
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    state: Option<PathBuf>,

    /// The stream starts again at its first row: skip the rows that the state counts
    #[arg(long, requires = "state")]
    replayed: bool,

    #[command(flatten)]
    judge: JudgeOptions,

    #[command(flatten)]
    text: TextArguments,

    #[command(flatten)]
    common: RunOptions,
}

/// What a watch is told.
pub enum Event {
    Lines(Lines),
    End(io::Result<()>),
    Signal(Signal),
}

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let screen = options.common.start()?;
    options.judge.follow.check()?;
    options.text.check()?;
    let incident_file = options.incidents.as_deref().map(IncidentFile::new).transpose()?;
    let detector = load(&options.detector)?.judging_ends();
    let checksum = checksum(&options.detector);
    let (threshold, moving) = options.judge.flag.threshold(&detector)?;
    screen.note(describe(&detector, &threshold));
    if let Some(moving) = &moving {
        screen.note(describe_moving(moving));
    }
    let rule = options.judge.follow.rule(&detector, &threshold, moving.is_some())?;
    let format = if options.common.json { ScoredFormat::JsonLines } else { ScoredFormat::Csv };
    let counterfactual = options.judge.limit(&detector, &threshold)?;
    let layout =
        Layout { format, explain: options.judge.explain(&detector), counterfactual, keeping: Keeping::default() };
    let state = options.state.as_deref().map(StateFile::new);
    let remembered = state.as_ref().map(StateFile::read).transpose()?.flatten();
    let resumed = remembered.is_some();
    let new = || Memory::new(Following::new(&options.judge.follow, rule, &detector, true));
    let (of, memory) = remembered.unwrap_or_else(|| (checksum, new()));
    let incidents = incident_file.map(|file| file.open(Overwrite::replacing(options.force), resumed)).transpose()?;
    let clock = Clock::of(&options.judge.clock, &detector);
    let mut watched =
        Watched::new(detector, layout, memory, clock, options.text.options(), &options.judge.keep, screen);
    watched.memory.following.flag_by(rule, moving, &watched.detector);
    watched.memory.following.explain(incidents.is_some());
    if resumed {
        watched.resume(options.replayed).map_err(|error| of_another(&options, &error))?;
        let rows = wording::counted(watched.memory.counts.rows, "row", "rows");
        screen.note(format_args!("going on behind {rows}, as the state remembers"));
        watched.forget_what_does_not_suit();
    }
    if of != checksum {
        watched.memory.following.reload(&watched.detector);
        screen.note("the detector is another than that of the state: drift is looked for anew");
    }
    let mut watch = Watch { watched, state, incidents, checksum, resumed, options: &options, screen };
    let mut ended = None;
    let written = print_with(|out| match watch.run(out) {
        Ok(end) => {
            ended = Some(Ok(end));
            Ok(())
        }
        Err(error) => match error.downcast::<io::Error>() {
            Ok(error) => Err(error),
            Err(error) => {
                ended = Some(Err(error));
                Ok(())
            }
        },
    });
    written?;
    let stopped = ended.transpose()?.unwrap_or_default();
    let counts = &watch.watched.memory.counts;
    if counts.nothing_scored() && !stopped {
        let hint = "a row needs the columns of the header, and a series at least as many rows as its window";
        anyhow::bail!("nothing could be scored: {counts}\nhint: {hint}");
    }
    screen.note(watch.told());
    Ok(if stopped { ExitCode::from(interrupt::EXIT_CODE) } else { ExitCode::SUCCESS })
}

/// A watch, with all that it writes to.
struct Watch<'a> {
    watched: Watched<'a>,
    state: Option<StateFile>,
    incidents: Option<IncidentLog>,
    checksum: u32,
    resumed: bool,
    options: &'a Options,
    screen: Screen,
}

impl Watch<'_> {
    /// Scores what comes until the stream ends, or a signal stops it, which is given.
    fn run(&mut self, out: &mut dyn Write) -> anyhow::Result<bool> {
        if let Some(path) = &self.options.header
            && !self.watched.has_header()
        {
            self.watched.set_header(&first_line(path)?)?;
        }
        if self.watched.has_header() && !self.resumed {
            self.watched.layout.write_header(&self.watched.detector, out)?;
        }
        out.flush()?;
        let (sender, events) = sync_channel(WAITING);
        signals::listen(sender.clone()).context("signals cannot be listened to")?;
        lines::read(sender);
        let stopped = self.watch(&events, out)?;
        if !stopped && !self.watched.has_header() {
            let why = match self.watched.before {
                0 => "there is nothing on standard input: a header with the columns' names is needed",
                _ => "no line of standard input is a header with the names of the detector's columns",
            };
            return Err(Usage::new(why).with_hint("name a file that begins with a header: --header FILE").into());
        }
        if self.state.is_none() {
            // Without a state nothing goes on behind the end.
            let Self { watched, incidents, screen, .. } = self;
            watched.finish(out, &mut |news| told(news, incidents.as_mut(), *screen))?;
        }
        out.flush()?;
        self.save(true)?;
        Ok(stopped)
    }

    fn watch(&mut self, events: &Receiver<Event>, out: &mut dyn Write) -> anyhow::Result<bool> {
        loop {
            let wait = self.state.as_ref().and_then(StateFile::wait).unwrap_or(LONG);
            match events.recv_timeout(wait) {
                Ok(Event::Lines(lines)) => {
                    let Self { watched, incidents, screen, .. } = self;
                    watched.take(&lines, out, &mut |news| told(news, incidents.as_mut(), *screen))?;
                    out.flush()?;
                    self.state.iter_mut().for_each(StateFile::note);
                    if let Some(error) = self.watched.refused.take() {
                        self.save(true)?;
                        return Err(error);
                    }
                }
                Ok(Event::End(ended)) => {
                    ended.context("standard input cannot be read")?;
                    return Ok(false);
                }
                Ok(Event::Signal(Signal::Stop)) => return Ok(true),
                Ok(Event::Signal(Signal::Tell)) => tell(self.told()),
                Ok(Event::Signal(Signal::Reload)) => match self.reload() {
                    Ok(()) => self.screen.note("the detector was loaded again"),
                    Err(error) => self.screen.note(format_args!("the detector stays as it was: {error:#}")),
                },
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(false),
            }
            self.save(false)?;
        }
    }

    fn reload(&mut self) -> anyhow::Result<()> {
        let detector = load(&self.options.detector)?.judging_ends();
        let (threshold, moving) = self.options.judge.flag.threshold(&detector)?;
        let rule = self.options.judge.follow.rule(&detector, &threshold, moving.is_some())?;
        let counterfactual = self.options.judge.limit(&detector, &threshold)?;
        self.watched.reload(detector)?;
        self.watched.layout.counterfactual = counterfactual;
        self.watched.memory.following.flag_by(rule, moving, &self.watched.detector);
        self.watched.memory.following.reload(&self.watched.detector);
        self.checksum = checksum(&self.options.detector);
        Ok(())
    }

    fn save(&mut self, at_the_end: bool) -> anyhow::Result<()> {
        let (checksum, memory) = (self.checksum, &self.watched.memory);
        self.state.as_mut().map_or(Ok(()), |state| state.save(checksum, memory, at_the_end))
    }

    /// What was counted, in words.
    fn told(&self) -> String {
        let Memory { counts, following, .. } = &self.watched.memory;
        let incidents = wording::counted(following.incidents, "incident", "incidents");
        let mut text = format!("{counts}\n{incidents}");
        if following.open() > 0 {
            text += &format!(", and {} that goes on", wording::grouped(following.open()));
        }
        if let Some(irregular) = in_words(&self.watched.memory.irregularities()) {
            text += &format!("\n{irregular}");
        }
        for drifted in following.drifted() {
            text += &format!("\n{drifted}");
        }
        text
    }
}

/// The state is of a stream without columns that the detector needs.
fn of_another(options: &Options, error: &anyhow::Error) -> Usage {
    let state = options.state.as_deref().unwrap_or(Path::new("the state"));
    Usage::new(format!("{} is the state of a watch with another detector: {error}", state.display()))
        .with_hint("name another file with --state, or remove this one to begin anew")
}

fn told(news: News, incidents: Option<&mut IncidentLog>, screen: Screen) -> anyhow::Result<()> {
    match news {
        News::Incident(told) => incidents.map_or(Ok(()), |incidents| incidents.add(&told)),
        News::Drift(drifted) => {
            screen.note(drifted);
            Ok(())
        }
    }
}

fn first_line(path: &Path) -> anyhow::Result<Vec<u8>> {
    let cannot = || format!("{} cannot be read", path.display());
    let mut line = Vec::new();
    let file = fs::File::open(path).with_context(cannot)?;
    io::Read::take(BufReader::new(file), lines::LONGEST as u64).read_until(b'\n', &mut line).with_context(cannot)?;
    let line = line.trim_ascii_end().to_vec();
    anyhow::ensure!(!line.is_empty(), Usage::new(format!("{} does not begin with a header", path.display())));
    Ok(line)
}

/// By which a detector is known again.
fn checksum(path: &Path) -> u32 {
    fs::read(path).map_or(0, |bytes| crc32fast::hash(&bytes))
}
