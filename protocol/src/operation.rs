//! What a request asks for.

mod generated;

pub use generated::Operation;

/// The part of a target before the operation's name; both services share it. # model
const TARGET_PREFIX: &str = "Timestream_20181101.";

/// Which of the two services has an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// Timestream Write.
    Write,
    /// Timestream Query.
    Query,
    /// Both, under one target: which one is meant shows in the resource that the request names.
    Both,
}

impl Operation {
    /// The operation that the header `X-Amz-Target` names, such as `Timestream_20181101.WriteRecords`.
    #[must_use]
    pub fn from_target(target: &str) -> Option<Self> {
        let name = target.strip_prefix(TARGET_PREFIX)?;
        Self::ALL.binary_search_by(|operation| operation.name().cmp(name)).ok().map(|index| Self::ALL[index])
    }
}

#[cfg(test)]
mod tests {
    use super::{Operation, Service};
    use crate::ErrorCode;

    #[test]
    fn every_target_leads_to_its_operation() {
        for operation in Operation::ALL {
            assert_eq!(Operation::from_target(&format!("Timestream_20181101.{}", operation.name())), Some(operation));
        }
        for target in ["", "WriteRecords", "Timestream_20181101.", "Timestream_20181101.writeRecords", "A.WriteRecords"]
        {
            assert_eq!(Operation::from_target(target), None, "{target}");
        }
    }

    #[test]
    fn the_services_have_nineteen_and_fifteen_operations_and_share_four() {
        // # model
        let count = |service| Operation::ALL.iter().filter(|operation| operation.service() == service).count();
        assert_eq!((count(Service::Write), count(Service::Query), count(Service::Both)), (15, 11, 4));
        for operation in Operation::ALL {
            let services: Vec<_> = operation.inputs().iter().map(|(service, _)| *service).collect();
            match operation.service() {
                Service::Both => assert_eq!(services, [Service::Write, Service::Query]),
                one => assert_eq!(services, [one]),
            }
        }
    }

    #[test]
    fn allowed_errors_are_those_of_the_model() {
        // # model
        assert!(Operation::WriteRecords.errors().contains(&ErrorCode::RejectedRecordsException));
        assert!(!Operation::Query.errors().contains(&ErrorCode::ResourceNotFoundException));
        assert_eq!(Operation::DescribeEndpoints.errors().len(), 3);
    }
}
