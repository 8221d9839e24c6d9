//! When a request is too old, too new, or says neither.

use crate::judge::presign;
use crate::request::{NOW, Request};
use crate::samples::{HOST, presigned, refusal, replace_in_query, signed};
use sigv4::AuthError;

#[test]
fn a_clock_is_trusted_for_fifteen_minutes_both_ways() {
    for (seconds, accepted) in [(-901, false), (-900, true), (900, true), (901, false)] {
        let now = NOW.plus_seconds(seconds);
        match signed().verify_at(now) {
            Ok(_) => assert!(accepted, "{seconds}"),
            Err(error) => {
                assert!(!accepted, "{seconds}");
                assert_eq!(
                    (error.code(), error.status()),
                    ("RequestTimeTooSkewed", 403)
                );
                let details = error.details();
                let find = |name| {
                    details
                        .iter()
                        .find(|(n, _)| *n == name)
                        .unwrap()
                        .1
                        .to_string()
                };
                assert_eq!(find("RequestTime"), "2013-05-24T00:00:00Z");
                assert_eq!(find("MaxAllowedSkewMilliseconds"), "900000");
            }
        }
    }
}

#[test]
fn a_presigned_url_lives_exactly_as_long_as_it_says() {
    for expires in [1, 960, 3_600, 604_799, 604_800] {
        let mut request = Request::new("GET", "/results/a", &[("host", HOST)]);
        presign(&mut request, u64::try_from(expires).unwrap(), None);
        for (seconds, accepted) in [
            (-901, false),
            (-900, true),
            (0, true),
            (expires, true),
            (expires + 1, false),
            (expires + 1_000_000, false),
        ] {
            let result = request.verify_at(NOW.plus_seconds(seconds));
            assert_eq!(result.is_ok(), accepted, "{expires} {seconds}");
            if let Err(error) = result {
                assert_eq!((error.code(), error.status()), ("AccessDenied", 403));
            }
        }
    }
}

#[test]
fn a_life_outside_its_range_is_refused() {
    for expires in [
        "",
        "0",
        "-1",
        "604801",
        "1000000000",
        "1.5",
        "+900",
        " 900",
        "9e2",
        "%39x",
    ] {
        let mut request = presigned();
        replace_in_query(
            &mut request,
            "X-Amz-Expires=900",
            &format!("X-Amz-Expires={expires}"),
        );
        assert_eq!(
            refusal(&request),
            ("AuthorizationQueryParametersError", 400),
            "{expires}"
        );
    }
}

#[test]
fn a_missing_or_malformed_date_is_refused() {
    for date in [
        "",
        "20130524",
        "2013-05-24T00:00:00Z",
        "20130524T000000",
        "20130532T000000Z",
    ] {
        let mut request = signed();
        request.set("x-amz-date", date);
        assert_eq!(
            request.verify().unwrap_err(),
            AuthError::DateMissing,
            "{date}"
        );
    }
    let mut twice = signed();
    twice.append("x-amz-date", "20130524T000000Z");
    assert_eq!(twice.verify().unwrap_err(), AuthError::DateMissing);
}
