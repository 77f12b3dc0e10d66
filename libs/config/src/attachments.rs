//! The settings of uploaded files.

use crate::check::require;
use crate::secret::Secret;
use crate::{Config, ConfigError};
use serde::Deserialize;
use std::path::PathBuf;

/// The scheme of a bucket.
const S3: &str = "s3://";
/// Largest file: 10 GB in parts of 5 MiB are 2,000, whose names a record holds.
const FILE_MB: std::ops::RangeInclusive<u32> = 1..=10_240;
/// Uploads at once: each has a part of 5 MiB in memory.
const AT_ONCE: std::ops::RangeInclusive<u32> = 1..=1_000;
/// Longest time for which a file that no message uses is kept.
const UNSENT_HOURS: std::ops::RangeInclusive<u32> = 1..=8_760;

/// `[attachments]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttachmentSettings {
    /// `attachments.url`; empty: a folder in the data folder.
    pub url: String,
    /// `attachments.s3_endpoint`; empty: AWS.
    pub s3_endpoint: String,
    /// `attachments.s3_region`
    pub s3_region: String,
    /// `attachments.s3_access_key_id`; empty: credentials of the instance.
    pub s3_access_key_id: String,
    /// `attachments.s3_secret_access_key`
    pub s3_secret_access_key: Secret,
    /// `attachments.s3_session_token`; empty: none.
    pub s3_session_token: Secret,
    /// `attachments.file_max_mb`
    pub file_max_mb: u32,
    /// `attachments.user_quota_mb`; 0: no limit.
    pub user_quota_mb: u32,
    /// `attachments.types`: see [`AttachmentSettings::types`]; empty: all.
    pub types: String,
    /// `attachments.origin`; empty: files come from this site.
    pub origin: String,
    /// `attachments.at_once`
    pub at_once: u32,
    /// `attachments.at_once_user`
    pub at_once_user: u32,
    /// `attachments.unsent_hours`
    pub unsent_hours: u32,
}

/// Where the bytes of files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilePlace {
    /// In this folder.
    Folder(PathBuf),
    /// In this bucket, `s3://bucket/prefix`.
    Bucket(String),
}

impl AttachmentSettings {
    /// The types that are taken, such as `image/*` and `application/pdf`; none: all.
    pub fn types(&self) -> Vec<String> {
        let types = self.types.split(',').map(|one| one.trim().to_ascii_lowercase());
        types.filter(|one| !one.is_empty()).collect()
    }
}

impl Config {
    /// Where the bytes of uploaded files are.
    pub fn file_place(&self) -> FilePlace {
        let url = self.attachments.url.as_str();
        match url {
            "" => FilePlace::Folder(self.data.dir.join("files")),
            bucket if bucket.starts_with(S3) => FilePlace::Bucket(bucket.to_owned()),
            folder => FilePlace::Folder(PathBuf::from(folder.strip_prefix("file://").unwrap_or(folder))),
        }
    }

    pub(crate) fn check_attachments(&self) -> Result<(), ConfigError> {
        let settings = &self.attachments;
        let place = settings.url.strip_prefix("file://").unwrap_or(&settings.url);
        let bucket = place.strip_prefix(S3).map(|rest| rest.split('/').next().unwrap_or_default());
        let is_place = bucket.map_or(!place.contains("://"), |bucket| !bucket.is_empty());
        require("attachments.url", is_place, "must be a folder, or s3://bucket with a prefix or without")?;
        let endpoint = settings.s3_endpoint.as_str();
        let host = endpoint.strip_prefix("http://").or_else(|| endpoint.strip_prefix("https://"));
        let is_address = host.is_some_and(|host| !host.is_empty() && !host.contains(['?', '#', '@', ' ']));
        let what = "must be http://host:port or https://host:port";
        require("attachments.s3_endpoint", endpoint.is_empty() || is_address, what)?;
        let has_id = !settings.s3_access_key_id.is_empty();
        let has_key = !settings.s3_secret_access_key.expose().is_empty();
        require(
            "attachments.s3_secret_access_key",
            has_id == has_key,
            "needs the id of the key, and the id needs it",
        )?;
        require("attachments.file_max_mb", FILE_MB.contains(&settings.file_max_mb), "must be 1 to 10240")?;
        let is_type =
            |one: &String| one.split_once('/').is_some_and(|(kind, sub)| !kind.is_empty() && !sub.is_empty());
        let are_types = settings.types().iter().all(is_type);
        require(
            "attachments.types",
            are_types,
            "must be types such as image/* and application/pdf, comma-separated",
        )?;
        let origin = settings.origin.as_str();
        let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        let is_origin =
            host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']));
        require("attachments.origin", origin.is_empty() || is_origin, "must be https://host without a path")?;
        require("attachments.at_once", AT_ONCE.contains(&settings.at_once), "must be 1 to 1000")?;
        require("attachments.at_once_user", AT_ONCE.contains(&settings.at_once_user), "must be 1 to 1000")?;
        let hours = UNSENT_HOURS.contains(&settings.unsent_hours);
        require("attachments.unsent_hours", hours, "must be 1 to 8760")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::load_from;

    fn with(variables: &[(&str, &str)]) -> Result<Config, String> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        load_from(None, &variables.collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn files_are_in_the_data_folder_in_another_or_in_a_bucket() {
        for (variables, place) in [
            (&[("DATA_DIR", "/d")][..], FilePlace::Folder("/d/files".into())),
            (&[("ATTACHMENTS_URL", "/srv/files")], FilePlace::Folder("/srv/files".into())),
            (&[("ATTACHMENTS_URL", "file:///srv/files")], FilePlace::Folder("/srv/files".into())),
            (&[("ATTACHMENTS_URL", "s3://b/chat")], FilePlace::Bucket("s3://b/chat".into())),
        ] {
            assert_eq!(with(variables).unwrap().file_place(), place);
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_the_name_of_its_key() {
        for (name, value, key) in [
            ("ATTACHMENTS_URL", "s3://", "attachments.url"),
            ("ATTACHMENTS_URL", "gs://bucket", "attachments.url"),
            ("ATTACHMENTS_S3_ENDPOINT", "minio:9000", "attachments.s3_endpoint"),
            ("AWS_ACCESS_KEY_ID", "id", "attachments.s3_secret_access_key"),
            ("ATTACHMENTS_FILE_MAX_MB", "0", "attachments.file_max_mb"),
            ("ATTACHMENTS_TYPES", "pdf", "attachments.types"),
            ("ATTACHMENTS_ORIGIN", "https://files.test/a", "attachments.origin"),
            ("ATTACHMENTS_AT_ONCE", "0", "attachments.at_once"),
            ("ATTACHMENTS_UNSENT_HOURS", "9000", "attachments.unsent_hours"),
        ] {
            let error = with(&[(name, value)]).expect_err(value);
            assert!(error.contains(key), "{error}");
        }
        let types = with(&[("ATTACHMENTS_TYPES", "Image/*, application/pdf,")]).unwrap().attachments.types();
        assert_eq!(types, ["image/*", "application/pdf"]);
    }
}
