// What stands in a page and could run or load something, and is not the page's own.

/**
 * The page's own elements that could load or run something: one of each kind that is named here. For
 * `strange` on the page at `/`.
 */
export const OWN = ['SCRIPT /app.js', 'LINK /assets/avatar.svg', 'LINK /assets/icon-180.png', 'LINK /manifest.webmanifest', 'LINK /style.css', 'LINK /conversation.css',
  'LINK /door.css', 'LINK /group.css', 'LINK /block.css', 'LINK /files.css', 'LINK /later.css', 'IMG null'];
/** The same of the page at `/ops`. */
export const OWN_OF_OPS = ['SCRIPT /ops.js', 'LINK /assets/avatar.svg', 'LINK /style.css', 'LINK /ops.css'];

/** For `page.evaluate`: whatever could run, and is not the page's own. */
export function strange(own) {
  const RUNS = 'script, iframe, frame, object, embed, style, link, base, meta[http-equiv], img, image, video, audio, source, math, template, form[action], marquee, portal';
  const address = each => `${each.tagName} ${each.getAttribute('src') ?? each.getAttribute('href')}`;
  const all = [...document.querySelectorAll('*')];
  return [
    ...[...document.querySelectorAll(RUNS)].filter(each => !own.includes(address(each)) && !/^\/assets\//.test(each.getAttribute('src') ?? '')),
    ...all.filter(each => each.getAttributeNames().some(name => /^on/i.test(name) || name === 'style' || name === 'srcdoc')),
    ...[...document.querySelectorAll('a')].filter(each => !['http:', 'https:', 'mailto:'].includes(each.protocol)),
  ].map(each => each.outerHTML);
}
