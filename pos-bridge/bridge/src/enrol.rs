//! `enrol`: makes till and gateway known to each other, once.

use anyhow::{Context as _, bail};
use till_link::code::Code;
use till_link::{FromTill, PROTOCOL, Refusal, ToTill};

use crate::config::Config;
use crate::dial::{Wire, WireError};
use crate::folder::Folder;

/// Shows the gateway the code's secret, after its certificate was found to be the code's, and keeps the certificate.
/// Gives the store's name.
///
/// # Errors
/// What is wrong, in words for the person who typed the code. The till is as it was before then.
pub async fn enrol(config: &Config, code: &str) -> anyhow::Result<String> {
    let code: Code = code.parse().context("the code can't be read")?;
    let folder = Folder::open(&config.storage)?;
    let identity = folder.identity()?;
    // A code works once: what could fail at the end is tried before.
    folder.probe().with_context(|| format!("the storage {} can't be written", config.storage.display()))?;
    let address = &config.gateway.address;
    let expected = code.clone();
    let mut wire = match Wire::open(address, &identity, move |digest| expected.is_of(digest)).await {
        Ok(wire) => wire,
        Err(WireError::OtherCertificate { .. }) => bail!(
            "the machine at {address} is not the gateway that made this code: its certificate is another one. \
             Nothing was told to it. Is `[gateway] address` right, and was the code typed without a mistake?"
        ),
        Err(e @ WireError::Unreachable { .. }) => {
            return Err(e).context("no connection to the gateway; is it on, and is `[gateway] address` right");
        }
        Err(e) => return Err(e.into()),
    };
    let enrol = FromTill::Enrol { protocol: PROTOCOL, secret: code.secret(), name: config.till.clone() };
    wire.send(&enrol).await?;
    let store = match wire.answer().await? {
        ToTill::Enrolled { store } => store,
        ToTill::Refused { why } => bail!(words(why)),
        _ => bail!("the gateway answered something else than about the code; are both of the same version?"),
    };
    folder.set_pin(&wire.gateway())?;
    wire.close().await;
    Ok(store)
}

/// What a refusal means to the person at the till.
pub const fn words(why: Refusal) -> &'static str {
    match why {
        Refusal::NotEnrolled => "the gateway does not know this till; enrol it with a code from the page \"Devices\"",
        Refusal::WrongCode => "the gateway does not take the code: it is wrong, was used, or its time is over",
        Refusal::TooManyTries => "too many wrong codes; the gateway takes none for some minutes",
        Refusal::Protocol => "gateway and till are too far apart in version; update the older one",
        Refusal::Replaced => "another machine is connected with this till's identity",
        Refusal::Full => "the gateway has as many tills as it may have; remove one on the page \"Devices\"",
        Refusal::NotNow => "the gateway's database takes nothing just now; see the gateway's doctor",
    }
}
