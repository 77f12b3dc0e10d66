// What a reply shows of the message that it answers.

import { plain } from '/markup.js';
import { typed } from '/typed.js';

/**
 * As the message is now, if it is here, else as the reply quotes it.
 * @param {string} messageId
 * @param {Message | undefined} message
 * @param {Quote | undefined} quote
 * @param {import('/people.js').People} people
 * @returns {Answered}
 */
export function answeredOf(messageId, message, quote, people) {
  const { senderId, content, deletedAt, seq } = message ?? quote ?? {};
  const filename = message ? message.attachments[0]?.filename : quote?.filename;
  const words = plain(typed(content ?? '')) || typed(filename ?? '') || 'an earlier message';
  return { messageId, seq, name: senderId ? people.nameOrYou(senderId) : '', text: deletedAt ? 'Message taken back' : words };
}
