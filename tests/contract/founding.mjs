// Groups as tests make them, and the key under which one is changed once.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

/** The header of a change that nobody has asked for before. */
export const newKey = () => ({ 'idempotency-key': randomUUID() });

/** A group of somebody and others; gives its id. */
export async function found(owner, others, group = {}) {
  const answer = await owner.rest('POST', '/threads', { participants: others.map(each => each.id), group });
  assert.equal(answer.status, 201, JSON.stringify(answer));
  return answer.thread._id;
}
