//! Tags of databases, tables and scheduled queries. Both services have these operations under the same names: what a resource name names
//! decides which one is meant.

use super::{
    Api, Ctx,
    error::invalid,
    list_token,
    resource::{resource, scheduled_query_id},
};
use crate::{
    catalog::{Tags, scheduled_query::ScheduledQuery},
    engine::EngineError,
    model::{
        access::{self, Action},
        arn::{self, Resource},
        limits::TAGS_PER_RESOURCE_MAX,
    },
};
use timebrook_protocol::{
    ServiceError, Text, decode, encode,
    shapes::{query, write},
};

/// Tags in one page of the query service's listing. # model: the largest; # inferred: also the default
const PAGE_TAGS: usize = 200;

pub(super) async fn tag_resource(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: query::TagResourceRequest<'_> = decode(body)?;
    if let Some(id) = scheduled_query(ctx, Action::TagResource, &request.resource_arn)? {
        let tags = of_query(request.tags)?;
        let add = move |query: &ScheduledQuery| {
            let mut changed = query.clone();
            changed.tags.extend(tags);
            match changed.tags.len() > TAGS_PER_RESOURCE_MAX {
                true => Err(EngineError::QuotaExceeded(too_many())),
                false => Ok(changed),
            }
        };
        api.engine.change_scheduled_query(&ctx.scope, &id, add).await?;
        return Ok(encode(&query::TagResourceResponse {}));
    }
    let request: write::TagResourceRequest<'_> = decode(body)?;
    let (database, table) = resource(ctx, Action::TagResource, &request.resource_arn)?;
    let tags = from_wire(request.tags)?;
    api.engine.tag(&ctx.scope, &database, table.as_deref(), tags).await?;
    Ok(encode(&write::TagResourceResponse {}))
}

pub(super) async fn untag_resource(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: query::UntagResourceRequest<'_> = decode(body)?;
    if let Some(id) = scheduled_query(ctx, Action::UntagResource, &request.resource_arn)? {
        let keys: Vec<String> = request.tag_keys.into_iter().map(Text::into_string).collect();
        let remove = move |query: &ScheduledQuery| {
            let mut changed = query.clone();
            changed.tags.retain(|key, _| !keys.contains(key));
            Ok(changed)
        };
        api.engine.change_scheduled_query(&ctx.scope, &id, remove).await?;
        return Ok(encode(&query::UntagResourceResponse {}));
    }
    let request: write::UntagResourceRequest<'_> = decode(body)?;
    let (database, table) = resource(ctx, Action::UntagResource, &request.resource_arn)?;
    let keys: Vec<String> = request.tag_keys.into_iter().map(Text::into_string).collect();
    api.engine.untag(&ctx.scope, &database, table.as_deref(), &keys).await?;
    Ok(encode(&write::UntagResourceResponse {}))
}

/// The write service returns all tags at once, the query service in pages. # model. As the tags of databases and tables
/// belong to the write service, clients of the query service are served too: pages where they ask for them.
pub(super) fn list_tags_for_resource(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let paging: query::ListTagsForResourceRequest<'_> = decode(body)?;
    let tags = match scheduled_query(ctx, Action::ListTagsForResource, &paging.resource_arn)? {
        Some(id) => api.engine.scheduled_query(&ctx.scope, &id)?.tags.clone(),
        None => {
            let request: write::ListTagsForResourceRequest<'_> = decode(body)?;
            let (database, table) = resource(ctx, Action::ListTagsForResource, &request.resource_arn)?;
            api.engine.tags(&ctx.scope, &database, table.as_deref())?
        }
    };
    let listing = ["tags", &*paging.resource_arn];
    let after = match &paging.next_token {
        Some(token) => Some(list_token::decode::<1>(&listing, token)?),
        None => None,
    };
    let size = paging.max_results.map_or(PAGE_TAGS, |size| size.unsigned_abs() as usize);
    let mut rest = tags.iter().filter(|(key, _)| after.as_ref().is_none_or(|[after]| *key > after));
    let page: Vec<_> = rest.by_ref().take(size).collect();
    let next_token = match (page.last(), rest.next()) {
        (Some((last, _)), Some(_)) => Some(list_token::encode(&listing, &[last.as_str()]).into()),
        _ => None,
    };
    let tag = |(key, value): (&String, &String)| query::Tag { key: key.clone().into(), value: value.clone().into() };
    Ok(encode(&query::ListTagsForResourceResponse { tags: page.into_iter().map(tag).collect(), next_token }))
}

/// The id of the scheduled query that a resource name names; `None` when it names something else. Scheduled queries
/// belong to the query service, whose constraints differ.
fn scheduled_query(ctx: &Ctx, action: Action, text: &str) -> Result<Option<String>, ServiceError> {
    match arn::parse(text) {
        Some((_, Resource::ScheduledQuery(_))) => scheduled_query_id(ctx, action, text).map(Some),
        _ => Ok(None),
    }
}

/// Asks for the permission to give what is created these tags. # guide: service authorization reference,
/// list_timestream.html
pub(super) fn check_access<T>(
    ctx: &Ctx,
    tags: Option<&[T]>,
    resource: access::Resource<'_>,
) -> Result<(), ServiceError> {
    match tags {
        None | Some([]) => Ok(()),
        Some(_) => Ok(ctx.access.check(Action::TagResource, resource)?),
    }
}

/// The tags of a request of the query service.
///
/// # Errors
/// See [`from_wire`].
pub(super) fn of_query(tags: Vec<query::Tag<'_>>) -> Result<Tags, ServiceError> {
    from_wire(tags.into_iter().map(|tag| write::Tag { key: tag.key, value: tag.value }).collect())
}

fn too_many() -> String {
    format!("A resource cannot have more than {TAGS_PER_RESOURCE_MAX} tags.")
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
        return Err(EngineError::QuotaExceeded(too_many()).into());
    }
    Ok(checked)
}

/// # guide: the allowed characters; `@` is # inferred from the other services
fn is_tag_character(character: char) -> bool {
    character.is_alphanumeric() || character.is_whitespace() || "+-=._:/@".contains(character)
}
