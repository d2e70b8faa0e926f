//! Settings of the account.

use super::{
    Api, Ctx,
    error::{invalid, unsupported},
};
use crate::{
    catalog::settings::{AccountSettings, AccountSettingsUpdate, ComputeUpdate},
    model::{
        access::{Action, Resource},
        scope::Scope,
    },
};
use timebrook_protocol::{
    ServiceError, decode, encode,
    shapes::query::{
        ComputeMode, DescribeAccountSettingsRequest, DescribeAccountSettingsResponse, LastUpdate, LastUpdateStatus,
        ProvisionedCapacityResponse, QueryComputeRequest, QueryComputeResponse, QueryPricingModel,
        UpdateAccountSettingsRequest, UpdateAccountSettingsResponse,
    },
};

pub(super) fn describe_account_settings(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let _: DescribeAccountSettingsRequest = decode(body)?;
    ctx.access.check(Action::DescribeAccountSettings, Resource::Any)?;
    let settings = api.engine.account_settings(&ctx.scope);
    Ok(encode(&DescribeAccountSettingsResponse {
        max_query_tcu: Some(settings.max_query_tcu),
        query_pricing_model: Some(QueryPricingModel::ComputeUnits),
        query_compute: query_compute(&ctx.scope, settings),
    }))
}

pub(super) async fn update_account_settings(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: UpdateAccountSettingsRequest<'_> = decode(body)?;
    ctx.access.check(Action::UpdateAccountSettings, Resource::Any)?;
    // # guide: API_query_UpdateAccountSettings.html; # inferred: the text
    if request.query_pricing_model == Some(QueryPricingModel::BytesScanned) {
        return Err(invalid("QueryPricingModel can only be changed to COMPUTE_UNITS."));
    }
    let update = AccountSettingsUpdate {
        max_query_tcu: request.max_query_tcu,
        compute: request.query_compute.as_ref().map(compute_update).transpose()?,
    };
    let settings = api.engine.update_account_settings(&ctx.scope, update, ctx.now_ns).await?;
    Ok(encode(&UpdateAccountSettingsResponse {
        max_query_tcu: Some(settings.max_query_tcu),
        query_pricing_model: Some(QueryPricingModel::ComputeUnits),
        query_compute: query_compute(&ctx.scope, settings),
    }))
}

fn compute_update(request: &QueryComputeRequest<'_>) -> Result<ComputeUpdate, ServiceError> {
    let capacity = request.provisioned_capacity.as_ref();
    if capacity.is_some_and(|capacity| capacity.notification_configuration.is_some()) {
        return Err(unsupported("ProvisionedCapacity.NotificationConfiguration"));
    }
    Ok(ComputeUpdate {
        provisioned: request.compute_mode.map(|mode| mode == ComputeMode::Provisioned),
        target_query_tcu: capacity.map(|capacity| capacity.target_query_tcu),
    })
}

/// # guide: API_query_DescribeAccountSettings.html: absent where there is no provisioned compute
fn query_compute(scope: &Scope, settings: AccountSettings) -> Option<QueryComputeResponse<'static>> {
    if !AccountSettings::has_provisioned_compute(scope) {
        return None;
    }
    let capacity = settings.provisioned.map(|provisioned| ProvisionedCapacityResponse {
        active_query_tcu: Some(provisioned.query_tcu),
        notification_configuration: None,
        last_update: Some(LastUpdate {
            target_query_tcu: Some(provisioned.query_tcu),
            status: Some(LastUpdateStatus::Succeeded),
            status_message: None,
        }),
    });
    let mode = if capacity.is_some() { ComputeMode::Provisioned } else { ComputeMode::OnDemand };
    Some(QueryComputeResponse { compute_mode: Some(mode), provisioned_capacity: capacity })
}
