//! Values inside conditions: numbers, dates, booleans, networks.

use std::net::IpAddr;

/// A finite decimal number.
pub(super) fn number(text: &str) -> Option<f64> {
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    if !plain {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// `true` or `false`, in any case.
pub(super) fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// An address with the number of bits that count: `10.0.0.0/8`, `2001:db8::/32`, `10.1.2.3`.
pub(super) fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let all = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(all);
    (bits <= all).then_some((address, bits))
}

/// Whether `address` lies in the network.
pub(super) fn contains(network: IpAddr, bits: u8, address: IpAddr) -> bool {
    let same = |a: u128, b: u128, width: u8| bits == 0 || (a ^ b) >> (width - bits) == 0;
    match (network, address) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            same(u128::from(a.to_bits()), u128::from(b.to_bits()), 32)
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
        _ => false,
    }
}

/// Milliseconds since 1970 of seconds since 1970, or of an ISO 8601 date: `2026-01-31`,
/// `2026-01-31T10:00:00Z`, `2026-01-31T10:00:00.5+01:00`.
pub(super) fn date(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<i64>()
        && !(text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit()))
    {
        return seconds.checked_mul(1_000);
    }
    let (day, time) = match text.split_once('T') {
        Some((day, time)) => (day, Some(time)),
        None => (text, None),
    };
    let mut parts = day.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |part| digits(part, 2))?;
    let in_month = parts.next().map_or(Some(1), |part| digits(part, 2))?;
    if parts.next().is_some() || !is_day(year, month, in_month) {
        return None;
    }
    let midnight = days_since_1970(year, month, in_month) * 86_400_000;
    match time {
        Some(time) => Some(midnight + time_of_day(time)?),
        None => Some(midnight),
    }
}

fn time_of_day(text: &str) -> Option<i64> {
    let (clock, offset_minutes) = if let Some(clock) = text.strip_suffix('Z') {
        (clock, 0)
    } else {
        let at = text.rfind(['+', '-'])?;
        let (hours, minutes) = text[at + 1..].split_once(':')?;
        let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
        if hours > 23 || minutes > 59 {
            return None;
        }
        let sign = if text[at..].starts_with('-') { -1 } else { 1 };
        (&text[..at], sign * (hours * 60 + minutes))
    };
    let mut parts = clock.splitn(3, ':');
    let (hours, minutes) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let (seconds, millis) = match parts.next() {
        None => (0, 0),
        Some(rest) => match rest.split_once('.') {
            None => (digits(rest, 2)?, 0),
            Some((whole, fraction)) => (digits(whole, 2)?, thousandths(fraction)?),
        },
    };
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    Some(((hours * 60 + minutes - offset_minutes) * 60 + seconds) * 1_000 + millis)
}

fn thousandths(fraction: &str) -> Option<i64> {
    if fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let three: String = fraction.chars().chain("00".chars()).take(3).collect();
    three.parse().ok()
}

fn digits(text: &str, count: usize) -> Option<i64> {
    let all_digits = text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    all_digits.then(|| text.parse().ok()).flatten()
}

fn is_day(year: i64, month: i64, day: i64) -> bool {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    (1..=last).contains(&day)
}

/// Days of the proleptic Gregorian calendar, counted in years that begin in March, so that the
/// leap day is the last of its year.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_the_forms_that_iam_takes() {
        for (text, seconds) in [
            ("1970-01-01", 0),
            ("2000-03-01T00:00:00Z", 951_868_800),
            ("2026-01-31T10:00:00Z", 1_769_853_600),
            ("2026-01-31T11:00:00+01:00", 1_769_853_600),
            ("1769853600", 1_769_853_600),
            ("2024-02-29", 1_709_164_800),
            ("2026-01", 1_767_225_600),
            ("2026", 1_767_225_600),
        ] {
            assert_eq!(date(text), Some(seconds * 1_000), "{text}");
        }
        assert_eq!(date("1970-01-01T00:00:00.5Z"), Some(500));
        assert_eq!(date("1970-01-01T00:00:00.1234Z"), Some(123));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "2026-02-30",
            "2026-13-01",
            "2026-1-1",
            "tomorrow",
            "2026-01-01T25:00:00Z",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn networks_contain_their_addresses_and_no_others() {
        let inside = |net: &str, address: &str| {
            let (network, bits) = network(net).unwrap();
            contains(network, bits, address.parse().unwrap())
        };
        assert!(inside("203.0.113.0/24", "203.0.113.255"));
        assert!(!inside("203.0.113.0/24", "203.0.114.0"));
        assert!(inside("0.0.0.0/0", "8.8.8.8"));
        assert!(!inside("0.0.0.0/0", "::1"));
        assert!(inside("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(inside("10.1.2.3", "10.1.2.3"));
        assert!(!inside("10.1.2.3", "10.1.2.4"));
        assert_eq!(network("10.0.0.0/33"), None);
        assert_eq!(network("example.org"), None);
    }

    #[test]
    fn numbers_are_decimal_and_finite() {
        assert_eq!(number("1.20"), Some(1.2));
        assert_eq!(number("-3"), Some(-3.0));
        for text in ["", "inf", "NaN", "0x10", "1 "] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
