//! The one operation of another service that is answered: clients told to send everything here ask it who they are.

use super::reply::{Reply, XML};
use crate::api::Ctx;

/// Says whose state the caller acts on, as the root user of that account. # docs: STS GetCallerIdentity
pub(crate) fn get_caller_identity(ctx: &Ctx) -> Reply {
    let account = &ctx.scope.account;
    let body = format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <GetCallerIdentityResult><Arn>arn:aws:iam::{account}:root</Arn><UserId>{account}</UserId>\
         <Account>{account}</Account></GetCallerIdentityResult>\
         <ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata></GetCallerIdentityResponse>",
        ctx.request_id
    );
    Reply::ok(XML, body)
}
