//! What can the operator set about calls? Sizes and patience.

use std::time::Duration;

/// Limits of the data plane. The defaults suit reasoning models behind one server.
#[derive(Debug, Clone)]
pub struct ProxyConfig {
    /// Scheme, host and port that people know, without a slash at the end: errors link to the documentation there.
    pub site_url: String,
    /// The largest request body after decoding, in bytes.
    pub body_max: usize,
    /// How long the caller may pause while sending the body.
    pub body_pause: Duration,
    /// How long connecting to an upstream may take.
    pub connect: Duration,
    /// How long an upstream may think before its first byte.
    pub first_byte: Duration,
    /// How long an upstream may pause between two pieces of a stream.
    pub pause: Duration,
    /// How long a caller may leave the pipe full before the call is ended.
    pub write_stall: Duration,
    /// Silence after which a stream gets a keep-alive comment.
    pub keep_alive: Duration,
    /// Calls of one workspace at the same time.
    pub concurrent_calls: u32,
    /// Requests per minute and key; `None` for no limit.
    pub requests_per_minute: Option<u32>,
    /// Tokens per minute and key, prompt and answer together; `None` for no limit.
    pub tokens_per_minute: Option<u32>,
}

impl Default for ProxyConfig {
    fn default() -> Self {
        Self {
            site_url: String::new(),
            body_max: 32 << 20,
            body_pause: Duration::from_secs(30),
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(600),
            pause: Duration::from_secs(300),
            write_stall: Duration::from_secs(60),
            keep_alive: Duration::from_secs(15),
            concurrent_calls: 1_000,
            requests_per_minute: None,
            tokens_per_minute: None,
        }
    }
}
