//! When must this crate be built again? Also when a locale file is added, which the embedding itself does not notice.

fn main() {
    println!("cargo:rerun-if-changed=../../locales");
    println!("cargo:rerun-if-changed=build.rs");
}
