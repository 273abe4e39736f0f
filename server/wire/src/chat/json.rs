//! Is this all of a JSON object? Followed byte by byte, so that nothing is kept.

#[derive(Default)]
pub(super) struct Json {
    depth: u64,
    in_string: bool,
    is_escaped: bool,
    is_whole: bool,
}

impl Json {
    pub(super) fn push(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' if self.in_string => self.is_escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' | b'[' => {
                    self.depth += 1;
                    self.is_whole = false;
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.is_whole = self.depth == 0;
                }
                _ => {}
            }
        }
    }

    pub(super) const fn is_whole(&self) -> bool {
        self.is_whole
    }
}
