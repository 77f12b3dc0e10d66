// Files for tests of the page: pictures, and messages that have some.

import { deflateSync } from 'node:zlib';
import { tell } from './windows.mjs';

/** A picture of one colour. */
export function png(width, height, [red, green, blue] = [60, 120, 200]) {
  const crcs = Array.from({ length: 256 }, (_, n) => Array.from({ length: 8 }).reduce(c => (c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1), n));
  const crc = bytes => (bytes.reduce((c, byte) => crcs[(c ^ byte) & 255] ^ (c >>> 8), -1) ^ -1) >>> 0;
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc(body));
    return Buffer.concat([length, body, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const line = Buffer.concat([Buffer.from([0]), Buffer.concat(Array(width).fill(Buffer.from([red, green, blue])))]);
  const data = deflateSync(Buffer.concat(Array(height).fill(line)));
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))]);
}

/** Uploads files (`[name, bytes]`) and sends one message with them, by REST; gives the message. */
export async function sendFiles(stage, person, thread, content, files) {
  const attachments = [];
  for (const [name, bytes] of files) {
    // By tus, which takes every name.
    const headers = {
      authorization: `Bearer ${person.token}`, 'tus-resumable': '1.0.0', 'upload-length': String(Buffer.byteLength(bytes)),
      'upload-metadata': `filename ${Buffer.from(name).toString('base64')}`, 'content-type': 'application/offset+octet-stream',
    };
    const answer = await fetch(`${stage.system.http}/api/v2/attachments/tus`, { method: 'POST', body: bytes, headers });
    attachments.push({ id: (await answer.json()).id });
  }
  return tell(person, thread, content, { attachments });
}
