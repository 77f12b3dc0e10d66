// What the page reads out of the signs in texts (web/markup.js), without a browser: the parser is pure. How
// it is drawn is in reading.test.mjs, and the corpus of scripts goes through it in corpus.test.mjs too.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CORPUS, PLAIN } from './corpus.mjs';

// The page's modules name each other by paths of its site, which Node does not know.
const source = readFileSync(join(import.meta.dirname, '../../web/markup.js'), 'utf8').replace(/^import .*$/gm, 'const element = undefined;');
const { parse, plain } = await import(`data:text/javascript,${encodeURIComponent(source)}`);

/** The longest text that there is, and what parsing it may take on a machine that is busy. */
const LONGEST = 10_000;
const PARSE_MAX_MS = 1_000;

/** The parts in few words: `strong(a)`, `link(text → href)`. */
const words = parts => parts.map(part => {
  if (typeof part === 'string') return part;
  if (part.kind === 'link') return `link(${part.text}${part.href === part.text ? '' : ` → ${part.href}`})`;
  return `${part.kind}(${part.parts ? words(part.parts) : part.text})`;
}).join('');
/** What was typed, out of the parts. */
const typedOf = parts => parts.map(part => (typeof part === 'string' ? part : `${part.open ?? ''}${part.parts ? typedOf(part.parts) : part.text}${part.close ?? ''}`)).join('');
const links = parts => parts.flatMap(part => (part.kind === 'link' ? [part] : part.parts ? links(part.parts) : []));

describe('the signs in texts', () => {
  test('signs around words mean what people mean by them', () => {
    for (const [text, wanted] of [
      ['a *bold* word', 'a strong(bold) word'],
      ['an _italic_ one, and *both _of_ them*', 'an em(italic) one, and strong(both em(of) them)'],
      ['_*x*_', 'em(strong(x))'],
      ['run `*all*` of it', 'run code(*all*) of it'],
      ['look:\n```\nif (a) {\n  *b*;\n}\n```\nright?', 'look:block(if (a) {\n  *b*;\n})right?'],
      ['"*loud*", (_soft_)!', '"strong(loud)", (em(soft))!'],
    ]) assert.equal(words(parse(text)), wanted);
  });

  test('signs that mean nothing stay as they are', () => {
    for (const text of ['2 * 3 * 4', 'a*b*c', 'snake_case_name', '__init__', '**', '**x**', '* a *', '*a', '`', '``', '```', '```a', 'a`b', '*a\nb*', '_a_b', 'user@host', 'https://', 'www.']) {
      assert.deepEqual(parse(text), [text]);
    }
  });

  test('addresses become links, without what belongs to the sentence around them', () => {
    for (const [text, wanted] of [
      ['see https://example.com/a?b=c&d#e.', 'see link(https://example.com/a?b=c&d#e).'],
      ['(https://example.com/c_(d))', '(link(https://example.com/c_(d)))'],
      ['*https://example.com/x*', 'strong(link(https://example.com/x))'],
      ['www.example.com, or not', 'link(www.example.com → https://www.example.com/), or not'],
      ['http://localhost:8080/a_b_c', 'link(http://localhost:8080/a_b_c)'],
      ['write to ann.b+c@mail.example.com!', 'write to link(ann.b+c@mail.example.com → mailto:ann.b+c@mail.example.com)!'],
    ]) assert.equal(words(parse(text)), wanted);
  });

  test('what only looks like an address, or pretends to be another one, stays text', () => {
    for (const text of ['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', 'ftp://x.example', '//x.example/y', 'https://bank.example@evil.example/', 'https://a:b@evil.example', 'http://[::1', 'xhttps://a.example']) {
      assert.deepEqual(links(parse(text)).filter(({ href }) => !href.startsWith('mailto:')), [], text);
    }
    // Signs that turn the direction of writing hide what an address is.
    assert.equal(links(parse('https://example.com/\u202egnp.exe'))[0].text, 'https://example.com/');
  });

  test('of no text anything is lost, and no link of it leads to anything but a site or a mail', () => {
    for (const text of [...CORPUS, ...PLAIN]) {
      assert.equal(typedOf(parse(text)), text);
      for (const { href } of links(parse(text))) assert.match(href, /^(https?:\/\/|mailto:)/, text);
    }
  });

  test('a line that shows the beginning of a text has no signs', () => {
    assert.equal(plain('*a* `b` _c_ https://d.example'), 'a b c https://d.example');
  });

  test('no text takes long, however it is made', () => {
    for (const piece of ['```', '```a ', '\n```', '`', '`a', '*', '*a ', '* ', '_a', 'a.', 'a@b.', 'a@', 'https://', 'https://x)', ')', '\n', ' *', 'www.', '*_']) {
      for (const text of [piece.repeat(LONGEST / piece.length), `*${piece.repeat(LONGEST / piece.length - 2)}*`, `https://x/${piece.repeat(LONGEST / piece.length - 10)}`]) {
        const began = performance.now();
        assert.equal(typedOf(parse(text)), text);
        assert.ok(performance.now() - began < PARSE_MAX_MS, JSON.stringify(piece));
      }
    }
  });
});
