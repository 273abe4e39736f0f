//! Which parser is fed, and by whom? `TARGET` names one of [`fuzz::TARGETS`].
//!
//! Built with `--cfg fuzzing` it is a libFuzzer program (`scripts/fuzz.sh`). Built as everything else it reads the files
//! that are named, once each: to look at a crash in a debugger.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
mod by_libfuzzer {
    use std::sync::LazyLock;

    static TARGET: LazyLock<fuzz::Target> = LazyLock::new(fuzz::chosen);

    libfuzzer_sys::fuzz_target!(|data: &[u8]| TARGET(data));
}

#[cfg(not(fuzzing))]
fn main() {
    let target = fuzz::chosen();
    for path in std::env::args_os().skip(1) {
        let data = std::fs::read(&path).expect("the file that was named can be read");
        target(&data);
    }
}
