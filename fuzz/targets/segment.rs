#![no_main]

mod folder;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    phaseledger::store::fuzzing::segment(folder::own(), bytes);
});
