//! How do the style sheets become one? `main.css` names the layers by `@import`; lightningcss inlines them, rewrites
//! what the oldest supported browsers don't know, and minifies.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use lightningcss::bundler::{Bundler, FileProvider};
use lightningcss::dependencies::{Dependency, DependencyOptions};
use lightningcss::stylesheet::{MinifyOptions, ParserOptions, PrinterOptions};
use lightningcss::targets::{Browsers, Targets};

/// A browser's version as lightningcss counts: major in the third byte, minor in the second.
const fn version(major: u32, minor: u32) -> Option<u32> {
    Some(major << 16 | minor << 8)
}

/// The oldest browsers that the pages are made for.
fn targets() -> Targets {
    Targets::from(Browsers {
        chrome: version(111, 0),
        firefox: version(121, 0),
        safari: version(16, 4),
        ios_saf: version(16, 4),
        ..Browsers::default()
    })
}

/// One minified sheet from `main.css` in the folder. `path_of` gives the served path (`assets/…`) of a file named
/// relative to the folder; a `url()` that names no such file is an error, with the sheet that says it.
pub fn bundle(folder: &Path, path_of: &dyn Fn(&str) -> Option<String>) -> Result<String> {
    let files = FileProvider::new();
    let mut sheet = Bundler::new(&files, None, ParserOptions::default())
        .bundle(&folder.join("main.css"))
        .map_err(|error| anyhow!("{error}"))?;
    sheet
        .minify(MinifyOptions {
            targets: targets(),
            ..MinifyOptions::default()
        })
        .map_err(|error| anyhow!("{error}"))?;
    let printed = sheet.to_css(PrinterOptions {
        minify: true,
        targets: targets(),
        analyze_dependencies: Some(DependencyOptions {
            remove_imports: false,
        }),
        ..PrinterOptions::default()
    })?;
    let mut css = printed.code;
    for dependency in printed.dependencies.unwrap_or_default() {
        match dependency {
            Dependency::Url(url) => {
                let target = served_url(folder, Path::new(&url.loc.file_path), &url.url, path_of)?;
                css = css.replace(
                    &format!("url(\"{}\")", url.placeholder),
                    &format!("url({target})"),
                );
            }
            Dependency::Import(import) => bail!(
                "{} imports {}, which is not a file here",
                import.loc.file_path,
                import.url
            ),
        }
    }
    Ok(css)
}

/// What stands in the bundled sheet for `url` in `sheet`. The sheet is served from `assets/` too, so the file's name
/// is enough, whatever prefix the site is served under.
fn served_url(
    folder: &Path,
    sheet: &Path,
    url: &str,
    path_of: &dyn Fn(&str) -> Option<String>,
) -> Result<String> {
    if url.starts_with("data:") || url.starts_with('#') {
        return Ok(format!("\"{url}\""));
    }
    let (file, fragment) = url
        .split_once('#')
        .map_or((url, String::new()), |(file, part)| {
            (file, format!("#{part}"))
        });
    let name = name_below(folder, &sheet.with_file_name(file));
    let path = name.as_deref().and_then(path_of).with_context(|| {
        format!(
            "{}: url({url}) names no file of this folder",
            sheet.display()
        )
    })?;
    let name = path.rsplit('/').next().unwrap_or(&path);
    Ok(format!("{name}{fragment}"))
}

/// The path of a file relative to the folder, `..` resolved; none when it lies outside.
fn name_below(folder: &Path, file: &Path) -> Option<String> {
    let mut parts = PathBuf::new();
    for part in file.components() {
        match part {
            Component::ParentDir => {
                parts.pop();
            }
            Component::CurDir => {}
            other => parts.push(other),
        }
    }
    let below = parts.strip_prefix(folder).ok()?;
    Some(below.to_str()?.replace('\\', "/"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::fs;

    fn bundled(files: &[(&str, &str)]) -> Result<String> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("layers")).unwrap();
        for (name, content) in files {
            fs::write(folder.path().join(name), content).unwrap();
        }
        bundle(folder.path(), &|name| {
            (name == "fonts/onest.woff2").then(|| "assets/onest.0123456789ab.woff2".to_owned())
        })
    }

    #[test]
    fn imports_are_inlined_in_their_layers() {
        let css = bundled(&[
            ("main.css", "@layer base, page; @import \"layers/base.css\" layer(base); @import \"layers/page.css\" layer(page);"),
            ("layers/base.css", "body { color: #ff0000; }"),
            ("layers/page.css", ".a { & .b { margin: 0px; } }"),
        ])
        .unwrap();
        assert!(!css.contains("@import"), "{css}");
        assert!(css.contains("@layer base{body{color:red}}"), "{css}");
        // Chrome 111 and Safari 16.4 know no nesting: flattened.
        assert!(css.contains(".a .b{margin:0}"), "{css}");
    }

    #[test]
    fn fonts_are_named_by_their_content() {
        let css = bundled(&[
            ("main.css", "@import \"layers/fonts.css\";"),
            ("layers/fonts.css", "@font-face { font-family: Onest; src: url(../fonts/onest.woff2) format(\"woff2\"); }"),
        ])
        .unwrap();
        assert!(css.contains("url(onest.0123456789ab.woff2)"), "{css}");
    }

    #[test]
    fn a_url_to_nowhere_is_an_error_that_names_it() {
        let error = bundled(&[("main.css", "a { background: url(missing.png) }")])
            .unwrap_err()
            .to_string();
        assert!(error.contains("url(missing.png)"), "{error}");
    }

    #[test]
    fn a_missing_import_is_an_error() {
        assert!(bundled(&[("main.css", "@import \"layers/gone.css\";")]).is_err());
    }

    #[test]
    fn inline_images_stay() {
        let css = bundled(&[(
            "main.css",
            "a { background: url(\"data:image/svg+xml,%3Csvg/%3E\") }",
        )])
        .unwrap();
        assert!(
            css.contains("url(\"data:image/svg+xml,%3Csvg/%3E\")"),
            "{css}"
        );
    }
}
