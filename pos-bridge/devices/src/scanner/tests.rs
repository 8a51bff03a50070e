use super::*;

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn reads(config: Config, octets: &[u8]) -> Vec<Read> {
    Scanner::new(config).push(octets, at(0))
}

fn scan(text: &str) -> Read {
    Read::Scan { text: text.into(), symbology: None }
}

fn of(symbology: Symbology, text: &str) -> Read {
    Read::Scan { text: text.into(), symbology: Some(symbology) }
}

fn dropped(octets: usize, why: Why) -> Read {
    Read::Dropped { octets, why }
}

#[test]
fn any_line_end_ends_a_read_and_empty_ones_are_none() {
    let wanted = ["SB4", "SB5", "SB6", "SB7"].map(scan);
    assert_eq!(reads(Config::default(), b"SB4\rSB5\nSB6\r\n\r\nSB7\t"), wanted);
}

#[test]
fn a_read_may_come_in_any_split() {
    let mut scanner = Scanner::new(Config::default());
    assert_eq!(scanner.push(b"B2026/11/", at(0)), []);
    assert_eq!(scanner.push(b"00123-1\r", at(200)), [scan("B2026/11/00123-1")]);
    assert_eq!(scanner.push(b"\n", at(201)), []);
    assert_eq!(scanner.next_timeout(), None);
}

#[test]
fn prefix_and_suffix_are_cut_off() {
    let config = || Config { prefix: vec![2], suffix: Suffix::Octets(vec![3]), ..Config::default() };
    assert_eq!(reads(config(), b"\x02SB4\x03\x02SB5\x03"), [scan("SB4"), scan("SB5")]);
    assert_eq!(reads(config(), b"SB4\x03\x02SB5\x03"), [dropped(3, Why::Prefix), scan("SB5")]);
    assert_eq!(reads(config(), b"\x02\x03"), [], "a frame around nothing");
    let two = Config { suffix: Suffix::Octets(b"##".to_vec()), ..Config::default() };
    assert_eq!(reads(two, b"a#b##c###"), [scan("a#b"), scan("c"),][..], "the third sign begins the next read");
}

#[test]
fn silence_ends_a_read_only_where_no_suffix_is_set() {
    let mut scanner = Scanner::new(Config { suffix: Suffix::None, ..Config::default() });
    assert_eq!(scanner.push(b"SB", at(0)), []);
    assert_eq!(scanner.push(b"4", at(70)), []);
    assert_eq!((scanner.handle_timeout(at(149)), scanner.next_timeout()), (vec![], Some(at(150))));
    assert_eq!(scanner.handle_timeout(at(150)), [scan("SB4")]);
    assert_eq!(scanner.push(b"SB5", at(200)), []);
    assert_eq!(scanner.push(b"SB6", at(300)), [scan("SB5")], "the silence before it counts");
}

#[test]
fn half_a_read_is_told_and_dropped() {
    let mut scanner = Scanner::new(Config::default());
    scanner.push(b"59012341", at(1_000));
    assert_eq!((scanner.handle_timeout(at(1_299)), scanner.next_timeout()), (vec![], Some(at(1_300))));
    assert_eq!(scanner.handle_timeout(at(1_300)), [dropped(8, Why::Half)]);
    scanner.push(b"5901", at(2_000));
    assert_eq!(scanner.push(b"SB4\r", at(2_400)), [dropped(4, Why::Half), scan("SB4")]);
}

#[test]
fn a_read_beyond_the_limit_is_dropped_with_its_length() {
    let config = || Config { longest: 4, ..Config::default() };
    assert_eq!(
        reads(config(), b"abcd\rabcde\rabcdefghi\rab\r"),
        [scan("abcd"), dropped(5, Why::TooLong), dropped(9, Why::TooLong), scan("ab")]
    );
    let framed = Config { prefix: vec![2], suffix: Suffix::Octets(b"\x03\x04".to_vec()), ..config() };
    let octets = b"\x02abcd\x03\x04\x02abcdefgh\x03\x04\x02ab\x03\x04";
    assert_eq!(reads(framed, octets), [scan("abcd"), dropped(8, Why::TooLong), scan("ab")]);
    let mut endless = Scanner::new(config());
    endless.push(&[b'x'; 100_000], at(0));
    assert_eq!(endless.handle_timeout(at(300)), [dropped(100_000, Why::TooLong)]);
}

#[test]
fn control_characters_and_foreign_octets_spoil_a_read() {
    assert_eq!(reads(Config::default(), b"a\x00b\r"), [dropped(3, Why::Control)]);
    assert_eq!(reads(Config::default(), b"\x1B[A\r"), [dropped(3, Why::Control)]);
    assert_eq!(reads(Config::default(), "zażółć\r".as_bytes()), [scan("zażółć")]);
    assert_eq!(reads(Config::default(), b"caf\xE9\r"), [dropped(4, Why::Encoding)]);
    let latin = || Config { charset: Charset::Utf8OrLatin1, ..Config::default() };
    assert_eq!(reads(latin(), b"caf\xE9\r"), [scan("café")]);
    assert_eq!(reads(latin(), b"\x85\r"), [dropped(1, Why::Control)], "C1 controls of ISO 8859-1");
}

#[test]
fn identifiers_say_what_was_read() {
    // ISO/IEC 15424, Annex C; 5901234123457 and 96385074 are the examples of GS1 and of its EAN-8.
    let octets = b"]C0SB4\r]C10101234567890128\r]E05901234123457\r]E496385074\r]Q3O1:PL\r]d2x\r]A0A-1\r]L0x\r]E112\r";
    let wanted = [
        of(Symbology::Code128, "SB4"),
        of(Symbology::Gs1Code128, "0101234567890128"),
        of(Symbology::Ean13, "5901234123457"),
        of(Symbology::Ean8, "96385074"),
        of(Symbology::Qr, "O1:PL"),
        of(Symbology::DataMatrix, "x"),
        of(Symbology::Code39, "A-1"),
        of(Symbology::Pdf417, "x"),
        of(Symbology::EanAddOn, "12"),
    ];
    assert_eq!(reads(Config::default(), octets), wanted);
}

#[test]
fn identifiers_are_cut_off_as_set() {
    let with = |aim| reads(Config { aim, ..Config::default() }, b"]C0a\r]Y0b\r]\xC5\xBCc\r");
    assert_eq!(with(Aim::Off), [scan("]C0a"), scan("]Y0b"), scan("]żc")]);
    assert_eq!(with(Aim::Auto), [of(Symbology::Code128, "a"), scan("]Y0b"), scan("]żc")]);
    assert_eq!(with(Aim::On), [of(Symbology::Code128, "a"), of(Symbology::Other('Y'), "b"), scan("]żc")]);
    assert_eq!(reads(Config::default(), b"]C0\r"), [dropped(3, Why::Half)]);
}

#[test]
fn an_ean_is_proved_by_its_check_digit() {
    assert_eq!(reads(Config::default(), b"5901234123457\r"), [scan("5901234123457")]);
    assert_eq!(reads(Config::default(), b"5901234123458\r"), [dropped(13, Why::CheckDigit)]);
    assert_eq!(reads(Config::default(), b"]E05901234123475\r"), [dropped(16, Why::CheckDigit)]);
    assert_eq!(reads(Config::default(), b"]E0590123412345\r"), [dropped(15, Why::CheckDigit)]);
    assert_eq!(reads(Config::default(), b"]E496385075\r"), [dropped(11, Why::CheckDigit)]);
    // UPC-A 036000291452, the example of the GS1 US prefix.
    assert_eq!(reads(Config::default(), b"]E0036000291452\r"), [of(Symbology::Ean13, "036000291452")]);
    assert_eq!(reads(Config::default(), b"]E3590123412345712\r"), [of(Symbology::Ean13WithAddOn, "590123412345712")]);
    // A Code 128 of 13 digits is no EAN, and neither are 12 digits that nobody calls one.
    assert_eq!(reads(Config::default(), b"]C05901234123458\r"), [of(Symbology::Code128, "5901234123458")]);
    assert_eq!(reads(Config::default(), b"590123412345\r"), [scan("590123412345")]);
}

#[test]
fn the_same_code_twice_is_one_read_while_it_stays_in_front_of_the_scanner() {
    let mut scanner = Scanner::new(Config { repeat: Duration::from_millis(500), ..Config::default() });
    assert_eq!(scanner.push(b"SB4\r", at(1_000)), [scan("SB4")]);
    assert_eq!(scanner.push(b"SB4\r", at(1_400)), []);
    assert_eq!(scanner.push(b"SB4\r", at(1_800)), [], "400 ms after the last");
    assert_eq!(scanner.push(b"SB5\rSB4\r", at(1_900)), [scan("SB5"), scan("SB4")]);
    assert_eq!(scanner.push(b"SB4\r", at(2_400)), [scan("SB4")], "500 ms after the last");
    let mut each = Scanner::new(Config::default());
    assert_eq!(each.push(b"SB4\rSB4\r", at(0)), [scan("SB4"), scan("SB4")]);
}

proptest::proptest! {
    #[test]
    fn any_octets_in_any_split_give_the_same_reads(
        octets in proptest::collection::vec(proptest::prop_oneof![
            proptest::num::u8::ANY,
            proptest::sample::select(b"\r\n\t\x02\x03##]E0C1590".to_vec()),
        ], 0..80),
        cuts in proptest::collection::vec(0_usize..80, 0..4),
        suffix in proptest::sample::select(vec![
            Suffix::LineEnd,
            Suffix::Octets(vec![3]),
            Suffix::Octets(b"##".to_vec()),
            Suffix::None,
        ]),
        prefix in proptest::sample::select(vec![vec![], vec![2]]),
        longest in proptest::sample::select(vec![1_usize, 5, 256]),
    ) {
        let config = Config { prefix, suffix, longest, ..Config::default() };
        let room = config.prefix.len() + longest + MOST_FRAME;
        let (mut whole, mut split) = (Scanner::new(config.clone()), Scanner::new(config));
        let mut wanted = whole.push(&octets, at(0));
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(octets.len())).chain([0, octets.len()]).collect();
        cuts.sort_unstable();
        let mut got = Vec::new();
        for pair in cuts.windows(2) {
            got.extend(split.push(&octets[pair[0]..pair[1]], at(0)));
            proptest::prop_assert!(split.buffer.len() <= room);
        }
        wanted.extend(whole.handle_timeout(at(10_000)));
        got.extend(split.handle_timeout(at(10_000)));
        proptest::prop_assert_eq!(got, wanted);
        proptest::prop_assert_eq!(split.next_timeout(), None);
    }

    #[test]
    fn every_clean_code_is_read(codes in proptest::collection::vec("[A-Z][A-Z0-9/-]{0,30}", 1..8)) {
        let octets: String = codes.iter().map(|code| format!("{code}\r\n")).collect();
        let wanted: Vec<Read> = codes.iter().map(|code| scan(code)).collect();
        proptest::prop_assert_eq!(reads(Config::default(), octets.as_bytes()), wanted);
    }
}
