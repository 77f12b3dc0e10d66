// What the page reads out of the signs in texts (web/markup.js), without a browser: the parser is pure. How
// it is drawn is in reading.test.mjs, and the corpus of scripts goes through it in corpus.test.mjs too.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CORPUS, PLAIN } from './corpus.mjs';

// The page's modules name each other by paths of its site, which Node does not know.
const own = name => readFileSync(join(import.meta.dirname, '../../web', name), 'utf8');
const address = source => `data:text/javascript,${encodeURIComponent(source)}`;
const mentions = address(own('mentions.js'));
const { mentionedIn } = await import(mentions);
const markup = own('markup.js').replace(/^import .*elements.js';$/m, 'const element = undefined;').replace("'/mentions.js'", () => `'${mentions.replaceAll("'", '%27')}'`);
const { parse, plain } = await import(address(markup));

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

  test('names stand for whom a message mentions, whole and as they are written', () => {
    const people = ['Ann', 'Ann Lee', '小明', 'a.b*c (d)', 'ann@example.com'].map((name, n) => ({ id: `${n}`, name, isMe: n === 1 }));
    for (const [text, wanted, ids] of [
      ['@Ann and @Ann Lee!', 'mention(@Ann) and mention(@Ann Lee)!', '0,1'],
      ['@Anna, mail@Ann, @ann, @ Ann', '@Anna, mail@Ann, @ann, @ Ann', ''],
      ['*so says @Ann Lee*: _@Ann_', 'strong(so says mention(@Ann Lee)): em(mention(@Ann))', '1,0'],
      ['@小明, 你好 @a.b*c (d)', 'mention(@小明), 你好 mention(@a.b*c (d))', '2,3'],
      ['@ann@example.com or bob@example.com', 'mention(@ann@example.com) or link(bob@example.com → mailto:bob@example.com)', '4'],
      ['`@Ann` https://example.com/@Ann', 'code(@Ann) link(https://example.com/@Ann)', '0'],
    ]) {
      assert.equal(words(parse(text, people)), wanted);
      if (!text.includes('`')) assert.equal(mentionedIn(text, people).join(), ids, text);
    }
    assert.deepEqual(parse('@Ann Lee', people), [{ kind: 'mention', text: '@Ann Lee', isMe: true }]);
    assert.deepEqual([parse('@Ann'), mentionedIn('@Ann', [])], [['@Ann'], []], 'whom the message does not mention is a text');
    // Two of one name: each place is one of them.
    const twins = [{ id: 'x', name: 'Sam' }, { id: 'y', name: 'Sam' }, { id: 'y', name: 'Sam' }];
    assert.deepEqual([mentionedIn('@Sam', twins), mentionedIn('@Sam @Sam @Sam', twins)], [['x'], ['x', 'y']]);
  });

  test('whatever people are called, their names are found and nothing else breaks', () => {
    for (const name of [...CORPUS, ...PLAIN]) {
      const person = { id: 'x', name, isMe: false };
      const text = `hello @${name} :`;
      assert.equal(typedOf(parse(text, [person])), text);
      assert.deepEqual(mentionedIn(text, [person]), ['x'], name);
    }
  });
});
