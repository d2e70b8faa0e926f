//! Texts written with escapes: `U&'…'`.

use super::syntax;
use crate::sql::error::SqlError;
use datafusion::sql::sqlparser::tokenizer::{Span, Token, TokenWithSpan};

/// `U&'\\2603'` becomes the text that it stands for; `UESCAPE '#'` after it names another escape than the backslash.
/// # trino
pub(super) fn resolve(tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>, SqlError> {
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut rest = tokens.into_iter().peekable();
    while let Some(mut token) = rest.next() {
        if let (Token::SingleQuotedString(text), [.., u, and]) = (&token.token, &kept[..])
            && is_prefixed(u, and, &token)
        {
            let start = u.span.start;
            let mut escape = '\\';
            if rest.next_if(|next| is_unquoted(next, "UESCAPE")).is_some() {
                escape = rest.next().and_then(|named| named_escape(&named.token)).ok_or_else(|| syntax(start))?;
            }
            let text = resolved(text, escape).ok_or_else(|| syntax(start))?;
            token = TokenWithSpan::new(Token::UnicodeStringLiteral(text), Span::new(start, token.span.end));
            kept.truncate(kept.len() - 2);
        }
        kept.push(token);
    }
    Ok(kept)
}

/// Whether the three tokens are `U&'…'`, with nothing between them.
fn is_prefixed(u: &TokenWithSpan, and: &TokenWithSpan, text: &TokenWithSpan) -> bool {
    let touching = u.span.end == and.span.start && and.span.end == text.span.start;
    touching && and.token == Token::Ampersand && is_unquoted(u, "U")
}

fn is_unquoted(token: &TokenWithSpan, name: &str) -> bool {
    matches!(&token.token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(name))
}

/// The character that UESCAPE names; `None` for one that cannot be told from what it escapes.
fn named_escape(token: &Token) -> Option<char> {
    let Token::SingleQuotedString(text) = token else { return None };
    let mut chars = text.chars();
    let escape = chars.next().filter(|_| chars.next().is_none())?;
    let is_plain = ('\u{21}'..'\u{7f}').contains(&escape) && !escape.is_ascii_hexdigit();
    (is_plain && !matches!(escape, '"' | '+' | '\'')).then_some(escape)
}

/// The text with its escapes resolved: four digits, or `+` and six, or the escape itself. `None` for any other, and for
/// what is no character.
fn resolved(text: &str, escape: char) -> Option<String> {
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escaped)) = rest.split_once(escape) {
        resolved.push_str(plain);
        if let Some(after) = escaped.strip_prefix(escape) {
            resolved.push(escape);
            rest = after;
            continue;
        }
        let (digits, length) = escaped.strip_prefix('+').map_or((escaped, 4), |digits| (digits, 6));
        let (digits, after) = digits.split_at_checked(length)?;
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let code = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
        resolved.push(char::from_u32(code)?);
        rest = after;
    }
    resolved.push_str(rest);
    Some(resolved)
}
