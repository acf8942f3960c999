//! [`DetectorPart`]: what one machine saw of a table that several have. Parts add up, and a detector is fitted to what they saw together.

use super::choice::DetectorConfig;
use super::clock::Growth;
use super::detector::{Beforehand, Detector, check_count};
use super::draw::Draw;
use super::error::AnomalyError;
use super::preparation::{ColumnFeatures, columns_of, value};
use super::scores::has_infinite;
use crate::dataset::{Dataset, is_coarse, tell_coarse};
use crate::schema::{Column, Schema, likeliest};

/// The most cells of the rows kept: 256 MiB.
const MOST_CELLS: usize = 1 << 26;
/// The cell of a word that is none of the known ones.
pub(super) const UNKNOWN: f32 = -1.0;

/// What was seen of some rows of a table, to be [merged](Self::merge) with what was seen of others.
///
/// Of all rows it keeps how many there were, the range of each column, its words, and whether it only grows; and a sample of the rows, in
/// which every row is as likely as any other. What stays of rows follows from their content, not from who saw them: the detector of merged parts is, bit
/// for bit, the one of all rows seen at once, whatever their order and division. Only of equal rows, where the sample does not hold all rows, it may
/// depend on the division how many stay.
///
/// ```
/// use enkoder::Dataset;
/// use enkoder::anomaly::{DetectorConfig, DetectorPart, Method};
/// use ndarray::Array2;
///
/// let rows = |first| Array2::from_shape_fn((200, 2), |(row, column)| (((first + row) * (3 + column * 4)) % 101) as f32);
/// let config = DetectorConfig { method: Method::Linear, ..DetectorConfig::default() };
/// let see = |first| {
///     let mut part = DetectorPart::new(&config, 1_000_000)?;
///     part.add(&Dataset::from_f32("rows", rows(first))?)?;
///     Ok::<_, Box<dyn std::error::Error>>(part)
/// };
/// let one = see(0)?.merge(&see(200)?)?.fit()?;
/// let other = see(200)?.merge(&see(0)?)?.fit()?;
/// assert_eq!(one.to_bytes()?, other.to_bytes()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct DetectorPart {
    pub(super) config: DetectorConfig,
    /// The most rows of the sample.
    pub(super) most: usize,
    /// Whether the columns have names of their own.
    pub(super) named: bool,
    pub(super) columns: Vec<PartColumn>,
    pub(super) draw: Draw,
    /// Rows that can be learned from, and others.
    pub(super) rows: usize,
    pub(super) infinite: usize,
    pub(super) empty: usize,
}

/// What was seen of a column.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct PartColumn {
    pub(super) name: String,
    /// Its words, as they came.
    pub(super) words: Option<Vec<String>>,
    /// The smallest and the largest number.
    pub(super) extent: Option<(f32, f32)>,
    /// Whether it only grows, by the parts merged; none where too few rows tell.
    pub(super) grew: Option<bool>,
    #[serde(skip)]
    pub(super) growth: Growth,
    /// A hash of each word.
    #[serde(skip)]
    pub(super) hashes: Vec<f32>,
}

impl PartColumn {
    /// The cell of a word, which may be new.
    fn cell_of(&mut self, word: &str) -> f32 {
        let words = self.words.get_or_insert_default();
        let place = words.iter().position(|known| known == word).unwrap_or_else(|| {
            words.push(word.to_owned());
            self.hashes.push(hash_of(word));
            words.len() - 1
        });
        place as f32
    }

    /// What tells a cell from others, whoever numbered the words.
    pub(super) fn content(&self, cell: f32) -> f32 {
        match &self.words {
            // Both zeros are one number, and all that is no number is missing.
            None => {
                if cell.is_nan() {
                    f32::NAN
                } else {
                    cell + 0.0
                }
            }
            Some(_) if cell.is_nan() => f32::NAN,
            Some(_) => self.hashes.get(cell as usize).copied().filter(|_| cell >= 0.0).unwrap_or(UNKNOWN),
        }
    }

    pub(super) fn hash_words(&mut self) {
        self.hashes = self.words.iter().flatten().map(|word| hash_of(word)).collect();
    }

    fn widen(&mut self, (low, high): (f32, f32)) {
        self.extent = Some(self.extent.map_or((low, high), |(least, most)| (least.min(low), most.max(high))));
    }

    /// Whether it only grows; none where too few rows tell.
    pub(super) fn grows(&self) -> Option<bool> {
        both(self.grew, self.growth.is_clock())
    }
}

fn both(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    one.zip(other).map_or(one.or(other), |(one, other)| Some(one && other))
}

/// As the bits of a number.
fn hash_of(word: &str) -> f32 {
    let bytes: Vec<f32> = word.bytes().map(|byte| f32::from_bits(byte.into())).collect();
    f32::from_bits(super::learning::row_hash(&bytes, 0) as u32)
}

impl DetectorPart {
    /// Sees nothing yet. At most so many rows are kept to learn from, and fewer where they have many columns.
    ///
    /// # Errors
    /// When an option is out of range, or the rows are to follow each other in time: only rows of a table can be seen apart.
    pub fn new(config: &DetectorConfig, most: usize) -> Result<Self, AnomalyError> {
        config.validate()?;
        if config.ordered {
            return Err(AnomalyError::OrderedPart);
        }
        Ok(Self {
            config: config.clone(),
            most,
            named: false,
            columns: Vec::new(),
            draw: Draw::default(),
            rows: 0,
            infinite: 0,
            empty: 0,
        })
    }

    /// Sees rows.
    ///
    /// # Errors
    /// When they have other columns than those before.
    pub fn add(&mut self, data: &Dataset) -> Result<(), AnomalyError> {
        let features = all_columns_of(data);
        let mut columns: Vec<PartColumn> = features.iter().map(column_of).collect();
        if self.columns.is_empty() {
            self.begin(columns, data.schema().is_some());
        } else {
            for (given, column) in features.iter().zip(&mut columns).filter(|(given, _)| given.categories.is_none()) {
                let number = (0..data.len()).map(|row| value(data, row, given.first)).find(|number| !number.is_nan());
                column.extent = number.map(|number| (number, number));
            }
            agree(&mut self.columns, &mut columns)?;
        }
        let words: Vec<Vec<f32>> = features
            .iter()
            .zip(&mut self.columns)
            .map(|(given, column)| given.categories.iter().flatten().map(|word| column.cell_of(word)).collect())
            .collect();
        let (mut values, mut cells) = (vec![0.0; data.features()], vec![0.0; self.columns.len()]);
        let mut content = cells.clone();
        for row in 0..data.len() {
            data.copy_row(row, &mut values);
            if has_infinite(&values) {
                self.infinite += 1;
                continue;
            }
            if values.iter().all(|value| value.is_nan()) {
                self.empty += 1;
                continue;
            }
            self.rows += 1;
            let of_row = features.iter().zip(&words).zip(&mut self.columns).zip(cells.iter_mut().zip(&mut content));
            for (((given, words), column), (cell, content)) in of_row {
                *cell = match &given.categories {
                    None => {
                        let value = values[given.first];
                        column.growth.see(value);
                        if !value.is_nan() {
                            column.widen((value, value));
                        }
                        value
                    }
                    Some(words) if words.is_empty() || values[given.first].is_nan() => f32::NAN,
                    Some(_) => {
                        let of_word = &values[given.first..given.first + given.width];
                        likeliest(of_word).filter(|&word| of_word[word] > 0.5).map_or(UNKNOWN, |word| words[word])
                    }
                };
                *content = column.content(*cell);
            }
            self.draw.see(&cells, &content);
        }
        Ok(())
    }

    pub(super) fn begin(&mut self, columns: Vec<PartColumn>, named: bool) {
        let most = self.most.min(MOST_CELLS / columns.len().max(1));
        self.draw = Draw::new(columns.len(), most, self.config.seed);
        (self.columns, self.named) = (columns, named);
    }

    /// What both saw together. The order makes no difference.
    ///
    /// # Errors
    /// When they have other columns or options.
    pub fn merge(mut self, other: &Self) -> Result<Self, AnomalyError> {
        self.check_options(other)?;
        if other.columns.is_empty() {
            return Ok(self);
        }
        if self.columns.is_empty() {
            return Ok(other.clone());
        }
        let mut columns = other.columns.clone();
        agree(&mut self.columns, &mut columns)?;
        let mut words = Vec::new();
        for (column, given) in self.columns.iter_mut().zip(&columns) {
            words.push(given.words.iter().flatten().map(|word| column.cell_of(word)).collect::<Vec<f32>>());
            given.extent.into_iter().for_each(|extent| column.widen(extent));
            column.grew = both(column.grew, given.grows());
        }
        for (row, copy) in other.draw.rows() {
            let of = |(&cell, words): (&f32, &Vec<f32>)| match words.get(cell as usize) {
                Some(&word) if cell >= 0.0 => word,
                _ => cell,
            };
            let cells: Vec<f32> = row.iter().zip(&words).map(of).collect();
            self.draw.take(&cells, &self.content(&cells), copy);
        }
        self.rows = self.rows.saturating_add(other.rows);
        self.infinite = self.infinite.saturating_add(other.infinite);
        self.empty = self.empty.saturating_add(other.empty);
        Ok(self)
    }

    pub(super) fn content(&self, cells: &[f32]) -> Vec<f32> {
        self.columns.iter().zip(cells).map(|(column, &cell)| column.content(cell)).collect()
    }

    /// How many rows it saw, but for those with an infinite value and those without any.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many rows of them it keeps to learn from.
    pub fn rows_kept(&self) -> usize {
        self.draw.len()
    }

    /// How many other rows came, which have an infinite value.
    pub fn rows_left_out(&self) -> usize {
        self.infinite
    }

    /// How many other rows came without any value.
    pub fn rows_empty(&self) -> usize {
        self.empty
    }

    /// The names of the columns.
    pub fn column_names(&self) -> Vec<&str> {
        self.columns.iter().map(|column| column.name.as_str()).collect()
    }

    /// How it is to be fitted.
    pub fn config(&self) -> &DetectorConfig {
        &self.config
    }

    /// The kept rows in an order that follows from their content, with words in the order of the alphabet.
    pub(super) fn sorted(&self) -> Vec<(Vec<f32>, u32)> {
        let orders: Vec<Vec<usize>> = self.columns.iter().map(order_of_words).collect();
        let mut rows: Vec<(u64, Vec<f32>, u32)> = self
            .draw
            .rows()
            .map(|(row, copy)| {
                let of = |(&cell, order): (&f32, &Vec<usize>)| match order.get(cell as usize) {
                    Some(&place) if cell >= 0.0 => place as f32,
                    _ => cell,
                };
                let hash = super::learning::row_hash(&self.content(row), self.config.seed);
                (hash, row.iter().zip(&orders).map(of).collect(), copy)
            })
            .collect();
        let bits = |row: &[f32]| row.iter().map(|cell| cell.to_bits()).collect::<Vec<u32>>();
        rows.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| bits(&a.1).cmp(&bits(&b.1))).then(a.2.cmp(&b.2)));
        rows.into_iter().map(|(_, row, copy)| (row, copy)).collect()
    }

    /// The rows that it keeps, in an order that follows from their content.
    ///
    /// # Errors
    /// When there is none.
    pub fn sample(&self) -> Result<Dataset, AnomalyError> {
        let sorted_words: Vec<Option<Vec<String>>> = self.columns.iter().map(PartColumn::sorted_words).collect();
        let mut values = Vec::new();
        for (row, _) in self.sorted() {
            for (cell, words) in row.into_iter().zip(&sorted_words) {
                match words {
                    None => values.push(cell),
                    Some(words) => {
                        values.extend((0..words.len()).map(|word| {
                            if cell.is_nan() { f32::NAN } else { f32::from(u8::from(cell == word as f32)) }
                        }))
                    }
                }
            }
        }
        let schema = Schema::new(
            self.columns
                .iter()
                .zip(sorted_words)
                .map(|(column, words)| match words {
                    None => Column::numeric(&column.name),
                    Some(words) => Column::categorical(&column.name, words),
                })
                .collect(),
        );
        let shape = (self.draw.len(), schema.features());
        let values = ndarray::Array2::from_shape_vec(shape, values).expect("every row has a value for each feature");
        let data = Dataset::from_f32("parts", values)?;
        Ok(if self.named { data.with_schema(schema)? } else { data })
    }

    /// The detector of all rows that were seen. A quarter of the kept rows calibrates.
    ///
    /// # Errors
    /// As [`Detector::fit`].
    pub fn fit(&self) -> Result<Detector, AnomalyError> {
        check_count(self.draw.len())?;
        let readings = &self.config.readings;
        if let Some(name) = readings.iter().find(|name| self.columns.iter().all(|column| column.name != **name)) {
            return Err(AnomalyError::NoColumn { column: name.clone() });
        }
        let data = self.sample()?;
        let extents = self.columns.iter().flat_map(|column| match &column.words {
            None => vec![column.extent],
            Some(words) => vec![None; words.len()],
        });
        self.warn_of_coarse();
        let clocks =
            columns_of(data.schema(), data.features()).into_iter().enumerate().filter_map(|(number, column)| {
                let known = self.columns.iter().find(|known| known.name == column.name)?;
                self.is_clock(known).then_some(number)
            });
        let known = Beforehand { clocks: clocks.collect(), extents: extents.collect() };
        let mut detector = Detector::fit_drawn(&data, &known, &self.config)?;
        (detector.rows_left_out, detector.rows_empty) = (self.infinite, self.empty);
        if self.rows > self.draw.len() {
            detector.chosen += &format!("; by {} rows drawn from {}", self.draw.len(), self.rows);
        }
        Ok(detector)
    }

    fn is_clock(&self, column: &PartColumn) -> bool {
        column.grows() == Some(true) && !self.config.readings.contains(&column.name)
    }

    /// Warns of columns whose numbers, but for clocks, differ by hardly more than float32 keeps of them. [`fit`](Self::fit) does so too.
    pub fn warn_of_coarse(&self) {
        let coarse =
            self.columns.iter().filter(|&column| column.extent.is_some_and(is_coarse) && !self.is_clock(column));
        tell_coarse(&coarse.map(|column| column.name.as_str()).collect::<Vec<_>>());
    }

    fn check_options(&self, other: &Self) -> Result<(), AnomalyError> {
        let of = |part: &Self| {
            let mut options = serde_json::to_value(&part.config).unwrap_or_default();
            options["sample"] = part.most.into();
            options
        };
        let (one, other) = (of(self), of(other));
        let differs = one.as_object().into_iter().flatten().find(|(name, value)| other.get(name) != Some(value));
        differs.map_or(Ok(()), |(name, value)| {
            Err(AnomalyError::PartsDiffer {
                what: format!("the option {name}"),
                one: value.to_string(),
                other: other[name].to_string(),
            })
        })
    }
}

impl PartColumn {
    fn sorted_words(&self) -> Option<Vec<String>> {
        let mut words = self.words.clone()?;
        words.sort_unstable();
        Some(words)
    }
}

/// For each word its place in the order of the alphabet.
fn order_of_words(column: &PartColumn) -> Vec<usize> {
    let words = column.words.as_deref().unwrap_or_default();
    let mut sorted: Vec<usize> = (0..words.len()).collect();
    sorted.sort_by(|&a, &b| words[a].cmp(&words[b]));
    let mut places = vec![0; words.len()];
    sorted.into_iter().enumerate().for_each(|(place, word)| places[word] = place);
    places
}

fn column_of(given: &ColumnFeatures) -> PartColumn {
    PartColumn {
        name: given.name.clone(),
        words: given.categories.as_ref().map(|_| Vec::new()),
        extent: None,
        grew: None,
        growth: Growth::default(),
        hashes: Vec::new(),
    }
}

/// All columns, also those of words without a word, which make no feature.
fn all_columns_of(data: &Dataset) -> Vec<ColumnFeatures> {
    let Some(schema) = data.schema() else { return columns_of(None, data.features()) };
    let of = |(column, features): (&Column, std::ops::Range<usize>)| ColumnFeatures {
        name: column.name.clone(),
        first: features.start,
        width: features.len(),
        categories: column.categories().map(<[String]>::to_vec),
    };
    schema.columns.iter().zip(schema.ranges()).map(of).collect()
}

/// Checks that columns are the same. One in which nothing was seen may turn out to be of words.
fn agree(one: &mut [PartColumn], other: &mut [PartColumn]) -> Result<(), AnomalyError> {
    for (one, other) in one.iter_mut().zip(&mut *other) {
        let is_open = |column: &PartColumn| column.words.is_none() && column.extent.is_none();
        if is_open(one) && other.words.is_some() {
            one.words = Some(Vec::new());
        } else if is_open(other) && one.words.is_some() {
            other.words = Some(Vec::new());
        }
    }
    let kind = |column: Option<&PartColumn>| match column {
        None => "not there".to_owned(),
        Some(column) if column.words.is_some() => format!("{:?}, of words", column.name),
        Some(column) => format!("{:?}, of numbers", column.name),
    };
    for place in 0..one.len().max(other.len()) {
        let (one, other) = (kind(one.get(place)), kind(other.get(place)));
        if one != other {
            return Err(AnomalyError::PartsDiffer { what: format!("column {}", place + 1), one, other });
        }
    }
    Ok(())
}
