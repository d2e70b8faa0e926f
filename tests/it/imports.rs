//! Who may import whom: the layers of the server and the few places where a crate or a system call may be named.
//!
//! `main -> server -> api -> { schedule, batch_load } -> { sql, ingest } -> engine -> { catalog, store } -> model -> clock`,
//! and `ingest`, `sql`, `schedule`, `batch_load` -> `outbound`.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The layers, the lowest first. A module imports only modules of lower layers.
const LAYERS: [&[&str]; 8] = [
    &["clock", "config"],
    &["model"],
    &["catalog", "store", "outbound"],
    &["engine"],
    &["sql", "ingest"],
    &["schedule", "batch_load"],
    &["api"],
    &["server"],
];

/// Paths that only some modules may name.
const RESERVED: [(&str, &[&str]); 18] = [
    ("timebrook_protocol", &["server", "api"]),
    ("hyper", &["server"]),
    ("hyper_util", &["server"]),
    ("rustls", &["server"]),
    ("tokio_rustls", &["server"]),
    ("rcgen", &["server"]),
    ("tower", &["server"]),
    ("s3s", &["server"]),
    // The bucket of the magnetic store is made by `outbound` and used by `store`.
    ("object_store", &["outbound", "store", "engine"]),
    ("clap", &["config", "main"]),
    ("datafusion", &["store", "engine", "sql", "api"]),
    ("datafusion::sql", &["sql"]),
    ("crate::outbound", &["ingest", "sql", "schedule", "batch_load", "api", "server"]),
    // Only the engine's re-exports, so that the versions always match.
    ("arrow", &[]),
    ("arrow_array", &[]),
    ("arrow_schema", &[]),
    ("parquet", &[]),
    ("sqlparser", &[]),
];

/// What plain values and the catalog's state machine must not touch.
const INPUT_OUTPUT: [&str; 6] = ["std::fs", "std::net", "std::io", "std::process", "std::thread", "tokio"];

#[test]
fn modules_import_only_lower_layers() {
    let mut violations = vec![];
    for (file, module, paths) in server_sources() {
        let Some(own) = layer(&module) else { continue };
        for path in paths.iter().filter(|path| path[0] == "crate" && path.len() > 1) {
            let imported = path[1].as_str();
            if imported != module && layer(imported).is_some_and(|other| other >= own) {
                violations.push(format!("{}: {}", file.display(), path.join("::")));
            }
        }
    }
    assert_none(&violations);
}

#[test]
fn every_module_has_a_layer() {
    for (file, module, _) in server_sources() {
        assert!(
            ["lib", "main"].contains(&module.as_str()) || layer(&module).is_some(),
            "{} belongs to no layer",
            file.display()
        );
    }
}

#[test]
fn reserved_paths_stay_in_their_modules() {
    let mut violations = vec![];
    for (file, module, paths) in server_sources() {
        for path in &paths {
            let text = path.join("::");
            for (reserved, allowed) in RESERVED {
                if begins_with(&text, reserved) && path.len() > 1 && !allowed.contains(&module.as_str()) {
                    violations.push(format!("{}: {text}", file.display()));
                }
            }
        }
    }
    assert_none(&violations);
}

#[test]
fn plain_values_do_no_input_or_output() {
    let mut violations = vec![];
    for (file, module, paths) in server_sources() {
        if ["model", "catalog"].contains(&module.as_str()) {
            for text in paths.iter().map(|path| path.join("::")) {
                if INPUT_OUTPUT.iter().any(|forbidden| begins_with(&text, forbidden)) {
                    violations.push(format!("{}: {text}", file.display()));
                }
            }
        }
    }
    assert_none(&violations);
}

#[test]
fn only_the_clock_reads_the_time() {
    let mut violations = vec![];
    for (file, module, paths) in server_sources() {
        for path in &paths {
            let now = path.ends_with(&["SystemTime".into(), "now".into()])
                || path.ends_with(&["Instant".into(), "now".into()]);
            if now && module != "clock" {
                violations.push(format!("{}: {}", file.display(), path.join("::")));
            }
        }
    }
    assert_none(&violations);
}

#[test]
fn the_protocol_has_no_async_function() {
    let mut violations = vec![];
    for file in files_under(&root().join("protocol/src"), &["rs"]) {
        let tokens = tokens(&code_of(&read(&file)));
        if tokens.windows(2).any(|pair| pair[0] == "async" && (pair[1] == "fn" || pair[1] == "move")) {
            violations.push(file.display().to_string());
        }
    }
    assert_none(&violations);
}

#[test]
fn no_manifest_names_the_engines_own_crates() {
    let mut violations = vec![];
    for folder in [".", "protocol", "conformance"] {
        let manifest = read(&root().join(folder).join("Cargo.toml"));
        for line in manifest.lines() {
            let name = line.split(['=', '.', ' ']).next().unwrap_or_default();
            if ["arrow", "parquet", "sqlparser"].iter().any(|crate_name| name.starts_with(crate_name)) {
                violations.push(format!("{folder}/Cargo.toml: {line}"));
            }
        }
    }
    assert_none(&violations);
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    let forbidden = [concat!("/wo", "rk/"), concat!("/home", "/"), concat!("/root", "/")];
    let mut violations = vec![];
    let kinds = ["rs", "py", "js", "sh", "toml", "md", "slt", "json", "txt", "yml", "yaml", "ini", ""];
    for file in files_under(root(), &kinds) {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        for (number, line) in text.lines().enumerate() {
            if forbidden.iter().any(|path| line.contains(path)) {
                violations.push(format!("{}:{}: {line}", file.display(), number + 1));
            }
        }
    }
    assert_none(&violations);
}

fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

/// The layer of a top-level module.
fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// Whether `path` is `prefix` or something in it.
fn begins_with(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Every source file of the server: its path, its top-level module (`lib` and `main` for those two), the paths it names.
fn server_sources() -> Vec<(PathBuf, String, Vec<Vec<String>>)> {
    let sources = root().join("src");
    files_under(&sources, &["rs"])
        .into_iter()
        .map(|file| {
            let inside = file.strip_prefix(&sources).expect("a file of the folder");
            let first = inside.iter().next().expect("a name").to_string_lossy();
            let module = first.strip_suffix(".rs").unwrap_or(&first).to_owned();
            let paths = paths(&tokens(&code_of(&read(&file))));
            (file, module, paths)
        })
        .collect()
}

/// The files at any depth with one of those extensions (`""` is none), without what is built or installed.
fn files_under(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let skipped = ["target", ".git", "node_modules", ".venv", "__pycache__"];
    let mut files = vec![];
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if skipped.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            files.extend(files_under(&path, extensions));
        } else if extensions.contains(&path.extension().unwrap_or_default().to_string_lossy().as_ref()) {
            files.push(path);
        }
    }
    files
}

/// Rust source without comments and without what stands in string and character literals.
fn code_of(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = raw_string_length(rest) {
            length
        } else if c == '"' {
            string_length(rest)
        } else if c == '\'' {
            character_length(rest)
        } else {
            code.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        code.push(' ');
        rest = &rest[skip..];
    }
    code
}

/// The length of `r"…"` or `r#"…"#` at the start.
fn raw_string_length(text: &str) -> Option<usize> {
    let hashes = text.strip_prefix('r')?.chars().take_while(|c| *c == '#').count();
    let body = text[1 + hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(body.find(&end).map_or(text.len(), |at| 2 + hashes + at + end.len()))
}

/// The length of `"…"` at the start.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a character literal at the start; of a lifetime only its quote.
fn character_length(text: &str) -> usize {
    let mut characters = text.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        (Some((_, '\\')), Some((at, escaped))) => {
            let after = at + escaped.len_utf8();
            text[after..].find('\'').map_or(1, |end| after + end + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

/// Identifiers, `::`, and single characters.
fn tokens(code: &str) -> Vec<String> {
    let mut tokens: Vec<String> = vec![];
    let mut rest = code.trim_start();
    while let Some(c) = rest.chars().next() {
        let length = if c.is_alphanumeric() || c == '_' {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            c.len_utf8()
        };
        tokens.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    tokens
}

/// Every path the tokens name, groups of `use` taken apart: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn paths(tokens: &[String]) -> Vec<Vec<String>> {
    let mut found = vec![];
    let mut at = 0;
    while at < tokens.len() {
        let continues = at > 0 && (tokens[at - 1] == "::" || tokens[at - 1] == ".");
        if is_name(&tokens[at]) && !continues {
            at = path_at(tokens, at, vec![], &mut found);
        } else {
            at += 1;
        }
    }
    found
}

/// Takes the path at `at` with what precedes it; returns where it ends.
fn path_at(tokens: &[String], mut at: usize, mut path: Vec<String>, found: &mut Vec<Vec<String>>) -> usize {
    while tokens.get(at).is_some_and(|token| is_name(token)) {
        path.push(tokens[at].clone());
        at += 1;
        if tokens.get(at).is_none_or(|token| token != "::") {
            found.push(path);
            return at;
        }
        at += 1;
    }
    if tokens.get(at).is_none_or(|token| token != "{") {
        // `a::*`, `a::<T>`
        found.push(path);
        return at;
    }
    at += 1;
    while let Some(token) = tokens.get(at).filter(|token| *token != "}") {
        at = match token.as_str() {
            "," => at + 1,
            "as" => at + 2,
            _ => path_at(tokens, at, path.clone(), found).max(at + 1),
        };
    }
    at + 1
}

fn is_name(token: &str) -> bool {
    token.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_')
}

/// The paths with more than one name, as text.
fn check_paths(source: &str, expected: &[&str]) {
    let found: Vec<String> = paths(&tokens(&code_of(source)))
        .into_iter()
        .filter(|path| path.len() > 1)
        .map(|path| path.join("::"))
        .collect();
    assert_eq!(found, expected, "{source}");
}

#[test]
fn paths_are_found() {
    check_paths("use a::b;", &["a::b"]);
    check_paths("use a::{b, c::{d, e as f}, g::*};", &["a::b", "a::c::d", "a::c::e", "a::g"]);
    check_paths("fn f() { let x = crate::sql::Query::<u8>::new(); }", &["crate::sql::Query"]);
    check_paths("// a::b\n/* c::d */ \"e::f\" r#\"g::h\"# 'x' let y: &'a i::j;", &["i::j"]);
    check_paths(r#"let s = "quote \" a::b"; c::d();"#, &["c::d"]);
    check_paths("x.iter().map(a::b)", &["a::b"]);
    check_paths("let quote = '\\''; a::b", &["a::b"]);
}
