// What people mean by the signs in their texts: links, e-mail addresses, `code`, code blocks, *bold*,
// _italic_, and the names of those whom a message mentions.
//
// A text is parsed into parts, and the parts are drawn as elements whose texts are set as text: nothing of it
// is ever markup of the page. The signs themselves stay in the document and are not shown, so the text of the
// elements is the text that was typed.

import { element } from '/elements.js';
import { mentionSource } from '/mentions.js';

/**
 * @typedef {{ kind: 'link', text: string, href: string }} Link
 * @typedef {{ kind: 'code' | 'block', open: string, text: string, close: string }} Code
 * @typedef {{ kind: 'strong' | 'em', open: string, parts: Part[], close: string }} Emphasis
 * @typedef {{ kind: 'mention', text: string, isMe: boolean }} Mention
 * @typedef {string | Link | Code | Emphasis | Mention} Part
 */

/** Letters and digits: a sign between them is part of a word, as in snake_case. */
const WORD = '\\p{L}\\p{N}';
/** What no address has: spaces, quotes, signs that could hide what an address is. */
const NOT_IN_ADDRESS = '\\s<>"`\\\\\\p{Cc}\\p{Cf}';
/** @type {(name: string, sign: string) => string} */
const emphasis = (name, sign) => `(?<![${WORD}${sign}])${sign}(?<${name}>(?![\\s${sign}])[^${sign}\\n]+(?<!\\s))${sign}(?![${WORD}${sign}])`;
const MARKED = new RegExp([
  '(?<open>\\n?```\\n?)(?<block>[^]+?)(?<close>\\n?```\\n?)',
  '`(?<code>[^`\\n]+)`',
  `(?<![${WORD}_/@.-])(?<link>(?:https?://|www\\.)[^${NOT_IN_ADDRESS}]+)`,
  `(?<![${WORD}._%+/@-])(?<mail>[a-z0-9._%+-]{1,64}@(?:[a-z0-9-]{1,63}\\.){1,8}[a-z]{2,24})(?![${WORD}_@-])`,
  emphasis('strong', '\\*'),
  emphasis('em', '_'),
].join('|'), 'giu');
/** At the end of an address these belong to the sentence around it. */
const SENTENCE_SIGNS = '.,;:!?\'*_~…]}';

/**
 * The text as parts; what is no part of something is a string.
 * @param {string} text
 * @param {Mentioned[]} [mentioned] whom it mentions
 * @returns {Part[]}
 */
export function parse(text, mentioned = []) {
  /** @type {Part[]} */
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(marked(mentioned))) {
    const part = partOf(match.groups ?? {}, mentioned);
    if (!part) continue;
    if (match.index > at) parts.push(text.slice(at, match.index));
    parts.push(part);
    at = match.index + (part.kind === 'link' ? part.text.length : match[0].length);
  }
  if (at < text.length) parts.push(text.slice(at));
  return parts;
}

/**
 * The text as nodes of the document.
 * @param {string} text
 * @param {Mentioned[]} [mentioned] whom it mentions
 * @returns {(string | Node)[]}
 */
export const drawText = (text, mentioned) => parse(text, mentioned).map(draw);

/**
 * The text without the signs, for a line that shows the beginning of it.
 * @param {string} text
 * @returns {string}
 */
export const plain = text => parse(text).map(plainPart).join('');

/** @param {Mentioned[]} mentioned */
function marked(mentioned) {
  if (mentioned.length === 0) return MARKED;
  return new RegExp(`(?<mention>${mentionSource(mentioned.map(({ name }) => name))})|${MARKED.source}`, MARKED.flags);
}

/**
 * @param {Record<string, string>} groups
 * @param {Mentioned[]} mentioned
 * @returns {Exclude<Part, string> | undefined}
 */
function partOf({ mention, open, block, close, code, link, mail, strong, em }, mentioned) {
  if (mention) return mentionOf(mention, mentioned);
  if (block) return { kind: 'block', open, text: block, close };
  if (code) return { kind: 'code', open: '`', text: code, close: '`' };
  if (link) return linkOf(trimmed(link));
  if (mail) return { kind: 'link', text: mail, href: `mailto:${mail}` };
  if (strong) return { kind: 'strong', open: '*', parts: parse(strong, mentioned), close: '*' };
  return { kind: 'em', open: '_', parts: parse(em, mentioned), close: '_' };
}

/**
 * The expression does not tell large letters from small ones, and names do.
 * @param {string} text
 * @param {Mentioned[]} mentioned
 * @returns {Mention | undefined}
 */
function mentionOf(text, mentioned) {
  const meant = mentioned.filter(({ name }) => text === `@${name}`);
  return meant.length > 0 ? { kind: 'mention', text, isMe: meant.some(({ isMe }) => isMe) } : undefined;
}

/**
 * An address that names a password or another person first can pretend to be another site: it stays text.
 * @param {string} text
 * @returns {Link | undefined}
 */
function linkOf(text) {
  try {
    const { protocol, username, password, hostname, href } = new URL(/^www\./i.test(text) ? `https://${text}` : text);
    const isSite = ['http:', 'https:'].includes(protocol) && hostname && !username && !password;
    return isSite ? { kind: 'link', text, href } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * An address without what belongs to the sentence around it. It keeps a bracket that it opened itself.
 * @param {string} address
 */
function trimmed(address) {
  const count = (/** @type {string} */ sign) => address.split(sign).length - 1;
  let surplus = count(')') - count('(');
  let end = address.length;
  for (; end > 0; end -= 1) {
    const last = address[end - 1];
    if (last === ')' ? surplus <= 0 : !SENTENCE_SIGNS.includes(last)) break;
    if (last === ')') surplus -= 1;
  }
  return address.slice(0, end);
}

/**
 * @param {Part} part
 * @returns {string | Node}
 */
function draw(part) {
  if (typeof part === 'string') return part;
  if (part.kind === 'link') return element('a', { href: part.href, target: '_blank', rel: 'noopener noreferrer' }, part.text);
  if (part.kind === 'mention') return element('span', { class: part.isMe ? 'mention me' : 'mention' }, part.text);
  const inside = 'parts' in part ? part.parts.map(draw) : [part.text];
  const isCode = part.kind === 'code' || part.kind === 'block';
  // The signs of a code block may be line breaks; as signs of the text they are not shown either.
  return element(isCode ? 'code' : part.kind, { class: part.kind === 'block' && 'block', dir: isCode && 'ltr' }, sign(part.open), ...inside, sign(part.close));
}

/** @param {string} text */
const sign = text => element('span', { hidden: true }, text);

/**
 * @param {Part} part
 * @returns {string}
 */
function plainPart(part) {
  if (typeof part === 'string') return part;
  if ('parts' in part) return part.parts.map(plainPart).join('');
  return part.kind === 'block' ? `\n${part.text}\n` : part.text;
}
