use super::*;
use crate::escpos::status::Paper;

const READY: [u8; 4] = [0x12; 4];
/// Cover open: offline (bit 3 of the first answer) and bit 2 of the second.
const COVER_OPEN: [u8; 4] = [0x1A, 0x16, 0x12, 0x12];
const PAPER_OUT: [u8; 4] = [0x1A, 0x32, 0x12, 0x7E];
const QUESTIONS: [u8; 12] = [16, 4, 1, 16, 4, 2, 16, 4, 3, 16, 4, 4];

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn config() -> Config {
    Config::of(&Profile::named("epson-tm-t20").unwrap())
}

/// Answers nothing.
fn mute() -> Config {
    Config::of(&Profile::named("xprinter-58").unwrap())
}

fn job(id: u64) -> Job {
    Job { id: JobId(id), octets: b"ok\n".to_vec(), valid_for: None }
}

fn stored(id: u64, state: JobState) -> Output {
    Output::Store { job: JobId(id), state }
}

fn outputs(printing: &mut Printing) -> Vec<Output> {
    std::iter::from_fn(|| printing.poll_output()).collect()
}

/// With its port open and nothing asked or left to do, at 0 s.
fn opened(config: Config) -> Printing {
    let mut printing = Printing::new(config, at(0));
    assert_eq!(outputs(&mut printing), [Output::Open]);
    printing.handle_opened(at(0));
    if config.realtime_status {
        assert_eq!(outputs(&mut printing), [Output::Write(QUESTIONS.to_vec())]);
        printing.handle_written(12, at(0));
        printing.handle_octets(&READY, at(0));
        assert_eq!(outputs(&mut printing), [Output::Status(Some(Status::default()))]);
    }
    assert_eq!(outputs(&mut printing), []);
    printing
}

/// Job 1 with all its octets in the port, at 1 s.
fn confirming() -> Printing {
    let mut printing = opened(config());
    printing.handle_job(job(1), at(1_000));
    printing.handle_written(12, at(1_000));
    printing.handle_octets(&READY, at(1_000));
    // `!!!"` is 1 in base 94 from `!` on.
    let octets = b"ok\n\x1D(H\x06\x00\x30\x30!!!\"".to_vec();
    let wanted = [Output::Write(QUESTIONS.to_vec()), stored(1, JobState::Begun), Output::Write(octets.clone())];
    assert_eq!(outputs(&mut printing), wanted);
    printing.handle_written(octets.len(), at(1_000));
    assert_eq!((outputs(&mut printing), printing.under_way()), (vec![], Some(JobId(1))));
    printing
}

/// Lets time pass to the next deadline, where the printer answers whatever it is asked; gives the other outputs.
fn tick(printing: &mut Printing, answers: &[u8]) -> (Instant, Vec<Output>) {
    let now = printing.next_timeout().unwrap();
    printing.handle_timeout(now);
    let mut told = outputs(printing);
    if told.contains(&Output::Write(QUESTIONS.to_vec())) {
        told.retain(|output| *output != Output::Write(QUESTIONS.to_vec()));
        printing.handle_written(12, now);
        printing.handle_octets(answers, now);
        told.extend(outputs(printing));
    }
    (now, told)
}

#[test]
fn a_job_is_printed_when_the_printer_says_so() {
    let mut printing = confirming();
    printing.handle_octets(b"7\"!!", at(1_400));
    assert_eq!(outputs(&mut printing), []);
    printing.handle_octets(b"!\"\x00", at(1_500));
    assert_eq!(outputs(&mut printing), [stored(1, JobState::Printed), Output::Write(QUESTIONS.to_vec())]);
    assert_eq!(printing.under_way(), None);
}

#[test]
fn another_job_s_confirmation_confirms_nothing() {
    let mut printing = confirming();
    printing.handle_octets(b"7\"!!!#\x00", at(1_500));
    assert_eq!((outputs(&mut printing), printing.under_way()), (vec![], Some(JobId(1))));
}

#[test]
fn a_printer_that_answers_nothing_gets_the_job_at_once_and_it_is_sent() {
    let mut printing = opened(mute());
    printing.handle_job(job(1), at(0));
    printing.handle_job(job(2), at(0));
    let wanted = [stored(1, JobState::Begun), Output::Write(b"ok\n".to_vec())];
    assert_eq!(outputs(&mut printing), wanted);
    printing.handle_written(2, at(5));
    assert_eq!(outputs(&mut printing), []);
    printing.handle_written(1, at(6));
    let wanted = [stored(1, JobState::Sent), stored(2, JobState::Begun), Output::Write(b"ok\n".to_vec())];
    assert_eq!(outputs(&mut printing), wanted);
}

#[test]
fn a_long_job_goes_in_chunks_as_the_port_takes_them() {
    let mut printing = opened(mute());
    let octets: Vec<u8> = (0..5_000_u16).map(|i| i as u8).collect();
    printing.handle_job(Job { octets: octets.clone(), ..job(1) }, at(0));
    assert_eq!(outputs(&mut printing)[1], Output::Write(octets[..4_096].to_vec()));
    printing.handle_written(4_095, at(0));
    assert_eq!(outputs(&mut printing), []);
    printing.handle_written(1, at(0));
    assert_eq!(outputs(&mut printing), [Output::Write(octets[4_096..].to_vec())]);
}

#[test]
fn an_open_cover_holds_the_job_until_it_is_closed() {
    let mut printing = opened(config());
    printing.handle_job(job(1), at(1_000));
    printing.handle_written(12, at(1_000));
    printing.handle_octets(&COVER_OPEN, at(1_010));
    let status = Status { online: false, cover_open: true, ..Status::default() };
    let wanted =
        [Output::Write(QUESTIONS.to_vec()), Output::Status(Some(status)), stored(1, JobState::Held(Hold::CoverOpen))];
    assert_eq!(outputs(&mut printing), wanted);
    assert_eq!(tick(&mut printing, &COVER_OPEN), (at(3_000), vec![]), "told once, asked again after 2 s");
    let (now, told) = tick(&mut printing, &READY);
    assert_eq!(now, at(5_000));
    assert_eq!(told[..2], [Output::Status(Some(Status::default())), stored(1, JobState::Begun)]);
}

#[test]
fn a_silent_printer_is_never_written_to_blindly() {
    let mut printing = opened(config());
    printing.handle_job(job(1), at(1_000));
    printing.handle_written(12, at(1_000));
    printing.handle_octets(&READY[..3], at(1_000));
    assert_eq!(outputs(&mut printing), [Output::Write(QUESTIONS.to_vec())]);
    let (now, told) = tick(&mut printing, &[]);
    assert_eq!((now, told), (at(3_000), vec![Output::Status(None), stored(1, JobState::Held(Hold::Silent))]));
    for second in [5, 7, 9] {
        assert_eq!(tick(&mut printing, &[]), (at(second * 1_000), vec![]));
    }
    let (_, told) = tick(&mut printing, &READY);
    assert_eq!(told[..2], [Output::Status(Some(Status::default())), stored(1, JobState::Begun)]);
}

#[test]
fn a_printer_that_falls_silent_after_the_job_leaves_it_unknown() {
    let mut printing = confirming();
    let mut last = tick(&mut printing, &[]);
    while last.0 < at(11_000) {
        assert!(last.1.iter().all(|output| *output == Output::Status(None)), "{last:?}");
        last = tick(&mut printing, &[]);
    }
    assert_eq!(last, (at(11_000), vec![stored(1, JobState::Unknown(Doubt::Silent))]));
}

#[test]
fn an_empty_roll_is_waited_for_and_then_given_up() {
    let mut printing = confirming();
    let (now, told) = tick(&mut printing, &PAPER_OUT);
    let status = Status { online: false, paper: Paper::Out, ..Status::default() };
    assert_eq!((now, told), (at(3_000), vec![Output::Status(Some(status))]));
    let mut last = tick(&mut printing, &PAPER_OUT);
    while last.1.is_empty() {
        last = tick(&mut printing, &PAPER_OUT);
    }
    assert_eq!(last.0, at(601_000));
    assert_eq!(last.1[0], stored(1, JobState::Unknown(Doubt::Unfinished)));
}

#[test]
fn a_ready_printer_that_does_not_confirm_has_lost_the_job() {
    let mut printing = confirming();
    tick(&mut printing, &PAPER_OUT);
    let mut last = tick(&mut printing, &READY);
    assert_eq!(last.1, [Output::Status(Some(Status::default()))]);
    while last.1.iter().all(|output| matches!(output, Output::Status(_))) {
        last = tick(&mut printing, &READY);
    }
    // Trouble was last told of at 3 s.
    assert_eq!((last.0, &last.1[0]), (at(63_000), &stored(1, JobState::Unknown(Doubt::Unconfirmed))));
}

#[test]
fn a_port_that_takes_no_question_is_no_silence() {
    let mut printing = confirming();
    printing.handle_timeout(at(3_000));
    assert_eq!(outputs(&mut printing), [Output::Write(QUESTIONS.to_vec())]);
    while let Some(now) = printing.next_timeout().filter(|now| *now <= at(100_000)) {
        printing.handle_timeout(now);
    }
    assert_eq!((outputs(&mut printing), printing.under_way()), (vec![Output::Status(None)], Some(JobId(1))));
    printing.handle_written(12, at(100_000));
    assert_eq!(printing.next_timeout(), Some(at(101_000)), "asked again");
    printing.handle_octets(b"7\"!!!\"\x00", at(100_001));
    assert_eq!(outputs(&mut printing)[0], stored(1, JobState::Printed));
}

#[test]
fn a_port_that_closes_leaves_a_begun_job_unknown_and_the_next_one_waiting() {
    let mut printing = confirming();
    printing.handle_job(job(2), at(1_100));
    printing.handle_closed(at(1_200));
    let wanted =
        [stored(1, JobState::Unknown(Doubt::Port)), Output::Status(None), stored(2, JobState::Held(Hold::Port))];
    assert_eq!(outputs(&mut printing), wanted);
    assert_eq!(tick(&mut printing, &[]), (at(2_200), vec![Output::Open]));
    printing.handle_opened(at(2_300));
    printing.handle_written(12, at(2_300));
    printing.handle_octets(&READY, at(2_300));
    assert_eq!(outputs(&mut printing)[2], stored(2, JobState::Begun));
}

#[test]
fn a_port_that_does_not_open_is_tried_less_and_less_often() {
    let mut printing = Printing::new(config(), at(0));
    let mut opened = Vec::new();
    for _ in 0..8 {
        assert_eq!(outputs(&mut printing), [Output::Open]);
        let now = printing.next_timeout();
        assert_eq!(now, None, "the shell answers first");
        let last = opened.last().copied().unwrap_or(at(0));
        printing.handle_closed(last);
        opened.push(printing.next_timeout().unwrap());
        printing.handle_timeout(*opened.last().unwrap());
    }
    let waits: Vec<u64> = opened.windows(2).map(|pair| pair[1].since(pair[0]).as_secs()).collect();
    assert_eq!((opened[0], waits), (at(1_000), vec![2, 4, 8, 16, 30, 30, 30]));
}

#[test]
fn a_port_that_stops_taking_octets_is_closed() {
    let mut printing = opened(mute());
    printing.handle_job(job(1), at(0));
    outputs(&mut printing);
    printing.handle_written(1, at(5_000));
    assert_eq!(printing.next_timeout(), Some(at(605_000)));
    printing.handle_timeout(at(605_000));
    assert_eq!(outputs(&mut printing), [stored(1, JobState::Unknown(Doubt::Unfinished)), Output::Close]);
    printing.handle_closed(at(605_000));
    assert_eq!(tick(&mut printing, &[]), (at(606_000), vec![Output::Open]));
}

#[test]
fn a_drawer_that_did_not_open_in_time_stays_shut() {
    let mut printing = opened(config());
    printing.handle_job(Job { valid_for: Some(Duration::from_secs(10)), ..job(1) }, at(1_000));
    printing.handle_job(job(2), at(1_000));
    printing.handle_written(12, at(1_000));
    printing.handle_octets(&COVER_OPEN, at(1_000));
    outputs(&mut printing);
    let mut last = tick(&mut printing, &COVER_OPEN);
    while last.1.is_empty() {
        last = tick(&mut printing, &COVER_OPEN);
    }
    assert_eq!(last.0, at(11_000));
    assert_eq!(last.1, [stored(1, JobState::Expired), stored(2, JobState::Held(Hold::CoverOpen))]);
}

#[test]
fn a_job_is_taken_back_only_before_it_begins() {
    let mut printing = confirming();
    printing.handle_job(job(2), at(1_000));
    assert!(printing.handle_cancel(JobId(2)));
    assert!(!printing.handle_cancel(JobId(2)) && !printing.handle_cancel(JobId(1)));
    assert_eq!(outputs(&mut printing), [stored(2, JobState::Cancelled)]);
}

#[test]
fn what_began_before_a_restart_is_unknown() {
    let mut printing = Printing::new(config(), at(0));
    printing.recover(&[JobId(7), JobId(9)]);
    let restart = JobState::Unknown(Doubt::Restart);
    assert_eq!(outputs(&mut printing), [Output::Open, stored(7, restart), stored(9, restart)]);
}

#[test]
fn jobs_that_cannot_be_taken_are_refused() {
    let mut printing = Printing::new(config(), at(0));
    outputs(&mut printing);
    (0..200).for_each(|id| printing.handle_job(job(id), at(0)));
    printing.handle_job(job(5), at(0));
    assert_eq!(outputs(&mut printing), [], "a job is not taken twice");
    printing.handle_job(job(200), at(0));
    printing.handle_job(Job { octets: Vec::new(), ..job(201) }, at(0));
    printing.handle_job(Job { octets: vec![0; MOST_OCTETS + 1], ..job(202) }, at(0));
    let refused = |id, refusal| stored(id, JobState::Refused(refusal));
    let wanted = [refused(200, Refusal::Full), refused(201, Refusal::Empty), refused(202, Refusal::TooLong)];
    assert_eq!((outputs(&mut printing), printing.waiting()), (wanted.to_vec(), 200));
}

#[test]
fn jobs_that_wait_have_a_bound_in_octets_too() {
    let mut printing = Printing::new(config(), at(0));
    outputs(&mut printing);
    (0..16).for_each(|id| printing.handle_job(Job { octets: vec![0; MOST_OCTETS], ..job(id) }, at(0)));
    assert_eq!(outputs(&mut printing), []);
    printing.handle_job(job(16), at(0));
    assert_eq!(outputs(&mut printing), [stored(16, JobState::Refused(Refusal::Full))]);
}

#[test]
fn a_confirmation_may_come_before_the_port_tells_that_it_took_the_job() {
    let mut printing = opened(config());
    printing.handle_job(job(1), at(1_000));
    printing.handle_job(job(2), at(1_000));
    printing.handle_written(12, at(1_000));
    printing.handle_octets(&READY, at(1_000));
    outputs(&mut printing);
    printing.handle_octets(b"7\"!!!\"\x00", at(1_500));
    assert_eq!(outputs(&mut printing), [stored(1, JobState::Printed)]);
    let mut stuck = printing.clone();
    printing.handle_written(14, at(1_600));
    assert_eq!(outputs(&mut printing), [Output::Write(QUESTIONS.to_vec())]);
    assert_eq!(tick(&mut stuck, &[]), (at(3_500), vec![stored(2, JobState::Held(Hold::Silent))]));
}

#[test]
fn automatic_status_is_shown() {
    let mut printing = opened(config());
    printing.handle_octets(&[0x10, 0, 0x03, 0], at(500));
    assert_eq!(outputs(&mut printing), [Output::Status(Some(Status { paper: Paper::Low, ..Status::default() }))]);
}
