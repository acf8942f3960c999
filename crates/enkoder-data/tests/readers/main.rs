//! Every reader, on files as they are found, round trips and files that lie. All in one binary: each more would be compiled and
//! linked with everything again. They are for a build with all features.

mod arff;
mod arrays;
mod arrow;
mod chunks;
mod climate;
mod csv;
mod hdf5;
mod idx;
mod images;
mod json_lines;
mod netcdf;
mod npy;
mod openml;
mod parquet;
mod parts;
mod pictures;
mod server;
mod source;
mod table;
mod zarr;
