//! Pictures that are changed and written back as they were, whole images to cut patches from, and denoising of real photographs.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use enkoder::Dataset;
use enkoder::denoising::{Noise, NonLocalMeans, estimate_sigma, median};
use enkoder::metrics::{psnr, ssim};
use enkoder_data::DataError;
use enkoder_data::export::Overwrite;
use enkoder_data::images::{Depth, Picture, image_paths, read_whole_images};
use image::{DynamicImage, GrayImage, ImageBuffer, ImageFormat, Luma, LumaA, Rgb, Rgba};
use proptest::prelude::*;

fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn grey(height: u32, width: u32) -> Vec<u8> {
    encoded(GrayImage::from_fn(width, height, |x, y| Luma([(x * 7 + y * 13) as u8])), ImageFormat::Png)
}

#[test]
fn every_kind_of_picture_is_written_back_as_it_was() {
    let wide = |x: u32, y: u32, c: u32| (x * 9000 + y * 15_001 + c * 777) as u16;
    let images: [DynamicImage; 8] = [
        ImageBuffer::from_fn(4, 3, |x, y| Luma([wide(x, y, 0) as u8])).into(),
        ImageBuffer::from_fn(4, 3, |x, y| LumaA([wide(x, y, 0) as u8, wide(x, y, 1) as u8])).into(),
        ImageBuffer::from_fn(4, 3, |x, y| Rgb([0, 1, 2].map(|c| wide(x, y, c) as u8))).into(),
        ImageBuffer::from_fn(4, 3, |x, y| Rgba([0, 1, 2, 3].map(|c| wide(x, y, c) as u8))).into(),
        ImageBuffer::from_fn(4, 3, |x, y| Luma([wide(x, y, 0)])).into(),
        ImageBuffer::from_fn(4, 3, |x, y| LumaA([wide(x, y, 0), wide(x, y, 1)])).into(),
        ImageBuffer::from_fn(4, 3, |x, y| Rgb([0, 1, 2].map(|c| wide(x, y, c)))).into(),
        ImageBuffer::from_fn(4, 3, |x, y| Rgba([0, 1, 2, 3].map(|c| wide(x, y, c)))).into(),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (number, image) in images.into_iter().enumerate() {
        let colour = image.color();
        let picture = Picture::from_bytes("test", &encoded(image.clone(), ImageFormat::Png)).unwrap();
        assert_eq!(picture.channels(), if colour.has_color() { 3 } else { 1 });
        assert_eq!(picture.is_transparent(), colour.has_alpha());
        assert_eq!(picture.depth() == Depth::Sixteen, colour.bytes_per_pixel() / colour.channel_count() == 2);
        let path = folder.path().join(format!("{number}.png"));
        picture.write_png(&path, Overwrite::Never).unwrap();
        assert_eq!(image::open(&path).unwrap(), image, "{colour:?}");
    }
}

#[test]
fn grey_maps_of_any_depth_keep_their_relation_to_white() {
    let picture = Picture::from_bytes("test", b"P5 2 1 65535\n\x00\x01\xff\xff").unwrap();
    assert_eq!((picture.values(), picture.peak(), &picture.shape()[..]), (&[1.0, 65535.0][..], 65535.0, &[1, 2][..]));
    let picture = Picture::from_bytes("test", b"P2 3 1 15\n0 5 15\n").unwrap();
    assert_eq!((picture.values(), picture.peak()), (&[0.0, 85.0, 255.0][..], 255.0));
    let picture = Picture::from_bytes("test", b"P6 1 1 255\n\x01\x02\x03").unwrap();
    assert_eq!((picture.values(), &picture.shape()[..]), (&[1.0, 2.0, 3.0][..], &[1, 1, 3][..]));
}

#[test]
fn new_values_are_rounded_and_clipped_and_an_output_that_is_there_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.png");
    let picture = Picture::from_bytes("test", b"P5 5 1 255\n\x00\x00\x00\x00\x00").unwrap();
    let picture = picture.with_values(vec![-3.0, 1.4, 1.6, 300.0, f32::NAN]);
    picture.write_png(&path, Overwrite::Never).unwrap();
    assert_eq!(Picture::read(&path).unwrap().values(), [0.0, 1.0, 2.0, 255.0, 0.0]);
    assert!(matches!(picture.write_png(&path, Overwrite::Never), Err(DataError::Exists { .. })));
    picture.write_png(&path, Overwrite::Replace).unwrap();
}

/// A folder of two sound images and four that are not.
fn mixed_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    put("1.png", &grey(20, 30));
    put("2.png", b"");
    put("3.png", &grey(20, 30)[..100]);
    put("4.png", b"this is a letter");
    put("5.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xff\xff\xff\xff\xff\xff\xff\x08\0\0\0\0");
    put("6.png", &grey(9, 40));
    folder
}

#[test]
fn damaged_files_are_left_out_and_named_or_are_errors_where_strict() {
    let folder = mixed_folder();
    let paths = image_paths(folder.path().to_str().unwrap()).unwrap();
    let read = read_whole_images(&paths, false, false).unwrap();
    let sizes: Vec<_> = read.images.iter().map(|image| image.pixels.dim()).collect();
    assert_eq!(sizes, [(20, 30, 1), (9, 40, 1)]);
    assert!(read.images[1].name.ends_with("6.png"));
    let messages: Vec<String> = read.skipped.iter().map(ToString::to_string).collect();
    let expected = [
        "2.png: the file is empty",
        "3.png: the image is damaged or cut off",
        "4.png: the first bytes are not",
        "5.png",
    ];
    assert_eq!(messages.len(), 4);
    assert!(messages.iter().zip(expected).all(|(message, part)| message.contains(part)), "{messages:?}");

    let error = read_whole_images(&paths, false, true).unwrap_err();
    assert!(error.to_string().ends_with("2.png: the file is empty"), "{error}");
    let error = read_whole_images(&paths[1..4], false, false).unwrap_err();
    assert!(
        error.to_string().ends_with("neither this nor another of the 3 files is an image that can be read"),
        "{error}"
    );
    let error = read_whole_images(&paths[1..2], false, false).unwrap_err();
    assert!(error.to_string().ends_with("2.png: the file is empty"), "{error}");
}

#[test]
fn one_image_in_colour_makes_all_whole_images_coloured_unless_grey_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.png"), grey(3, 2)).unwrap();
    let red = ImageBuffer::from_pixel(4, 4, Rgb([255u8, 0, 0]));
    fs::write(folder.path().join("b.jpg"), encoded(red, ImageFormat::Jpeg)).unwrap();
    let deep = ImageBuffer::from_pixel(2, 2, Luma([0x8080u16]));
    fs::write(folder.path().join("c.png"), encoded(deep, ImageFormat::Png)).unwrap();
    let paths = image_paths(folder.path().join("*").to_str().unwrap()).unwrap();
    let read = read_whole_images(&paths, false, true).unwrap();
    assert_eq!(read.images[0].pixels.dim(), (3, 2, 3));
    assert!(read.images[2].pixels.iter().all(|&value| value == 0x80));
    assert_eq!(read.scaled.as_deref(), Some(&*folder.path().join("c.png")));
    let read = read_whole_images(&paths, true, true).unwrap();
    assert!(read.images.iter().all(|image| image.pixels.dim().2 == 1));
}

#[test]
fn a_source_without_images_is_named() {
    let error = image_paths("no/such/place.png").unwrap_err();
    assert_eq!(error.to_string(), "there is no image, folder or pattern \"no/such/place.png\"");
    let folder = tempfile::tempdir().unwrap();
    assert!(image_paths(folder.path().to_str().unwrap()).unwrap_err().to_string().contains("no image in the folder"));
}

fn test_images(set: &str) -> Option<Vec<PathBuf>> {
    let Some(data) = std::env::var_os("ENKODER_TEST_DATA") else {
        println!("skipped: ENKODER_TEST_DATA is not set");
        return None;
    };
    Some(image_paths(Path::new(&data).join("images").join(set).to_str().unwrap()).unwrap())
}

#[test]
fn patches_are_cut_from_the_photographs_of_train400() {
    let Some(paths) = test_images("Train400") else { return };
    let read = read_whole_images(&paths, false, true).unwrap();
    assert_eq!((read.images.len(), read.images[0].pixels.dim()), (400, (180, 180, 1)));
    let data = Dataset::from_patches("Train400", read.images, [40, 40], 200_000, 1).unwrap();
    assert_eq!((data.len(), data.features()), (200_000, 1600));
    let mut row = vec![0.0; 1600];
    data.copy_row(199_999, &mut row);
    assert!(row.iter().any(|&value| value != row[0]));
}

/// Mean PSNR and SSIM of noisy photographs after a filter.
fn after(pictures: &[Picture], noise: &str, filter: impl Fn(Vec<f32>, &[usize]) -> Vec<f32>) -> (f64, f64) {
    let noise: Noise = noise.parse().unwrap();
    let (mut psnrs, mut ssims) = (0.0, 0.0);
    for (number, picture) in pictures.iter().enumerate() {
        let mut noisy = picture.values().to_vec();
        noise.apply(&mut noisy, 255.0, 0, number as u32);
        let filtered = filter(noisy, &picture.shape());
        psnrs += psnr(picture.values(), &filtered, 255.0).unwrap() / pictures.len() as f64;
        ssims += ssim(picture.values(), &filtered, &picture.shape(), 255.0).unwrap() / pictures.len() as f64;
    }
    (psnrs, ssims)
}

/// The neighbourhood of values measured with SciPy and scikit-image: median 25.5 dB, non-local means 28.58 dB and 0.81.
#[test]
fn the_filters_reach_on_set12_what_others_reach() {
    let Some(paths) = test_images("Set12") else { return };
    let pictures: Vec<Picture> = paths.iter().map(|path| Picture::read(path).unwrap()).collect();
    let noise = "gaussian:25";
    let noisy = after(&pictures, noise, |noisy, _| noisy);
    assert!((noisy.0 - 20.17).abs() < 0.02, "{noisy:?}");
    let filtered = after(&pictures, noise, |noisy, shape| median(&noisy, shape, 3).unwrap());
    assert!(filtered.0 > 25.4 && filtered.1 > 0.59, "{filtered:?}");
    let options = NonLocalMeans::for_sigma(25.0, 255.0);
    let means = after(&pictures, noise, |noisy, shape| options.denoise(&noisy, shape).unwrap());
    assert!(means.0 > 28.6 && means.1 > 0.80, "{means:?}");
}

#[test]
fn the_noise_of_set12_is_estimated_within_a_few_tenths() {
    let Some(paths) = test_images("Set12") else { return };
    let pictures: Vec<Picture> = paths.iter().map(|path| Picture::read(path).unwrap()).collect();
    for (sigma, expected) in [(5.0f32, 0.65f32), (10.0, 0.45), (25.0, 0.25), (50.0, 0.35)] {
        let noise: Noise = format!("gaussian:{sigma}").parse().unwrap();
        let errors = pictures.iter().enumerate().map(|(number, picture)| {
            let mut noisy = picture.values().to_vec();
            noise.apply(&mut noisy, 255.0, 0, number as u32);
            (estimate_sigma(&noisy, &picture.shape()).unwrap() - sigma).abs()
        });
        let error = errors.sum::<f32>() / pictures.len() as f32;
        assert!(error < expected, "{sigma}: {error}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_picture_or_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), start in 0..6usize) {
        let starts: [&[u8]; 6] = [b"", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff", b"P5 3 3 65535\n", b"P3 ", b"P7\n"];
        let _ = Picture::from_bytes("test", &[starts[start], &bytes].concat());
    }
}
