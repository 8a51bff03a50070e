//! The sentences.

use shop_model::language::Language;

use super::moment::{open_orders, until};
use super::number::{money, spelled};
use super::{Line, Stage, Status};

pub(super) fn polish(line: &Line, store: &str) -> String {
    const L: Language = Language::Pl;
    match line {
        Line::Greeting => format!("Dzień dobry, tu {store}."),
        Line::Menu => "Aby sprawdzić zamówienie, naciśnij jeden. Aby porozmawiać z obsługą, naciśnij dwa.".to_owned(),
        Line::Found(count) => format!("Znaleźliśmy {}.", open_orders(L, *count)),
        Line::Status(status) => {
            let stage = match status.stage {
                Stage::Inbound => "jest w drodze do sklepu".to_owned(),
                Stage::Preparing(None) => "jest w przygotowaniu".to_owned(),
                Stage::Preparing(Some(at)) => format!("jest w przygotowaniu i będzie gotowe {}", until(L, at)),
                Stage::Ready(None) => "jest gotowe do odbioru".to_owned(),
                Stage::Ready(Some(at)) => format!("jest gotowe do odbioru {}", until(L, at)),
                Stage::HandedOver => "zostało odebrane".to_owned(),
                Stage::Cancelled => "zostało anulowane".to_owned(),
                Stage::Expired => "nie zostało odebrane w terminie".to_owned(),
            };
            whole(L, "Zamówienie numer", status, &stage, "Do zapłaty")
        }
        Line::MoreWithStaff => "O pozostałe zamówienia zapytaj obsługę, naciskając dwa.".to_owned(),
        Line::AskCode => "Nie znamy zamówień z tego numeru. Podaj na klawiaturze sześć cyfr z wiadomości.".to_owned(),
        Line::WrongCode => "Te cyfry nie pasują do żadnego zamówienia.".to_owned(),
        Line::NoMoreTries => "Nie możemy teraz sprawdzić zamówienia po cyfrach.".to_owned(),
        Line::NotNow => "Nie możemy teraz sprawdzić zamówienia.".to_owned(),
        Line::NotUnderstood => "Nie rozumiemy tego wyboru.".to_owned(),
        Line::Connecting => "Łączymy z obsługą.".to_owned(),
        Line::Nobody => "Nikt nie może teraz odebrać. Widzimy to połączenie i oddzwonimy.".to_owned(),
        Line::Goodbye => "Do usłyszenia.".to_owned(),
    }
}

pub(super) fn ukrainian(line: &Line, store: &str) -> String {
    const L: Language = Language::Uk;
    match line {
        Line::Greeting => format!("Добрий день, це {store}."),
        Line::Menu => {
            "Щоб дізнатися про замовлення, натисніть один. Щоб поговорити з працівником, натисніть два.".to_owned()
        }
        Line::Found(count) => format!("Ми знайшли {}.", open_orders(L, *count)),
        Line::Status(status) => {
            let stage = match status.stage {
                Stage::Inbound => "у дорозі до магазину".to_owned(),
                Stage::Preparing(None) => "готується".to_owned(),
                Stage::Preparing(Some(at)) => format!("готується і буде готове {}", until(L, at)),
                Stage::Ready(None) => "готове до видачі".to_owned(),
                Stage::Ready(Some(at)) => format!("готове до видачі {}", until(L, at)),
                Stage::HandedOver => "видано".to_owned(),
                Stage::Cancelled => "скасовано".to_owned(),
                Stage::Expired => "не забрали вчасно".to_owned(),
            };
            whole(L, "Замовлення номер", status, &stage, "До сплати")
        }
        Line::MoreWithStaff => "Про решту замовлень запитайте працівника, натиснувши два.".to_owned(),
        Line::AskCode => {
            "Ми не знаємо замовлень із цього номера. Введіть на клавіатурі шість цифр із повідомлення.".to_owned()
        }
        Line::WrongCode => "Ці цифри не відповідають жодному замовленню.".to_owned(),
        Line::NoMoreTries => "Зараз ми не можемо перевірити замовлення за цифрами.".to_owned(),
        Line::NotNow => "Зараз ми не можемо перевірити замовлення.".to_owned(),
        Line::NotUnderstood => "Ми не розуміємо цього вибору.".to_owned(),
        Line::Connecting => "З'єднуємо з працівником.".to_owned(),
        Line::Nobody => "Зараз ніхто не може відповісти. Ми бачимо цей дзвінок і передзвонимо.".to_owned(),
        Line::Goodbye => "До побачення.".to_owned(),
    }
}

pub(super) fn english(line: &Line, store: &str) -> String {
    const L: Language = Language::En;
    match line {
        Line::Greeting => format!("Good day, this is {store}."),
        Line::Menu => "To hear about your order, press one. To speak to us, press two.".to_owned(),
        Line::Found(count) => format!("We found {}.", open_orders(L, *count)),
        Line::Status(status) => {
            let stage = match status.stage {
                Stage::Inbound => "is on its way to the store".to_owned(),
                Stage::Preparing(None) => "is being prepared".to_owned(),
                Stage::Preparing(Some(at)) => {
                    format!("is being prepared, {}", until(L, at).replacen("until", "to be ready by", 1))
                }
                Stage::Ready(None) => "is ready".to_owned(),
                Stage::Ready(Some(at)) => format!("is ready, and held {}", until(L, at)),
                Stage::HandedOver => "was collected".to_owned(),
                Stage::Cancelled => "was cancelled".to_owned(),
                Stage::Expired => "was not collected in time".to_owned(),
            };
            whole(L, "Order number", status, &stage, "To be paid")
        }
        Line::MoreWithStaff => "Please ask us about your other orders by pressing two.".to_owned(),
        Line::AskCode => "We know no order of this number. Please key in the six digits from the message.".to_owned(),
        Line::WrongCode => "These digits belong to no order.".to_owned(),
        Line::NoMoreTries => "We cannot look up an order by its digits now.".to_owned(),
        Line::NotNow => "We cannot look up orders now.".to_owned(),
        Line::NotUnderstood => "Sorry, that is not one of the choices.".to_owned(),
        Line::Connecting => "We are connecting you.".to_owned(),
        Line::Nobody => "Nobody can answer now. We see your call and will call back.".to_owned(),
        Line::Goodbye => "Goodbye.".to_owned(),
    }
}

/// "Order number two, is ready. To be paid: …" The comma lets the speaker breathe before what matters. A sentence that
/// ends in an abbreviation has its full stop already.
fn whole(language: Language, what: &str, status: &Status, stage: &str, to_pay: &str) -> String {
    let mut text = format!("{what} {}, {stage}", spelled(language, status.order.as_str()));
    if !text.ends_with('.') {
        text.push('.');
    }
    let due = status.due.filter(|due| due.amount.is_positive());
    if let Some(amount) = due.and_then(|due| money(language, due)) {
        text.push_str(&format!(" {to_pay}: {amount}."));
    }
    text
}

#[cfg(test)]
mod tests {
    use shop_model::ids::OrderNumber;
    use shop_model::money::{Amount, Currency};

    use super::*;

    fn ready(due: Option<i64>) -> Line {
        Line::Status(Status {
            order: OrderNumber::parse("2026/17").unwrap(),
            stage: Stage::Ready(Some("2026-05-23T20:00".parse().unwrap())),
            due: due.map(|minor| Amount(minor).of(Currency::PLN)),
        })
    }

    #[test]
    fn a_ready_order_in_each_language() {
        for (language, due, text) in [
            (
                Language::Pl,
                Some(12_050),
                "Zamówienie numer dwa zero dwa sześć, jeden siedem, jest gotowe do odbioru do soboty, dwudziestego \
                 trzeciego maja, do godziny dwudziestej. Do zapłaty: sto dwadzieścia złotych pięćdziesiąt groszy.",
            ),
            (
                Language::Uk,
                None,
                "Замовлення номер два нуль два шість, один сім, готове до видачі до суботи, двадцять третього травня, \
                 до двадцятої години.",
            ),
            (
                Language::En,
                Some(0),
                "Order number two zero two six, one seven, is ready, and held until Saturday the twenty-third of May, \
                 eight p.m.",
            ),
        ] {
            assert_eq!(ready(due).text(language, "Sklep"), text);
        }
    }

    #[test]
    fn every_line_is_a_sentence_in_every_language_without_a_figure() {
        let stages = [Stage::Inbound, Stage::Preparing(None), Stage::HandedOver, Stage::Cancelled, Stage::Expired];
        let statuses =
            stages.map(|stage| Line::Status(Status { order: OrderNumber::parse("7").unwrap(), stage, due: None }));
        let others = [
            Line::Greeting,
            Line::Menu,
            Line::Found(2),
            Line::MoreWithStaff,
            Line::AskCode,
            Line::WrongCode,
            Line::NoMoreTries,
            Line::NotNow,
            Line::NotUnderstood,
            Line::Connecting,
            Line::Nobody,
            Line::Goodbye,
            ready(Some(1)),
        ];
        for line in statuses.iter().chain(&others) {
            let texts = Language::ALL.map(|language| line.text(language, "Sklep"));
            for text in &texts {
                assert!(text.ends_with('.') && !text.contains(|c: char| c.is_ascii_digit()), "{text}");
            }
            assert!(texts[0] != texts[1] && texts[1] != texts[2], "{texts:?}");
        }
    }
}
