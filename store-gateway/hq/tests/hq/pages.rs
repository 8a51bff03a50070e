use crate::world::{World, order, wait};

fn cookie(answer: &crate::world::Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
}

fn log_in(world: &World, password: &str) -> crate::world::Answer {
    let body = format!("id=ops&password={}", password.replace(' ', "+"));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    world.ask("POST", "/login", &form, Some(body.as_bytes()))
}

fn csrf(page: &str) -> String {
    let tail = page.split("data-csrf=\"").nth(1).unwrap();
    tail.split('"').next().unwrap().to_owned()
}

#[test]
fn pages_ask_for_a_log_in_and_forms_for_their_token() {
    let world = World::start("");
    let refused = world.get("/orders?q=x");
    assert_eq!((refused.status, refused.header("location")), (303, "/login?next=/orders%3Fq%3Dx"));
    assert_eq!(world.ask("GET", "/stores/live", &[("hx-request", "true")], None).status, 401);
    assert_eq!(world.ask("POST", "/stores", &[], Some(b"id=waw-01")).status, 401);

    let opened = log_in(&world, "long enough");
    assert_eq!((opened.status, opened.header("location")), (303, "/stores"));
    assert!(opened.header("set-cookie").contains("HttpOnly; SameSite=Strict"));
    let session = cookie(&opened);
    let page = world.ask("GET", "/stores", &[("cookie", &session)], None);
    assert_eq!(page.status, 200);
    assert!(page.header("content-security-policy").contains("script-src 'self'"));
    assert!(!page.text.contains("<script>") && !page.text.contains("style=") && !page.text.contains("http"));

    let form = |token: &str| {
        let headers = [("cookie", session.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        world.ask("POST", "/stores", &headers, Some(format!("csrf={token}&id=waw-01&name=Wola").as_bytes())).status
    };
    assert_eq!(form("forged"), 403);
    assert_eq!(form(&csrf(&page.text)), 303);
    assert!(world.ask("GET", "/stores/live", &[("cookie", &session)], None).text.contains("Wola"));

    let token = csrf(&page.text);
    let headers = [("cookie", session.as_str()), ("x-csrf-token", token.as_str())];
    let imported =
        world.ask("POST", "/orders/import", &headers, Some(order("waw-01", "2026/11/1").to_string().as_bytes()));
    assert!(imported.text.contains("\"status\":201") && !imported.text.contains("pickup_code"), "{}", imported.text);
    let path = "/order/waw-01/2026%2F11%2F1";
    let shown = world.ask("GET", path, &[("cookie", &session)], None);
    assert!(shown.text.contains("2026/11/1") && shown.text.contains("A.N.") && !shown.text.contains("Nowak"));
    let cancel = world.ask("POST", &format!("{path}/cancel"), &headers, Some(b"reason=called"));
    assert_eq!(cancel.status, 303);
    assert!(world.ask("GET", path, &[("cookie", &session)], None).text.contains("cancel asked"));

    assert_eq!(world.ask("POST", "/logout", &headers, Some(b"")).status, 303);
    assert_eq!(world.ask("GET", "/stores", &[("cookie", &session)], None).status, 303);
}

#[test]
fn the_fifth_wrong_password_locks_the_name() {
    let world = World::start("");
    let statuses: Vec<u16> = (0..5).map(|_| log_in(&world, "wrong wrong").status).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 429]);
    let locked = log_in(&world, "long enough");
    assert_eq!(locked.status, 429, "the right one is not looked at while it is locked");
    assert!(locked.header("retry-after").parse::<u64>().unwrap() > 30);
    let log = world.logged();
    assert!(!log.contains("wrong wrong") && !log.contains("long enough"));
}

#[test]
fn the_first_user_is_made_with_the_code_from_the_log() {
    let world = World::start_empty("");
    assert_eq!(world.get("/login").header("location"), "/setup");
    let code = wait("the code", || {
        let log = world.logged();
        Some(log.split("code=\"").nth(1)?.split('"').next()?.to_owned())
    });
    let send = |code: &str, second: &str| {
        let body = format!("code={code}&id=anna&name=Anna&password=password1&password2={second}");
        let form = [("content-type", "application/x-www-form-urlencoded")];
        world.ask("POST", "/setup", &form, Some(body.as_bytes()))
    };
    assert_eq!(send("0000000000", "password1").status, 403);
    assert_eq!(send(&code, "password2").status, 422);
    let made = send(&code, "password1");
    assert_eq!(made.status, 303);
    assert_eq!(world.ask("GET", "/stores", &[("cookie", &cookie(&made))], None).status, 200);
    assert_eq!(send(&code, "password1").header("location"), "/login", "the code works once");
}
