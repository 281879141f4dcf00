//! The signed call, through the AWS SDK's own runtime: its credentials, signatures, retries and time-outs, with bodies
//! made and read by [`crate::wire`] instead of generated code.
//!
//! The only file of the `aws` command that depends on the SDK's crates.

use std::error::Error as StdError;
use std::fmt;

use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime::client::orchestrator::operation::{Operation as SdkOperation, OperationBuilder};
use aws_smithy_runtime::client::retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier};
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SigningName;
use aws_types::region::{Region, SigningRegion};
use aws_types::sdk_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use serde_json::Value;

use super::request::{Answer, Call, CallError, Request, Target};
use crate::wire::{self, Body, Fault, Operation};

/// Makes calls with the credentials, region and endpoint of an SDK configuration.
#[derive(Debug, Clone)]
pub struct Caller {
    config: SdkConfig,
    http: SharedHttpClient,
}

impl Caller {
    /// A caller with this configuration. Cheap to clone; connections are shared.
    pub fn new(config: &SdkConfig) -> Self {
        let http = config.http_client().unwrap_or_else(|| {
            let tls = Provider::Rustls(CryptoMode::Ring);
            aws_smithy_http_client::Builder::new().tls_provider(tls).build_https()
        });
        Self { config: config.clone(), http }
    }

    /// Makes one call of the configured endpoint.
    ///
    /// # Errors
    ///
    /// As [`CallError`] lists them.
    pub async fn call(&self, operation: &'static Operation, params: &Value) -> Result<Value, CallError> {
        self.send(operation, params, &Target::default()).await
    }

    async fn send(
        &self,
        operation: &'static Operation,
        params: &Value,
        target: &Target,
    ) -> Result<Value, CallError> {
        let body =
            wire::encode_body(operation, params).map_err(|error| CallError::Other(error.to_string()))?;
        let region = match &target.region {
            Some(name) => Region::new(name.clone()),
            None => self.config.region().cloned().ok_or(CallError::NoRegion)?,
        };
        let url = self.endpoint(operation, target, &region);
        let builder = self.builder(operation, &url);
        let builder =
            if target.unsigned { builder.no_auth() } else { self.signed(builder, operation, region)? };
        let call = builder
            .serializer(move |body: Body| to_http(&body))
            .deserializer::<String, Refused>(read_answer)
            .build();
        let text = call.invoke(body).await.map_err(|error| explain(error, &url))?;
        wire::decode_response(operation, &text).map_err(|error| CallError::Other(error.to_string()))
    }

    fn endpoint(&self, operation: &Operation, target: &Target, region: &Region) -> String {
        let service = operation.service.name();
        let own = |config: &SdkConfig| {
            let key = ServiceConfigKey::builder()
                .service_id(service)
                .profile("endpoint_url")
                .env("AWS_ENDPOINT_URL");
            config.service_config()?.load_config(key.build().ok()?)
        };
        let given = target.endpoint_url.clone().or_else(|| own(&self.config));
        given.or_else(|| self.config.endpoint_url().map(str::to_owned)).unwrap_or_else(|| {
            let suffix = if region.as_ref().starts_with("cn-") { ".cn" } else { "" };
            format!("https://{service}.{region}.amazonaws.com{suffix}/")
        })
    }

    fn builder(&self, operation: &Operation, url: &str) -> OperationBuilder {
        let builder = SdkOperation::builder()
            .service_name(operation.service.name())
            .operation_name(operation.name)
            .endpoint_url(url)
            .http_client(self.http.clone())
            .timeout_config(self.config.timeout_config().cloned().unwrap_or_else(TimeoutConfig::disabled))
            .standard_retry(&self.config.retry_config().cloned().unwrap_or_else(RetryConfig::standard))
            .retry_classifier(TransientErrorClassifier::<Refused>::new())
            .retry_classifier(HttpStatusCodeClassifier::default())
            .retry_classifier(AwsErrorCodeClassifier::<Refused>::new())
            .with_connection_poisoning();
        let builder = match self.config.sleep_impl() {
            Some(sleep) => builder.sleep_impl(sleep),
            None => builder,
        };
        match self.config.time_source() {
            Some(time) => builder.time_source(time),
            None => builder,
        }
    }

    fn signed(
        &self,
        builder: OperationBuilder,
        operation: &Operation,
        region: Region,
    ) -> Result<OperationBuilder, CallError> {
        let credentials = self.config.credentials_provider().ok_or(CallError::NoCredentials)?;
        let name = SigningName::from_static(operation.service.name());
        let region = SigningRegion::from(region);
        let mut layer = Layer::new("lab");
        layer.store_put(name.clone());
        layer.store_put(region.clone());
        layer.store_put(AuthSchemeOptionResolverParams::new(()));
        layer.store_put(SigV4OperationSigningConfig {
            name: Some(name),
            region: Some(region),
            signing_options: SigningOptions::default(),
            ..Default::default()
        });
        let cache = self.config.identity_cache().unwrap_or_else(|| IdentityCache::lazy().build());
        let components = RuntimeComponentsBuilder::new("lab")
            .with_auth_scheme(SigV4AuthScheme::new())
            .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID])))
            .with_identity_cache(Some(cache))
            .with_identity_resolver(SCHEME_ID, credentials);
        let plugin =
            StaticRuntimePlugin::new().with_config(layer.freeze()).with_runtime_components(components);
        Ok(builder.runtime_plugin(plugin))
    }

    /// The configured region.
    pub fn region(&self) -> Option<String> {
        self.config.region().map(|region| region.as_ref().to_owned())
    }

    /// Whether there are credentials to sign with.
    pub async fn has_credentials(&self) -> bool {
        match self.config.credentials_provider() {
            Some(provider) => provider.provide_credentials().await.is_ok(),
            None => false,
        }
    }
}

impl Call for Caller {
    fn call<'a>(&'a self, request: &'a Request) -> Answer<'a, Result<Value, CallError>> {
        Box::pin(self.send(request.operation, &request.params, &request.target))
    }
}

/// A refusal, as the SDK's retry classifiers want to see it.
#[derive(Debug)]
struct Refused {
    fault: Fault,
    metadata: ErrorMetadata,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

impl StdError for Refused {}

impl ProvideErrorMetadata for Refused {
    fn meta(&self) -> &ErrorMetadata {
        &self.metadata
    }
}

fn to_http(body: &Body) -> Result<HttpRequest, Box<dyn StdError + Send + Sync>> {
    let mut request =
        http::Request::builder().method("POST").uri("/").header("content-type", body.content_type);
    if let Some(target) = &body.target {
        request = request.header("x-amz-target", target);
    }
    let request = request.body(SdkBody::from(body.text.as_str()))?;
    Ok(HttpRequest::try_from(request)?)
}

#[expect(clippy::result_large_err, reason = "the SDK asks for this type")]
fn read_answer(response: &HttpResponse) -> Result<String, OrchestratorError<Refused>> {
    let text = String::from_utf8_lossy(response.body().bytes().unwrap_or_default()).into_owned();
    if response.status().is_success() {
        return Ok(text);
    }
    let status = response.status().as_u16();
    // Something else than the service answered: a proxy, a load balancer, an empty body.
    let unknown = || Fault::new(status.to_string(), http_reason(status));
    let fault = Fault { status, ..wire::decode_error(&text).unwrap_or_else(unknown) };
    let metadata = ErrorMetadata::builder().code(&fault.code).message(&fault.message).build();
    Err(OrchestratorError::operation(Refused { fault, metadata }))
}

fn http_reason(status: u16) -> String {
    let status = http::StatusCode::from_u16(status).ok();
    status.and_then(|status| status.canonical_reason()).unwrap_or("Unknown").to_owned()
}

fn explain(error: SdkError<Refused, HttpResponse>, url: &str) -> CallError {
    let url = url.to_owned();
    match error {
        SdkError::ServiceError(refused) => CallError::Service(refused.into_err().fault),
        SdkError::TimeoutError(_) => CallError::Timeout { url },
        SdkError::DispatchFailure(failure) if failure.is_timeout() => CallError::Timeout { url },
        SdkError::DispatchFailure(failure) if failure.is_io() => CallError::Connect { url },
        error if causes(&error).any(|cause| cause.is::<CredentialsError>()) => CallError::NoCredentials,
        error => CallError::Other(causes(&error).map(ToString::to_string).collect::<Vec<_>>().join(": ")),
    }
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

#[cfg(test)]
mod tests;
