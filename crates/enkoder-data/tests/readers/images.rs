//! Images: real and made ones, folders with classes, odd sizes, and files that lie.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use enkoder::Dataset;
use enkoder_data::DataError;
use enkoder_data::export::Overwrite;
use enkoder_data::images::{ImageOptions, read_image, read_image_folder, write_images};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use ndarray::{Array2, array};
use proptest::prelude::*;

const PLAIN: ImageOptions = ImageOptions { size: None, grey: false, strict: false };
const STRICT: ImageOptions = ImageOptions { strict: true, ..PLAIN };

fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn grey(height: u32, width: u32, value: u8) -> Vec<u8> {
    encoded(GrayImage::from_pixel(width, height, Luma([value])), ImageFormat::Png)
}

fn read(bytes: &[u8]) -> Result<Dataset, DataError> {
    read_image("test", bytes, &PLAIN)
}

#[test]
fn a_pgm_of_two_rows_is_read_from_the_top() {
    let data = read(b"P5 3 2 255\n\x01\x02\x03\x04\x05\xff").unwrap();
    assert_eq!((data.shape(), data.row_u8(0)), (&[2, 3][..], Some(&[1, 2, 3, 4, 5, 255][..])));
    let data = read(b"P2\n# a comment\n2 1\n15\n0 15\n").unwrap();
    assert_eq!(data.row_u8(0), Some(&[0, 255][..]));
}

#[test]
fn colours_are_red_green_and_blue_unless_grey_is_asked_for() {
    let bytes = b"P6 1 2 255\n\xff\x00\x00\x0a\x0a\x0a";
    let data = read(bytes).unwrap();
    assert_eq!((data.shape(), data.row_u8(0)), (&[2, 1, 3][..], Some(&[255, 0, 0, 10, 10, 10][..])));
    let data = read_image("test", bytes, &ImageOptions { grey: true, ..PLAIN }).unwrap();
    assert_eq!((data.shape(), data.row_u8(0).map(|row| row[1])), (&[2, 1][..], Some(10)));
}

#[test]
fn sixteen_bits_stay_sixteen() {
    let image = image::ImageBuffer::<Luma<u16>, _>::from_raw(3, 1, vec![0u16, 0x8080, 0xffff]).unwrap();
    assert_eq!(read(&encoded(image, ImageFormat::Png)).unwrap().row_f32(0), Some(&[0.0, 32896.0, 65535.0][..]));
}

#[test]
fn sub_folders_name_the_classes_and_numbers_order_the_files() {
    let folder = tempfile::tempdir().unwrap();
    for (class, name, value) in [("cat", "10.png", 3), ("cat", "9.png", 2), ("ant", "1.png", 1), ("dog2", "x.PNG", 4)] {
        fs::create_dir_all(folder.path().join(class)).unwrap();
        fs::write(folder.path().join(class).join(name), grey(2, 2, value)).unwrap();
    }
    fs::create_dir(folder.path().join("notes")).unwrap();
    fs::write(folder.path().join("notes/readme.txt"), "no image").unwrap();
    let data = read_image_folder(folder.path(), &PLAIN).unwrap();
    assert_eq!(data.classes().unwrap(), ["ant", "cat", "dog2"]);
    let firsts: Vec<(u8, u32)> = (0..4).map(|i| (data.row_u8(i).unwrap()[0], data.label(i).unwrap())).collect();
    assert_eq!(firsts, [(1, 0), (2, 1), (3, 1), (4, 2)]);

    fs::write(folder.path().join("0.png"), grey(2, 2, 0)).unwrap();
    let error = read_image_folder(folder.path(), &PLAIN).unwrap_err();
    assert!(error.to_string().contains("both in the folder and in sub-folders"), "{error}");
}

#[test]
fn one_image_in_colour_makes_all_of_them_coloured() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.png"), grey(1, 2, 9)).unwrap();
    let red = RgbImage::from_pixel(2, 1, Rgb([255, 0, 0]));
    fs::write(folder.path().join("b.png"), encoded(red, ImageFormat::Png)).unwrap();
    let data = read_image_folder(folder.path(), &PLAIN).unwrap();
    assert_eq!((data.shape(), data.row_u8(0)), (&[1, 2, 3][..], Some(&[9; 6][..])));
}

#[test]
fn the_first_image_of_another_size_is_named_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    for (name, height) in [("1.png", 4), ("2.png", 4), ("3.png", 5), ("4.png", 6)] {
        fs::write(folder.path().join(name), grey(height, 4, 7)).unwrap();
    }
    let error = read_image_folder(folder.path(), &PLAIN).unwrap_err();
    assert!(error.to_string().contains("3.png: 5×4 pixels (height × width), but "), "{error}");
    assert_eq!(error.hint().as_deref(), Some("resize all images alike with `ReadOptions::size` 4x4"));
    let data = read_image_folder(folder.path(), &ImageOptions { size: Some((2, 3)), ..PLAIN }).unwrap();
    assert_eq!((data.len(), data.shape(), data.row_u8(3)), (4, &[2, 3][..], Some(&[7; 6][..])));
}

#[test]
fn a_damaged_image_among_others_is_left_out_or_an_error_where_strict() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    put("1.png", &grey(4, 4, 7));
    let whole = grey(4, 4, 8);
    for length in [60, whole.len() - 20] {
        put("2.png", &whole[..length]);
        let error = read_image_folder(folder.path(), &STRICT).unwrap_err();
        assert!(error.to_string().ends_with("2.png: the image is damaged or cut off"), "{error}");
    }
    put("3.png", b"");
    put("4.hdr", b"#?RADIANCE\n\n");
    put("5.png", &grey(4, 4, 9));
    put("notes.txt", b"no image, and nobody would take it for one");
    let data = read_image_folder(folder.path(), &PLAIN).unwrap();
    assert_eq!((data.len(), data.row_u8(0).unwrap()[0], data.row_u8(1).unwrap()[0]), (2, 7, 9));
    fs::remove_file(folder.path().join("2.png")).unwrap();
    let error = read_image_folder(folder.path(), &STRICT).unwrap_err();
    assert!(error.to_string().ends_with("3.png: the file is empty"), "{error}");
    fs::remove_file(folder.path().join("3.png")).unwrap();
    let error = read_image_folder(folder.path(), &STRICT).unwrap_err();
    assert!(error.to_string().ends_with("4.hdr: HDR images are not read"), "{error}");
    assert_eq!(error.hint().as_deref(), Some("convert it to PNG"));
    ["1.png", "5.png"].iter().for_each(|name| fs::remove_file(folder.path().join(name)).unwrap());
    let error = read_image_folder(folder.path(), &PLAIN).unwrap_err();
    assert!(
        error.to_string().ends_with("no image that can be read in the folder or its sub-folders, but 4.hdr"),
        "{error}"
    );
    fs::remove_file(folder.path().join("4.hdr")).unwrap();
    assert!(read_image_folder(folder.path(), &PLAIN).unwrap_err().to_string().contains("no image in the folder"));
}

#[test]
fn what_is_left_out_takes_its_class_along() {
    let folder = tempfile::tempdir().unwrap();
    for (class, name, bytes) in [("a", "1.png", grey(2, 2, 1)), ("a", "2.png", vec![]), ("b", "1.png", grey(2, 2, 3))] {
        fs::create_dir_all(folder.path().join(class)).unwrap();
        fs::write(folder.path().join(class).join(name), bytes).unwrap();
    }
    fs::write(folder.path().join("cover.jp2"), b"jp").unwrap();
    let data = read_image_folder(folder.path(), &PLAIN).unwrap();
    assert_eq!((data.len(), data.label(0), data.label(1)), (2, Some(0), Some(1)));
}

#[test]
fn an_image_cut_anywhere_is_refused() {
    let noise = GrayImage::from_fn(24, 24, |x, y| Luma([(x * 37 + y * y * 11) as u8]));
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Pnm] {
        let bytes = encoded(noise.clone(), format);
        assert!(read(&bytes).is_ok());
        // The last bytes of PNG and JPEG only say that the image ends.
        let needed = bytes.len() - if format == ImageFormat::Png { 12 } else { 2 };
        for length in 0..needed {
            assert!(read(&bytes[..length]).is_err(), "{format:?} cut at {length} of {}", bytes.len());
        }
    }
}

#[test]
fn a_header_that_claims_a_huge_image_is_refused_before_memory_is_taken() {
    let error = read(b"P5 60000 60000 255\n\x01").unwrap_err();
    assert!(error.to_string().contains("over the limits") || error.to_string().contains("cannot hold"), "{error}");
    assert!(read(b"P5 20000 20000 255\n\x01").unwrap_err().to_string().contains("cannot hold the 20000×20000 pixels"));
    assert!(read(b"P5 99999999999 2 255\n\x01").is_err());
    assert!(read(b"P5 0 2 255\n\x01").is_err());
}

#[test]
fn images_are_written_numbered_and_read_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let digits = enkoder_data::strokes::strokes(12, 3);
    write_images(&folder.path().join("out"), Overwrite::Never, &digits, (0.0, 255.0)).unwrap();
    let back = read_image_folder(&folder.path().join("out"), &PLAIN).unwrap();
    assert_eq!(back.fingerprint(), digits.fingerprint());
    assert!(folder.path().join("out/0011.png").is_file());
    let again = write_images(&folder.path().join("out"), Overwrite::Never, &digits, (0.0, 255.0));
    assert!(matches!(again, Err(DataError::Exists { .. })));
    write_images(&folder.path().join("out"), Overwrite::Replace, &digits, (0.0, 255.0)).unwrap();
}

#[test]
fn numbers_are_spread_over_the_range_and_clipped() {
    let folder = tempfile::tempdir().unwrap();
    let data =
        Dataset::from_f32("x", array![[0.0, 0.5, 1.0, -1.0, 2.0, f32::NAN]]).unwrap().with_shape([2, 3]).unwrap();
    write_images(folder.path(), Overwrite::Never, &data, (0.0, 1.0)).unwrap();
    let back = read_image_folder(folder.path(), &PLAIN).unwrap();
    assert_eq!(back.row_u8(0), Some(&[0, 128, 255, 0, 255, 0][..]));
    let table = Dataset::from_f32("table", Array2::zeros((1, 6))).unwrap();
    let error = write_images(folder.path(), Overwrite::Replace, &table, (0.0, 1.0)).unwrap_err();
    assert_eq!(error.to_string(), "table: samples of shape [6] are no images");
}

#[test]
fn the_photographs_of_set12_need_one_size() {
    let Some(data) = std::env::var_os("ENKODER_TEST_DATA") else {
        eprintln!("skipped: ENKODER_TEST_DATA is not set");
        return;
    };
    let folder = Path::new(&data).join("images/Set12");
    assert!(read_image_folder(&folder, &PLAIN).unwrap_err().hint().unwrap().contains("`ReadOptions::size`"));
    let data = read_image_folder(&folder, &ImageOptions { size: Some((64, 64)), ..PLAIN }).unwrap();
    assert_eq!((data.len(), data.shape(), data.is_u8()), (12, &[64, 64][..], true));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), start in 0..5usize) {
        let starts: [&[u8]; 5] = [b"", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff", b"P5 3 3 255\n", b"P3 "];
        let _ = read(&[starts[start], &bytes].concat());
    }
}

#[test]
fn the_formats_that_people_have_are_read_and_give_the_same_pixels() {
    let picture = GrayImage::from_fn(9, 7, |x, y| Luma([(x * 29 + y * 3) as u8]));
    for format in [ImageFormat::Png, ImageFormat::Tiff] {
        let data = read(&encoded(picture.clone(), format)).unwrap();
        assert_eq!((data.shape(), data.row_u8(0).unwrap()), (&[7, 9][..], picture.as_raw().as_slice()), "{format:?}");
    }
    // These know no grey.
    let colours = DynamicImage::from(picture.clone()).to_rgb8();
    for format in [ImageFormat::WebP, ImageFormat::Bmp] {
        let data = read(&encoded(colours.clone(), format)).unwrap();
        assert_eq!(
            (data.shape(), data.row_u8(0).unwrap()),
            (&[7, 9, 3][..], colours.as_raw().as_slice()),
            "{format:?}"
        );
    }
    let few = DynamicImage::from(GrayImage::from_fn(9, 7, |x, _| Luma([(x % 2 * 255) as u8]))).to_rgba8();
    let data = read(&encoded(few, ImageFormat::Gif)).unwrap();
    assert_eq!(data.row_u8(0).unwrap()[..6], [0, 0, 0, 255, 255, 255]);
}

#[test]
fn images_of_16_bits_keep_them_and_others_beside_them_are_brought_to_their_range() {
    let folder = tempfile::tempdir().unwrap();
    let deep = image::ImageBuffer::from_fn(20, 20, |x, y| Luma([800 + (x + 20 * y) as u16]));
    fs::write(folder.path().join("1.tif"), encoded(deep, ImageFormat::Tiff)).unwrap();
    let data = read_image_folder(folder.path(), &PLAIN).unwrap();
    let mut levels: Vec<u32> = data.row_f32(0).unwrap().iter().map(|&value| value as u32).collect();
    levels.dedup();
    assert_eq!((levels.len(), levels[0], levels[399]), (400, 800, 1199));
    fs::write(folder.path().join("2.png"), grey(20, 20, 255)).unwrap();
    let data = read_image_folder(folder.path(), &PLAIN).unwrap();
    assert_eq!((data.row_f32(0).unwrap()[399], data.row_f32(1).unwrap()[0]), (1199.0, 65535.0));
}

/// A TIFF file of pages with these values.
fn stack<C: tiff::encoder::colortype::ColorType<Inner = T>, T>(height: u32, width: u32, pages: &[Vec<T>]) -> Vec<u8>
where
    [T]: tiff::encoder::TiffValue,
{
    let mut file = Cursor::new(Vec::new());
    let mut encoder = tiff::encoder::TiffEncoder::new(&mut file).unwrap();
    for page in pages {
        encoder.write_image::<C>(width, height, page).unwrap();
    }
    file.into_inner()
}

#[test]
fn every_page_of_a_tiff_is_a_sample_and_floating_point_values_stay_as_they_are() {
    use tiff::encoder::colortype::{Gray8, Gray16, Gray32Float, GrayI16, RGB32Float};
    let pages: Vec<Vec<f32>> =
        (0..3).map(|page| (0..6).map(|i| page as f32 * 1000.0 - i as f32 * 0.25).collect()).collect();
    let data = read(&stack::<Gray32Float, _>(2, 3, &pages)).unwrap();
    assert_eq!((data.len(), data.shape()), (3, &[2, 3][..]));
    for (row, page) in pages.iter().enumerate() {
        assert_eq!(data.row_f32(row).unwrap(), page);
    }
    // A camera of 12 bits keeps its levels, whatever they are.
    let levels: Vec<u16> = (800..1200).collect();
    let data = read(&stack::<Gray16, _>(20, 20, &[levels.clone(), levels.clone()])).unwrap();
    assert_eq!(data.row_f32(1).unwrap(), levels.iter().map(|&level| f32::from(level)).collect::<Vec<_>>());
    let data = read(&stack::<GrayI16, _>(1, 2, &[vec![-5, 7]])).unwrap();
    assert_eq!(data.row_f32(0).unwrap(), [-5.0, 7.0]);
    let data = read(&stack::<RGB32Float, _>(1, 1, &[vec![-1.5, 0.25, 9.0]])).unwrap();
    assert_eq!((data.shape(), data.row_f32(0).unwrap()), (&[1, 1, 3][..], &[-1.5, 0.25, 9.0][..]));
    // Bytes stay bytes, and classes count for every page.
    let folder = tempfile::TempDir::new().unwrap();
    for (class, value) in [("dark", 10u8), ("light", 200)] {
        fs::create_dir(folder.path().join(class)).unwrap();
        let pages = [vec![value; 4], vec![value + 1; 4]];
        fs::write(folder.path().join(class).join("stack.tif"), stack::<Gray8, _>(2, 2, &pages)).unwrap();
    }
    let data = read_image_folder(folder.path(), &ImageOptions::default()).unwrap();
    assert!(data.is_u8() && data.len() == 4);
    assert_eq!((0..4).map(|row| data.label(row).unwrap()).collect::<Vec<_>>(), [0, 0, 1, 1]);
    // Cut anywhere, it is refused or has fewer pages; values of another range than 0..1 are not resized, which would clip them.
    let whole = stack::<Gray32Float, _>(2, 3, &pages);
    for length in 0..whole.len() {
        let _ = read(&whole[..length]);
    }
    let options = ImageOptions { size: Some((4, 4)), ..ImageOptions::default() };
    let error = read_image("a.tif", &whole, &options).unwrap_err();
    assert!(error.to_string().contains("not resized"), "{error}");
}

#[test]
fn photographs_are_turned_upright_as_their_exif_data_says() {
    // One row of two pixels, with the orientation in an EXIF segment behind the first marker.
    let image = RgbImage::from_fn(16, 8, |x, _| Rgb(if x < 8 { [250, 250, 250] } else { [5, 5, 5] }));
    let plain = encoded(image, ImageFormat::Jpeg);
    for (orientation, shape, light_first) in
        [(1u8, [8, 16, 3], true), (3, [8, 16, 3], false), (6, [16, 8, 3], true), (8, [16, 8, 3], false)]
    {
        let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
        let mut file = plain[..2].to_vec();
        file.extend([0xff, 0xe1]);
        file.extend((exif.len() as u16 + 2).to_be_bytes());
        file.extend(&exif);
        file.extend(&plain[2..]);
        let data = read(&file).unwrap();
        assert_eq!(data.shape(), shape, "{orientation}");
        let mut row = vec![0; data.features()];
        assert!(data.copy_row_u8(0, &mut row));
        assert_eq!(row[0] > 128, light_first, "{orientation}");
    }
}

#[test]
fn pages_of_another_kind_are_no_reason_to_refuse_the_others_and_transparency_is_none_to_take_one_page_only() {
    use tiff::encoder::colortype::{Gray8, Gray16, RGBA8};
    let mut file = Cursor::new(Vec::new());
    let mut encoder = tiff::encoder::TiffEncoder::new(&mut file).unwrap();
    encoder.write_image::<Gray8>(2, 1, &[1, 2]).unwrap();
    encoder.write_image::<Gray16>(2, 1, &[3, 4]).unwrap();
    encoder.write_image::<Gray8>(2, 1, &[5, 6]).unwrap();
    let data = read(file.get_ref()).unwrap();
    assert_eq!((data.len(), data.row_u8(1)), (2, Some(&[5, 6][..])));
    let pages: Vec<Vec<u8>> = (0..3).map(|page| vec![page, 20, 30, 128]).collect();
    let data = read(&stack::<RGBA8, _>(1, 1, &pages)).unwrap();
    assert_eq!((data.len(), data.shape()), (3, &[1, 1, 3][..]));
    assert_eq!(data.row_u8(2), Some(&[2, 20, 30][..]));
}

#[test]
fn kinds_of_tiff_that_would_be_read_wrong_are_refused_with_a_way_out() {
    // A page of one pixel of 8 bits with one more tag, whose value is given.
    let with = |tag: u16, value: u16| {
        let mut bytes = b"II\x2a\0\x08\0\0\0".to_vec();
        let mut tags = vec![
            (256, 4, 1u32),
            (257, 4, 1),
            (258, 3, 8),
            (259, 3, 1),
            (262, 3, 1),
            (273, 4, 200),
            (277, 3, 1),
            (278, 4, 1),
            (279, 4, 1),
        ];
        tags.push((tag, 3, value.into()));
        tags.sort_unstable();
        bytes.extend((tags.len() as u16).to_le_bytes());
        for (tag, kind, value) in tags {
            bytes.extend([u16::to_le_bytes(tag), u16::to_le_bytes(kind)].concat());
            bytes.extend([1u32.to_le_bytes(), value.to_le_bytes()].concat());
        }
        bytes.resize(200, 0);
        bytes.push(99);
        read(&bytes)
    };
    assert_eq!(with(274, 1).unwrap().row_u8(0), Some(&[99][..]));
    let error = with(266, 2).unwrap_err();
    assert!(error.to_string().contains("the lowest bit of its bytes comes first"), "{error}");
    assert_eq!(error.hint().as_deref(), Some("convert it to PNG"));
}
