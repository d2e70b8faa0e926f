#![no_main]

libfuzzer_sys::fuzz_target!(|sql: &str| timebrook_fuzz::run(sql));
