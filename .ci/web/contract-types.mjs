#!/usr/bin/env node
// Writes the TypeScript types of the contract, from docs/openapi.json and docs/asyncapi.json, to standard
// output: every schema under its name, `ServerEvents` (the argument of each event of the server) and
// `Requests` (what a client may ask over the socket, and what the callback gets if it is not refused).
//
//   .ci/web/contract-types.mjs > clients/js/types/contract.d.ts
//
// `.ci/checks` installs what it needs and compares the file.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isDeepStrictEqual } from 'node:util';

// `require`, because an import does not look at NODE_PATH.
const { default: openapiTS, astToString } = createRequire(import.meta.url)('openapi-typescript');

const read = name => JSON.parse(readFileSync(new URL(`../../docs/${name}.json`, import.meta.url), 'utf8'));
const [rest, socket] = [read('openapi'), read('asyncapi')];

/** The older dialect of AsyncAPI has a reference alone in a list wherever anything stands beside it. */
const plain = schema => JSON.parse(JSON.stringify(schema), (_, value) => {
  const only = value?.allOf?.length === 1 && value.allOf[0].$ref;
  if (!only) return value;
  const { allOf: _list, ...beside } = value;
  return { ...beside, $ref: only };
});

const schemas = plain({ ...socket.components.schemas, ...rest.components.schemas });
for (const [name, schema] of Object.entries(plain(socket.components.schemas))) {
  if (!isDeepStrictEqual(schema, schemas[name])) throw new Error(`the two documents say different things of ${name}`);
}

const object = properties => ({ type: 'object', properties, required: Object.keys(properties), additionalProperties: false });
const { messages } = socket.components;
const payloads = kind => Object.entries(messages).filter(([id]) => id.startsWith(kind)).map(([, { name, payload }]) => [name, payload]);
/** The callback gets either this or a refusal, which `ask` throws. */
const isRefusal = ({ $ref }) => ['code', 'error'].every(field => schemas[$ref?.split('/').at(-1)]?.required?.includes(field));
const unlessRefused = ({ anyOf, ...payload }) => anyOf ? { anyOf: anyOf.filter(choice => !isRefusal(choice)) } : payload;
const answers = Object.fromEntries(payloads('answer_'));
schemas.ServerEvents = object(Object.fromEntries(payloads('server_')));
schemas.Requests = object(Object.fromEntries(payloads('client_').map(([name, body]) =>
  [name, object({ body, answer: unlessRefused(answers[name]) })])));

const ast = await openapiTS(
  { openapi: '3.1.0', info: { title: '', version: '' }, paths: {}, components: { schemas } },
  { rootTypes: true, rootTypesNoSchemaPrefix: true, defaultNonNullable: false },
);
const text = astToString(ast);
// The document has schemas only: what would describe paths is empty, and nobody needs it.
const [, described] = /(export interface components \{[^]*?)\nexport type \$defs/.exec(text);
process.stdout.write(`// Made of docs/openapi.json and docs/asyncapi.json by .ci/web/contract-types.mjs. Not to be changed by hand.\n\n${described.trimEnd()}\n`);
