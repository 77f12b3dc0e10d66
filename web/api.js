// The REST API: reads that go on until they are answered, and writes that are tried once and say why they were refused.

import { Refusal } from '/refusal.js';

const FIRST_PAUSE_S = 1;
const LONGEST_PAUSE_S = 15;

export class Api {
  #token; #ended;

  /** `ended` is called with the refusal when the token does not hold any more. */
  constructor(token, ended) {
    this.#token = token;
    this.#ended = ended;
  }

  /** Reads. What fails only for the moment is asked for again, until it is there or `signal` says that nobody waits any more. */
  async read(path, signal) {
    for (let pause = FIRST_PAUSE_S; ; pause = Math.min(pause * 2, LONGEST_PAUSE_S)) {
      try {
        return await this.ask('GET', path, undefined, signal);
      } catch (error) {
        if (!error.isPassing) throw error;
        await waiting(Math.max(pause, error.waitS) * 1000, signal);
      }
    }
  }

  /** Asks once; gives the answer, or throws a `Refusal`. */
  async ask(method, path, body, signal) {
    const headers = { Authorization: `Bearer ${this.#token}`, ...body && { 'Content-Type': 'application/json' } };
    let response, answer;
    try {
      response = await fetch(`/api/v2${path}`, { method, headers, body: body && JSON.stringify(body), signal });
      answer = await response.json();
    } catch (error) {
      signal?.throwIfAborted();
      // Something that answers without JSON is not the service but what stands before it.
      throw new Refusal({ code: error instanceof SyntaxError ? 'unavailable' : 'offline' });
    }
    if (answer.success) return answer;
    const refusal = new Refusal({ ...answer, waitS: Number(response.headers.get('Retry-After')) || 0 });
    if (refusal.endsSignIn) this.#ended(refusal);
    throw refusal;
  }
}

function waiting(time, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, time);
    signal?.addEventListener('abort', () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
  });
}
