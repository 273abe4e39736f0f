//! How is a source asked? Over https at its own fixed host, without redirects, with a bound on time and size, and only
//! when its document changed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::fx::Source;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, IF_MODIFIED_SINCE, LAST_MODIFIED};
use reqwest::redirect::Policy;
use reqwest::{Proxy, StatusCode};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

use super::RatesConfig;
use crate::outbound;
use crate::secrets::Secret;
use crate::upstreams::AddressRule;

/// Documents have a few dozen kilobytes.
const MOST_BYTES: usize = 1024 * 1024;
const CONNECT: Duration = Duration::from_secs(10);
const ALL: Duration = Duration::from_secs(30);
const AGENT: &str = concat!("farebox/", env!("CARGO_PKG_VERSION"));

/// Asks sources.
pub(super) struct Client {
    http: reqwest::Client,
    key: Option<Secret>,
    stand_in: Option<SocketAddr>,
}

/// What came back.
#[derive(Debug)]
pub(super) enum Answer {
    /// The document is the one from before.
    Same,
    New {
        raw: Vec<u8>,
        /// As the server wrote it, to be sent back.
        last_modified: Option<String>,
    },
}

/// Why there is no document. No message has the address: one of them carries a key.
#[derive(Debug, Error)]
pub(super) enum AskError {
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("it answered {0}")]
    Status(StatusCode),
    #[error("its answer is larger than a megabyte")]
    TooLarge,
}

impl From<reqwest::Error> for AskError {
    fn from(error: reqwest::Error) -> Self {
        Self::Unreachable(outbound::why(error))
    }
}

impl Client {
    /// # Errors
    /// When the proxy's address cannot be used.
    pub(super) fn new(config: &RatesConfig) -> Result<Self, reqwest::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows the versions of TLS that rustls offers")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(AGENT)
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(CONNECT)
            .timeout(ALL)
            // Sources are asked once an hour: no connection is worth keeping.
            .pool_max_idle_per_host(0)
            // Proxies of the environment are not asked: only the one that the operator sets here.
            .no_proxy();
        // A proxy resolves the names itself, and stands where the operator put it.
        let http = match &config.proxy {
            Some(proxy) => http.proxy(Proxy::all(proxy.expose())?),
            None => http.dns_resolver(Arc::new(PublicNames)),
        };
        Ok(Self {
            http: http.build()?,
            key: config.openexchangerates_key.clone(),
            stand_in: config.stand_in,
        })
    }

    /// Asks for the newest document, unless it is that of `last_modified`.
    pub(super) async fn ask(
        &self,
        source: Source,
        last_modified: Option<&str>,
    ) -> Result<Answer, AskError> {
        let mut headers = HeaderMap::new();
        if let Some(value) = last_modified.and_then(|text| text.parse().ok()) {
            headers.insert(IF_MODIFIED_SINCE, value);
        }
        let response = self
            .http
            .get(self.address(source))
            .headers(headers)
            .send()
            .await?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if last_modified.is_some() => return Ok(Answer::Same),
            other => return Err(AskError::Status(other)),
        }
        let last_modified = response
            .headers()
            .get(LAST_MODIFIED)
            .and_then(|value| value.to_str().ok())
            .map(ToOwned::to_owned);
        let raw = outbound::body(response, MOST_BYTES)
            .await?
            .ok_or(AskError::TooLarge)?;
        Ok(Answer::New { raw, last_modified })
    }

    /// Hosts are fixed; a stand-in answers for all of them, on this machine.
    fn address(&self, source: Source) -> String {
        let (host, path) = match source {
            Source::Ecb => (
                "www.ecb.europa.eu",
                "/stats/eurofxref/eurofxref-daily.xml".to_owned(),
            ),
            Source::Cbr => ("www.cbr.ru", "/scripts/XML_daily.asp".to_owned()),
            Source::OpenExchangeRates | Source::First | Source::Manual => {
                let key = self.key.as_ref().map_or("", Secret::expose);
                let key: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
                (
                    "openexchangerates.org",
                    format!("/api/latest.json?app_id={key}"),
                )
            }
        };
        match self.stand_in {
            Some(address) => format!("http://{address}{path}"),
            None => format!("https://{host}{path}"),
        }
    }
}

/// Names lead only to public addresses: whoever answers for one of the hosts does not get to ask our own network.
struct PublicNames;

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let rule = AddressRule::default();
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> =
                found.filter(|address| rule.allows(address.ip())).collect();
            if public.is_empty() {
                return Err("the name leads to no public address".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}
