//! Databases, tables, tags.

use super::{make_table, refused};
use crate::{clients::Clients, scenario::Scenario};
use aws_sdk_timestreamwrite::types::{
    MagneticStoreWriteProperties, PartitionKey, PartitionKeyEnforcementLevel, PartitionKeyType, RetentionProperties,
    Schema, TableStatus, Tag,
};
use std::collections::BTreeMap;

pub(super) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("create_describe_delete_database", create_describe_delete_database),
        Scenario::new("update_database", update_database),
        Scenario::new("create_table_with_defaults", create_table_with_defaults),
        Scenario::new("create_table_with_settings", create_table_with_settings),
        Scenario::new("update_table", update_table),
        Scenario::new("list_databases_in_pages", list_databases_in_pages),
        Scenario::new("list_tables_in_pages", list_tables_in_pages),
        Scenario::new("tag_and_untag", tag_and_untag),
        Scenario::new("conflict_and_not_found", conflict_and_not_found),
        Scenario::new("delete_database_with_tables", delete_database_with_tables),
        Scenario::new("constraint_violations", constraint_violations),
    ]
}

async fn create_describe_delete_database(clients: Clients) {
    let write = &clients.write;
    let created =
        write.create_database().database_name("sensors").send().await.expect("created").database.expect("told");
    assert_eq!(
        created.arn(),
        Some(format!("arn:aws:timestream:us-east-1:{}:database/sensors", clients.account).as_str())
    );
    assert_eq!((created.database_name(), created.table_count()), (Some("sensors"), 0));
    let key = format!("arn:aws:kms:us-east-1:{}:key/", clients.account);
    assert!(created.kms_key_id().is_some_and(|id| id.starts_with(&key)), "{created:?}");
    assert!(created.creation_time().is_some());
    let described = write.describe_database().database_name("sensors").send().await.expect("described").database;
    assert_eq!(described, Some(created));
    write.delete_database().database_name("sensors").send().await.expect("deleted");
    let gone = write.describe_database().database_name("sensors").send().await;
    assert_eq!(refused(gone, "ResourceNotFoundException", 404), "The database sensors does not exist.");
}

async fn update_database(clients: Clients) {
    let write = &clients.write;
    write.create_database().database_name("sensors").kms_key_id("alias/first").send().await.expect("created");
    write.update_database().database_name("sensors").kms_key_id("alias/second").send().await.expect("updated");
    let described = write.describe_database().database_name("sensors").send().await.expect("described").database;
    assert_eq!(described.as_ref().and_then(|database| database.kms_key_id()), Some("alias/second"));
    let unknown = write.update_database().database_name("unknown").kms_key_id("alias/second").send().await;
    assert_eq!(refused(unknown, "ResourceNotFoundException", 404), "The database unknown does not exist.");
}

async fn create_table_with_defaults(clients: Clients) {
    let write = &clients.write;
    write.create_database().database_name("sensors").send().await.expect("a database");
    let created = write.create_table().database_name("sensors").table_name("readings").send().await;
    let table = created.expect("created").table.expect("told");
    let arn = format!("arn:aws:timestream:us-east-1:{}:database/sensors/table/readings", clients.account);
    assert_eq!((table.arn(), table.table_status()), (Some(arn.as_str()), Some(&TableStatus::Active)));
    // guide: ts-limits.html
    let retention = table.retention_properties().expect("retention");
    assert_eq!(retention.memory_store_retention_period_in_hours(), 6);
    assert_eq!(retention.magnetic_store_retention_period_in_days(), 73_000);
    assert!(!table.magnetic_store_write_properties().expect("magnetic writes").enable_magnetic_store_writes());
    // guide: customer-defined-partition-keys.html
    let key = table.schema().expect("a schema").composite_partition_key();
    assert_eq!(key, [PartitionKey::builder().r#type(PartitionKeyType::Measure).build().expect("typed")]);
}

async fn create_table_with_settings(clients: Clients) {
    let write = &clients.write;
    write.create_database().database_name("sensors").send().await.expect("a database");
    let key = PartitionKey::builder()
        .r#type(PartitionKeyType::Dimension)
        .name("device")
        .enforcement_in_record(PartitionKeyEnforcementLevel::Required)
        .build()
        .expect("typed");
    let schema = Schema::builder().composite_partition_key(key).build();
    let retention = RetentionProperties::builder()
        .memory_store_retention_period_in_hours(24)
        .magnetic_store_retention_period_in_days(365)
        .build()
        .expect("both periods are set");
    let magnetic = MagneticStoreWriteProperties::builder().enable_magnetic_store_writes(true).build().expect("set");
    let created = write
        .create_table()
        .database_name("sensors")
        .table_name("readings")
        .retention_properties(retention.clone())
        .magnetic_store_write_properties(magnetic.clone())
        .schema(schema.clone())
        .send()
        .await;
    let table = created.expect("created").table.expect("told");
    assert_eq!(table.retention_properties(), Some(&retention));
    assert_eq!(table.magnetic_store_write_properties(), Some(&magnetic));
    assert_eq!(table.schema(), Some(&schema));
}

async fn update_table(clients: Clients) {
    make_table(&clients).await;
    let longer = RetentionProperties::builder()
        .memory_store_retention_period_in_hours(48)
        .magnetic_store_retention_period_in_days(1825)
        .build()
        .expect("both periods are set");
    let update = || clients.write.update_table().database_name("sensors").table_name("readings");
    let table = update().retention_properties(longer.clone()).send().await.expect("updated").table.expect("told");
    assert_eq!(table.retention_properties(), Some(&longer));
    let described =
        clients.write.describe_table().database_name("sensors").table_name("readings").send().await.expect("described");
    assert_eq!(described.table, Some(table));
}

async fn list_databases_in_pages(clients: Clients) {
    for name in ["ddd", "aaa", "ccc", "bbb", "eee"] {
        clients.write.create_database().database_name(name).send().await.expect("a database");
    }
    let (mut pages, mut token) = (vec![], None);
    loop {
        let page = clients.write.list_databases().max_results(2).set_next_token(token).send().await.expect("a page");
        let names: Vec<String> = page.databases().iter().filter_map(|d| d.database_name().map(str::to_owned)).collect();
        pages.push(names);
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(pages, [vec!["aaa", "bbb"], vec!["ccc", "ddd"], vec!["eee"]]);
}

async fn list_tables_in_pages(clients: Clients) {
    for database in ["first", "second"] {
        clients.write.create_database().database_name(database).send().await.expect("a database");
        for table in ["ccc", "aaa", "bbb"] {
            clients.write.create_table().database_name(database).table_name(table).send().await.expect("a table");
        }
    }
    let list = || clients.write.list_tables().database_name("first").max_results(2);
    let page = list().send().await.expect("a page");
    let names = |page: &[aws_sdk_timestreamwrite::types::Table]| -> Vec<String> {
        page.iter().filter_map(|table| table.table_name().map(str::to_owned)).collect()
    };
    assert_eq!(names(page.tables()), ["aaa", "bbb"]);
    let last = list().set_next_token(page.next_token).send().await.expect("a page");
    assert_eq!((names(last.tables()), last.next_token()), (vec!["ccc".to_owned()], None));
    let everywhere = clients.write.list_tables().send().await.expect("a page");
    assert_eq!(everywhere.tables().len(), 6);
    refused(clients.write.list_tables().database_name("unknown").send().await, "ResourceNotFoundException", 404);
}

async fn tag_and_untag(clients: Clients) {
    make_table(&clients).await;
    let arn = format!("arn:aws:timestream:us-east-1:{}:database/sensors/table/readings", clients.account);
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().expect("key and value are set");
    let tags_of = || async {
        let answer = clients.write.list_tags_for_resource().resource_arn(&arn).send().await.expect("tags");
        answer.tags().iter().map(|t| (t.key().to_owned(), t.value().to_owned())).collect::<BTreeMap<_, _>>()
    };
    let tagging = clients.write.tag_resource().resource_arn(&arn).tags(tag("stage", "test")).tags(tag("team", "blue"));
    tagging.send().await.expect("tagged");
    clients.write.tag_resource().resource_arn(&arn).tags(tag("stage", "live")).send().await.expect("tagged");
    clients.write.untag_resource().resource_arn(&arn).tag_keys("team").send().await.expect("untagged");
    assert_eq!(tags_of().await, BTreeMap::from([("stage".to_owned(), "live".to_owned())]));
}

async fn conflict_and_not_found(clients: Clients) {
    make_table(&clients).await;
    let again = clients.write.create_table().database_name("sensors").table_name("readings").send().await;
    // observed
    let text = "Timestream was unable to process this request because it contains resource that already exists.";
    assert_eq!(refused(again, "ConflictException", 409), text);
    refused(clients.write.create_database().database_name("sensors").send().await, "ConflictException", 409);
    let unknown = clients.write.describe_table().database_name("sensors").table_name("unknown").send().await;
    assert_eq!(refused(unknown, "ResourceNotFoundException", 404), "The table unknown does not exist.");
    let wrong_case = clients.write.describe_database().database_name("Sensors").send().await;
    refused(wrong_case, "ResourceNotFoundException", 404);
}

async fn delete_database_with_tables(clients: Clients) {
    make_table(&clients).await;
    refused(clients.write.delete_database().database_name("sensors").send().await, "ValidationException", 400);
}

async fn constraint_violations(clients: Clients) {
    // model + observed wording
    let text = refused(clients.write.create_database().database_name("a b").send().await, "ValidationException", 400);
    assert_eq!(
        text,
        "1 validation error detected: Value 'a b' at 'databaseName' failed to satisfy constraint: \
         Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
    );
    let text = refused(clients.write.list_databases().max_results(21).send().await, "ValidationException", 400);
    assert_eq!(
        text,
        "1 validation error detected: Value '21' at 'maxResults' failed to satisfy constraint: \
         Member must have value less than or equal to 20"
    );
}
