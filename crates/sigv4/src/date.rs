//! Dates as signatures spell them: `20150830T123600Z`.

use time::format_description::well_known::Rfc2822;
use time::{Date, Month, OffsetDateTime, Time};
use types::Timestamp;

/// A moment and its spelling, which is part of what is signed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SigningDate {
    text: [u8; 16],
    at: Timestamp,
}

impl SigningDate {
    /// Parses `YYYYMMDD'T'HHMMSS'Z'`, and nothing else.
    pub(crate) fn parse_basic(text: &str) -> Option<Self> {
        let text: [u8; 16] = text.as_bytes().try_into().ok()?;
        if text[8] != b'T' || text[15] != b'Z' {
            return None;
        }
        let number = |range: std::ops::Range<usize>| {
            text[range].iter().try_fold(0_u16, |sum, digit| {
                digit
                    .is_ascii_digit()
                    .then(|| sum * 10 + u16::from(digit - b'0'))
            })
        };
        let small = |range| number(range).and_then(|value| u8::try_from(value).ok());
        let month = Month::try_from(small(4..6)?).ok()?;
        let date = Date::from_calendar_date(i32::from(number(0..4)?), month, small(6..8)?).ok()?;
        let time = Time::from_hms(small(9..11)?, small(11..13)?, small(13..15)?).ok()?;
        let at = Timestamp::from_unix(date.with_time(time).assume_utc().unix_timestamp());
        Some(Self { text, at })
    }

    /// Parses a `Date` header: the basic form, or `Wed, 21 Oct 2015 07:28:00 GMT`.
    pub(crate) fn parse_header(text: &str) -> Option<Self> {
        Self::parse_basic(text).or_else(|| {
            let date = OffsetDateTime::parse(text, &Rfc2822).ok()?;
            (0..=9_999)
                .contains(&date.year())
                .then(|| Self::at(date.unix_timestamp()))?
        })
    }

    /// The spelling of `now`; the years 0 to 9999 only.
    pub(crate) fn of(now: Timestamp) -> Option<Self> {
        Self::at(now.unix())
    }

    fn at(unix: i64) -> Option<Self> {
        let date = OffsetDateTime::from_unix_timestamp(unix).ok()?;
        let year = u16::try_from(date.year())
            .ok()
            .filter(|year| *year <= 9_999)?;
        let mut text = *b"00000000T000000Z";
        digits(&mut text[0..2], u32::from(year / 100));
        digits(&mut text[2..4], u32::from(year % 100));
        digits(&mut text[4..6], u32::from(u8::from(date.month())));
        digits(&mut text[6..8], u32::from(date.day()));
        digits(&mut text[9..11], u32::from(date.hour()));
        digits(&mut text[11..13], u32::from(date.minute()));
        digits(&mut text[13..15], u32::from(date.second()));
        Some(Self {
            text,
            at: Timestamp::from_unix(unix),
        })
    }

    /// `YYYYMMDDTHHMMSSZ`.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text).expect("a signing date is made of ASCII digits")
    }

    /// `YYYYMMDD`, as the credential scope begins.
    pub(crate) fn day(&self) -> &str {
        &self.as_str()[..8]
    }

    pub(crate) fn timestamp(&self) -> Timestamp {
        self.at
    }
}

fn digits(two: &mut [u8], value: u32) {
    two[0] = b'0' + (value / 10 % 10) as u8;
    two[1] = b'0' + (value % 10) as u8;
}

/// `2015-08-30T12:36:00Z`, for the eyes of people.
pub(crate) fn readable(at: Timestamp) -> String {
    match SigningDate::of(at) {
        Some(date) => {
            let t = date.as_str();
            let (day, time) = (&t[..8], &t[9..15]);
            format!(
                "{}-{}-{}T{}:{}:{}Z",
                &day[..4],
                &day[4..6],
                &day[6..],
                &time[..2],
                &time[2..4],
                &time[4..]
            )
        }
        None => format!("{} s after 1970", at.unix()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_survives_being_spelled_and_read() {
        for unix in [0, 1_440_938_160, 951_782_400, 4_102_444_799] {
            let date = SigningDate::of(Timestamp::from_unix(unix)).unwrap();
            let again = SigningDate::parse_basic(date.as_str()).unwrap();
            assert_eq!(again.timestamp().unix(), unix);
        }
        let date = SigningDate::parse_basic("20150830T123600Z").unwrap();
        assert_eq!(date.timestamp().unix(), 1_440_938_160);
        assert_eq!(date.day(), "20150830");
        assert_eq!(readable(date.timestamp()), "2015-08-30T12:36:00Z");
    }

    #[test]
    fn a_date_header_is_read_in_its_http_form() {
        for text in ["Sun, 30 Aug 2015 12:36:00 GMT", "20150830T123600Z"] {
            let date = SigningDate::parse_header(text).unwrap();
            assert_eq!(date.as_str(), "20150830T123600Z", "{text}");
        }
    }

    #[test]
    fn dates_that_do_not_exist_are_refused() {
        for text in [
            "",
            "20150230T123600Z",
            "20150830T246000Z",
            "20150830T123600",
            "2015083OT123600Z",
            "20150830 123600Z",
            "20150830T123600z",
            "+2015830T123600Z",
            "20151330T123600Z",
            "20150830T12360\u{e9}",
        ] {
            assert!(SigningDate::parse_header(text).is_none(), "{text}");
        }
    }
}
