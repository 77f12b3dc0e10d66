#!/usr/bin/env node
// Writes docs/PROTOCOL.md with its tables made of docs/openapi.json and docs/asyncapi.json, to standard
// output, or with `--write` into the file. The text between the tables is nobody's but the author's.
//
//   .ci/web/protocol-tables.mjs --write
//
// A table stands between `<!-- table: WHAT -->` and `<!-- /table -->`. WHAT is `routes`, `client events`,
// `server events`, `errors`, `fields NAME` (of a schema; `fields NAME without OTHER` leaves out what OTHER
// has) or `words NAME` (of a schema that is a choice of words). `.ci/checks` compares the file.

import { readFileSync, writeFileSync } from 'node:fs';

const PAGE = new URL('../../docs/PROTOCOL.md', import.meta.url);
const read = name => JSON.parse(readFileSync(new URL(`../../docs/${name}.json`, import.meta.url), 'utf8'));
const [rest, socket] = [read('openapi'), read('asyncapi')];
const page = readFileSync(PAGE, 'utf8');
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
/** Fields of objects that are shown in place, without a table of their own. */
const SHORT_OBJECT = 5;
/** So many words of a choice are named in place. */
const FEW_WORDS = 2;

function table(what) {
  const [kind, name, , other] = what.split(' ');
  if (kind === 'routes') return routes();
  if (what === 'client events') return clientEvents();
  if (what === 'server events') return serverEvents();
  if (kind === 'errors') return errors();
  if (kind === 'fields') return fields(name, other);
  if (kind === 'words') return words(name);
  throw new Error(`no table is called "${what}"`);
}

// The routes.

function routes() {
  const sections = sectionsOfRoutes();
  const rows = Object.entries(rest.paths).flatMap(([path, item]) => METHODS.flatMap(method => {
    const operation = item[method.toLowerCase()];
    if (!operation) return [];
    const section = sections.get(`${method} ${plain(path)}`);
    if (!section) throw new Error(`no section of the page has ${method} ${path} in the first row of its table`);
    const { summary, description } = operation;
    return [{ place: section.place, cells: [`[\`${method} ${section.path}\`](#${section.anchor})`, summary, inCell(description), answersOf(operation)] }];
  }));
  rows.sort((one, two) => one.place - two.place);
  return grid(['route', 'what it does', 'who may', 'answer'], rows.map(({ cells }) => cells));
}

/** `For administrators.` as a cell has it. */
const inCell = text => text.replace(/^For /, '').replace(/\.$/, '');

/** The path with one name for every parameter, and without a query. */
const plain = path => path.split('?')[0].replace(/\{\w+\}/g, '{}');

/** The sections of the page by the routes in the first rows of their tables. */
function sectionsOfRoutes() {
  const found = new Map();
  let anchor = '';
  for (const line of page.split('\n')) {
    if (line.startsWith('### ')) anchor = line.slice(4).toLowerCase().replace(/[^\w -]/g, '').replaceAll(' ', '-');
    if (!line.startsWith('| | `')) continue;
    let methods = [];
    for (const [, code] of line.matchAll(/`([^`]+)`/g)) {
      const [method, path] = code.split(' ');
      if (METHODS.includes(method)) methods.push(method);
      if (!path) continue;
      for (const each of methods) {
        const route = `${each} ${plain(path)}`;
        if (!found.has(route)) found.set(route, { anchor, path: path.split('?')[0], place: found.size });
      }
      methods = [];
    }
  }
  return found;
}

/** Its statuses of success, each with the words before the colon of its description. */
function answersOf({ responses }) {
  const succeeds = ['201', '200', '202', '204', '206'].filter(status => responses[status]);
  return succeeds.map(status => {
    const said = responses[status].description.split(/[:.]/)[0];
    return said === 'Done' ? status : `${status} ${said[0].toLowerCase()}${said.slice(1)}`;
  }).join(', ');
}

// The events.

function clientEvents() {
  return grid(['event', 'what it does', 'argument', 'callback', 'by event', 'errors', 'limits'], eventsOf('receive').map(({ operation, message, answer }) => [
    code(message.name), operation.summary, shape(message.payload), callback(answer.payload), operation.description.replace(/^By event the socket gets /, '').replace(/\.$/, ''),
    operation['x-refused-with'].map(code).join(', '), operation['x-limits'] ?? '',
  ]));
}

function serverEvents() {
  return grid(['event', 'argument', 'sent to', 'when'], eventsOf('send').map(({ operation, message }) => [
    code(message.name), shape(message.payload), operation.description.replace(/^To /, '').replace(/\.$/, ''), operation.summary,
  ]));
}

/** The events of one direction: those of one subject beside each other. */
function eventsOf(action) {
  const side = action === 'send' ? 'server' : 'client';
  const { messages } = socket.components;
  return Object.entries(socket.operations).filter(([, operation]) => operation.action === action).map(([key, operation]) => {
    const name = key.slice(action.length + 1);
    return { operation, message: messages[`${side}_${name}`], answer: messages[`answer_${name}`] };
  });
}

/** What the callback gets if it is not refused. */
function callback({ anyOf }) {
  const answers = anyOf.filter(choice => !isRefusal(choice));
  const isEvent = answers.some(({ $ref }) => Object.entries(socket.components.messages).some(([key, { payload }]) => key.startsWith('server_') && payload.$ref === $ref && !$ref.endsWith('SyncAnswer')));
  if (isEvent) return 'as the event';
  const canQueue = answers.some(({ $ref }) => $ref.endsWith('/QueuedAnswer'));
  return shape(answers.find(({ $ref }) => !$ref.endsWith('/QueuedAnswer'))) + (canQueue ? ', or queued' : '');
}

const isRefusal = choice => ['code', 'error'].every(field => resolve(choice).required?.includes(field));

// The codes of errors.

function errors() {
  const { oneOf } = schema('ErrorCode');
  const rows = oneOf.map(one => [code(one.const), one['x-statuses'].join(', '), sentence(one), one['x-send-again']]);
  return grid(['code', 'HTTP', 'meaning', 'send again?'], rows);
}

// The schemas.

function schema(name) {
  const found = rest.components.schemas[name] ?? socket.components.schemas[name];
  if (!found) throw new Error(`no schema is called ${name}`);
  return found;
}

/** What a reference stands for. `null` beside it is left out: it stands for an absent field. */
function resolve(value) {
  if (value.$ref) return resolve(schema(value.$ref.split('/').at(-1)));
  if (value.allOf?.length === 1) return resolve(value.allOf[0]);
  const choices = value.anyOf?.filter(choice => choice.type !== 'null');
  return choices?.length === 1 ? resolve(choices[0]) : value;
}

function fields(name, without) {
  const { properties, required = [] } = schema(name);
  const isElsewhere = field => field === 'success' || without && field in schema(without).properties;
  const left = Object.entries(properties).filter(([field]) => !isElsewhere(field));
  const rows = left.map(([field, one]) => [code(required.includes(field) ? field : `${field}?`), kindOf(one, required.includes(field)), sentence(one)]);
  return grid(['field', 'value', 'what it says'], rows);
}

function words(name) {
  return grid(['word', 'what it says'], resolve(schema(name)).oneOf.map(one => [code(one.const), sentence(one)]));
}

/** The kind of a value in a few words. `null` is named if it is a value of a field that is always there. */
function kindOf(value, isAlways) {
  const canBeNull = isAlways && [value.type, value.anyOf].some(list => Array.isArray(list) && list.some(each => each === 'null' || each.type === 'null'));
  return kind(resolve(value)) + (canBeNull ? ' or `null`' : '');
}

function kind(value) {
  if (value.const !== undefined) return code(JSON.stringify(value.const));
  if (value.oneOf?.every(one => one.const)) return value.oneOf.map(one => code(one.const)).join(', ');
  const types = [value.type].flat().filter(type => type !== 'null');
  if (value.properties) return shape(value);
  if (types[0] === 'array') {
    const item = resolve(value.items);
    return item.properties && Object.keys(item.properties).length <= SHORT_OBJECT ? code(`[${bare(item)}]`) : `list of ${item.properties ? 'objects' : `${kind(item)}s`}`;
  }
  if (value.format === 'date-time') return 'time';
  if (value.pattern === '^[0-9a-f]{24}$') return 'id';
  return { string: 'text', integer: 'number', number: 'number', boolean: '`true` or `false`', object: 'object' }[types[0]] ?? 'object';
}

/** An object as `{field, optional?}`. */
const shape = value => code(bare(resolve(value)));

function bare({ properties = {}, required = [] }) {
  // `success` leads, then ids, then what is always there.
  const place = name => (name === 'success' ? -2 : 0) + (/^_id$|Id$/.test(name) ? 0 : 1) + (required.includes(name) ? 0 : 2);
  const ordered = Object.keys(properties).sort((one, two) => place(one) - place(two));
  return `{${ordered.map(name => (required.includes(name) ? name : `${name}?`) + inside(properties[name])).join(', ')}}`;
}

/** What a field of a shape holds, if that is short: a fixed value, a few words, a small object, a list. */
function inside(property) {
  const value = resolve(property);
  if (value.const !== undefined && value.const !== true) return `: ${JSON.stringify(value.const)}`;
  if (value.oneOf?.length <= FEW_WORDS) return `: ${value.oneOf.map(one => JSON.stringify(one.const)).join(' or ')}`;
  if (value.properties && Object.keys(value.properties).length <= SHORT_OBJECT) return `: ${bare(value)}`;
  if (![value.type].flat().includes('array')) return '';
  const item = resolve(value.items);
  return item.properties && Object.keys(item.properties).length <= SHORT_OBJECT ? `: [${bare(item)}]` : ': […]';
}

// Text.

const code = text => `\`${text}\``;
const sentence = ({ description = '' }) => description.replaceAll('\n', ' ');

function grid(head, rows) {
  const line = cells => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`.replace(/\| {2}(?=\|)/g, '| ');
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const written = page.replace(/<!-- table: (.+?) -->\n[^]*?<!-- \/table -->/g, (_, what) => `<!-- table: ${what} -->\n${table(what)}\n<!-- /table -->`);
if (process.argv.includes('--write')) writeFileSync(PAGE, written);
else process.stdout.write(written);
