//! `xxhash64`, `md5`, `sha1`, `sha256`, `sha512`: varbinary to varbinary; `murmur3`, the same; `crc32`: varbinary to bigint; `hmac_md5`,
//! `hmac_sha1`, `hmac_sha256`, `hmac_sha512`: the same with a key.

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
        function("hmac_md5", Class::Inherited, "The HMAC of bytes with a key, by MD5.")
            .form("hmac_md5(varbinary, varbinary) -> varbinary", |call| authenticated::<Md5, 64>(call))
            .build(),
        function("hmac_sha1", Class::Inherited, "The HMAC of bytes with a key, by SHA-1.")
            .form("hmac_sha1(varbinary, varbinary) -> varbinary", |call| authenticated::<Sha1, 64>(call))
            .build(),
        function("hmac_sha256", Class::Inherited, "The HMAC of bytes with a key, by SHA-256.")
            .form("hmac_sha256(varbinary, varbinary) -> varbinary", |call| authenticated::<Sha256, 64>(call))
            .build(),
        function("hmac_sha512", Class::Inherited, "The HMAC of bytes with a key, by SHA-512.")
            .form("hmac_sha512(varbinary, varbinary) -> varbinary", |call| authenticated::<Sha512, 128>(call))
            .build(),
        function("murmur3", Class::Inherited, "The 128-bit MurmurHash3, for 64-bit machines, 16 bytes.")
            .form("murmur3(varbinary) -> varbinary", |call| {
                let values = Bytes::of(call, 0)?;
                collect(call, |row| Ok(values.get(row).map(murmur3)))
            })
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

/// RFC 2104; `BLOCK` is the size of the hash's blocks.
fn authenticated<D: Digest, const BLOCK: usize>(call: &Call) -> Result<ArrayRef> {
    let (values, keys) = (Bytes::of(call, 0)?, Bytes::of(call, 1)?);
    collect(call, |row| match (values.get(row), keys.get(row)) {
        (Some(value), Some(key)) => Ok(Some(hmac::<D, BLOCK>(value, key))),
        _ => Ok(None),
    })
}

fn hmac<D: Digest, const BLOCK: usize>(value: &[u8], key: &[u8]) -> Vec<u8> {
    let hashed;
    let key = if key.len() > BLOCK {
        hashed = D::digest(key);
        &hashed[..]
    } else {
        key
    };
    let padded = |pad: u8| {
        let mut block = [pad; BLOCK];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let inner = D::new().chain_update(padded(0x36)).chain_update(value).finalize();
    D::new().chain_update(padded(0x5c)).chain_update(inner).finalize().to_vec()
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

/// MurmurHash3_x64_128 with the seed 0; both halves lowest byte first, as Trino writes them.
fn murmur3(bytes: &[u8]) -> [u8; 16] {
    const C1: u64 = 0x87c3_7b91_1142_53d5;
    const C2: u64 = 0x4cf5_ad43_2745_937f;
    let first = |k: u64| k.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2);
    let second = |k: u64| k.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1);
    let halves = |block: &[u8]| {
        let mut padded = [0; 16];
        padded[..block.len()].copy_from_slice(block);
        let both = u128::from_le_bytes(padded);
        ((both & u128::from(u64::MAX)) as u64, (both >> 64) as u64)
    };
    let (mut h1, mut h2) = (0_u64, 0_u64);
    let blocks = bytes.chunks_exact(16);
    let (k1, k2) = halves(blocks.remainder());
    for block in blocks {
        let (k1, k2) = halves(block);
        h1 = (h1 ^ first(k1)).rotate_left(27).wrapping_add(h2).wrapping_mul(5).wrapping_add(0x52dc_e729);
        h2 = (h2 ^ second(k2)).rotate_left(31).wrapping_add(h1).wrapping_mul(5).wrapping_add(0x3849_5ab5);
    }
    let length = bytes.len() as u64;
    h1 ^= first(k1) ^ length;
    h2 ^= second(k2) ^ length;
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    (h1, h2) = (mixed(h1), mixed(h2));
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    let mut hash = [0; 16];
    hash[..8].copy_from_slice(&h1.to_le_bytes());
    hash[8..].copy_from_slice(&h2.to_le_bytes());
    hash
}

/// MurmurHash3's final mix.
fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}
