//! Settings of an account in a region: how much compute its queries may use. Nothing is charged here and queries use
//! what the machine has; the settings are kept so that tools that manage them work.

use crate::model::scope::Scope;

/// Compute units come in these steps. # guide: tcu.html
const TCU_STEP: i32 = 4;
/// # guide: tcu.html
const TCU_MAX: i32 = 1_000;
/// What new accounts may use. # guide: ts-limits.html
const DEFAULT_MAX_QUERY_TCU: i32 = 200;
/// The only region that has provisioned compute. # guide: API_query_UpdateAccountSettings.html
const PROVISIONED_REGION: &str = "ap-south-1";
/// How long after a change provisioned compute cannot be reduced, milliseconds. # guide: provisioned-tcu.html
const REDUCTION_PAUSE_MS: i64 = 3_600_000;

/// The settings of one account in one region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountSettings {
    /// Compute units that queries may use at most.
    pub max_query_tcu: i32,
    /// Compute that is set aside; `None`: on demand.
    pub provisioned: Option<ProvisionedCompute>,
}

/// Compute that is set aside for queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProvisionedCompute {
    /// Compute units.
    pub query_tcu: i32,
    /// When they last changed, milliseconds since the epoch.
    pub changed_ms: i64,
}

/// What UpdateAccountSettings changes; absent parts stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountSettingsUpdate {
    /// Compute units that queries may use at most.
    pub max_query_tcu: Option<i32>,
    /// Whether compute is set aside and how much.
    pub compute: Option<ComputeUpdate>,
}

/// What UpdateAccountSettings changes of the compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ComputeUpdate {
    /// Whether compute is set aside; absent: as before.
    pub provisioned: Option<bool>,
    /// Compute units to set aside.
    pub target_query_tcu: Option<i32>,
}

/// Why settings are refused. The rules are # guide: API_query_UpdateAccountSettings.html; the words are # inferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Not a number of compute units that queries may be limited to.
    #[error("MaxQueryTCU must be a multiple of {TCU_STEP} from {TCU_STEP} to {TCU_MAX}.")]
    MaxQueryTcu,
    /// Not a number of compute units that can be set aside.
    #[error("TargetQueryTCU must be a multiple of {TCU_STEP} from 0 to {TCU_MAX}.")]
    TargetQueryTcu,
    /// Provisioned compute elsewhere than where it exists.
    #[error("QueryCompute is available in {PROVISIONED_REGION} only.")]
    Region,
    /// Capacity without the mode that it is for.
    #[error("ProvisionedCapacity can only be given with the compute mode PROVISIONED.")]
    CapacityOnDemand,
    /// The mode without its capacity.
    #[error("ProvisionedCapacity must be given with the compute mode PROVISIONED.")]
    NoCapacity,
    /// Less too soon.
    #[error("TargetQueryTCU can only be reduced one hour after it was last changed.")]
    TooSoon,
}

impl Default for AccountSettings {
    fn default() -> Self {
        Self { max_query_tcu: DEFAULT_MAX_QUERY_TCU, provisioned: None }
    }
}

impl AccountSettings {
    /// Whether accounts have provisioned compute there at all.
    #[must_use]
    pub fn has_provisioned_compute(scope: &Scope) -> bool {
        *scope.region == *PROVISIONED_REGION
    }

    /// These settings, changed at `now_ms` (milliseconds since the epoch).
    ///
    /// # Errors
    /// [`SettingsError`]: nothing is changed then.
    pub fn changed(mut self, scope: &Scope, update: AccountSettingsUpdate, now_ms: i64) -> Result<Self, SettingsError> {
        if let Some(tcu) = update.max_query_tcu {
            if tcu < TCU_STEP || !is_tcu_count(tcu) {
                return Err(SettingsError::MaxQueryTcu);
            }
            self.max_query_tcu = tcu;
        }
        if let Some(compute) = update.compute {
            if !Self::has_provisioned_compute(scope) {
                return Err(SettingsError::Region);
            }
            self.provisioned = provisioned(self.provisioned, compute, now_ms)?;
        }
        Ok(self)
    }
}

fn provisioned(
    current: Option<ProvisionedCompute>,
    update: ComputeUpdate,
    now_ms: i64,
) -> Result<Option<ProvisionedCompute>, SettingsError> {
    let is_provisioned = update.provisioned.unwrap_or(current.is_some());
    let query_tcu = match (is_provisioned, update.target_query_tcu) {
        (false, None) => return Ok(None),
        (false, Some(_)) => return Err(SettingsError::CapacityOnDemand),
        (true, None) => return Err(SettingsError::NoCapacity),
        (true, Some(query_tcu)) => query_tcu,
    };
    if !is_tcu_count(query_tcu) {
        return Err(SettingsError::TargetQueryTcu);
    }
    match current {
        Some(current) if query_tcu == current.query_tcu => Ok(Some(current)),
        Some(current)
            if query_tcu < current.query_tcu && now_ms.saturating_sub(current.changed_ms) < REDUCTION_PAUSE_MS =>
        {
            Err(SettingsError::TooSoon)
        }
        _ => Ok(Some(ProvisionedCompute { query_tcu, changed_ms: now_ms })),
    }
}

fn is_tcu_count(tcu: i32) -> bool {
    (0..=TCU_MAX).contains(&tcu) && tcu % TCU_STEP == 0
}
