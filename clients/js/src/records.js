// Records of a stream: JSON, one a line.

import { Refusal } from './refusal.js';

/**
 * The records of an answer, as they come. Throws at the end if the last one is not the end.
 * @param {Response} response
 * @returns {AsyncGenerator<any>}
 */
export async function* records(response) {
  let [rest, last] = ['', undefined];
  // Not every browser iterates over streams.
  const texts = (response.body ?? new Blob().stream()).pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { done, value = '' } = await texts.read();
      if (done) break;
      const lines = (rest + value).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const record = JSON.parse(line);
        last = record.kind;
        yield record;
      }
    }
  } finally {
    // Whoever reads no further ends the request.
    texts.cancel().catch(() => {});
  }
  if (last !== 'end') throw new Refusal({ code: 'offline' });
}
