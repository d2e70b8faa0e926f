//! `xxhash64`, `md5`, `sha1`, `sha256`, `sha512`: varbinary to varbinary; `crc32`: varbinary to bigint.

use super::bytes::{Bytes, collect};
use crate::sql::functions::{Class, Family, Function, call::Call, scalar::scalar};
use datafusion::{
    arrow::{array::ArrayRef, datatypes::Int64Type},
    error::Result,
};
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use twox_hash::XxHash64;

pub(super) fn functions() -> Vec<Function> {
    let function = |name, class, summary| scalar(name, Family::Binary, class, summary);
    [
        // # guide: data-modeling.html uses it
        function("xxhash64", Class::Documented, "The XXH64 hash, eight bytes.")
            .form("xxhash64(varbinary) -> varbinary", |call| {
                let values = Bytes::of(call, 0)?;
                collect(call, |row| Ok(values.get(row).map(|bytes| XxHash64::oneshot(0, bytes).to_be_bytes())))
            })
            .build(),
        function("md5", Class::Inherited, "The MD5 hash, 16 bytes.")
            .form("md5(varbinary) -> varbinary", digest::<Md5>)
            .build(),
        function("sha1", Class::Inherited, "The SHA-1 hash, 20 bytes.")
            .form("sha1(varbinary) -> varbinary", digest::<Sha1>)
            .build(),
        function("sha256", Class::Inherited, "The SHA-256 hash, 32 bytes.")
            .form("sha256(varbinary) -> varbinary", digest::<Sha256>)
            .build(),
        function("sha512", Class::Inherited, "The SHA-512 hash, 64 bytes.")
            .form("sha512(varbinary) -> varbinary", digest::<Sha512>)
            .build(),
        function("crc32", Class::Inherited, "The CRC-32 checksum.")
            .form("crc32(varbinary) -> bigint", |call| {
                let values = Bytes::of(call, 0)?;
                call.collect::<Int64Type>(|row| Ok(values.get(row).map(|bytes| i64::from(crc32(bytes)))))
            })
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn digest<D: Digest>(call: &Call) -> Result<ArrayRef> {
    let values = Bytes::of(call, 0)?;
    collect(call, |row| Ok(values.get(row).map(D::digest)))
}

/// The remainders of the 256 bytes by the polynomial of IEEE 802.3, lowest bit first.
const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut remainder = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            remainder = if remainder & 1 == 1 { (remainder >> 1) ^ 0xedb8_8320 } else { remainder >> 1 };
            bit += 1;
        }
        table[byte] = remainder;
        byte += 1;
    }
    table
};

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        let [lowest, ..] = crc.to_le_bytes();
        (crc >> 8) ^ CRC_TABLE[usize::from(lowest ^ byte)]
    })
}
