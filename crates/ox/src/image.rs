//! What kind of picture a base64 text holds (ox-provisioning 5.3.7). OX takes JPEG only.

/// The type that OX knows.
pub(crate) const JPEG: &str = "image/jpeg";

/// First bytes of picture formats as they begin in base64, and the name that log lines use.
const SIGNATURES: [(&str, &str); 7] = [
    ("/9j/", JPEG),
    ("iVBORw0KGg", "image/png"),
    ("R0lGOD", "image/gif"),
    ("Qk", "image/bmp"),
    ("UklGR", "image/webp"),
    ("SUkqA", "image/tiff"),
    ("TU0AK", "image/tiff"),
];

/// The type of a picture, judged by its first bytes.
pub(crate) fn kind(base64: &str) -> &'static str {
    let base64 = base64.trim_start();
    SIGNATURES
        .into_iter()
        .find(|(start, _)| base64.starts_with(start))
        .map_or("unknown data", |(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::kind;

    #[test]
    fn s5_3_7_the_first_bytes_tell_the_type() {
        for (base64, expected) in [
            ("/9j/4AAQSkZJRgABAQ==", "image/jpeg"),
            ("\n /9j/4AAQSkZJRgABAQ==", "image/jpeg"),
            ("iVBORw0KGgoAAAANSUhEUg==", "image/png"),
            ("R0lGODlhAQABAAAAACw=", "image/gif"),
            ("aGVsbG8=", "unknown data"),
            ("", "unknown data"),
            ("/9", "unknown data"),
        ] {
            assert_eq!(kind(base64), expected, "{base64}");
        }
    }
}
