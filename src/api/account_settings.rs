//! Settings of an account in a region: how much compute its queries may use and how they are charged. Nothing is charged
//! here and queries use what the machine has; the settings are kept so that tools that manage them work.

use super::{
    Api, Ctx,
    error::{invalid, unsupported},
};
use crate::model::scope::Scope;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};
use timebrook_protocol::{
    ServiceError, decode, encode,
    shapes::query::{
        ComputeMode, DescribeAccountSettingsRequest, DescribeAccountSettingsResponse, LastUpdate, LastUpdateStatus,
        ProvisionedCapacityResponse, QueryComputeRequest, QueryComputeResponse, QueryPricingModel,
        UpdateAccountSettingsRequest, UpdateAccountSettingsResponse,
    },
};

/// Compute units come in these steps. # guide: tcu.html
const TCU_STEP: i32 = 4;
/// # guide: tcu.html
const TCU_MAX: i32 = 1_000;
/// What new accounts may use. # guide: ts-limits.html
const DEFAULT_MAX_QUERY_TCU: i32 = 200;
/// The only region that has provisioned compute. # guide: API_query_UpdateAccountSettings.html
const PROVISIONED_REGION: &str = "ap-south-1";
/// How long after a change provisioned compute cannot be reduced. # guide: provisioned-tcu.html
const REDUCTION_PAUSE_NS: i64 = 3_600_000_000_000;

/// The settings of one account in one region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Settings {
    max_query_tcu: i32,
    /// `None`: on demand.
    provisioned: Option<Provisioned>,
}

/// Compute that is set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Provisioned {
    query_tcu: i32,
    changed_ns: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { max_query_tcu: DEFAULT_MAX_QUERY_TCU, provisioned: None }
    }
}

/// The settings that differ from the defaults.
#[derive(Debug, Default)]
pub(super) struct AccountSettings(Mutex<HashMap<Scope, Settings>>);

impl AccountSettings {
    /// Puts all accounts, or one, back to the defaults.
    pub(super) fn reset(&self, account: Option<&str>) {
        let mut settings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        settings.retain(|scope, _| account.is_some_and(|account| *scope.account != *account));
    }

    fn of(&self, scope: &Scope) -> Settings {
        let settings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        settings.get(scope).copied().unwrap_or_default()
    }

    fn update(
        &self,
        scope: &Scope,
        change: impl FnOnce(Settings) -> Result<Settings, ServiceError>,
    ) -> Result<Settings, ServiceError> {
        let mut settings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(settings.get(scope).copied().unwrap_or_default())?;
        settings.insert(scope.clone(), changed);
        Ok(changed)
    }
}

pub(super) fn describe_account_settings(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let _: DescribeAccountSettingsRequest = decode(body)?;
    let settings = api.account_settings.of(&ctx.scope);
    Ok(encode(&DescribeAccountSettingsResponse {
        max_query_tcu: Some(settings.max_query_tcu),
        query_pricing_model: Some(QueryPricingModel::ComputeUnits),
        query_compute: query_compute(&ctx.scope, settings),
    }))
}

pub(super) fn update_account_settings(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: UpdateAccountSettingsRequest<'_> = decode(body)?;
    let settings = api.account_settings.update(&ctx.scope, |settings| changed(settings, &request, ctx))?;
    Ok(encode(&UpdateAccountSettingsResponse {
        max_query_tcu: Some(settings.max_query_tcu),
        query_pricing_model: Some(QueryPricingModel::ComputeUnits),
        query_compute: query_compute(&ctx.scope, settings),
    }))
}

/// The rules are the guide's (API_query_UpdateAccountSettings.html); the texts are # inferred.
fn changed(
    mut settings: Settings,
    request: &UpdateAccountSettingsRequest<'_>,
    ctx: &Ctx,
) -> Result<Settings, ServiceError> {
    if request.query_pricing_model == Some(QueryPricingModel::BytesScanned) {
        return Err(invalid("QueryPricingModel can only be changed to COMPUTE_UNITS."));
    }
    if let Some(tcu) = request.max_query_tcu {
        if !(TCU_STEP..=TCU_MAX).contains(&tcu) || tcu % TCU_STEP != 0 {
            return Err(invalid(format!("MaxQueryTCU must be a multiple of {TCU_STEP} from {TCU_STEP} to {TCU_MAX}.")));
        }
        settings.max_query_tcu = tcu;
    }
    if let Some(compute) = &request.query_compute {
        settings.provisioned = provisioned(settings.provisioned, compute, ctx)?;
    }
    Ok(settings)
}

fn provisioned(
    current: Option<Provisioned>,
    request: &QueryComputeRequest<'_>,
    ctx: &Ctx,
) -> Result<Option<Provisioned>, ServiceError> {
    if *ctx.scope.region != *PROVISIONED_REGION {
        return Err(invalid(format!("QueryCompute is available in {PROVISIONED_REGION} only.")));
    }
    let mode = request.compute_mode.unwrap_or(match current {
        Some(_) => ComputeMode::Provisioned,
        None => ComputeMode::OnDemand,
    });
    let capacity = match (mode, &request.provisioned_capacity) {
        (ComputeMode::OnDemand, None) => return Ok(None),
        (ComputeMode::OnDemand, Some(_)) => {
            return Err(invalid("ProvisionedCapacity can only be given with the compute mode PROVISIONED."));
        }
        (ComputeMode::Provisioned, None) => {
            return Err(invalid("ProvisionedCapacity must be given with the compute mode PROVISIONED."));
        }
        (ComputeMode::Provisioned, Some(capacity)) => capacity,
    };
    if capacity.notification_configuration.is_some() {
        return Err(unsupported("ProvisionedCapacity.NotificationConfiguration"));
    }
    let query_tcu = capacity.target_query_tcu;
    if !(0..=TCU_MAX).contains(&query_tcu) || query_tcu % TCU_STEP != 0 {
        return Err(invalid(format!("TargetQueryTCU must be a multiple of {TCU_STEP} from 0 to {TCU_MAX}.")));
    }
    match current {
        Some(current) if query_tcu == current.query_tcu => Ok(Some(current)),
        Some(current)
            if query_tcu < current.query_tcu && ctx.now_ns.saturating_sub(current.changed_ns) < REDUCTION_PAUSE_NS =>
        {
            Err(invalid("TargetQueryTCU can only be reduced one hour after it was last changed."))
        }
        _ => Ok(Some(Provisioned { query_tcu, changed_ns: ctx.now_ns })),
    }
}

/// # guide: API_query_DescribeAccountSettings.html: absent where there is no provisioned compute
fn query_compute(scope: &Scope, settings: Settings) -> Option<QueryComputeResponse<'static>> {
    if *scope.region != *PROVISIONED_REGION {
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
