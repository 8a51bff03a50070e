//! Programs that are missing, slow, broken or endless: always an answer, soon, and not asked again for a while.

use std::fs;
use std::time::{Duration, Instant};

use program::{LIMIT, Shop, is_running, until};
use shop_model::language::Language;
use store_sound::prompts::{Refused, Speaker, Why};

use crate::program;

const SHORT: Duration = Duration::from_secs(1);

async fn why(speaker: &Speaker, text: &str) -> Why {
    speaker.sound(Language::En, text).await.map(|sound| sound.len()).expect_err("there is no speech").why
}

#[tokio::test]
async fn a_program_that_is_not_there_is_not_looked_for_again_and_again() {
    let mut shop = Shop::new();
    shop.config.espeak = shop.path("nothing");
    let speaker = shop.speaker();
    assert_eq!(why(&speaker, "one").await, Why::NoProgram);
    // It is put there, and is not tried before the time is over.
    let with_program = Shop::with_script("espeak-ng \"$@\"");
    fs::rename(&with_program.config.espeak, &shop.config.espeak).unwrap();
    assert_eq!(why(&speaker, "two").await, Why::NoProgram);
    assert_eq!(with_program.starts(), 0);
    assert!(speaker.check().await.is_ok(), "the doctor looks afresh");
}

#[tokio::test]
async fn a_failure_is_forgotten_after_its_time() {
    let mut shop = Shop::with_script("[ -e repaired ] || exit 3\nespeak-ng \"$@\"");
    shop.config.retry_after = SHORT;
    let speaker = shop.speaker();
    assert_eq!(why(&speaker, "one").await, Why::Failed(Some(3)));
    fs::write(shop.path("repaired"), "").unwrap();
    let began = Instant::now();
    while speaker.sound(Language::En, "one").await.is_err() {
        assert!(began.elapsed() < LIMIT);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(shop.starts(), 2, "once in vain, once when the time was over");
}

#[tokio::test]
async fn a_program_that_hangs_is_ended_with_all_it_started() {
    let mut shop = Shop::with_script("sleep 600 &\necho $! > child\necho $$ > self\nwait");
    shop.config.timeout = SHORT;
    let speaker = shop.speaker();
    let began = Instant::now();
    assert_eq!(why(&speaker, "one").await, Why::Late(SHORT));
    assert!(began.elapsed() < SHORT * 10, "{:?}", began.elapsed());
    assert_eq!(why(&speaker, "two").await, Why::Late(SHORT));
    assert_eq!(shop.starts(), 1, "the second text did not wait for it");
    for name in ["self", "child"] {
        let id = fs::read_to_string(shop.path(name)).unwrap();
        until("the process is gone", || !is_running(&id)).await;
    }
}

#[tokio::test]
async fn a_caller_who_hangs_up_ends_the_program() {
    let shop = Shop::with_script("echo $$ > self.new && mv self.new self\nexec sleep 600");
    let speaker = shop.speaker();
    let call = tokio::spawn(async move { speaker.sound(Language::En, "one").await.is_ok() });
    until("the program runs", || shop.path("self").exists()).await;
    let id = fs::read_to_string(shop.path("self")).unwrap();
    assert!(is_running(&id));
    call.abort();
    until("the process is gone", || !is_running(&id)).await;
}

#[tokio::test]
async fn calls_that_wait_for_a_hanging_program_all_get_their_answer_when_it_is_given_up() {
    let mut shop = Shop::with_script("exec sleep 600");
    shop.config.timeout = SHORT;
    let speaker = shop.speaker();
    let texts: Vec<String> = (0..20).map(|n| format!("number {n}")).collect();
    let began = Instant::now();
    assert!(speaker.lines(Language::En, &texts).await.iter().all(Result::is_err));
    assert!(began.elapsed() < SHORT * 10, "{:?}", began.elapsed());
    assert!(shop.starts() <= 2, "two were started at once, and no more: {}", shop.starts());
}

#[tokio::test]
async fn nonsense_is_refused_and_held_against_that_text_alone() {
    let shop = Shop::with_script(
        "read -r text\n[ \"$text\" = good ] || { echo no sound; exit 0; }\necho good | espeak-ng \"$@\"",
    );
    let speaker = shop.speaker();
    assert_eq!(why(&speaker, "bad").await, Why::NotSound(Refused::NotWav));
    assert_eq!(why(&speaker, "bad").await, Why::NotSound(Refused::NotWav));
    assert_eq!(shop.starts(), 1);
    assert!(speaker.sound(Language::En, "good").await.is_ok());
    assert!(fs::read_dir(&shop.config.cache).unwrap().count() <= 1, "nonsense is not kept");
}

#[tokio::test]
async fn nothing_at_all_is_no_sound() {
    let shop = Shop::with_script("exit 0");
    assert_eq!(why(&shop.speaker(), "one").await, Why::NotSound(Refused::NotWav));
}

#[tokio::test]
async fn endless_output_is_cut_off() {
    // A good beginning, and then zeros for ever.
    let shop = Shop::with_script("echo hello | espeak-ng \"$@\"\nexec cat /dev/zero");
    let speaker = shop.speaker();
    assert_eq!(why(&speaker, "one").await, Why::TooMuch);
    assert_eq!(why(&speaker, "one").await, Why::TooMuch);
    assert_eq!(shop.starts(), 1);
}

#[tokio::test]
async fn a_program_that_does_not_read_the_text_is_judged_by_what_it_says() {
    let shop = Shop::with_script("exec 0<&-\necho hello | espeak-ng \"$@\"");
    assert!(shop.speaker().sound(Language::En, &"long ".repeat(290)).await.is_ok());
}

#[tokio::test]
async fn a_text_without_end_is_not_spoken() {
    let shop = Shop::with_script("espeak-ng \"$@\"");
    assert_eq!(why(&shop.speaker(), &"word ".repeat(301)).await, Why::TooLong);
    assert_eq!(shop.starts(), 0);
}

#[tokio::test]
async fn a_voice_that_does_not_exist_is_a_failure_of_its_language_alone() {
    let mut shop = Shop::with_script("espeak-ng \"$@\"");
    shop.config.voices.en = "zz".to_owned();
    let speaker = shop.speaker();
    assert_eq!(why(&speaker, "one").await, Why::Failed(Some(1)));
    assert_eq!(why(&speaker, "two").await, Why::Failed(Some(1)));
    assert_eq!(shop.starts(), 1);
    assert!(speaker.sound(Language::Pl, "dwa").await.is_ok());
}
