//! Circles among siblings: the modules of one parent, each together with all that is below it.
//!
//! A module and its parent may use each other: the parent is what its children have in common.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::Module;

/// Each circle, as one line with the arrows that are in it.
pub(crate) fn among_siblings(edges: &BTreeSet<(Module, Module)>) -> Vec<String> {
    // Of each parent: which child uses which, and one example.
    let mut levels: BTreeMap<&[String], BTreeMap<(&str, &str), String>> = BTreeMap::new();
    for (from, to) in edges {
        let common = from.iter().zip(to).take_while(|(a, b)| a == b).count();
        if common < from.len() && common < to.len() {
            levels
                .entry(&from[..common])
                .or_default()
                .entry((&from[common], &to[common]))
                .or_insert_with(|| format!("{} uses {}", from.join("::"), to.join("::")));
        }
    }
    levels
        .into_values()
        .flat_map(|arrows| circles(&arrows))
        .collect()
}

/// The sets of nodes that reach each other.
fn circles(arrows: &BTreeMap<(&str, &str), String>) -> Vec<String> {
    let nodes: BTreeSet<&str> = arrows.keys().flat_map(|(a, b)| [*a, *b]).collect();
    let reached: BTreeMap<&str, BTreeSet<&str>> = nodes
        .iter()
        .map(|node| (*node, reach(arrows, node)))
        .collect();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for node in &nodes {
        if !seen.contains(node) && reached[node].contains(node) {
            let circle: BTreeSet<&str> = reached[node]
                .iter()
                .copied()
                .filter(|other| reached[other].contains(node))
                .collect();
            let uses: Vec<&str> = arrows
                .iter()
                .filter(|((a, b), _)| circle.contains(a) && circle.contains(b))
                .map(|(_, example)| example.as_str())
                .collect();
            found.push(uses.join(", "));
            seen.extend(circle);
        }
    }
    found
}

fn reach<'n>(arrows: &BTreeMap<(&'n str, &'n str), String>, start: &str) -> BTreeSet<&'n str> {
    let mut reached = BTreeSet::new();
    let mut todo = vec![start];
    while let Some(node) = todo.pop() {
        for (_, next) in arrows.keys().filter(|(from, _)| *from == node) {
            if reached.insert(*next) {
                todo.push(next);
            }
        }
    }
    reached
}

#[test]
fn circles_are_found_and_parents_are_none() {
    let edges = |list: &[&str]| -> BTreeSet<(Module, Module)> {
        let module = |text: &str| {
            text.split("::")
                .filter(|n| !n.is_empty())
                .map(str::to_owned)
                .collect()
        };
        list.iter()
            .map(|edge| edge.split_once('>').unwrap())
            .map(|(from, to)| (module(from), module(to)))
            .collect()
    };
    // A chain, and a parent with its child.
    let chain = edges(&["a>b", "b>c", "c>c::d", "c::d>c", "a>c::d", ">a", "a>"]);
    assert!(among_siblings(&chain).is_empty());
    // A circle of three, two of them by what is below them.
    let circle = edges(&["a::x>b", "b>c::y", "c>a", "d>a"]);
    assert_eq!(
        among_siblings(&circle),
        ["a::x uses b, b uses c::y, c uses a"]
    );
    // Within one parent.
    assert_eq!(
        among_siblings(&edges(&["m::a>m::b", "m::b>m::a::c"])).len(),
        1
    );
}
