//! The README's tables of constructs and functions say what the code and the test cases say.
//!
//! With `WRITE_README=1` in the environment the tables are written instead of compared.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};
use timebrook::sql::{
    construct::{CONSTRUCTS, Construct, Support},
    functions::{Class, Entry, Family, Registry},
};

/// Where a table begins and ends in the README.
struct Marks {
    begin: &'static str,
    end: &'static str,
}

const FUNCTIONS: Marks = Marks {
    begin: "<!-- functions: computed by the tests from the registry and the test cases -->\n",
    end: "<!-- end of functions -->",
};
const CONSTRUCT_TABLE: Marks = Marks {
    begin: "<!-- constructs: computed by the tests from the list in the code and the test cases -->\n",
    end: "<!-- end of constructs -->",
};
const REFUSED_ON_DEMAND: Marks = Marks {
    begin: "<!-- --documented-only: computed by the tests from the list in the code -->\n",
    end: "<!-- end of --documented-only -->",
};
/// How a case says which construct it is of.
const CONSTRUCT_TAG: &str = "# construct: ";

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
        Family::Regexp => "Regular expression",
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

/// A case of a construct.
struct ConstructCase {
    sources: Proof,
    refused: bool,
}

/// The tagged cases, by the construct that they are of.
fn construct_cases() -> BTreeMap<String, Vec<ConstructCase>> {
    let mut files = Vec::new();
    let conformance = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
    slt_files(&conformance.join("queries"), &mut files);
    // What takes an S3 client to see is tested with one.
    files.push(conformance.join("python/test_unload.py"));
    let mut cases: BTreeMap<String, Vec<ConstructCase>> = BTreeMap::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        for case in text.split("\n\n") {
            let source = |line: &str| SOURCES.iter().position(|(comment, _)| line.starts_with(comment));
            for name in case.lines().filter_map(|line| line.strip_prefix(CONSTRUCT_TAG)) {
                let sources = case.lines().filter_map(source).collect();
                let refused = case.lines().any(|line| line.starts_with("statement error"));
                cases.entry(name.to_owned()).or_default().push(ConstructCase { sources, refused });
            }
        }
    }
    cases
}

fn support(construct: &Construct) -> &'static str {
    match construct.support {
        Support::Documented => "documented",
        Support::Inherited => "inherited",
        Support::Refused => "refused",
    }
}

/// Chapter, class and sources.
type Key<'a> = (&'a str, &'a str, Proof);

/// The table: constructs of the same chapter, class and sources share a row.
fn construct_table() -> String {
    let cases = construct_cases();
    let known: BTreeSet<_> = CONSTRUCTS.iter().map(|construct| construct.name).collect();
    assert_eq!(known.len(), CONSTRUCTS.len(), "two constructs have the same name");
    let stray: Vec<_> = cases.keys().filter(|name| !known.contains(name.as_str())).collect();
    assert!(stray.is_empty(), "cases of constructs that are not in the list: {stray:?}");
    let mut rows: Vec<(Key<'_>, Vec<&str>)> = Vec::new();
    for construct in CONSTRUCTS {
        let cases = cases.get(construct.name).map_or(&[][..], Vec::as_slice);
        let refused = construct.support == Support::Refused;
        let proven = !cases.is_empty() && cases.iter().all(|case| case.refused == refused && !case.sources.is_empty());
        assert!(proven, "no case, or one without a source, or of another class: {}", construct.name);
        let proof = cases.iter().flat_map(|case| case.sources.iter().copied()).collect();
        let key = (construct.chapter, support(construct), proof);
        match rows.iter_mut().find(|(known, _)| *known == key) {
            Some((_, names)) => names.push(construct.name),
            None => rows.push((key, vec![construct.name])),
        }
    }
    let mut table = String::from("| constructs | class | known from | |\n|---|---|---|---|\n");
    for ((chapter, class, proof), names) in rows {
        let proof: Vec<_> = proof.into_iter().map(|source| SOURCES[source].1).collect();
        let names: Vec<_> = names.into_iter().map(|name| name.replace('|', "\\|")).collect();
        writeln!(table, "| {chapter} | {class} | {} | {} |", proof.join(", "), names.join(" · ")).unwrap();
    }
    table
}

/// What `--documented-only` refuses besides functions.
fn refused_on_demand() -> String {
    let inherited = CONSTRUCTS.iter().filter(|construct| construct.support == Support::Inherited);
    let names: Vec<_> = inherited.map(|construct| construct.name).collect();
    let mut text = String::new();
    let mut line = 0;
    for (i, name) in names.iter().enumerate() {
        let end = if i + 1 == names.len() { "." } else { "," };
        let breaks = line > 0 && line + name.chars().count() + 2 > 120;
        let space = if line == 0 { "" } else { " " };
        text += if breaks { "\n" } else { space };
        line = if breaks { 0 } else { line + 1 } + name.chars().count() + 1;
        text += &format!("{name}{end}");
    }
    text + "\n"
}

#[test]
fn the_readme_lists_constructs_and_functions() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let mut readme = fs::read_to_string(&path).unwrap();
    for (marks, table) in
        [(FUNCTIONS, table()), (CONSTRUCT_TABLE, construct_table()), (REFUSED_ON_DEMAND, refused_on_demand())]
    {
        let (before, rest) = readme.split_once(marks.begin).expect("the README has the table's first mark");
        let (told, after) = rest.split_once(marks.end).expect("the README has the table's last mark");
        if std::env::var_os("WRITE_README").is_none() {
            assert_eq!(told, table, "run this test with WRITE_README=1");
        }
        readme = format!("{before}{}{table}{}{after}", marks.begin, marks.end);
    }
    if std::env::var_os("WRITE_README").is_some() {
        fs::write(&path, readme).unwrap();
    }
}
