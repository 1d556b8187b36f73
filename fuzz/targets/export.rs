#![no_main]

#[path = "../../tests/support/exported.rs"]
mod exported;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    exported::check(bytes);
});
