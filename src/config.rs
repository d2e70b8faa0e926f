//! Flags and environment.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{fmt, path::PathBuf};

/// What the `timebrook` program was asked to do.
#[derive(Debug, Parser)]
#[command(
    name = "timebrook",
    version,
    about = "Amazon Timestream for LiveAnalytics on your own machine",
    args_conflicts_with_subcommands = true
)]
pub struct CommandLine {
    /// Something else than serving.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to serve.
    #[command(flatten)]
    pub config: Config,
}

/// What the program does besides serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the certificate authority of a running server, for clients to trust
    Ca {
        /// Where that server listens, as a plain HTTP address
        #[arg(long, env = "TIMEBROOK_URL", default_value = "http://127.0.0.1:4566")]
        url: String,
    },
    /// Print the /etc/hosts lines and the certificate authority with which programs that cannot be told an endpoint come to
    /// a running server
    Hosts {
        /// Where that server listens, as a plain HTTP address
        #[arg(long, env = "TIMEBROOK_URL", default_value = "http://127.0.0.1:4566")]
        url: String,
        /// The address that the names are to lead to
        #[arg(long, default_value = "127.0.0.1")]
        address: std::net::IpAddr,
        /// Regions whose endpoints are meant, separated by commas
        #[arg(long, default_value = "us-east-1", value_delimiter = ',', value_parser = parse_region)]
        region: Vec<String>,
    },
    /// Load files of this machine into a table of a data directory that no server has open: separated values (.gz too) and
    /// Parquet
    Import(Box<ImportOptions>),
}

/// What `timebrook import` loads, and where to.
#[derive(Clone, Debug, Args)]
pub struct ImportOptions {
    /// The data directory
    #[arg(long, env = "TIMEBROOK_DATA_DIR", value_name = "DIR")]
    pub data_dir: PathBuf,
    /// The database, which must exist
    #[arg(long)]
    pub database: String,
    /// The table, which must exist
    #[arg(long)]
    pub table: String,
    /// A data model in JSON, as CreateBatchLoadTask takes it; without one the files hold what SELECT * gives, as UNLOAD writes it
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// The account whose table it is
    #[arg(long, default_value = "000000000000")]
    pub account: String,
    /// The region whose table it is
    #[arg(long, default_value = "us-east-1")]
    pub region: String,
    /// The version of the records
    #[arg(long, default_value_t = 1)]
    pub record_version: i64,
    /// What is between the columns of separated values: one of , | ; a tab and a space
    #[arg(long, default_value = ",")]
    pub separator: String,
    /// What stands for no value in separated values, beside nothing at all
    #[arg(long)]
    pub null_value: Option<String>,
    /// The S3-compatible store of --magnetic-url
    #[arg(long, env = "TIMEBROOK_S3_ENDPOINT", value_name = "URL", value_parser = http_url)]
    pub s3_endpoint: Option<String>,
    /// Where the data directory's files of the magnetic store are, when they are not in it
    #[arg(long, env = "TIMEBROOK_MAGNETIC_URL", value_name = "s3://BUCKET[/PREFIX]", requires = "s3_endpoint",
        value_parser = S3Place::parse)]
    pub magnetic_url: Option<S3Place>,
    /// The files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// How to serve. Every flag is an environment variable too.
#[derive(Clone, Debug, Args)]
pub struct Config {
    /// Address to listen on
    #[arg(long, env = "TIMEBROOK_HOST", default_value = Self::DEFAULT_HOST)]
    pub host: String,
    /// Port for HTTP and HTTPS alike; 0 picks a free one and prints it
    #[arg(long, env = "TIMEBROOK_PORT", default_value_t = Self::DEFAULT_PORT)]
    pub port: u16,
    /// Keep everything in this directory; without it everything is in memory and gone at exit
    #[arg(long, env = "TIMEBROOK_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Keep the certificate authority in this directory, when there is no --data-dir
    #[arg(long, env = "TIMEBROOK_CA_DIR", value_name = "DIR")]
    pub ca_dir: Option<PathBuf>,
    /// Serve HTTPS with this certificate chain (PEM) instead of one of Timebrook's own authority
    #[arg(long, env = "TIMEBROOK_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The private key (PEM) of --tls-cert
    #[arg(long, env = "TIMEBROOK_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Verify signatures with the credentials in this file (JSON), and enforce their policies; SIGHUP reads it anew
    #[arg(long, env = "TIMEBROOK_CREDENTIALS", value_name = "FILE")]
    pub credentials: Option<PathBuf>,
    /// Refuse requests without a signature, and those whose signature is not whole; whether it is right is not asked
    #[arg(long, env = "TIMEBROOK_REQUIRE_SIGNATURE")]
    pub require_signature: bool,
    /// Answer DescribeEndpoints with this instead of the request's Host header
    #[arg(long, env = "TIMEBROOK_ADVERTISE", value_name = "[SCHEME://]HOST[:PORT]")]
    pub advertise: Option<String>,
    /// Connections open at once; more wait to be accepted
    #[arg(long, env = "TIMEBROOK_MAX_CONNECTIONS", default_value_t = Self::DEFAULT_MAX_CONNECTIONS, value_name = "COUNT",
        value_parser = clap::value_parser!(u32).range(1..=Self::MAX_CONNECTIONS_MAX))]
    pub max_connections: u32,
    /// Seconds that a query may run
    #[arg(long, env = "TIMEBROOK_QUERY_TIMEOUT", default_value_t = Self::DEFAULT_QUERY_TIMEOUT, value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(1..))]
    pub query_timeout: u64,
    /// Mebibytes of memory that one query may work in
    #[arg(long, env = "TIMEBROOK_QUERY_MEMORY", default_value_t = Self::DEFAULT_QUERY_MEMORY, value_name = "MIB",
        value_parser = clap::value_parser!(u32).range(1..))]
    pub query_memory: u32,
    /// Mebibytes of records to hold in memory as they are; the oldest beyond that only in files, or packed where there is no
    /// --data-dir; a quarter of the machine's memory unless it is set
    #[arg(long, env = "TIMEBROOK_MEMORY", value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..))]
    pub memory: Option<u32>,
    /// Keep objects (results of UNLOAD, sources of batch load, reports) in the S3-compatible store at this address, with
    /// the credentials and region of the usual AWS variables; without it they are kept here, and this server is their S3
    #[arg(long, env = "TIMEBROOK_S3_ENDPOINT", value_name = "URL", value_parser = http_url)]
    pub s3_endpoint: Option<String>,
    /// Keep the Parquet files of the magnetic store in this bucket of the store at --s3-endpoint; the data directory holds
    /// the rest. Nobody else may use the prefix
    #[arg(long, env = "TIMEBROOK_MAGNETIC_URL", value_name = "s3://BUCKET[/PREFIX]",
        requires_all = ["data_dir", "s3_endpoint"], value_parser = S3Place::parse)]
    pub magnetic_url: Option<S3Place>,
    /// Refuse in queries what only Presto documents, and not the developer guide: functions, GROUPING SETS, FILTER and more
    #[arg(long, env = "TIMEBROOK_DOCUMENTED_ONLY")]
    pub documented_only: bool,
    /// Create scheduled queries without analysing their text and target: mistakes show only when they run
    #[arg(long, env = "TIMEBROOK_LENIENT_SCHEDULED_QUERIES")]
    pub lenient_scheduled_queries: bool,
    /// Let time stand still, at the start or at this moment (2026-01-01T00:00:00Z); POST /_timebrook/clock moves it
    #[arg(long, env = "TIMEBROOK_MANUAL_CLOCK", value_name = "TIME", num_args = 0..=1, require_equals = true,
        default_missing_value = Self::MANUAL_CLOCK_NOW)]
    pub manual_clock: Option<String>,
    /// Publish notifications of scheduled queries to SNS at this URL, with the usual AWS_ACCESS_KEY_ID and its kin
    #[arg(long, env = "TIMEBROOK_SNS_ENDPOINT", value_name = "URL")]
    pub sns_endpoint: Option<String>,
    /// Make faults from the start: what POST /_timebrook/faults takes
    #[arg(long, env = "TIMEBROOK_FAULTS", value_name = "JSON")]
    pub faults: Option<String>,
    /// Let those who send this as their bearer token use /_timebrook/ from other machines, too
    #[arg(long, env = "TIMEBROOK_ADMIN_TOKEN", value_name = "TOKEN", hide_env_values = true,
        value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub admin_token: Option<String>,
    /// What to log: error, warn, info, debug, trace, or a filter such as "info,timebrook::server=debug"
    #[arg(long, env = "TIMEBROOK_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,
    /// How log lines look
    #[arg(long, env = "TIMEBROOK_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// A bucket, and what the keys of objects in it begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Place {
    /// The bucket's name.
    pub bucket: String,
    /// Ends with `/` unless it is empty.
    pub prefix: String,
}

impl S3Place {
    fn parse(text: &str) -> Result<Self, String> {
        let (bucket, prefix) =
            text.strip_prefix("s3://").map_or(("", ""), |rest| rest.split_once('/').unwrap_or((rest, "")));
        let prefix = prefix.trim_end_matches('/');
        let is_key = |prefix: &str| prefix.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if bucket.is_empty() || !(prefix.is_empty() || is_key(prefix)) {
            return Err("not of the form s3://BUCKET or s3://BUCKET/PREFIX".to_owned());
        }
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Self { bucket: bucket.to_owned(), prefix })
    }
}

impl fmt::Display for S3Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

impl Config {
    /// Only this machine.
    pub const DEFAULT_HOST: &'static str = "127.0.0.1";
    /// The port that emulators of AWS are expected on.
    pub const DEFAULT_PORT: u16 = 4566;
    /// Within the file descriptors that a process usually gets.
    pub const DEFAULT_MAX_CONNECTIONS: u32 = 1_000;
    /// The most connections at once that can be allowed: what an operating system may hold files open.
    const MAX_CONNECTIONS_MAX: i64 = 1 << 20;
    /// Seconds. # model: Query
    pub const DEFAULT_QUERY_TIMEOUT: u64 = 60;
    /// The value of `--manual-clock` without one: the moment of the start.
    pub const MANUAL_CLOCK_NOW: &'static str = "now";
    /// Mebibytes.
    pub const DEFAULT_QUERY_MEMORY: u32 = 1_024;
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: Self::DEFAULT_HOST.to_owned(),
            port: Self::DEFAULT_PORT,
            data_dir: None,
            ca_dir: None,
            tls_cert: None,
            tls_key: None,
            credentials: None,
            require_signature: false,
            advertise: None,
            max_connections: Self::DEFAULT_MAX_CONNECTIONS,
            query_timeout: Self::DEFAULT_QUERY_TIMEOUT,
            query_memory: Self::DEFAULT_QUERY_MEMORY,
            memory: None,
            s3_endpoint: None,
            magnetic_url: None,
            documented_only: false,
            lenient_scheduled_queries: false,
            manual_clock: None,
            sns_endpoint: None,
            faults: None,
            admin_token: None,
            log: "info".to_owned(),
            log_format: LogFormat::default(),
        }
    }
}

/// An address of the form http://… or https://…
fn http_url(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    match host {
        Some(host) if !host.is_empty() && !host.starts_with(['/', ':']) => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("not of the form http://HOST[:PORT] or https://HOST[:PORT]".to_owned()),
    }
}

/// A region's name, as a command line gives it.
fn parse_region(text: &str) -> Result<String, String> {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    match text {
        "" => Err("a region such as us-east-1".to_owned()),
        _ if text.bytes().all(is_part) => Ok(text.to_owned()),
        _ => Err("a region has lower-case letters, digits and hyphens, such as us-east-1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_flags_are_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn every_flag_is_an_environment_variable() {
        for argument in
            CommandLine::command().get_arguments().filter(|a| !["help", "version"].contains(&a.get_id().as_str()))
        {
            let expected = format!("TIMEBROOK_{}", argument.get_id().as_str().to_uppercase());
            assert_eq!(argument.get_env().and_then(|env| env.to_str()), Some(expected.as_str()));
        }
    }

    #[test]
    fn defaults_without_flags_are_those_of_the_type() {
        let parsed = CommandLine::parse_from(["timebrook"]).config;
        assert_eq!(format!("{parsed:?}"), format!("{:?}", Config::default()));
    }

    #[test]
    fn an_endpoint_is_an_address() {
        let parse = |text: &str| CommandLine::try_parse_from(["timebrook", "--s3-endpoint", text]);
        assert_eq!(parse("http://minio:9000/").unwrap().config.s3_endpoint.as_deref(), Some("http://minio:9000"));
        assert!(parse("minio:9000").is_err());
        assert!(parse("https://").is_err());
    }

    #[test]
    fn a_place_for_the_magnetic_store_is_a_bucket_and_a_prefix() {
        let parse = |text: &str| S3Place::parse(text).map(|place| place.to_string());
        assert_eq!(parse("s3://b").as_deref(), Ok("s3://b/"));
        assert_eq!(parse("s3://b/p/q/").as_deref(), Ok("s3://b/p/q/"));
        for text in ["", "s3://", "s3:///p", "http://b/p", "s3://b//p", "s3://b/../p"] {
            assert!(parse(text).is_err(), "{text}");
        }
        let flags = ["timebrook", "--magnetic-url", "s3://b", "--s3-endpoint", "http://s"];
        assert!(CommandLine::try_parse_from(flags).is_err(), "without --data-dir");
        assert!(CommandLine::try_parse_from(flags.into_iter().chain(["--data-dir", "d"])).is_ok());
    }

    #[test]
    fn a_certificate_needs_its_key() {
        assert!(CommandLine::try_parse_from(["timebrook", "--tls-cert", "a.pem"]).is_err());
        assert!(CommandLine::try_parse_from(["timebrook", "--tls-cert", "a.pem", "--tls-key", "b.pem"]).is_ok());
    }

    #[test]
    fn a_region_is_a_name() {
        assert_eq!(parse_region("us-gov-west-1").as_deref(), Ok("us-gov-west-1"));
        for text in ["", "US-EAST-1", "us-east-1 evil.example", "a\nb"] {
            assert!(parse_region(text).is_err(), "{text:?}");
        }
    }
}
