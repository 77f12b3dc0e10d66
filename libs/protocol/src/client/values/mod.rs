//! Values that carry their rule: whoever has one needs to check nothing any more.
//!
//! Each is made from what a client wrote by `try_from`, which deserialisation uses too, and comes out as what
//! commands carry. An [`Unfit`] value is refused, never repaired; only contents, titles and names are
//! cleaned.

mod attachment;
mod letters;
mod list;
mod metadata;
mod push;
mod reference;
mod text;
mod timing;
mod unfit;
mod words;

pub use attachment::AttachmentReference;
pub use letters::{LetterReference, Why};
pub use list::{List, NamedUser, UserIds};
pub use metadata::{METADATA_MAX_BYTES, METADATA_MAX_DEPTH, Metadata};
pub use push::{DeviceName, FcmToken, PushAuth, PushEndpoint, PushPublicKey};
pub use reference::{DocumentReference, MessageReference, ThreadReference};
pub use text::{ClientKey, Emoji, MessageContent, NotificationKind, NotificationText, NotificationTitle};
pub use timing::{LocaleName, MutedThread, TimeZoneReference, WallClock};
pub use unfit::Unfit;
pub use words::{EmailAddress, GroupName, Link, LoginId, PersonName, PictureChoice, RoleName, TemplateName};
