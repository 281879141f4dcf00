//! A call as a value, whoever makes it, and the hook around it.

use std::future::Future;
use std::pin::Pin;

use serde_json::Value;

use crate::aws::journal::Origin;
use crate::wire::{Fault, Operation};

/// What an asynchronous method of a trait object gives back.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One call of one operation.
#[derive(Debug, Clone)]
pub struct Request {
    /// The operation.
    pub operation: &'static Operation,
    /// Its parameters, keyed by the model's member names.
    pub params: Value,
    /// Where it goes.
    pub target: Target,
    /// The block that makes it, where the command says so; also one that is not the running one.
    pub origin: Option<Origin>,
}

/// Where a call goes, as far as the command line said so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// `--region`, or the shell's `AWS_REGION`.
    pub region: Option<String>,
    /// `--endpoint-url`.
    pub endpoint_url: Option<String>,
    /// `--no-sign-request`.
    pub unsigned: bool,
}

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The service refused.
    #[error("get an answer: {0}")]
    Service(Fault),
    /// No region is configured.
    #[error("choose a region: none is configured")]
    NoRegion,
    /// No credentials are configured, or those that are do not work.
    #[error("find credentials")]
    NoCredentials,
    /// Nothing listens at the endpoint.
    #[error("connect to {url}")]
    Connect {
        /// The endpoint.
        url: String,
    },
    /// The endpoint did not answer in time.
    #[error("get an answer from {url} in time")]
    Timeout {
        /// The endpoint.
        url: String,
    },
    /// Anything else, in words that fit "failed to ..".
    #[error("{0}")]
    Other(String),
}

impl CallError {
    /// The service's refusal, when it is one.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Service(fault) => Some(fault),
            _ => None,
        }
    }
}

/// Something that makes calls: the cloud, or a test's picture of it.
pub trait Call: Send + Sync {
    /// Makes one call. The result is keyed by the model's member names.
    fn call<'a>(&'a self, request: &'a Request) -> Answer<'a, Result<Value, CallError>>;
}

/// A hook around every call: the journal writes its intents here, and takes its own tags out of what comes back.
pub trait Interceptor: Send + Sync {
    /// Runs before a call and may change its parameters; an error keeps the call from being made.
    fn before<'a>(&'a self, request: &'a mut Request) -> Answer<'a, Result<(), CallError>>;

    /// Runs after a call, with what was sent, and may change its result.
    fn after<'a>(&'a self, request: &'a Request, result: &'a mut Result<Value, CallError>) -> Answer<'a, ()>;
}

/// Calls with a hook around each.
#[derive(Debug)]
pub struct Intercepted<C, I> {
    call: C,
    interceptor: I,
}

impl<C: Call, I: Interceptor> Intercepted<C, I> {
    /// Calls by `call`, each inside `interceptor`.
    pub fn new(call: C, interceptor: I) -> Self {
        Self { call, interceptor }
    }

    /// What makes the calls.
    #[cfg(test)]
    pub(super) fn inner(&self) -> &C {
        &self.call
    }
}

impl<C: Call, I: Interceptor> Call for Intercepted<C, I> {
    fn call<'a>(&'a self, request: &'a Request) -> Answer<'a, Result<Value, CallError>> {
        Box::pin(async move {
            let mut request = request.clone();
            self.interceptor.before(&mut request).await?;
            let mut result = self.call.call(&request).await;
            self.interceptor.after(&request, &mut result).await;
            result
        })
    }
}
