#![no_main]

libfuzzer_sys::fuzz_target!(|sql: &str| timebrook_fuzz::plan(sql));
