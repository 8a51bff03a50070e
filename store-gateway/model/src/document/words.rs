//! The words on documents, one table for each language. The model has no message catalogue: these few stand here,
//! beside the documents that use them.

use crate::event::MoneyState;
use crate::language::Language;

/// One language's words.
pub(super) struct Words {
    pub copy: &'static str,
    pub pick_list: &'static str,
    pub promised: &'static str,
    pub customer: &'static str,
    pub bag: &'static str,
    pub pieces: &'static str,
    pub collection: &'static str,
    pub order: &'static str,
    pub handed_over: &'static str,
    pub total: &'static str,
    pub order_total: &'static str,
    pub receipt: &'static str,
    pub not_fiscal: &'static str,
    pub thanks: &'static str,
    /// Two short lines: they are printed as large as the paper allows.
    pub door: &'static str,
    /// `{number}` is the store's number for text messages.
    pub door_text: &'static str,
    pub test_page: &'static str,
    pub regular: &'static str,
    pub bold: &'static str,
    pub double: &'static str,
    pub huge: &'static str,
    pub left_right: (&'static str, &'static str),
    money: Money,
}

/// How the money stands, in words.
struct Money {
    none_due: &'static str,
    due: &'static str,
    authorised: &'static str,
    paid_online: &'static str,
    paid_store: &'static str,
    refund_due: &'static str,
    refunded: &'static str,
}

impl Words {
    pub const fn of(language: Language) -> &'static Self {
        match language {
            Language::Pl => &POLISH,
            Language::Uk => &UKRAINIAN,
            Language::En => &ENGLISH,
        }
    }

    pub const fn money(&self, state: MoneyState) -> &'static str {
        match state {
            MoneyState::NoneDue => self.money.none_due,
            MoneyState::Due => self.money.due,
            MoneyState::Authorised => self.money.authorised,
            MoneyState::PaidOnline => self.money.paid_online,
            MoneyState::PaidStore => self.money.paid_store,
            MoneyState::RefundDue => self.money.refund_due,
            MoneyState::Refunded => self.money.refunded,
        }
    }
}

const POLISH: Words = Words {
    copy: "KOPIA",
    pick_list: "Lista kompletacji",
    promised: "Obiecane na",
    customer: "Klient",
    bag: "Torba",
    pieces: "Razem sztuk",
    collection: "Potwierdzenie odbioru",
    order: "Zamówienie",
    handed_over: "Wydano",
    total: "Razem",
    order_total: "Wartość zamówienia",
    receipt: "Paragon",
    not_fiscal: "To nie jest paragon fiskalny.",
    thanks: "Dziękujemy i zapraszamy ponownie!",
    door: "Odbiór\nzamówień",
    door_text: "Jesteś pod sklepem? Zeskanuj kod albo wyślij SMS JESTEM na numer {number}. Przyniesiemy zamówienie.",
    test_page: "Strona testowa",
    regular: "Zażółć gęślą jaźń. ZAŻÓŁĆ GĘŚLĄ JAŹŃ.",
    bold: "Pogrubione",
    double: "Podwójne",
    huge: "ŻÓŁW",
    left_right: ("Po lewej", "po prawej"),
    money: Money {
        none_due: "Nic do zapłaty",
        due: "Do zapłaty",
        authorised: "Do zapłaty (blokada na karcie)",
        paid_online: "Zapłacono online",
        paid_store: "Zapłacono w sklepie",
        refund_due: "Do zwrotu",
        refunded: "Zwrócono",
    },
};

const UKRAINIAN: Words = Words {
    copy: "КОПІЯ",
    pick_list: "Список для збирання",
    promised: "Обіцяно на",
    customer: "Клієнт",
    bag: "Пакет",
    pieces: "Разом штук",
    collection: "Підтвердження видачі",
    order: "Замовлення",
    handed_over: "Видано",
    total: "Разом",
    order_total: "Вартість замовлення",
    receipt: "Чек",
    not_fiscal: "Це не фіскальний чек.",
    thanks: "Дякуємо, приходьте ще!",
    door: "Видача\nзамовлень",
    door_text: "Ви біля магазину? Відскануйте код або надішліть SMS Я ТУТ на номер {number}. Ми винесемо замовлення.",
    test_page: "Тестова сторінка",
    regular: "Щастя з'їло ґаву: є, і, ї, ґ. ЩАСТЯ, ЄДНІСТЬ, ЇЖАК, ҐАВА.",
    bold: "Жирний",
    double: "Подвійний",
    huge: "ЇЖАК",
    left_right: ("Ліворуч", "праворуч"),
    money: Money {
        none_due: "Нічого до сплати",
        due: "До сплати",
        authorised: "До сплати (заблоковано на картці)",
        paid_online: "Сплачено онлайн",
        paid_store: "Сплачено в магазині",
        refund_due: "До повернення",
        refunded: "Повернено",
    },
};

const ENGLISH: Words = Words {
    copy: "COPY",
    pick_list: "Pick list",
    promised: "Promised for",
    customer: "Customer",
    bag: "Bag",
    pieces: "Pieces in all",
    collection: "Collection slip",
    order: "Order",
    handed_over: "Handed over",
    total: "Total",
    order_total: "Order total",
    receipt: "Receipt",
    not_fiscal: "This is not a fiscal receipt.",
    thanks: "Thank you, see you again!",
    door: "Order\npickup",
    door_text: "At the door? Scan the code or text HERE to {number}. We will bring your order.",
    test_page: "Test page",
    regular: "The quick brown fox jumps over the lazy dog.",
    bold: "Bold",
    double: "Double",
    huge: "HUGE",
    left_right: ("At the left", "at the right"),
    money: Money {
        none_due: "Nothing to pay",
        due: "To pay",
        authorised: "To pay (held on the card)",
        paid_online: "Paid online",
        paid_store: "Paid in store",
        refund_due: "To be refunded",
        refunded: "Refunded",
    },
};
