use super::*;

fn upload() -> Upload {
    let mut upload = Upload::begin("ann".parse().unwrap(), "a.png".to_owned(), Some(4), 4, Timestamp(0));
    upload.expires_at = Timestamp(1_000_000);
    upload
}

fn ready() -> Upload {
    let mut upload = upload();
    let file = FileFacts {
        mime_type: "image/png".to_owned(),
        kind: AttachmentKind::Image,
        size: 4,
        sha256: "00".to_owned(),
        pixels: Some((2, 1)),
        thumbnail: None,
    };
    upload.finish(file, Timestamp(2_000_000));
    upload
}

fn used(number: u8) -> FileUse {
    FileUse { message_id: MessageId::from_bytes([number; 12]), thread_id: ThreadId::from_bytes([9; 12]) }
}

#[test]
fn one_request_writes_at_a_time_and_a_dead_one_is_taken_over() {
    let mut upload = upload();
    assert_eq!(upload.claim(1, Timestamp(0)), Ok(()));
    let until = Timestamp(0).plus(LEASE);
    assert_eq!(upload.claim(2, Timestamp(1)), Err(NotWritable::Held(until)));
    assert_eq!(upload.claim(1, Timestamp(5)), Ok(()), "a sign of life");
    assert!(!upload.release(2) && upload.release(1) && !upload.release(1));
    assert_eq!(upload.claim(2, Timestamp(6)), Ok(()));
    assert!(!upload.was_taken_over, "the first has let it go");
    assert_eq!(upload.claim(3, Timestamp(6).plus(LEASE)), Ok(()));
    assert!(upload.was_taken_over);
    assert_eq!(upload.claim(3, upload.expires_at), Err(NotWritable::Over));
    assert_eq!(ready().claim(1, Timestamp(0)), Err(NotWritable::Over));
}

#[test]
fn the_last_message_that_goes_takes_the_file_with_it() {
    let mut upload = ready();
    assert_eq!(upload.due_at(), Some(Timestamp(2_000_000)));
    assert_eq!(upload.attach(used(1)), Attached::Done);
    assert_eq!(upload.attach(used(1)), Attached::Done, "again");
    assert_eq!(upload.attach(used(2)), Attached::Done);
    assert_eq!((upload.uses.len(), upload.due_at(), upload.is_waiting()), (2, None, false));
    assert!(!upload.expire(Timestamp(9_000_000)), "messages use it");
    assert!(
        upload.detach(used(1).message_id, Timestamp(5)) && !upload.detach(used(1).message_id, Timestamp(5))
    );
    assert_eq!(upload.state, UploadState::Ready);
    assert!(upload.detach(used(2).message_id, Timestamp(6)));
    assert_eq!(
        (upload.state, upload.due_at(), upload.reserved),
        (UploadState::Deleted, Some(Timestamp(6)), 0)
    );
    assert_eq!(upload.attach(used(3)), Attached::Gone);
}

#[test]
fn what_nobody_uses_goes_when_its_time_is_over_unless_somebody_writes_it() {
    let mut upload = upload();
    assert!(!upload.expire(Timestamp(999_999)));
    upload.writer = Some(Writer { id: 1, until: Timestamp(1_000_001) });
    assert!(!upload.expire(Timestamp(1_000_000)));
    assert!(upload.expire(Timestamp(1_000_001)) && !upload.expire(Timestamp(1_000_001)));
    assert_eq!(upload.state, UploadState::Deleted);
}

#[test]
fn so_many_messages_use_a_file() {
    let mut upload = ready();
    for number in 0..u8::try_from(USES_MAX).unwrap() {
        assert_eq!(upload.attach(used(number)), Attached::Done);
    }
    assert_eq!(upload.attach(used(200)), Attached::TooOften);
    assert_eq!(upload.attach(used(0)), Attached::Done);
}

#[test]
fn a_message_shows_what_the_bytes_are() {
    assert_eq!(upload().to_attachment(), None);
    let shown = serde_json::to_value(ready().to_attachment().unwrap()).unwrap();
    let id = shown["id"].as_str().unwrap();
    assert_eq!(shown["url"], format!("/api/v2/attachments/{id}"));
    assert_eq!((&shown["type"], &shown["width"]), (&"image".into(), &2.into()));
    assert!(shown.get("thumbnailUrl").is_none());
}
