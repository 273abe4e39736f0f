"""Makes paper-regular.ttf and paper-bold.ttf: Onest (npm @fontsource/onest 5.3.1) with digits of equal width, and the
characters it lacks from Noto Sans (npm @fontsource/noto-sans 5.3.0)."""
import sys
from fontTools.ttLib import TTFont
from fontTools.merge import Merger, Options
from fontTools import subset
onest, noto, out = sys.argv[1:4]
SETS = ['latin', 'latin-ext', 'cyrillic', 'cyrillic-ext', 'vietnamese', 'math']
NOTO = ['latin', 'latin-ext', 'greek', 'cyrillic', 'cyrillic-ext', 'vietnamese']
# Latin, Greek, Cyrillic, Vietnamese; punctuation, currencies, arrows, signs.
RANGES = [(0x20, 0x7E), (0xA0, 0x17F), (0x18F, 0x18F), (0x1A0, 0x1B0), (0x1CD, 0x1DC), (0x1E6, 0x21B), (0x259, 0x259), (0x2BB, 0x2DD),
    (0x300, 0x304), (0x306, 0x30C), (0x386, 0x3CE), (0x400, 0x4F9), (0x1E80, 0x1EF9), (0x2000, 0x203A), (0x20A0, 0x20C0),
    (0x2116, 0x2122), (0x2190, 0x2193), (0x2212, 0x2265)]

def opened(path):
    font = TTFont(path); font.flavor = None
    return font

def keep(font, chars):
    options = subset.Options()
    options.layout_features = []; options.hinting = False; options.notdef_outline = True
    options.name_IDs = [1, 2, 4, 6, 13, 14]; options.drop_tables += ['GSUB', 'GPOS', 'GDEF', 'STAT', 'meta']
    s = subset.Subsetter(options); s.populate(unicodes=chars); s.subset(font)
    return font

def even_digits(font):
    """The glyphs of the feature tnum take the places of the digits."""
    swap = {}
    gsub = font['GSUB'].table
    for record in gsub.FeatureList.FeatureRecord:
        if record.FeatureTag == 'tnum':
            for index in record.Feature.LookupListIndex:
                for sub in gsub.LookupList.Lookup[index].SubTable:
                    sub = getattr(sub, 'ExtSubTable', sub)
                    swap.update(getattr(sub, 'mapping', {}))
    for table in font['cmap'].tables:
        for code, glyph in list(table.cmap.items()):
            table.cmap[code] = swap.get(glyph, glyph)
    return font

for weight, name in ((400, 'regular'), (700, 'bold')):
    parts, have = [], set()
    for folder, sets, brand in ((onest, SETS, 'onest'), (noto, NOTO, 'noto-sans')):
        for of in sets:
            font = opened(f'{folder}/{brand}-{of}-{weight}-normal.woff2')
            if 'GSUB' in font and of == 'latin' and brand == 'onest': even_digits(font)
            mine = set(font.getBestCmap()) - have
            mine = {c for c in mine if any(a <= c <= b for a, b in RANGES)}
            if not mine: continue
            have |= mine
            keep(font, mine)
            path = f'{out}/part-{name}-{len(parts)}.ttf'; font.save(path); parts.append(path)
    options = Options(drop_tables=['GSUB', 'GPOS', 'GDEF', 'DSIG', 'STAT', 'fvar', 'gvar', 'avar', 'HVAR', 'MVAR', 'gasp', 'meta', 'vhea', 'vmtx', 'kern', 'prep', 'fpgm', 'cvt '])
    merged = Merger(options).merge(parts)
    # The space that French and Russian numbers have.
    for table in merged['cmap'].tables:
        if 0xA0 in table.cmap: table.cmap.setdefault(0x202F, table.cmap.get(0x2009, table.cmap[0xA0]))
    for record in list(merged['name'].names): merged['name'].removeNames(nameID=record.nameID)
    style = name.capitalize()
    for number, text in ((1, 'Paper'), (2, style), (4, f'Paper {style}'), (6, f'Paper-{style}'),
        (0, 'Copyright 2021 The Onest Project Authors (https://github.com/simpals/onest); Copyright 2022 The Noto Project Authors (https://github.com/notofonts/latin-greek-cyrillic)'),
        (13, 'This Font Software is licensed under the SIL Open Font License, Version 1.1.'), (14, 'https://openfontlicense.org')):
        merged['name'].setName(text, number, 3, 1, 0x409)
    merged['head'].created = merged['head'].modified = 3850000000
    merged.recalcTimestamp = False
    merged.save(f'{out}/paper-{name}.ttf')
    cmap = merged.getBestCmap(); hmtx = merged['hmtx']
    print(name, len(cmap), {hmtx[cmap[ord(d)]][0] for d in '0123456789'}, [s for s in '$€₽£¥₹₺₩RKWDCN≈−\u00a0\u202f…“”«»№→λДё' if ord(s) not in cmap], merged['hhea'].ascent, merged['hhea'].descent, merged['OS/2'].sCapHeight)
