# Екрани прилавка українською. Коротко, як говорять у магазині. `$n` – число, `$v` – значення.

## Сторінка
page-title = Прилавок
skip-to-order = Перейти до замовлення
scan-label = Скануйте або введіть: код отримання, номер замовлення, прізвище, три останні цифри телефону
scan-placeholder = Скан, код, номер, прізвище
log-out = Вийти
log-out-as = Вийти: { $v }
live-lost = Немає звʼязку з пристроєм – зʼєдную знову
sound-off = Звук вимкнено
close = Закрити
tabs-label = Частини екрана
tab-card = Картка
tab-board = Черга
tab-side = Розмова
tab-keys = Клавіші
settings-title = Мова й вигляд
settings-language = Мова
settings-theme = Вигляд
settings-save = Зберегти
theme-auto = Як у пристрої
theme-light = Світлий
theme-dark = Темний
unit-hour = год
unit-minute = хв
unit-day = д
unit-pieces = шт.
day-mon = пн
day-tue = вт
day-wed = ср
day-thu = чт
day-fri = пт
day-sat = сб
day-sun = нд
day-tomorrow = завтра
day-tomorrow-until = завтра
day-yesterday = учора
waits = чекає
until = до { $v }
since = з { $v }
promised-for = обіцяно { $v }

## Звʼязок
link-online = Є звʼязок із центром
link-catching-up = Надолужує · { $n } до надсилання
link-offline-since = Офлайн з { $v }
link-works = працює як звичайно
link-to-send = { $n } до надсилання
link-recovering = Відновлюю дані з центру · працює як звичайно
link-superseded = Інший пристрій замінив цей – лише перегляд
needs-person =
    { $n ->
        [one] { $n } SMS чекає на вас
        [few] { $n } SMS чекають на вас
       *[other] { $n } SMS чекає на вас
    }

## Черга
board-label = Черга замовлень
board-here = Біля прилавка
board-here-none = Ніхто не чекає
board-pick = Зібрати
board-pick-none = Усе зібрано
board-ready = Чекає на отримання
board-ready-none = Полиці порожні
board-done = Завершено сьогодні
board-done-none = Сьогодні ще нічого
board-more = і ще { $n }
holds-paused = Годинник ненадійний: терміни не спливають
row-attended = обслуговує { $v }
row-fetch = прийшли забрати
row-not-ready = ще не готове: збирайте

## Стани
goods-received = нове
goods-inbound = їде з іншого магазину
goods-picking = збирається
goods-short = бракує товару
goods-staged = спаковано
goods-ready = готове
goods-handing-over = видається
goods-partial = видано частково
goods-handed-over = видано
goods-refused = відмова на місці
goods-cancelled = скасовано
goods-expired = термін минув
goods-put-back = повернуто в продаж
goods-released = передано іншому магазину
money-none-due = Нічого сплачувати
money-due = До сплати
money-authorised = Кошти заблоковано, ще не списано
money-paid-online = Сплачено
money-paid-store = Сплачено в магазині
money-refund-due = До повернення
money-refunded = Повернуто
money-override = Дозвіл керівника: { $v }
message-queued = у черзі
message-held = затримано
message-submitting = надсилаю
message-sent = надіслано
message-delivered = доставлено
message-failed = не дійшло
message-expired = прострочено
message-superseded = замінено
message-unknown = невідомо
purpose-ready = SMS про отримання
purpose-reminder = Нагадування
purpose-answer = Автовідповідь
purpose-staff = SMS від нас
purpose-ended = SMS про завершення
purpose-other = SMS
cause-recipient = номер не приймає SMS
cause-message = мережа відхилила текст
cause-subscription = SIM-карта не може надсилати
cause-network = мережа тричі не спрацювала
cause-no-answer = модем не відповів після надсилання
cause-restart = пристрій зупинився під час надсилання
cause-restored = дані відновлено з копії
cause-expired = немає підтвердження вчасно
cause-other = причина невідома
arrival-sms = SMS JESTEM
arrival-call = дзвінок
arrival-qr = код біля дверей
arrival-unit = кнопка в магазині
arrival-staff = помічено біля прилавка
role-clerk = продавець
role-senior = старший продавець
role-manager = керівник
clock-unset = не встановлено
clock-saved = останній збережений час
clock-rtc = годинник на батарейці
clock-gsm = час мобільної мережі
clock-ntp = час з інтернету
clock-hq = час центру
modem-ready = Модем працює
modem-starting = Модем запускається
modem-no-network = Модем без мережі
modem-no-sim = Немає SIM-карти
modem-pin-blocked = SIM-карта чекає на PIN
modem-paused = SIM-карту призупинила мережа
modem-recovering = Модем відновлюється
modem-missing = Модем не знайдено

## Замовлення
order-n = Замовлення { $v }
phone-tail = тел. …{ $v }
shelf = Полиця
bag = Пакет
bag-n = пакет { $v }
code-ok = код збігається
bag-ok = пакет { $v } той самий
wrong-bag-title = Це пакет замовлення { $v }
wrong-bag-next = Поверніть його й скануйте пакет замовлення { $v }
frozen-title = Зупинено центром: { $v }. Не видавайте.
card-body-label = Подробиці замовлення
lines-label = Товари
line-ticked = перевірено { $n } шт.
line-short = немає
line-refused = відмова
line-put-back = повернуто в продаж
presence-on-way = у дорозі
presence-left = клієнт пішов
flag-age = перевірте вік: { $n }+
flag-replied = відповідь: { $v }
flag-hold = отримати до { $v }
flag-no-phone = немає телефону
flag-cancel-asked = центр просить скасувати
flag-case-open = відкрита справа про повернення
why-title = Чому так
why-cancel-after-hand-over = Центр скасував, але тут уже видано. Видача лишається; відкрито справу про повернення.
why-cancel-after-part = Центр скасував, коли частину вже видали. Решту поверніть у продаж; щодо виданого відкрито справу.
why-cancel-put-back = Центр скасував. Поверніть товар у продаж.
why-amend-applied = Центр змінив замовлення до збирання. Діють нові товари.
why-amend-rejected = Центр змінив замовлення після збирання. Зміну відхилено; лишаються старі товари.
why-move-waits = Центр переносить замовлення до іншого магазину. Воно чекає на передачу.
why-move-after-hand-over = Центр переніс замовлення, але тут його вже видали. Видача лишається.
why-paid-after-expiry = Сплачено після терміну. Термін лишається минулим; гроші до повернення.
why-payment-after-hand-over = Оплата змінилася після видачі. Збережено обидва факти.
why-extended-after-expiry = Центр продовжив термін після його кінця. Замовлення знову відкрите.
why-restored = Дані відновлено з копії. Скануйте пакет перед видачею.
why-frozen = Центр зупинив замовлення з цим товаром.
why-override = Видано з дозволу керівника.
why-cancelled-by-staff = Скасовано тут, у магазині.
why-extension-too-late = Центр продовжив термін, але товар уже видано або повернено в продаж.
why-handed-over-twice = Видано двічі. Лишаються обидві видачі; скажіть керівникові.
why-handed-over-after-end = Видано після завершення замовлення. Видача лишається; скажіть керівникові.
history-title = Історія
history-placed = надійшло з центру
history-accepted = прийнято
history-pick-started = почато збирання
history-short = бракує товару
history-bag-staged = пакет на полиці
history-ready = готове до отримання
history-arrived = клієнт на місці
history-attended = клієнта обслуговують
history-left = клієнт пішов
history-code-failed = хибний код
history-code-locked = код тимчасово заблоковано
history-handed-over = видано
history-undone = видачу скасовано
history-refused = відмова на місці
history-extended = термін продовжено
history-expired = термін минув
history-put-back = повернуто в продаж
history-paid-in-store = сплачено в магазині
history-cancelled = скасовано
history-cancel-requested = центр просить скасувати
history-cancel-rejected = скасування запізнилося
history-amended = центр змінив замовлення
history-amendment-rejected = зміну відхилено
history-payment-changed = оплата змінилася
history-moved = перенесено до іншого магазину
history-released = передано іншому магазину
history-frozen = зупинено центром
history-unfrozen = зупинку знято
by-itself = автомат

## Велика кнопка й клавіші
primary-hand-over = Видати
primary-need-code = Скануйте або введіть код клієнта
primary-need-bag = Скануйте пакет
primary-wrong-bag = Не той пакет – не видавайте
primary-need-money = Спершу оплата
primary-stage = Покласти на полицю
primary-locked = Код заблоковано ще
primary-next = Наступний клієнт
keys-label = Клавіші
action-stage = На полицю
action-refuse = Відмова
action-attend = Обслуговую
action-extend = Продовжити
action-message = Написати
action-arrive = Клієнт тут
action-undo = Скасувати
key-messages = SMS
key-health = Стан
key-language = Мова
key-back = Назад
refuse-title = Відмова від замовлення { $v }
refuse-refund = Повернути клієнтові: { $v }
refuse-release = Блокування коштів буде знято.
refuse-no-refund = Немає коштів до повернення.
refuse-reason = Причина
refuse-changed-mind = Клієнт передумав
refuse-damaged = Пошкоджено
refuse-wrong-item = Не те, що замовляли
refuse-does-not-fit = Не підходить
refuse-price = Ціна
refuse-note = Примітка (без даних клієнта)
refuse-button = Прийняти відмову
override-open = Видати попри це…
override-title = Видача з дозволу керівника
override-words = Причину буде збережено при замовленні й надіслано до центру.
override-reason = Причина
override-button = Видати попри це

## Розмова й SMS
side-label = Розмова й повідомлення
thread-title = Розмова
thread-none = Ще нічого не написано
thread-no-number = Клієнт не залишив номера телефону
thread-staff = ми
thread-automatic = автомат
reply-label = Відповідь клієнтові
reply-placeholder = Написати клієнтові
reply-fold = без діакритики
reply-parts = SMS
reply-send = Надіслати
texts-title = Чекають на відповідь
texts-none = Жодне повідомлення не чекає
text-unknown-number = невідомий номер
text-open = Відкрити { $v }
text-done = Зроблено
messages-title = SMS
messages-modem-next = Повідомлення чекають і підуть, коли модем повернеться.
messages-unknown = Невідомо
messages-unknown-words = Невідомо, чи вони пішли. Запитайте клієнта або вирішіть – самі вдруге не підуть.
messages-unknown-none = Немає невідомих
messages-failed = Не дійшли
messages-failed-none = Усі дійшли
messages-queue = У дорозі
messages-queue-none = Черга порожня
settle-sent = Дійшло
settle-not-sent = Не дійшло
parts =
    { $n ->
        [one] { $n } частина
        [few] { $n } частини
       *[other] { $n } частин
    }

## Середина без замовлення
empty-title = Скануйте код клієнта
hint-scan = Скан
hint-scan-does = QR-код клієнта, етикетка пакета або товар
hint-code = Шість цифр
hint-code-does = код отримання, названий уголос
hint-search = Номер, прізвище, три цифри
hint-search-does = пошук без коду
hint-arrows = Стрілки
hint-arrows-does = вибір із черги
search-title = Пошук: { $v }
search-none = Нічого не знайдено
search-none-next = Перевірте номер замовлення, спробуйте прізвище або три останні цифри телефону.
search-cut = Є ще результати. Введіть точніше.

## На полицю
stage-title = Покласти на полицю { $v }
stage-bag = Скануйте етикетку пакета
stage-bag-label = очікується { $v }
stage-bags-scanned = скановано: { $v }
stage-shelf = Скануйте полицю
stage-shelf-label = або ще один пакет; після полиці зберігається саме
stage-expect-bag = Тепер: пакет
stage-expect-shelf = Тепер: полиця
stage-by-hand = Без сканера
stage-button = Зберегти

## Відмови
problem-look-again = Оновити
problem-wrong-code = Код не збігається
problem-wrong-code-next =
    { $n ->
        [0] Попросіть у клієнта SMS із кодом.
        [one] Попросіть у клієнта SMS із кодом. Лишилася { $n } спроба.
        [few] Попросіть у клієнта SMS із кодом. Лишилося { $n } спроби.
       *[other] Попросіть у клієнта SMS із кодом. Лишилося { $n } спроб.
    }
problem-locked = Забагато хибних кодів
problem-locked-next = Наступна спроба за
problem-money-due = До сплати { $v }
problem-money-due-next = Прийміть оплату на касі, потім видайте.
problem-wrong-state = Зараз не можна: замовлення «{ $v }»
problem-wrong-state-next = Погляньте на історію замовлення й виберіть інший крок.
problem-wrong-store = Це замовлення чекає в магазині { $v }
problem-wrong-store-next = Скеруйте клієнта до того магазину.
problem-unknown-order = Тут немає замовлення { $v }
problem-unknown-order-next = Перевірте номер або шукайте за прізвищем.
problem-changed = Хтось тим часом змінив замовлення
problem-changed-next = Нічого не збережено. Оновіть і спробуйте ще раз.
problem-wrong-bag = Це пакет замовлення { $v }
problem-wrong-bag-next = Поверніть його на місце.
problem-wrong-product = Товару { $v } немає в цьому замовленні
problem-wrong-product-next = Відкладіть його й скануйте потрібний.
problem-unexpected = Ця етикетка тут нічого не означає
problem-unexpected-next = Спершу скануйте пакет, потім полицю.
problem-too-late = Скасувати вже запізно
problem-too-late-next = Прийміть звичайне повернення.
problem-not-allowed = Вам цього не можна
problem-not-allowed-next = Попросіть керівника увійти.
problem-bad-input = У формі чогось бракує
problem-bad-input-next = Заповніть поля й надішліть ще раз.
problem-session = Сеанс завершено
problem-session-next = Увійдіть знову; нічого не збережено.
problem-busy = Пристрій зараз не може зберегти
problem-busy-next = Нічого не збережено. Спробуйте за мить.

## Стан пристрою
health-title = Стан пристрою
health-all-well = Усе працює
health-modem = Модем { $v }
health-no-operator = немає оператора
health-bars = сигнал { $n } з 5
health-link = Звʼязок із центром
health-last-heard = востаннє на звʼязку { $v }
health-offline-left =
    { $n ->
        [one] запас на { $n } день офлайн
        [few] запас на { $n } дні офлайн
       *[other] запас на { $n } днів офлайн
    }
health-set-aside =
    { $n ->
        [one] { $n } подію відкладено центром
        [few] { $n } події відкладено центром
       *[other] { $n } подій відкладено центром
    }
health-signed = підпис центру перевіряється
health-unsigned = підпис центру не перевіряється
health-clock = Годинник
health-disk = Диск
health-disk-free = вільно { $v }
health-config = Конфігурація
health-config-defaults = типова
health-config-refused = не прийнято: { $v }
health-version = Версія
health-started = працює з { $v }
health-queues = Черги
health-queue = Черга
health-queue-length = Кількість
health-queue-oldest = Найстаріше
queue-p0 = Замовлення до центру
queue-p1 = Повідомлення до центру
queue-texts = SMS до надсилання
queue-dead-letters = Незрозуміле з центру

## Вхід і перший запуск
login-title = Вхід
login-who = Хто?
login-pin = PIN
login-pad = Клавіатура PIN
login-erase = Стерти цифру
login-button = Увійти
login-hint = Стрілками виберіть особу, введіть PIN, натисніть Enter.
login-wrong-pin =
    { $n ->
        [0] Хибний PIN.
        [one] Хибний PIN. Лишилася { $n } спроба.
        [few] Хибний PIN. Лишилося { $n } спроби.
       *[other] Хибний PIN. Лишилося { $n } спроб.
    }
login-locked = Забагато хибних спроб. Спробуйте за
login-stale = Сторінка була відкрита надто довго. Увійдіть ще раз.
login-ended = Сеанс завершено. Увійдіть знову.
setup-title = Перший запуск
setup-words = Так створюється перша особа: керівник. Інших додає керівник.
setup-code = Одноразовий код
setup-code-where = він стоїть у журналі пристрою при запуску
setup-name = Імʼя та прізвище
setup-id = Ідентифікатор
setup-id-words = малі латинські літери, цифри, дефіс; наприклад anna
setup-pin = PIN (4–8 цифр)
setup-pin2 = PIN ще раз
setup-button = Створити керівника
setup-wrong-code = Це не код із журналу.
setup-locked = Забагато хибних спроб. Спробуйте за
setup-bad-id = Ідентифікатор: 1–32 знаки з a–z, 0–9 і дефіса.
setup-bad-name = Вкажіть імʼя, не більше 80 знаків.
setup-bad-pin = PIN має від 4 до 8 цифр.
setup-pins-differ = PIN-коди різні.

## Calls
missed-calls =
    { $n ->
        [one] { $n } пропущений
        [few] { $n } пропущені
        [many] { $n } пропущених
       *[other] { $n } пропущених
    }
calls-title = Дзвінки
calls-live = Зараз
calls-live-none = Ніхто не розмовляє
calls-missed = Пропущені
calls-missed-none = Нічого не чекає
calls-phones = Телефони та лінії
calls-phones-none = У налаштуваннях немає телефонів
calls-log = Історія
calls-log-none = Дзвінків ще не було
calls-older = Старіші
key-calls = Дзвінки
call-withheld = Номер приховано
call-in = ззовні
call-out = назовні
call-inside = у магазині
call-ringing = дзвонить
call-menu = меню
call-calling = дзвонять телефони
call-talking = розмова
call-ending = завершується
call-talked = розмова
call-served = обслужило меню
call-missed = пропущено
call-failed = не вдалося
call-began = надійшов
call-answered = відповіли
call-prompt = оголошення
call-key = клавіша
call-found = знайдено замовлень
call-code = код
call-rang = дзвонить
call-not-rung = не вдалося подзвонити
call-picked-up = відповів
call-bridged = з’єднано
call-held = на утриманні
call-resumed = знято з утримання
call-silent = немає звуку
call-heard = звук повернувся
call-gone = відключився
call-sound = звук
call-ended = кінець
call-rang-for = дзвонило { $v }
call-answered-by = відповів { $v }
call-talked-for = розмова { $v }
call-timeline = Перебіг
call-after = Через
call-what = Що
call-leg = Хто
call-detail = Подробиці
phone-away = не зареєстрований
phone-registered = зареєстрований
outline-trunk = Лінія SIP
outline-sim = SIM
outline-ready = готова
outline-starting = запускається
outline-refused = відмовлено
outline-unreachable = недосяжна
outline-texts-only = лише SMS
leg-caller = абонент
leg-outside = зовнішній номер
leg-emergency = екстрений
flag-missed-call = пропущений дзвінок { $v }
thread-call = Дзвінок
recordings-title = Записи
recordings-words = Власні файли WAV замість синтезованих оголошень.
recordings-remove = Видалити
recordings-name = Оголошення
recordings-file = Файл WAV
recordings-keep = Зберегти
prints-to-check =
    { $n ->
        [one] { $n } друк перевірити
        [few] { $n } друки перевірити
       *[other] { $n } друків перевірити
    }
printers-held =
    { $n ->
        [one] { $n } принтер чекає
        [few] { $n } принтери чекають
       *[other] { $n } принтерів чекає
    }
key-devices = Пристрої
devices-title = Каси й принтери
devices-tills = Каси
devices-none = До цієї крамниці ще не під'єднано жодної каси
devices-off = Каси вимкнено в налаштуваннях шлюзу або їхній порт зайнято
devices-papers = Друк для крамниці
devices-jobs = Черга друку
devices-jobs-none = Ще нічого не надруковано
print-asked = Чи надрукувалося?
print-came-out = Так, є
print-lost-again = Немає: друкувати ще раз
print-again = Друкувати знову
print-again-of = копія
print-cancel = Скасувати
print-label = Друк
print-at = Друкувати: { $v }
print-bag-label = Етикетка пакета
print-shelf-label = Етикетка полиці
print-pick-slip = Список для збирання
print-collection-slip = Підтвердження видачі
print-door-qr = Плакат на двері
print-test = Тестова сторінка
print-drawer = Шухляда
preview-alt = Папір так, як його буде надруковано
preview-no-till = Жодна каса цієї крамниці не має принтера. Надрукуйте PDF на офісному принтері.
till-online = під'єднана
till-away = не під'єднана
till-seen = востаннє { $v }
till-printer = Принтер
till-scanner = Сканер
till-screen-this = скани відкриваються тут
till-screen-other = скани відкриваються на іншому екрані
till-screen-none = скани ніде не відкриваються
till-unseen =
    { $n ->
        [one] { $n } скан без екрана
        [few] { $n } скани без екрана
       *[other] { $n } сканів без екрана
    }
till-use-here = Використовувати з цим екраном
till-not-here = Не з цим екраном
till-test = Тестова сторінка: { $v }
till-drawer = Відкрити шухляду
till-remove = Вилучити
till-remove-sure = Вилучити касу { $v }? Її доведеться під'єднати знову за кодом.
till-add = Додати касу
till-add-hint = Код під'єднує одну касу й діє кілька хвилин.
till-add-words = На касі, з адресою цього шлюзу { $v } в її налаштуваннях:
till-code = Показати код
till-code-until = діє до { $v }
printer-columns =
    { $n ->
        [one] { $n } знак
        [few] { $n } знаки
       *[other] { $n } знаків
    }
printer-paper-low = мало паперу
scanner-scans =
    { $n ->
        [one] { $n } скан
        [few] { $n } скани
       *[other] { $n } сканів
    }
scanner-dropped =
    { $n ->
        [one] { $n } нечитний
        [few] { $n } нечитні
       *[other] { $n } нечитних
    }
job-waiting = чекає на касу
job-taken = у касі
job-held = чекає
job-begun = друкується
job-printed = надруковано
job-sent = надіслано на принтер
job-unknown = невідомо, чи вийшло
job-came-out = вийшло
job-lost = не вийшло
job-expired = запізно
job-cancelling = скасовується
job-cancelled = скасовано
job-refused = не можна надрукувати
held-ready = готово
held-port = немає з'єднання
held-silent = принтер не відповідає
held-offline = офлайн
held-cover-open = відкрита кришка
held-paper-out = немає паперу
held-error = помилка
held-restart = касу запущено знову
held-too-long = задовгий простій посередині
held-no-printer = такого принтера немає
held-document = принтер цього не надрукує
held-full = забагато чекає
held-removed = касу вилучено
problem-no-till = З цим екраном не пов'язано жодної каси з принтером.
problem-prints-full = На цій касі чекає забагато друків.
problem-till-away = Каса не під'єднана.
problem-no-paper = Для цього замовлення ще нема чого друкувати.
problem-no-phone = Номер телефону крамниці не налаштовано.
problem-print-done = Цей друк уже закінчився або саме триває.
problem-print-next = Дивіться сторінку «Пристрої».
