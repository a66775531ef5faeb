//! Times that come again and again, as people write them: a cron pattern of five fields, in a time zone.
//!
//! Where clocks are put forward, a time that does not exist is the first moment after the gap; where they are put back,
//! one that exists twice is the first of the two. Patterns for every hour of the day, or with very many times a day, go by
//! the time that passes.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::{
    Cron, CronComponent,
    parser::{CronParser, Seconds, Year},
};

use crate::{Error, Result, Timestamp};

/// Characters of a pattern.
const LIMIT: usize = 200;
const NICKNAMES: [&str; 6] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@hourly"];
/// The years in which times are looked for: what does not come in them, as 30 February, never does. Days that are rarest
/// come after 40 years.
const YEARS: (u16, u16) = (1960, 2200);
/// Times of a day that are held against what clocks do.
const TIMES: usize = 240;
/// Minutes that clocks are put forward at most: a day was left out where the date line was moved.
const GAP: i64 = 26 * 60;

/// # Errors
/// Invalid, by the name on the wire.
pub(crate) fn read_zone(name: &str) -> Result<Tz> {
    let wrong = "must be a name such as Europe/Vienna, or UTC";
    name.parse().map_err(|_| Error::invalid("time-zone", wrong))
}

#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    times: Times,
    zone: Tz,
}

#[derive(Clone, Debug)]
enum Times {
    /// By the clock: on the days of a pattern whose only time is midnight, the earliest first.
    OfDays(Cron, Vec<NaiveTime>),
    /// By the time that passes.
    Any(Cron),
}

impl Pattern {
    /// # Errors
    /// Invalid, by the names on the wire.
    pub fn parse(cron: &str, zone: &str) -> Result<Self> {
        let zone = read_zone(zone)?;
        if cron.len() > LIMIT {
            return Err(Error::invalid("cron", format!("has at most {LIMIT} characters")));
        }
        let is_nickname = NICKNAMES.iter().any(|known| cron.trim().eq_ignore_ascii_case(known));
        if !is_nickname && (cron.split_whitespace().count() != 5 || cron.contains('@')) {
            let why = format!(
                "must have the five fields minute, hour, day of the month, month and day of the week, or be one of {}",
                NICKNAMES.join(", ")
            );
            return Err(Error::invalid("cron", why));
        }
        let parser =
            CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let unreadable = |error| Error::invalid("cron", format!("cannot be read: {error}"));
        let mut cron = parser.parse(cron).map_err(unreadable)?;
        let mut years = CronComponent::new(YEARS.0, YEARS.1, 0, 0);
        years.parse("*").expect("all of them");
        cron.pattern.years = years;
        let pattern = Self { times: Times::of(cron), zone };
        if pattern.next_after(Timestamp(0)).is_none() {
            return Err(Error::invalid("cron", "names a time that never comes"));
        }
        Ok(pattern)
    }

    /// The first time behind this one.
    pub fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        let there = self.there(at)?;
        match &self.times {
            Times::Any(cron) => Some(moment(cron.find_next_occurrence(&there, false).ok()?)),
            Times::OfDays(days, _) => {
                // A time that clocks leave out on one day may come on the next.
                let mut day = there.date_naive() - Days::new(1);
                loop {
                    let from = midnight(day);
                    day = days.find_next_occurrence(&from, true).ok()?.date_naive();
                    if let Some(found) = self.of_day(day).filter(|time| *time > at).min() {
                        return Some(found);
                    }
                    day = day.succ_opt()?;
                }
            }
        }
    }

    /// The last time that has come by then.
    pub fn last_by(&self, at: Timestamp) -> Option<Timestamp> {
        let there = self.there(at)?;
        match &self.times {
            Times::Any(cron) => Some(moment(cron.find_previous_occurrence(&there, true).ok()?)),
            Times::OfDays(days, _) => {
                let mut day = there.date_naive();
                loop {
                    let from = midnight(day);
                    day = days.find_previous_occurrence(&from, true).ok()?.date_naive();
                    if let Some(found) = self.of_day(day).filter(|time| *time <= at).max() {
                        return Some(found);
                    }
                    day = day.pred_opt()?;
                }
            }
        }
    }

    /// When the times of a day are.
    fn of_day(&self, day: NaiveDate) -> impl Iterator<Item = Timestamp> {
        let times: &[NaiveTime] = match &self.times {
            Times::OfDays(_, times) => times,
            Times::Any(_) => &[],
        };
        times.iter().filter_map(move |time| self.clocks_show(day.and_time(*time)))
    }

    /// When clocks show this first, or what comes behind it where they leave it out.
    fn clocks_show(&self, local: NaiveDateTime) -> Option<Timestamp> {
        let mut minutes = (0..=GAP).map(|minutes| local + TimeDelta::minutes(minutes));
        minutes.find_map(|local| local.and_local_timezone(self.zone).earliest()).map(moment)
    }

    fn there(&self, at: Timestamp) -> Option<DateTime<Tz>> {
        Some(DateTime::<Utc>::from_timestamp_millis(at.0)?.with_timezone(&self.zone))
    }
}

fn moment(time: DateTime<Tz>) -> Timestamp {
    Timestamp(time.timestamp_millis())
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

impl Times {
    fn of(cron: Cron) -> Self {
        let (hours, minutes) = (cron.pattern.hours.values(), cron.pattern.minutes.values());
        if hours.len() == 24 || hours.len() * minutes.len() > TIMES {
            return Self::Any(cron);
        }
        let times = hours.iter().flat_map(|hour| {
            let time = move |minute: &u16| {
                NaiveTime::from_hms_opt(u32::from(*hour), u32::from(*minute), 0)
            };
            minutes.iter().filter_map(time)
        });
        let times = times.collect();
        let mut days = cron;
        days.pattern.hours = midnight_alone(23);
        days.pattern.minutes = midnight_alone(59);
        Self::OfDays(days, times)
    }
}

fn midnight_alone(most: u16) -> CronComponent {
    let mut field = CronComponent::new(0, most, 0, 0);
    field.parse("0").expect("it is one of them");
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    /// The times that follow one another, as UTC has them.
    fn times(cron: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let pattern = Pattern::parse(cron, zone).unwrap();
        let next = |last: &Timestamp| pattern.next_after(*last);
        let all = std::iter::successors(pattern.next_after(at(from)), next);
        all.take(count).map(|time| time.iso8601().replace(":00.000Z", "Z")).collect()
    }

    #[test]
    fn a_time_is_as_clocks_show_it_in_its_zone() {
        assert_eq!(
            times("30 6 * * mon-fri", "America/New_York", "2026-11-27T00:00:00Z", 3),
            ["2026-11-27T11:30Z", "2026-11-30T11:30Z", "2026-12-01T11:30Z"]
        );
    }

    #[test]
    fn a_time_that_is_skipped_comes_once_behind_the_gap() {
        // On 29 March 2026 there is no half past two in Vienna.
        assert_eq!(
            times("30 2 * * *", "Europe/Vienna", "2026-03-28T00:00:00Z", 3),
            ["2026-03-28T01:30Z", "2026-03-29T01:00Z", "2026-03-30T00:30Z"]
        );
    }

    #[test]
    fn a_time_that_is_there_twice_comes_once() {
        // On 25 October 2026 there are two of them.
        assert_eq!(
            times("30 2 * * *", "Europe/Vienna", "2026-10-24T00:00:00Z", 3),
            ["2026-10-24T00:30Z", "2026-10-25T00:30Z", "2026-10-26T01:30Z"]
        );
    }

    #[test]
    fn several_times_of_a_day_are_neither_skipped_nor_doubled() {
        assert_eq!(
            times("0,30 2 * * *", "Europe/Vienna", "2026-03-28T00:00:00Z", 4),
            ["2026-03-28T01:00Z", "2026-03-28T01:30Z", "2026-03-29T01:00Z", "2026-03-30T00:00Z"]
        );
        assert_eq!(
            times("30 1-3 * * *", "Europe/Vienna", "2026-10-24T12:00:00Z", 4),
            ["2026-10-24T23:30Z", "2026-10-25T00:30Z", "2026-10-25T02:30Z", "2026-10-26T00:30Z"]
        );
        for spelling in ["*/30 2 28,29 3 *", "0,30 2 28,29 3 *", "*/30 2 28-29 MAR *"] {
            assert_eq!(
                times(spelling, "Europe/Vienna", "2026-03-28T00:00:00Z", 4),
                [
                    "2026-03-28T01:00Z",
                    "2026-03-28T01:30Z",
                    "2026-03-29T01:00Z",
                    "2027-03-28T01:00Z"
                ]
            );
        }
        assert_eq!(
            times("*/30 2 * * *", "Europe/Vienna", "2026-10-24T12:00:00Z", 3),
            ["2026-10-25T00:00Z", "2026-10-25T00:30Z", "2026-10-26T01:00Z"]
        );
    }

    #[test]
    fn an_hourly_time_comes_every_hour_whatever_clocks_do() {
        assert_eq!(
            times("0 * * * *", "Europe/Vienna", "2026-03-28T23:30:00Z", 4),
            ["2026-03-29T00:00Z", "2026-03-29T01:00Z", "2026-03-29T02:00Z", "2026-03-29T03:00Z"]
        );
        assert_eq!(
            times("0 * * * *", "Europe/Vienna", "2026-10-24T23:30:00Z", 4),
            ["2026-10-25T00:00Z", "2026-10-25T01:00Z", "2026-10-25T02:00Z", "2026-10-25T03:00Z"]
        );
    }

    #[test]
    fn a_midnight_that_clocks_leave_out_or_show_twice_comes_once() {
        assert_eq!(
            times("0 0 * * *", "America/Sao_Paulo", "2018-11-03T00:00:00Z", 3),
            ["2018-11-03T03:00Z", "2018-11-04T03:00Z", "2018-11-05T02:00Z"]
        );
        assert_eq!(
            times("30 23 * * *", "America/Sao_Paulo", "2018-02-16T12:00:00Z", 3),
            ["2018-02-17T01:30Z", "2018-02-18T01:30Z", "2018-02-19T02:30Z"]
        );
    }

    #[test]
    fn a_day_that_is_left_out_counts_when_the_next_one_begins() {
        // Samoa had no 30 December 2011.
        assert_eq!(
            times("0 9 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", 3),
            ["2011-12-29T19:00Z", "2011-12-30T10:00Z", "2011-12-30T19:00Z"]
        );
    }

    #[test]
    fn many_times_of_a_rare_day_are_found_as_fast_as_one() {
        let often = "0,1,2,3,4,5,6,7,8,9 0-22 29 2 +mon";
        assert_eq!(
            times(often, "UTC", "2026-01-01T00:00:00Z", 2),
            ["2044-02-29T00:00Z", "2044-02-29T00:01Z"]
        );
        let refused = Pattern::parse("0,1,2,3,4,5,6,7,8,9 0-22 30 2 *", "UTC").unwrap_err();
        assert!(refused.to_string().contains("never comes"), "{refused}");
    }

    #[test]
    fn days_that_not_every_month_or_year_has_are_waited_for() {
        assert_eq!(
            times("0 0 31 * *", "UTC", "2026-01-31T00:00:00Z", 2),
            ["2026-03-31T00:00Z", "2026-05-31T00:00Z"]
        );
        // There is none in 2100.
        assert_eq!(
            times("0 0 29 2 *", "UTC", "2096-01-01T00:00:00Z", 2),
            ["2096-02-29T00:00Z", "2104-02-29T00:00Z"]
        );
    }

    #[test]
    fn what_comes_once_in_forty_years_is_waited_for_and_what_never_comes_is_not() {
        assert_eq!(times("0 0 29 2 +sat", "UTC", "2076-03-01T00:00:00Z", 1), ["2116-02-29T00:00Z"]);
        let leap_days = Pattern::parse("0 0 29 2 *", "UTC").unwrap();
        assert_eq!(leap_days.next_after(at("2196-03-01T00:00:00Z")), None, "nobody looks further");
        for never in ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 1-7 * +fri#2"] {
            let refused = Pattern::parse(never, "America/Lima").unwrap_err();
            assert!(refused.to_string().contains("never comes"), "{never}: {refused}");
        }
    }

    #[test]
    fn steps_begin_anew_with_each_hour_and_days_have_names() {
        assert_eq!(
            times("*/7 * * * *", "UTC", "2026-01-01T00:49:00Z", 3),
            ["2026-01-01T00:56Z", "2026-01-01T01:00Z", "2026-01-01T01:07Z"]
        );
        for sunday in ["0 9 * JAN Sun", "0 9 * 1 7", "0 9 * 1 0"] {
            assert_eq!(times(sunday, "UTC", "2026-01-01T00:00:00Z", 1), ["2026-01-04T09:00Z"]);
        }
    }

    /// Days around which clocks are put forward or back, somewhere.
    const CHANGES: [&str; 5] = [
        "2018-02-17T00:00:00Z",
        "2018-11-03T00:00:00Z",
        "2026-03-28T00:00:00Z",
        "2026-04-23T12:00:00Z",
        "2026-10-24T12:00:00Z",
    ];

    proptest::proptest! {
        #[test]
        fn between_the_last_time_and_the_next_one_there_is_none(
            zone in proptest::sample::select(&[
                "UTC", "Europe/Berlin", "America/Sao_Paulo", "America/New_York", "Africa/Cairo",
                "Australia/Lord_Howe", "Asia/Kathmandu",
            ][..]),
            cron in proptest::sample::select(&[
                "30 2 * * *", "0 0 * * *", "0 * * * *", "*/7 * * * *", "15 1-3 * * *", "0 */7 * * *",
                "30 23 * * sat", "45 23 L * *", "0 0 1,15 * mon", "*/15 2 * * *", "* 1-3 * * *",
            ][..]),
            around in proptest::sample::select(&CHANGES[..]),
            seconds in 0..3 * 24 * 60 * 60_i64,
        ) {
            let (pattern, now) = (Pattern::parse(cron, zone).unwrap(), at(around).plus_seconds(seconds));
            let (last, next) = (pattern.last_by(now).unwrap(), pattern.next_after(now).unwrap());
            proptest::prop_assert!(last <= now && now < next);
            proptest::prop_assert_eq!(pattern.next_after(last), Some(next));
            proptest::prop_assert_eq!(pattern.last_by(next), Some(next));
        }
    }

    #[test]
    fn the_last_time_is_found_as_well() {
        let pattern = Pattern::parse("0 18 * * fri", "Europe/Vienna").unwrap();
        let last = pattern.last_by(at("2026-11-30T12:00:00Z"));
        assert_eq!(last, Some(at("2026-11-27T17:00:00Z")));
        assert_eq!(pattern.last_by(at("2026-11-27T17:00:00Z")), last);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for cron in [
            "",
            "* * * *",
            "0 0 0 * * *",
            "61 * * * *",
            "0 0 31 2 *",
            "tomorrow",
            "5-1 * * * *",
            "*/0 * * * *",
            "0 0 30 2 *",
            "@midnight",
            "@every 5m",
            "@daily 0 0 * *",
            &"1,".repeat(200),
        ] {
            let refused = Pattern::parse(cron, "UTC").unwrap_err().to_string();
            let is_counted = refused.contains("five fields");
            assert_eq!(
                is_counted,
                ["", "* * * *", "0 0 0 * * *", "tomorrow"].contains(&cron) || cron.contains('@'),
                "{refused}"
            );
        }
        for known in NICKNAMES {
            assert!(Pattern::parse(known, "UTC").is_ok(), "{known}");
        }
        for zone in ["Middle/Earth", "", "+02:00", "../UTC"] {
            assert!(Pattern::parse("0 0 * * *", zone).is_err(), "{zone}");
        }
    }
}
