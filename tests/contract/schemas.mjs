// The contract's documents, held against what a system really answers: docs/openapi.json for REST,
// docs/asyncapi.json for the socket. An answer of another status or shape than described is an error, and so
// is a field that no document names.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
const Draft2020 = require('ajv/dist/2020').default;
const Draft07 = require('ajv').default;
const addFormats = require('ajv-formats').default;
const read = name => JSON.parse(readFileSync(join(import.meta.dirname, '../../docs', `${name}.json`), 'utf8'));
const rest = read('openapi');
const socket = read('asyncapi');
/** Where the described routes are. */
const BASE = '/api/v2';
/** What an error answers that no route gave: unknown path or method. */
const REFUSAL = { $ref: '#/components/schemas/ErrorBody' };
const NO_ROUTE = [404, 405];

const restCheck = checker(Draft2020, rest);
const socketCheck = checker(Draft07, socket);
const routes = Object.entries(rest.paths).map(([path, item]) => ({
  item,
  // `threads/{id}` before `{id}/read`: a pattern with fewer parameters in front is meant first.
  pattern: new RegExp(`^${path.replace(/\{[^}]+\}/g, '[^/]+')}/?$`),
  constants: path.split('/').map(part => (part.startsWith('{') ? '1' : '0')).join(''),
})).sort((one, other) => (one.constants < other.constants ? -1 : 1));

/** Fails unless the documents describe this answer of `METHOD /api/v2PATH`. */
export function checkAnswer(method, path, status, body) {
  const plain = BASE + path.split('?')[0];
  const route = routes.find(({ pattern }) => pattern.test(plain));
  const operation = route?.item[method.toLowerCase()];
  if (!operation) {
    if (!NO_ROUTE.includes(status)) throw new Error(`${method} ${path} answers ${status}, and no document describes it`);
    return restCheck('no route', REFUSAL, body, `${method} ${path} ${status}`);
  }
  const described = operation.responses[status];
  if (!described) throw new Error(`${method} ${path} answers ${status}, which the document does not name: ${JSON.stringify(body).slice(0, 300)}`);
  const response = described.$ref ? rest.components.responses[described.$ref.split('/').at(-1)] : described;
  return restCheck(`${operation.operationId} ${status}`, response.content['application/json'].schema, body, `${method} ${path} ${status}`);
}

/** Fails unless the documents describe this event of a server. */
export function checkEvent(name, body) {
  check(`server_${name}`, name, body);
}

/** Fails unless the documents describe this answer to a client event. Of an unknown event only errors are. */
export function checkReply(name, body) {
  const known = socket.components.messages[`answer_${name.replaceAll(':', '_')}`];
  if (known) check(`answer_${name}`, name, body);
  else socketCheck('unknown event', REFUSAL, body, name);
}

function check(key, name, body) {
  const message = socket.components.messages[key.replaceAll(':', '_')];
  if (!message) throw new Error(`no document describes the event ${name}: ${JSON.stringify(body).slice(0, 300)}`);
  socketCheck(key, message.payload, body, key);
}

/** Gives a function that fails unless a value fits a schema. Schemas are compiled once, by their key. */
function checker(Ajv, document) {
  const ajv = addFormats(new Ajv({ strict: false, allErrors: false }), ['date-time', 'email', 'uri', 'uuid']);
  // Formats of numbers are bounds that the schemas name, too.
  for (const format of ['uint8', 'uint16', 'uint32', 'uint64', 'uint', 'int32', 'int64', 'double']) ajv.addFormat(format, true);
  ajv.addSchema({ $id: 'document', components: { schemas: closed(document.components.schemas) } });
  const compiled = new Map();
  return (key, schema, value, about) => {
    if (!compiled.has(key)) compiled.set(key, ajv.compile(absolute(closed(schema))));
    const fits = compiled.get(key);
    if (fits(value)) return;
    const [error] = fits.errors;
    throw new Error(`${about}: ${error.instancePath || 'the answer'} ${error.message} ${JSON.stringify(error.params)} in ${JSON.stringify(value).slice(0, 500)}`);
  };
}

/** The same schema, in which objects have the named fields only. Parts of a composed schema stay open. */
function closed(schema) {
  if (Array.isArray(schema)) return schema.map(closed);
  if (schema === null || typeof schema !== 'object') return schema;
  const isComposed = ['allOf', 'anyOf', 'oneOf'].some(word => word in schema);
  const own = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const isObject = schema.properties && !isComposed && !('additionalProperties' in schema);
  return isObject ? { ...own, additionalProperties: false } : own;
}

/** References of a part point into the document. */
function absolute(schema) {
  if (Array.isArray(schema)) return schema.map(absolute);
  if (schema === null || typeof schema !== 'object') return schema;
  return Object.fromEntries(Object.entries(schema).map(([key, value]) =>
    [key, key === '$ref' && typeof value === 'string' ? `document${value}` : absolute(value)]));
}
