//! What the pages say is so: snippets are files that run, tables are those of the tree, commands exist.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod blocks;
mod each_crate;
mod evidence;
mod library;
mod tree;
mod workflows;
