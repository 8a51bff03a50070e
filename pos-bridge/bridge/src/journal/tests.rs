use std::time::Duration;

use shop_model::document::{Document, Style};
use till_link::{Cause, HeldBy};

use super::*;

const PRINTER: &str = "slips";

fn job(id: &str) -> NewJob {
    let document = Document::default().text("Ołówek", Style::default());
    NewJob { id: JobId(id.into()), printer: PRINTER.into(), document, valid_ms: None }
}

fn id(id: &str) -> JobId {
    JobId(id.into())
}

async fn journal(dir: &tempfile::TempDir) -> Journal {
    Journal::open(&dir.path().join("journal.db"), vec![PRINTER.into()]).await
}

async fn next(journal: &Journal) -> Option<JobId> {
    journal.look(PRINTER, None).await.unwrap().next.map(|waiting| waiting.id)
}

#[tokio::test]
async fn a_job_is_taken_once_and_answered_with_its_state_ever_after() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal(&dir).await;
    assert_eq!(journal.take(job("a")).await.unwrap(), Take::New);
    assert_eq!(journal.take(job("a")).await.unwrap(), Take::Known(JobState::Taken));
    let waiting = journal.look(PRINTER, None).await.unwrap().next.unwrap();
    assert_eq!((waiting.id, waiting.document), (id("a"), job("a").document));
    let states = [JobState::Held { by: HeldBy::PaperOut }, JobState::Begun, JobState::Unknown { cause: Cause::Port }];
    for state in states {
        journal.keep(&id("a"), state).await.unwrap();
        assert_eq!(journal.take(job("a")).await.unwrap(), Take::Known(state));
    }
    journal.keep(&id("a"), JobState::Printed).await.unwrap();
    assert_eq!(journal.unnoted().await.unwrap(), [(id("a"), JobState::Unknown { cause: Cause::Port })], "it is final");
    journal.noted(&id("a")).await.unwrap();
    assert_eq!(journal.unnoted().await.unwrap(), []);
    assert_eq!(journal.take(job("a")).await.unwrap(), Take::Known(JobState::Unknown { cause: Cause::Port }));
}

#[tokio::test]
async fn a_restart_ends_what_was_begun_and_keeps_what_waits() {
    let dir = tempfile::tempdir().unwrap();
    let first = journal(&dir).await;
    for job_id in ["begun", "held", "taken", "noted"] {
        first.take(job(job_id)).await.unwrap();
    }
    first.keep(&id("begun"), JobState::Begun).await.unwrap();
    first.keep(&id("held"), JobState::Held { by: HeldBy::Port }).await.unwrap();
    first.noted(&id("noted")).await.unwrap();
    drop(first);
    let again = journal(&dir).await;
    let wanted = [
        (id("begun"), JobState::Unknown { cause: Cause::Restart }),
        (id("held"), JobState::Held { by: HeldBy::Port }),
        (id("taken"), JobState::Taken),
        (id("noted"), JobState::Taken),
    ];
    assert_eq!(again.unnoted().await.unwrap(), wanted, "a state that is not final can't be noted");
    assert_eq!(next(&again).await, Some(id("held")));
}

#[tokio::test]
async fn what_is_cancelled_or_too_late_does_not_reach_the_printer() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal(&dir).await;
    journal.take(NewJob { valid_ms: Some(0), ..job("late") }).await.unwrap();
    journal.take(job("cancelled")).await.unwrap();
    journal.take(job("first")).await.unwrap();
    journal.take(NewJob { valid_ms: Some(60_000), ..job("soon") }).await.unwrap();
    journal.cancel(&id("cancelled")).await.unwrap();
    journal.cancel(&id("never came")).await.unwrap();
    let look = journal.look(PRINTER, None).await.unwrap();
    assert_eq!(look.next.unwrap().id, id("first"));
    assert!(look.next_expiry_ms.is_some_and(|ms| (50_000..=60_000).contains(&ms)), "{:?}", look.next_expiry_ms);
    let states: Vec<JobState> = journal.unnoted().await.unwrap().into_iter().map(|(_, state)| state).collect();
    let wanted = [JobState::Expired, JobState::Cancelled, JobState::Taken, JobState::Taken, JobState::Cancelled];
    assert_eq!(states, wanted);
    assert_eq!(journal.take(job("never came")).await.unwrap(), Take::Known(JobState::Cancelled));
    journal.cancel(&id("first")).await.unwrap();
    let look = journal.look(PRINTER, Some(id("first"))).await.unwrap();
    assert!(look.cancel && look.next.is_none(), "the printer's task has it");
}

#[tokio::test]
async fn what_was_valid_in_an_earlier_run_of_the_machine_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let first = journal(&dir).await;
    first.take(NewJob { valid_ms: Some(3_600_000), ..job("drawer") }).await.unwrap();
    drop(first);
    let db = Connection::open(dir.path().join("journal.db")).unwrap();
    assert_eq!(db.execute("UPDATE job SET valid_boot = 'another'", []).unwrap(), 1);
    drop(db);
    let again = journal(&dir).await;
    assert_eq!(next(&again).await, None);
    assert_eq!(again.unnoted().await.unwrap(), [(id("drawer"), JobState::Expired)]);
}

#[tokio::test]
async fn a_printer_that_is_not_there_or_has_too_much_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let first = journal(&dir).await;
    first.take(NewJob { printer: "labels".into(), ..job("a") }).await.unwrap();
    assert_eq!(first.unnoted().await.unwrap(), [(id("a"), JobState::Refused { cause: Cause::NoPrinter })]);
    for number in 0..200 {
        first.take(job(&number.to_string())).await.unwrap();
    }
    first.take(job("201st")).await.unwrap();
    let last = first.unnoted().await.unwrap().pop();
    assert_eq!(last, Some((id("201st"), JobState::Refused { cause: Cause::Full })));
    drop(first);
    let without = Journal::open(&dir.path().join("journal.db"), Vec::new()).await;
    let states = without.unnoted().await.unwrap();
    let gone = states.iter().filter(|(_, state)| *state == JobState::Refused { cause: Cause::NoPrinter }).count();
    assert_eq!(gone, 201, "the printer left the configuration");
}

#[tokio::test]
async fn noted_jobs_are_forgotten_after_30_days() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal(&dir).await;
    for job_id in ["old", "new", "trigger"] {
        journal.take(job(job_id)).await.unwrap();
        journal.keep(&id(job_id), JobState::Sent).await.unwrap();
        if job_id != "trigger" {
            journal.noted(&id(job_id)).await.unwrap();
        }
    }
    let db = Connection::open(dir.path().join("journal.db")).unwrap();
    db.execute("UPDATE job SET changed_s = changed_s - 2592001 WHERE id = 'old'", []).unwrap();
    db.execute("UPDATE job SET changed_s = changed_s - 2591000 WHERE id = 'new'", []).unwrap();
    drop(db);
    journal.noted(&id("trigger")).await.unwrap();
    assert_eq!(journal.take(job("new")).await.unwrap(), Take::Known(JobState::Sent));
    assert_eq!(journal.take(job("old")).await.unwrap(), Take::New);
}

#[tokio::test]
async fn a_damaged_journal_takes_nothing_and_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    std::fs::write(&path, b"This is no database at all, but it is long enough to be taken for one.").unwrap();
    let journal = journal(&dir).await;
    let trouble = journal.watch_trouble();
    assert!(*trouble.borrow());
    let told = journal.take(job("a")).await.unwrap_err().to_string();
    assert!(told.contains("journal.db"), "{told}");
    assert!(std::fs::read(&path).unwrap().starts_with(b"This is no database"));
}

#[tokio::test]
async fn trouble_is_told_and_over_when_the_file_can_be_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("later");
    let journal = Journal::open(&folder.join("journal.db"), vec![PRINTER.into()]).await;
    let mut trouble = journal.watch_trouble();
    assert!(*trouble.borrow_and_update());
    journal.take(job("a")).await.unwrap_err();
    std::fs::create_dir(&folder).unwrap();
    let mending = journal.clone();
    let task = tokio::spawn(async move { mending.mend().await });
    tokio::time::timeout(Duration::from_secs(20), trouble.wait_for(|is| !*is)).await.unwrap().unwrap();
    task.abort();
    assert_eq!(journal.take(job("a")).await.unwrap(), Take::New);
}
