//! The printer judged by octets written by hand from the reference, and by `zbarimg` for its codes.

mod paper;
mod state;

use proptest::prelude::*;

use super::*;

const WIDE: Model = Model { dots: 576, process_id: true, status: true };
/// GS V 66 0: feed to the cutter and cut partially.
const CUT: &[u8] = b"\x1dV\x42\x00";

fn printer(model: Model) -> Interpreter {
    Interpreter::new(model).unwrap()
}

/// Prints everything and returns answers and slips.
fn print(printer: &mut Interpreter, octets: &[u8]) -> (Vec<u8>, Vec<Slip>) {
    assert_eq!(printer.handle_octets(octets), octets.len());
    drain(printer)
}

fn drain(printer: &mut Interpreter) -> (Vec<u8>, Vec<Slip>) {
    let (mut answers, mut slips) = (Vec::new(), Vec::new());
    loop {
        let progress = printer.run(u32::MAX);
        while let Some(output) = printer.poll_output() {
            match output {
                Output::Answer(octets) => answers.extend(octets),
                Output::Slip(slip) => slips.push(*slip),
            }
        }
        if progress == Progress::Waiting {
            return (answers, slips);
        }
    }
}

fn slip(octets: &[&[u8]]) -> Slip {
    let (_, mut slips) = print(&mut printer(WIDE), &[&octets.concat(), CUT].concat());
    assert_eq!(slips.len(), 1);
    slips.remove(0)
}

/// The dots of a rectangle as text.
fn dots(slip: &Slip, (left, top): (usize, usize), (width, height): (usize, usize)) -> Vec<String> {
    let dot = |x, y| if slip.paper.dot(x, y) { '#' } else { '.' };
    (top..top + height).map(|y| (left..left + width).map(|x| dot(x, y)).collect()).collect()
}

/// Octets that are likely to begin something.
fn likely() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..20),
        Just(b"\x1dV\x42\x03".to_vec()),
        Just(b"\x1b@text\n".to_vec()),
        (any::<u8>(), any::<u8>(), any::<u8>()).prop_map(|(name, m, n)| vec![0x1d, name, m, n, 0]),
        (any::<u8>(), any::<u8>()).prop_map(|(name, n)| vec![0x1b, name, n]),
        (0_u8..9, any::<u8>())
            .prop_map(|(height, data)| [&[0x1d, b'v', b'0', 0, 2, 0, height, 0][..], &[data; 16]].concat()),
        (0_u8..6).prop_map(|n| vec![0x10, 0x04, n]),
        proptest::collection::vec(any::<u8>(), 1..9).prop_map(|data| [
            &[0x1d, b'k', 73, data.len() as u8, b'{'][..],
            &data
        ]
        .concat()),
        Just(b"\x1d(k\x05\x001P0ab\x1d(k\x03\x001Q0".to_vec()),
        Just(b"\x1d(H\x06\x0000ab12".to_vec()),
    ];
    proptest::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_octets_in_any_split_print_the_same(
        octets in likely(),
        cuts in proptest::collection::vec(1_usize..40, 0..40),
    ) {
        let mut whole = printer(Model { dots: 384, ..WIDE });
        let mut split = printer(Model { dots: 384, ..WIDE });
        let expected = print(&mut whole, &octets);
        let (mut answers, mut slips, mut rest) = (Vec::new(), Vec::new(), octets.as_slice());
        let mut sizes = cuts.into_iter().cycle();
        while !rest.is_empty() {
            let (piece, later) = rest.split_at(sizes.next().unwrap_or(1).min(rest.len()));
            let (told, cut) = print(&mut split, piece);
            answers.extend(told);
            slips.extend(cut);
            rest = later;
        }
        prop_assert_eq!(&slips, &expected.1);
        // Real-time answers overtake what waits, so with other splits the order may differ, but nothing is lost.
        let sorted = |mut octets: Vec<u8>| { octets.sort_unstable(); octets };
        let drawer = octets.windows(2).any(|pair| pair == [0x1b, b'p'] || pair == [0x10, 0x14]);
        if !drawer {
            prop_assert_eq!(sorted(answers), sorted(expected.0));
        }
        prop_assert_eq!(split.counters().unknown_commands, whole.counters().unknown_commands);
        prop_assert!(whole.buffered() <= BUFFER_OCTETS);
    }
}
