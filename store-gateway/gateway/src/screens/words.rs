//! The words that screens use for states: closed lists with a key into the locales and a tone each.
//!
//! Handlers translate the model's states into these; nothing here knows the database or the model.

/// The colour role of a word; always shown together with the word itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing to say by colour.
    Plain,
    /// Done or safe to go on.
    Go,
    /// Soon, or look at it when there is time.
    Warn,
    /// Hurts now.
    Stop,
    /// Good to know.
    Info,
}

impl Tone {
    /// The suffix of the class in `theme.css` (`pill-go`, `banner-warn` …).
    pub fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Go => "go",
            Self::Warn => "warn",
            Self::Stop => "stop",
            Self::Info => "info",
        }
    }
}

/// Declares an enum whose variants each have a locale key and a tone.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident => ($key:literal, $tone:ident)),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every word, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The key of the word in the locales.
            pub fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),+ }
            }

            /// The tone that goes with the word.
            pub fn tone(self) -> Tone {
                match self { $(Self::$variant => Tone::$tone),+ }
            }
        }
    };
}

words! {
    /// The state of an order's goods (the derived state of the goods region).
    GoodsWord {
        /// Placed by HQ, not accepted yet.
        Received => ("goods-received", Plain),
        /// On its way from another store.
        Inbound => ("goods-inbound", Info),
        /// Somebody picks it.
        Picking => ("goods-picking", Plain),
        /// Something is missing.
        Short => ("goods-short", Warn),
        /// In bags, some without a shelf.
        Staged => ("goods-staged", Plain),
        /// On the shelf.
        Ready => ("goods-ready", Go),
        /// The hand-over has begun.
        HandingOver => ("goods-handing-over", Info),
        /// Part of it left the shop.
        Partial => ("goods-partial", Warn),
        /// Left with the customer.
        HandedOver => ("goods-handed-over", Go),
        /// Refused at the counter.
        Refused => ("goods-refused", Warn),
        /// Cancelled.
        Cancelled => ("goods-cancelled", Stop),
        /// The hold ended.
        Expired => ("goods-expired", Warn),
        /// Back on the sales shelf.
        PutBack => ("goods-put-back", Plain),
        /// Given up to another store.
        Released => ("goods-released", Plain),
    }
}

words! {
    /// The state of an order's money.
    MoneyWord {
        /// Nothing to pay.
        NoneDue => ("money-none-due", Go),
        /// To be paid here.
        Due => ("money-due", Stop),
        /// Blocked on the card, not taken yet.
        Authorised => ("money-authorised", Warn),
        /// Paid in the web shop.
        PaidOnline => ("money-paid-online", Go),
        /// Paid at this store's till.
        PaidStore => ("money-paid-store", Go),
        /// Money must go back to the customer.
        RefundDue => ("money-refund-due", Warn),
        /// Money went back.
        Refunded => ("money-refunded", Plain),
    }
}

words! {
    /// The state of one text message.
    MessageWord {
        /// Waiting for its turn.
        Queued => ("message-queued", Plain),
        /// Held back (quiet hours, budget, SIM paused).
        Held => ("message-held", Warn),
        /// Being given to the network.
        Submitting => ("message-submitting", Plain),
        /// Taken by the network; not told yet.
        Sent => ("message-sent", Info),
        /// The phone has it.
        Delivered => ("message-delivered", Go),
        /// Will not arrive.
        Failed => ("message-failed", Stop),
        /// Its time ran out.
        Expired => ("message-expired", Warn),
        /// Replaced by a newer one before it was sent.
        Superseded => ("message-superseded", Plain),
        /// Nobody knows whether it left.
        Unknown => ("message-unknown", Warn),
    }
}

words! {
    /// What a message is for.
    PurposeWord {
        /// "Your order is ready".
        Ready => ("purpose-ready", Plain),
        /// A reminder before the hold ends.
        Reminder => ("purpose-reminder", Plain),
        /// An automatic answer to the customer's text.
        Answer => ("purpose-answer", Plain),
        /// Written by staff.
        Staff => ("purpose-staff", Plain),
        /// The order was cancelled or its hold ended.
        Ended => ("purpose-ended", Plain),
        /// Anything else.
        Other => ("purpose-other", Plain),
    }
}

words! {
    /// Why a message failed or is unknown.
    CauseWord {
        /// The number does not exist or refuses texts.
        Recipient => ("cause-recipient", Stop),
        /// The network refused the text itself.
        Message => ("cause-message", Stop),
        /// The SIM may not send (credit, barring).
        Subscription => ("cause-subscription", Stop),
        /// The network failed three times.
        Network => ("cause-network", Stop),
        /// No answer from the modem after submission.
        NoAnswer => ("cause-no-answer", Warn),
        /// The box stopped while it was being sent.
        Restart => ("cause-restart", Warn),
        /// The database was restored from a copy.
        Restored => ("cause-restored", Warn),
        /// Validity ran out without a report.
        Expired => ("cause-expired", Warn),
        /// Anything else.
        Other => ("cause-other", Warn),
    }
}

words! {
    /// How an arrival was made known.
    ArrivalWord {
        /// The customer's text JESTEM.
        Sms => ("arrival-sms", Info),
        /// A missed call.
        Call => ("arrival-call", Info),
        /// The QR on the door.
        Qr => ("arrival-qr", Info),
        /// The button in the shop.
        Unit => ("arrival-unit", Info),
        /// Staff saw the customer.
        Staff => ("arrival-staff", Info),
    }
}

words! {
    /// A person's role.
    RoleWord {
        /// May hand over.
        Clerk => ("role-clerk", Plain),
        /// May also refuse and extend.
        Senior => ("role-senior", Plain),
        /// May do all, overrides included.
        Manager => ("role-manager", Plain),
    }
}

words! {
    /// How good the box's clock is.
    ClockWord {
        /// Never set.
        Unset => ("clock-unset", Stop),
        /// The last saved time.
        Saved => ("clock-saved", Stop),
        /// The battery clock.
        Rtc => ("clock-rtc", Warn),
        /// The mobile network's time.
        Gsm => ("clock-gsm", Go),
        /// Time servers.
        Ntp => ("clock-ntp", Go),
        /// HQ's time.
        Hq => ("clock-hq", Go),
    }
}

words! {
    /// The modem's condition.
    ModemWord {
        /// Registered, sending.
        Ready => ("modem-ready", Go),
        /// Starting or registering.
        Starting => ("modem-starting", Warn),
        /// No network.
        NoNetwork => ("modem-no-network", Stop),
        /// No SIM card.
        NoSim => ("modem-no-sim", Stop),
        /// The SIM wants its PIN and too few tries are left.
        PinBlocked => ("modem-pin-blocked", Stop),
        /// This SIM is paused by the network's refusals.
        Paused => ("modem-paused", Stop),
        /// Being brought back after a hang.
        Recovering => ("modem-recovering", Warn),
        /// Not found.
        Missing => ("modem-missing", Stop),
    }
}

words! {
    /// One step of an order's history.
    HistoryWord {
        /// HQ placed it.
        Placed => ("history-placed", Plain),
        /// The store accepted it.
        Accepted => ("history-accepted", Plain),
        /// Somebody began to pick.
        PickStarted => ("history-pick-started", Plain),
        /// A shortage was reported.
        Short => ("history-short", Warn),
        /// A bag went on a shelf.
        BagStaged => ("history-bag-staged", Plain),
        /// Ready; the hold began.
        Ready => ("history-ready", Go),
        /// The customer came.
        Arrived => ("history-arrived", Info),
        /// Somebody took care of the customer.
        Attended => ("history-attended", Plain),
        /// The customer left without it.
        Left => ("history-left", Plain),
        /// A wrong code was tried.
        CodeFailed => ("history-code-failed", Warn),
        /// Tries are locked for a while.
        CodeLocked => ("history-code-locked", Stop),
        /// Handed over.
        HandedOver => ("history-handed-over", Go),
        /// The hand-over was undone.
        Undone => ("history-undone", Warn),
        /// Refused at the counter.
        Refused => ("history-refused", Warn),
        /// The hold was extended.
        Extended => ("history-extended", Plain),
        /// The hold ended.
        Expired => ("history-expired", Warn),
        /// Put back for sale.
        PutBack => ("history-put-back", Plain),
        /// Paid at the till.
        PaidInStore => ("history-paid-in-store", Go),
        /// Cancelled.
        Cancelled => ("history-cancelled", Stop),
        /// HQ asked to cancel.
        CancelRequested => ("history-cancel-requested", Warn),
        /// The cancel came too late.
        CancelRejected => ("history-cancel-rejected", Stop),
        /// HQ changed the order.
        Amended => ("history-amended", Info),
        /// HQ's change came too late.
        AmendmentRejected => ("history-amendment-rejected", Stop),
        /// HQ changed the payment.
        PaymentChanged => ("history-payment-changed", Info),
        /// HQ moved it to another store.
        Moved => ("history-moved", Info),
        /// Given up to another store.
        Released => ("history-released", Plain),
        /// HQ stopped all orders with this product.
        Frozen => ("history-frozen", Stop),
        /// The stop was lifted.
        Unfrozen => ("history-unfrozen", Plain),
    }
}

words! {
    /// Why the order stands as it does after HQ and the store worked apart.
    WhyWord {
        /// HQ cancelled; it was handed over here first.
        CancelAfterHandOver => ("why-cancel-after-hand-over", Stop),
        /// HQ cancelled; part of it had left.
        CancelAfterPart => ("why-cancel-after-part", Stop),
        /// HQ cancelled; it has to go back for sale.
        CancelPutBack => ("why-cancel-put-back", Warn),
        /// HQ changed it before anything was picked.
        AmendApplied => ("why-amend-applied", Info),
        /// HQ changed it after it was picked.
        AmendRejected => ("why-amend-rejected", Stop),
        /// HQ moved it while it stands here.
        MoveWaits => ("why-move-waits", Warn),
        /// HQ moved it; it was handed over here.
        MoveAfterHandOver => ("why-move-after-hand-over", Stop),
        /// Paid online after the hold had ended here.
        PaidAfterExpiry => ("why-paid-after-expiry", Warn),
        /// The payment changed after the hand-over.
        PaymentAfterHandOver => ("why-payment-after-hand-over", Warn),
        /// HQ extended a hold that had ended here.
        ExtendedAfterExpiry => ("why-extended-after-expiry", Info),
        /// The box was restored from a copy: scan the bag.
        Restored => ("why-restored", Warn),
        /// HQ stopped all orders with this product.
        Frozen => ("why-frozen", Stop),
        /// A manager handed it over without a code or without money.
        Override => ("why-override", Warn),
        /// Staff cancelled it here.
        CancelledByStaff => ("why-cancelled-by-staff", Plain),
        /// HQ extended a hold whose goods were gone.
        ExtensionTooLate => ("why-extension-too-late", Warn),
        /// Handed over twice.
        HandedOverTwice => ("why-handed-over-twice", Stop),
        /// Handed over after it had ended.
        HandedOverAfterEnd => ("why-handed-over-after-end", Stop),
    }
}

words! {
    /// What a person of staff can do now besides the big button.
    ActionWord {
        /// Scan bag and shelf.
        Stage => ("action-stage", Plain),
        /// Refuse the whole order at the counter.
        Refuse => ("action-refuse", Stop),
        /// Take responsibility for the waiting customer.
        Attend => ("action-attend", Plain),
        /// Hold it for longer.
        Extend => ("action-extend", Plain),
        /// Write to the customer.
        Message => ("action-message", Plain),
        /// The customer is at the counter.
        Arrive => ("action-arrive", Plain),
        /// Take back the last hand-over.
        Undo => ("action-undo", Plain),
    }
}

words! {
    /// The reasons offered when an order is refused.
    RefuseWord {
        /// The customer does not want it any more.
        ChangedMind => ("refuse-changed-mind", Plain),
        /// Damaged.
        Damaged => ("refuse-damaged", Plain),
        /// Not what was ordered.
        WrongItem => ("refuse-wrong-item", Plain),
        /// Does not fit.
        DoesNotFit => ("refuse-does-not-fit", Plain),
        /// The customer does not want to pay this price.
        Price => ("refuse-price", Plain),
    }
}

impl RefuseWord {
    /// The value that the form posts: the key without its prefix.
    pub fn value(self) -> &'static str {
        self.key().trim_start_matches("refuse-")
    }

    /// Reads what the form posted.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|word| word.value() == text)
    }
}

impl ActionWord {
    /// The key on the keyboard and on the touch bar.
    pub fn keycap(self) -> &'static str {
        match self {
            Self::Stage => "F2",
            Self::Refuse => "F3",
            Self::Attend => "F4",
            Self::Extend => "F5",
            Self::Message => "F6",
            Self::Arrive => "F8",
            Self::Undo => "F9",
        }
    }
}

words! {
    /// Which way a call goes.
    CallWayWord {
        /// From outside.
        In => ("call-in", Plain),
        /// To a number outside.
        Out => ("call-out", Plain),
        /// Within the store.
        Inside => ("call-inside", Plain),
    }
}

words! {
    /// What a call under way is doing.
    CallDoingWord {
        /// The caller hears it ring.
        Ringing => ("call-ringing", Info),
        /// The menu speaks.
        Menu => ("call-menu", Info),
        /// Phones ring.
        Calling => ("call-calling", Warn),
        /// Two sides talk.
        Talking => ("call-talking", Go),
        /// It ends.
        Ending => ("call-ending", Plain),
    }
}

words! {
    /// How a call went.
    CallOutcomeWord {
        /// Two people talked.
        Talked => ("call-talked", Go),
        /// The menu was enough.
        Menu => ("call-served", Go),
        /// Nobody answered.
        Missed => ("call-missed", Stop),
        /// It came to nothing on our side.
        Failed => ("call-failed", Warn),
    }
}

words! {
    /// What happened in a call.
    CallWhatWord {
        /// It came in.
        Began => ("call-began", Plain),
        /// The caller was answered.
        Answered => ("call-answered", Go),
        /// Something was spoken.
        Prompt => ("call-prompt", Plain),
        /// A key was pressed.
        Key => ("call-key", Plain),
        /// The number was looked up.
        Found => ("call-found", Plain),
        /// A code was tried.
        Code => ("call-code", Plain),
        /// Somebody was rung.
        Rang => ("call-rang", Info),
        /// Somebody could not be rung.
        NotRung => ("call-not-rung", Warn),
        /// A side answered.
        PickedUp => ("call-picked-up", Go),
        /// Two sides hear each other.
        Bridged => ("call-bridged", Go),
        /// A side was put on hold.
        Held => ("call-held", Info),
        /// It was taken off hold.
        Resumed => ("call-resumed", Info),
        /// No sound came.
        Silent => ("call-silent", Warn),
        /// Sound came again.
        Heard => ("call-heard", Go),
        /// A side ended.
        Gone => ("call-gone", Plain),
        /// How the sound went.
        Sound => ("call-sound", Plain),
        /// The call ended.
        Ended => ("call-ended", Plain),
    }
}

words! {
    /// The condition of a line outside.
    LineWord {
        /// It takes calls.
        Ready => ("outline-ready", Go),
        /// It is being set up.
        Starting => ("outline-starting", Info),
        /// It was refused.
        Refused => ("outline-refused", Stop),
        /// It cannot be reached.
        Unreachable => ("outline-unreachable", Stop),
        /// It carries texts only.
        TextsOnly => ("outline-texts-only", Plain),
    }
}

words! {
    /// A line outside.
    OutsideWord {
        /// The SIP trunk.
        Trunk => ("outline-trunk", Plain),
        /// The modem's SIM.
        Sim => ("outline-sim", Plain),
    }
}

words! {
    /// What is printed.
    PrintKindWord {
        /// A bag's label.
        BagLabel => ("print-bag-label", Plain),
        /// A shelf's label.
        ShelfLabel => ("print-shelf-label", Plain),
        /// What to pick.
        PickSlip => ("print-pick-slip", Plain),
        /// What the customer took.
        CollectionSlip => ("print-collection-slip", Plain),
        /// The poster for the door.
        DoorQr => ("print-door-qr", Plain),
        /// A test page.
        Test => ("print-test", Plain),
        /// The drawer.
        Drawer => ("print-drawer", Plain),
    }
}

impl PrintKindWord {
    /// Its segment in paths.
    pub const fn path(self) -> &'static str {
        match self {
            Self::BagLabel => "bag-label",
            Self::ShelfLabel => "shelf-label",
            Self::PickSlip => "pick-slip",
            Self::CollectionSlip => "collection-slip",
            Self::DoorQr => "door-qr",
            Self::Test => "test",
            Self::Drawer => "drawer",
        }
    }
}

words! {
    /// How a print job stands.
    PrintStateWord {
        /// Its till is away.
        Waiting => ("job-waiting", Warn),
        /// Its till has it.
        Taken => ("job-taken", Plain),
        /// The printer can't begin.
        Held => ("job-held", Warn),
        /// It is being printed.
        Begun => ("job-begun", Info),
        /// It came out.
        Printed => ("job-printed", Go),
        /// The printer took it.
        Sent => ("job-sent", Go),
        /// Nobody knows.
        Unknown => ("job-unknown", Stop),
        /// A person said that it came out.
        CameOut => ("job-came-out", Go),
        /// A person said that it did not.
        Lost => ("job-lost", Plain),
        /// Its time was over.
        Expired => ("job-expired", Plain),
        /// It is being cancelled.
        Cancelling => ("job-cancelling", Plain),
        /// Cancelled.
        Cancelled => ("job-cancelled", Plain),
        /// The till can't print it.
        Refused => ("job-refused", Stop),
    }
}

words! {
    /// How a printer is, what keeps a job, or why one ended.
    HeldWord {
        /// It prints.
        Ready => ("held-ready", Go),
        /// The port can't be opened, or failed.
        Port => ("held-port", Warn),
        /// It does not answer.
        Silent => ("held-silent", Warn),
        /// It says that it is offline.
        Offline => ("held-offline", Warn),
        /// Its cover is open.
        CoverOpen => ("held-cover-open", Stop),
        /// It has no paper.
        PaperOut => ("held-paper-out", Stop),
        /// It has an error.
        Error => ("held-error", Stop),
        /// The till's bridge was started anew.
        Restart => ("held-restart", Warn),
        /// It waited too long in the middle.
        Held => ("held-too-long", Warn),
        /// The till has no such printer.
        NoPrinter => ("held-no-printer", Stop),
        /// The document can't be printed there.
        Document => ("held-document", Stop),
        /// Too many jobs wait.
        Full => ("held-full", Warn),
        /// The till was removed.
        Removed => ("held-removed", Plain),
    }
}

words! {
    /// Which screen shows a till's scans.
    ScreenWord {
        /// This one.
        This => ("till-screen-this", Go),
        /// Another one.
        Other => ("till-screen-other", Plain),
        /// None.
        Nobody => ("till-screen-none", Warn),
    }
}

impl ScreenWord {
    /// Whether it is this one.
    pub const fn is_this(self) -> bool {
        matches!(self, Self::This)
    }
}

words! {
    /// Why nothing is printed.
    PrintProblemWord {
        /// No till with a printer.
        NoTill => ("problem-no-till", Warn),
        /// Too many jobs.
        Full => ("problem-prints-full", Warn),
        /// The till is not connected.
        Away => ("problem-till-away", Warn),
        /// Nothing to print yet.
        NoPaper => ("problem-no-paper", Warn),
        /// The store's number is missing.
        NoPhone => ("problem-no-phone", Warn),
        /// The job has ended or begun.
        Done => ("problem-print-done", Warn),
    }
}
