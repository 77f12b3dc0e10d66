// The sound of a new message: two short tones. They are made here, since the page's policy loads no sounds.

/** Hertz, and when each begins, in seconds. @type {[number, number][]} */
const TONES = [[660, 0], [880, 0.12]];
const LENGTH_S = 0.22;
/** Loudness from 0 to 1: a room with somebody else in it is not disturbed. */
const GAIN = 0.08;
/** What one cannot hear any more; a sound cannot fade to nothing exponentially. */
const SILENCE = 0.0001;
/** @type {AudioContext | undefined} */
let context;

/** Plays it, where the browser lets a page be heard: after somebody has pressed something in it. */
export async function chime() {
  if (!('AudioContext' in window)) return;
  context ??= new AudioContext();
  await context.resume();
  for (const [hertz, start] of TONES) play(context, hertz, context.currentTime + start);
}

/**
 * @param {AudioContext} into
 * @param {number} hertz
 * @param {number} start
 */
function play(into, hertz, start) {
  const tone = into.createOscillator();
  const volume = into.createGain();
  tone.frequency.value = hertz;
  volume.gain.setValueAtTime(GAIN, start);
  volume.gain.exponentialRampToValueAtTime(SILENCE, start + LENGTH_S);
  tone.connect(volume).connect(into.destination);
  tone.start(start);
  tone.stop(start + LENGTH_S);
}
