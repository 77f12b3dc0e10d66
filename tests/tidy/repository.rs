//! The files of the repository, by path from its root, without files that are built, downloaded or ignored.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders whose files nobody wrote here.
const SKIPPED: [&str; 7] = [".git", "target", "node_modules", "data", "corpus", "artifacts", "coverage"];
/// Extensions of files that are read as text.
const TEXT: [&str; 14] =
    ["rs", "md", "toml", "yml", "json", "js", "mjs", "py", "sh", "css", "html", "conf", "txt", "svg"];

/// One text file.
pub(crate) struct SourceFile {
    /// Path from the root, with slashes.
    pub(crate) path: String,
    /// Content of the file.
    pub(crate) text: String,
}

impl SourceFile {
    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|own| own == extension)
    }
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package is a folder of the workspace")
        .to_owned()
}

/// Reads a file that must exist.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("read {path}: {error}"))
}

/// Every text file below a folder, sorted by path. Scripts without an extension count as text.
pub(crate) fn files_below(folder: &str) -> Vec<SourceFile> {
    let mut files = Vec::new();
    collect(&root().join(folder), &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!files.is_empty(), "there are no files below {folder:?}");
    files
}

fn collect(folder: &Path, files: &mut Vec<SourceFile>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("list {}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("a folder can be listed to its end").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            let is_hidden = name.starts_with('.') && name != ".ci";
            if !is_hidden && !SKIPPED.contains(&name.as_ref()) {
                collect(&path, files);
            }
        } else if is_text(&path)
            && let Ok(text) = fs::read_to_string(&path)
        {
            let from_root = path.strip_prefix(root()).expect("every file is below the root");
            files.push(SourceFile { path: from_root.to_string_lossy().into_owned(), text });
        }
    }
}

fn is_text(path: &Path) -> bool {
    path.extension().is_none_or(|extension| TEXT.iter().any(|text| extension == *text))
}
