//! What a damaged file with conventions still gives: fill values where values are lost, and all that is whole.

use netcdf3::{DataSet, FileReader, FileWriter, Version};

use crate::workplace::Workplace;

const FILL: i16 = -999;

/// A NetCDF file with packed numbers `t` along time, whose fill value is −999, and `p` of floats.
fn write_packed(place: &Workplace, name: &str) -> Vec<i16> {
    let mut set = DataSet::new();
    for (name, length) in [("time", 10), ("x", 40)] {
        set.add_fixed_dim(name, length).unwrap();
        set.add_var_f64(name, &[name]).unwrap();
    }
    set.add_var_i16("t", &["time", "x"]).unwrap();
    set.add_var_attr_f64("t", "scale_factor", vec![0.01]).unwrap();
    set.add_var_attr_f64("t", "add_offset", vec![280.0]).unwrap();
    set.add_var_attr_i16("t", "_FillValue", vec![FILL]).unwrap();
    set.add_var_f32("p", &["time", "x"]).unwrap();
    let t: Vec<i16> = (0..400).map(|i| if i == 77 { FILL } else { ((i as f32 * 0.05).sin() * 900.0) as i16 }).collect();
    let mut writer = FileWriter::create_new(place.path(name)).unwrap();
    writer.set_def(&set, Version::Classic, 0).unwrap();
    writer.write_var_f64("time", &(0..10).map(f64::from).collect::<Vec<_>>()).unwrap();
    writer.write_var_f64("x", &(0..40).map(f64::from).collect::<Vec<_>>()).unwrap();
    writer.write_var_i16("t", &t).unwrap();
    writer.write_var_f32("p", &t.iter().map(|&t| f32::from(t) * 0.3).collect::<Vec<_>>()).unwrap();
    writer.close().unwrap();
    t
}

fn open(place: &Workplace, name: &str) -> FileReader {
    FileReader::open(place.path(name)).unwrap()
}

#[test]
fn a_missing_cell_stays_missing_and_bounds_hold_for_what_is_unpacked() {
    let place = Workplace::new();
    let t = write_packed(&place, "a.nc");
    place.succeed("compress a.nc -o a.enk --bound t=abs:0.05,p=prel:1e-2,abs:1 -q");
    place.succeed("decompress a.enk -o back.nc -q");
    let back = open(&place, "back.nc").read_var_i16("t").unwrap();
    for (&t, back) in t.iter().zip(back) {
        let meant = |number: i16| f64::from(number) * 0.01 + 280.0;
        assert_eq!(t == FILL, back == FILL);
        assert!((meant(t) - meant(back)).abs() <= 0.05, "{t} came back as {back}");
    }
    let refused = place.fail("compress a.nc -o no.enk --bound prel:1e-3");
    assert!(refused.contains("t=abs:NUMBER,prel:0.001"), "{refused}");
}

#[test]
fn what_is_lost_of_a_packed_variable_is_its_fill_value() {
    let place = Workplace::new();
    let t = write_packed(&place, "a.nc");
    place.succeed("compress a.nc -o a.enk --bound lossless --variable t --chunk 5 -q");
    let mut damaged = place.read("a.enk");
    let second = damaged.windows(4).enumerate().filter(|(_, mark)| mark == b"ENKB").nth(1).unwrap().0;
    damaged[second + 20] ^= 1;
    place.write("damaged.enk", damaged);
    let said = place.fail("decompress damaged.enk -o rest.nc --salvage");
    assert!(said.contains("lost: block 1 (samples 5 to 9)"), "{said}");
    let rest = open(&place, "rest.nc").read_var_i16("t").unwrap();
    assert_eq!(rest, [&t[..200], &[FILL; 200]].concat());
}

#[test]
fn of_a_truncated_file_of_several_arrays_comes_back_what_is_left() {
    let place = Workplace::new();
    write_packed(&place, "a.nc");
    place.succeed("compress a.nc -o a.enk --bound lossless -q");
    let whole = place.read("a.enk");
    // Within the only block of the first array.
    let block = whole.windows(4).position(|mark| mark == b"ENKB").unwrap();
    place.write("short.enk", &whole[..block + 20]);
    let said = place.fail("decompress short.enk -o rest.nc --salvage");
    assert!(said.contains("lost: 1 array, whose beginning is damaged"), "{said}");
    let mut rest = open(&place, "rest.nc");
    assert_eq!(rest.read_var_f64("x").unwrap().len(), 40);
    assert!(rest.data_set().get_var("p").is_none());
    assert_eq!(rest.read_var_i16("t").unwrap(), [FILL; 400]);
}
