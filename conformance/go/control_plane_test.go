package conformance

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/timestreamwrite"
	write "github.com/aws/aws-sdk-go-v2/service/timestreamwrite/types"
)

// Databases, tables, tags.
var controlPlane = []scenario{
	{"create_describe_delete_database", createDescribeDeleteDatabase},
	{"update_database", updateDatabase},
	{"create_table_with_defaults", createTableWithDefaults},
	{"create_table_with_settings", createTableWithSettings},
	{"update_table", updateTable},
	{"list_databases_in_pages", listDatabasesInPages},
	{"list_tables_in_pages", listTablesInPages},
	{"tag_and_untag", tagAndUntag},
	{"conflict_and_not_found", conflictAndNotFound},
	{"delete_database_with_tables", deleteDatabaseWithTables},
	{"constraint_violations", constraintViolations},
}

func createDatabase(t *testing.T, c clients, name string) *write.Database {
	t.Helper()
	return call(t, c.write.CreateDatabase, &timestreamwrite.CreateDatabaseInput{DatabaseName: &name}).Database
}

func describeSensors() *timestreamwrite.DescribeDatabaseInput {
	return &timestreamwrite.DescribeDatabaseInput{DatabaseName: aws.String("sensors")}
}

func createDescribeDeleteDatabase(t *testing.T, c clients) {
	created := createDatabase(t, c, "sensors")
	equal(t, *created.Arn, fmt.Sprintf("arn:aws:timestream:%s:%s:database/sensors", region, c.account))
	equal(t, created.TableCount, 0)
	key := regexp.MustCompile(fmt.Sprintf("^arn:aws:kms:%s:%s:key/[0-9a-f-]{36}$", region, c.account))
	if !key.MatchString(*created.KmsKeyId) {
		t.Fatalf("not a key: %s", *created.KmsKeyId)
	}
	if created.CreationTime == nil || !created.CreationTime.Equal(*created.LastUpdatedTime) {
		t.Fatalf("created at %v, updated at %v", created.CreationTime, created.LastUpdatedTime)
	}
	equal(t, call(t, c.write.DescribeDatabase, describeSensors()).Database, created)
	call(t, c.write.DeleteDatabase, &timestreamwrite.DeleteDatabaseInput{DatabaseName: aws.String("sensors")})
	gone := refused[*write.ResourceNotFoundException](t, 404, c.write.DescribeDatabase, describeSensors())
	equal(t, gone.ErrorMessage(), "The database sensors does not exist.")
}

func updateDatabase(t *testing.T, c clients) {
	call(t, c.write.CreateDatabase, &timestreamwrite.CreateDatabaseInput{
		DatabaseName: aws.String("sensors"), KmsKeyId: aws.String("alias/first"),
	})
	call(t, c.write.UpdateDatabase, &timestreamwrite.UpdateDatabaseInput{
		DatabaseName: aws.String("sensors"), KmsKeyId: aws.String("alias/second"),
	})
	equal(t, *call(t, c.write.DescribeDatabase, describeSensors()).Database.KmsKeyId, "alias/second")
}

func createTableWithDefaults(t *testing.T, c clients) {
	createDatabase(t, c, "sensors")
	table := call(t, c.write.CreateTable, &timestreamwrite.CreateTableInput{
		DatabaseName: aws.String("sensors"), TableName: aws.String("readings"),
	}).Table
	equal(t, *table.Arn, fmt.Sprintf("arn:aws:timestream:%s:%s:database/sensors/table/readings", region, c.account))
	equal(t, table.TableStatus, write.TableStatusActive)
	// guide: ts-limits.html
	equal(t, table.RetentionProperties, &write.RetentionProperties{
		MemoryStoreRetentionPeriodInHours:  aws.Int64(6),
		MagneticStoreRetentionPeriodInDays: aws.Int64(73000),
	})
	equal(t, table.MagneticStoreWriteProperties, &write.MagneticStoreWriteProperties{
		EnableMagneticStoreWrites: aws.Bool(false),
	})
	// guide: customer-defined-partition-keys.html
	equal(t, table.Schema, &write.Schema{
		CompositePartitionKey: []write.PartitionKey{{Type: write.PartitionKeyTypeMeasure}},
	})
}

func createTableWithSettings(t *testing.T, c clients) {
	retention := &write.RetentionProperties{
		MemoryStoreRetentionPeriodInHours:  aws.Int64(24),
		MagneticStoreRetentionPeriodInDays: aws.Int64(365),
	}
	late := &write.MagneticStoreWriteProperties{
		EnableMagneticStoreWrites: aws.Bool(true),
		MagneticStoreRejectedDataLocation: &write.MagneticStoreRejectedDataLocation{
			S3Configuration: &write.S3Configuration{
				BucketName: aws.String("rejected"), EncryptionOption: write.S3EncryptionOptionSseS3,
			},
		},
	}
	schema := &write.Schema{CompositePartitionKey: []write.PartitionKey{{
		Type:                write.PartitionKeyTypeDimension,
		Name:                aws.String("device"),
		EnforcementInRecord: write.PartitionKeyEnforcementLevelRequired,
	}}}
	createDatabase(t, c, "sensors")
	table := call(t, c.write.CreateTable, &timestreamwrite.CreateTableInput{
		DatabaseName:                 aws.String("sensors"),
		TableName:                    aws.String("readings"),
		RetentionProperties:          retention,
		MagneticStoreWriteProperties: late,
		Schema:                       schema,
	}).Table
	equal(t, table.RetentionProperties, retention)
	equal(t, table.MagneticStoreWriteProperties, late)
	equal(t, table.Schema, schema)
}

func updateTable(t *testing.T, c clients) {
	makeTable(t, c)
	retention := &write.RetentionProperties{
		MemoryStoreRetentionPeriodInHours:  aws.Int64(48),
		MagneticStoreRetentionPeriodInDays: aws.Int64(1825),
	}
	call(t, c.write.UpdateTable, &timestreamwrite.UpdateTableInput{
		DatabaseName: aws.String("sensors"), TableName: aws.String("readings"), RetentionProperties: retention,
	})
	table := call(t, c.write.DescribeTable, &timestreamwrite.DescribeTableInput{
		DatabaseName: aws.String("sensors"), TableName: aws.String("readings"),
	}).Table
	equal(t, table.RetentionProperties, retention)
	equal(t, *table.MagneticStoreWriteProperties.EnableMagneticStoreWrites, false)
}

func listDatabasesInPages(t *testing.T, c clients) {
	for _, name := range []string{"ddd", "aaa", "ccc", "bbb", "eee"} {
		createDatabase(t, c, name)
	}
	pages := [][]string{}
	paginator := timestreamwrite.NewListDatabasesPaginator(
		c.write, &timestreamwrite.ListDatabasesInput{MaxResults: aws.Int32(2)},
	)
	for paginator.HasMorePages() {
		answer, err := paginator.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		page := []string{}
		for _, database := range answer.Databases {
			page = append(page, *database.DatabaseName)
		}
		pages = append(pages, page)
	}
	equal(t, pages, [][]string{{"aaa", "bbb"}, {"ccc", "ddd"}, {"eee"}})
}

func listTablesInPages(t *testing.T, c clients) {
	createDatabase(t, c, "first")
	for _, name := range []string{"ccc", "aaa", "bbb"} {
		call(t, c.write.CreateTable, &timestreamwrite.CreateTableInput{
			DatabaseName: aws.String("first"), TableName: &name,
		})
	}
	input := &timestreamwrite.ListTablesInput{DatabaseName: aws.String("first"), MaxResults: aws.Int32(2)}
	page := call(t, c.write.ListTables, input)
	equal(t, tableNames(page), []string{"aaa", "bbb"})
	input.NextToken = page.NextToken
	page = call(t, c.write.ListTables, input)
	equal(t, tableNames(page), []string{"ccc"})
	equal(t, page.NextToken, nil)
	unknown := &timestreamwrite.ListTablesInput{DatabaseName: aws.String("unknown")}
	refused[*write.ResourceNotFoundException](t, 404, c.write.ListTables, unknown)
}

func tableNames(page *timestreamwrite.ListTablesOutput) []string {
	names := []string{}
	for _, table := range page.Tables {
		names = append(names, *table.TableName)
	}
	return names
}

func tagAndUntag(t *testing.T, c clients) {
	makeTable(t, c)
	arn := fmt.Sprintf("arn:aws:timestream:%s:%s:database/sensors/table/readings", region, c.account)
	tag := func(tags ...write.Tag) {
		call(t, c.write.TagResource, &timestreamwrite.TagResourceInput{ResourceARN: &arn, Tags: tags})
	}
	live := write.Tag{Key: aws.String("stage"), Value: aws.String("live")}
	tag(write.Tag{Key: aws.String("stage"), Value: aws.String("test")},
		write.Tag{Key: aws.String("team"), Value: aws.String("blue")})
	tag(live)
	call(t, c.write.UntagResource, &timestreamwrite.UntagResourceInput{ResourceARN: &arn, TagKeys: []string{"team"}})
	listed := call(t, c.write.ListTagsForResource, &timestreamwrite.ListTagsForResourceInput{ResourceARN: &arn})
	equal(t, listed.Tags, []write.Tag{live})
}

func conflictAndNotFound(t *testing.T, c clients) {
	makeTable(t, c)
	again := refused[*write.ConflictException](t, 409, c.write.CreateTable, &timestreamwrite.CreateTableInput{
		DatabaseName: aws.String("sensors"), TableName: aws.String("readings"),
	})
	// observed
	equal(t, again.ErrorMessage(),
		"Timestream was unable to process this request because it contains resource that already exists.")
	unknown := &timestreamwrite.DescribeTableInput{
		DatabaseName: aws.String("sensors"), TableName: aws.String("unknown"),
	}
	missing := refused[*write.ResourceNotFoundException](t, 404, c.write.DescribeTable, unknown)
	equal(t, missing.ErrorMessage(), "The table unknown does not exist.")
}

func deleteDatabaseWithTables(t *testing.T, c clients) {
	makeTable(t, c)
	input := &timestreamwrite.DeleteDatabaseInput{DatabaseName: aws.String("sensors")}
	refused[*write.ValidationException](t, 400, c.write.DeleteDatabase, input)
}

func constraintViolations(t *testing.T, c clients) {
	// model + observed wording. What is missing altogether the SDK itself refuses to send.
	spaced := refused[*write.ValidationException](t, 400, c.write.CreateDatabase,
		&timestreamwrite.CreateDatabaseInput{DatabaseName: aws.String("a b")})
	equal(t, spaced.ErrorMessage(),
		"1 validation error detected: Value 'a b' at 'databaseName' failed to satisfy constraint: "+
			"Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
	many := refused[*write.ValidationException](t, 400, c.write.ListDatabases,
		&timestreamwrite.ListDatabasesInput{MaxResults: aws.Int32(21)})
	equal(t, many.ErrorMessage(),
		"1 validation error detected: Value '21' at 'maxResults' failed to satisfy constraint: "+
			"Member must have value less than or equal to 20")
}
