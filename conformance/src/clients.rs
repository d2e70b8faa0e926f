//! The SDK's clients, in each way to reach the server.

use crate::{
    BoxError,
    target::{Target, fresh_account},
};
use aws_credential_types::Credentials;
use aws_sdk_timestreamquery as query;
use aws_sdk_timestreamwrite as write;
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use std::str::FromStr;

const REGION: &str = "us-east-1";

/// How the clients come to the server's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// An endpoint given in code.
    Explicit,
    /// Nothing but `AWS_ENDPOINT_URL` in the environment.
    Environment,
    /// An endpoint given in code, over TLS.
    Tls,
    /// Endpoint discovery, which always leads to TLS.
    Discovery,
}

impl FromStr for Mode {
    type Err = BoxError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "explicit" => Ok(Self::Explicit),
            "environment" => Ok(Self::Environment),
            "tls" => Ok(Self::Tls),
            "discovery" => Ok(Self::Discovery),
            other => Err(format!("{other} is none of explicit, environment, tls, discovery").into()),
        }
    }
}

/// One client of each service in one account.
#[derive(Clone, Debug)]
pub struct Clients {
    /// The write service.
    pub write: write::Client,
    /// The query service.
    pub query: query::Client,
    /// The account both belong to.
    pub account: String,
}

impl Clients {
    /// Clients of `account` that reach the server as `mode` says.
    ///
    /// # Errors
    /// When the server's certificate authority cannot be had, or discovery fails.
    pub async fn new(mode: Mode, target: &Target, account: String) -> Result<Self, BoxError> {
        let http = http_client(mode, target).await?;
        let loader = aws_config::defaults(aws_config::BehaviorVersion::latest())
            .region(aws_config::Region::new(REGION))
            .credentials_provider(Credentials::new(&account, "secret", None, None, "conformance"))
            .http_client(http);
        let config = match mode {
            Mode::Explicit => loader.endpoint_url(target.http_url()),
            Mode::Environment => loader,
            Mode::Tls | Mode::Discovery => loader.endpoint_url(target.https_url()),
        }
        .load()
        .await;
        let (write, query) = (write::Client::new(&config), query::Client::new(&config));
        if mode != Mode::Discovery {
            return Ok(Self { write, query, account });
        }
        let (write, _) = write.with_endpoint_discovery_enabled().await?;
        let (query, _) = query.with_endpoint_discovery_enabled().await?;
        Ok(Self { write, query, account })
    }

    /// Clients of an account of their own.
    ///
    /// # Errors
    /// As [`Clients::new`].
    pub async fn fresh(mode: Mode, target: &Target) -> Result<Self, BoxError> {
        Self::new(mode, target, fresh_account()).await
    }
}

/// An HTTP client that trusts the server's own certificate authority and no other.
async fn http_client(mode: Mode, target: &Target) -> Result<SharedHttpClient, BoxError> {
    let mut trusted = TrustStore::empty();
    if matches!(mode, Mode::Tls | Mode::Discovery) {
        trusted.add_pem_certificate(target.ca_pem().await?.to_vec());
    }
    let context = TlsContext::builder().with_trust_store(trusted).build()?;
    Ok(Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(context).build_https())
}
