//! Sample data: a shop on Thursday 21 May 2026 at 14:37, store time.

use super::screens::view::*;
use super::screens::words::*;
use super::screens::{
    Lang, Moment, Money, ProblemContext, ScreenError, render_login, render_page, render_problem, render_setup,
};
use jiff::tz::TimeZone;

/// Thursday 21 May 2026, 14:37:12 in Warsaw.
const NOW_MS: i64 = 1_779_367_032_000;

fn ago(seconds: i64) -> Moment {
    let zone = TimeZone::get("Europe/Warsaw").expect("the bundled time-zone database has Warsaw");
    Moment::at(NOW_MS - seconds * 1000, &zone)
}

fn ahead(seconds: i64) -> Moment {
    ago(-seconds)
}

fn pln(minor: i64) -> Money {
    Money::new(minor, "PLN")
}

fn who(initials: &str, tail: &str) -> Who {
    Who { initials: initials.to_owned(), tail: tail.to_owned() }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn frame(theme: Theme) -> Frame {
    Frame {
        store: "Wola".to_owned(),
        counter: "Lada 1".to_owned(),
        csrf: "sample".to_owned(),
        now: ago(0),
        theme,
        staff: Some(Staff { name: "Anna Kowal".to_owned(), initials: "AK".to_owned(), role: RoleWord::Manager }),
        link: LinkPill::Offline { since: ago(2112), to_send: 4 },
        needs_person: 0,
        missed_calls: 2,
        prints_to_check: 1,
        printers_held: 1,
        amber_s: 180,
        red_s: 300,
    }
}

fn board(open: Option<&str>) -> Board {
    let here = |order: &str, shelf: Option<&str>, name: &str, tail: &str, goods, waited, by: Option<&str>| BoardHere {
        order: order.to_owned(),
        shelf: shelf.map(str::to_owned),
        who: who(name, tail),
        goods,
        since: ago(waited),
        attended_by: by.map(str::to_owned),
    };
    let pick = |order: &str, pieces, name: &str, tail: &str, goods, left| BoardPick {
        order: order.to_owned(),
        who: who(name, tail),
        pieces,
        goods,
        promised: Some(ahead(left)),
    };
    let ready = |order: &str, shelf: &str, name: &str, tail: &str, message, left| BoardReady {
        order: order.to_owned(),
        shelf: some(shelf),
        who: who(name, tail),
        message: Some(message),
        until: Some(ahead(left)),
    };
    Board {
        here: vec![
            here("48213", Some("B4"), "J.K.", "813", GoodsWord::Ready, 312, None),
            here("48240", None, "M.W.", "102", GoodsWord::Picking, 184, Some("PN")),
            here("48219", Some("C1"), "O.B.", "660", GoodsWord::Ready, 41, None),
        ],
        here_count: 3,
        to_pick: vec![
            pick("48244", 3, "T.S.", "218", GoodsWord::Received, 1368),
            pick("2026/11/00123", 1, "Z.Ł.", "904", GoodsWord::Picking, 3168),
            pick("48252", 12, "I.P.", "377", GoodsWord::Short, -300),
        ],
        to_pick_count: 5,
        ready: vec![
            ready("48102", "D1", "A.N.", "447", MessageWord::Delivered, 105_768),
            ready("48111", "A12", "R.R.", "031", MessageWord::Unknown, 19_368),
            ready("48120", "B1", "Ю.Ш.", "555", MessageWord::Failed, 192_168),
        ],
        ready_count: 23,
        done: vec![
            BoardDone {
                order: "48190".to_owned(),
                who: who("K.M.", "721"),
                goods: GoodsWord::HandedOver,
                at: ago(130),
                undo_until: Some(ahead(470)),
                version: 9,
            },
            BoardDone {
                order: "48188".to_owned(),
                who: who("E.D.", "009"),
                goods: GoodsWord::Refused,
                at: ago(2900),
                undo_until: None,
                version: 7,
            },
        ],
        done_count: 17,
        missed: vec![missed_call()],
        missed_count: 1,
        open: open.map(str::to_owned),
        holds_paused: false,
    }
}

fn line(name: &str, code: &str, quantity: u32, price: i64, mark: LineMark) -> Line {
    Line { name: name.to_owned(), code: code.to_owned(), quantity, unit_price: Some(pln(price)), age: None, mark }
}

fn card() -> Card {
    Card {
        order: "48213".to_owned(),
        papers: vec![PrintKindWord::PickSlip, PrintKindWord::BagLabel],
        version: 12,
        who: who("J.K.", "813"),
        goods: GoodsWord::Ready,
        bags: vec![Bag { bag: "1".to_owned(), shelf: some("B4") }],
        code: CodeCheck::Ok,
        proof: some("sample"),
        bag: BagCheck::None,
        money: MoneyView { word: MoneyWord::PaidOnline, amount: pln(32_970), override_reason: None },
        lines: vec![
            line("Ekspres przelewowy Lena 1,2 l", "5901234123457", 1, 21_990, LineMark::Open),
            line("Kawa ziarnista Brzask 1 kg", "5907654321091", 2, 4_990, LineMark::Open),
            line("Filtry papierowe nr 4, 80 szt.", "5900011122232", 1, 1_000, LineMark::Open),
        ],
        presence: Presence::Arrived { since: ago(312), via: ArrivalWord::Sms, place: None, attended_by: None },
        flags: vec![
            Flag::Text { purpose: PurposeWord::Ready, state: MessageWord::Delivered, at: ago(8940) },
            Flag::Replied { text: "JESTEM".to_owned(), at: ago(312) },
            Flag::HoldUntil(ahead(105_768)),
        ],
        why: vec![],
        frozen: None,
        history: history(),
        primary: Primary::HandOver,
        actions: vec![ActionWord::Refuse, ActionWord::Attend, ActionWord::Extend, ActionWord::Message],
        may_override: false,
        undo_until: None,
        done_at: None,
        problem: None,
    }
}

fn history() -> Vec<HistoryItem> {
    let item = |seconds, word, detail: Option<&str>, by: Option<&str>| HistoryItem {
        at: ago(seconds),
        word,
        detail: detail.map(str::to_owned),
        by: by.map(str::to_owned),
    };
    vec![
        item(312, HistoryWord::Arrived, Some("SMS"), None),
        item(9012, HistoryWord::Ready, None, None),
        item(9013, HistoryWord::BagStaged, Some("1 → B4"), Some("PN")),
        item(11_000, HistoryWord::PickStarted, None, Some("PN")),
        item(12_400, HistoryWord::Accepted, None, Some("AK")),
        item(90_000, HistoryWord::Placed, None, Some("HQ")),
    ]
}

fn thread() -> Thread {
    let item = |by, text: &str, seconds, state: Option<(MessageWord, i64)>| ThreadItem {
        by,
        text: text.to_owned(),
        at: ago(seconds),
        state: state.map(|(word, at)| (word, ago(at))),
        cause: None,
        call: None,
    };
    let called = ThreadItem { call: Some(missed_call()), ..item(Person::Customer, "", 660, None) };
    Thread {
        order: "48213".to_owned(),
        items: vec![
            item(
                Person::Automatic,
                "SklepX Wola: zamowienie 48213 czeka do pt 22.05 20:00. Kod odbioru: {code}. Odpisz JESTEM po przyjezdzie.",
                9000,
                Some((MessageWord::Delivered, 8940)),
            ),
            called,
            item(Person::Customer, "jestem", 312, None),
            item(Person::Automatic, "Dziekujemy, juz niesiemy.", 310, Some((MessageWord::Sent, 308))),
        ],
        may_reply: true,
    }
}

fn text() -> Text {
    Text {
        id: "t1".to_owned(),
        who: who("A.N.", "447"),
        order: some("48102"),
        text: "Czy mozna zwrocic kawe bez paragonu?".to_owned(),
        at: ago(1500),
    }
}

fn unknown_text() -> Text {
    Text {
        id: "t2".to_owned(),
        who: who("", "120"),
        order: None,
        text: "Dzień dobry, do której dziś otwarte?".to_owned(),
        at: ago(700),
    }
}

fn side() -> Side {
    Side { thread: Some(thread()), texts: vec![] }
}

fn order(card: Card) -> Work {
    Work::Order(Box::new(card), side())
}

fn page(theme: Theme, work: Work) -> Page {
    let open = work.order().map(str::to_owned);
    Page { frame: frame(theme), board: board(open.as_deref()), work }
}

fn quiet(theme: Theme) -> Frame {
    Frame { link: LinkPill::Online, ..frame(theme) }
}

fn works() -> Vec<(&'static str, Work)> {
    let mut works = vec![
        ("card", order(card())),
        ("card-need-code", order(needs_code())),
        ("card-money-due", order(money_due())),
        ("card-wrong-bag", order(wrong_bag())),
        ("card-ticked", order(ticked())),
        ("card-done", order(done())),
        ("card-why", order(why())),
        ("card-locked", order(locked())),
        ("card-picking", order(picking())),
        ("empty", Work::Empty(Side { thread: None, texts: vec![] })),
        ("empty-texts", Work::Empty(Side { thread: None, texts: vec![text(), unknown_text()] })),
        ("staging-bag", Work::Staging(Box::new(staging(Expect::Bag)), side())),
        ("staging-shelf", Work::Staging(Box::new(staging(Expect::Shelf)), side())),
        ("messages", Work::Messages(messages())),
        ("calls", Work::Calls(Box::new(calls()))),
        ("devices", Work::Devices(Box::new(devices()))),
        ("preview", Work::Preview(Box::new(preview()))),
        ("call", Work::Call(Box::new(call_page()))),
        ("health", Work::Health(Box::new(health(false)))),
        ("health-well", Work::Health(Box::new(health(true)))),
    ];
    works.push(("search", search("kow", 3)));
    works.push(("search-none", search("99999", 0)));
    let detail = some("pn–sb 9–20, ul. Puławska 12, tel. 22 555 01 02");
    let wrong = Problem::WrongStore { store: "Mokotów".to_owned(), detail };
    works.push(("wrong-store", Work::Refused(wrong, Side { thread: None, texts: vec![] })));
    works
}

fn needs_code() -> Card {
    let problem = Some(Problem::WrongCode { tries_left: 4 });
    Card { code: CodeCheck::None, proof: None, primary: Primary::NeedCode, problem, ..card() }
}

fn money_due() -> Card {
    let money = MoneyView { word: MoneyWord::Due, amount: pln(32_970), override_reason: None };
    let mut card = Card { money, primary: Primary::NeedMoney, may_override: true, ..card() };
    card.lines[1].age = Some(18);
    card.flags = vec![Flag::Age(18), Flag::NoPhone];
    card
}

fn wrong_bag() -> Card {
    Card { bag: BagCheck::Other { order: "48240".to_owned() }, primary: Primary::WrongBag, ..card() }
}

fn ticked() -> Card {
    let mut card = Card { bag: BagCheck::Ok { bag: "1".to_owned() }, ..card() };
    card.bags.push(Bag { bag: "2".to_owned(), shelf: some("C2") });
    card.lines[0].mark = LineMark::Ticked(1);
    card.lines[1].mark = LineMark::Ticked(1);
    card
}

fn done() -> Card {
    let mut card = Card {
        goods: GoodsWord::HandedOver,
        code: CodeCheck::NotNeeded,
        presence: Presence::Away,
        primary: Primary::Next,
        actions: vec![ActionWord::Undo, ActionWord::Message],
        undo_until: Some(ahead(580)),
        done_at: Some(ago(20)),
        ..card()
    };
    card.flags.clear();
    for line in &mut card.lines {
        line.mark = LineMark::HandedOver;
    }
    card
}

fn why() -> Card {
    let mut card = Card { actions: vec![ActionWord::Message], undo_until: None, ..done() };
    card.why = vec![
        Why { at: ago(400), word: WhyWord::CancelAfterHandOver, detail: None },
        Why { at: ago(900), word: WhyWord::AmendRejected, detail: some("rev. 2") },
    ];
    card.money = MoneyView { word: MoneyWord::RefundDue, amount: pln(32_970), override_reason: None };
    card.flags = vec![Flag::CaseOpen];
    card
}

fn locked() -> Card {
    let until = ahead(52);
    Card {
        code: CodeCheck::None,
        proof: None,
        primary: Primary::Locked { until },
        problem: Some(Problem::Locked { until }),
        may_override: true,
        ..card()
    }
}

fn picking() -> Card {
    Card {
        goods: GoodsWord::Picking,
        bags: vec![],
        code: CodeCheck::None,
        presence: Presence::Away,
        flags: vec![Flag::Promised(ahead(1368))],
        primary: Primary::Stage,
        actions: vec![ActionWord::Stage, ActionWord::Arrive, ActionWord::Message],
        ..card()
    }
}

fn staging(expect: Expect) -> Staging {
    Staging {
        order: "48244".to_owned(),
        version: 3,
        who: who("T.S.", "218"),
        pending: if expect == Expect::Shelf { vec!["1".to_owned()] } else { vec![] },
        placed: vec![],
        expect,
        next_bag: "1".to_owned(),
        shelves: ["A1", "A2", "B4", "C1", "D1"].map(str::to_owned).to_vec(),
        lines: card().lines,
        problem: None,
    }
}

fn search(query: &str, count: usize) -> Work {
    let hit = |order: &str, shelf: Option<&str>, name: &str, tail: &str, goods| SearchHit {
        order: order.to_owned(),
        shelf: shelf.map(str::to_owned),
        who: who(name, tail),
        goods,
        until: Some(ahead(90_000)),
    };
    let mut hits = vec![
        hit("48213", Some("B4"), "J.K.", "813", GoodsWord::Ready),
        hit("48240", None, "M.K.", "102", GoodsWord::Picking),
        hit("48031", Some("A2"), "P.K.", "998", GoodsWord::HandedOver),
    ];
    hits.truncate(count);
    let cut = count > 2;
    Work::Search(Search { query: query.to_owned(), hits, cut }, Side { thread: None, texts: vec![] })
}

fn messages() -> Messages {
    let row = |id: &str, order: &str, name: &str, tail: &str, purpose, state, seconds, cause| MessageRow {
        id: id.to_owned(),
        order: some(order),
        who: who(name, tail),
        purpose,
        state,
        at: ago(seconds),
        cause,
        parts: 1,
    };
    Messages {
        texts: vec![text(), unknown_text()],
        unknown: vec![row(
            "m1",
            "48111",
            "R.R.",
            "031",
            PurposeWord::Ready,
            MessageWord::Unknown,
            4000,
            Some(CauseWord::NoAnswer),
        )],
        failed: vec![row(
            "m2",
            "48120",
            "Ю.Ш.",
            "555",
            PurposeWord::Ready,
            MessageWord::Failed,
            6000,
            Some(CauseWord::Recipient),
        )],
        queue: vec![
            row("m3", "48244", "T.S.", "218", PurposeWord::Ready, MessageWord::Submitting, 3, None),
            row("m4", "48260", "B.B.", "300", PurposeWord::Reminder, MessageWord::Queued, 15, None),
        ],
        queue_count: 6,
        modem: ModemWord::NoNetwork,
        problem: None,
    }
}

fn call(id: &str, way: CallWayWord, name: &str, tail: &str, outcome: CallOutcomeWord, seconds: i64) -> Call {
    Call {
        id: id.to_owned(),
        way,
        who: who(name, tail),
        extension: (way != CallWayWord::In).then(|| "101".to_owned()),
        order: None,
        at: ago(seconds),
        outcome,
        answered_by: None,
        rang_s: 12,
        talked_s: 0,
        open: outcome == CallOutcomeWord::Missed,
    }
}

fn missed_call() -> Call {
    let missed = call("c1", CallWayWord::In, "J.K.", "813", CallOutcomeWord::Missed, 660);
    Call { order: some("48213"), rang_s: 25, ..missed }
}

fn print_job(kind: PrintKindWord, state: PrintStateWord, why: Option<HeldWord>) -> PrintJob {
    PrintJob {
        id: format!("job-{}", state.key()),
        kind,
        order: (kind != PrintKindWord::Test).then(|| "48213".to_owned()),
        till: "Kasa 1".to_owned(),
        printer: "paragon".to_owned(),
        at: ago(70),
        by: "anna".to_owned(),
        state,
        why,
        is_again: state == PrintStateWord::Printed,
        may_cancel: matches!(state, PrintStateWord::Held | PrintStateWord::Waiting),
        may_again: matches!(state, PrintStateWord::Printed | PrintStateWord::Unknown),
    }
}

fn devices() -> Devices {
    let printer = |name: &str, state: HeldWord, drawer: bool| Printer {
        name: name.to_owned(),
        profile: "epson-tm-t20".to_owned(),
        columns: 48,
        state: Some(state),
        paper_low: drawer,
        drawer,
    };
    let till = |id: i64, name: &str, screen: ScreenWord| Till {
        id,
        name: name.to_owned(),
        online: (id == 1).then(|| ago(7_200)),
        seen: Some(ago(86_400)),
        version: "0.1.0".to_owned(),
        screen,
        printers: vec![printer("paragon", HeldWord::Ready, true), printer("etykiety", HeldWord::PaperOut, false)],
        scanners: vec![Scanner { name: "ręczny".to_owned(), connected: id == 1, scans: 128, dropped: 2 }],
        unseen: u32::from(id == 1) * 3,
    };
    Devices {
        here: "/devices".to_owned(),
        address: some("192.168.1.10:8443"),
        code: Some(EnrolCode { code: "0000-0001-ZZZZ-ZZZZ-1111-1111".to_owned(), until: ahead(540) }),
        may_manage: true,
        tills: vec![till(1, "Kasa 1", ScreenWord::This), till(2, "Kasa 2", ScreenWord::Nobody)],
        asked: vec![print_job(PrintKindWord::CollectionSlip, PrintStateWord::Unknown, Some(HeldWord::Silent))],
        jobs: vec![
            print_job(PrintKindWord::BagLabel, PrintStateWord::Held, Some(HeldWord::PaperOut)),
            print_job(PrintKindWord::CollectionSlip, PrintStateWord::Printed, None),
            print_job(PrintKindWord::Test, PrintStateWord::Sent, None),
        ],
        older: some("/devices?before=1779360000000-0"),
    }
}

fn preview() -> Preview {
    let till = |id: i64, name: &str| PreviewTill { id, name: name.to_owned(), online: id == 1, columns: 48 };
    Preview {
        kind: PrintKindWord::BagLabel,
        order: some("48213"),
        shelf: None,
        tills: vec![till(1, "Kasa 1"), till(2, "Kasa 2")],
        jobs: vec![print_job(PrintKindWord::BagLabel, PrintStateWord::Held, Some(HeldWord::CoverOpen))],
    }
}

fn calls() -> Calls {
    let talked = call("c2", CallWayWord::In, "M.W.", "102", CallOutcomeWord::Talked, 1900);
    let contact = Contact {
        place: "192.168.1.31:5060 UDP".to_owned(),
        device: "Yealink SIP-T31P 124.86".to_owned(),
        until: ahead(540),
    };
    Calls {
        here: "/calls".to_owned(),
        live: vec![LiveCall {
            id: "c9".to_owned(),
            way: CallWayWord::In,
            who: who("", "660"),
            extension: None,
            doing: CallDoingWord::Talking,
            since: ago(71),
            with: some("102"),
        }],
        missed: vec![missed_call(), call("c3", CallWayWord::In, "", "", CallOutcomeWord::Missed, 300)],
        missed_count: 2,
        log: vec![
            Call { answered_by: some("101"), talked_s: 100, ..talked },
            call("c4", CallWayWord::In, "O.B.", "660", CallOutcomeWord::Menu, 2500),
            call("c5", CallWayWord::Out, "T.S.", "218", CallOutcomeWord::Failed, 4000),
        ],
        older: some("/calls?before=1779360000000-0"),
        phones: vec![
            Phone { extension: "101".to_owned(), name: "Lada".to_owned(), contacts: vec![contact] },
            Phone { extension: "102".to_owned(), name: "102".to_owned(), contacts: vec![] },
        ],
        lines: vec![
            OutsideLine { name: OutsideWord::Trunk, state: LineWord::Refused, detail: "403 Forbidden".to_owned() },
            OutsideLine { name: OutsideWord::Sim, state: LineWord::Ready, detail: String::new() },
        ],
        recordings: Some(Recordings {
            names: vec!["greeting".to_owned(), "menu".to_owned()],
            kept: vec![Recording { name: "menu".to_owned(), language: "pl".to_owned(), lasts: "7.4 s".to_owned() }],
        }),
    }
}

fn call_page() -> CallPage {
    let entry = |after: &str, what, leg: &str, detail: &str| CallEntry {
        after: after.to_owned(),
        what,
        leg: leg.to_owned(),
        detail: detail.to_owned(),
    };
    CallPage {
        call: CallHead::Over(missed_call()),
        entries: vec![
            entry("0.00 s", CallWhatWord::Began, "", "sim"),
            entry("0.02 s", CallWhatWord::Found, "", "1"),
            entry("0.03 s", CallWhatWord::Answered, "caller", ""),
            entry("6.40 s", CallWhatWord::Key, "caller", "2 event"),
            entry("8.10 s", CallWhatWord::Rang, "101", ""),
            entry("33.10 s", CallWhatWord::Gone, "101", "refused 487"),
            entry("36.00 s", CallWhatWord::Sound, "caller", "received=1795 lost=3 jitter_ms=4"),
            entry("36.00 s", CallWhatWord::Ended, "", "missed"),
        ],
    }
}

fn health(well: bool) -> Health {
    let alerts = if well {
        vec![]
    } else {
        vec![Alert { at: ago(1080), tone: Tone::Stop, text: "SIM: brak sieci od 18 min".to_owned() }]
    };
    Health {
        alerts,
        modems: vec![ModemHealth {
            name: "1".to_owned(),
            state: if well { ModemWord::Ready } else { ModemWord::NoNetwork },
            operator: some("Play"),
            bars: Some(if well { 4 } else { 0 }),
            model: some("Quectel EC25"),
        }],
        link: LinkHealth {
            broker: "mqtts://hq.example:8883".to_owned(),
            last_heard: Some(ago(2112)),
            offline_days_left: Some(41),
            set_aside: u32::from(!well),
            signed: well,
        },
        clock: if well { ClockWord::Ntp } else { ClockWord::Gsm },
        disk_used: 21_300_000_000,
        disk_total: 58_000_000_000,
        queues: vec![
            QueueHealth { name: QueueName::P0, length: 4, oldest: Some(ago(2100)) },
            QueueHealth { name: QueueName::P1, length: 11, oldest: Some(ago(2100)) },
            QueueHealth { name: QueueName::Texts, length: 6, oldest: Some(ago(15)) },
            QueueHealth { name: QueueName::DeadLetters, length: 0, oldest: None },
        ],
        version: "0.1.0".to_owned(),
        started: ago(400_000),
        config: ConfigHealth { desired: Some(214), applied: Some(if well { 214 } else { 211 }), refused: None },
    }
}

/// Every page by name.
pub fn all(lang: Lang, theme: Theme) -> Result<Vec<(&'static str, String)>, ScreenError> {
    let mut pages = Vec::new();
    for (name, work) in works() {
        let mut page = page(theme, work);
        if name == "card-ticked" || name == "health-well" || name.starts_with("empty") {
            page.frame = quiet(theme);
        }
        if name == "empty-texts" {
            page.frame.needs_person = 2;
            page.board.holds_paused = true;
        }
        pages.push((name, render_page(&page, lang)?));
    }
    let mut override_page = page(theme, order(card()));
    override_page.frame.link = LinkPill::CatchingUp { to_send: 3 };
    let context = ProblemContext { order: "48213".to_owned(), version: 12, may_override: true };
    let problem = render_problem(&override_page.frame, &Problem::MoneyDue { due: pln(32_970) }, Some(&context), lang)?;
    let html = render_page(&override_page, lang)?;
    let notice = "<div id=\"notice\" role=\"alert\">";
    pages.push(("card-override", html.replace(notice, &format!("{notice}{problem}"))));
    pages.extend(doors(lang, theme)?);
    Ok(pages)
}

fn doors(lang: Lang, theme: Theme) -> Result<Vec<(&'static str, String)>, ScreenError> {
    let frame = Frame { staff: None, ..frame(theme) };
    let person = |id: &str, name: &str, initials: &str, role| LoginPerson {
        id: id.to_owned(),
        name: name.to_owned(),
        initials: initials.to_owned(),
        role,
    };
    let people = vec![
        person("anna", "Anna Kowal", "AK", RoleWord::Manager),
        person("piotr", "Piotr Nowik", "PN", RoleWord::Senior),
        person("oksana", "Oksana Bondar", "OB", RoleWord::Clerk),
    ];
    let login = Login { people, chosen: None, problem: None, next: "/".to_owned() };
    let problem = Some(LoginProblem::Locked { until: ahead(58) });
    let locked = Login { chosen: some("piotr"), problem, ..login.clone() };
    let setup = Setup { problem: Some(SetupProblem::PinsDiffer), id: "anna".to_owned(), name: "Anna Kowal".to_owned() };
    Ok(vec![
        ("login", render_login(&frame, &login, lang)?),
        ("login-locked", render_login(&frame, &locked, lang)?),
        ("setup", render_setup(&frame, &setup, lang)?),
    ])
}

/// A page whose customer writes markup.
#[allow(dead_code, reason = "only the tests draw it")]
pub fn hostile() -> Page {
    let text = Text { text: "<img src=x onerror=alert(1)>".to_owned(), ..text() };
    page(Theme::Auto, Work::Empty(Side { thread: None, texts: vec![text] }))
}
