//! Small models, trained for real, and everything that is said of them: the page, the figures, the preview.

use enkoder::codec::{Bound, CodecError, Layout, SampleArray, SampleSource};
use enkoder::{
    Activation, Architecture, Autoencoder, Column, Dataset, Labels, LayerSpec, Loss, Scaling, Schema, Trainer,
    TrainingConfig, fit_pca,
};
use enkoder_report::{
    CodecEvaluation, CodecProgress, Evaluation, EvaluationError, FillingEvaluation, Report, read_peers,
};
use ndarray::{Array2, array};
use roxmltree::{Document, ParsingOptions};

/// Bright discs on black, somewhere in an image.
fn discs(samples: usize, height: usize, width: usize, channels: usize) -> Dataset {
    let values = Array2::from_shape_fn((samples, height * width * channels), |(sample, at)| {
        let (pixel, channel) = (at / channels, at % channels);
        let (x, y) = ((pixel % width) as f32, (pixel / width) as f32);
        let centre = ((sample * 7 % 11) as f32 / 11.0 * width as f32, (sample * 5 % 13) as f32 / 13.0 * height as f32);
        let distance = ((x - centre.0).powi(2) + (y - centre.1).powi(2)).sqrt();
        if distance < 3.0 { 255 - 60 * channel as u8 } else { 10 * channel as u8 }
    });
    let shape = if channels == 1 { vec![height, width] } else { vec![height, width, channels] };
    Dataset::from_u8("discs", values).unwrap().with_shape(shape).unwrap()
}

fn labelled(data: Dataset, names: impl IntoIterator<Item = String>) -> Dataset {
    let classes: Vec<String> = names.into_iter().collect();
    let values = (0..data.len()).map(|sample| (sample % classes.len()) as u32).collect();
    data.with_labels(Labels { classes, values }).unwrap()
}

/// A network with one hidden layer, trained, and PCA with as many numbers.
fn models(train: &Dataset, validation: &Dataset, latent: usize, config: TrainingConfig) -> (Autoencoder, Autoencoder) {
    let architecture = Architecture::dense(train.shape(), &[6], latent);
    let network = Trainer::new(architecture, config).fit(train, validation).unwrap();
    (network, fit_pca(train, validation, latent, Scaling::Auto).unwrap())
}

fn evaluated(data: &Dataset, latent: usize) -> Evaluation {
    let (train, validation) = data.split(0.25, 3).unwrap();
    let config = TrainingConfig { epochs: 3, batch_size: 8, ..TrainingConfig::default() };
    let (network, pca) = models(&train, &validation, latent, config);
    Evaluation::new(&network, &pca, Some(&train), &validation, 5).unwrap()
}

/// The page, after every check that holds for all pages.
fn checked_page(evaluation: &Evaluation) -> String {
    checked(Report::new(evaluation).with_command_line("enkoder train --seed 3 <data>"))
}

fn checked(report: Report<'_>) -> String {
    let html = report.to_html().unwrap();
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let page = Document::parse_with_options(&html, options).unwrap_or_else(|error| panic!("{error}\n{html}"));
    for node in page.descendants() {
        for attribute in ["src", "href"] {
            let Some(address) = node.attribute(attribute) else { continue };
            assert!(address.starts_with("data:") || address.starts_with('#'), "{address} is loaded");
        }
        match node.tag_name().name() {
            "img" => assert!(node.attribute("alt").is_some_and(|alt| !alt.is_empty()), "an image without words"),
            "svg" => assert!(node.attribute("aria-label").is_some_and(|label| !label.is_empty())),
            "th" => assert!(node.attribute("scope").is_some()),
            name => assert!(!matches!(name, "script" | "iframe" | "object" | "embed"), "{name}"),
        }
    }
    assert!(!html.replace("http://www.w3.org/2000/svg", "").contains("://"));
    // Outside of pictures, whose letters are any.
    let text: String = html
        .split("base64,")
        .enumerate()
        .map(|(part, text)| {
            if part == 0 {
                text
            } else {
                text.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "+/=".contains(c))
            }
        })
        .collect();
    assert!(!text.contains("@import") && !text.contains("NaN") && !text.contains("inf\""));
    let ids: Vec<&str> = page.descendants().filter_map(|node| node.attribute("id")).collect();
    let unique: std::collections::HashSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "{ids:?}");
    for figure in report.figures().unwrap() {
        if figure.extension == "svg" {
            let text = String::from_utf8(figure.bytes).unwrap();
            Document::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", figure.name));
            assert!(!text.contains("var(") && (text.contains("base64,") || !text.contains("NaN")), "{}", figure.name);
        } else {
            assert_eq!((figure.extension, &figure.bytes[1..4]), ("png", &b"PNG"[..]));
        }
    }
    html
}

#[test]
fn grey_images_are_shown_and_every_figure_is_written() {
    let evaluation = evaluated(&labelled(discs(120, 8, 9, 1), ["a", "b", "c"].map(String::from)), 3);
    let html = checked_page(&evaluation);
    for heading in ["The data", "The network", "The training", "The result", "The latent space", "What it saves"] {
        assert!(html.contains(&format!("<h2>{heading}</h2>")), "{heading}");
    }
    let mut names: Vec<String> = Report::new(&evaluation).figures().unwrap().iter().map(|f| f.file_name()).collect();
    names.sort();
    insta::assert_snapshot!(names.join("\n"));
}

#[test]
fn the_figures_agree_with_the_model_itself() {
    let data = discs(200, 6, 6, 1);
    let (train, validation) = data.split(0.25, 3).unwrap();
    let (network, pca) = models(&train, &validation, 2, TrainingConfig { epochs: 4, ..TrainingConfig::default() });
    let evaluation = Evaluation::new(&network, &pca, Some(&train), &validation, 0).unwrap();
    let close = |a: f64, b: f64| assert!((a - b).abs() <= 1e-5 * a.abs().max(b.abs()), "{a} and {b}");
    close(evaluation.mse(), network.record().validation_loss);
    close(evaluation.baseline_mse(), pca.record().validation_loss);
    let errors = network.reconstruction_error(&validation).unwrap();
    for (&a, &b) in errors.iter().zip(evaluation.sample_errors()) {
        close(a.into(), b.into());
    }
    // Predicting the mean, computed the long way round.
    let scaled = |data: &Dataset| data.to_array().mapv(|value| f64::from(value) / 255.0);
    let mean = scaled(&train).mean_axis(ndarray::Axis(0)).unwrap();
    close(evaluation.mean_mse(), (scaled(&validation) - mean).mapv(|value| value * value).mean().unwrap());
    assert!(
        evaluation.quantised_mse().is_some_and(|mse| mse >= evaluation.mse() * 0.99 && mse < evaluation.mse() * 1.1)
    );
    let sizes = evaluation.sizes().unwrap();
    assert_eq!((sizes.original, sizes.original_f32, sizes.code_f32, sizes.code_u8), (36, 144, 8, 2));
    assert_eq!(sizes.model, network.to_bytes().unwrap().len());
}

#[test]
fn what_a_decoder_that_reads_the_encoder_can_show_is_shown_and_the_rest_is_named() {
    let data = labelled(discs(60, 6, 6, 1), ["a", "b"].map(String::from));
    let (train, validation) = data.split(0.25, 3).unwrap();
    let layers = |joined: bool| {
        let encoder = vec![LayerSpec::dense(36, Activation::Relu), LayerSpec::dense(4, Activation::Linear)];
        let mut decoder = vec![LayerSpec::dense(36, Activation::Linear)];
        if joined {
            decoder.push(LayerSpec::add("encoder.0"));
        }
        Architecture { input_shape: vec![6, 6], encoder, decoder, output_shape: None, residual: !joined }
    };
    for (architecture, why) in [(layers(true), "decoder.1 reads more"), (layers(false), "is taken from the sample")] {
        let config = TrainingConfig { epochs: 2, ..TrainingConfig::default() };
        let network = Trainer::new(architecture, config).fit(&train, &validation).unwrap();
        let pca = fit_pca(&train, &validation, 4, Scaling::Auto).unwrap();
        let evaluation = Evaluation::new(&network, &pca, Some(&train), &validation, 5).unwrap();
        assert!((evaluation.mse() - network.record().validation_loss).abs() < 1e-6);
        assert!(evaluation.sizes().is_none() && evaluation.quantised_mse().is_none());
        let html = checked_page(&evaluation);
        for heading in ["The network", "The training", "The result"] {
            assert!(html.contains(&format!("<h2>{heading}</h2>")), "{heading}");
        }
        assert!(!html.contains("The latent space</h2>") && !html.contains("What it saves</h2>"));
        assert!(html.contains(why), "{:?}", evaluation.left_out());
        let names: Vec<String> = Report::new(&evaluation).figures().unwrap().iter().map(|f| f.file_name()).collect();
        assert!(names.contains(&"training-loss.svg".into()) && !names.iter().any(|name| name.contains("latent")));
    }
}

#[test]
fn colour_images_series_and_tables_have_pages_too() {
    checked_page(&evaluated(&discs(60, 5, 6, 3), 2));
    let waves = Array2::from_shape_fn((80, 30), |(sample, at)| ((at as f32) / 4.0 + sample as f32).sin());
    let html = checked_page(&evaluated(&Dataset::from_f32("waves", waves).unwrap(), 2));
    assert!(html.contains("The smallest, the mean and the largest value of each feature"));
    let mut table = Array2::from_shape_fn((80, 4), |(row, column)| (row * (column + 3) % 17) as f32 * 100.0);
    table[[3, 1]] = f32::NAN;
    table[[40, 0]] = f32::NAN;
    table.column_mut(2).fill(7.0);
    let schema = Schema::new(["age", "income", "constant", "score"].map(Column::numeric).into());
    let table = Dataset::from_f32("people", table).unwrap().with_schema(schema).unwrap();
    assert!(checked_page(&evaluated(&table, 2)).contains(">income</th>"));
}

#[test]
fn names_of_data_columns_and_classes_cannot_break_out_of_the_page() {
    let hostile = "</title></svg><script>alert(1)</script>\"'&\u{0}\u{202E}";
    let images = labelled(discs(60, 5, 5, 1), ["x".to_owned(), hostile.to_owned(), String::new()]).with_name(hostile);
    checked_page(&evaluated(&images, 2));
    let table = Array2::from_shape_fn((40, 3), |(row, column)| ((row * 7 + column * 3) % 11) as f32);
    let schema = Schema::new([format!("{hostile}1"), format!("{hostile}2"), String::new()].map(Column::numeric).into());
    let table = Dataset::from_f32(hostile, table).unwrap().with_schema(schema).unwrap();
    let evaluation = evaluated(&table, 1);
    checked_page(&evaluation);
    let report = Report::new(&evaluation).with_title(hostile).with_command_line(hostile);
    assert!(!report.to_html().unwrap().contains("<script"));
}

#[test]
fn the_smallest_and_oddest_data_have_pages() {
    // One feature, one number, one evaluated sample, and constant data.
    let line = Dataset::from_f32("line", array![[1.0], [2.0], [3.0], [4.0], [5.0]]).unwrap();
    let evaluation = evaluated(&line, 1);
    assert_eq!(evaluation.samples(), 1);
    checked_page(&evaluation);
    let constant = Dataset::from_f32("constant", Array2::from_elem((12, 9), 3.0)).unwrap();
    checked_page(&evaluated(&constant.with_shape([3, 3]).unwrap(), 2));
    // One very wide image, and one with more features than a page can list.
    checked_page(&evaluated(&discs(24, 2, 100, 1), 2));
    checked_page(&evaluated(&discs(24, 2, 400, 1), 2));
    let wide = Array2::from_shape_fn((20, 10_000), |(row, at)| ((row * 31 + at) % 97) as f32);
    checked_page(&evaluated(&Dataset::from_f32("wide", wide).unwrap(), 2));
    // Two hundred classes.
    checked_page(&evaluated(&labelled(discs(400, 4, 4, 1), (0..200).map(|class| format!("class {class}"))), 2));
}

#[test]
fn one_epoch_another_loss_and_no_training_samples_are_told_as_they_are() {
    let data = discs(60, 5, 5, 1);
    let (train, validation) = data.split(0.25, 3).unwrap();
    let loss = Loss::MeanAbsolute;
    let config = TrainingConfig { epochs: 1, loss, ..TrainingConfig::default() };
    let architecture = Architecture::dense([5, 5], &[6], 2).with_output_activation(Activation::Sigmoid);
    let network = Trainer::new(architecture, config).fit(&train, &validation).unwrap();
    let pca = fit_pca(&train, &validation, 2, Scaling::Auto).unwrap();
    let html = checked_page(&Evaluation::new(&network, &pca, None, &validation, 0).unwrap());
    assert!(html.contains("mean absolute error") && html.contains("of these samples"));
    assert!(!html.contains("did not see"));
    // A model that was read back has no times to show.
    let read = Autoencoder::from_bytes(&network.to_bytes().unwrap()).unwrap();
    assert!(!checked_page(&Evaluation::new(&read, &pca, None, &validation, 0).unwrap()).contains("samples a second"));
    // PCA beside itself.
    let html = checked_page(&Evaluation::new(&pca, &pca, Some(&train), &validation, 0).unwrap());
    assert!(html.contains("closed form") && html.contains("this model is PCA itself"));
}

#[test]
fn data_that_does_not_fit_is_refused() {
    let (train, validation) = discs(40, 5, 5, 1).split(0.25, 3).unwrap();
    let (network, pca) = models(&train, &validation, 2, TrainingConfig { epochs: 1, ..TrainingConfig::default() });
    let error = |data: &Dataset| Evaluation::new(&network, &pca, None, data, 0).unwrap_err();
    assert!(matches!(error(&validation.head(0)), EvaluationError::NoSamples));
    assert!(matches!(error(&discs(3, 4, 4, 1)), EvaluationError::Model { .. }));
}

#[test]
fn the_preview_fits_its_width_and_uses_colours_only_when_allowed() {
    let evaluation = evaluated(&discs(80, 28, 28, 1), 2);
    let plain = evaluation.preview(80, false);
    assert!(plain.is_ascii() && plain.lines().all(|line| line.len() <= 80));
    assert!(plain.lines().any(|line| line.len() > 50), "several digits beside each other:\n{plain}");
    assert!(evaluation.preview(80, true).contains("\x1b[38;2;"));
}

#[test]
fn the_same_seed_gives_the_same_page() {
    let page = || {
        let html = checked_page(&evaluated(&discs(60, 5, 5, 1), 2));
        // Only times differ from run to run.
        html.lines().filter(|line| !line.contains("second")).collect::<Vec<_>>().join("\n")
    };
    let facts = |html: String| html.split("<h2>The result</h2>").nth(1).map(str::to_owned);
    assert_eq!(facts(page()), facts(page()));
}

/// Two variables of smooth fields in each sample, the second a thousand times as large.
struct Fields(SampleArray);

impl Fields {
    fn new(samples: usize) -> Self {
        let value = |sample: usize, at: usize| {
            let (variable, y, x) = (at / 120, at / 12 % 10, at % 12);
            let wave = (x as f32 * 0.5 + sample as f32 * 0.3).sin() + (y as f32 * 0.4 - sample as f32 * 0.1).cos();
            wave * if variable == 1 { 1000.0 } else { 1.0 } + ((sample * 31 + at * 17) % 23) as f32 * 0.01
        };
        let values: Vec<f32> = (0..samples * 240).map(|i| value(i / 240, i % 240)).collect();
        Self(SampleArray::from_values([2, 10, 12], &values).unwrap())
    }

    fn data(&self) -> Dataset {
        let values = self.0.values::<f32>().unwrap();
        let rows = Array2::from_shape_vec((values.len() / 240, 240), values).unwrap();
        Dataset::from_f32("fields", rows).unwrap().with_shape([2, 10, 12]).unwrap()
    }
}

impl SampleSource for Fields {
    fn element(&self) -> enkoder::codec::ElementType {
        self.0.element()
    }

    fn shape(&self) -> &[usize] {
        self.0.shape()
    }

    fn samples(&self) -> u64 {
        self.0.samples()
    }

    fn read(&mut self, first: u64, count: usize) -> std::io::Result<Vec<u8>> {
        self.0.read(first, count)
    }

    fn layout(&self) -> Layout {
        Layout { variables: vec!["<ts>".to_owned(), "psl".to_owned()], ..Layout::default() }
    }
}

fn unwatched(_: CodecProgress) -> std::ops::ControlFlow<()> {
    std::ops::ControlFlow::Continue(())
}

#[test]
fn a_codec_has_a_section_with_its_curve_its_peers_and_what_comes_back() {
    let mut fields = Fields::new(80);
    let data = fields.data();
    let (train, validation) = data.split(0.25, 3).unwrap();
    let model = fit_pca(&train, &validation, 6, Scaling::Auto).unwrap();
    let bounds = ["rel:0.01", "rel:0.0001", "psnr:50", "none", "lossless"].map(|bound| bound.parse().unwrap());
    let codec = CodecEvaluation::new(&model, &mut fields, &bounds, 16, &mut unwatched).unwrap();
    assert_eq!(codec.original_bytes(), 80 * 240 * 4);
    for point in codec.points() {
        let parts = point.model_bytes + point.code_bytes + point.residual_bytes + point.framing_bytes;
        assert_eq!(parts, point.file_bytes, "{}", point.bound);
        let is_fixed = matches!(point.bound, Bound::Absolute(_) | Bound::Relative(_));
        assert_eq!(point.of_bound.is_some(), is_fixed);
        if let Some(share) = point.of_bound {
            assert!(share > 0.0, "{share}");
        }
    }
    let [coarse, fine, .., exact] = codec.points() else { panic!() };
    let payloads = [coarse, fine, exact].map(|point| point.payload());
    assert!(payloads.is_sorted() && payloads[0] < payloads[2], "{payloads:?}");
    let psnr = [coarse, fine].map(|point| point.psnr.unwrap());
    assert!(psnr[0] < psnr[1], "{psnr:?}");
    assert_eq!((exact.psnr, exact.largest_error), (None, 0.0));

    let (of_fine, allowed) = (fine.payload(), fine.largest_error / fine.of_bound.unwrap());
    let peers = format!(
        r#"[{{"name": "<other>", "points": [{{"bytes": {}, "psnr": 60, "largest_error": {allowed}}}, {{"bytes": 99999, "psnr": null, "largest_error": 0}}]}}]"#,
        of_fine + 800
    );
    let codec = codec.with_peers(read_peers(&peers).unwrap()).with_name("</p><script>");
    let payment = codec.pays_from(&codec.points()[1], &codec.peers()[0]).unwrap();
    // Ten bytes saved a sample.
    assert_eq!(payment.samples, Some(codec.points()[1].model_bytes.div_ceil(10)));
    let evaluation = Evaluation::new(&model, &model, Some(&train), &validation, 0).unwrap();
    let report = Report::new(&evaluation).with_codec(&codec);
    let names: Vec<String> = report.figures().unwrap().iter().map(|figure| figure.file_name()).collect();
    for name in ["rate-distortion.svg", "decoded-1.svg", "decoded-3-errors.svg"] {
        assert!(names.iter().any(|other| other == name), "{names:?}");
    }
    let html = checked(report);
    for said in
        ["<h2>Compression</h2>", "#codec", "&#60;other", "it has paid for its own", "error in units of the bound"]
    {
        assert!(html.contains(said), "{said}");
    }
    assert!(!checked_page(&evaluation).contains("Compression"));
}

#[test]
fn filling_has_a_section_with_samples_and_errors() {
    let (train, validation) = discs(120, 8, 8, 1).split(0.25, 3).unwrap();
    let model = fit_pca(&train, &validation, 4, Scaling::Auto).unwrap();
    let filling = FillingEvaluation::new(&model, &train, &validation, 0.5, 1).unwrap();
    let evaluation = Evaluation::new(&model, &model, Some(&train), &validation, 3).unwrap();
    let html = checked(Report::new(&evaluation).with_filling(&filling));
    assert!(html.contains("id=\"filling\"") && html.contains("50\u{a0}% missing") && html.contains("nearest samples"));
    assert!(!checked(Report::new(&evaluation)).contains("id=\"filling\""));
    let figures = Report::new(&evaluation).with_filling(&filling).figures().unwrap();
    assert!(figures.iter().any(|figure| figure.file_name() == "filled.svg"));
}

#[test]
fn a_codec_on_bytes_alone_and_stopped_in_the_middle() {
    let data = discs(60, 6, 6, 1);
    let (train, validation) = data.split(0.25, 3).unwrap();
    let (network, pca) = models(&train, &validation, 2, TrainingConfig { epochs: 1, ..TrainingConfig::default() });
    let mut samples = SampleArray::from_dataset(&validation);
    let codec = CodecEvaluation::new(&network, &mut samples, &[Bound::Lossless], 8, &mut unwatched).unwrap();
    let [point] = codec.points() else { panic!() };
    assert!(codec.bytes_per_sample(point) < 36.0, "{}", codec.bytes_per_sample(point));
    let evaluation = Evaluation::new(&network, &pca, Some(&train), &validation, 0).unwrap();
    // Without a lossy bound there is no curve and nothing to show beside the original.
    let html = checked(Report::new(&evaluation).with_codec(&codec));
    assert!(html.contains(">exact</td>") && !html.contains("What comes back"));
    let stop = &mut |_: CodecProgress| std::ops::ControlFlow::Break(());
    let stopped = CodecEvaluation::new(&network, &mut samples, &[Bound::Lossless], 8, stop);
    assert!(matches!(stopped, Err(CodecError::Io(error)) if error.kind() == std::io::ErrorKind::Interrupted));
}

/// Windows that are not square and layers that read earlier ones, over images and over a series of one column.
#[test]
fn networks_with_skip_connections_and_sizes_of_each_axis_have_a_page() {
    let convolution = |channels, kernel: [usize; 2], stride: [usize; 2], activation| {
        LayerSpec::convolution(channels, kernel, stride, activation)
    };
    let back =
        |stride: [usize; 2], channels| LayerSpec::transposed_convolution(channels, [5, 1], stride, Activation::Linear);
    for (shape, colours) in [(vec![12, 1, 3], 3), (vec![8, 6], 1)] {
        let values: usize = shape.iter().product();
        let waves = Array2::from_shape_fn((80, values), |(row, at)| ((row * 3 + at) as f32 * 0.4).sin());
        let data = Dataset::from_f32("waves", waves).unwrap().with_shape(shape.clone()).unwrap();
        let (train, validation) = data.split(0.25, 3).unwrap();
        let architecture = Architecture {
            input_shape: shape,
            encoder: vec![
                convolution(4, [5, 1], [2, 1], Activation::Relu),
                convolution(4, [3, 1], [1, 1], Activation::Relu),
                LayerSpec::add("encoder.0"),
            ],
            decoder: vec![back([2, 1], colours), LayerSpec::concat("decoder.0"), back([1, 1], colours)],
            output_shape: None,
            residual: false,
        };
        let config = TrainingConfig { epochs: 1, ..TrainingConfig::default() };
        let network = Trainer::new(architecture, config).fit(&train, &validation).unwrap();
        let pca = fit_pca(&train, &validation, 3, Scaling::Auto).unwrap();
        let evaluation = Evaluation::new(&network, &pca, Some(&train), &validation, 0).unwrap();
        assert!(checked_page(&evaluation).contains("with encoder.0"));
    }
}
