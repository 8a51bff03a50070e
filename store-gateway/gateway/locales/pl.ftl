# Ekrany lady po polsku. Krótko i tak, jak mówi się w sklepie. `$n` to liczba, `$v` to wartość.

## Strona
page-title = Lada
skip-to-order = Przejdź do zamówienia
scan-label = Skanuj lub wpisz: kod odbioru, numer zamówienia, nazwisko, trzy ostatnie cyfry telefonu
scan-placeholder = Skanuj lub wpisz kod, numer, nazwisko
log-out = Wyloguj
log-out-as = Wyloguj: { $v }
live-lost = Brak łączności z urządzeniem – łączę ponownie
sound-off = Dźwięk wyłączony
close = Zamknij
tabs-label = Części ekranu
tab-card = Zamówienie
tab-board = Kolejka
tab-side = Rozmowa
tab-keys = Klawisze
settings-title = Język i wygląd
settings-language = Język
settings-theme = Wygląd
settings-save = Zapisz
theme-auto = Jak w urządzeniu
theme-light = Jasny
theme-dark = Ciemny
unit-hour = h
unit-minute = min
unit-day = d
unit-pieces = szt.
day-mon = pn
day-tue = wt
day-wed = śr
day-thu = cz
day-fri = pt
day-sat = sb
day-sun = nd
day-tomorrow = jutro
day-tomorrow-until = jutra
day-yesterday = wczoraj
waits = czeka
until = do { $v }
since = od { $v }
promised-for = obiecane { $v }

## Łącze
link-online = Połączono z centralą
link-catching-up = Nadrabia zaległości · { $n } do wysłania
link-offline-since = Offline od { $v }
link-works = działa normalnie
link-to-send = { $n } do wysłania
link-recovering = Odtwarzam dane z centrali · działa normalnie
link-superseded = Inne urządzenie przejęło ten sklep – tylko odczyt
needs-person =
    { $n ->
        [one] { $n } SMS czeka na Ciebie
        [few] { $n } SMS-y czekają na Ciebie
       *[other] { $n } SMS-ów czeka na Ciebie
    }

## Kolejka
board-label = Kolejka zamówień
board-here = Przy ladzie
board-here-none = Nikt nie czeka
board-pick = Do kompletacji
board-pick-none = Wszystko skompletowane
board-ready = Czeka na odbiór
board-ready-none = Półki są puste
board-done = Dziś zakończone
board-done-none = Dziś jeszcze nic
board-more = i jeszcze { $n }
holds-paused = Zegar niepewny: terminy odbioru nie wygasają
row-attended = zajmuje się { $v }
row-fetch = odbiór osobisty
row-not-ready = jeszcze niegotowe: kompletuj

## Stany
goods-received = nowe
goods-inbound = jedzie z innego sklepu
goods-picking = w kompletacji
goods-short = brakuje towaru
goods-staged = spakowane
goods-ready = gotowe
goods-handing-over = w trakcie wydania
goods-partial = wydane w części
goods-handed-over = wydane
goods-refused = rezygnacja na miejscu
goods-cancelled = anulowane
goods-expired = termin minął
goods-put-back = odłożone do sprzedaży
goods-released = oddane innemu sklepowi
money-none-due = Nic do zapłaty
money-due = Do zapłaty
money-authorised = Płatność zablokowana, jeszcze niepobrana
money-paid-online = Zapłacone
money-paid-store = Zapłacone w sklepie
money-refund-due = Do zwrotu
money-refunded = Zwrócone
money-override = Zgoda kierownika: { $v }
message-queued = w kolejce
message-held = wstrzymany
message-submitting = wysyłam
message-sent = wysłany
message-delivered = doręczony
message-failed = nie dotarł
message-expired = przeterminowany
message-superseded = zastąpiony
message-unknown = niepewny
purpose-ready = SMS o odbiorze
purpose-reminder = Przypomnienie
purpose-answer = Odpowiedź automatu
purpose-staff = SMS od nas
purpose-ended = SMS o zakończeniu
purpose-other = SMS
cause-recipient = numer nie odbiera SMS-ów
cause-message = sieć odrzuciła treść
cause-subscription = karta SIM nie może wysyłać
cause-network = sieć zawiodła trzy razy
cause-no-answer = modem nie odpowiedział po wysłaniu
cause-restart = urządzenie zatrzymało się w trakcie
cause-restored = dane odtworzono z kopii
cause-expired = minął czas bez potwierdzenia
cause-other = przyczyna nieznana
arrival-sms = SMS JESTEM
arrival-call = telefon
arrival-qr = kod przy drzwiach
arrival-unit = przycisk w sklepie
arrival-staff = zgłoszone przy ladzie
role-clerk = sprzedawca
role-senior = starszy sprzedawca
role-manager = kierownik
clock-unset = nieustawiony
clock-saved = ostatni zapisany czas
clock-rtc = zegar na baterii
clock-gsm = czas z sieci komórkowej
clock-ntp = czas z internetu
clock-hq = czas z centrali
modem-ready = Modem działa
modem-starting = Modem się uruchamia
modem-no-network = Modem bez sieci
modem-no-sim = Brak karty SIM
modem-pin-blocked = Karta SIM czeka na PIN
modem-paused = Karta SIM wstrzymana przez sieć
modem-recovering = Modem jest przywracany
modem-missing = Nie widać modemu

## Zamówienie
order-n = Zamówienie { $v }
phone-tail = tel. …{ $v }
shelf = Półka
bag = Torba
bag-n = torba { $v }
code-ok = kod zgodny
bag-ok = torba { $v } zgodna
wrong-bag-title = To torba zamówienia { $v }
wrong-bag-next = Odłóż ją i zeskanuj torbę zamówienia { $v }
frozen-title = Wstrzymane przez centralę: { $v }. Nie wydawaj.
card-body-label = Szczegóły zamówienia
lines-label = Pozycje
line-ticked = sprawdzono { $n } szt.
line-short = brak
line-refused = rezygnacja
line-put-back = odłożone do sprzedaży
presence-on-way = w drodze
presence-left = klient odszedł
flag-age = sprawdź wiek: { $n }+
flag-replied = odpisał: { $v }
flag-hold = odbiór do { $v }
flag-no-phone = brak telefonu
flag-cancel-asked = centrala prosi o anulowanie
flag-case-open = otwarta sprawa zwrotu
why-title = Dlaczego tak
why-cancel-after-hand-over = Centrala anulowała, ale tu już wydano. Wydanie zostaje; otwarto sprawę zwrotu.
why-cancel-after-part = Centrala anulowała, gdy część już wydano. Resztę odłóż do sprzedaży; dla wydanej części otwarto sprawę.
why-cancel-put-back = Centrala anulowała. Odłóż towar do sprzedaży.
why-amend-applied = Centrala zmieniła zamówienie, zanim je skompletowano. Obowiązują nowe pozycje.
why-amend-rejected = Centrala zmieniła zamówienie po skompletowaniu. Zmiana odrzucona; zostają stare pozycje.
why-move-waits = Centrala przenosi zamówienie do innego sklepu. Czeka na oddanie stąd.
why-move-after-hand-over = Centrala przeniosła zamówienie, ale tu już je wydano. Wydanie zostaje.
why-paid-after-expiry = Zapłacono po upływie terminu. Termin pozostaje miniony; pieniądze do zwrotu.
why-payment-after-hand-over = Płatność zmieniła się po wydaniu. Obie informacje są zachowane.
why-extended-after-expiry = Centrala przedłużyła odbiór po terminie. Zamówienie znów jest otwarte.
why-restored = Dane odtworzono z kopii. Zeskanuj torbę przed wydaniem.
why-frozen = Centrala wstrzymała zamówienia z tym produktem.
why-override = Wydano za zgodą kierownika.
why-cancelled-by-staff = Anulowano tutaj, w sklepie.
why-extension-too-late = Centrala przedłużyła odbiór, ale towar już wydano albo wrócił do sprzedaży.
why-handed-over-twice = Wydano dwa razy. Zostają oba wydania; powiedz kierownikowi.
why-handed-over-after-end = Wydano po zakończeniu zamówienia. Wydanie zostaje; powiedz kierownikowi.
history-title = Historia
history-placed = przyjęte z centrali
history-accepted = potwierdzone
history-pick-started = kompletacja rozpoczęta
history-short = brakuje towaru
history-bag-staged = torba na półce
history-ready = gotowe do odbioru
history-arrived = klient na miejscu
history-attended = ktoś się zajął klientem
history-left = klient odszedł
history-code-failed = zły kod
history-code-locked = kod zablokowany na chwilę
history-handed-over = wydane
history-undone = wydanie cofnięte
history-refused = rezygnacja na miejscu
history-extended = odbiór przedłużony
history-expired = termin minął
history-put-back = odłożone do sprzedaży
history-paid-in-store = zapłacone w sklepie
history-cancelled = anulowane
history-cancel-requested = centrala prosi o anulowanie
history-cancel-rejected = anulowanie za późno
history-amended = centrala zmieniła zamówienie
history-amendment-rejected = zmiana odrzucona
history-payment-changed = zmiana płatności
history-moved = przeniesione do innego sklepu
history-released = oddane innemu sklepowi
history-frozen = wstrzymane przez centralę
history-unfrozen = wstrzymanie zdjęte
by-itself = automat

## Duży przycisk i klawisze
primary-hand-over = Wydaj
primary-need-code = Zeskanuj lub wpisz kod klienta
primary-need-bag = Zeskanuj torbę
primary-wrong-bag = Zła torba – nie wydawaj
primary-need-money = Najpierw zapłata
primary-stage = Odłóż na półkę
primary-locked = Kod zablokowany jeszcze
primary-next = Następny klient
keys-label = Klawisze
action-stage = Na półkę
action-refuse = Rezygnacja
action-attend = Zajmuję się
action-extend = Przedłuż
action-message = Wiadomość
action-arrive = Jest klient
action-undo = Cofnij
key-messages = SMS-y
key-health = Stan
key-language = Język
key-back = Wróć
refuse-title = Rezygnacja z zamówienia { $v }
refuse-refund = Do zwrotu klientowi: { $v }
refuse-release = Blokada na karcie zostanie zdjęta.
refuse-no-refund = Nie ma pieniędzy do zwrotu.
refuse-reason = Powód
refuse-changed-mind = Klient się rozmyślił
refuse-damaged = Uszkodzone
refuse-wrong-item = Nie to, co zamówiono
refuse-does-not-fit = Nie pasuje
refuse-price = Cena
refuse-note = Uwagi (bez danych klienta)
refuse-button = Przyjmij rezygnację
override-open = Wydaj mimo to…
override-title = Wydanie za zgodą kierownika
override-words = Powód zostanie zapisany przy zamówieniu i wysłany do centrali.
override-reason = Powód
override-button = Wydaj mimo to

## Rozmowa i SMS-y
side-label = Rozmowa i wiadomości
thread-title = Rozmowa
thread-none = Jeszcze nic nie napisano
thread-no-number = Klient nie podał numeru telefonu
thread-staff = my
thread-automatic = automat
reply-label = Odpowiedź do klienta
reply-placeholder = Napisz do klienta
reply-fold = bez ogonków
reply-parts = SMS
reply-send = Wyślij
texts-title = Czekają na odpowiedź
texts-none = Żadna wiadomość nie czeka
text-unknown-number = nieznany numer
text-open = Otwórz { $v }
text-done = Załatwione
messages-title = SMS-y
messages-modem-next = Wiadomości czekają i wyjdą, gdy modem wróci.
messages-unknown = Niepewne
messages-unknown-words = Nie wiadomo, czy wyszły. Zapytaj klienta albo zdecyduj – same nie pójdą drugi raz.
messages-unknown-none = Żadnej niepewnej
messages-failed = Nie dotarły
messages-failed-none = Wszystkie dotarły
messages-queue = W drodze
messages-queue-none = Kolejka jest pusta
settle-sent = Doszła
settle-not-sent = Nie doszła
parts =
    { $n ->
        [one] { $n } część
        [few] { $n } części
       *[other] { $n } części
    }

## Środek bez zamówienia
empty-title = Zeskanuj kod klienta
hint-scan = Skan
hint-scan-does = kod QR klienta, etykieta torby albo produkt
hint-code = Sześć cyfr
hint-code-does = kod odbioru podany ustnie
hint-search = Numer, nazwisko, trzy cyfry
hint-search-does = szukanie bez kodu
hint-arrows = Strzałki
hint-arrows-does = wybór z kolejki
search-title = Szukane: { $v }
search-none = Nic nie znaleziono
search-none-next = Sprawdź numer zamówienia, spróbuj nazwiska albo trzech ostatnich cyfr telefonu.
search-cut = Jest więcej wyników. Wpisz dokładniej.

## Odkładanie na półkę
stage-title = Odłóż na półkę { $v }
stage-bag = Zeskanuj etykietę torby
stage-bag-label = oczekiwana { $v }
stage-bags-scanned = zeskanowane: { $v }
stage-shelf = Zeskanuj półkę
stage-shelf-label = albo kolejną torbę; po półce zapisuje się samo
stage-expect-bag = Teraz: torba
stage-expect-shelf = Teraz: półka
stage-by-hand = Bez skanera
stage-button = Zapisz

## Odmowy
problem-look-again = Odśwież
problem-wrong-code = Kod się nie zgadza
problem-wrong-code-next =
    { $n ->
        [0] Poproś klienta o SMS z kodem.
        [one] Poproś klienta o SMS z kodem. Została { $n } próba.
        [few] Poproś klienta o SMS z kodem. Zostały { $n } próby.
       *[other] Poproś klienta o SMS z kodem. Zostało { $n } prób.
    }
problem-locked = Za dużo złych kodów
problem-locked-next = Następna próba za
problem-money-due = Do zapłaty jest { $v }
problem-money-due-next = Przyjmij zapłatę w kasie, potem wydaj.
problem-wrong-state = Teraz się nie da: zamówienie jest „{ $v }”
problem-wrong-state-next = Spójrz na historię zamówienia i wybierz inny krok.
problem-wrong-store = To zamówienie czeka w sklepie { $v }
problem-wrong-store-next = Skieruj klienta do tamtego sklepu.
problem-unknown-order = Nie ma tu zamówienia { $v }
problem-unknown-order-next = Sprawdź numer albo poszukaj po nazwisku.
problem-changed = Ktoś w tym czasie zmienił zamówienie
problem-changed-next = Nic nie zapisano. Odśwież i spróbuj jeszcze raz.
problem-wrong-bag = To torba zamówienia { $v }
problem-wrong-bag-next = Odłóż ją na miejsce.
problem-wrong-product = Produktu { $v } nie ma w tym zamówieniu
problem-wrong-product-next = Odłóż go i zeskanuj właściwy.
problem-unexpected = Ta etykieta nic tu nie znaczy
problem-unexpected-next = Najpierw zeskanuj torbę, potem półkę.
problem-too-late = Za późno na cofnięcie
problem-too-late-next = Przyjmij zwrot jak zwykle.
problem-not-allowed = Tego nie możesz zrobić
problem-not-allowed-next = Poproś kierownika, aby się zalogował.
problem-bad-input = Czegoś brakuje w formularzu
problem-bad-input-next = Uzupełnij pola i wyślij jeszcze raz.
problem-session = Sesja wygasła
problem-session-next = Zaloguj się ponownie; nic nie zapisano.
problem-busy = Urządzenie nie może teraz zapisać
problem-busy-next = Nic nie zapisano. Spróbuj za chwilę.

## Stan urządzenia
health-title = Stan urządzenia
health-all-well = Wszystko działa
health-modem = Modem { $v }
health-no-operator = brak operatora
health-bars = zasięg { $n } z 5
health-link = Łącze z centralą
health-last-heard = ostatnio słyszana { $v }
health-offline-left =
    { $n ->
        [one] zapas na { $n } dzień offline
       *[other] zapas na { $n } dni offline
    }
health-set-aside =
    { $n ->
        [one] { $n } zdarzenie odłożone przez centralę
        [few] { $n } zdarzenia odłożone przez centralę
       *[other] { $n } zdarzeń odłożonych przez centralę
    }
health-signed = podpis centrali sprawdzany
health-unsigned = podpis centrali nie jest sprawdzany
health-clock = Zegar
health-disk = Dysk
health-disk-free = wolne { $v }
health-config = Konfiguracja
health-config-defaults = domyślna
health-config-refused = nie przyjęto: { $v }
health-version = Wersja
health-started = działa od { $v }
health-queues = Kolejki
health-queue = Kolejka
health-queue-length = Liczba
health-queue-oldest = Najstarsze
queue-p0 = Zamówienia do centrali
queue-p1 = Wiadomości do centrali
queue-texts = SMS-y do wysłania
queue-dead-letters = Niezrozumiałe z centrali

## Logowanie i pierwsze uruchomienie
login-title = Logowanie
login-who = Kto?
login-pin = PIN
login-pad = Klawiatura PIN
login-erase = Usuń cyfrę
login-button = Zaloguj
login-hint = Strzałkami wybierz osobę, wpisz PIN, naciśnij Enter.
login-wrong-pin =
    { $n ->
        [0] Zły PIN.
        [one] Zły PIN. Została { $n } próba.
        [few] Zły PIN. Zostały { $n } próby.
       *[other] Zły PIN. Zostało { $n } prób.
    }
login-locked = Za dużo złych prób. Spróbuj za
login-stale = Strona była otwarta zbyt długo. Zaloguj się jeszcze raz.
login-ended = Sesja wygasła. Zaloguj się ponownie.
setup-title = Pierwsze uruchomienie
setup-words = Tak powstaje pierwsza osoba: kierownik. Kolejne dodaje kierownik.
setup-code = Kod jednorazowy
setup-code-where = stoi w dzienniku urządzenia przy starcie
setup-name = Imię i nazwisko
setup-id = Identyfikator
setup-id-words = małe litery bez ogonków, cyfry, łącznik; na przykład anna
setup-pin = PIN (4–8 cyfr)
setup-pin2 = PIN jeszcze raz
setup-button = Utwórz kierownika
setup-wrong-code = To nie jest kod z dziennika.
setup-locked = Za dużo złych prób. Spróbuj za
setup-bad-id = Identyfikator: 1–32 znaki z a–z, 0–9 i łącznika.
setup-bad-name = Podaj imię i nazwisko, najwyżej 80 znaków.
setup-bad-pin = PIN ma mieć od 4 do 8 cyfr.
setup-pins-differ = PIN-y się różnią.

## Calls
missed-calls =
    { $n ->
        [one] { $n } nieodebrane
        [few] { $n } nieodebrane
        [many] { $n } nieodebranych
       *[other] { $n } nieodebranych
    }
calls-title = Połączenia
calls-live = Teraz
calls-live-none = Nikt nie rozmawia
calls-missed = Nieodebrane
calls-missed-none = Nic nie czeka
calls-phones = Telefony i linie
calls-phones-none = Nie ma telefonów w konfiguracji
calls-log = Historia
calls-log-none = Nie było jeszcze połączeń
calls-older = Starsze
key-calls = Połączenia
call-withheld = Numer zastrzeżony
call-in = z zewnątrz
call-out = na zewnątrz
call-inside = w sklepie
call-ringing = dzwoni
call-menu = menu
call-calling = dzwonią telefony
call-talking = rozmowa
call-ending = kończy się
call-talked = rozmowa
call-served = obsłużone przez menu
call-missed = nieodebrane
call-failed = nieudane
call-began = przyszło
call-answered = odebrane
call-prompt = zapowiedź
call-key = klawisz
call-found = znalezione zamówienia
call-code = kod
call-rang = dzwoni
call-not-rung = nie dało się zadzwonić
call-picked-up = odebrał
call-bridged = połączone
call-held = zawieszone
call-resumed = wznowione
call-silent = brak dźwięku
call-heard = dźwięk wrócił
call-gone = rozłączony
call-sound = dźwięk
call-ended = koniec
call-rang-for = dzwoniło { $v }
call-answered-by = odebrał { $v }
call-talked-for = rozmowa { $v }
call-timeline = Przebieg
call-after = Po
call-what = Co
call-leg = Kto
call-detail = Szczegóły
phone-away = niezarejestrowany
phone-registered = zarejestrowany
outline-trunk = Łącze SIP
outline-sim = SIM
outline-ready = gotowe
outline-starting = uruchamia się
outline-refused = odrzucone
outline-unreachable = nieosiągalne
outline-texts-only = tylko SMS
leg-caller = dzwoniący
leg-outside = numer zewnętrzny
leg-emergency = alarmowy
flag-missed-call = nieodebrane połączenie { $v }
thread-call = Połączenie
recordings-title = Nagrania
recordings-words = Własne pliki WAV zamiast zapowiedzi z syntezatora.
recordings-remove = Usuń
recordings-name = Zapowiedź
recordings-file = Plik WAV
recordings-keep = Zapisz
prints-to-check =
    { $n ->
        [one] { $n } wydruk do sprawdzenia
        [few] { $n } wydruki do sprawdzenia
       *[other] { $n } wydruków do sprawdzenia
    }
printers-held =
    { $n ->
        [one] { $n } drukarka czeka
        [few] { $n } drukarki czekają
       *[other] { $n } drukarek czeka
    }
key-devices = Urządzenia
devices-title = Kasy i drukarki
devices-tills = Kasy
devices-none = Żadna kasa nie jest jeszcze połączona z tym sklepem
devices-off = Kasy są wyłączone w konfiguracji bramki albo ich port jest zajęty
devices-papers = Wydruki sklepu
devices-jobs = Kolejka wydruków
devices-jobs-none = Jeszcze nic nie wydrukowano
print-asked = Czy się wydrukowało?
print-came-out = Tak, jest
print-lost-again = Nie ma: drukuj jeszcze raz
print-again = Drukuj ponownie
print-again-of = kopia
print-cancel = Anuluj
print-label = Drukuj
print-at = Drukuj: { $v }
print-bag-label = Etykieta torby
print-shelf-label = Etykieta półki
print-pick-slip = Lista kompletacji
print-collection-slip = Potwierdzenie odbioru
print-door-qr = Plakat na drzwi
print-test = Strona testowa
print-drawer = Szuflada
preview-alt = Wydruk tak, jak wyjdzie z drukarki
preview-no-till = Żadna kasa tego sklepu nie ma drukarki. Wydrukuj PDF na drukarce biurowej.
till-online = połączona
till-away = niepołączona
till-seen = ostatnio { $v }
till-printer = Drukarka
till-scanner = Skaner
till-screen-this = skany otwierają się tutaj
till-screen-other = skany otwierają się na innym ekranie
till-screen-none = skany nie otwierają się nigdzie
till-unseen =
    { $n ->
        [one] { $n } skan bez ekranu
        [few] { $n } skany bez ekranu
       *[other] { $n } skanów bez ekranu
    }
till-use-here = Używaj z tym ekranem
till-not-here = Nie z tym ekranem
till-test = Strona testowa: { $v }
till-drawer = Otwórz szufladę
till-remove = Usuń
till-remove-sure = Usunąć kasę { $v }? Trzeba ją będzie połączyć na nowo kodem.
till-add = Dodaj kasę
till-add-hint = Kod łączy jedną kasę i jest ważny kilka minut.
till-add-words = Przy kasie, z adresem tej bramki { $v } w konfiguracji:
till-code = Pokaż kod
till-code-until = ważny do { $v }
printer-columns =
    { $n ->
        [one] { $n } znak
        [few] { $n } znaki
       *[other] { $n } znaków
    }
printer-paper-low = mało papieru
scanner-scans =
    { $n ->
        [one] { $n } skan
        [few] { $n } skany
       *[other] { $n } skanów
    }
scanner-dropped =
    { $n ->
        [one] { $n } nieczytelny
        [few] { $n } nieczytelne
       *[other] { $n } nieczytelnych
    }
job-waiting = czeka na kasę
job-taken = w kasie
job-held = czeka
job-begun = drukuje się
job-printed = wydrukowano
job-sent = wysłano do drukarki
job-unknown = nie wiadomo, czy wyszło
job-came-out = wyszło
job-lost = nie wyszło
job-expired = za późno
job-cancelling = anulowanie
job-cancelled = anulowano
job-refused = nie da się wydrukować
held-ready = gotowe
held-port = brak połączenia
held-silent = drukarka nie odpowiada
held-offline = offline
held-cover-open = otwarta pokrywa
held-paper-out = brak papieru
held-error = błąd
held-restart = kasa uruchomiła się ponownie
held-too-long = za długi postój w połowie
held-no-printer = nie ma takiej drukarki
held-document = drukarka tego nie wydrukuje
held-full = za dużo czeka
held-removed = kasa została usunięta
problem-no-till = Z tym ekranem nie jest połączona żadna kasa z drukarką.
problem-prints-full = Przy tej kasie czeka za dużo wydruków.
problem-till-away = Kasa nie jest połączona.
problem-no-paper = Dla tego zamówienia nie ma jeszcze czego drukować.
problem-no-phone = Numer telefonu sklepu nie jest skonfigurowany.
problem-print-done = Ten wydruk już się skończył albo właśnie trwa.
problem-print-next = Zajrzyj na stronę „Urządzenia”.
