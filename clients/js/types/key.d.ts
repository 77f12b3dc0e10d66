/**
 * A UUID; where there is none (pages on unsafe origins, Node 18), 128 random bits. A key is no secret: it
 * only has to be another one than the sender's others.
 */
export function newKey(): `${string}-${string}-${string}-${string}-${string}`;
