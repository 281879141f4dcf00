//! `http` fences: a request as a browser on the laptop would make it.
//!
//! ```text
//! GET http://$WEB/
//! Accept-Language: de
//! ```

use std::time::Duration;

use crate::lesson::block::{Capture, Eventually, Outcome};
use crate::lesson::template::Template;
use crate::name::HostName;

/// A request, and what becomes of its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Http {
    /// Always the laptop.
    pub on: HostName,
    /// The request.
    pub request: Request,
    /// Whether redirects are followed.
    pub follow: bool,
    /// Whether a picture of the page is kept.
    pub screenshot: bool,
    /// The deadline; of each attempt, when there may be several.
    pub timeout: Duration,
    /// Whether it is made again until the answer is right.
    pub eventually: Option<Eventually>,
    /// Packets to record.
    pub capture: Option<Capture>,
    /// What becomes of the answer.
    pub outcome: Outcome,
}

/// The request, with `$VARIABLES` still in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The address, `http://` or `https://`.
    pub url: Template,
    /// Header lines in order.
    pub headers: Vec<(String, Template)>,
    /// The body, without the line break at its end; empty when there is none.
    pub body: Template,
}

/// An HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
    /// `OPTIONS`
    Options,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete, Self::Options];

    /// As it stands in a request line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }
}
