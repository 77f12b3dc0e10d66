//! Pictures: their size, and a small one to show in a list. A picture is somebody's bytes: what decoding it
//! may take is looked at before it is decoded.

use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use std::io::Cursor;

/// Largest file that is decoded: photographs of cameras are below it.
pub(crate) const SOURCE_MAX_BYTES: u64 = 25 * 1024 * 1024;
/// Largest decoded picture: 21 million pixels of a photograph. A file of some kilobytes can ask for
/// gigabytes.
const DECODED_MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Longest side of a small picture: twice what a list shows, for dense screens.
const SIDE: u32 = 320;

/// What a picture is.
#[derive(Debug)]
pub(crate) struct Picture {
    /// Width and height, as it is shown.
    pub(crate) pixels: (u32, u32),
    /// The small picture with its type, if there is one.
    pub(crate) small: Option<(&'static str, Vec<u8>)>,
}

/// Looks at a picture; `None` if it is none. It takes its time: call it where it holds up nobody.
pub(crate) fn look_at(bytes: &[u8]) -> Option<Picture> {
    let mut decoder = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?.into_decoder().ok()?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let (width, height) = decoder.dimensions();
    let pixels = if is_on_its_side(orientation) { (height, width) } else { (width, height) };
    if decoder.total_bytes() > DECODED_MAX_BYTES {
        return Some(Picture { pixels, small: None });
    }
    let mut limits = image::Limits::no_limits();
    limits.max_alloc = Some(2 * DECODED_MAX_BYTES);
    let small = decoder.set_limits(limits).and_then(|()| DynamicImage::from_decoder(decoder));
    Some(Picture { pixels, small: small.ok().and_then(|whole| shrink(&whole, orientation)) })
}

/// Nothing of the file but its pixels gets into the small picture: no place, no camera, no time.
fn shrink(whole: &DynamicImage, orientation: Orientation) -> Option<(&'static str, Vec<u8>)> {
    let is_small = whole.width() <= SIDE && whole.height() <= SIDE;
    let mut small = if is_small { whole.clone() } else { whole.resize(SIDE, SIDE, FilterType::Triangle) };
    small.apply_orientation(orientation);
    let (mime, format, small) = if small.color().has_alpha() {
        ("image/png", ImageFormat::Png, DynamicImage::from(small.into_rgba8()))
    } else {
        ("image/jpeg", ImageFormat::Jpeg, DynamicImage::from(small.into_rgb8()))
    };
    let mut bytes = Vec::new();
    small.write_to(&mut Cursor::new(&mut bytes), format).ok()?;
    Some((mime, bytes))
}

fn is_on_its_side(orientation: Orientation) -> bool {
    match orientation {
        Orientation::Rotate90
        | Orientation::Rotate270
        | Orientation::Rotate90FlipH
        | Orientation::Rotate270FlipH => true,
        Orientation::NoTransforms
        | Orientation::Rotate180
        | Orientation::FlipHorizontal
        | Orientation::FlipVertical => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{RgbImage, RgbaImage};

    fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
        let mut bytes = Vec::new();
        image.into().write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        bytes
    }

    #[test]
    fn a_picture_becomes_small_and_keeps_its_shape() {
        let picture = look_at(&png(RgbImage::new(640, 100))).unwrap();
        assert_eq!(picture.pixels, (640, 100));
        let (mime, bytes) = picture.small.unwrap();
        assert_eq!(mime, "image/jpeg");
        let small = look_at(&bytes).unwrap();
        assert_eq!(small.pixels, (320, 50));
        let clear = look_at(&png(RgbaImage::new(10, 20))).unwrap();
        assert_eq!((clear.pixels, clear.small.unwrap().0), ((10, 20), "image/png"));
    }

    #[test]
    fn what_would_take_gigabytes_is_not_decoded() {
        // A header that promises 60,000 by 60,000 pixels, and a correct check sum of it.
        let mut bomb = png(RgbImage::new(1, 1));
        bomb[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
        let sum = crc(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&sum.to_be_bytes());
        let picture = look_at(&bomb).unwrap();
        assert_eq!(picture.pixels, (60_000, 60_000));
        assert!(picture.small.is_none());
    }

    #[test]
    fn what_is_no_picture_or_half_of_one_is_none() {
        assert!(look_at(b"").is_none() && look_at(b"<svg/>").is_none());
        let whole =
            png(RgbImage::from_fn(200, 200, |x, y| image::Rgb([x.to_le_bytes()[0], y.to_le_bytes()[0], 7])));
        assert!(look_at(&whole[..whole.len() / 2]).is_none_or(|picture| picture.small.is_none()));
    }

    /// The check sum of a PNG's chunk.
    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
                (sum >> 1) ^ if sum & 1 == 1 { 0xEDB8_8320 } else { 0 }
            })
        })
    }
}
