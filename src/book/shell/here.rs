//! Here-documents: `<< END`.

/// The beginning of a here-document.
pub(super) struct Here {
    /// The length of the operator with its mark.
    pub length: usize,
    /// The line that ends it.
    pub mark: String,
    /// Whether tabs before lines do not count.
    pub tabs: bool,
    /// Whether variables in it are expanded.
    pub expands: bool,
}

impl Here {
    /// The one that begins here, if one does.
    pub fn begins(rest: &str) -> Option<Self> {
        let tail = rest.strip_prefix("<<").filter(|tail| !tail.starts_with('<'))?;
        let tabs = tail.starts_with('-');
        let tail = tail.trim_start_matches('-').trim_start_matches(' ');
        let end = tail.find(|c: char| c.is_ascii_whitespace() || ";|&)".contains(c)).unwrap_or(tail.len());
        let word = &tail[..end];
        let mark: String = word.chars().filter(|c| !"'\"\\".contains(*c)).collect();
        let length = rest.len() - tail.len() + end;
        // `$((1 << 24))` shifts.
        let word_like = mark.starts_with(|c: char| c.is_alphabetic() || c == '_');
        word_like.then(|| Self { length, expands: mark == word, mark, tabs })
    }
}
