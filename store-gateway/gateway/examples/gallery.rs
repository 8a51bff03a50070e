//! Draws every screen in every state with sample data into a folder, for looking at and for the accessibility run:
//! `cargo run -p store-gateway --example gallery -- FOLDER`. Nobody in it exists.

#[path = "gallery/samples.rs"]
mod samples;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use store_gateway::screens;
use store_gateway::screens::view::Theme;
use store_gateway::screens::{Lang, assets};

fn main() -> Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).context("say the folder to draw into")?);
    fs::create_dir_all(folder.join("assets")).context("make the folder")?;
    for asset in assets::ALL {
        fs::write(folder.join("assets").join(asset.path), asset.bytes)
            .with_context(|| format!("write {}", asset.path))?;
    }
    for lang in Lang::ALL {
        for theme in [Theme::Light, Theme::Dark] {
            draw(&folder, lang, theme)?;
        }
    }
    Ok(())
}

fn draw(folder: &Path, lang: Lang, theme: Theme) -> Result<()> {
    for (name, html) in samples::all(lang, theme)? {
        let file = folder.join(format!("{name}.{}.{}.html", lang.tag(), theme.value()));
        fs::write(&file, html).with_context(|| format!("write {}", file.display()))?;
    }
    Ok(())
}
