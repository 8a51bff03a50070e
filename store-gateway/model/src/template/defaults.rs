//! The built-in texts, used until HQ sends others.

use super::{Class, Template, TemplateKey};
use crate::language::Language;

pub(super) fn all() -> Vec<Template> {
    TemplateKey::ALL.iter().flat_map(|key| Language::ALL.map(|language| one(*key, language))).collect()
}

/// A built-in text. Polish is folded to fit GSM-7; Ukrainian goes as UCS-2 and may take more parts.
pub(super) fn one(key: TemplateKey, language: Language) -> Template {
    let text = match language {
        Language::Pl => polish(key),
        Language::Uk => ukrainian(key),
        Language::En => english(key),
    };
    Template {
        key,
        language,
        class: Class::Transactional,
        text: text.to_owned(),
        fold: language == Language::Pl,
        most_parts: if language == Language::Uk { 3 } else { 2 },
    }
}

const fn polish(key: TemplateKey) -> &'static str {
    match key {
        TemplateKey::Ready => {
            "{store}: zamówienie {order} czeka do {hold_until}. Kod odbioru: {code}. Odpisz JESTEM po przyjeździe."
        }
        TemplateKey::Reminder24 => "{store}: zamówienie {order} czeka jeszcze do {hold_until}. Kod odbioru: {code}.",
        TemplateKey::Reminder4 => "{store}: dziś kończy się odbiór zamówienia {order}, do {hold_until}. Kod: {code}.",
        TemplateKey::Extended => "{store}: zamówienie {order} czeka teraz do {hold_until}.",
        TemplateKey::Cancelled => "{store}: zamówienie {order} zostało anulowane.",
        TemplateKey::Expired => "{store}: zamówienie {order} nie zostało odebrane w terminie.",
        TemplateKey::ReplyHere => "Dziękujemy, już niesiemy.",
        TemplateKey::ReplyHereNotReady => {
            "Dziękujemy. Zamówienie {order} jeszcze kompletujemy, prosimy podejść do lady."
        }
        TemplateKey::ReplyNoOrder => "{store}: nie mamy otwartego zamówienia na ten numer.",
        TemplateKey::ReplyStatusReady => "{order}: gotowe, czeka do {hold_until}.",
        TemplateKey::ReplyStatusNotReady => "{order}: w przygotowaniu.",
        TemplateKey::ReplyHelp => {
            "{store}: odpisz JESTEM po przyjeździe, STATUS, by zapytać o zamówienie. Tel. {phone}."
        }
        TemplateKey::ReplyStop => "{store}: nie będziemy wysyłać ofert.",
        TemplateKey::Confirm => "{store}: aby potwierdzić, odpisz TAK {number} w ciągu 15 minut.",
    }
}

const fn ukrainian(key: TemplateKey) -> &'static str {
    match key {
        TemplateKey::Ready => {
            "{store}: замовлення {order} чекає до {hold_until}. Код: {code}. Після приїзду відпишіть Я ТУТ."
        }
        TemplateKey::Reminder24 => "{store}: замовлення {order} чекає ще до {hold_until}. Код: {code}.",
        TemplateKey::Reminder4 => "{store}: замовлення {order} можна забрати сьогодні до {hold_until}. Код: {code}.",
        TemplateKey::Extended => "{store}: замовлення {order} тепер чекає до {hold_until}.",
        TemplateKey::Cancelled => "{store}: замовлення {order} скасовано.",
        TemplateKey::Expired => "{store}: замовлення {order} не забрали вчасно.",
        TemplateKey::ReplyHere => "Дякуємо, вже несемо.",
        TemplateKey::ReplyHereNotReady => "Дякуємо. Замовлення {order} ще збираємо, підійдіть до каси.",
        TemplateKey::ReplyNoOrder => "{store}: на цей номер немає відкритого замовлення.",
        TemplateKey::ReplyStatusReady => "{order}: готове, чекає до {hold_until}.",
        TemplateKey::ReplyStatusNotReady => "{order}: готується.",
        TemplateKey::ReplyHelp => "{store}: відпишіть Я ТУТ після приїзду або СТАТУС. Тел. {phone}.",
        TemplateKey::ReplyStop => "{store}: більше не надсилатимемо пропозицій.",
        TemplateKey::Confirm => "{store}: щоб підтвердити, відпишіть ТАК {number} протягом 15 хвилин.",
    }
}

const fn english(key: TemplateKey) -> &'static str {
    match key {
        TemplateKey::Ready => {
            "{store}: order {order} is waiting until {hold_until}. Pickup code: {code}. Reply HERE when you arrive."
        }
        TemplateKey::Reminder24 => "{store}: order {order} is waiting until {hold_until}. Pickup code: {code}.",
        TemplateKey::Reminder4 => "{store}: today is the last day for order {order}, until {hold_until}. Code: {code}.",
        TemplateKey::Extended => "{store}: order {order} is now held until {hold_until}.",
        TemplateKey::Cancelled => "{store}: order {order} was cancelled.",
        TemplateKey::Expired => "{store}: order {order} was not collected in time.",
        TemplateKey::ReplyHere => "Thank you, we are bringing it.",
        TemplateKey::ReplyHereNotReady => "Thank you. Order {order} is still being picked, please come to the counter.",
        TemplateKey::ReplyNoOrder => "{store}: there is no open order for this number.",
        TemplateKey::ReplyStatusReady => "{order}: ready, held until {hold_until}.",
        TemplateKey::ReplyStatusNotReady => "{order}: being prepared.",
        TemplateKey::ReplyHelp => "{store}: reply HERE when you arrive, STATUS to ask about an order. Phone {phone}.",
        TemplateKey::ReplyStop => "{store}: you will get no more marketing from us.",
        TemplateKey::Confirm => "{store}: to confirm, reply YES {number} within 15 minutes.",
    }
}
