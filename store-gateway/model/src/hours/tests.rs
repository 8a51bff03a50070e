use super::*;

fn at(local: &str) -> Timestamp {
    local
        .parse::<jiff::civil::DateTime>()
        .unwrap()
        .to_zoned(TimeZone::get("Europe/Warsaw").unwrap())
        .unwrap()
        .timestamp()
}

fn span(open: &str, close: &str) -> Interval {
    Interval { open: Minute::try_from(open.to_owned()).unwrap(), close: Minute::try_from(close.to_owned()).unwrap() }
}

#[test]
fn opens_at_nine_and_is_closed_from_eight_on() {
    let hours = Hours::default();
    assert!(!hours.open_at(at("2026-05-21T08:59:59")));
    assert!(hours.open_at(at("2026-05-21T09:00")));
    assert!(hours.open_at(at("2026-05-21T19:59:59")));
    assert!(!hours.open_at(at("2026-05-21T20:00")));
    assert!(!hours.open_at(at("2026-05-24T12:00")), "24 May 2026 is a Sunday");
}

#[test]
fn an_exception_wins_over_a_trading_sunday_and_that_over_the_week() {
    let mut hours = Hours::default();
    let sunday: Date = "2026-12-13".parse().unwrap();
    hours.trading_sundays.insert(sunday);
    assert!(hours.open_at(at("2026-12-13T10:00")));
    assert!(!hours.open_at(at("2026-12-13T09:30")));
    hours.exceptions.insert(sunday, Vec::new());
    assert!(!hours.open_at(at("2026-12-13T10:00")));
    hours.exceptions.insert("2026-12-24".parse().unwrap(), vec![span("09:00", "14:00")]);
    assert!(!hours.open_at(at("2026-12-24T14:00")));
    assert_eq!(hours.closing_on("2026-12-24".parse().unwrap()), Some(at("2026-12-24T14:00")));
}

#[test]
fn finds_the_next_opening_over_a_lunch_break_and_a_sunday() {
    let mut hours = Hours::default();
    hours.week.thu = vec![span("09:00", "12:00"), span("13:00", "18:00")];
    assert_eq!(hours.next_opening(at("2026-05-21T12:10")), Some(at("2026-05-21T13:00")));
    assert_eq!(hours.next_opening(at("2026-05-21T13:10")), Some(at("2026-05-21T13:10")));
    assert_eq!(hours.next_opening(at("2026-05-23T20:00")), Some(at("2026-05-25T09:00")));
}

#[test]
fn counts_open_minutes_only() {
    let hours = Hours::default();
    // 10 minutes on Saturday evening, the rest on Monday morning.
    assert_eq!(hours.add_open_minutes(at("2026-05-23T19:50"), 15), Some(at("2026-05-25T09:05")));
    assert_eq!(hours.open_minutes_between(at("2026-05-23T19:50"), at("2026-05-25T09:05")), 15);
    // 60 minutes to close are used up at closing time, not at the next opening.
    assert_eq!(hours.add_open_minutes(at("2026-05-22T19:00"), 60), Some(at("2026-05-22T20:00")));
    assert_eq!(hours.open_minutes_between(at("2026-05-25T10:00"), at("2026-05-25T09:00")), 0);
}

#[test]
fn an_hour_lost_to_summer_time_is_not_counted() {
    let mut hours = Hours::default();
    // 29 March 2026: 02:00 CET becomes 03:00 CEST.
    hours.exceptions.insert("2026-03-29".parse().unwrap(), vec![span("00:00", "24:00")]);
    assert_eq!(hours.open_minutes_between(at("2026-03-29T00:00"), at("2026-03-29T04:00")), 180);
    // 25 October 2026: 03:00 CEST becomes 02:00 CET.
    hours.exceptions.insert("2026-10-25".parse().unwrap(), vec![span("00:00", "24:00")]);
    assert_eq!(hours.open_minutes_between(at("2026-10-25T00:00"), at("2026-10-25T04:00")), 300);
}

#[test]
fn a_store_that_never_opens_has_no_next_opening() {
    let hours = Hours { week: Week::default(), ..Hours::default() };
    assert_eq!(hours.next_opening(at("2026-05-21T12:00")), None);
    assert_eq!(hours.add_open_minutes(at("2026-05-21T12:00"), 1), None);
}

#[test]
fn refuses_contradictions_and_names_the_day() {
    let with = |day: Vec<Interval>| {
        let mut hours = Hours::default();
        hours.week.tue = day;
        hours.validate().unwrap_err().to_string()
    };
    assert_eq!(with(vec![span("12:00", "09:00")]), "tue: an interval must close after it opens");
    assert_eq!(
        with(vec![span("09:00", "12:00"), span("11:00", "14:00")]),
        "tue: intervals must follow each other without overlap"
    );
    let zone = Hours { zone: "Europe/Wola".into(), ..Hours::default() };
    assert!(matches!(zone.validate(), Err(HoursError::Zone { .. })));
    let mut sunday = Hours::default();
    sunday.trading_sundays.insert("2026-12-14".parse().unwrap());
    assert!(matches!(sunday.validate(), Err(HoursError::NoSunday { .. })));
    assert_eq!(Hours::default().validate(), Ok(()));
}

#[test]
fn reads_times_of_day() {
    for good in ["00:00", "9:05", "24:00"] {
        assert!(Minute::try_from(good.to_owned()).is_ok(), "{good}");
    }
    for bad in ["24:01", "12:60", "12", "12:5", "-1:00", "a:b", "99999:00", ""] {
        assert!(Minute::try_from(bad.to_owned()).is_err(), "{bad}");
    }
}
