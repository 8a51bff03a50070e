//! Finds a device by its name and the best way to use it.

use cpal::traits::{DeviceTrait as _, HostTrait as _};
use cpal::{BufferSize, SampleFormat, StreamConfig, SupportedBufferSize, SupportedStreamConfigRange};
use store_voice::frame::RATE;

use crate::port::{Found, OpenError};
use crate::resample::RATES;

/// Rates in the order in which they are wanted: the line's own, then what is a multiple of it, then the rest.
const WANTED_RATES: [u32; 8] = [RATE, 16_000, 48_000, 32_000, 96_000, 24_000, 44_100, 22_050];
/// Formats in the order in which they are wanted; all of them are better than a telephone.
const WANTED_FORMATS: [SampleFormat; 6] =
    [SampleFormat::I16, SampleFormat::F32, SampleFormat::I32, SampleFormat::U8, SampleFormat::U16, SampleFormat::F64];
/// Callbacks a second that are asked for: one for each frame.
const CALLBACKS_A_SECOND: u32 = 50;

/// Which way sound goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    In,
    Out,
}

/// A device and how it is used.
pub(super) struct Chosen {
    pub(super) device: cpal::Device,
    pub(super) format: SampleFormat,
    pub(super) config: StreamConfig,
}

/// All devices.
pub(super) fn list() -> Result<Vec<Found>, OpenError> {
    let unusable = |e: cpal::Error| OpenError::NotUsable { name: "of any name".to_owned(), why: e.to_string() };
    let mut found = Vec::new();
    for device in cpal::default_host().devices().map_err(unusable)? {
        let Ok(id) = device.id() else { continue };
        found.push(Found {
            name: id.id().to_owned(),
            description: device.to_string(),
            is_input: device.supports_input(),
            is_output: device.supports_output(),
        });
    }
    Ok(found)
}

/// A device by ALSA's name or by its description, at a rate if one is asked for.
pub(super) fn choose(name: &str, way: Way, rate: Option<u32>) -> Result<Chosen, OpenError> {
    let unusable = |why: String| OpenError::NotUsable { name: name.to_owned(), why };
    let mut devices = cpal::default_host().devices().map_err(|e| unusable(e.to_string()))?;
    let is_it = |device: &cpal::Device| device.id().is_ok_and(|id| id.id() == name) || device.to_string() == name;
    let device = devices.find(is_it).ok_or_else(|| OpenError::NoDevice(name.to_owned()))?;
    let ranges: Vec<SupportedStreamConfigRange> = match way {
        Way::In => device.supported_input_configs().map(Iterator::collect),
        Way::Out => device.supported_output_configs().map(Iterator::collect),
    }
    .map_err(|e| unusable(e.to_string()))?;
    let (range, rate) = best(&ranges, rate).ok_or_else(|| unusable(no_format(rate)))?;
    let config = StreamConfig { channels: range.channels(), sample_rate: rate, buffer_size: period(&range, rate) };
    Ok(Chosen { format: range.sample_format(), device, config })
}

fn no_format(rate: Option<u32>) -> String {
    match rate {
        Some(rate) => format!("it has no {rate} samples a second in a format that is known"),
        None => "it has no rate and format that are known".to_owned(),
    }
}

/// The best range and rate: the rate first, then few channels, then the format.
fn best(ranges: &[SupportedStreamConfigRange], asked: Option<u32>) -> Option<(SupportedStreamConfigRange, u32)> {
    let rates: &[u32] = match &asked {
        Some(rate) => std::slice::from_ref(rate),
        None => &WANTED_RATES,
    };
    let rates = rates.iter().enumerate().filter(|(_, rate)| RATES.contains(rate));
    let candidates = rates.flat_map(|(rank, rate)| {
        ranges.iter().filter_map(move |range| {
            let format = WANTED_FORMATS.iter().position(|f| *f == range.sample_format())?;
            let has_rate = (range.min_sample_rate()..=range.max_sample_rate()).contains(rate);
            (has_rate && range.channels() > 0).then_some(((rank, range.channels(), format), (*range, *rate)))
        })
    });
    candidates.min_by_key(|(order, _)| *order).map(|(_, choice)| choice)
}

/// A callback every 20 ms if the device can, else whatever it does by itself.
fn period(range: &SupportedStreamConfigRange, rate: u32) -> BufferSize {
    let samples = rate / CALLBACKS_A_SECOND;
    match range.buffer_size() {
        SupportedBufferSize::Range { min, max } if (*min..=*max).contains(&samples) => BufferSize::Fixed(samples),
        SupportedBufferSize::Range { .. } | SupportedBufferSize::Unknown => BufferSize::Default,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(channels: u16, rates: (u32, u32), format: SampleFormat) -> SupportedStreamConfigRange {
        SupportedStreamConfigRange::new(
            channels,
            rates.0,
            rates.1,
            SupportedBufferSize::Range { min: 64, max: 512 },
            format,
        )
    }

    #[test]
    fn the_line_s_own_rate_is_taken_where_there_is_one() {
        let ranges = [
            range(2, (44_100, 48_000), SampleFormat::I16),
            range(2, (8_000, 8_000), SampleFormat::I32),
            range(1, (8_000, 8_000), SampleFormat::F32),
            range(1, (8_000, 8_000), SampleFormat::I16),
        ];
        let (chosen, rate) = best(&ranges, None).unwrap();
        assert_eq!((chosen, rate), (ranges[3], 8_000));
        assert_eq!(period(&chosen, rate), BufferSize::Fixed(160));
    }

    #[test]
    fn a_card_without_it_is_used_at_the_nearest_multiple() {
        let ranges = [range(2, (44_100, 48_000), SampleFormat::I16), range(2, (192_000, 192_000), SampleFormat::I16)];
        assert_eq!(best(&ranges, None).unwrap(), (ranges[0], 48_000));
        assert_eq!(best(&ranges, Some(44_100)).unwrap().1, 44_100);
        assert_eq!(period(&ranges[0], 48_000), BufferSize::Default, "960 samples are more than it has");
    }

    #[test]
    fn what_cannot_be_used_is_not_chosen() {
        assert_eq!(best(&[range(2, (192_000, 192_000), SampleFormat::I16)], None), None);
        assert_eq!(best(&[range(2, (8_000, 8_000), SampleFormat::DsdU8)], None), None);
        assert_eq!(best(&[range(2, (8_000, 8_000), SampleFormat::I16)], Some(48_000)), None);
    }
}
