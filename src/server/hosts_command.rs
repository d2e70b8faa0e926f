//! `timebrook hosts`: what a machine needs so that programs that know only AWS's own addresses come to Timebrook.

use std::{fmt::Write, net::IpAddr};

/// The names of a region's endpoints: both services find all others through them. # observed: DescribeEndpoints
const SERVICES: [&str; 2] = ["ingest", "query"];

/// Lines for `/etc/hosts` that lead the endpoints of `regions` to `address`, and the certificate authority in PEM.
#[must_use]
pub(super) fn text(address: IpAddr, regions: &[String], ca_pem: &str) -> String {
    let mut text =
        String::from("# For /etc/hosts. Programs connect to port 443: serve with --port 443, or forward that port.\n");
    for region in regions {
        for service in SERVICES {
            // Writing to a text cannot fail.
            let _ = writeln!(text, "{address} {service}.timestream.{region}.amazonaws.com");
        }
    }
    text.push_str("# For what these programs trust: the certificate authority.\n");
    text.push_str(ca_pem);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_has_its_line() {
        let regions = ["us-east-1".to_owned(), "eu-west-1".to_owned()];
        let found = text("10.1.2.3".parse().unwrap(), &regions, "PEM\n");
        let lines: Vec<_> = found.lines().filter(|line| !line.starts_with('#')).collect();
        let expect = [
            "10.1.2.3 ingest.timestream.us-east-1.amazonaws.com",
            "10.1.2.3 query.timestream.us-east-1.amazonaws.com",
            "10.1.2.3 ingest.timestream.eu-west-1.amazonaws.com",
            "10.1.2.3 query.timestream.eu-west-1.amazonaws.com",
            "PEM",
        ];
        assert_eq!(lines, expect);
    }
}
