//! `spooky_hash_v2_32(varbinary)`, `spooky_hash_v2_64(varbinary)`: SpookyHash, version 2, with the seed 0. # trino

use super::bytes::{Bytes, collect};
use crate::sql::functions::{Class, Family, Function, scalar::scalar};

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::Binary, Class::Inherited, summary);
    [
        function("spooky_hash_v2_32", "The 32-bit SpookyHash, four bytes.")
            .form("spooky_hash_v2_32(varbinary) -> varbinary", |call| {
                let values = Bytes::of(call, 0)?;
                collect(call, |row| Ok(values.get(row).map(|bytes| (spooky(bytes) as u32).to_be_bytes())))
            })
            .build(),
        function("spooky_hash_v2_64", "The 64-bit SpookyHash, eight bytes.")
            .form("spooky_hash_v2_64(varbinary) -> varbinary", |call| {
                let values = Bytes::of(call, 0)?;
                collect(call, |row| Ok(values.get(row).map(|bytes| spooky(bytes).to_be_bytes())))
            })
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What fills the parts of the state that no seed does.
const FILL: u64 = 0xdead_beef_dead_beef;
/// Words of a block of a long message.
const BLOCK_WORDS: usize = 12;
const BLOCK_BYTES: usize = 8 * BLOCK_WORDS;
/// Bytes from which a message is hashed block by block.
const LONG_BYTES: usize = 2 * BLOCK_BYTES;

/// The first half of the 128-bit hash: the 64-bit one, whose lower half is the 32-bit one.
fn spooky(bytes: &[u8]) -> u64 {
    if bytes.len() < LONG_BYTES { short(bytes) } else { long(bytes) }
}

/// The words of at most `8 * N` bytes, lowest byte first, zeros where there are none.
fn words<const N: usize>(bytes: &[u8]) -> [u64; N] {
    let mut words = [0; N];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks(8)) {
        *word = bytes.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte));
    }
    words
}

fn short(bytes: &[u8]) -> u64 {
    let mut state = [0, 0, FILL, FILL];
    let whole = bytes.chunks_exact(32);
    let mut rest = whole.remainder();
    for block in whole {
        let [a, b, c, d] = words::<4>(block);
        add(&mut state, [0, 0, a, b]);
        mix_short(&mut state);
        add(&mut state, [c, d, 0, 0]);
    }
    if let Some((half, last)) = rest.split_at_checked(16) {
        let [a, b] = words::<2>(half);
        add(&mut state, [0, 0, a, b]);
        mix_short(&mut state);
        rest = last;
    }
    let length = (bytes.len() as u64) << 56;
    let [a, b] = if rest.is_empty() { [FILL, FILL] } else { words::<2>(rest) };
    add(&mut state, [0, 0, a, b.wrapping_add(length)]);
    end_short(&mut state);
    state[0]
}

fn add<const N: usize>(state: &mut [u64; N], words: [u64; N]) {
    state.iter_mut().zip(words).for_each(|(part, word)| *part = part.wrapping_add(word));
}

fn mix_short(h: &mut [u64; 4]) {
    const TURNS: [u32; 12] = [50, 52, 30, 41, 54, 48, 38, 37, 62, 34, 5, 36];
    for (step, turn) in TURNS.into_iter().enumerate() {
        let [own, next, other] = [2, 3, 0].map(|place| (place + step) % 4);
        h[own] = h[own].rotate_left(turn).wrapping_add(h[next]);
        h[other] ^= h[own];
    }
}

fn end_short(h: &mut [u64; 4]) {
    const TURNS: [u32; 11] = [15, 52, 26, 51, 28, 9, 47, 54, 32, 25, 63];
    for (step, turn) in TURNS.into_iter().enumerate() {
        let [own, before] = [3, 2].map(|place| (place + step) % 4);
        h[own] ^= h[before];
        h[before] = h[before].rotate_left(turn);
        h[own] = h[own].wrapping_add(h[before]);
    }
}

fn long(bytes: &[u8]) -> u64 {
    let mut state = [0, 0, FILL].repeat(BLOCK_WORDS / 3);
    let blocks = bytes.chunks_exact(BLOCK_BYTES);
    let rest = blocks.remainder();
    for block in blocks {
        mix_long(&mut state, words(block));
    }
    let mut last = words::<BLOCK_WORDS>(rest);
    last[BLOCK_WORDS - 1] |= (rest.len() as u64) << 56;
    state.iter_mut().zip(last).for_each(|(part, word)| *part = part.wrapping_add(word));
    for _ in 0..3 {
        end_long(&mut state);
    }
    state[0]
}

fn mix_long(s: &mut [u64], data: [u64; BLOCK_WORDS]) {
    const TURNS: [u32; BLOCK_WORDS] = [11, 32, 43, 31, 17, 28, 39, 57, 55, 54, 22, 46];
    for (i, (turn, word)) in TURNS.into_iter().zip(data).enumerate() {
        let [next, second, tenth, last] = [1, 2, 10, 11].map(|distance| (i + distance) % BLOCK_WORDS);
        s[i] = s[i].wrapping_add(word);
        s[second] ^= s[tenth];
        s[last] ^= s[i];
        s[i] = s[i].rotate_left(turn);
        s[last] = s[last].wrapping_add(s[next]);
    }
}

fn end_long(h: &mut [u64]) {
    const TURNS: [u32; BLOCK_WORDS] = [44, 15, 34, 21, 38, 33, 10, 13, 38, 53, 42, 54];
    for (i, turn) in TURNS.into_iter().enumerate() {
        let [next, second, last] = [1, 2, 11].map(|distance| (i + distance) % BLOCK_WORDS);
        h[last] = h[last].wrapping_add(h[next]);
        h[second] ^= h[last];
        h[next] = h[next].rotate_left(turn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the bytes 128, 129, …; the values are those of the C++ original.
    #[test]
    fn every_length_has_its_hash() {
        let check = |length: u8, expect: u64| {
            let bytes: Vec<u8> = (0..u64::from(length)).map(|i| (i + 128) as u8).collect();
            assert_eq!(spooky(&bytes), expect, "{length} bytes");
        };
        check(0, 0x2327_06fc_6bf5_0919);
        check(15, 0x68e0_9c33_83ec_01f9);
        check(16, 0x8d47_89b8_f274_736c);
        check(31, 0xf99c_41b7_027b_ca7c);
        check(32, 0x8382_f14f_e5cf_c8b6);
        check(33, 0x423c_a0e2_ce01_d9d7);
        check(47, 0x9429_e367_7572_8d0a);
        check(191, 0x5706_7b56_e13d_9e19);
        check(192, 0x246e_d6ee_77e0_12bd);
        check(193, 0x2cc9_0c58_2d05_114c);
    }
}
