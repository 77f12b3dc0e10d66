// What can be wrong with a message, as the server calls it and in words for people.

/** @type {Record<string, string>} */
export const REASONS = {
  spam: 'Advertising or fraud',
  harassment: 'It insults or pursues somebody',
  hate: 'It incites hatred against people',
  violence: 'It threatens somebody, or calls for violence',
  sexual: 'It is sexual and not wanted',
  self_harm: 'Somebody may harm themselves',
  illegal: 'It is against the law in another way',
  other: 'Something else',
};

/** @param {string} reason one that a newer server has is shown as it is */
export const reasonWords = reason => REASONS[reason] ?? reason;
