//! Doubles in few bytes: readings mostly have a few decimal digits and differ little from one to the next.
//!
//! Values are written in blocks. A block whose values are all whole numbers divided by the same power of ten is that power
//! and the differences of the numbers; any other is the values as they are. What is read is what was written, bit by bit.

use crate::store::codec::{Malformed, Reader, put_i64};

/// Values of a block; the last one may have fewer.
const BLOCK: usize = 1024;
/// Decimal digits after the point at most; the powers of ten up to 10²² are exact.
const DIGITS_MAX: u8 = 15;
/// Stands where the digits would: the values as they are.
const PLAIN: u8 = u8::MAX;
/// Added to a number below 2⁵¹ and taken away again, it leaves the nearest whole number.
const ROUNDER: f64 = 1.5 * (1_u64 << 52) as f64;
const POWERS: [f64; DIGITS_MAX as usize + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Appends doubles.
pub(super) fn put_doubles(out: &mut Vec<u8>, values: &[f64]) {
    for block in values.chunks(BLOCK) {
        let start = out.len();
        if !put_decimals(out, block) || out.len() - start > 1 + size_of_val(block) {
            out.truncate(start);
            out.push(PLAIN);
            block.iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
        }
    }
}

/// Reads `count` doubles.
pub(super) fn read_doubles(reader: &mut Reader<'_>, count: usize) -> Result<Vec<f64>, Malformed> {
    let mut values = Vec::new();
    while values.len() < count {
        let length = BLOCK.min(count - values.len());
        let digits = reader.u8()?;
        if digits == PLAIN {
            let (bytes, _) = reader.bytes(8 * length)?.as_chunks::<8>();
            values.extend(bytes.iter().map(|value| f64::from_le_bytes(*value)));
            continue;
        }
        let power = *POWERS.get(usize::from(digits)).ok_or(Malformed)?;
        let mut whole = 0_i64;
        for _ in 0..length {
            whole = whole.wrapping_add(reader.i64()?);
            values.push(whole as f64 / power);
        }
    }
    Ok(values)
}

/// Appends a block as decimals with as few digits as will do; `false` when they are none.
fn put_decimals(out: &mut Vec<u8>, block: &[f64]) -> bool {
    let Some(digits) = (0..=DIGITS_MAX).find(|digits| block.iter().all(|value| whole(*value, *digits).is_some()))
    else {
        return false;
    };
    out.push(digits);
    let mut last = 0_i64;
    for number in block.iter().filter_map(|value| whole(*value, digits)) {
        put_i64(out, number.wrapping_sub(last));
        last = number;
    }
    true
}

/// The number that, divided by 10^`digits`, gives exactly this value.
fn whole(value: f64, digits: u8) -> Option<i64> {
    let power = POWERS[usize::from(digits)];
    let number = (value * power + ROUNDER - ROUNDER) as i64;
    ((number as f64 / power).to_bits() == value.to_bits()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(values: &[f64]) -> Vec<u8> {
        let mut out = Vec::new();
        put_doubles(&mut out, values);
        let mut reader = Reader::new(&out);
        let read = read_doubles(&mut reader, values.len()).unwrap();
        assert!(reader.is_empty());
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&read), bits(values));
        out
    }

    #[test]
    fn readings_take_few_bytes_and_others_no_more_than_they_have() {
        let readings: Vec<f64> = (0..3000).map(|i| f64::from(5000 + (i * 37) % 100) / 100.0).collect();
        assert!(bytes_of(&readings).len() < 2 * readings.len());
        let thirds: Vec<f64> = (0..3000).map(|i| f64::from(i) / 3.0).collect();
        assert!(bytes_of(&thirds).len() <= 8 * thirds.len() + 3);
        // As decimals these would take nine bytes each.
        let far_apart: Vec<f64> = (0..1000).map(|i| if i % 2 == 0 { 9e17 } else { -9e17 }).collect();
        assert_eq!(bytes_of(&far_apart).len(), 8 * far_apart.len() + 1);
        assert!(bytes_of(&[]).is_empty());
    }

    #[test]
    fn every_value_comes_back_bit_by_bit() {
        let extremes = [
            0.0,
            -0.0,
            0.1,
            0.1 + 0.2,
            1e15,
            1e-15,
            1e22,
            1e23,
            9_007_199_254_740_993.0,
            f64::MAX,
            f64::MIN,
            f64::MIN_POSITIVE,
            f64::EPSILON,
            5e-324,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
            i64::MAX as f64,
            i64::MIN as f64,
            2_251_799_813_685_248.5,
            4_503_599_627_370_496.5,
            -2.5,
        ];
        bytes_of(&extremes);
        extremes.iter().for_each(|value| drop(bytes_of(&[*value, *value])));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert_eq!(read_doubles(&mut Reader::new(&[16, 0]), 1), Err(Malformed));
        assert_eq!(read_doubles(&mut Reader::new(&[PLAIN, 0]), 1), Err(Malformed));
        assert_eq!(read_doubles(&mut Reader::new(&[0, 0]), 2), Err(Malformed));
    }

    #[test]
    fn any_doubles_and_any_decimals_come_back() {
        // Numbers without a pattern, of all sizes (Knuth's generator).
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state
        };
        for _ in 0..200 {
            bytes_of(&(0..50).map(|_| f64::from_bits(next())).collect::<Vec<_>>());
            let (power, shift) = (10_f64.powi((next() >> 60) as i32 + 3), next() >> 58);
            bytes_of(&(0..50).map(|_| (next() >> shift) as i64 as f64 / power).collect::<Vec<_>>());
        }
    }
}
