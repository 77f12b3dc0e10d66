// Names, kinds and sizes of files as people say them.

import { typed } from '/typed.js';

const KILO = 1_000;
const UNITS = ['bytes', 'KB', 'MB', 'GB', 'TB'];
/** Below this a number has one digit behind the point. */
const SMALL = 10;

/** @type {Record<string, string>} */
const KINDS = {
  'application/pdf': 'PDF', 'application/zip': 'ZIP', 'application/gzip': 'GZIP', 'application/x-tar': 'TAR', 'application/json': 'JSON',
  'application/msword': 'Word', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'Word',
  'application/vnd.ms-excel': 'Excel', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'Excel',
  'application/vnd.ms-powerpoint': 'PowerPoint', 'application/vnd.openxmlformats-officedocument.presentationml.presentation': 'PowerPoint',
  'text/plain': 'Text',
};
/** @type {Record<string, string>} */
const SORTS = { image: 'Picture', video: 'Video', audio: 'Sound', text: 'Text', font: 'Font' };

/**
 * What a file is called; without a name it is at least something.
 * @param {{ filename: string, type: string }} attachment
 * @returns {string}
 */
export const fileName = ({ filename, type }) => typed(filename) || type;

/**
 * The names of a message's files.
 * @param {Attachment[]} attachments
 */
export const fileNames = attachments => attachments.map(fileName).join(', ');

/**
 * Bytes in the largest unit of which there is one.
 * @param {number} bytes
 * @returns {string}
 */
export function sizeOf(bytes) {
  if (bytes === 1) return '1 byte';
  const unit = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), UNITS.length - 1);
  const number = bytes / KILO ** unit;
  const shown = number < SMALL && unit > 0 ? Math.round(number * 10) / 10 : Math.round(number);
  return `${shown.toLocaleString('en')} ${UNITS[unit]}`;
}

/**
 * What a file is, by the type that the server has found in its bytes.
 * @param {string} [mimeType]
 * @returns {string}
 */
export function kindOf(mimeType = '') {
  const [sort, name = ''] = mimeType.split('/');
  if (KINDS[mimeType]) return KINDS[mimeType];
  if (SORTS[sort]) return /^[a-z0-9]{2,5}$/.test(name) ? `${SORTS[sort]} (${name.toUpperCase()})` : SORTS[sort];
  return 'File';
}
