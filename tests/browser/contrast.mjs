// How every text on a page stands out from what is behind it.

/**
 * For `page.evaluate`: each text that is shown, with the ratio of its luminance to that of its ground (WCAG
 * 2.x), the grounds of its ancestors laid over each other.
 */
export function contrasts() {
  /** Red, green, blue from 0 to 1, and opacity. */
  const parse = colour => {
    const numbers = colour.match(/-?[\d.]+(e-?\d+)?/g).map(Number);
    return colour.startsWith('color(') ? [...numbers.slice(0, 3), numbers[3] ?? 1] : [...numbers.slice(0, 3).map(each => each / 255), numbers[3] ?? 1];
  };
  const over = (top, below) => below.slice(0, 3).map((each, n) => top[n] * top[3] + each * (1 - top[3]));
  const luminance = colour => {
    const [r, g, b] = colour.map(each => (each <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = each => {
    const layers = [];
    for (let at = each; at; at = at.parentElement) {
      const layer = parse(getComputedStyle(at).backgroundColor);
      layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [1, 1, 1]);
  };
  const isShown = each => {
    const { width, height } = each.getBoundingClientRect();
    return width > 1 && height > 1 && each.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  };
  const walker = document.createTreeWalker(document.body, 4);
  const all = [];
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim();
    const parent = walker.currentNode.parentElement;
    // Emoji have colours of their own, and what is switched off needs no contrast.
    if (!text || !/[\p{L}\p{N}…·✓●↓]/u.test(text) || !isShown(parent) || parent.closest(':disabled, script, style')) continue;
    const below = ground(parent);
    const [one, other] = [luminance(over(parse(getComputedStyle(parent).color), below)), luminance(below)].sort((a, b) => b - a);
    all.push({ text: text.slice(0, 40), where: `${parent.tagName}.${parent.className}`, ratio: Math.round((one + 0.05) / (other + 0.05) * 100) / 100 });
  }
  return all;
}
