// Words that name one message, one name or one group, so that they are found in whatever shows them.

import { randomUUID } from 'node:crypto';

const unique = () => randomUUID().replaceAll('-', '').slice(0, 16);

/** The key of a message, which its text has too. */
export const newMessageToken = () => `mx${unique()}`;
/** A name that no group had before. */
export const newName = () => `nx${unique()}`;
/** A key for a request. */
export const newKey = () => ({ 'idempotency-key': randomUUID() });
/** A text with its token, and with a word of its thread by which a search finds all of them. */
export const textOf = (token, thread, more = '') => `${token} said in word${thread} ${more}`.trim();
