//! Names as in Kubernetes: DNS labels and subdomains.

const MAX_LABEL: usize = 63;
const MAX_SUBDOMAIN: usize = 253;

/// The problem with a name that should be one label.
pub(super) fn label(text: &str) -> Option<String> {
    if text.len() > MAX_LABEL {
        return Some(format!("DNS-1123 label is too long: {} bytes (max {MAX_LABEL})", text.len()));
    }
    (!is_label(text)).then(|| {
        format!(
            "{text:?} is not a valid DNS-1123 label (lowercase alphanumeric and hyphens, starting and ending with \
             alphanumeric, max {MAX_LABEL} characters)"
        )
    })
}

/// The problem with a name that should be labels joined by dots.
pub(super) fn subdomain(text: &str) -> Option<String> {
    if text.len() > MAX_SUBDOMAIN {
        return Some(format!("must be no more than {MAX_SUBDOMAIN} characters"));
    }
    (!text.split('.').all(is_label)).then(|| {
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and \
         end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
         '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
            .to_owned()
    })
}

fn is_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.chars().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let (sixty_four, long) = ("a".repeat(64), format!("{}b", "a.".repeat(127)));
        for (text, as_label, as_subdomain) in [
            ("a", true, true),
            ("a-1", true, true),
            ("1a", true, true),
            ("", false, false),
            ("A", false, false),
            ("-a", false, false),
            ("a-", false, false),
            ("a_b", false, false),
            ("a.b", false, true),
            ("a..b", false, false),
            (sixty_four.as_str(), false, true),
            (long.as_str(), false, false),
        ] {
            assert_eq!((label(text).is_none(), subdomain(text).is_none()), (as_label, as_subdomain), "{text}");
        }
    }
}
