//! The settings of uploaded files.

use std::time::Duration;

/// Megabytes of settings, in bytes.
const MB: u64 = 1_000_000;

/// What may be uploaded, and how long it is kept.
#[derive(Clone, Debug)]
pub struct FileSettings {
    /// Largest file in bytes.
    pub file_max: u64,
    /// Bytes of one person's files; `None`: no limit.
    pub quota: Option<u64>,
    /// The types that are taken, such as `image/*`; none: all.
    pub types: Vec<String>,
    /// The origin that files come from; `None`: this site.
    pub origin: Option<String>,
    /// Requests that bring bytes at a time.
    pub at_once: u32,
    /// Those of one person.
    pub at_once_user: u32,
    /// How long a file is kept that no message uses.
    pub unsent_kept: Duration,
}

impl Default for FileSettings {
    /// As `default.toml` has them.
    fn default() -> Self {
        Self {
            file_max: 100 * MB,
            quota: Some(2_048 * MB),
            types: Vec::new(),
            origin: None,
            at_once: 32,
            at_once_user: 4,
            unsent_kept: Duration::from_hours(24),
        }
    }
}

impl FileSettings {
    /// With these limits, in megabytes; a quota of 0 is none.
    #[must_use]
    pub fn with_megabytes(self, file_max: u32, quota: u32) -> Self {
        let quota = Some(u64::from(quota) * MB).filter(|quota| *quota > 0);
        Self { file_max: u64::from(file_max) * MB, quota, ..self }
    }

    /// Whether files of this type are taken.
    pub(crate) fn takes(&self, mime: &str) -> bool {
        let fits = |allowed: &String| match allowed.strip_suffix("/*") {
            Some(kind) => mime.split('/').next() == Some(kind),
            None => allowed == mime,
        };
        self.types.is_empty() || self.types.iter().any(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_taken_by_name_and_by_kind() {
        let settings = FileSettings {
            types: vec!["image/*".to_owned(), "application/pdf".to_owned()],
            ..FileSettings::default()
        };
        for (mime, taken) in [
            ("image/png", true),
            ("application/pdf", true),
            ("application/zip", false),
            ("imagery/png", false),
        ] {
            assert_eq!(settings.takes(mime), taken, "{mime}");
        }
        assert!(FileSettings::default().takes("application/zip"));
    }
}
