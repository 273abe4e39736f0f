#!/usr/bin/env bash
# Answers: what does cargo need to build for the browser (wasm32-unknown-unknown) with this toolchain?
# Prints the flags for `cargo build` on standard output: nothing when the target's standard library is there, or
# "-Z build-std=…" (to be run with RUSTC_BOOTSTRAP=1) when it has to be compiled from source.
#
# 1. the standard library for wasm is installed: nothing to do
# 2. rustup can add it: done, and never again
# 3. the library's source is there, or Debian's mirror has it: cargo compiles it (about a minute, once);
#    remembered in .cache, so that a server out of reach is not asked at every build
# 4. none of these: says what to install
#
# WASM_STD=source skips 1 and 2 (that is how the third way is tested where rustup works).
source "$(dirname "$0")/lib.sh"

TARGET=wasm32-unknown-unknown
BUILD_STD="-Z build-std=std,panic_abort"

# The source must be of exactly the compiler's version. Both lines change together with rust-toolchain.toml.
SOURCE_VERSION=1.95.0
SOURCE_PATH="pool/main/r/rustc/rust-src_1.95.0+dfsg1-2~bpo13+1_all.deb"
SOURCE_SHA256=7b76db5b880a77f9e52975d2baa6209d2f76d2c9c2789515c3088cb960e2c83b

cd "$ROOT"
have rustc || die "There is no Rust here" "Install rustup (it reads rust-toolchain.toml and brings Rust $SOURCE_VERSION)."
sysroot="$(rustc --print sysroot)"
target_library="$sysroot/lib/rustlib/$TARGET/lib"
linked_source="$sysroot/lib/rustlib/src/rust"
remembered="$CACHE/wasm-from-source"

has_target() { compgen -G "$target_library/libstd-*.rlib" >/dev/null; }
has_source() { [ -f "$linked_source/library/std/Cargo.toml" ] && [ -f "$linked_source/library/Cargo.lock" ]; }

from_source() {
  touch "$remembered"
  echo "$BUILD_STD"
  exit 0
}

if [ "${WASM_STD:-}" != source ]; then
  if has_target; then exit 0; fi
  if [ -f "$remembered" ] && has_source; then from_source; fi
  if have rustup; then
    say "browser target: asking rustup for $TARGET (its server, about 20 MB)"
    if RUST_BACKTRACE=0 timeout 180 rustup target add "$TARGET" >"$CACHE/rustup.log" 2>&1 && has_target; then exit 0; fi
    say "rustup could not add it: $(grep -m 1 '^error' "$CACHE/rustup.log" | cut -c1-90 || true)"
  fi
fi

if has_source; then
  say "browser target: compiling the standard library from $linked_source (about a minute, once)"
  from_source
fi

manual=(
  "Farebox needs the Rust target $TARGET. Any one of these will do:"
  "  rustup target add $TARGET   (where rustup's server can be reached)"
  "  rustup component add rust-src               (the same server; the library is then compiled here)"
  "  Debian's package rust-src of exactly $SOURCE_VERSION, with its folder rustc-$SOURCE_VERSION linked as"
  "  $linked_source"
)

version="$(rustc --version | cut -d' ' -f2)"
[ "$version" = "$SOURCE_VERSION" ] || die "rustc here is $version; the fallback has the source of $SOURCE_VERSION only" "${manual[@]}"
if ! have apt-get || ! have dpkg; then die "The browser target can't be set up on its own here (no apt-get)" "${manual[@]}"; fi

unpacked="$CACHE/rust-src-$SOURCE_VERSION"
if [ ! -f "$unpacked/library/Cargo.lock" ]; then
  work="$(mktemp -d "$CACHE/rust-src.XXXXXX")"
  trap 'rm -rf "$work"' EXIT
  deb="$work/rust-src.deb"
  # The mirrors that this machine's apt is set up with; apt's own downloader checks the sum.
  while read -r mirror; do
    say "browser target: fetching Debian's rust-src $SOURCE_VERSION (45 MB) from this machine's mirror"
    if /usr/lib/apt/apt-helper download-file "${mirror%/}/$SOURCE_PATH" "$deb" "SHA256:$SOURCE_SHA256" >"$CACHE/rust-src.log" 2>&1; then break; fi
    rm -f "$deb"
  done < <(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -E '/debian/?$' | sort -u)
  [ -f "$deb" ] || die "No mirror of this machine gave $SOURCE_PATH with the pinned SHA-256 (see .cache/rust-src.log)" "${manual[@]}"
  dpkg -x "$deb" "$work/files"
  mkdir -p "$work/keep"
  mv "$work/files/usr/src/rustc-$SOURCE_VERSION/library" "$work/keep/library"
  rm -rf "$unpacked"
  mv "$work/keep" "$unpacked"
fi

# A link left by a clone that has been removed since points nowhere: replaced.
mkdir -p "$(dirname "$linked_source")" 2>/dev/null && ln -sfn "$unpacked" "$linked_source" 2>/dev/null \
  || die "The toolchain's folder can't be written by $(id -un): $linked_source" \
    "Run once as its owner: ln -s $unpacked $linked_source" "${manual[@]}"
has_source || die "The unpacked source is not what cargo expects: $unpacked" "${manual[@]}"
say "browser target: the standard library will be compiled from source (about a minute, once)"
from_source
