//! Collecting into maps and sets without a sort.

/// Iterators that are collected item by item.
///
/// `collect` sorts before it builds a map or a set of the `BTree` kind, and compiles a sort for each type of iterator:
/// for a few entries each, these sorts were 300 KiB of the provider.
///
/// ```
/// use kit::gather::Gather as _;
/// use std::collections::BTreeMap;
///
/// let lengths: BTreeMap<_, _> = ["b", "aa"].into_iter().map(|word| (word, word.len())).gathered();
/// assert_eq!(lengths, [("aa", 2), ("b", 1)].into());
/// ```
pub trait Gather: Iterator + Sized {
    /// The items, added one by one.
    fn gathered<C: Default + Extend<Self::Item>>(self) -> C {
        let mut all = C::default();
        all.extend(self);
        all
    }
}

impl<I: Iterator> Gather for I {}
