package conformance

import (
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/timestreamwrite"
	"github.com/aws/aws-sdk-go-v2/service/timestreamwrite/types"
)

// Databases, tables, tags.
var controlPlane = []scenario{
	{"create_describe_delete_database", func(t *testing.T, c *client) {
		name := aws.String("sensors")
		created := must(c.write.CreateDatabase(ctx, &timestreamwrite.CreateDatabaseInput{DatabaseName: name}))(t).Database
		equal(t, *created.Arn, "arn:aws:timestream:"+region+":"+c.account+":database/sensors")
		equal(t, created.TableCount, int64(0))
		key := regexp.MustCompile("^arn:aws:kms:" + region + ":" + c.account + ":key/[0-9a-f-]{36}$")
		equal(t, key.MatchString(*created.KmsKeyId), true)
		equal(t, created.CreationTime.IsZero(), false)
		described := must(c.write.DescribeDatabase(ctx, &timestreamwrite.DescribeDatabaseInput{DatabaseName: name}))(t)
		equal(t, described.Database, created)
		must(c.write.DeleteDatabase(ctx, &timestreamwrite.DeleteDatabaseInput{DatabaseName: name}))(t)
		_, err := c.write.DescribeDatabase(ctx, &timestreamwrite.DescribeDatabaseInput{DatabaseName: name})
		equal(t, refused(t, err, "ResourceNotFoundException", 404), "The database sensors does not exist.")
	}},
	{"update_database", func(t *testing.T, c *client) {
		name := aws.String("sensors")
		create := &timestreamwrite.CreateDatabaseInput{DatabaseName: name, KmsKeyId: aws.String("alias/first")}
		must(c.write.CreateDatabase(ctx, create))(t)
		update := &timestreamwrite.UpdateDatabaseInput{DatabaseName: name, KmsKeyId: aws.String("alias/second")}
		must(c.write.UpdateDatabase(ctx, update))(t)
		described := must(c.write.DescribeDatabase(ctx, &timestreamwrite.DescribeDatabaseInput{DatabaseName: name}))(t)
		equal(t, *described.Database.KmsKeyId, "alias/second")
	}},
	{"create_table_with_defaults", func(t *testing.T, c *client) {
		must(c.write.CreateDatabase(ctx, &timestreamwrite.CreateDatabaseInput{DatabaseName: aws.String("sensors")}))(t)
		create := &timestreamwrite.CreateTableInput{DatabaseName: aws.String("sensors"), TableName: aws.String("readings")}
		table := must(c.write.CreateTable(ctx, create))(t).Table
		equal(t, *table.Arn, "arn:aws:timestream:"+region+":"+c.account+":database/sensors/table/readings")
		equal(t, table.TableStatus, types.TableStatusActive)
		// guide: ts-limits.html
		equal(t, table.RetentionProperties, retention(6, 73_000))
		equal(t, *table.MagneticStoreWriteProperties.EnableMagneticStoreWrites, false)
		// guide: customer-defined-partition-keys.html
		key := []types.PartitionKey{{Type: types.PartitionKeyTypeMeasure}}
		equal(t, table.Schema.CompositePartitionKey, key)
	}},
	{"create_table_with_settings", func(t *testing.T, c *client) {
		must(c.write.CreateDatabase(ctx, &timestreamwrite.CreateDatabaseInput{DatabaseName: aws.String("sensors")}))(t)
		create := &timestreamwrite.CreateTableInput{
			DatabaseName:        aws.String("sensors"),
			TableName:           aws.String("readings"),
			RetentionProperties: retention(24, 365),
			MagneticStoreWriteProperties: &types.MagneticStoreWriteProperties{
				EnableMagneticStoreWrites: aws.Bool(true),
				MagneticStoreRejectedDataLocation: &types.MagneticStoreRejectedDataLocation{
					S3Configuration: &types.S3Configuration{
						BucketName: aws.String("rejected"), EncryptionOption: types.S3EncryptionOptionSseS3,
					},
				},
			},
			Schema: &types.Schema{CompositePartitionKey: []types.PartitionKey{{
				Type: types.PartitionKeyTypeDimension, Name: aws.String("device"),
				EnforcementInRecord: types.PartitionKeyEnforcementLevelRequired,
			}}},
		}
		table := must(c.write.CreateTable(ctx, create))(t).Table
		equal(t, table.RetentionProperties, create.RetentionProperties)
		equal(t, table.MagneticStoreWriteProperties, create.MagneticStoreWriteProperties)
		equal(t, table.Schema, create.Schema)
	}},
	{"update_table", func(t *testing.T, c *client) {
		c.makeTable(t)
		must(c.write.UpdateTable(ctx, &timestreamwrite.UpdateTableInput{
			DatabaseName: aws.String("sensors"), TableName: aws.String("readings"), RetentionProperties: retention(48, 1_825),
		}))(t)
		table := must(c.write.DescribeTable(ctx, &timestreamwrite.DescribeTableInput{
			DatabaseName: aws.String("sensors"), TableName: aws.String("readings"),
		}))(t).Table
		equal(t, table.RetentionProperties, retention(48, 1_825))
		equal(t, *table.MagneticStoreWriteProperties.EnableMagneticStoreWrites, false)
	}},
	{"list_databases_in_pages", func(t *testing.T, c *client) {
		for _, name := range []string{"ddd", "aaa", "ccc", "bbb", "eee"} {
			must(c.write.CreateDatabase(ctx, &timestreamwrite.CreateDatabaseInput{DatabaseName: &name}))(t)
		}
		found := [][]string{}
		list := &timestreamwrite.ListDatabasesInput{MaxResults: aws.Int32(2)}
		for pages := timestreamwrite.NewListDatabasesPaginator(c.write, list); pages.HasMorePages(); {
			page := []string{}
			for _, database := range must(pages.NextPage(ctx))(t).Databases {
				page = append(page, *database.DatabaseName)
			}
			found = append(found, page)
		}
		equal(t, found, [][]string{{"aaa", "bbb"}, {"ccc", "ddd"}, {"eee"}})
	}},
	{"list_tables_in_pages", func(t *testing.T, c *client) {
		must(c.write.CreateDatabase(ctx, &timestreamwrite.CreateDatabaseInput{DatabaseName: aws.String("first")}))(t)
		for _, name := range []string{"ccc", "aaa", "bbb"} {
			create := &timestreamwrite.CreateTableInput{DatabaseName: aws.String("first"), TableName: &name}
			must(c.write.CreateTable(ctx, create))(t)
		}
		names := func(page *timestreamwrite.ListTablesOutput) (names []string) {
			for _, table := range page.Tables {
				names = append(names, *table.TableName)
			}
			return names
		}
		list := &timestreamwrite.ListTablesInput{DatabaseName: aws.String("first"), MaxResults: aws.Int32(2)}
		page := must(c.write.ListTables(ctx, list))(t)
		equal(t, names(page), []string{"aaa", "bbb"})
		list.NextToken = page.NextToken
		page = must(c.write.ListTables(ctx, list))(t)
		equal(t, names(page), []string{"ccc"})
		equal(t, page.NextToken, (*string)(nil))
		_, err := c.write.ListTables(ctx, &timestreamwrite.ListTablesInput{DatabaseName: aws.String("unknown")})
		refused(t, err, "ResourceNotFoundException", 404)
	}},
	{"tag_and_untag", func(t *testing.T, c *client) {
		c.makeTable(t)
		arn := aws.String("arn:aws:timestream:" + region + ":" + c.account + ":database/sensors/table/readings")
		tag := func(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }
		put := func(tags ...types.Tag) {
			must(c.write.TagResource(ctx, &timestreamwrite.TagResourceInput{ResourceARN: arn, Tags: tags}))(t)
		}
		put(tag("stage", "test"), tag("team", "blue"))
		put(tag("stage", "live"))
		untag := &timestreamwrite.UntagResourceInput{ResourceARN: arn, TagKeys: []string{"team"}}
		must(c.write.UntagResource(ctx, untag))(t)
		listed := must(c.write.ListTagsForResource(ctx, &timestreamwrite.ListTagsForResourceInput{ResourceARN: arn}))(t)
		equal(t, listed.Tags, []types.Tag{tag("stage", "live")})
	}},
	{"conflict_and_not_found", func(t *testing.T, c *client) {
		c.makeTable(t)
		create := &timestreamwrite.CreateTableInput{DatabaseName: aws.String("sensors"), TableName: aws.String("readings")}
		_, err := c.write.CreateTable(ctx, create)
		// observed
		text := "Timestream was unable to process this request because it contains resource that already exists."
		equal(t, refused(t, err, "ConflictException", 409), text)
		describe := &timestreamwrite.DescribeTableInput{DatabaseName: aws.String("sensors"), TableName: aws.String("unknown")}
		_, err = c.write.DescribeTable(ctx, describe)
		equal(t, refused(t, err, "ResourceNotFoundException", 404), "The table unknown does not exist.")
	}},
	{"delete_database_with_tables", func(t *testing.T, c *client) {
		c.makeTable(t)
		_, err := c.write.DeleteDatabase(ctx, &timestreamwrite.DeleteDatabaseInput{DatabaseName: aws.String("sensors")})
		refused(t, err, "ValidationException", 400)
	}},
	{"constraint_violations", func(t *testing.T, c *client) {
		_, err := c.write.CreateDatabase(ctx, &timestreamwrite.CreateDatabaseInput{DatabaseName: aws.String("a b")})
		// model + observed wording
		text := "1 validation error detected: Value 'a b' at 'databaseName' failed to satisfy constraint: " +
			"Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
		equal(t, refused(t, err, "ValidationException", 400), text)
		// The SDK itself sees that a required member is missing.
		_, err = c.write.CreateDatabase(ctx, &timestreamwrite.CreateDatabaseInput{})
		equal(t, strings.Contains(err.Error(), "missing required field, CreateDatabaseInput.DatabaseName"), true)
	}},
}
