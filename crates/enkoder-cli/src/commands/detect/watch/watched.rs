//! Rows of a stream scored as they come.

use std::io::Write;
use std::mem;

use enkoder::anomaly::{AnomalyError, Detector, NoScore, Passage, Reason};
use enkoder_data::{CsvLines, DataError, TableOptions, TextOptions};

use super::lines::{LONGEST, Line, Lines};
use super::memory::{Held, Memory, Series};
use super::naming;
use crate::commands::detect::clock::Clock;
use crate::commands::detect::following::News;
use crate::commands::detect::moments::Beside;
use crate::commands::detect::scored::Layout;
use crate::commands::detect::scoring::{ScoredRow, each};
use crate::failure::Usage;
use crate::screen::Screen;
use crate::wording;

/// Values of windows that are scored at once.
const BATCH_VALUES: usize = 1 << 20;
/// Rows that are told one by one since they have no score; more are counted.
const TOLD: usize = 20;

/// A stream that is watched.
pub struct Watched<'a> {
    pub detector: Detector,
    pub layout: Layout,
    pub memory: Memory,
    clock: Clock,
    screen: Screen,
    options: TableOptions,
    /// What reads the lines, once the header is known, and where time, group and what is kept stand in them.
    lines: Option<CsvLines>,
    /// How many rows of words may still come below the names.
    heads: usize,
    /// Whether the next line is the first one of a stream that goes on.
    goes_on: bool,
    /// Why the stream cannot go on: a line names other columns than the detector's.
    pub refused: Option<anyhow::Error>,
    /// Lines before the header.
    pub before: usize,
    places: [Option<usize>; 2],
    kept: Vec<usize>,
    /// What `--keep` asks for.
    keep: &'a Option<Vec<String>>,
    /// Rows that were counted before the stream began anew.
    pass: usize,
    told: usize,
    /// Whether the way out was said for lines that are no rows.
    advised: bool,
    held: Vec<Held>,
    windows: Vec<f32>,
    row: Vec<f32>,
}

impl<'a> Watched<'a> {
    pub fn new(
        detector: Detector,
        layout: Layout,
        memory: Memory,
        clock: Clock,
        text: TextOptions,
        keep: &'a Option<Vec<String>>,
        screen: Screen,
    ) -> Self {
        let options = TableOptions { schema: detector.schema().cloned(), text, ..TableOptions::default() };
        Self {
            detector,
            layout,
            memory,
            clock,
            screen,
            options,
            lines: None,
            heads: 0,
            goes_on: false,
            refused: None,
            before: 0,
            places: [None, None],
            kept: Vec::new(),
            keep,
            pass: 0,
            told: 0,
            advised: false,
            held: Vec::new(),
            windows: Vec::new(),
            row: Vec::new(),
        }
    }

    /// Reads lines below the header that was remembered, if one was. With `anew` the stream begins again with its first row.
    pub fn resume(&mut self, anew: bool) -> anyhow::Result<()> {
        if anew {
            self.pass = self.memory.counts.rows;
        }
        if let Some(header) = self.memory.header.clone() {
            self.set_header(header.as_bytes())?;
            (self.heads, self.goes_on) = (if anew { naming::MOST_UNITS } else { 0 }, true);
        }
        Ok(())
    }

    /// Whether the names of the columns are known.
    pub fn has_header(&self) -> bool {
        self.lines.is_some()
    }

    /// Takes the names of the columns.
    ///
    /// # Errors
    /// When one that the detector needs is not among them.
    pub fn set_header(&mut self, header: &[u8]) -> anyhow::Result<()> {
        let lines = CsvLines::new(header, &self.options).map_err(|error| {
            let shown: String = String::from_utf8_lossy(header).chars().take(80).collect();
            let why = in_line(&error);
            let line = if self.lines.is_some() { "a line of the stream names other columns" } else { "the first line of the stream is no header for this detector" };
            let why = format!("{line}: {why}; the line is {shown:?}");
            Usage::new(why).with_hint(
                "begin the stream with a line of the columns' names, or name a file that begins with one: --header FILE",
            )
        })?;
        let columns = self.detector.series_columns();
        let names = lines.names();
        let place = |column: &Option<String>| {
            let Some(column) = column else { return Ok(None) };
            let by_number = || column.strip_prefix('#')?.parse::<usize>().ok()?.checked_sub(1);
            let place = names.iter().position(|name| name == column).or_else(by_number);
            let missing =
                || Usage::new(format!("the stream has no column {column:?}, which the detector was fitted with"));
            place.map(Some).ok_or_else(missing)
        };
        let places = [place(&columns.time)?, place(&columns.group)?];
        let kept = crate::commands::detect::keeping::names(self.keep, || Ok(names.to_vec()))?;
        let kept = kept.into_iter().filter(|name| ![&columns.time, &columns.group].contains(&&Some(name.clone())));
        let kept: Vec<String> = kept.collect();
        let missing = |name: &String| Usage::new(format!("the stream has no column {name:?} to keep"));
        let found = kept.iter().map(|name| names.iter().position(|known| known == name).ok_or_else(|| missing(name)));
        self.kept = found.collect::<Result<_, _>>()?;
        self.layout.keeping = crate::commands::detect::keeping::Keeping::of_names(kept);
        self.places = places;
        self.lines = Some(lines);
        self.memory.header = Some(String::from_utf8_lossy(header).into_owned());
        Ok(())
    }

    /// The same stream with another detector. Series go on where their windows are as long.
    ///
    /// # Errors
    /// When the stream lacks a column that the new one needs; the old one then stays.
    pub fn reload(&mut self, detector: Detector) -> anyhow::Result<()> {
        let options = TableOptions { schema: detector.schema().cloned(), ..self.options.clone() };
        let same = detector.schema() == self.detector.schema() && detector.windows() == self.detector.windows();
        let old = (mem::replace(&mut self.detector, detector), mem::replace(&mut self.options, options));
        if let Some(header) = self.memory.header.clone()
            && let Err(error) = self.set_header(header.as_bytes())
        {
            (self.detector, self.options) = old;
            return Err(error);
        }
        if !same {
            self.memory.series.clear();
        }
        Ok(())
    }

    /// Whether what is remembered of series suits the detector.
    pub fn forget_what_does_not_suit(&mut self) {
        let detector = &self.detector;
        self.memory.series.retain(|_, series| series.at.recent.suit(detector));
    }

    /// Takes lines, and writes a scored line for each row.
    pub fn take(
        &mut self,
        lines: &Lines,
        out: &mut dyn Write,
        news: &mut dyn FnMut(News) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        for line in lines.iter() {
            if self.refused.is_some() {
                break;
            }
            match line {
                Line::Text(text) if text.trim_ascii().is_empty() => {}
                Line::Text(text) => self.line(text, out)?,
                Line::TooLong(bytes) if self.lines.is_some() => {
                    let why = format!(
                        "the line has {}, more than the {} that are read",
                        wording::bytes(bytes as u64),
                        wording::bytes(LONGEST as u64)
                    );
                    self.unread(why);
                }
                Line::TooLong(bytes) => {
                    let why =
                        format!("the first line of the stream has {}: it is no header", wording::bytes(bytes as u64));
                    return Err(Usage::new(why)
                        .with_hint("name a file that begins with a header: --header FILE")
                        .into());
                }
            }
            if self.windows.len() >= BATCH_VALUES {
                self.write(out, news)?;
            }
        }
        self.write(out, news)
    }

    /// Ends what goes on: moments whose intervals are open, and incidents.
    pub fn finish(
        &mut self,
        out: &mut dyn Write,
        news: &mut dyn FnMut(News) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut series = mem::take(&mut self.memory.series);
        for one in series.values_mut() {
            one.at.finish(&mut self.held, &mut self.windows, &self.detector);
        }
        self.memory.series = series;
        self.write(out, news)?;
        self.memory.following.end(news)
    }

    fn line(&mut self, text: &[u8], out: &mut dyn Write) -> anyhow::Result<()> {
        let Some(lines) = &mut self.lines else {
            return self.first_line(text, out);
        };
        if lines.is_comment(text) && self.memory.header.as_deref().is_none_or(|header| header.as_bytes() != text) {
            return Ok(());
        }
        let header = self.memory.header.as_deref().is_some_and(|header| header.as_bytes() == text);
        let mut row = mem::take(&mut self.row);
        let read = lines.read(text, &mut row);
        if header || read.is_err() && self.options.schema.is_some() && CsvLines::new(text, &self.options).is_ok() {
            // A file that is read on may be replaced by the next one, which begins with its own header.
            self.row = row;
            (self.heads, self.goes_on) = (naming::MOST_UNITS, false);
            return if header { Ok(()) } else { self.set_header(text) };
        }
        let goes_on = mem::take(&mut self.goes_on);
        let heads = mem::take(&mut self.heads);
        if read.is_err() && naming::is_header(lines, goes_on) {
            self.row = row;
            self.refuse(text);
            return Ok(());
        }
        if let Some(units) = naming::units(lines).filter(|_| read.is_err() && heads > 0) {
            (self.row, self.heads) = (row, heads - 1);
            self.screen.note(format_args!("the row below the names is taken for units: {units}"));
            return Ok(());
        }
        if self.pass > 0 {
            self.pass -= 1;
            self.row = row;
            return Ok(());
        }
        match read {
            Ok(()) => self.row_of(&row),
            Err(error) => {
                self.break_series();
                self.unread(in_line(&error));
                if !mem::replace(&mut self.advised, true) {
                    self.screen
                        .note("hint: a stream whose columns have changed goes on with a new line of their names");
                }
            }
        }
        self.row = row;
        Ok(())
    }

    /// A line names columns, and not all that the detector needs: what comes below it has no place, also where the watch is started again.
    fn refuse(&mut self, names: &[u8]) {
        self.refused = self.set_header(names).err();
        self.lines = None;
        self.memory.header = None;
    }

    /// A line of a stream of which no header was seen.
    fn first_line(&mut self, text: &[u8], out: &mut dyn Write) -> anyhow::Result<()> {
        let is_behind = self.before >= self.options.text.skip_lines;
        if is_behind && let Some(header) = CsvLines::header_of_places(text, &self.options) {
            self.set_header(&header)?;
            self.screen.note(
                "the stream begins with a row and no names, as the data that the detector learned from: columns are known by their places",
            );
            self.layout.write_header(&self.detector, out)?;
            return self.line(text, out);
        }
        let header = is_behind.then(|| self.set_header(text));
        match header {
            Some(Ok(())) => self.heads = naming::MOST_UNITS,
            Some(Err(error)) if !CsvLines::is_before_header(text, self.before, &self.options) => return Err(error),
            _ => {
                self.before += 1;
                return Ok(());
            }
        }
        if self.before > self.options.text.skip_lines {
            let lines = wording::counted(self.before, "line", "lines");
            self.screen
                .note(format_args!("{lines} before the header: passed over; --skip-lines says how many there are"));
        }
        Ok(self.layout.write_header(&self.detector, out)?)
    }

    /// A line that is no row.
    fn unread(&mut self, why: String) {
        if self.pass > 0 {
            self.pass -= 1;
            return;
        }
        let number = self.memory.counts.rows;
        self.memory.counts.rows += 1;
        self.memory.counts.unread += 1;
        self.tell(number, &why);
        let (time, group, kept) = (None, None, Vec::new());
        self.held.push(Held { number, time, group, kept, after_gap: false, window: None, why: Some(why) });
    }

    /// A row is missing here, which no window may span. Of several series the clock tells.
    fn break_series(&mut self) {
        if self.places[1].is_none() {
            self.memory.series.values_mut().for_each(|series| series.at.recent.clear());
        }
    }

    fn row_of(&mut self, row: &[f32]) {
        let Some(lines) = &self.lines else { return };
        let number = self.memory.counts.rows;
        self.memory.counts.rows += 1;
        let [time, group] = self.places.map(|place| place.map(|at| lines.cell(at).into_owned()));
        let kept = self.kept.iter().map(|&at| lines.cell(at).into_owned()).collect();
        let mut held = Held { number, time, group, kept, after_gap: false, window: None, why: None };
        let windows = self.detector.windows().is_some();
        let beside = Beside { time: held.time.as_deref(), group: held.group.as_deref() };
        let seconds = match if windows { self.clock.seconds(beside, number) } else { Ok(None) } {
            Ok(seconds) => seconds,
            Err(error) => {
                let why = error.to_string();
                let why = why.split_once(": ").map_or(why.clone(), |(_, why)| why.to_owned());
                return self.unscorable(held, why);
            }
        };
        let columns = self.detector.series_columns();
        let (has_clock, as_they_come) = (windows && columns.time.is_some(), columns.every.is_none());
        let group = held.group.clone().unwrap_or_default();
        if !self.memory.series.contains_key(&group) {
            self.memory.series.insert(group.clone(), Series::new(&self.detector));
        }
        let Some(series) = self.memory.series.get_mut(&group) else { return };
        let last = mem::replace(&mut series.last, number);
        if has_clock {
            let shown = held.time.clone().unwrap_or_default();
            match series.timeline.pass(number, seconds) {
                Passage::Begins => series.begin(as_they_come, &mut held),
                Passage::Returns { begins, .. } => {
                    if let Some(before) = series.before_gap.take() {
                        series.at = *before;
                    }
                    if begins {
                        series.begin(as_they_come, &mut held);
                    }
                    let why = format!("its time lies in the future of {shown:?} behind it; it is passed over");
                    self.tell(last, &why);
                }
                Passage::Backwards { .. } => {
                    series.last = last;
                    let why = format!("its time {shown:?} is before that of the row before it");
                    return self.unscorable(held, why);
                }
                Passage::SetBack { .. } => {
                    series.at.clear();
                    held.after_gap = true;
                    let why = format!("the clock was set back to {shown:?}: the series begins anew");
                    self.tell(number, &why);
                }
                _ => series.before_gap = None,
            }
        }
        let Some(series) = self.memory.series.get_mut(&group) else { return };
        match self.detector.no_score(row) {
            Some(NoScore::Empty) if as_they_come => {
                let before = self.windows.len();
                series.at.recent.push(row, &mut self.windows);
                // It is part of windows to come, and no moment to be scored.
                self.windows.truncate(before);
                return self.unscorable(held, NoScore::Empty.to_string());
            }
            None | Some(NoScore::Empty) => {}
            Some(why) => {
                series.at.recent.clear();
                return self.unscorable(held, why.to_string());
            }
        }
        if as_they_come {
            if series.at.recent.push(row, &mut self.windows) {
                held.window = Some(self.windows.len() / series.at.width(&self.detector) - 1);
            }
            self.held.push(held);
            return;
        }
        match seconds {
            Some(seconds) => series.at.resample(seconds, row, held, &mut self.held, &mut self.windows, &self.detector),
            None => self.unscorable(held, "it has no time".to_owned()),
        }
    }

    /// A row that was read and has no score, and why.
    fn unscorable(&mut self, held: Held, why: String) {
        self.memory.counts.unscorable += 1;
        self.tell(held.number, &why);
        self.held.push(Held { why: Some(why), ..held });
    }

    /// Says something of a row, while there is not too much of that.
    fn tell(&mut self, number: usize, why: &str) {
        let text = format!("row {}: {why}", number + 1);
        if self.told < TOLD {
            self.screen.note(&text);
        }
        if self.told == TOLD {
            self.screen.note("more such rows are counted, and told at the end");
        }
        self.told += 1;
        self.memory.counts.first.get_or_insert(text);
    }

    /// Scores and writes what waits.
    fn write(&mut self, out: &mut dyn Write, news: &mut dyn FnMut(News) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let scores = self.detector.score_ends(&self.windows)?;
        let results: Vec<_> = each(&scores).collect();
        let width = if results.is_empty() { 0 } else { self.windows.len() / results.len() };
        let mut unscored = Vec::new();
        for held in self.held.drain(..) {
            let (score, no_score) = held.window.map_or((None, None), |window| results[window]);
            let reasons = |count| -> Result<Vec<Reason>, AnomalyError> {
                let Some(window) = held.window else { return Ok(Vec::new()) };
                self.detector.explain_end(&self.windows[window * width..(window + 1) * width], count)
            };
            // The row itself is the last of its window.
            let features = self.detector.features();
            let values =
                held.window.map_or(&[][..], |window| &self.windows[(window + 1) * width - features..][..features]);
            let row = ScoredRow {
                number: held.number,
                beside: Beside { time: held.time.as_deref(), group: held.group.as_deref() },
                seconds: None,
                values,
                kept: &held.kept,
                after_gap: held.after_gap,
                score,
                no_score,
                unread: held.why.as_deref(),
                positive: None,
                reasons: &reasons,
            };
            if let Some(why) = no_score {
                self.memory.counts.unscorable += 1;
                unscored.push((held.number, why.to_string()));
            }
            let counts = &mut self.memory.counts;
            counts.given += 1;
            counts.scored += usize::from(score.is_some());
            // A line that is no row belongs to no series.
            let in_series = held.why.is_none() || held.group.is_some() || self.places[1].is_none();
            let flagged = in_series && self.memory.following.row(&row, &self.detector, news)?;
            self.memory.counts.flagged += usize::from(flagged);
            self.layout.write_row(&self.detector, &row, flagged, out)?;
        }
        self.windows.clear();
        unscored.iter().for_each(|(number, why)| self.tell(*number, why));
        Ok(())
    }
}

/// What is wrong with a line, of which it is known that it is one of the stream.
fn in_line(error: &DataError) -> String {
    let text = error.to_string();
    text.strip_prefix("the data: ").map_or(text.clone(), str::to_owned)
}
