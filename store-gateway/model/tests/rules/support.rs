//! A store and HQ, each with what it has heard of the other: enough to play any story by hand.

use std::time::Duration;

use jiff::Timestamp;
use sans_io::{ClockQuality, Wall};
use shop_model::code::LockRule;
use shop_model::decide::{Check, Command, Context, Proof, Refusal, Role, decide};
use shop_model::event::*;
use shop_model::hold::HoldRules;
use shop_model::hours::Hours;
use shop_model::ids::*;
use shop_model::money::{Amount, Currency};
use shop_model::reservation::{Owed, Reservation, consequences, fold};

/// Thursday 21.05.2026 12:07 in Warsaw.
pub const NOON_MS: i64 = 1_779_358_020_000;

pub struct World {
    /// HQ's log of HQ's facts, the store's of the store's: the authors' own.
    pub hq: Vec<Entry<HqFact>>,
    pub store: Vec<Entry<StoreFact>>,
    /// How much of the other's log each has heard.
    pub hq_heard: usize,
    pub store_heard: usize,
    pub now: Wall,
    pub role: Role,
    pub hours: Hours,
    pub holds: HoldRules,
    ids: u64,
}

pub fn order(kind: OrderKind, total: i64, due: i64) -> HqFact {
    let line = |line, quantity, unit_price| Line {
        line,
        sku: format!("SKU-{line}"),
        ean: None,
        name: "Kawa ziarnista".into(),
        quantity,
        unit_price: Amount(unit_price),
        age: None,
    };
    HqFact::Placed(Box::new(Placed {
        order: OrderNumber::parse("2026/11/00123").unwrap(),
        kind,
        contract: Contract::Distance,
        lines: vec![line(1, 1, 20_000), line(2, 2, 6_485)],
        currency: Currency::PLN,
        total: Amount(total),
        due: Amount(due),
        promised_at: None,
        code: None,
        person: PersonRef::from_bytes([7; 16]),
        personal: None,
        from_store: None,
    }))
}

pub fn bag(bag: &str, shelf: &str) -> StagedBag {
    StagedBag { bag: BagId::parse(bag).unwrap(), shelf: ShelfId::parse(shelf).unwrap() }
}

pub fn stage() -> Command {
    Command::Stage { bags: vec![bag("1", "B4")] }
}

pub fn hand_over() -> Command {
    Command::HandOver { lines: None, proof: Proof::Code(Check::Right), override_reason: None }
}

pub fn hand_over_line(line: u32, quantity: u32) -> Command {
    Command::HandOver {
        lines: Some(vec![LineQuantity { line, quantity }]),
        proof: Proof::Code(Check::Right),
        override_reason: None,
    }
}

pub fn store_id(id: &str) -> StoreId {
    StoreId::parse(id).unwrap()
}

impl World {
    /// A prepaid order of 329,70 zł (1 × 200,00 and 2 × 64,85) that both ends know.
    pub fn prepaid() -> Self {
        Self::with(order(OrderKind::Prepaid, 32_970, 0))
    }

    pub fn with(placed: HqFact) -> Self {
        let mut w = Self {
            hq: Vec::new(),
            store: Vec::new(),
            hq_heard: 0,
            store_heard: 0,
            now: Wall { unix_ms: NOON_MS, quality: ClockQuality::Ntp },
            role: Role::Manager,
            hours: Hours::default(),
            holds: HoldRules::default(),
            ids: 0,
        };
        w.hq(placed);
        w.sync();
        w
    }

    fn id(&mut self) -> EventId {
        self.ids += 1;
        let mut bytes = [0; 16];
        bytes[8..].copy_from_slice(&self.ids.to_be_bytes());
        EventId::from_bytes(bytes)
    }

    /// HQ writes a fact.
    pub fn hq(&mut self, body: HqFact) -> EventId {
        self.now.unix_ms += 1_000;
        let (id, n) = (self.id(), self.hq.len() as u64 + 1);
        let (seen, at) = (self.hq_heard as u64, self.now);
        self.hq.push(Entry { id, n, seen, at, actor: Actor::hq("api"), cause: None, body });
        id
    }

    /// The store writes a fact, whatever the rules say.
    pub fn fact(&mut self, body: StoreFact) -> EventId {
        self.write(body, Actor::staff("anna"), None)
    }

    fn write(&mut self, body: StoreFact, actor: Actor, cause: Option<EventId>) -> EventId {
        self.now.unix_ms += 1_000;
        let (id, n) = (self.id(), self.store.len() as u64 + 1);
        let (seen, at) = (self.store_heard as u64, self.now);
        self.store.push(Entry { id, n, seen, at, actor, cause, body });
        id
    }

    /// Somebody at the store does something.
    pub fn try_as(&mut self, command: &Command, actor: Actor) -> Result<(), Refusal> {
        let r = self.at_store();
        let (hours, holds) = (self.hours.clone(), self.holds.clone());
        let ctx = Context {
            now: self.now,
            actor: &actor,
            role: self.role,
            hours: &hours,
            holds: &holds,
            undo: Duration::from_secs(600),
            lock: LockRule::default(),
        };
        let (facts, result) = match decide(&r, command, &ctx) {
            Ok(facts) => (facts, Ok(())),
            Err(refusal) => (refusal.facts.clone(), Err(refusal)),
        };
        for fact in facts {
            self.write(fact, actor.clone(), None);
        }
        result
    }

    pub fn try_do(&mut self, command: Command) -> Result<(), Refusal> {
        self.try_as(&command, Actor::staff("anna"))
    }

    pub fn act(&mut self, command: Command) {
        self.try_do(command.clone()).unwrap_or_else(|e| panic!("{command:?} was refused: {}", e.problem));
    }

    /// Both hear all, and the store's reconciler runs until nothing is owed. Says what it wrote.
    pub fn sync(&mut self) -> Vec<Owed> {
        self.store_heard = self.hq.len();
        let owed = self.reconcile();
        self.hq_heard = self.store.len();
        owed
    }

    /// The store answers the wishes that it has heard of.
    pub fn reconcile(&mut self) -> Vec<Owed> {
        let owed = consequences(&self.hq[..self.store_heard], &self.store);
        for o in &owed {
            self.write(o.fact.clone(), Actor::system(), Some(o.cause));
        }
        assert_eq!(consequences(&self.hq[..self.store_heard], &self.store), [], "a consequence was owed twice");
        owed
    }

    pub fn at_store(&self) -> Reservation {
        fold(&self.hq[..self.store_heard], &self.store)
    }

    pub fn at_hq(&self) -> Reservation {
        fold(&self.hq, &self.store[..self.hq_heard])
    }

    /// Both ends' common state.
    pub fn both(&self) -> Reservation {
        assert_eq!((self.store_heard, self.hq_heard), (self.hq.len(), self.store.len()), "not in step");
        let r = self.at_store();
        assert_eq!(r, self.at_hq());
        r
    }

    pub fn later(&mut self, duration: Duration) {
        self.now.unix_ms += i64::try_from(duration.as_millis()).unwrap();
    }

    pub fn at(&mut self, local: &str) -> Timestamp {
        let at = local.parse::<jiff::civil::DateTime>().unwrap().to_zoned(self.hours.zone()).unwrap().timestamp();
        self.now.unix_ms = at.as_millisecond();
        at
    }
}

pub fn cancel() -> HqFact {
    HqFact::CancelRequested { by: "customer".into(), reason: "changed their mind".into() }
}

pub fn paid() -> HqFact {
    HqFact::PaymentChanged { money: MoneyState::PaidOnline, amount: Amount(32_970), reference: None }
}

pub fn amend(revision: u32, quantity: u32) -> HqFact {
    let HqFact::Placed(placed) = order(OrderKind::Prepaid, 0, 0) else { unreachable!() };
    let mut lines = placed.lines;
    lines[0].quantity = quantity;
    HqFact::Amended { revision, lines, total: Amount(50_000), due: Amount(0) }
}
