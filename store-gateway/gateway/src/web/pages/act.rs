//! What the counter's keys do: the same acts as the API's, answered with the card as it is then.

use axum::Form;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use shop_model::decide::{Command, Role};
use shop_model::event::{StagedBag, Via};
use shop_model::ids::{BagId, OrderNumber, ReservationId, ShelfId};
use shop_model::scan::{self, Scan, Source};
use store_daemon::problem::Problem;
use store_daemon::writer::Lane;

use super::board::frame;
use super::{Look, Refused, acted, card, finish, show};
use crate::app::ShopError;
use crate::desk::{Desk, Who};
use crate::messages;
use crate::screens::ProblemContext;
use crate::screens::words::RefuseWord;
use crate::web::api::{Acted, HandOverAsk, Presented, count_codes, hand_over_in, screen_is_open, unknown_order};
use crate::web::printing::slip_of_hand_over;
use crate::web::view;

/// What every form of an order sends.
#[derive(Deserialize)]
pub struct Basics {
    csrf: String,
    version: Option<u64>,
}

/// What a refusal needs to know to offer an override.
pub async fn context_of(look: &Look, order: Option<&str>) -> Option<ProblemContext> {
    let read = card::read(look, order?).await.ok()?;
    Some(ProblemContext {
        order: order?.to_owned(),
        version: read.state.version,
        may_override: look.who.session.who.role == Role::Manager && read.state.goods.state.on_shelf(),
    })
}

/// Runs an act on an order in one transaction, if its version is still the page's.
async fn run<F>(look: &Look, number: &str, version: Option<u64>, act: F) -> Result<(), Refused>
where
    F: FnOnce(&mut Desk<'_, '_>, ReservationId, &OrderNumber, &Who) -> Result<Acted, ShopError> + Send + 'static,
{
    let number = OrderNumber::parse(number).map_err(|_| unknown_order())?;
    let who = look.who.who();
    let word = look.web.app.work(Lane::Work, move |desk| {
        let Some(id) = desk.find(&number)? else { return Ok(Err(unknown_order())) };
        if version.is_some_and(|version| desk.load(id).is_ok_and(|now| now.version != version)) {
            let why = "the order has changed meanwhile";
            return Ok(Err(Problem::new(StatusCode::PRECONDITION_FAILED, "changed", why)));
        }
        act(desk, id, &number, &who)
    });
    word.await?.map(drop).map_err(Refused)
}

/// The card as it is after an act.
async fn answer(look: &Look, number: &str) -> Result<Response, Refused> {
    let read = card::read(look, number).await?;
    let frame = frame(look).await?;
    Ok(acted(show(look, frame, card::work(look, &read).await?).await?, number))
}

async fn simple(look: Look, number: String, form: Basics, command: Command) -> Response {
    let outcome = async {
        look.check_csrf(&form.csrf)?;
        run(&look, &number, form.version, move |desk, id, _, who| plain(desk, id, &command, who)).await?;
        answer(&look, &number).await
    };
    let outcome = outcome.await;
    finish(&look, Some(&number), outcome).await
}

fn plain(desk: &mut Desk<'_, '_>, id: ReservationId, command: &Command, who: &Who) -> Result<Acted, ShopError> {
    let now_ms = desk.wall().unix_ms;
    Ok(desk.command(id, command, who)?.map_err(|problem| view::refused(&problem, now_ms)))
}

/// `POST /orders/{order}/undo`.
pub async fn undo(look: Look, Path(number): Path<String>, Form(form): Form<Basics>) -> Response {
    look.web.screens.close(&look.who.screen);
    simple(look, number, form, Command::Undo).await
}

/// `POST /orders/{order}/arrive`.
pub async fn arrive(look: Look, Path(number): Path<String>, Form(form): Form<Basics>) -> Response {
    simple(look, number, form, Command::Arrive { via: Via::Staff, place: None }).await
}

/// `POST /orders/{order}/attend`.
pub async fn attend(look: Look, Path(number): Path<String>, Form(form): Form<Basics>) -> Response {
    simple(look, number, form, Command::Attend).await
}

/// `POST /orders/{order}/extend`.
pub async fn extend(look: Look, Path(number): Path<String>, Form(form): Form<Basics>) -> Response {
    simple(look, number, form, Command::Extend).await
}

#[derive(Deserialize)]
pub struct Refuse {
    #[serde(flatten)]
    basics: BasicsText,
    reason: String,
    #[serde(default)]
    note: String,
}

/// The same as [`Basics`], for forms with more fields: a flattened form has text only.
#[derive(Deserialize)]
pub struct BasicsText {
    csrf: String,
    #[serde(default)]
    version: String,
}

impl BasicsText {
    fn read(self) -> Basics {
        Basics { csrf: self.csrf, version: self.version.parse().ok() }
    }
}

/// `POST /orders/{order}/refuse`.
pub async fn refuse(look: Look, Path(number): Path<String>, Form(form): Form<Refuse>) -> Response {
    let Some(word) = RefuseWord::parse(&form.reason) else {
        return look.refuse(Refused(Problem::bad_request("reason: is none of the list")), Some(&number)).await;
    };
    let note = form.note.trim();
    let reason = if note.is_empty() { word.value().to_owned() } else { format!("{}: {note}", word.value()) };
    simple(look, number, form.basics.read(), Command::Refuse { lines: None, reason }).await
}

#[derive(Deserialize)]
pub struct HandOver {
    #[serde(flatten)]
    basics: BasicsText,
    #[serde(default, rename = "override")]
    overridden: String,
    #[serde(default)]
    reason: String,
}

/// `POST /orders/{order}/hand-over`: with what this screen has checked, or on a manager's word.
pub async fn hand_over(look: Look, Path(number): Path<String>, Form(form): Form<HandOver>) -> Response {
    let basics = form.basics.read();
    let reason = (form.overridden == "1").then_some(form.reason);
    let outcome = async {
        look.check_csrf(&basics.csrf)?;
        let read = card::read(&look, &number).await?;
        let open = look.web.screens.of(&look.who.screen, read.id);
        if let Some(other) = &open.other_bag {
            let why = "the bag in the hand belongs to another order";
            return Err(Refused(Problem::new(StatusCode::CONFLICT, "wrong-bag", why).with("order", other.as_str())));
        }
        screen_is_open(&look.web, &look.who.screen)?;
        let bag = open.bag.as_ref().map(|bag| scan::parse(&format!("B{number}-{bag}"), Source::Scanned));
        let presented = open.proof.clone().unwrap_or(Presented::Nothing);
        let ask = HandOverAsk { presented, bag, lines: None, override_reason: reason };
        let counter = look.counter.clone();
        let handed = run(&look, &number, basics.version, move |desk, id, order, who| {
            let word = hand_over_in(desk, id, order, ask, who)?;
            if word.is_ok() {
                slip_of_hand_over(desk, id, counter.as_deref(), who)?;
            }
            Ok(word)
        });
        let handed = handed.await.map_err(|refused| refused.0);
        count_codes(&look.web, &look.who.screen, handed)?;
        look.web.screens.close(&look.who.screen);
        answer(&look, &number).await
    };
    let outcome = outcome.await;
    finish(&look, Some(&number), outcome).await
}

#[derive(Deserialize)]
pub struct Stage {
    #[serde(flatten)]
    basics: BasicsText,
    bag: String,
    shelf: String,
}

/// Bags as a form sends them: separated by spaces, with or without the printed `B<order>-`.
pub fn bags_of(order: &str, text: &str, shelf: &str) -> Result<Vec<StagedBag>, Problem> {
    let bare = shelf.trim();
    let shelf = match scan::parse(bare, Source::Scanned) {
        Scan::Shelf(shelf) => shelf,
        _ => ShelfId::parse(bare).map_err(|e| Problem::bad_request(format!("shelf: {e}")))?,
    };
    let bags = text.split_whitespace().map(|bag| {
        let bag = bag.strip_prefix(&format!("B{order}-")).unwrap_or(bag);
        let bag = BagId::parse(bag).map_err(|e| Problem::bad_request(format!("bag: {e}")))?;
        Ok(StagedBag { bag, shelf: shelf.clone() })
    });
    let bags: Vec<StagedBag> = bags.collect::<Result<_, Problem>>()?;
    if bags.is_empty() { Err(Problem::bad_request("bag: is missing")) } else { Ok(bags) }
}

/// Puts bags on a shelf.
pub async fn stage_bags(
    look: &Look,
    number: &str,
    version: Option<u64>,
    bags: Vec<StagedBag>,
) -> Result<Response, Refused> {
    let command = Command::Stage { bags };
    run(look, number, version, move |desk, id, _, who| plain(desk, id, &command, who)).await?;
    answer(look, number).await
}

/// `POST /orders/{order}/stage`.
pub async fn stage(look: Look, Path(number): Path<String>, Form(form): Form<Stage>) -> Response {
    let basics = form.basics.read();
    let outcome = async {
        look.check_csrf(&basics.csrf)?;
        let bags = bags_of(&number, &form.bag, &form.shelf)?;
        stage_bags(&look, &number, basics.version, bags).await
    };
    let outcome = outcome.await;
    finish(&look, Some(&number), outcome).await
}

#[derive(Deserialize)]
pub struct Reply {
    csrf: String,
    text: String,
    #[serde(default)]
    fold: String,
}

/// `POST /orders/{order}/reply`.
pub async fn reply(look: Look, Path(number): Path<String>, Form(form): Form<Reply>) -> Response {
    let outcome = async {
        look.check_csrf(&form.csrf)?;
        let (text, fold) = (form.text.clone(), form.fold == "1");
        run(&look, &number, None, move |desk, id, _, who| {
            let queued = messages::enqueue_staff_text(desk, id, &text, fold, who)?;
            match queued {
                Ok(_) => desk.load(id).map(Ok),
                Err(e) => Ok(Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "text", e.to_string()))),
            }
        })
        .await?;
        answer(&look, &number).await
    };
    let outcome = outcome.await;
    finish(&look, Some(&number), outcome).await
}
