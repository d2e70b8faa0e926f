#![no_main]

libfuzzer_sys::fuzz_target!(|request: &str| timebrook_fuzz::signature(request));
