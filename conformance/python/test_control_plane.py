"""Databases, tables, tags: the write service's control plane."""

import re
from datetime import datetime, timezone

from clients import REGION, Boto3
from expectations import make_table, refused


def arn(client, resource: str) -> str:
    """The ARN of a resource in the client's account."""
    return f"arn:aws:timestream:{REGION}:{client.account}:{resource}"


def epoch(moment) -> float:
    """Seconds since the epoch; boto3 gives datetimes, the CLI ISO texts or numbers."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)


def test_create_describe_delete_database(client):
    before = datetime.now(timezone.utc).timestamp()
    created = client.call("create_database", DatabaseName="sensors")["Database"]
    assert created["Arn"] == arn(client, "database/sensors")
    assert created["DatabaseName"] == "sensors"
    assert created["TableCount"] == 0
    # guide: the key is never absent; without one given it is the account's AWS managed key
    assert re.fullmatch(rf"arn:aws:kms:{REGION}:{client.account}:key/[0-9a-f-]{{36}}", created["KmsKeyId"])
    assert before - 2 < epoch(created["CreationTime"]) < before + 60
    assert created["CreationTime"] == created["LastUpdatedTime"]
    assert client.call("describe_database", DatabaseName="sensors")["Database"] == created

    client.call("create_table", DatabaseName="sensors", TableName="readings")
    assert client.call("describe_database", DatabaseName="sensors")["Database"]["TableCount"] == 1
    client.call("delete_table", DatabaseName="sensors", TableName="readings")
    client.call("delete_database", DatabaseName="sensors")
    with refused(client, "ResourceNotFoundException", 404, "The database sensors does not exist."):
        client.call("describe_database", DatabaseName="sensors")


def test_update_database(client):
    created = client.call("create_database", DatabaseName="sensors", KmsKeyId="alias/first")["Database"]
    assert created["KmsKeyId"] == "alias/first"
    updated = client.call("update_database", DatabaseName="sensors", KmsKeyId="alias/second")["Database"]
    assert updated["KmsKeyId"] == "alias/second"
    assert updated["CreationTime"] == created["CreationTime"]
    assert client.call("describe_database", DatabaseName="sensors")["Database"] == updated
    with refused(client, "ResourceNotFoundException", 404, "The database unknown does not exist."):
        client.call("update_database", DatabaseName="unknown", KmsKeyId="alias/second")


def test_create_table_with_defaults(client):
    client.call("create_database", DatabaseName="sensors")
    table = client.call("create_table", DatabaseName="sensors", TableName="readings")["Table"]
    assert table["Arn"] == arn(client, "database/sensors/table/readings")
    assert (table["DatabaseName"], table["TableName"], table["TableStatus"]) == ("sensors", "readings", "ACTIVE")
    # guide: ts-limits.html
    assert table["RetentionProperties"] == {
        "MemoryStoreRetentionPeriodInHours": 6,
        "MagneticStoreRetentionPeriodInDays": 73000,
    }
    assert table["MagneticStoreWriteProperties"] == {"EnableMagneticStoreWrites": False}
    # guide: customer-defined-partition-keys.html
    assert table["Schema"] == {"CompositePartitionKey": [{"Type": "MEASURE"}]}
    assert client.call("describe_table", DatabaseName="sensors", TableName="readings")["Table"] == table


def test_create_table_with_settings(client):
    magnetic = {
        "EnableMagneticStoreWrites": True,
        "MagneticStoreRejectedDataLocation": {
            "S3Configuration": {"BucketName": "rejected", "ObjectKeyPrefix": "late", "EncryptionOption": "SSE_S3"}
        },
    }
    key = [{"Type": "DIMENSION", "Name": "device", "EnforcementInRecord": "REQUIRED"}]
    client.call("create_database", DatabaseName="sensors")
    table = client.call(
        "create_table",
        DatabaseName="sensors",
        TableName="readings",
        RetentionProperties={"MemoryStoreRetentionPeriodInHours": 24, "MagneticStoreRetentionPeriodInDays": 365},
        MagneticStoreWriteProperties=magnetic,
        Schema={"CompositePartitionKey": key},
    )["Table"]
    assert table["RetentionProperties"]["MemoryStoreRetentionPeriodInHours"] == 24
    assert table["RetentionProperties"]["MagneticStoreRetentionPeriodInDays"] == 365
    assert table["MagneticStoreWriteProperties"] == magnetic
    assert table["Schema"] == {"CompositePartitionKey": key}

    optional = client.call(
        "create_table",
        DatabaseName="sensors",
        TableName="optional",
        Schema={"CompositePartitionKey": [{"Type": "DIMENSION", "Name": "device"}]},
    )["Table"]
    assert optional["Schema"]["CompositePartitionKey"] == [
        {"Type": "DIMENSION", "Name": "device", "EnforcementInRecord": "OPTIONAL"}
    ]
    # observed
    with refused(client, "ValidationException", 400, containing="too many partition keys to be used"):
        client.call(
            "create_table",
            DatabaseName="sensors",
            TableName="two_keys",
            Schema={"CompositePartitionKey": [*key, {"Type": "DIMENSION", "Name": "site"}]},
        )


def test_update_table(client):
    make_table(client)
    updated = client.call(
        "update_table",
        DatabaseName="sensors",
        TableName="readings",
        RetentionProperties={"MemoryStoreRetentionPeriodInHours": 48, "MagneticStoreRetentionPeriodInDays": 1825},
    )["Table"]
    assert updated["RetentionProperties"] == {
        "MemoryStoreRetentionPeriodInHours": 48,
        "MagneticStoreRetentionPeriodInDays": 1825,
    }
    assert updated["MagneticStoreWriteProperties"] == {"EnableMagneticStoreWrites": False}
    updated = client.call(
        "update_table",
        DatabaseName="sensors",
        TableName="readings",
        MagneticStoreWriteProperties={"EnableMagneticStoreWrites": True},
    )["Table"]
    assert updated["RetentionProperties"]["MemoryStoreRetentionPeriodInHours"] == 48
    assert updated["MagneticStoreWriteProperties"]["EnableMagneticStoreWrites"] is True
    assert client.call("describe_table", DatabaseName="sensors", TableName="readings")["Table"] == updated


def all_pages(client, operation: str, member: str, **parameters) -> list[list[dict]]:
    """Every page of a listing."""
    pages, token = [], {}
    while True:
        answer = client.call(operation, **parameters, **token)
        pages.append(answer[member])
        if "NextToken" not in answer:
            return pages
        token = {"NextToken": answer["NextToken"]}


def test_list_databases_in_pages(client):
    assert client.call("list_databases")["Databases"] == []
    names = [f"database-{i}" for i in range(5)]
    for name in reversed(names):
        client.call("create_database", DatabaseName=name)
    pages = all_pages(client, "list_databases", "Databases", MaxResults=2)
    assert [[database["DatabaseName"] for database in page] for page in pages] == [names[:2], names[2:4], names[4:]]
    # The same entry as DescribeDatabase gives.
    assert pages[0][0] == client.call("describe_database", DatabaseName=names[0])["Database"]


def test_list_tables_in_pages(client):
    for database in ("first", "second"):
        client.call("create_database", DatabaseName=database)
        for table in ("ccc", "aaa", "bbb"):
            client.call("create_table", DatabaseName=database, TableName=table)
    pages = all_pages(client, "list_tables", "Tables", DatabaseName="first", MaxResults=2)
    assert [[table["TableName"] for table in page] for page in pages] == [["aaa", "bbb"], ["ccc"]]
    everywhere = all_pages(client, "list_tables", "Tables", MaxResults=4)
    assert [(table["DatabaseName"], table["TableName"]) for page in everywhere for table in page] == [
        (database, table) for database in ("first", "second") for table in ("aaa", "bbb", "ccc")
    ]
    with refused(client, "ResourceNotFoundException", 404):
        client.call("list_tables", DatabaseName="unknown")


def test_tag_and_untag(client):
    def tags_of(resource: str) -> dict[str, str]:
        answer = client.call("list_tags_for_resource", ResourceARN=resource)
        return {tag["Key"]: tag["Value"] for tag in answer["Tags"]}

    client.call("create_database", DatabaseName="sensors", Tags=[{"Key": "team", "Value": "blue"}])
    client.call("create_table", DatabaseName="sensors", TableName="readings", Tags=[{"Key": "stage", "Value": "test"}])
    database, table = arn(client, "database/sensors"), arn(client, "database/sensors/table/readings")
    assert tags_of(database) == {"team": "blue"}
    assert tags_of(table) == {"stage": "test"}

    client.call("tag_resource", ResourceARN=table, Tags=[{"Key": "stage", "Value": "live"}, {"Key": "o", "Value": ""}])
    assert tags_of(table) == {"stage": "live", "o": ""}
    client.call("untag_resource", ResourceARN=table, TagKeys=["o", "absent"])
    assert tags_of(table) == {"stage": "live"}
    assert tags_of(database) == {"team": "blue"}
    with refused(client, "ResourceNotFoundException", 404):
        client.call("list_tags_for_resource", ResourceARN=arn(client, "database/unknown"))


def test_conflict_and_not_found(client):
    make_table(client)
    # observed
    conflict = "Timestream was unable to process this request because it contains resource that already exists."
    with refused(client, "ConflictException", 409, conflict):
        client.call("create_table", DatabaseName="sensors", TableName="readings")
    with refused(client, "ConflictException", 409):
        client.call("create_database", DatabaseName="sensors")
    with refused(client, "ResourceNotFoundException", 404, "The table unknown does not exist."):
        client.call("describe_table", DatabaseName="sensors", TableName="unknown")
    with refused(client, "ResourceNotFoundException", 404, "The database unknown does not exist."):
        client.call("create_table", DatabaseName="unknown", TableName="readings")
    with refused(client, "ResourceNotFoundException", 404):
        client.call("delete_table", DatabaseName="sensors", TableName="unknown")
    # Names are case-sensitive.
    with refused(client, "ResourceNotFoundException", 404):
        client.call("describe_database", DatabaseName="Sensors")


def test_delete_database_with_tables(client):
    make_table(client)
    with refused(client, "ValidationException", 400):
        client.call("delete_database", DatabaseName="sensors")
    assert client.call("describe_database", DatabaseName="sensors")["Database"]["TableCount"] == 1


def test_accounts_are_apart(boto, url):
    make_table(boto)
    other = type(boto)(boto.mode, url)
    assert other.account != boto.account
    assert other.call("list_databases")["Databases"] == []
    with refused(other, "ResourceNotFoundException", 404):
        other.call("describe_table", DatabaseName="sensors", TableName="readings")


def test_constraint_violations(url):
    boto = Boto3("explicit", url, checks_parameters=False)
    # model + observed wording
    with refused(boto, "ValidationException", 400) as caught:
        boto.call("create_database", DatabaseName="a b")
    assert caught[0].message == (
        "1 validation error detected: Value 'a b' at 'databaseName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
    )
    with refused(boto, "ValidationException", 400) as caught:
        boto.call("create_database")
    assert caught[0].message == (
        "1 validation error detected: Value null at 'databaseName' failed to satisfy constraint: "
        "Member must not be null"
    )
    with refused(boto, "ValidationException", 400) as caught:
        boto.call("list_databases", MaxResults=21)
    assert caught[0].message == (
        "1 validation error detected: Value '21' at 'maxResults' failed to satisfy constraint: "
        "Member must have value less than or equal to 20"
    )
    with refused(boto, "ValidationException", 400) as caught:
        boto.call(
            "create_table",
            DatabaseName="sensors",
            TableName="readings",
            RetentionProperties={"MemoryStoreRetentionPeriodInHours": 0, "MagneticStoreRetentionPeriodInDays": 73001},
        )
    assert caught[0].message.startswith("2 validation errors detected: ")
    assert (
        "Value '0' at 'retentionProperties.memoryStoreRetentionPeriodInHours' failed to satisfy constraint: "
        "Member must have value greater than or equal to 1"
    ) in caught[0].message
    assert (
        "Value '73001' at 'retentionProperties.magneticStoreRetentionPeriodInDays' failed to satisfy constraint: "
        "Member must have value less than or equal to 73000"
    ) in caught[0].message
