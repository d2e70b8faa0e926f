//! Requests for other services: `AWS_ENDPOINT_URL` sends them here too. Each is refused in the form its client reads,
//! with a text that names the service.

use super::{
    auth::Identity,
    dispatch::Head,
    reply::{JSON, Reply, XML},
};
use crate::api::Ctx;
use http::StatusCode;

const NAME: &str = "NotImplemented";

/// A service whose operations are named by a header.
pub(crate) fn json(identity: &Identity, target: &str) -> Reply {
    let service = identity.service.as_deref().unwrap_or_else(|| target.split(['.', '_']).next().unwrap_or_default());
    Reply::refusal(StatusCode::NOT_IMPLEMENTED, NAME, &message(service, target))
}

/// A service whose operations are named by a parameter and whose answers are XML.
pub(crate) fn xml(identity: &Identity, action: &str, ctx: &Ctx) -> Reply {
    let service = identity.service.as_deref().unwrap_or("another service");
    let message = escape(&message(service, action));
    let id = &ctx.request_id;
    let body = match service {
        "ec2" => format!(
            "<Response><Errors><Error><Code>{NAME}</Code><Message>{message}</Message></Error></Errors>\
             <RequestID>{id}</RequestID></Response>"
        ),
        _ => format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{NAME}</Code><Message>{message}</Message></Error>\
             <RequestId>{id}</RequestId></ErrorResponse>"
        ),
    };
    Reply::error(StatusCode::NOT_IMPLEMENTED, XML, NAME, body)
}

/// A service whose operations are named by method and path.
pub(crate) fn any(head: &Head<'_>, ctx: &Ctx) -> Reply {
    let service = head.identity.service.as_deref().unwrap_or("another service");
    let message = message(service, &format!("{} {}", head.parts.method, head.parts.uri.path()));
    match service {
        "s3" | "s3express" | "cloudfront" | "route53" => {
            let (message, id) = (escape(&message), &ctx.request_id);
            let body = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
                 <Error><Code>{NAME}</Code><Message>{message}</Message><RequestId>{id}</RequestId></Error>"
            );
            Reply::error(StatusCode::NOT_IMPLEMENTED, XML, NAME, body)
        }
        _ => {
            let reply = Reply::refusal(StatusCode::NOT_IMPLEMENTED, NAME, &message);
            Reply { content_type: JSON, ..reply }
        }
    }
}

fn message(service: &str, operation: &str) -> String {
    format!(
        "Timebrook serves Amazon Timestream for LiveAnalytics only; this request is for {service} ({operation}). \
         Set AWS_ENDPOINT_URL_TIMESTREAM_WRITE and AWS_ENDPOINT_URL_TIMESTREAM_QUERY instead of AWS_ENDPOINT_URL to \
         send other services elsewhere."
    )
}

/// Text as XML content.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // Most control characters have no form in XML at all.
            character if character.is_control() => escaped.push('?'),
            character => escaped.push(character),
        }
    }
    escaped
}
