//! Random lives of messages: whatever the modem, the network and people do, no part that the network took is
//! submitted again, and none in doubt more than the policy allows.

use std::time::Duration;

use gsm_modem::engine::ReferenceMove;
use gsm_modem::failure::{FailureCause, FailureClass};
use sans_io::Rng;
use shop_model::message::MessageState;

use crate::messages::sending::settle_earlier_run;
use crate::messages::testing::{Order, Shop, anna};
use crate::messages::{Settle, outcome, requeue, settle};

const SEEDS: u64 = 12;
const STEPS: usize = 60;
const PHONE: &str = "+48600100813";

#[tokio::test]
async fn no_part_goes_out_twice_but_once_after_an_unknown() {
    for seed in 0..SEEDS {
        walk(seed).await;
    }
}

async fn walk(seed: u64) {
    let mut rng = Rng::new(seed);
    let shop = Shop::open().await;
    shop.ready(&Order::pl("1")).await;
    shop.ready(&Order { language: "uk", ..Order::pl("2026/11/00123") }).await;
    let mut reference = 0_u8;
    let mut earlier = Vec::new();
    for _ in 0..STEPS {
        match rng.below(8) {
            0 => shop.reconcile().await,
            1 => shop.pass(Duration::from_secs(rng.below(1_200))),
            2 => drop(shop.work(settle_earlier_run).await),
            3 => {
                shop.report(
                    PHONE,
                    reference.wrapping_sub(rng.below(3) as u8),
                    [0, 0, 0x20, 0x46][rng.below(4) as usize],
                )
                .await
            }
            4 => settle_one(&shop, &mut rng).await,
            5 => late(&shop, &mut rng, &earlier).await,
            _ => {
                if let Some(picked) = shop.pick(reference.wrapping_add(1)).await {
                    earlier.push((picked.token, reference.wrapping_add(1)));
                    reference = reference.wrapping_add(1);
                    match rng.below(6) {
                        0 => shop.failed(&picked, FailureClass::Passing, FailureCause::Cms(38)).await,
                        1 => shop.failed(&picked, FailureClass::Passing, FailureCause::NotReady).await,
                        2 => shop.unknown(&picked).await,
                        3 => drop(shop.work(settle_earlier_run).await),
                        _ => shop.accepted(&picked, reference).await,
                    }
                }
            }
        }
        check(&shop, seed).await;
    }
}

async fn settle_one(shop: &Shop, rng: &mut Rng) {
    let failed = shop.messages().await.into_iter().find(|m| m.state == MessageState::Failed);
    if let Some(message) = failed {
        shop.work(move |desk| requeue(desk, message.id, &anna())).await.unwrap();
    }
    let unknown = shop.messages().await.into_iter().find(|m| m.state == MessageState::Unknown);
    if let Some(message) = unknown
        && rng.chance(100)
    {
        let how = if rng.chance(500) { Settle::Sent } else { Settle::NotSent };
        shop.work(move |desk| settle(desk, message.id, how, &anna())).await.unwrap();
    }
}

/// What the engine may say of a submission later.
async fn late(shop: &Shop, rng: &mut Rng, earlier: &[(u64, u8)]) {
    let Some((token, reference)) = earlier.last().copied() else { return };
    let is_unknown = shop
        .count(
            "SELECT count(*) FROM submission WHERE state = 'unknown' AND token = (SELECT max(token) FROM submission)",
        )
        .await
        == 1;
    match rng.below(3) {
        _ if !is_unknown => {}
        0 => shop.work(move |desk| outcome::accepted(desk, token, reference)).await,
        1 => shop.work(move |desk| outcome::reference_check(desk, token, ReferenceMove::Moved)).await,
        _ => shop.work(move |desk| outcome::reference_check(desk, token, ReferenceMove::NotMoved)).await,
    }
}

async fn check(shop: &Shop, seed: u64) {
    // Rows and logs agree: `messages` asserts it.
    let all = shop.messages().await;
    assert!(all.iter().filter(|m| m.state == MessageState::Submitting).count() <= 1, "seed {seed}: one at a time");
    let twice = shop
        .count(
            "SELECT count(*) FROM submission late JOIN submission early
               ON early.message = late.message AND early.part = late.part AND early.token < late.token
             WHERE early.state IN ('sent', 'delivered') AND early.settled_ms < late.at_ms",
        )
        .await;
    assert_eq!(twice, 0, "seed {seed}: a part that the network had taken was submitted again");
    let doubts = shop
        .count(
            "SELECT coalesce(max(n), 0) FROM
               (SELECT count(*) AS n FROM submission WHERE state = 'unknown' GROUP BY message, part)",
        )
        .await;
    assert!(doubts <= 2, "seed {seed}: {doubts} unknown submissions of one part");
}
