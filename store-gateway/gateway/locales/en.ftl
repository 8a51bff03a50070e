# The counter's screens in English. Short, as a shop speaks. `$n` is a number, `$v` a value.

## Page
page-title = Counter
skip-to-order = Skip to the order
scan-label = Scan or type: pickup code, order number, surname, last three digits of the phone
scan-placeholder = Scan or type a code, number, surname
log-out = Log out
log-out-as = Log out { $v }
live-lost = No connection to the box – trying again
sound-off = Sound is off
close = Close
tabs-label = Parts of the screen
tab-card = Order
tab-board = Queue
tab-side = Messages
tab-keys = Keys
settings-title = Language and look
settings-language = Language
settings-theme = Look
settings-save = Save
theme-auto = As the device
theme-light = Light
theme-dark = Dark
unit-hour = h
unit-minute = min
unit-day = d
unit-pieces = pcs
day-mon = Mon
day-tue = Tue
day-wed = Wed
day-thu = Thu
day-fri = Fri
day-sat = Sat
day-sun = Sun
day-tomorrow = tomorrow
day-tomorrow-until = tomorrow
day-yesterday = yesterday
waits = waiting
until = until { $v }
since = since { $v }
promised-for = promised { $v }

## Link
link-online = Connected to HQ
link-catching-up = Catching up · { $n } to send
link-offline-since = Offline since { $v }
link-works = works normally
link-to-send = { $n } to send
link-recovering = Restoring data from HQ · works normally
link-superseded = Another box has taken this store’s place – read only
needs-person =
    { $n ->
        [one] { $n } SMS needs you
       *[other] { $n } SMS need you
    }

## Board
board-label = Order queue
board-here = At the counter
board-here-none = Nobody is waiting
board-pick = To pick
board-pick-none = All picked
board-ready = Ready for pickup
board-ready-none = The shelves are empty
board-done = Done today
board-done-none = Nothing yet today
board-more = and { $n } more
holds-paused = Clock not trusted: holds are not expiring
row-attended = with { $v }
row-fetch = here for pickup
row-not-ready = not ready yet: pick it

## States
goods-received = new
goods-inbound = coming from another store
goods-picking = being picked
goods-short = items missing
goods-staged = packed
goods-ready = ready
goods-handing-over = being handed over
goods-partial = partly handed over
goods-handed-over = handed over
goods-refused = refused at the counter
goods-cancelled = cancelled
goods-expired = hold ended
goods-put-back = put back for sale
goods-released = given to another store
money-none-due = Nothing to pay
money-due = To pay
money-authorised = Payment reserved, not taken yet
money-paid-online = Paid
money-paid-store = Paid in store
money-refund-due = Refund due
money-refunded = Refunded
money-override = Manager’s override: { $v }
message-queued = queued
message-held = held
message-submitting = sending
message-sent = sent
message-delivered = delivered
message-failed = failed
message-expired = expired
message-superseded = replaced
message-unknown = unknown
purpose-ready = Pickup SMS
purpose-reminder = Reminder
purpose-answer = Automatic answer
purpose-staff = SMS from us
purpose-ended = Closing SMS
purpose-other = SMS
cause-recipient = the number takes no SMS
cause-message = the network refused the text
cause-subscription = the SIM may not send
cause-network = the network failed three times
cause-no-answer = the modem gave no answer after sending
cause-restart = the box stopped in between
cause-restored = data were restored from a copy
cause-expired = no report in time
cause-other = cause not known
arrival-sms = SMS: JESTEM
arrival-call = phone call
arrival-qr = code at the door
arrival-unit = button in the shop
arrival-staff = seen at the counter
role-clerk = clerk
role-senior = senior clerk
role-manager = manager
clock-unset = not set
clock-saved = last saved time
clock-rtc = battery clock
clock-gsm = mobile network time
clock-ntp = internet time
clock-hq = HQ’s time
modem-ready = Modem works
modem-starting = Modem is starting
modem-no-network = Modem has no network
modem-no-sim = No SIM card
modem-pin-blocked = SIM card wants its PIN
modem-paused = SIM card paused by the network
modem-recovering = Modem is being recovered
modem-missing = No modem found

## Order
order-n = Order { $v }
phone-tail = tel. …{ $v }
shelf = Shelf
bag = Bag
bag-n = bag { $v }
code-ok = code fits
bag-ok = bag { $v } fits
wrong-bag-title = This bag belongs to order { $v }
wrong-bag-next = Put it back and scan the bag of order { $v }
frozen-title = Stopped by HQ: { $v }. Do not hand over.
card-body-label = Order details
lines-label = Items
line-ticked =
    { $n ->
        [one] { $n } piece checked
       *[other] { $n } pieces checked
    }
line-short = missing
line-refused = refused
line-put-back = put back for sale
presence-on-way = on the way
presence-left = customer left
flag-age = check age: { $n }+
flag-replied = replied: { $v }
flag-hold = hold until { $v }
flag-no-phone = no phone number
flag-cancel-asked = HQ asks to cancel
flag-case-open = return case open
why-title = Why it is so
why-cancel-after-hand-over = HQ cancelled, but it had been handed over here. The hand-over stands; a return case is open.
why-cancel-after-part = HQ cancelled after a part had left. Put the rest back for sale; a case is open for what left.
why-cancel-put-back = HQ cancelled. Put the goods back for sale.
why-amend-applied = HQ changed the order before it was picked. The new items apply.
why-amend-rejected = HQ changed the order after it was picked. The change was rejected; the old items stand.
why-move-waits = HQ is moving the order to another store. It waits to be released here.
why-move-after-hand-over = HQ moved the order, but it had been handed over here. The hand-over stands.
why-paid-after-expiry = Paid after the hold had ended. The hold stays ended; money goes back.
why-payment-after-hand-over = The payment changed after the hand-over. Both facts are kept.
why-extended-after-expiry = HQ extended the hold after it had ended. The order is open again.
why-restored = Data were restored from a copy. Scan the bag before handing over.
why-frozen = HQ stopped all orders with this product.
why-override = Handed over on a manager’s word.
why-cancelled-by-staff = Cancelled by staff here.
why-extension-too-late = HQ extended the hold, but the goods were gone or back for sale.
why-handed-over-twice = Handed over twice. Both hand-overs are kept; tell the manager.
why-handed-over-after-end = Handed over after the order had ended. The hand-over stands; tell the manager.
history-title = History
history-placed = placed by HQ
history-accepted = accepted
history-pick-started = picking began
history-short = items missing
history-bag-staged = bag on the shelf
history-ready = ready for pickup
history-arrived = customer is here
history-attended = somebody took care
history-left = customer left
history-code-failed = wrong code
history-code-locked = code locked for a while
history-handed-over = handed over
history-undone = hand-over undone
history-refused = refused at the counter
history-extended = hold extended
history-expired = hold ended
history-put-back = put back for sale
history-paid-in-store = paid in store
history-cancelled = cancelled
history-cancel-requested = HQ asks to cancel
history-cancel-rejected = cancel came too late
history-amended = HQ changed the order
history-amendment-rejected = change rejected
history-payment-changed = payment changed
history-moved = moved to another store
history-released = given to another store
history-frozen = stopped by HQ
history-unfrozen = stop lifted
by-itself = automatic

## The big button and the keys
primary-hand-over = Hand over
primary-need-code = Scan or type the customer’s code
primary-need-bag = Scan the bag
primary-wrong-bag = Wrong bag – do not hand over
primary-need-money = Payment first
primary-stage = Put on a shelf
primary-locked = Code locked for another
primary-next = Next customer
keys-label = Keys
action-stage = To shelf
action-refuse = Refuse
action-attend = I’ve got it
action-extend = Extend
action-message = Message
action-arrive = Customer’s here
action-undo = Undo
key-messages = SMS
key-health = Health
key-language = Language
key-back = Back
refuse-title = Refuse order { $v }
refuse-refund = To refund to the customer: { $v }
refuse-release = The reserved payment will be released.
refuse-no-refund = There is no money to refund.
refuse-reason = Reason
refuse-changed-mind = Changed their mind
refuse-damaged = Damaged
refuse-wrong-item = Not what was ordered
refuse-does-not-fit = Does not fit
refuse-price = Price
refuse-note = Note (nothing about the person)
refuse-button = Take the refusal
override-open = Hand over anyway…
override-title = Hand over on a manager’s word
override-words = The reason is kept with the order and sent to HQ.
override-reason = Reason
override-button = Hand over anyway

## Conversation and SMS
side-label = Conversation and messages
thread-title = Conversation
thread-none = Nothing written yet
thread-no-number = The customer gave no phone number
thread-staff = us
thread-automatic = automatic
reply-label = Reply to the customer
reply-placeholder = Write to the customer
reply-fold = plain letters
reply-parts = SMS
reply-send = Send
texts-title = Waiting for an answer
texts-none = No message is waiting
text-unknown-number = unknown number
text-open = Open { $v }
text-done = Done
messages-title = SMS
messages-modem-next = Messages wait and go out when the modem is back.
messages-unknown = Unknown
messages-unknown-words = Nobody knows whether they left. Ask the customer or decide – they never go out twice by themselves.
messages-unknown-none = None unknown
messages-failed = Failed
messages-failed-none = None failed
messages-queue = Under way
messages-queue-none = The queue is empty
settle-sent = It arrived
settle-not-sent = It did not arrive
parts =
    { $n ->
        [one] { $n } part
       *[other] { $n } parts
    }

## The middle without an order
empty-title = Scan the customer’s code
hint-scan = Scan
hint-scan-does = the customer’s QR, a bag label or a product
hint-code = Six digits
hint-code-does = a pickup code told aloud
hint-search = Number, surname, three digits
hint-search-does = find it without a code
hint-arrows = Arrows
hint-arrows-does = choose from the queue
search-title = Searched: { $v }
search-none = Nothing found
search-none-next = Check the order number, try the surname or the last three digits of the phone.
search-cut = There are more. Type more exactly.

## Staging
stage-title = Put on a shelf { $v }
stage-bag = Scan the bag label
stage-bag-label = expected { $v }
stage-bags-scanned = scanned: { $v }
stage-shelf = Scan the shelf
stage-shelf-label = or one more bag; the shelf saves by itself
stage-expect-bag = Now: bag
stage-expect-shelf = Now: shelf
stage-by-hand = Without a scanner
stage-button = Save

## Refusals
problem-look-again = Look again
problem-wrong-code = The code does not fit
problem-wrong-code-next =
    { $n ->
        [0] Ask the customer for the SMS with the code.
        [one] Ask the customer for the SMS with the code. { $n } try left.
       *[other] Ask the customer for the SMS with the code. { $n } tries left.
    }
problem-locked = Too many wrong codes
problem-locked-next = Next try in
problem-money-due = { $v } is due
problem-money-due-next = Take the payment at the till, then hand over.
problem-wrong-state = Not possible now: the order is “{ $v }”
problem-wrong-state-next = Look at the order’s history and choose another step.
problem-wrong-store = This order waits at the store { $v }
problem-wrong-store-next = Send the customer to that store.
problem-unknown-order = There is no order { $v } here
problem-unknown-order-next = Check the number or search by surname.
problem-changed = Somebody changed the order meanwhile
problem-changed-next = Nothing was saved. Look again and try once more.
problem-wrong-bag = This bag belongs to order { $v }
problem-wrong-bag-next = Put it back in its place.
problem-wrong-product = Product { $v } is not in this order
problem-wrong-product-next = Put it aside and scan the right one.
problem-unexpected = This label means nothing here
problem-unexpected-next = Scan the bag first, then the shelf.
problem-too-late = Too late to undo
problem-too-late-next = Take it back as an ordinary return.
problem-not-allowed = You may not do this
problem-not-allowed-next = Ask a manager to log in.
problem-bad-input = Something is missing in the form
problem-bad-input-next = Fill in the fields and send it again.
problem-session = The session has ended
problem-session-next = Log in again; nothing was saved.
problem-busy = The box can’t save right now
problem-busy-next = Nothing was saved. Try again in a moment.

## Health
health-title = Health of the box
health-all-well = All is well
health-modem = Modem { $v }
health-no-operator = no operator
health-bars = signal { $n } of 5
health-link = Link to HQ
health-last-heard = last heard { $v }
health-offline-left =
    { $n ->
        [one] room for { $n } day offline
       *[other] room for { $n } days offline
    }
health-set-aside =
    { $n ->
        [one] { $n } event set aside by HQ
       *[other] { $n } events set aside by HQ
    }
health-signed = HQ’s signature is checked
health-unsigned = HQ’s signature is not checked
health-clock = Clock
health-disk = Disk
health-disk-free = { $v } free
health-config = Configuration
health-config-defaults = defaults
health-config-refused = not taken: { $v }
health-version = Version
health-started = running since { $v }
health-queues = Queues
health-queue = Queue
health-queue-length = Entries
health-queue-oldest = Oldest
queue-p0 = Orders to HQ
queue-p1 = Messages to HQ
queue-texts = SMS to send
queue-dead-letters = Not understood from HQ

## Log-in and first run
login-title = Log in
login-who = Who?
login-pin = PIN
login-pad = PIN pad
login-erase = Erase a digit
login-button = Log in
login-hint = Choose with the arrows, type the PIN, press Enter.
login-wrong-pin =
    { $n ->
        [0] Wrong PIN.
        [one] Wrong PIN. { $n } try left.
       *[other] Wrong PIN. { $n } tries left.
    }
login-locked = Too many wrong tries. Try again in
login-stale = The page was open for too long. Log in once more.
login-ended = The session has ended. Log in again.
setup-title = First run
setup-words = This makes the first person: a manager. A manager adds the others.
setup-code = One-time code
setup-code-where = it stands in the box’s log at the start
setup-name = Name
setup-id = Id
setup-id-words = small letters a–z, digits, hyphen; for example anna
setup-pin = PIN (4–8 digits)
setup-pin2 = PIN once more
setup-button = Make the manager
setup-wrong-code = That is not the code from the log.
setup-locked = Too many wrong tries. Try again in
setup-bad-id = Id: 1–32 characters of a–z, 0–9 and hyphen.
setup-bad-name = Give a name of at most 80 characters.
setup-bad-pin = The PIN needs 4 to 8 digits.
setup-pins-differ = The PINs differ.

## Calls
missed-calls =
    { $n ->
        [one] { $n } missed call
       *[other] { $n } missed calls
    }
calls-title = Calls
calls-live = Now
calls-live-none = Nobody is on the line
calls-missed = Missed calls
calls-missed-none = None waits for you
calls-phones = Phones and lines
calls-phones-none = No phones are configured
calls-log = Log
calls-log-none = No calls yet
calls-older = Older
key-calls = Calls
call-withheld = Number withheld
call-in = from outside
call-out = to outside
call-inside = within the store
call-ringing = rings
call-menu = menu
call-calling = ringing the phones
call-talking = talking
call-ending = ending
call-talked = talked
call-served = served by the menu
call-missed = missed
call-failed = failed
call-began = came in
call-answered = answered
call-prompt = spoken
call-key = key
call-found = orders found
call-code = code
call-rang = rang
call-not-rung = could not ring
call-picked-up = picked up
call-bridged = connected
call-held = on hold
call-resumed = off hold
call-silent = no sound
call-heard = sound again
call-gone = left
call-sound = sound
call-ended = ended
call-rang-for = rang { $v }
call-answered-by = { $v } answered
call-talked-for = talked { $v }
call-timeline = What happened
call-after = After
call-what = What
call-leg = Who
call-detail = Detail
phone-away = not registered
phone-registered = registered
outline-trunk = Trunk
outline-sim = SIM
outline-ready = ready
outline-starting = starting
outline-refused = refused
outline-unreachable = unreachable
outline-texts-only = texts only
leg-caller = caller
leg-outside = number outside
leg-emergency = emergency
flag-missed-call = missed call { $v }
thread-call = Call
recordings-title = Recordings
recordings-words = Your own WAV files in place of spoken texts.
recordings-remove = Remove
recordings-name = Text
recordings-file = WAV file
recordings-keep = Keep
prints-to-check =
    { $n ->
        [one] { $n } print to check
       *[other] { $n } prints to check
    }
printers-held =
    { $n ->
        [one] { $n } printer waits
       *[other] { $n } printers wait
    }
key-devices = Devices
devices-title = Tills and printers
devices-tills = Tills
devices-none = No till is joined to this store yet
devices-off = Tills are not switched on in this gateway's configuration, or their port is taken
devices-papers = The store's papers
devices-jobs = Print jobs
devices-jobs-none = Nothing was printed yet
print-asked = Did it come out?
print-came-out = It came out
print-lost-again = It did not: print again
print-again = Print again
print-again-of = copy
print-cancel = Cancel
print-label = Print
print-at = Print at { $v }
print-bag-label = Bag label
print-shelf-label = Shelf label
print-pick-slip = Pick list
print-collection-slip = Collection slip
print-door-qr = Poster for the door
print-test = Test page
print-drawer = Drawer
preview-alt = The paper as it will be printed
preview-no-till = No till of this store has a printer. Print the PDF on an office printer.
till-online = connected
till-away = not connected
till-seen = last seen { $v }
till-printer = Printer
till-scanner = Scanner
till-screen-this = its scans open here
till-screen-other = its scans open on another screen
till-screen-none = its scans open nowhere
till-unseen =
    { $n ->
        [one] { $n } scan without a screen
       *[other] { $n } scans without a screen
    }
till-use-here = Use with this screen
till-not-here = Not with this screen
till-test = Test page: { $v }
till-drawer = Open the drawer
till-remove = Remove
till-remove-sure = Remove { $v }? It will have to be joined again with a code.
till-add = Add a till
till-add-hint = A code joins one till and is good for a few minutes.
till-add-words = At the till, with this gateway's address { $v } in its configuration:
till-code = Show a code
till-code-until = good until { $v }
printer-columns =
    { $n ->
        [one] { $n } character
       *[other] { $n } characters
    }
printer-paper-low = paper is low
scanner-scans =
    { $n ->
        [one] { $n } scan
       *[other] { $n } scans
    }
scanner-dropped =
    { $n ->
        [one] { $n } unreadable
       *[other] { $n } unreadable
    }
job-waiting = waits for its till
job-taken = at the till
job-held = waits
job-begun = printing
job-printed = printed
job-sent = sent to the printer
job-unknown = nobody knows whether it came out
job-came-out = came out
job-lost = did not come out
job-expired = too late
job-cancelling = is being cancelled
job-cancelled = cancelled
job-refused = can't be printed
held-ready = ready
held-port = not connected
held-silent = the printer does not answer
held-offline = offline
held-cover-open = cover open
held-paper-out = no paper
held-error = error
held-restart = the till was restarted
held-too-long = it waited too long in the middle
held-no-printer = there is no such printer
held-document = the printer can't print this
held-full = too many wait
held-removed = the till was removed
problem-no-till = No till with a printer is joined to this screen.
problem-prints-full = Too many prints wait at this till.
problem-till-away = The till is not connected.
problem-no-paper = There is nothing to print for this order yet.
problem-no-phone = The store's telephone number is not configured.
problem-print-done = This print has ended, or is being printed.
problem-print-next = See the page “Devices”.
