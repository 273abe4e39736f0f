//! Which files outside `src/` end up in the binary? The browser bundle and the locales.

fn main() {
    // `make bundle` writes this folder. Without it the binary builds, and its pages come without style and islands.
    println!("cargo:rerun-if-changed=target/site");
    println!("cargo:rerun-if-changed=locales");
    // A folder that does not exist would count as changed at every build.
    if let Err(error) = std::fs::create_dir_all("target/site") {
        println!("cargo:warning=target/site could not be made: {error}");
    }
}
