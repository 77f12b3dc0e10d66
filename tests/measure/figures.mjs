// Times as figures: percentiles, and a table that can be pasted into a page.

/** The value below which `share` of the values are (nearest rank); `NaN` of nothing. */
export function percentile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted.length === 0 ? NaN : sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

/** `p50 / p99 / max` in milliseconds, whole ones. */
export function spread(values) {
  return [percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1)].map(value => Math.round(value)).join(' / ');
}

/** Rows as a Markdown table. */
export function table(head, rows) {
  return [head, head.map(() => '---'), ...rows].map(row => `| ${row.join(' | ')} |`).join('\n');
}

export const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));
