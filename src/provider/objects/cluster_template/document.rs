//! The template of a configuration: a text or a file, with its variables, and the folder of the files that it names.

use crate::omni::Resource as Stored;
use crate::omni::template::{self, Files, Folder, NoFiles, Problem, Problems, Release, Template};
use crate::provider::engine::Cx;
use crate::tf::check::{Check, Rule, not_empty};
use crate::tf::diag::{Diagnostic, Diagnostics, sentence};
use crate::tf::path::Path;
use crate::tf::schema::{Attribute, plain, string};
use crate::tf::value::{Type, Value};
use kit::gather::Gather as _;
use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::sync::Arc;

pub(super) const TEMPLATE: &str = "template";
pub(super) const FILE: &str = "template_file";
pub(super) const VARIABLES: &str = "variables";
pub(super) const BASE_DIR: &str = "base_dir";

/// The attributes that decide what a template describes.
pub(super) const DOCUMENT: &[&str] = &[TEMPLATE, FILE, VARIABLES, BASE_DIR];

/// The template is given once.
pub(super) const RULE: Rule = Rule::ExactlyOne(&[TEMPLATE, FILE]);

/// What to do about a problem of the template itself.
const IN_TEMPLATE: &str =
    "Correct the template there. `omnictl cluster template validate` checks it by the same rules.";

/// What to do about a problem of its variables.
const IN_VARIABLES: &str = "Each placeholder `{{name}}` of the template needs a variable of that name, and each variable a placeholder. Correct the template or `variables`.";

/// How many problems are told at once; the others come when these are solved.
const MOST_PROBLEMS: usize = 20;

/// The arguments of everything that takes a template.
pub(super) fn attributes() -> [Attribute; 4] {
    [
        string(TEMPLATE).document().check(not_empty()).doc(
            "The cluster template, in YAML, as `omnictl cluster template` takes it. It and the objects that it describes appear in plans and state: do not put secrets into it, and use `omni_config_patch` with `data_wo` for patches with secrets.",
        ),
        string(FILE).check(not_empty()).doc(
            "Path of a file with the cluster template. It is read in every run, so that a change of the file is detected.",
        ),
        plain(VARIABLES, Type::map(Type::String)).check(are_named()).doc(
            "Values of the placeholders `{{name}}` in the template. A placeholder without a variable and a variable without a placeholder are errors. Without `variables`, the template has no placeholders, and `{{` is literal text.",
        ),
        string(BASE_DIR).check(not_empty()).doc(
            "Folder of the files that the template names. Paths outside of it are refused. Defaults to the folder of `template_file`, or to the working directory.",
        ),
    ]
}

fn are_named() -> Check {
    Check::by(|value| {
        let empty = value.entries().is_some_and(|all| all.keys().any(String::is_empty));
        if empty { Err("The name of a variable must not be empty.".to_owned()) } else { Ok(()) }
    })
}

/// A template of a configuration, and where it is written.
pub(super) struct Loaded {
    pub(super) template: Template,
    /// The attribute that has it.
    pub(super) attribute: &'static str,
}

impl Loaded {
    /// The objects of the template.
    ///
    /// # Errors
    /// What is wrong with it, by the rules of this release.
    pub(super) fn render(&self, release: Release) -> Result<Vec<Stored>, Diagnostics> {
        self.template.render(release).map_err(|problems| told(self.attribute, &problems, IN_TEMPLATE))
    }
}

/// The attribute with the template, where it is known: its text.
fn source(config: &Value) -> Option<(&'static str, Result<String, Diagnostic>)> {
    match (config.get(TEMPLATE), config.get(FILE)) {
        (Value::String(text), _) => Some((TEMPLATE, Ok(text.clone()))),
        (_, Value::String(path)) => Some((FILE, read(path))),
        _ => None,
    }
}

/// The text of a template file.
fn read(path: &str) -> Result<String, Diagnostic> {
    let file = FilePath::new(path);
    let folder = file.parent().unwrap_or(FilePath::new(""));
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    Folder::new(folder).read(name).map_err(|error| {
        Diagnostic::error("The template file cannot be read", format!("`{path}`: {error}."))
            .hint("Check the path. A relative one begins at the working directory; `path.module` is the folder of a module.")
            .at(Path::of(FILE))
    })
}

/// The folder of the files that a template names.
fn folder(config: &Value) -> Folder {
    if let Some(base) = config.get(BASE_DIR).as_str() {
        return Folder::new(base);
    }
    let file = config.get(FILE).as_str().and_then(|path| FilePath::new(path).parent());
    Folder::new(file.unwrap_or(FilePath::new("")))
}

/// The values of the placeholders; `None` where the configuration has none, so that there are no placeholders.
pub(super) fn variables(value: &Value) -> Option<BTreeMap<String, String>> {
    let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
    Some(value.entries()?.iter().filter_map(text).gathered())
}

/// Loads a template with its placeholders replaced.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn parse(
    text: &str,
    variables: Option<&BTreeMap<String, String>>,
    files: Arc<dyn Files>,
) -> Result<Template, Problems> {
    Template::load(&filled(text, variables)?, files)
}

/// The text of a template with its placeholders replaced.
fn filled(text: &str, variables: Option<&BTreeMap<String, String>>) -> Result<String, Problems> {
    match variables {
        Some(variables) => template::render_variables(text, variables),
        None => Ok(text.to_owned()),
    }
}

/// Loads the template that `attribute` holds, with a diagnostic for each problem.
fn parse_at(
    attribute: &'static str,
    text: &str,
    given: &Value,
    files: Arc<dyn Files>,
) -> Result<Template, Diagnostics> {
    let text = filled(text, variables(given).as_ref()).map_err(|problems| told(attribute, &problems, IN_VARIABLES))?;
    Template::load(&text, files).map_err(|problems| told(attribute, &problems, IN_TEMPLATE))
}

/// The template of a configuration; `None` while that is not known.
///
/// # Errors
/// What is wrong with it, each at the attribute and with the line.
pub(super) fn load(config: &Value) -> Result<Option<Loaded>, Diagnostics> {
    if DOCUMENT.iter().any(|name| !config.get(name).is_wholly_known()) {
        return Ok(None);
    }
    let Some((attribute, text)) = source(config) else { return Ok(None) };
    let text = text.map_err(Diagnostics::from)?;
    let template = parse_at(attribute, &text, config.get(VARIABLES), Arc::new(folder(config)))?;
    Ok(Some(Loaded { template, attribute }))
}

/// What is wrong with a template that stands in the configuration itself, without files and without a server.
pub(super) fn validate(config: &Value, diags: &mut Diagnostics) {
    let (text, variables_given) = (config.get(TEMPLATE), config.get(VARIABLES));
    let Some(text) = text.as_str().filter(|_| variables_given.is_wholly_known()) else { return };
    if let Err(problems) = parse_at(TEMPLATE, text, variables_given, Arc::new(NoFiles)) {
        diags.extend(problems);
    }
}

/// The rules that hold on the server.
///
/// # Errors
/// When it does not answer.
pub(super) async fn release(cx: &Cx) -> Result<Release, crate::omni::Error> {
    let version = cx.client().server_version(&cx.call).await?;
    Ok(Release::of(&version).unwrap_or(Release::NEWEST))
}

/// The problems of a template as diagnostics.
fn told(attribute: &'static str, problems: &Problems, hint: &str) -> Diagnostics {
    let more = problems.0.len().saturating_sub(MOST_PROBLEMS);
    let mut all: Diagnostics =
        problems.0.iter().take(MOST_PROBLEMS).map(|problem| one(attribute, problem, hint)).collect();
    if more > 0 {
        all.push(
            Diagnostic::error(
                "The cluster template has more problems",
                format!("{more} more problems are not listed."),
            )
            .hint("Correct those that are listed, and plan again.")
            .at(Path::of(attribute)),
        );
    }
    all
}

fn one(attribute: &'static str, problem: &Problem, hint: &str) -> Diagnostic {
    let place = match (problem.line, attribute) {
        (0, _) => String::new(),
        (line, FILE) => format!("Line {line}, column {}, of the file: ", problem.column),
        (line, _) => format!("Line {line}, column {}, of the template: ", problem.column),
    };
    let about: String = problem.about.iter().map(|about| format!("{about}: ")).collect();
    let text = format!("{about}{}", problem.message);
    let detail = if place.is_empty() { sentence(&text) } else { format!("{place}{}", sentence(&text)) };
    let summary =
        if problem.is_limit { "The cluster template cannot be read" } else { "The cluster template is not valid" };
    Diagnostic::error(summary, detail).hint(hint).at(Path::of(attribute))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(entries: &[(&str, Value)]) -> Value {
        let mut config = Value::object(DOCUMENT.iter().map(|name| (*name, Value::Null)));
        for (name, value) in entries {
            config.set(name, value.clone());
        }
        config
    }

    #[test]
    fn a_template_that_is_not_known_is_not_judged() {
        for entries in [
            vec![(TEMPLATE, Value::UNKNOWN)],
            vec![(TEMPLATE, "kind: Cluster".into()), (VARIABLES, Value::UNKNOWN)],
            vec![(FILE, Value::UNKNOWN)],
            vec![],
        ] {
            assert!(matches!(load(&config(&entries)), Ok(None)), "{entries:?}");
            let mut diags = Diagnostics::new();
            validate(&config(&entries), &mut diags);
            assert!(diags.is_empty(), "{entries:?}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_told_at_its_attribute() {
        let Err(diags) = load(&config(&[(FILE, "no/such/file.yaml".into())])) else { panic!("it is not there") };
        let told: Vec<_> = diags.iter().collect();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].path, Some(Path::of(FILE)));
        assert!(
            told[0].detail.contains("no/such/file.yaml") && told[0].detail.contains("no such file"),
            "{:?}",
            told[0]
        );
    }

    #[test]
    fn problems_are_told_with_the_line_of_the_file() {
        let problem = |line| {
            let (about, message) = (vec!["cluster \"a\"".into()], "name is required".into());
            Problem { line, column: 3, about, message, is_limit: false }
        };
        for (attribute, line, text) in [
            (TEMPLATE, 2, "Line 2, column 3, of the template: Cluster \"a\": name is required."),
            (FILE, 7, "Line 7, column 3, of the file: Cluster \"a\": name is required."),
            (FILE, 0, "Cluster \"a\": name is required."),
        ] {
            let all = told(attribute, &Problems(vec![problem(line)]), IN_TEMPLATE);
            let first = all.iter().next().unwrap();
            assert_eq!((first.detail.as_str(), &first.path), (text, &Some(Path::of(attribute))));
        }
        let many = told(TEMPLATE, &Problems((1..100).map(problem).collect()), IN_TEMPLATE);
        assert_eq!(many.iter().count(), MOST_PROBLEMS + 1);
    }
}
