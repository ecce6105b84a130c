//! Parsing of an omniconfig file: the URL and the identity of a context.

use crate::omni::patch::verdict;
use crate::tf::diag::Diagnostic;
use crate::tf::path::Path;
use kit::yaml;

/// What one context says.
#[derive(Debug, PartialEq)]
pub(crate) struct Omniconfig {
    pub(crate) url: String,
    pub(crate) identity: Option<String>,
}

impl Omniconfig {
    /// Reads the named context, or else the current one, out of the text of an omniconfig.
    pub(crate) fn load(text: &str, context: Option<&str>) -> Result<Self, Diagnostic> {
        let refuse = |detail: String| {
            Diagnostic::error("Omniconfig cannot be used", detail)
                .hint("`omnictl config info` shows the content of the file.")
                .at(Path::of(if context.is_some() { "context" } else { "omniconfig" }))
        };
        // The parser's own message may quote the text, and the path may lead to anything.
        let place = |e: yaml::YamlError| refuse(format!("It {}: line {}, column {}.", verdict(&e), e.line, e.column));
        let documents = yaml::parse_documents(text).map_err(place)?;
        let root = documents.first().ok_or_else(|| refuse("It is empty.".into()))?;
        let name = match context {
            Some(name) => name,
            None => root
                .get("context")
                .and_then(|c| c.as_str())
                .ok_or_else(|| refuse("It has no current context.".into()))?,
        };
        let entry = root.get("contexts").and_then(|c| c.get(name)).ok_or_else(|| {
            let known = root.get("contexts").and_then(|c| c.as_object()).into_iter().flatten();
            let known = known.map(|(k, _)| format!("`{k}`")).collect::<Vec<_>>().join(", ");
            refuse(format!(
                "It has no context `{name}`; it has {}.",
                if known.is_empty() { "none".into() } else { known }
            ))
        })?;
        let url = entry.get("url").and_then(|u| u.as_str()).filter(|u| !u.is_empty() && *u != "<placeholder_url>");
        let url = url.ok_or_else(|| refuse(format!("Its context `{name}` has no URL.")))?;
        let identity = entry.pointer("/auth/siderov1/identity").and_then(|i| i.as_str());
        Ok(Self { url: url.to_owned(), identity: identity.filter(|i| !i.is_empty()).map(str::to_owned) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
context: prod
contexts:
  prod:
    url: https://prod.example
    auth:
      siderov1:
        identity: me@example.org
  blank:
    url: <placeholder_url>
";

    #[test]
    fn takes_the_current_context_unless_another_is_named() {
        let config = Omniconfig::load(FILE, None).unwrap();
        assert_eq!(config, Omniconfig { url: "https://prod.example".into(), identity: Some("me@example.org".into()) });
    }

    #[test]
    fn says_what_is_missing() {
        for (context, says) in [(Some("none"), "`blank`, `prod`"), (Some("blank"), "has no URL")] {
            let diagnostic = Omniconfig::load(FILE, context).unwrap_err();
            assert!(diagnostic.detail.contains(says), "{}", diagnostic.detail);
            assert_eq!(diagnostic.path, Some(Path::of("context")));
        }
        assert!(Omniconfig::load("", None).unwrap_err().detail.contains("empty"));
        let detail = Omniconfig::load("a: 1\nsecret: 1\nsecret: 2\n", None).unwrap_err().detail;
        assert_eq!(detail, "It is not valid YAML: line 3, column 1.");
    }
}
