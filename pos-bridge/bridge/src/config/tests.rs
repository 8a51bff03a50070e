use super::*;

const GOOD: &str = r#"
    [till]
    name = "Kasa 1"
    [gateway]
    address = "192.168.1.10:7311"
    [storage]
    path = "/var/lib/pos-bridge"
    [[scanner]]
    name = "reczny"
    port = "/dev/ttyACM0"
    [[printer]]
    name = "paragony"
    port = "/dev/ttyUSB0"
    profile = "epson-tm-t20"
    duties = ["slips"]
    drawer = true
    [[printer]]
    name = "etykiety"
    tcp = "192.168.1.20:9100"
    profile = "generic-58"
    width = 58
    duties = ["labels"]
"#;

fn load(text: &str) -> Result<Config, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bridge.toml");
    std::fs::write(&path, text).unwrap();
    Config::load(&path).map_err(|e| e.to_string())
}

#[test]
fn a_short_file_is_enough_and_has_the_documented_defaults() {
    let config = load(GOOD).unwrap();
    let gateway = &config.gateway;
    let waits = [gateway.keepalive, gateway.silence, gateway.retry_min, gateway.retry_max];
    assert_eq!(waits.map(|wait| wait.as_millis()), [10_000, 30_000, 500, 15_000]);
    assert_eq!(config.scanners[0].baud, 9_600);
    let [slips, labels] = &*config.printers else { panic!("two printers") };
    assert_eq!(slips.place, Place::Device { path: "/dev/ttyUSB0".into(), baud: 19_200 });
    assert_eq!((slips.profile.paper_width().columns, slips.drawer), (48, true));
    assert_eq!(labels.place, Place::Tcp("192.168.1.20:9100".into()));
    assert_eq!((labels.profile.paper_width().columns, labels.drawer), (32, false));
    assert_eq!(labels.duties, [Duty::Labels]);
    let timing = slips.timing;
    let waits = [timing.status, timing.answer, timing.finish, timing.retry_min, timing.retry_max];
    assert_eq!(waits.map(|wait| wait.as_millis()), [2_000, 10_000, 600_000, 1_000, 30_000]);
}

#[test]
fn what_a_printer_overrides_is_in_its_profile() {
    let more = "profile = \"epson-tm-t20\"\nwidth = 58\n[printer.overrides]\ncutter = \"none\"";
    let text = GOOD.replace("drawer = true", "").replace("duties = [\"slips\"]", "");
    let text = text.replace("profile = \"epson-tm-t20\"", &format!("duties = [\"slips\"]\n{more}"));
    let profile = &load(&text).unwrap().printers[0].profile;
    assert_eq!(profile.paper_width().columns, 32);
    assert_eq!(profile.cutter, till_devices::escpos::profile::Cutter::None);
}

#[test]
fn every_mistake_is_named_with_its_key() {
    let epson = "profile = \"epson-tm-t20\"";
    let with = |line: &str| format!("{epson}\n{line}");
    let cases = [
        ("name = \"Kasa 1\"", "name = \" Kasa\"".to_owned(), "till.name"),
        ("name = \"Kasa 1\"", "name = \"Kasa 1\"\ncolour = 1".to_owned(), "till.colour"),
        ("192.168.1.10:7311", "192.168.1.10".to_owned(), "gateway.address"),
        ("[storage]", "silence_ms = 5_000\n[storage]".to_owned(), "gateway.silence_ms"),
        ("[storage]", "retry_max_ms = 100\n[storage]".to_owned(), "gateway.retry_max_ms"),
        ("/dev/ttyACM0\"", "/dev/ttyACM0\"\nbaud = 9".to_owned(), "scanner[0].baud"),
        ("/dev/ttyACM0\"", "/dev/ttyACM0\"\nsufix = \"cr\"".to_owned(), "scanner[0].sufix"),
        ("/dev/ttyACM0\"", "/dev/ttyACM0\"\nsuffix = \"\"".to_owned(), "scanner[0].suffix"),
        ("/dev/ttyACM0", "/dev/ttyUSB0".to_owned(), "printer[0]"),
        ("port = \"/dev/ttyUSB0\"", String::new(), "printer[0]"),
        ("port = \"/dev/ttyUSB0\"", "port = \"/dev/ttyUSB0\"\ntcp = \"a:1\"".to_owned(), "printer[0]"),
        ("192.168.1.20:9100\"", "192.168.1.20:9100\"\nbaud = 9600".to_owned(), "printer[1].baud"),
        (epson, "profile = \"epson\"".to_owned(), "printer[0].profile"),
        (epson, with("width = 76"), "printer[0].width"),
        (epson, with("overrides = { speed = 1 }"), "printer[0].overrides: speed"),
        (epson, with("overrides = { image_band = 1 }"), "printer[0].overrides: image_band"),
        (epson, with("status_ms = 1"), "printer[0].status_ms"),
        ("duties = [\"slips\"]", "duties = []".to_owned(), "printer[0].duties"),
        ("duties = [\"slips\"]", "duties = [\"coffee\"]".to_owned(), "printer[0].duties"),
        ("name = \"etykiety\"", "name = \"paragony\"".to_owned(), "printer[1].name"),
        (
            "duties = [\"labels\"]",
            "drawer = true\nduties = [\"labels\"]\noverrides = { drawer_pin = 7 }".to_owned(),
            "printer[1].overrides",
        ),
    ];
    for (good, bad, key) in cases {
        assert!(GOOD.contains(good), "{good}");
        let said = load(&GOOD.replacen(good, &bad, 1)).unwrap_err();
        assert!(said.contains(key), "{bad}: {said}");
    }
}
