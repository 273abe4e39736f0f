//! Which thing is meant? One newtype per noun, so that a key's id cannot be passed where a workspace's is wanted.
//!
//! Public ids are a prefix and a UUIDv7 in hexadecimal (`key_0193…`): they sort by age, say what they name,
//! and reveal nothing about how many there are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

/// The text is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not {expected}: an id looks like {prefix}_0193f0c2…")]
pub struct IdError {
    expected: &'static str,
    prefix: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $expected:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// The word before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// Wraps a UUID that the caller made (version 7; the server owns the clock and the randomness).
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            #[must_use]
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, self.0.as_simple())
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix(concat!($prefix, "_"))
                    .filter(|hex| hex.len() == 32)
                    .and_then(|hex| Uuid::try_parse(hex).ok())
                    .map(Self)
                    .ok_or(IdError { expected: $expected, prefix: $prefix })
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }
    };
}

id!(/// A person who signs in.
    AccountId, "acc", "an account id");
id!(/// Owner of one wallet, its keys, orders and usage.
    WorkspaceId, "ws", "a workspace id");
id!(/// A key that calls the endpoint.
    KeyId, "key", "a key id");
id!(/// One metered request.
    CallId, "call", "a call id");
id!(/// A provider of models.
    UpstreamId, "up", "an upstream id");
id!(/// An immutable version of a model's price.
    PriceId, "price", "a price id");
id!(/// A portion of a wallet reserved for one node.
    LeaseId, "lease", "a lease id");
id!(/// A mail that goes out.
    MailId, "mail", "a mail id");
id!(/// An entry of the audit log.
    AuditId, "audit", "an audit id");
id!(/// A part of a key's spend limit that one node may use.
    GrantId, "grant", "a grant id");
id!(/// A top-up being paid.
    OrderId, "order", "an order id");
id!(/// Money of an order that goes back.
    RefundId, "refund", "a refund id");

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn an_id_survives_its_text() {
        let id = KeyId::from_uuid(Uuid::from_u128(0x0193_f0c2_0000_7000_8000_0000_0000_0001));
        assert_eq!(id.to_string().parse::<KeyId>().unwrap(), id);
        assert_eq!(id.to_string(), "key_0193f0c2000070008000000000000001");
    }

    #[test]
    fn an_id_of_another_noun_is_refused() {
        let id = KeyId::from_uuid(Uuid::nil());
        assert!(id.to_string().parse::<WorkspaceId>().is_err());
        assert!("key_".parse::<KeyId>().is_err());
        assert!(
            "key_00000000-0000-0000-0000-000000000000"
                .parse::<KeyId>()
                .is_err()
        );
    }
}
