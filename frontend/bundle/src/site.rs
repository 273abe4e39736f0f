//! What does the embedded folder look like? Hashed names, compressed twins, a manifest, and nothing left from before.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

/// Hexadecimal digits of SHA-256 in a name: 48 bits, plenty for a few dozen files.
const HASH_DIGITS: usize = 12;
/// Brotli's and gzip's best.
const BROTLI_QUALITY: i32 = 11;
const BROTLI_WINDOW: i32 = 22;

/// Sizes of one file in bytes. The compressed ones are missing where compressing gains nothing (fonts).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sizes {
    pub raw: usize,
    pub brotli: Option<usize>,
    pub gzip: Option<usize>,
}

/// The folder, in memory.
#[derive(Default)]
pub struct Site {
    /// Logical name (`app.css`, `fonts/onest-latin.woff2`) to served path (`assets/app.0123456789ab.css`).
    manifest: BTreeMap<String, String>,
    sizes: BTreeMap<String, Sizes>,
    /// Path to content, the compressed twins among them.
    files: BTreeMap<String, Vec<u8>>,
}

impl Site {
    /// Adds a file under its own name: `fonts/a.woff2` in folder `assets` becomes `assets/a.<hash>.woff2`.
    pub fn add(&mut self, folder: &str, name: &str, content: Vec<u8>) -> Result<()> {
        let file = name.rsplit('/').next().unwrap_or(name);
        self.add_as(folder, name, file, content)
    }

    /// Adds a file that the manifest knows by `name` and that is served as `file`, with its hash put in.
    /// Fails when two files claim one name.
    pub fn add_as(&mut self, folder: &str, name: &str, file: &str, content: Vec<u8>) -> Result<()> {
        let path = format!("{folder}/{}", hashed_name(file, &content));
        ensure!(
            self.manifest
                .insert(name.to_owned(), path.clone())
                .is_none(),
            "two files are called {name}"
        );
        let mut sizes = Sizes {
            raw: content.len(),
            brotli: None,
            gzip: None,
        };
        if gains_by_compression(file) {
            let (brotli, gzip) = (brotli(&content)?, gzip(&content)?);
            sizes.brotli = Some(brotli.len());
            sizes.gzip = Some(gzip.len());
            self.files.insert(format!("{path}.br"), brotli);
            self.files.insert(format!("{path}.gz"), gzip);
        }
        self.sizes.insert(name.to_owned(), sizes);
        self.files.insert(path, content);
        Ok(())
    }

    /// The served path of a logical name.
    pub fn path_of(&self, name: &str) -> Option<&str> {
        self.manifest.get(name).map(String::as_str)
    }

    /// Bytes on the wire for a browser that speaks brotli, as all supported ones do.
    pub fn transferred(&self, name: &str) -> usize {
        self.sizes
            .get(name)
            .map_or(0, |sizes| sizes.brotli.unwrap_or(sizes.raw))
    }

    /// One line a file, for the terminal.
    pub fn report(&self) -> String {
        let mut text = String::new();
        for (name, sizes) in &self.sizes {
            let wire = self.transferred(name);
            writeln!(
                text,
                "bundle: {name:<28} {:>8} bytes, {wire:>7} on the wire",
                sizes.raw
            )
            .expect("writing to a string");
        }
        text
    }

    /// Writes the folder. A file that has the right content is left alone, so that cargo sees no change where there
    /// is none; a file that belongs to no bundle is removed.
    pub fn write(&self, out: &Path) -> Result<()> {
        let mut files: BTreeMap<&str, &[u8]> = self
            .files
            .iter()
            .map(|(path, content)| (path.as_str(), content.as_slice()))
            .collect();
        let (manifest, sizes) = (self.manifest_json()?, self.sizes_json()?);
        files.insert("manifest.json", &manifest);
        files.insert("sizes.json", &sizes);
        for (path, content) in &files {
            let path = out.join(path);
            if fs::read(&path).is_ok_and(|old| old == *content) {
                continue;
            }
            let folder = path.parent().context("a file lies in a folder")?;
            fs::create_dir_all(folder)
                .with_context(|| format!("{} could not be made", folder.display()))?;
            fs::write(&path, content)
                .with_context(|| format!("{} could not be written", path.display()))?;
        }
        remove_others(out, out, &files.keys().copied().collect())
    }

    fn manifest_json(&self) -> Result<Vec<u8>> {
        let mut json = serde_json::to_vec_pretty(&self.manifest)?;
        json.push(b'\n');
        Ok(json)
    }

    fn sizes_json(&self) -> Result<Vec<u8>> {
        let all: BTreeMap<&str, serde_json::Value> = self
            .sizes
            .iter()
            .map(|(name, sizes)| (name.as_str(), serde_json::json!({"raw": sizes.raw, "brotli": sizes.brotli, "gzip": sizes.gzip})))
            .collect();
        let mut json = serde_json::to_vec_pretty(&all)?;
        json.push(b'\n');
        Ok(json)
    }
}

/// Whether a written folder still has its manifest and every file that it names.
pub fn is_whole(out: &Path) -> bool {
    let Ok(manifest) = fs::read(out.join("manifest.json")) else {
        return false;
    };
    let Ok(manifest) = serde_json::from_slice::<BTreeMap<String, String>>(&manifest) else {
        return false;
    };
    manifest.values().all(|path| {
        out.join(path).is_file()
            && (!gains_by_compression(path)
                || ["br", "gz"]
                    .iter()
                    .all(|end| out.join(format!("{path}.{end}")).is_file()))
    })
}

/// What follows the last dot of a file's name; empty when there is none.
pub fn extension(name: &str) -> &str {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.rsplit_once('.').map_or("", |(_, end)| end)
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a string");
            text
        })
}

/// `app.css` becomes `app.<hash>.css`: another content, another name.
fn hashed_name(file: &str, content: &[u8]) -> String {
    let hash = &hex(&Sha256::digest(content))[..HASH_DIGITS];
    match file.rsplit_once('.') {
        Some((stem, end)) => format!("{stem}.{hash}.{end}"),
        None => format!("{file}.{hash}"),
    }
}

/// Fonts of type WOFF 2 and pictures are compressed already.
fn gains_by_compression(name: &str) -> bool {
    !matches!(
        extension(name),
        "woff2" | "png" | "jpg" | "jpeg" | "webp" | "avif"
    )
}

fn brotli(content: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        lgwin: BROTLI_WINDOW,
        size_hint: content.len(),
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &content[..], &mut out, &parameters)?;
    Ok(out)
}

fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    // Without a time or a name in its header: the same content gives the same bytes.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}

fn remove_others(out: &Path, folder: &Path, wanted: &BTreeSet<&str>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(out, &path, wanted)?;
            continue;
        }
        let name = path.strip_prefix(out)?.to_string_lossy().replace('\\', "/");
        if !wanted.contains(name.as_str()) {
            fs::remove_file(&path)
                .with_context(|| format!("{} could not be removed", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::io::Read as _;

    fn site(css: &str) -> Site {
        let mut site = Site::default();
        site.add("assets", "app.css", css.as_bytes().to_vec())
            .unwrap();
        site.add("assets", "fonts/onest.woff2", vec![7; 100])
            .unwrap();
        site.add_as("pkg", "farebox.wasm", "farebox_bg.wasm", b"module".to_vec())
            .unwrap();
        site
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_name_follows_its_content() {
        // printf 'a{}' | sha256sum
        assert_eq!(hashed_name("app.css", b"a{}"), "app.5f546eb4606b.css");
        assert_ne!(
            hashed_name("app.css", b"a{}"),
            hashed_name("app.css", b"b{}")
        );
        assert_eq!(extension("fonts.v2/LICENSE"), "");
    }

    #[test]
    fn the_manifest_names_every_file_once() {
        let site = site("a{}");
        assert_eq!(
            site.path_of("app.css").unwrap(),
            "assets/app.5f546eb4606b.css"
        );
        assert!(
            site.path_of("fonts/onest.woff2")
                .unwrap()
                .starts_with("assets/onest.")
        );
        assert!(
            site.path_of("farebox.wasm")
                .unwrap()
                .starts_with("pkg/farebox_bg.")
        );
        let mut again = site;
        assert!(again.add("assets", "app.css", b"b{}".to_vec()).is_err());
    }

    #[test]
    fn the_folder_holds_this_bundle_and_nothing_else() {
        let out = tempfile::tempdir().unwrap();
        site("a{color:red}").write(out.path()).unwrap();
        site("b{color:blue}").write(out.path()).unwrap();
        let site = site("b{color:blue}");
        let css = site
            .path_of("app.css")
            .unwrap()
            .trim_start_matches("assets/")
            .to_owned();
        let font = site
            .path_of("fonts/onest.woff2")
            .unwrap()
            .trim_start_matches("assets/")
            .to_owned();
        assert_eq!(
            names(&out.path().join("assets")),
            [css.clone(), format!("{css}.br"), format!("{css}.gz"), font]
        );
        assert!(is_whole(out.path()));
        fs::remove_file(out.path().join("assets").join(format!("{css}.br"))).unwrap();
        assert!(!is_whole(out.path()));
    }

    #[test]
    fn writing_the_same_again_touches_nothing() {
        let out = tempfile::tempdir().unwrap();
        site("a{}").write(out.path()).unwrap();
        let time = |name: &str| {
            fs::metadata(out.path().join(name))
                .unwrap()
                .modified()
                .unwrap()
        };
        let before = (time("manifest.json"), time("assets"));
        std::thread::sleep(std::time::Duration::from_millis(20));
        site("a{}").write(out.path()).unwrap();
        assert_eq!(before, (time("manifest.json"), time("assets")));
    }

    #[test]
    fn the_twins_unpack_to_the_original() {
        let text = "a{color:red}".repeat(200);
        let site = site(&text);
        let path = site.path_of("app.css").unwrap();
        let mut unpacked = String::new();
        flate2::read::GzDecoder::new(&site.files[&format!("{path}.gz")][..])
            .read_to_string(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked, text);
        let mut unpacked = Vec::new();
        brotli::BrotliDecompress(&mut &site.files[&format!("{path}.br")][..], &mut unpacked)
            .unwrap();
        assert_eq!(unpacked, text.as_bytes());
        assert!(!site.files.contains_key(&format!(
            "{}.br",
            site.path_of("fonts/onest.woff2").unwrap()
        )));
    }
}
