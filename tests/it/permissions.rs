//! Policies: who may do what to what.

use crate::harness::{Answer, CredentialsFile, Timebrook, caller, signed};
use serde_json::{Value, json};
use timebrook_protocol::Operation;

const REGION: &str = "us-east-1";
const SCOPE: &str = "arn:aws:timestream:us-east-1:123456789012";
const USER: &str = "arn:aws:iam::123456789012:user/ci";

/// A policy of one statement.
fn allow(actions: Value, resources: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resources}]})
}

fn deny(actions: Value, resources: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": actions, "Resource": resources}})
}

fn everything() -> Value {
    allow(json!("*"), json!("*"))
}

/// A server with the root user, `user/ci` with these policies, and two tables.
struct Site {
    timebrook: Timebrook,
    file: CredentialsFile,
}

impl Site {
    async fn start() -> Self {
        let (timebrook, file) = Timebrook::start_with_credentials(&Self::callers(&json!([]))).await;
        let site = Self { timebrook, file };
        for database in ["sampleDB", "otherDB"] {
            let created = site.as_root("CreateDatabase", json!({"DatabaseName": database})).await;
            assert_eq!(created.status, 200, "{created:?}");
        }
        for table in ["DevOps", "DevOps1"] {
            let created = site.as_root("CreateTable", json!({"DatabaseName": "sampleDB", "TableName": table})).await;
            assert_eq!(created.status, 200, "{created:?}");
        }
        site
    }

    fn callers(policies: &Value) -> Value {
        json!({"credentials": [
            caller("AKIDROOT", "root", json!([])),
            caller("AKIDEXAMPLE", "user/ci", policies.clone()),
        ]})
    }

    fn set(&self, policies: &Value) {
        self.file.write(&Self::callers(policies).to_string());
        self.timebrook.service.reload_credentials();
    }

    async fn as_root(&self, operation: &str, body: Value) -> Answer {
        self.timebrook.send(signed(operation, body.to_string(), "AKIDROOT", REGION)).await
    }

    async fn call(&self, operation: &str, body: &Value) -> Answer {
        self.timebrook.send(signed(operation, body.to_string(), "AKIDEXAMPLE", REGION)).await
    }

    async fn query(&self, sql: &str) -> Answer {
        self.call("Query", &json!({"QueryString": sql})).await
    }
}

/// Why a request is refused, when it is for want of a permission.
fn denial(answer: &Answer) -> Option<String> {
    if answer.status == 200 || answer.error() != "AccessDeniedException" {
        return None;
    }
    assert_eq!(answer.status, 403);
    let json = answer.json();
    assert_eq!(json["__type"], "com.amazonaws.timestream.v20181101#AccessDeniedException");
    Some(json["Message"].as_str().unwrap().to_owned())
}

/// A request of an operation, and the actions that it asks policies about, with what each is on.
/// # guide: service authorization reference, list_timestream.html. There is no arm for operations to come: each needs its own.
fn requirements(operation: Operation) -> (Value, Vec<(&'static str, &'static str)>) {
    const DATABASE: &str = "arn:aws:timestream:us-east-1:123456789012:database/missing";
    const TABLE: &str = "arn:aws:timestream:us-east-1:123456789012:database/missing/table/missing";
    const SCHEDULED: &str = "arn:aws:timestream:us-east-1:123456789012:scheduled-query/missing-0123456789abcdef";
    const ROLE: &str = "arn:aws:iam::123456789012:role/runner";
    const ANY: &str = "";
    let database = || json!({"DatabaseName": "missing"});
    let table = || json!({"DatabaseName": "missing", "TableName": "missing"});
    let scheduled = || json!({"ScheduledQueryArn": SCHEDULED});
    let tags = json!([{"Key": "k", "Value": "v"}]);
    match operation {
        Operation::CancelQuery => (json!({"QueryId": "AEBQ"}), vec![("CancelQuery", ANY)]),
        Operation::CreateBatchLoadTask => {
            let model = json!({"TimeColumn": "t", "DimensionMappings": [{"SourceColumn": "d"}],
                "MixedMeasureMappings": [{"MeasureValueType": "DOUBLE", "SourceColumn": "m", "MeasureName": "m"}]});
            let body = json!({
                "DataModelConfiguration": {"DataModel": model},
                "DataSourceConfiguration": {"DataSourceS3Configuration": {"BucketName": "bucket"}, "DataFormat": "CSV"},
                "ReportConfiguration": {"ReportS3Configuration": {"BucketName": "bucket"}},
                "TargetDatabaseName": "missing",
                "TargetTableName": "missing",
            });
            (body, vec![("CreateBatchLoadTask", TABLE), ("WriteRecords", TABLE)])
        }
        Operation::CreateDatabase => {
            let body = json!({"DatabaseName": "missing", "Tags": tags});
            (body, vec![("CreateDatabase", DATABASE), ("TagResource", DATABASE)])
        }
        Operation::CreateScheduledQuery => {
            let body = json!({
                "Name": "missing",
                "QueryString": "SELECT 1",
                "ScheduleConfiguration": {"ScheduleExpression": "rate(1 hour)"},
                "NotificationConfiguration":
                    {"SnsConfiguration": {"TopicArn": "arn:aws:sns:us-east-1:123456789012:topic"}},
                "ScheduledQueryExecutionRoleArn": ROLE,
                "ErrorReportConfiguration": {"S3Configuration": {"BucketName": "bucket"}},
                "Tags": tags,
            });
            let tagged = "arn:aws:timestream:us-east-1:123456789012:scheduled-query/missing-";
            (body, vec![("CreateScheduledQuery", ANY), ("iam:PassRole", ROLE), ("TagResource", tagged)])
        }
        Operation::CreateTable => {
            let body = json!({"DatabaseName": "missing", "TableName": "missing", "Tags": tags});
            (body, vec![("CreateTable", TABLE), ("TagResource", TABLE)])
        }
        Operation::DeleteDatabase => (database(), vec![("DeleteDatabase", DATABASE)]),
        Operation::DeleteScheduledQuery => (scheduled(), vec![("DeleteScheduledQuery", SCHEDULED)]),
        Operation::DeleteTable => (table(), vec![("DeleteTable", TABLE)]),
        Operation::DescribeAccountSettings => (json!({}), vec![("DescribeAccountSettings", ANY)]),
        Operation::DescribeBatchLoadTask => {
            (json!({"TaskId": "0123456789ABCDEF0123456789ABCDEF"}), vec![("DescribeBatchLoadTask", ANY)])
        }
        Operation::DescribeDatabase => (database(), vec![("DescribeDatabase", DATABASE)]),
        Operation::DescribeEndpoints => (json!({}), vec![("DescribeEndpoints", ANY)]),
        Operation::DescribeScheduledQuery => (scheduled(), vec![("DescribeScheduledQuery", SCHEDULED)]),
        Operation::DescribeTable => (table(), vec![("DescribeTable", TABLE)]),
        Operation::ExecuteScheduledQuery => {
            let body = json!({"ScheduledQueryArn": SCHEDULED, "InvocationTime": 1_717_243_200});
            (body, vec![("ExecuteScheduledQuery", SCHEDULED)])
        }
        Operation::ListBatchLoadTasks => (json!({}), vec![("ListBatchLoadTasks", ANY)]),
        Operation::ListDatabases => (json!({}), vec![("ListDatabases", ANY)]),
        Operation::ListScheduledQueries => (json!({}), vec![("ListScheduledQueries", ANY)]),
        Operation::ListTables => (database(), vec![("ListTables", DATABASE)]),
        Operation::ListTagsForResource => (json!({"ResourceARN": TABLE}), vec![("ListTagsForResource", TABLE)]),
        Operation::PrepareQuery => {
            let body = json!({"QueryString": "SELECT * FROM missing.missing", "ValidateOnly": true});
            (body, vec![("Select", TABLE)])
        }
        Operation::Query => (json!({"QueryString": "SELECT * FROM missing.missing"}), vec![("Select", TABLE)]),
        Operation::ResumeBatchLoadTask => {
            (json!({"TaskId": "0123456789ABCDEF0123456789ABCDEF"}), vec![("ResumeBatchLoadTask", ANY)])
        }
        Operation::TagResource => (json!({"ResourceARN": TABLE, "Tags": tags}), vec![("TagResource", TABLE)]),
        Operation::UntagResource => {
            (json!({"ResourceARN": DATABASE, "TagKeys": ["k"]}), vec![("UntagResource", DATABASE)])
        }
        Operation::UpdateAccountSettings => (json!({"MaxQueryTCU": 8}), vec![("UpdateAccountSettings", ANY)]),
        Operation::UpdateDatabase => {
            (json!({"DatabaseName": "missing", "KmsKeyId": "alias/key"}), vec![("UpdateDatabase", DATABASE)])
        }
        Operation::UpdateScheduledQuery => {
            (json!({"ScheduledQueryArn": SCHEDULED, "State": "DISABLED"}), vec![("UpdateScheduledQuery", SCHEDULED)])
        }
        Operation::UpdateTable => (table(), vec![("UpdateTable", TABLE)]),
        Operation::WriteRecords => {
            let record = json!({"Dimensions": [{"Name": "d", "Value": "v"}], "MeasureName": "m", "MeasureValue": "1",
                "Time": "1717243200000"});
            (
                json!({"DatabaseName": "missing", "TableName": "missing", "Records": [record]}),
                vec![("WriteRecords", TABLE)],
            )
        }
    }
}

/// The action with its service.
fn full(action: &str) -> String {
    if action.contains(':') { action.to_owned() } else { format!("timestream:{action}") }
}

/// The beginning of a denial.
fn not_authorized(action: &str, resource: &str) -> String {
    let on = if resource.is_empty() { String::new() } else { format!(" on resource: {resource}") };
    format!("User: {USER} is not authorized to perform: {action}{on}")
}

#[tokio::test]
async fn no_operation_is_reachable_without_its_actions() {
    let site = Site::start().await;
    for operation in Operation::ALL {
        let (body, needs) = requirements(operation);
        let name = operation.name();
        let actions: Vec<String> = needs.iter().map(|(action, _)| full(action)).collect();

        site.set(&json!([]));
        let (first, (_, resource)) = (&actions[0], needs[0]);
        let text = denial(&site.call(name, &body).await).unwrap_or_else(|| panic!("{name} without any policy"));
        let expect =
            format!("{} because no identity-based policy allows the {first} action", not_authorized(first, resource));
        assert_eq!(text, expect, "{name}");

        for (action, (_, resource)) in actions.iter().zip(&needs) {
            site.set(&json!([everything(), deny(json!(action), json!("*"))]));
            let text = denial(&site.call(name, &body).await).unwrap_or_else(|| panic!("{name} without {action}"));
            assert!(text.starts_with(&not_authorized(action, resource)), "{text}");
            assert!(text.ends_with(" with an explicit deny in an identity-based policy"), "{text}");
        }

        site.set(&json!([allow(json!(actions), json!("*"))]));
        let answer = site.call(name, &body).await;
        assert_eq!(denial(&answer), None, "{name} with {actions:?}");
        // Put away what that may have made.
        site.as_root("DeleteDatabase", json!({"DatabaseName": "missing"})).await;
    }
}

#[tokio::test]
async fn wrong_requests_are_told_what_is_wrong_before_who_may_do_them() {
    let site = Site::start().await;
    let answer = site.call("CreateTable", &json!({"DatabaseName": "sampleDB"})).await;
    assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "ValidationException"));
    let answer = site.call("WriteRecords", &json!({"DatabaseName": 1})).await;
    assert_eq!(answer.error(), "SerializationException");
    let answer = site.call("ListTagsForResource", &json!({"ResourceARN": "arn:aws:timestream:x"})).await;
    assert_eq!(answer.error(), "ValidationException");
}

#[tokio::test]
async fn what_exists_is_not_shown_to_who_may_not_see_it() {
    let site = Site::start().await;
    let same = async |operation: &str, one: Value, other: Value, names: (&str, &str)| {
        let (one, other) = (site.call(operation, &one).await, site.call(operation, &other).await);
        let (one, other) = (denial(&one).unwrap(), denial(&other).unwrap());
        assert_eq!(one.replace(names.0, "NAME"), other.replace(names.1, "NAME"), "{operation}");
    };
    let table = |name: &str| json!({"DatabaseName": "sampleDB", "TableName": name});
    same("DescribeTable", table("DevOps"), table("missing"), ("DevOps", "missing")).await;
    let database = |name: &str| json!({"DatabaseName": name});
    same("DescribeDatabase", database("sampleDB"), database("missing"), ("sampleDB", "missing")).await;
    same("ListTables", database("sampleDB"), database("missing"), ("sampleDB", "missing")).await;
    for sql in [
        "SELECT nothing FROM NAME.DevOps",
        "SHOW TABLES FROM NAME",
        "DESCRIBE NAME.DevOps",
        "SHOW MEASURES FROM NAME.DevOps",
    ] {
        let query = |name: &str| json!({"QueryString": sql.replace("NAME", name)});
        same("Query", query("sampleDB"), query("missing"), ("sampleDB", "missing")).await;
    }
}

#[tokio::test]
async fn queries_need_select_on_every_table_they_read() {
    let site = Site::start().await;
    // # guide: security_iam_id-based-policy-examples.html, Limit a query by table
    let table = |name: &str| format!("{SCOPE}:database/sampleDB/table/{name}");
    site.set(&json!([
        allow(json!(["timestream:Select"]), json!(table("*"))),
        deny(json!(["timestream:Select"]), json!(table("DevOps"))),
    ]));
    let allowed = [
        "SELECT * FROM sampleDB.DevOps1",
        r#"SELECT count(*) FROM "sampleDB"."DevOps1" AS DevOps"#,
        "WITH DevOps AS (SELECT time FROM sampleDB.DevOps1) SELECT * FROM DevOps",
    ];
    for sql in allowed {
        let answer = site.query(sql).await;
        assert_eq!(answer.status, 200, "{sql}: {}", answer.text());
    }
    let denied = [
        "SELECT * FROM sampleDB.DevOps",
        "SELECT 1 FROM sampleDB.DevOps LIMIT 0",
        "SELECT * FROM sampleDB.DevOps WHERE false",
        "WITH a AS (SELECT * FROM sampleDB.DevOps) SELECT time FROM a",
        "SELECT * FROM (SELECT time FROM sampleDB.DevOps) t",
        "SELECT a.time FROM sampleDB.DevOps1 a JOIN sampleDB.DevOps b ON a.time = b.time",
        "SELECT time FROM sampleDB.DevOps1 UNION ALL SELECT time FROM sampleDB.DevOps",
        "SELECT (SELECT count(*) FROM sampleDB.DevOps)",
        "SELECT time FROM sampleDB.DevOps1 WHERE EXISTS (SELECT 1 FROM sampleDB.DevOps)",
        "SELECT time FROM sampleDB.DevOps1 WHERE time IN (SELECT time FROM sampleDB.DevOps)",
        "SELECT time FROM sampleDB.DevOps1 ORDER BY (SELECT max(time) FROM sampleDB.DevOps)",
        "SELECT nothing FROM sampleDB.DevOps",
    ];
    for sql in denied {
        let expect = format!(
            "{} with an explicit deny in an identity-based policy",
            not_authorized("timestream:Select", &table("DevOps"))
        );
        for (operation, body) in [
            ("Query", json!({"QueryString": sql})),
            ("PrepareQuery", json!({"QueryString": sql, "ValidateOnly": true})),
        ] {
            assert_eq!(denial(&site.call(operation, &body).await), Some(expect.clone()), "{operation} {sql}");
        }
    }
    assert!(denial(&site.query("SELECT 1 FROM otherDB.DevOps1").await).is_some(), "of another database");
    // Nothing is read: another action.
    let text = denial(&site.query("SELECT 1").await).unwrap();
    assert!(text.starts_with(&not_authorized("timestream:SelectValues", "")), "{text}");
}

#[tokio::test]
async fn statements_need_actions_of_their_own() {
    let site = Site::start().await;
    let table = format!("{SCOPE}:database/sampleDB/table/DevOps");
    let database = format!("{SCOPE}:database/sampleDB");
    let databases = format!("{SCOPE}:database/*");
    let cases: [(&str, &[&str], &str); 9] = [
        ("SELECT now()", &["SelectValues"], ""),
        ("SELECT * FROM UNNEST(ARRAY[1]) AS t(x)", &["SelectValues"], ""),
        ("SHOW DATABASES", &["ListDatabases"], ""),
        ("SHOW TABLES FROM sampleDB", &["ListTables"], &database),
        ("SHOW TABLES", &["ListTables"], &databases),
        ("SHOW MEASURES FROM sampleDB.DevOps", &["ListMeasures"], &table),
        ("DESCRIBE sampleDB.DevOps", &["DescribeTable"], &table),
        ("UNLOAD (SELECT time FROM sampleDB.DevOps) TO 's3://bucket/a'", &["Select", "Unload"], &table),
        ("UNLOAD (SELECT 1 AS x) TO 's3://bucket/a'", &["SelectValues", "Unload"], ""),
    ];
    for (sql, actions, resource) in cases {
        let all: Vec<String> = actions.iter().map(|action| full(action)).collect();
        let covered = if resource.is_empty() { "*" } else { resource };
        site.set(&json!([allow(json!(all), json!(covered))]));
        let answer = site.query(sql).await;
        assert_eq!(denial(&answer), None, "{sql}");
        for action in &all {
            site.set(&json!([allow(json!(all), json!(covered)), deny(json!(action), json!(covered))]));
            let text = denial(&site.query(sql).await).unwrap_or_else(|| panic!("{sql} without {action}"));
            assert!(text.starts_with(&not_authorized(action, resource)), "{sql}: {text}");
        }
        site.set(&json!([allow(json!(all), json!("arn:aws:timestream:us-east-1:123456789012:database/otherDB*"))]));
        assert!(denial(&site.query(sql).await).is_some(), "{sql} elsewhere");
    }
}

#[tokio::test]
async fn a_denial_of_prepare_query_holds() {
    let site = Site::start().await;
    let body = json!({"QueryString": "SELECT time FROM sampleDB.DevOps", "ValidateOnly": true});
    // # guide: service authorization reference, list_timestream.html: the operation asks for Select
    site.set(&json!([allow(json!("timestream:Select"), json!("*"))]));
    assert_eq!(site.call("PrepareQuery", &body).await.status, 200);
    let both = [allow(json!("timestream:Select"), json!("*")), deny(json!("timestream:PrepareQuery"), json!("*"))];
    site.set(&json!(both));
    assert!(denial(&site.call("PrepareQuery", &body).await).is_some());
    assert_eq!(site.query("SELECT time FROM sampleDB.DevOps").await.status, 200, "which is no preparation");
}

/// # guide: security_iam_id-based-policy-examples.html: each policy as it stands there, with another account
#[tokio::test]
async fn documented_policies_do_what_they_say() {
    let site = Site::start().await;
    let check = async |policy: Value, calls: &[(&str, Value, bool)]| {
        site.set(&json!([policy]));
        for (operation, body, expect) in calls {
            let answer = site.call(operation, body).await;
            assert_eq!(denial(&answer).is_none(), *expect, "{operation} {body}: {}", answer.text());
        }
    };
    let query = |sql: &str| json!({"QueryString": sql});
    let database = |name: &str| json!({"DatabaseName": name});
    let table = |name: &str| json!({"DatabaseName": "sampleDB", "TableName": name});
    let devops = "arn:aws:timestream:us-east-1:123456789012:database/sampleDB/table/DevOps";

    // Allowing SELECT operations
    check(
        json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["timestream:Select", "timestream:DescribeTable", "timestream:ListMeasures"],
             "Resource": devops},
            {"Effect": "Allow",
             "Action": ["timestream:DescribeEndpoints", "timestream:SelectValues", "timestream:CancelQuery"],
             "Resource": "*"}]}),
        &[
            ("Query", query("SELECT * FROM sampleDB.DevOps"), true),
            ("Query", query("SELECT * FROM sampleDB.DevOps1"), false),
            ("Query", query("SELECT 1"), true),
            ("Query", query("SHOW MEASURES FROM sampleDB.DevOps"), true),
            ("Query", query("SHOW DATABASES"), false),
            ("DescribeTable", table("DevOps"), true),
            ("DescribeEndpoints", json!({}), true),
            ("CancelQuery", json!({"QueryId": "AEBQ"}), true),
            ("ListDatabases", json!({}), false),
            ("WriteRecords", requirements(Operation::WriteRecords).0, false),
        ],
    )
    .await;
    // List all tables in a database: with the slash
    check(
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["timestream:ListTables"],
            "Resource": "arn:aws:timestream:us-east-1:123456789012:database/sampleDB/"}]}),
        &[
            ("ListTables", database("sampleDB"), true),
            ("Query", query("SHOW TABLES FROM sampleDB"), true),
            ("ListTables", database("otherDB"), false),
            ("ListTables", json!({}), false),
        ],
    )
    .await;
    // Create, describe, delete, update and select on a table
    check(
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["timestream:CreateTable",
            "timestream:DescribeTable", "timestream:DeleteTable", "timestream:UpdateTable", "timestream:Select"],
            "Resource": devops}]}),
        &[
            ("DescribeTable", table("DevOps"), true),
            ("UpdateTable", table("DevOps"), true),
            ("DeleteTable", table("DevOps"), true),
            ("CreateTable", table("DevOps"), true),
            ("CreateTable", table("another"), false),
            ("DeleteTable", table("DevOps1"), false),
            ("DeleteDatabase", database("sampleDB"), false),
        ],
    )
    .await;
    // Create, describe, delete and describe a database
    check(
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["timestream:CreateDatabase",
            "timestream:DescribeDatabase", "timestream:DeleteDatabase", "timestream:UpdateDatabase"],
            "Resource": "arn:aws:timestream:us-east-1:123456789012:database/otherDB"}]}),
        &[
            ("DescribeDatabase", database("otherDB"), true),
            ("DeleteDatabase", database("otherDB"), true),
            ("CreateDatabase", database("otherDB"), true),
            ("CreateDatabase", database("thirdDB"), false),
            ("DescribeDatabase", database("sampleDB"), false),
        ],
    )
    .await;
}

#[tokio::test]
async fn policies_hold_in_their_region_and_by_the_canonical_name() {
    let site = Site::start().await;
    site.set(&json!([allow(json!("*"), json!("arn:aws:timestream:eu-west-1:123456789012:*"))]));
    let body = json!({"DatabaseName": "sampleDB"}).to_string();
    let answer = site.timebrook.send(signed("DescribeDatabase", body.clone(), "AKIDEXAMPLE", "us-east-1")).await;
    assert!(denial(&answer).is_some());
    let answer = site.timebrook.send(signed("DescribeDatabase", body, "AKIDEXAMPLE", "eu-west-1")).await;
    assert_eq!(answer.error(), "ResourceNotFoundException");
    // Another partition in the name does not lead past a denial.
    let arn = format!("{SCOPE}:database/sampleDB");
    site.set(&json!([everything(), deny(json!("timestream:ListTagsForResource"), json!(arn))]));
    for name in [arn.clone(), arn.replacen("aws", "aws-cn", 1)] {
        let answer = site.call("ListTagsForResource", &json!({"ResourceARN": name})).await;
        assert!(denial(&answer).is_some(), "{name}: {}", answer.text());
    }
}
