//! The README's table of functions says what the registry and the test cases say.
//!
//! With `WRITE_README=1` in the environment the table is written instead of compared.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};
use timebrook::sql::functions::{Class, Entry, Family, Registry};

const BEGIN: &str = "<!-- functions: computed by the tests from the registry and the test cases -->\n";
const END: &str = "<!-- end of functions -->";

/// Where what a case expects is known from, as its comment begins, and how the table says it; the surest first.
const SOURCES: [(&str, &str); 4] =
    [("# guide", "guide"), ("# observed", "recorded answer"), ("# trino", "Trino"), ("# inferred", "inferred")];

/// The sources of a function's cases, as places in [`SOURCES`].
type Proof = BTreeSet<usize>;

fn slt_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            slt_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "slt") {
            files.push(path);
        }
    }
}

/// The names that a text calls, in lower case: words before a parenthesis, and those that need none.
fn called(text: &str) -> BTreeSet<String> {
    let text = text.to_lowercase();
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let before_parentheses = text.split('(').map(|part| {
        let part = part.trim_end();
        let start = part.rfind(|c| !is_part(c)).map_or(0, |at| at + 1);
        part[start..].to_owned()
    });
    let bare = text.split(|c| !is_part(c)).filter(|word| word.starts_with("current_") || word.starts_with("localtime"));
    before_parentheses.chain(bare.map(str::to_owned)).collect()
}

/// What the cases beside the functions and of whole queries prove, by the names that their SQL calls.
fn proofs() -> BTreeMap<String, Proof> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    slt_files(&root.join("src/sql/functions"), &mut files);
    slt_files(&root.join("conformance/queries"), &mut files);
    let mut proofs: BTreeMap<String, Proof> = BTreeMap::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        for case in text.split("\n\n") {
            let source = |line: &str| SOURCES.iter().position(|(comment, _)| line.starts_with(comment));
            let sources: Proof = case.lines().filter_map(source).collect();
            let sql: Vec<_> =
                case.split("\n----").next().unwrap().lines().filter(|line| !line.starts_with('#')).collect();
            for name in called(&sql.join("\n")) {
                proofs.entry(name).or_default().extend(&sources);
            }
        }
    }
    proofs
}

fn chapter(family: Family) -> &'static str {
    match family {
        Family::Aggregate => "Aggregate",
        Family::Array => "Array",
        Family::Binary => "Binary",
        Family::Bitwise => "Bitwise",
        Family::Conditional => "Conditional",
        Family::Conversion => "Conversion",
        Family::DateTime => "Date and time",
        Family::Lambda => "With lambda expressions",
        Family::Math => "Mathematical",
        Family::Operator => "Operators",
        Family::Regexp => "Regular expressions",
        Family::String => "String",
        Family::TimeSeries => "Time series",
        Family::Window => "Window",
    }
}

fn class(entry: &Entry) -> Option<&'static str> {
    match entry.class {
        Class::Documented => Some("documented"),
        Class::Inherited => Some("inherited"),
        Class::Internal => None,
    }
}

/// The table: functions with the same family, class and sources share a row.
fn table() -> String {
    let proofs = proofs();
    let mut rows: BTreeMap<(&str, &str, Proof), BTreeSet<&str>> = BTreeMap::new();
    let registry = Registry::new();
    let mut unproven = Vec::new();
    for entry in registry.entries() {
        let Some(class) = class(entry) else { continue };
        let proof = proofs.get(entry.name).cloned().unwrap_or_default();
        if proof.is_empty() {
            unproven.push(entry.name);
        }
        rows.entry((chapter(entry.family), class, proof)).or_default().insert(entry.name);
    }
    assert!(unproven.is_empty(), "no case says where the results of these are known from: {unproven:?}");
    let mut table = String::from("| functions | class | known from | |\n|---|---|---|---|\n");
    for ((chapter, class, proof), names) in rows {
        let proof: Vec<_> = proof.into_iter().map(|source| SOURCES[source].1).collect();
        let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
        writeln!(table, "| {chapter} | {class} | {} | {} |", proof.join(", "), names.join(" ")).unwrap();
    }
    table
}

#[test]
fn the_readme_lists_the_functions() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("the README has the table's first mark");
    let (told, after) = rest.split_once(END).expect("the README has the table's last mark");
    let table = table();
    if std::env::var_os("WRITE_README").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
    } else {
        assert_eq!(told, table, "run this test with WRITE_README=1");
    }
}
