// Keys of writes: a request that is made again under its key is carried out once.

/**
 * A UUID; where there is none (pages on unsafe origins, Node 18), 128 random bits. A key is no secret: it
 * only has to be another one than the sender's others.
 */
export function newKey() {
  const bytes = () => Array.from({ length: 16 }, () => Math.floor(Math.random() * 256).toString(16).padStart(2, '0'));
  return globalThis.crypto?.randomUUID?.() ?? bytes().join('');
}
