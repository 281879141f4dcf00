//! The kinds of blocks, each with the attributes that it may have.

use crate::lesson::block::{Background, BlockKind, Check, File, Logs, Shell};
use crate::lesson::console::Console;
use crate::lesson::fence::Fence;
use crate::lesson::fields::Fields;
use crate::lesson::http::Http;
use crate::lesson::http::Method;
use crate::lesson::problems::Problems;
use crate::lesson::script::Script;
use crate::lesson::typed::shape::Shape;
use crate::lesson::{conversation, request};
use crate::name::{BlockName, HostName};
use crate::source::Span;

/// One block's attributes on their way to a kind.
pub(super) struct Reader<'a, 'p, 's> {
    pub fence: &'a Fence,
    pub fields: Fields<'a>,
    pub problems: &'p mut Problems<'s>,
    pub shape: Shape,
}

impl Reader<'_, '_, '_> {
    /// What the block does.
    pub fn kind(&mut self) -> BlockKind {
        match self.shape {
            Shape::Shell => BlockKind::Shell(self.shell()),
            Shape::Console => BlockKind::Console(self.console()),
            Shape::Http => BlockKind::Http(self.http()),
            Shape::Diagram => BlockKind::Diagram,
            Shape::File => BlockKind::File(self.file()),
            Shape::Background => BlockKind::Background(self.background()),
            Shape::Stop => BlockKind::Stop { target: self.target("stop") },
            Shape::Logs => BlockKind::Logs(self.logs()),
            Shape::Check => BlockKind::Check(self.check()),
        }
    }

    fn shell(&mut self) -> Shell {
        self.commands_needed();
        let place = self.place();
        Shell {
            exit: self.exit(),
            timeout: self.timeout(),
            eventually: self.eventually(),
            capture: self.capture(&place.on),
            outcome: self.outcome(),
            place,
        }
    }

    fn console(&mut self) -> Console {
        let place = self.place();
        let prompt =
            self.fields.value("prompt").map(|(value, attribute)| (value.text.clone(), attribute.span));
        Console {
            entries: conversation::entries(self.fence, prompt, self.problems),
            timeout: self.timeout(),
            capture: self.capture(&place.on),
            outcome: self.outcome(),
            place,
        }
    }

    fn http(&mut self) -> Http {
        let on = HostName::laptop();
        for key in ["on", "via"] {
            if let Some(attribute) = self.fields.take(key) {
                self.problems
                    .error("does-not-apply", attribute.span, format!("`{key}` does not apply to an `http` block"))
                    .help("a browser runs on the laptop; for a request from another host use `curl` in an `sh` block");
            }
        }
        let request = request::request(self.fence, self.problems);
        if !matches!(request.method, Method::Get | Method::Head | Method::Post)
            && let Some(attribute) = self.fields.peek("follow")
        {
            let message = format!("`follow` does not go with {}", request.method.as_str());
            self.problems
                .error("does-not-apply", attribute.span, message)
                .help("a redirect is followed as browsers do, who send GET and POST only");
        }
        Http {
            request,
            follow: self.fields.flag("follow"),
            screenshot: self.fields.flag("screenshot"),
            timeout: self.timeout(),
            eventually: self.eventually(),
            capture: self.capture(&on),
            outcome: self.outcome(),
            on,
        }
    }

    fn file(&mut self) -> File {
        let (on, via) = self.host();
        let (path, span) = match self.fields.value("file") {
            Some((value, attribute)) => (value.text.clone(), attribute.span),
            // Told already.
            None => ("unnamed".to_owned(), Span::default()),
        };
        let help = match path.as_str() {
            "" => Some("name a file, such as `file=index.html`"),
            path if path.ends_with('/') || path == "~" => Some("name a file, not a directory"),
            path if path.contains('$') => Some("the path is taken as it stands: variables are not put in"),
            path if path.chars().any(char::is_control) => Some("leave out control characters"),
            _ => None,
        };
        if let Some(help) = help {
            self.problems.error("bad-path", span, format!("`{path}` is no path to write to")).help(help);
        }
        File { on, via, path: path.into(), timeout: self.timeout() }
    }

    fn background(&mut self) -> Background {
        self.fields.flag("background");
        self.commands_needed();
        Background {
            place: self.place(),
            ready: self.ready(),
            timeout: self.timeout(),
            outcome: self.outcome(),
        }
    }

    fn logs(&mut self) -> Logs {
        let target = self.target("logs");
        Logs { target, timeout: self.timeout(), eventually: self.eventually(), outcome: self.outcome() }
    }

    fn check(&mut self) -> Check {
        self.fields.flag("check");
        self.commands_needed();
        Check {
            place: self.place(),
            exit: self.exit(),
            timeout: self.timeout(),
            eventually: self.eventually(),
            hint: self.text("hint"),
        }
    }

    fn commands_needed(&mut self) {
        if Script::parse(&self.fence.body.text).commands.is_empty() && self.fence.body.text.trim().is_empty()
        {
            let span = Span::new(self.fence.span.start, self.fence.info.end);
            self.problems.error("empty-block", span, "there are no commands in this block");
        }
    }

    /// `stop` and `logs`: the block they are about. Their body is for people, and may hold remarks only.
    fn target(&mut self, key: &'static str) -> BlockName {
        let script = Script::parse(&self.fence.body.text);
        if let Some(command) = script.commands.first() {
            let span = self.fence.body.locate_span(command.span);
            self.problems
                .error(
                    "commands-of-its-own",
                    span,
                    format!("a block with `{key}` has no commands of its own"),
                )
                .help("remarks after `#` are fine; put commands into a block of their own");
        }
        let name = self.fields.name(key, self.problems);
        name.unwrap_or_else(|| BlockName::new("unnamed").expect("a valid name"))
    }
}
