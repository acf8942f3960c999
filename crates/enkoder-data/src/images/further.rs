//! Whether a file holds pictures behind the first: frames of an animation.

/// Whether a GIF, PNG or WebP file is an animation of more than one frame.
pub(super) fn is_animation(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"GIF8") {
        return frames_of_gif(bytes).is_some_and(|frames| frames > 1);
    }
    if let Some(chunks) = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n") {
        return frames_of_png(chunks).is_some_and(|frames| frames > 1);
    }
    // The flags of an extended file (RFC 9649, 2.7).
    bytes.starts_with(b"RIFF")
        && bytes.get(8..16) == Some(b"WEBPVP8X")
        && bytes.get(20).is_some_and(|flags| flags & 2 != 0)
}

/// Pictures of a GIF file, counted to two (GIF89a, 18 to 26).
fn frames_of_gif(bytes: &[u8]) -> Option<usize> {
    let colours = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let mut at = 13 + colours(*bytes.get(10)?);
    let mut frames = 0;
    while frames < 2 {
        match bytes.get(at) {
            Some(0x2c) => {
                frames += 1;
                at += 11 + colours(*bytes.get(at + 9)?);
            }
            Some(0x21) => at += 2,
            _ => break,
        }
        // Blocks, each behind its length, up to one of nothing.
        while let Some(&length @ 1..) = bytes.get(at) {
            at += 1 + usize::from(length);
        }
        at += 1;
    }
    Some(frames)
}

/// Frames that the chunks of a PNG file claim (PNG, 11.3.6.1).
fn frames_of_png(mut chunks: &[u8]) -> Option<u32> {
    loop {
        let length = u32::from_be_bytes(*chunks.first_chunk()?) as usize;
        match chunks.get(4..8)? {
            b"acTL" => return Some(u32::from_be_bytes(*chunks.get(8..)?.first_chunk()?)),
            b"IDAT" => return None,
            _ => chunks = chunks.get(length.checked_add(12)?..)?,
        }
    }
}
