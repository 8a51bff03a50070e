#!/usr/bin/env bash
# Makes the two embedded fonts again from Debian's DejaVu Sans Mono. Needs the Debian package fonts-dejavu-core and
# pyftsubset (Python package fonttools).
set -euo pipefail
cd "$(dirname "$0")"
from=${1:-/usr/share/fonts/truetype/dejavu}
# Basic Latin, Latin-1, Latin Extended-A, Cyrillic, and the punctuation and signs that the shop prints.
unicodes=U+0020-007E,U+00A0-017F,U+0400-04FF,U+2010-2015,U+2018-201A,U+201C-201E,U+2020-2022,U+2026,U+2030,U+2032-2033
unicodes+=,U+2039-203A,U+20AC,U+2116,U+2122,U+2190-2193,U+2212,U+2248,U+2260,U+2264-2265,U+25A0-25A1,U+2610-2611,U+2713
for name in DejaVuSansMono DejaVuSansMono-Bold; do
  pyftsubset "$from/$name.ttf" --unicodes="$unicodes" --output-file="$name.ttf" --layout-features='' \
    --no-hinting --desubroutinize --notdef-outline --name-IDs=0,1,2,4,5,6,13,14 --drop-tables+=GPOS,GSUB,GDEF,kern,DSIG \
    --no-glyph-names --no-recalc-timestamp
done
