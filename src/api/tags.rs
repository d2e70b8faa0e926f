//! Tags of databases and tables. Both services have these operations under the same names: what a resource name names
//! decides which one is meant.

use super::{Api, Ctx, error::invalid, list_token};
use crate::{
    catalog::Tags,
    engine::EngineError,
    model::{
        arn::{self, Resource},
        limits::TAGS_PER_RESOURCE_MAX,
    },
};
use timebrook_protocol::{
    Detail, ErrorCode, ServiceError, Text, decode, encode,
    shapes::{query, write},
};

/// Tags in one page of the query service's listing. # model: the largest; # inferred: also the default
const PAGE_TAGS: usize = 200;

pub(super) async fn tag_resource(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: query::TagResourceRequest<'_> = decode(body)?;
    refuse_scheduled_query(&request.resource_arn)?;
    let request: write::TagResourceRequest<'_> = decode(body)?;
    let (database, table) = resource(ctx, &request.resource_arn)?;
    let tags = from_wire(request.tags)?;
    api.engine.tag(&ctx.scope, &database, table.as_deref(), tags).await?;
    Ok(encode(&write::TagResourceResponse {}))
}

pub(super) async fn untag_resource(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: query::UntagResourceRequest<'_> = decode(body)?;
    refuse_scheduled_query(&request.resource_arn)?;
    let request: write::UntagResourceRequest<'_> = decode(body)?;
    let (database, table) = resource(ctx, &request.resource_arn)?;
    let keys: Vec<String> = request.tag_keys.into_iter().map(Text::into_string).collect();
    api.engine.untag(&ctx.scope, &database, table.as_deref(), &keys).await?;
    Ok(encode(&write::UntagResourceResponse {}))
}

/// The write service returns all tags at once, the query service in pages. # model. As the tags of databases and tables
/// belong to the write service, clients of the query service are served too: pages where they ask for them.
pub(super) fn list_tags_for_resource(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let paging: query::ListTagsForResourceRequest<'_> = decode(body)?;
    refuse_scheduled_query(&paging.resource_arn)?;
    let request: write::ListTagsForResourceRequest<'_> = decode(body)?;
    let (database, table) = resource(ctx, &request.resource_arn)?;
    let listing = ["tags", &*request.resource_arn];
    let after = match &paging.next_token {
        Some(token) => Some(list_token::decode::<1>(&listing, token)?),
        None => None,
    };
    let size = paging.max_results.map_or(PAGE_TAGS, |size| size.unsigned_abs() as usize);
    let tags = api.engine.tags(&ctx.scope, &database, table.as_deref())?;
    let mut rest = tags.iter().filter(|(key, _)| after.as_ref().is_none_or(|[after]| *key > after));
    let page: Vec<_> = rest.by_ref().take(size).collect();
    let next_token = match (page.last(), rest.next()) {
        (Some((last, _)), Some(_)) => Some(list_token::encode(&listing, &[last.as_str()]).into()),
        _ => None,
    };
    let tag = |(key, value): (&String, &String)| query::Tag { key: key.clone().into(), value: value.clone().into() };
    Ok(encode(&query::ListTagsForResourceResponse { tags: page.into_iter().map(tag).collect(), next_token }))
}

/// Scheduled queries belong to the query service, whose constraints differ; there are none yet.
fn refuse_scheduled_query(text: &str) -> Result<(), ServiceError> {
    let Some((_, Resource::ScheduledQuery(_))) = arn::parse(text) else { return Ok(()) };
    Err(ServiceError::new(ErrorCode::ResourceNotFoundException, format!("The scheduled query {text} does not exist."))
        .with_detail(Detail::ScheduledQueryArn(text.to_owned())))
}

/// The tags of a request.
///
/// # Errors
/// When a key or value is none that tags may have, or a key is there twice.
pub(super) fn from_wire(tags: Vec<write::Tag<'_>>) -> Result<Tags, ServiceError> {
    let mut checked = Tags::new();
    for write::Tag { key, value } in tags {
        if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            // # guide: the prefix is reserved; # inferred: the text
            return Err(invalid(format!("The tag key {key} is invalid: keys that begin with aws: are reserved.")));
        }
        for text in [&key, &value] {
            if !text.chars().all(is_tag_character) {
                // # guide: the characters; # inferred: the text
                return Err(invalid(format!(
                    "The tag {key} is invalid: tags may hold letters, white space, digits and + - = . _ : / @ only."
                )));
            }
        }
        if checked.contains_key(&*key) {
            // # inferred
            return Err(invalid(format!("The tag key {key} is given more than once.")));
        }
        checked.insert(key.into_string(), value.into_string());
    }
    if checked.len() > TAGS_PER_RESOURCE_MAX {
        let text = format!("A resource cannot have more than {TAGS_PER_RESOURCE_MAX} tags.");
        return Err(EngineError::QuotaExceeded(text).into());
    }
    Ok(checked)
}

/// # guide: the allowed characters; `@` is # inferred from the other services
fn is_tag_character(character: char) -> bool {
    character.is_alphanumeric() || character.is_whitespace() || "+-=._:/@".contains(character)
}

/// The database, and the table in it, that a resource name names.
fn resource(ctx: &Ctx, text: &str) -> Result<(String, Option<String>), ServiceError> {
    // # inferred: the text
    let (scope, resource) = arn::parse(text).ok_or_else(|| invalid(format!("The resource ARN {text} is invalid.")))?;
    let (database, table) = match resource {
        Resource::Database(database) => (database, None),
        Resource::Table { database, table } => (database, Some(table)),
        Resource::ScheduledQuery(_) => return Err(invalid(format!("The resource ARN {text} is invalid."))),
    };
    if scope == ctx.scope {
        return Ok((database, table));
    }
    // Another account's or region's: as good as absent for this one.
    Err(match table {
        Some(table) => EngineError::TableNotFound(table).into(),
        None => EngineError::DatabaseNotFound(database).into(),
    })
}
