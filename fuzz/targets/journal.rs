#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    phaseledger::store::fuzzing::journal(bytes);
});
