//! The seam to a shell that checks syntax: the one thing that parsing a lesson cannot do by itself.

/// Checks scripts without running them. The real one asks `bash -n`; [`NoShell`] finds nothing.
pub trait ShellSyntax {
    /// What is wrong with `script`; empty when nothing is, or when it cannot be told.
    fn check(&self, script: &str) -> Vec<ShellError>;
}

/// A mistake in a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellError {
    /// The line in the script, from one.
    pub line: usize,
    /// What the shell said, without its own name and the line.
    pub message: String,
}

/// Finds no mistakes: for where no shell is at hand.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoShell;

impl ShellSyntax for NoShell {
    fn check(&self, _script: &str) -> Vec<ShellError> {
        Vec::new()
    }
}

impl<F: Fn(&str) -> Vec<ShellError>> ShellSyntax for F {
    fn check(&self, script: &str) -> Vec<ShellError> {
        self(script)
    }
}

impl ShellError {
    /// The mistakes in what `bash -n` printed on standard error: lines such as
    /// ``bash: line 3: syntax error near unexpected token `)'``. The lines that only quote the script are left out.
    pub fn from_bash(stderr: &str) -> Vec<Self> {
        stderr.lines().filter_map(Self::from_bash_line).collect()
    }

    fn from_bash_line(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once(": line ")?;
        let (line, message) = rest.split_once(": ")?;
        let line = line.parse().ok()?;
        let quotes_script = message.starts_with('`') && message.ends_with('\'');
        (!quotes_script).then(|| Self { line, message: message.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bash_is_understood() {
        let stderr = "bash: line 2: syntax error near unexpected token `)'\nbash: line 2: `echo )'\n\
                      bash: line 4: warning: here-document at line 3 delimited by end-of-file (wanted `EOF')\n";
        let found = ShellError::from_bash(stderr);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(
            found[0],
            ShellError { line: 2, message: "syntax error near unexpected token `)'".into() }
        );
        assert_eq!(found[1].line, 4);
    }
}
