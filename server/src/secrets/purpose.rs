//! What is each encryption key for? One key per purpose, so that a leak of one says nothing about the others.

/// The closed list of purposes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Finds an API key by its keyed hash (the "pepper").
    ApiKeyHmac,
    /// Encrypts API keys, so that their owner can see them again.
    ApiKeyAead,
    /// Encrypts the credentials that upstreams gave the operator.
    UpstreamCredentials,
    /// Signs what a browser carries for the server, such as messages between two pages.
    Session,
    /// Hashes one-time tokens, and the e-mails that failed sign-ins are counted by.
    Token,
    /// Encrypts the secrets that authenticator apps share with us.
    SecondFactor,
    /// Encrypts mails that wait to be sent: links in them are as good as passwords.
    Mail,
}

impl Purpose {
    pub const ALL: [Self; 7] = [
        Self::ApiKeyHmac,
        Self::ApiKeyAead,
        Self::UpstreamCredentials,
        Self::Session,
        Self::Token,
        Self::SecondFactor,
        Self::Mail,
    ];

    /// Name of the key file without `.key`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApiKeyHmac => "api-key-hmac",
            Self::ApiKeyAead => "api-key-aead",
            Self::UpstreamCredentials => "upstream-credentials",
            Self::Session => "session",
            Self::Token => "token",
            Self::SecondFactor => "second-factor",
            Self::Mail => "mail",
        }
    }

    /// The environment variable that gives this key instead of a file (base64 or hexadecimal, 32 bytes).
    /// With `_FILE` appended it names a file to read it from.
    #[must_use]
    pub const fn variable(self) -> &'static str {
        match self {
            Self::ApiKeyHmac => "FAREBOX_KEY_API_KEY_HMAC",
            Self::ApiKeyAead => "FAREBOX_KEY_API_KEY_AEAD",
            Self::UpstreamCredentials => "FAREBOX_KEY_UPSTREAM_CREDENTIALS",
            Self::Session => "FAREBOX_KEY_SESSION",
            Self::Token => "FAREBOX_KEY_TOKEN",
            Self::SecondFactor => "FAREBOX_KEY_SECOND_FACTOR",
            Self::Mail => "FAREBOX_KEY_MAIL",
        }
    }

    /// What stops working without it, for the operator.
    #[must_use]
    pub const fn protects(self) -> &'static str {
        match self {
            Self::ApiKeyHmac => "every API key is found by it: without it none of them works",
            Self::ApiKeyAead => {
                "it encrypts the API keys: without it none of them can be shown again"
            }
            Self::UpstreamCredentials => {
                "it encrypts the upstreams' credentials: without it no upstream that has one can be called"
            }
            Self::Session => "it signs what browsers carry for Farebox between two pages",
            Self::Token => {
                "it hashes one-time links and recovery codes: without it those handed out do not work"
            }
            Self::SecondFactor => {
                "it encrypts the secrets of authenticator apps: without it nobody who uses one can sign in"
            }
            Self::Mail => {
                "it encrypts mails in the outbox: without it those that wait cannot be sent"
            }
        }
    }
}
