//! Label and id queries: every operator, plain and inverted, alone and together.
//! Each list is also narrowed to the objects of this run, since others may have machine classes of their own.

use super::{Behaviour, Need};
use crate::behaviours;
use crate::bench::Bench;
use crate::expect::{refused, refused_with, same};
use crate::objects::{CLASS, Edit as _, class, ids};
use omni_proto::cosi::resource as pb;
use omni_proto::cosi::resource::label_term::Operation;
use tonic::Code;

pub const LIST: &[Behaviour] = behaviours![
    ("equal", Need::Nothing, equal),
    ("exists", Need::Nothing, exists),
    ("id", Need::Nothing, id),
    ("id_and_labels", Need::Nothing, id_and_labels),
    ("id_of_no_regexp", Need::Nothing, id_of_no_regexp),
    ("in", Need::Nothing, in_list),
    ("less", Need::Nothing, less),
    ("less_number", Need::Nothing, less_number),
    ("less_or_equal", Need::Nothing, less_or_equal),
    ("less_or_equal_number", Need::Nothing, less_or_equal_number),
    ("not_exists", Need::Nothing, not_exists),
    ("number_of_no_number", Need::Nothing, number_of_no_number),
    ("number_units", Need::Nothing, number_units),
    ("operator_unknown", Need::Nothing, operator_unknown),
    ("queries_are_alternatives", Need::Nothing, queries_are_alternatives),
    ("terms_are_all_asked", Need::Nothing, terms_are_all_asked),
    ("without_terms", Need::Nothing, without_terms),
];

fn term(key: &str, op: Operation, values: &[&str], invert: bool) -> pb::LabelTerm {
    let value = values.iter().map(|value| (*value).to_owned()).collect();
    pb::LabelTerm { key: key.into(), op: op.into(), value, invert }
}

fn query(terms: &[pb::LabelTerm]) -> pb::LabelQuery {
    pb::LabelQuery { terms: terms.to_vec() }
}

/// Objects `a`, `b`, … with these values of label `k`; no value is no label.
async fn labelled(bench: &Bench, values: &[Option<&str>]) -> anyhow::Result<()> {
    for (name, value) in ('a'..='z').zip(values) {
        let object = class(bench.id(&name.to_string()));
        bench
            .create(match value {
                Some(value) => object.label("k", value),
                None => object,
            })
            .await?;
    }
    Ok(())
}

/// The names of the objects that answer to the queries.
async fn found(bench: &Bench, queries: &[pb::LabelQuery]) -> anyhow::Result<String> {
    let id_query = Some(pb::IdQuery { regexp: format!("^{}", bench.id("")) });
    let options = pb::ListOptions { label_query: queries.to_vec(), id_query };
    let found = bench.list(CLASS, options).await?;
    Ok(ids(&found).iter().filter_map(|id| id.strip_prefix(&bench.id(""))).collect())
}

/// An operator over label `k`, plain and inverted.
async fn both(bench: &Bench, op: Operation, values: &[&str], plain: &str, inverted: &str) -> anyhow::Result<()> {
    for (invert, want) in [(false, plain), (true, inverted)] {
        let asked = query(&[term("k", op, values, invert)]);
        same(&format!("{op:?} {values:?}, inverted: {invert}"), found(bench, &[asked]).await?, want.to_owned())?;
    }
    Ok(())
}

async fn equal(bench: &Bench) -> anyhow::Result<()> {
    labelled(bench, &[Some("x"), Some("y"), Some(""), None]).await?;
    both(bench, Operation::Equal, &["x"], "a", "bcd").await?;
    both(bench, Operation::Equal, &[""], "c", "abd").await
}

async fn exists(bench: &Bench) -> anyhow::Result<()> {
    labelled(bench, &[Some("x"), Some(""), None]).await?;
    both(bench, Operation::Exists, &[], "ab", "c").await
}

/// An old operator; that it is inverted changes nothing.
async fn not_exists(bench: &Bench) -> anyhow::Result<()> {
    labelled(bench, &[Some("x"), Some(""), None]).await?;
    both(bench, Operation::NotExists, &[], "c", "c").await
}

async fn in_list(bench: &Bench) -> anyhow::Result<()> {
    labelled(bench, &[Some("x"), Some("y"), Some("z"), None]).await?;
    both(bench, Operation::In, &["x", "z"], "ac", "bd").await?;
    both(bench, Operation::In, &[], "", "abcd").await
}

async fn less(bench: &Bench) -> anyhow::Result<()> {
    labelled(bench, &[Some("10"), Some("9"), Some("a"), None]).await?;
    both(bench, Operation::Lt, &["9"], "a", "bc").await
}

async fn less_or_equal(bench: &Bench) -> anyhow::Result<()> {
    labelled(bench, &[Some("10"), Some("9"), Some("a"), None]).await?;
    both(bench, Operation::Lte, &["9"], "ab", "c").await
}

async fn less_number(bench: &Bench) -> anyhow::Result<()> {
    labelled(bench, &[Some("10"), Some("9"), Some("-3"), None]).await?;
    both(bench, Operation::LtNumeric, &["10"], "bc", "a").await?;
    both(bench, Operation::LtNumeric, &["-3"], "", "abc").await
}

async fn less_or_equal_number(bench: &Bench) -> anyhow::Result<()> {
    labelled(bench, &[Some("10"), Some("9"), Some("-3"), None]).await?;
    both(bench, Operation::LteNumeric, &["9"], "bc", "a").await
}

async fn number_of_no_number(bench: &Bench) -> anyhow::Result<()> {
    labelled(bench, &[Some("many"), Some("1.5"), Some(""), Some("5x"), Some("5"), None]).await?;
    both(bench, Operation::LteNumeric, &["10"], "e", "").await?;
    both(bench, Operation::LteNumeric, &["much"], "", "").await
}

/// Powers of 1024 and of 1000, in any case; what follows the first letters does not count.
async fn number_units(bench: &Bench) -> anyhow::Result<()> {
    labelled(bench, &[Some("1k"), Some("1Ki"), Some("1 MiB"), Some("1m"), Some("1GB"), Some("1gi"), Some("1T")])
        .await?;
    for (limit, want) in [
        ("999", ""),
        ("1000", "a"),
        ("1024", "ab"),
        ("1000K", "abd"),
        ("1048576", "abcd"),
        ("1 g", "abcde"),
        ("1GiB", "abcdef"),
        ("1000000000000", "abcdefg"),
        ("1Pi", "abcdefg"),
    ] {
        let asked = query(&[term("k", Operation::LteNumeric, &[limit], false)]);
        same(limit, found(bench, &[asked]).await?, want.to_owned())?;
    }
    Ok(())
}

async fn operator_unknown(bench: &Bench) -> anyhow::Result<()> {
    let unknown = pb::LabelTerm { key: "k".into(), op: 99, value: vec!["x".into()], invert: false };
    let options = pb::ListOptions { label_query: vec![query(&[unknown])], ..Default::default() };
    refused(bench.list(CLASS, options).await, Code::Unimplemented, "unsupported label query operator: 99")
}

async fn queries_are_alternatives(bench: &Bench) -> anyhow::Result<()> {
    labelled(bench, &[Some("x"), Some("y"), Some("z"), None]).await?;
    let one = |value| query(&[term("k", Operation::Equal, &[value], false)]);
    same("found", found(bench, &[one("x"), one("z")]).await?, "ac".to_owned())
}

async fn terms_are_all_asked(bench: &Bench) -> anyhow::Result<()> {
    labelled(bench, &[Some("x"), Some("y"), Some("z"), None]).await?;
    let terms = [term("k", Operation::Exists, &[], false), term("k", Operation::Equal, &["x"], true)];
    same("found", found(bench, &[query(&terms)]).await?, "bc".to_owned())
}

async fn without_terms(bench: &Bench) -> anyhow::Result<()> {
    labelled(bench, &[Some("x"), None]).await?;
    same("found", found(bench, &[query(&[])]).await?, "ab".to_owned())
}

async fn listed(bench: &Bench, options: pb::ListOptions) -> anyhow::Result<String> {
    let found = bench.list(CLASS, options).await?;
    Ok(ids(&found).iter().filter_map(|id| id.strip_prefix(&bench.id(""))).collect())
}

/// A regular expression, which may match anywhere.
async fn id(bench: &Bench) -> anyhow::Result<()> {
    labelled(bench, &[None, None, None]).await?;
    for (regexp, want) in [
        (format!("^{}$", bench.id("[ac]")), "ac"),
        ("conformance-b".to_owned(), "b"),
        ("^ormance-b".to_owned(), ""),
        ("onformance-[ab]$".to_owned(), "ab"),
        ("(?i)^CONFORMANCE-C$".to_owned(), "c"),
    ] {
        let options = pb::ListOptions { id_query: Some(pb::IdQuery { regexp: regexp.clone() }), ..Default::default() };
        same(&regexp, listed(bench, options).await?, want.to_owned())?;
    }
    Ok(())
}

async fn id_and_labels(bench: &Bench) -> anyhow::Result<()> {
    labelled(bench, &[Some("x"), Some("x"), Some("y")]).await?;
    let label_query = vec![query(&[term("k", Operation::Equal, &["x"], false)])];
    let id_query = Some(pb::IdQuery { regexp: format!("^{}", bench.id("[bc]")) });
    same("found", listed(bench, pb::ListOptions { label_query, id_query }).await?, "b".to_owned())
}

async fn id_of_no_regexp(bench: &Bench) -> anyhow::Result<()> {
    let options = pb::ListOptions { id_query: Some(pb::IdQuery { regexp: "(".into() }), ..Default::default() };
    refused_with(bench.list(CLASS, options).await, Code::InvalidArgument, "failed to compile regexp")
}
