//! What the figures were measured on.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use crate::harness::{median, time, time_text};

/// Measures what one barrier costs: a small write that is made durable. The median, in seconds.
pub fn barrier(dir: &Path) -> f64 {
    let path = dir.join("barrier");
    let mut file = File::create(&path).expect("a file");
    let once = |_| {
        file.write_all(&[b'b'; 512]).expect("a write");
        time(|| file.sync_data().expect("a sync")).seconds
    };
    median((0..201).map(once).collect())
}

/// Describes the machine, and the disk that a directory is on.
pub fn describe(dir: &Path, barrier: f64) -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, name)| name);
    let kernel = read("/proc/sys/kernel/osrelease");
    let build = if cfg!(debug_assertions) { ", debug build" } else { "" };
    let system = std::env::consts::OS;
    let (kernel, disk, load) =
        (kernel.split('-').next().unwrap_or_default().trim(), file_system(dir), load());
    let barrier = time_text(barrier);
    format!(
        "{cores} cores of {model}, {system} {kernel}, {disk}{build}; {load}. **One barrier** (`fdatasync` of a small \
         write): **{barrier}**, the median of 201."
    )
}

/// Says how busy the machine is.
pub fn load() -> String {
    let load = read("/proc/loadavg");
    format!("load {}", load.split(' ').next().unwrap_or("unknown"))
}

/// Returns the type of the file system that a directory is on: that of the deepest mount above it.
fn file_system(dir: &Path) -> String {
    let mounts = read("/proc/self/mounts");
    let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let above = fields.filter(|fields| fields.len() > 2 && dir.starts_with(fields[1]));
    let deepest = above.max_by_key(|fields| fields[1].len());
    deepest.map_or("unknown file system".to_owned(), |fields| fields[2].to_owned())
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
