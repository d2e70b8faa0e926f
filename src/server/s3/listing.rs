//! Pages of a bucket's listing.

use crate::outbound::objects::Listed;
use std::fmt::Write as _;

/// Entries of a page at most. # guide of S3: API_ListObjectsV2.html
const ENTRIES_MAX: usize = 1_000;

/// What a client asks for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked<'a> {
    pub(super) prefix: &'a str,
    pub(super) delimiter: Option<&'a str>,
    /// Entries up to and including this one were on pages before.
    pub(super) after: Option<&'a str>,
    pub(super) entries_max: Option<i32>,
}

/// A page: objects and the prefixes that stand for several of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) objects: Vec<Listed>,
    pub(super) prefixes: Vec<String>,
    /// The last entry, when there are more.
    pub(super) next: Option<String>,
}

impl Asked<'_> {
    /// Entries of a page at most.
    pub(super) fn entries(&self) -> usize {
        self.entries_max.map_or(ENTRIES_MAX, |max| usize::try_from(max).unwrap_or(0)).min(ENTRIES_MAX)
    }

    /// The page of `found`: all objects that begin with the prefix, by key.
    pub(super) fn page(&self, found: Vec<Listed>) -> Page {
        let mut page = Page::default();
        let mut last = String::new();
        for object in found {
            let shared = self.shared_prefix(&object.key);
            let entry = shared.unwrap_or(&object.key);
            let is_before = self.after.is_some_and(|after| entry <= after);
            if is_before || (shared.is_some() && page.prefixes.last().is_some_and(|last| last == entry)) {
                continue;
            }
            if page.objects.len() + page.prefixes.len() == self.entries() {
                // Nothing can follow a page without entries.
                page.next = (!last.is_empty()).then_some(last);
                return page;
            }
            last = entry.to_owned();
            match shared {
                Some(prefix) => page.prefixes.push(prefix.to_owned()),
                None => page.objects.push(object),
            }
        }
        page
    }

    /// What of a key stands for it and its like: all up to the first delimiter behind the prefix.
    fn shared_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter.filter(|delimiter| !delimiter.is_empty())?;
        let behind = key.strip_prefix(self.prefix)?;
        let at = behind.find(delimiter)?;
        key.get(..self.prefix.len() + at + delimiter.len())
    }
}

/// A text as addresses have it, slashes kept: clients ask for keys in this form because not every character can stand in
/// XML.
pub(super) fn url_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                encoded.push(char::from(byte))
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 6] = ["a", "b/1", "b/2", "b/c/3", "d/4", "e"];

    fn check(asked: Asked<'_>, expect: &str) {
        let object = |key: &str| Listed { key: key.to_owned(), bytes: 1, modified_ms: 0, etag: String::new() };
        let found = KEYS.into_iter().filter(|key| key.starts_with(asked.prefix)).map(object).collect();
        let page = asked.page(found);
        let keys: Vec<_> = page.objects.iter().map(|object| object.key.as_str()).collect();
        let text = format!("{} | {} | {}", keys.join(" "), page.prefixes.join(" "), page.next.unwrap_or_default());
        assert_eq!(text, expect, "{asked:?}");
    }

    #[test]
    fn pages() {
        let all = Asked::default();
        check(all, "a b/1 b/2 b/c/3 d/4 e |  | ");
        check(Asked { delimiter: Some("/"), ..all }, "a e | b/ d/ | ");
        check(Asked { delimiter: Some("/"), prefix: "b/", ..all }, "b/1 b/2 | b/c/ | ");
        check(Asked { entries_max: Some(2), ..all }, "a b/1 |  | b/1");
        check(Asked { entries_max: Some(2), after: Some("b/1"), ..all }, "b/2 b/c/3 |  | b/c/3");
        check(Asked { entries_max: Some(2), delimiter: Some("/"), ..all }, "a | b/ | b/");
        check(Asked { entries_max: Some(2), delimiter: Some("/"), after: Some("b/"), ..all }, "e | d/ | ");
        check(Asked { entries_max: Some(0), ..all }, " |  | ");
        check(Asked { prefix: "nothing", ..all }, " |  | ");
    }

    #[test]
    fn keys_in_addresses() {
        assert_eq!(url_encoded("results/channel=a b/é.gz"), "results/channel%3Da%20b/%C3%A9.gz");
    }
}
