// Writes web/emoji-data.js out of two files of Unicode: the list of emoji, in its order and groups, and the
// words by which they are looked for in English. Debian has them in unicode-data and unicode-cldr-core.
//
//   cd /usr/share/unicode; …/.ci/web/emoji.mjs emoji/emoji-test.txt cldr/common/annotations/en.xml
//
// One sign stands for all its skin tones and genders, so that the file stays small.

import { readFileSync } from 'node:fs';

const [list, annotations] = process.argv.slice(2).map(path => readFileSync(path, 'utf8'));
/** Words of one emoji beside its name. */
const WORDS_MAX = 5;
const VARIANT = /[\u{1f3fb}-\u{1f3ff}]|\u200d[\u2640\u2642]/u;
const VARIANT_NAME = /^(family|kiss|couple with heart): |^(man|woman|men|women)\b.*(: |with bunny| holding hands)/;
const LICENCE = `// Emoji with their names and the words to look for them, made by .ci/web/emoji.mjs out of data of Unicode.
//
// Licence of that data (Unicode-DFS-2016, https://www.unicode.org/license.txt):
// Copyright © 1991-2022 Unicode, Inc. All rights reserved.
// Distributed under the Terms of Use in https://www.unicode.org/copyright.html.
//
// Permission is hereby granted, free of charge, to any person obtaining a copy of the Unicode data files and
// any associated documentation (the "Data Files") or Unicode software and any associated documentation (the
// "Software") to deal in the Data Files or Software without restriction, including without limitation the
// rights to use, copy, modify, merge, publish, distribute, and/or sell copies of the Data Files or Software,
// and to permit persons to whom the Data Files or Software are furnished to do so, provided that either (a)
// this copyright and permission notice appear with all copies of the Data Files or Software, or (b) this
// copyright and permission notice appear in associated Documentation.
//
// THE DATA FILES AND SOFTWARE ARE PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED,
// INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
// NONINFRINGEMENT OF THIRD PARTY RIGHTS. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR HOLDERS INCLUDED IN THIS
// NOTICE BE LIABLE FOR ANY CLAIM, OR ANY SPECIAL INDIRECT OR CONSEQUENTIAL DAMAGES, OR ANY DAMAGES WHATSOEVER
// RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS
// ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THE DATA FILES OR SOFTWARE.
//
// Except as contained in this notice, the name of a copyright holder shall not be used in advertising or
// otherwise to promote the sale, use or other dealings in these Data Files or Software without prior written
// authorization of the copyright holder.

/**
 * The groups: their names, and their emoji as \`sign name,word,word\` with bars between them.
 * @type {[string, string][]}
 */
`;

const plain = text => text.replaceAll('&amp;', '&').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('\ufe0f', '');
const words = new Map([...annotations.matchAll(/<annotation cp="([^"]+)">([^<]+)<\/annotation>/g)]
  .map(([, sign, all]) => [plain(sign), plain(all).split(' | ')]));

const groups = new Map();
let group;
for (const line of list.split('\n')) {
  if (line.startsWith('# group: ')) group = line.slice('# group: '.length);
  const [, sign, called] = /; fully-qualified\s+# (\S+) E\S+ (.+)$/.exec(line) ?? [];
  if (!sign || VARIANT.test(sign) || VARIANT_NAME.test(called)) continue;
  const name = called.replace(': ', ' ').replaceAll(',', '');
  const known = new Set(name.toLowerCase().split(/[\s-]+/));
  const isNews = word => !/[,|]/.test(word) && word.split(/[\s-]+/).some(each => !known.has(each.toLowerCase()));
  const more = (words.get(plain(sign)) ?? []).filter(isNews).slice(0, WORDS_MAX);
  groups.set(group, [...groups.get(group) ?? [], `${sign} ${[name, ...more].join(',')}`]);
}
const shown = [...groups].map(([name, emoji]) => `  [${JSON.stringify(name)}, ${JSON.stringify(emoji.join('|'))}],\n`);
process.stdout.write(`${LICENCE}export const GROUPS = [\n${shown.join('')}];\n`);
