// Records of a stream: JSON, one a line.

import { Refusal } from './refusal.js';

/**
 * The records of an answer, as they come. Throws at the end if the last one is not the end.
 * @param {Response} response
 * @returns {AsyncGenerator<any>}
 */
export async function* records(response) {
  let [rest, last] = ['', undefined];
  for await (const text of /** @type {any} */ (response.body ?? new Blob().stream()).pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const record = JSON.parse(line);
      last = record.kind;
      yield record;
    }
  }
  if (last !== 'end') throw new Refusal({ code: 'offline' });
}
