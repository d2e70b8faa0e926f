//! What the service demands of a request, as data: the validator words violations from it, and tests derive their cases
//! from it.

pub mod query;
pub mod write;

/// A structure and what it holds.
#[derive(Debug)]
pub struct Structure {
    /// The shape's name in the model.
    pub name: &'static str,
    /// The members, in the model's order.
    pub members: &'static [Member],
}

/// A member of a structure.
#[derive(Debug)]
pub struct Member {
    /// The name on the wire, such as `DatabaseName`.
    pub name: &'static str,
    /// The name as violations print it, such as `databaseName`. # observed
    pub path: &'static str,
    /// Whether it must be present.
    pub required: bool,
    /// What it holds.
    pub kind: Kind,
}

/// What a value is.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A string.
    Text(TextLimits),
    /// A 32-bit integer in a range.
    Integer(Bounds),
    /// A 64-bit integer in a range.
    Long(Bounds),
    /// A floating-point number.
    Double,
    /// `true` or `false`.
    Boolean,
    /// Seconds since the epoch.
    Timestamp,
    /// A list.
    List(ListLimits),
    /// A structure.
    Structure(&'static Structure),
}

/// The constraints on a string.
#[derive(Clone, Copy, Debug)]
pub struct TextLimits {
    /// The length in characters.
    pub length: Bounds,
    /// The pattern the whole text must match.
    pub pattern: Option<Pattern>,
    /// The values of an enum, in the model's order; empty when the text is free.
    pub values: &'static [&'static str],
    /// Whether the value must not be printed.
    pub sensitive: bool,
}

/// The constraints on a list.
#[derive(Clone, Copy, Debug)]
pub struct ListLimits {
    /// The number of elements.
    pub length: Bounds,
    /// What an element is.
    pub element: &'static Kind,
}

/// An inclusive range; `None` is no bound at that end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The least value or length.
    pub min: Option<i64>,
    /// The greatest value or length.
    pub max: Option<i64>,
}

/// The patterns that occur in the models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Of databases and tables.
    ResourceName,
    /// Of batch load tasks.
    UpperAlphanumeric,
    /// Of query ids.
    Alphanumeric,
    /// Of S3 buckets.
    BucketName,
    /// Of S3 keys and their prefixes, and of scheduled queries.
    ObjectKey,
}

impl Pattern {
    /// The regular expression. # model
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ResourceName => "[a-zA-Z0-9_.-]+",
            Self::UpperAlphanumeric => "[A-Z0-9]+",
            Self::Alphanumeric => "[a-zA-Z0-9]+",
            Self::BucketName => r"[a-z0-9][\.\-a-z0-9]{1,61}[a-z0-9]",
            Self::ObjectKey => r"[a-zA-Z0-9|!\-_*'\(\)]([a-zA-Z0-9]|[!\-_*'\(\)\/.])+",
        }
    }

    /// Whether the whole of `text` matches.
    #[must_use]
    pub fn matches(self, text: &str) -> bool {
        let bytes = text.as_bytes();
        match self {
            Self::ResourceName => some_of(bytes, |b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-')),
            Self::UpperAlphanumeric => some_of(bytes, |b| b.is_ascii_uppercase() || b.is_ascii_digit()),
            Self::Alphanumeric => some_of(bytes, |b| b.is_ascii_alphanumeric()),
            Self::BucketName => match bytes {
                [first, middle @ .., last] => {
                    let ends = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
                    (1..=61).contains(&middle.len())
                        && ends(*first)
                        && ends(*last)
                        && some_of(middle, |b| ends(b) || matches!(b, b'.' | b'-'))
                }
                _ => false,
            },
            Self::ObjectKey => match bytes {
                [first, rest @ ..] => {
                    let either = |b: u8| {
                        b.is_ascii_alphanumeric() || matches!(b, b'!' | b'-' | b'_' | b'*' | b'\'' | b'(' | b')')
                    };
                    (either(*first) || *first == b'|') && some_of(rest, |b| either(b) || matches!(b, b'/' | b'.'))
                }
                _ => false,
            },
        }
    }
}

/// At least one byte, and all of them of the class.
fn some_of(bytes: &[u8], class: impl Fn(u8) -> bool) -> bool {
    !bytes.is_empty() && bytes.iter().all(|b| class(*b))
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn patterns_match_whole_texts() {
        let bucket_63 = "a".repeat(63);
        let bucket_64 = "a".repeat(64);
        let cases = [
            (Pattern::ResourceName, "grafanaDB.DevOps-1_2", true),
            (Pattern::ResourceName, "", false),
            (Pattern::ResourceName, "my db", false),
            (Pattern::ResourceName, "datenbänke", false),
            (Pattern::UpperAlphanumeric, "9367BE28418C5EF902676482220B631C", true),
            (Pattern::UpperAlphanumeric, "abc", false),
            (Pattern::Alphanumeric, "AEDACAMXZ5LX", true),
            (Pattern::Alphanumeric, "a-b", false),
            (Pattern::BucketName, "my-bucket.1", true),
            (Pattern::BucketName, "ab", false),
            (Pattern::BucketName, "abc", true),
            (Pattern::BucketName, "-bc", false),
            (Pattern::BucketName, "ab.", false),
            (Pattern::BucketName, "a_c", false),
            (Pattern::BucketName, &bucket_63, true),
            (Pattern::BucketName, &bucket_64, false),
            (Pattern::ObjectKey, "a", false),
            (Pattern::ObjectKey, "|a", true),
            (Pattern::ObjectKey, "a|", false),
            (Pattern::ObjectKey, "errors/2024.json", true),
            (Pattern::ObjectKey, "/errors", false),
            (Pattern::ObjectKey, ".errors", false),
            (Pattern::ObjectKey, "a b", false),
        ];
        for (pattern, text, expect) in cases {
            assert_eq!(pattern.matches(text), expect, "{pattern:?} {text}");
        }
    }
}
