//! The engine with a kind of things that no server has.

use super::*;
use crate::tf::schema::{Mode, string};

/// Fruit, by name.
struct Fruits;

#[derive(Serialize)]
struct Fruit {
    name: &'static str,
    colour: &'static str,
}

const FRUITS: [Fruit; 3] = [
    Fruit { name: "pear", colour: "green" },
    Fruit { name: "apple", colour: "green" },
    Fruit { name: "cherry", colour: "red" },
];

#[async_trait]
impl Lookup for Fruits {
    type Object = Fruit;

    const NOUN: &'static str = "fruit";
    const NOUNS: &'static str = "fruits";

    fn attributes() -> Vec<Attribute> {
        vec![computed::text("name", "Name."), computed::text("colour", "Colour.")]
    }

    async fn list(_cx: &Cx, _wanted: &Request<'_>) -> Result<Vec<Item<Fruit>>, Error> {
        Ok(FRUITS.map(|fruit| Item::new(fruit.name, fruit)).into())
    }

    fn matches(config: &Value, found: &Item<Fruit>) -> bool {
        config.get("colour").as_str().is_none_or(|colour| colour == found.item.colour)
    }
}

impl ListSource for Fruits {
    const NAME: &'static str = "omni_fruits";
    const LIST: &'static str = "fruits";
    const ABOUT: &'static str = "Fruits.";
    const LABELS: Option<&'static str> = Some("leaves");
}

impl SingleSource for Fruits {
    const NAME: &'static str = "omni_fruit";
    const ABOUT: &'static str = "A fruit.";
    const ID: &'static str = "name";

    fn arguments() -> Vec<Attribute> {
        vec![string("name").doc("Name."), string("shop").doc("Shop.")]
    }
}

fn handle() -> crate::provider::session::Handle {
    crate::provider::session::Handle::default()
}

#[test]
fn a_plural_has_what_every_plural_has() {
    let source = Plural::<Fruits>::data_source(&handle());
    let names: Vec<_> = source.schema().attributes.iter().map(|attribute| attribute.name).collect();
    assert_eq!(names, ["label_selector", "id_regexp", "ids", "fruits"]);
    let doc = &source.schema().attribute("label_selector").unwrap().description;
    assert!(doc.starts_with("Only fruits whose leaves match, such as"), "{doc}");
}

#[test]
fn arguments_that_are_described_too_are_filled_in() {
    let source = Single::<Fruits>::data_source(&handle());
    let mode = |name: &str| source.schema().attribute(name).unwrap().mode;
    assert_eq!([mode("name"), mode("shop"), mode("colour")], [Mode::OptionalComputed, Mode::Optional, Mode::Computed]);
}

#[test]
fn what_omni_cannot_choose_is_chosen_here() {
    let config = Value::Null;
    let labels = |text: &str| BTreeMap::from([("team".to_owned(), text.to_owned())]);
    let request = |selector: &str, regexp: Option<&str>, id: Option<&str>| Request {
        id: id.map(str::to_owned),
        query: Query { id_regexp: regexp.map(str::to_owned), ..Query::parse_selector(selector).unwrap() },
        config: &config,
    };
    for (selector, regexp, id, expected) in [
        ("", None, None, true),
        ("team = a", None, None, true),
        ("team = b", None, None, false),
        ("", Some("^pe"), None, true),
        ("team = a", Some("^ap"), None, false),
        ("", None, Some("pear"), true),
        ("", None, Some("pea"), false),
    ] {
        let found = request(selector, regexp, id).selects("pear", &labels("a"));
        assert_eq!(found, expected, "{selector} {regexp:?} {id:?}");
    }
}

#[test]
fn filters_choose_and_the_rest_is_in_order() {
    let names = |config: &Value| {
        let all = FRUITS.map(|fruit| Item::new(fruit.name, fruit)).into();
        matching::<Fruits>(config, all).into_iter().map(|found| found.id).collect::<Vec<_>>()
    };
    assert_eq!(names(&Value::Null), ["apple", "cherry", "pear"]);
    assert_eq!(names(&Value::object([("colour", "green".into())])), ["apple", "pear"]);
}

#[test]
fn a_missing_one_is_told_from_the_closest() {
    let asked = |name: &str| {
        ["apple", "pear", "cherry", "peach"].map(|word| single::likeness(&[name], &format!("`{word}` (fruit)")))
    };
    for (name, best) in [("appel", 0), ("PEAR", 1), ("chery", 2), ("peac", 3), ("fruit", 0)] {
        let all = asked(name);
        assert_eq!(all.iter().max(), Some(&all[best]), "{name}: {all:?}");
    }
    let versions = ["1.8.4", "1.9.6", "1.10.9", "1.13.0"];
    for (name, best) in [
        ("1.7.0", 0),
        ("v1.10.2", 2),
        ("1.10.99", 2),
        ("1.99.0", 3),
        ("2.0.0", 3),
        (">= 2", 3),
        ("~> 1.9.7, != 1.13.0", 1),
    ] {
        let all = versions.map(|version| single::likeness(&[name], &format!("`{version}`")));
        let first = all.iter().enumerate().max_by_key(|(_, like)| **like).map(|(i, _)| i);
        assert_eq!(first, Some(best), "{name}: {all:?}");
    }
    assert_eq!(single::likeness(&[], "`pear`"), 0);
    assert!(single::likeness(&[&"x".repeat(1_000_000)], "`pear`") < 500_000);
}
