// Starts the machine's own Chromium without a window.

import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';

// `require`, because an import does not look at NODE_PATH, where tests/services puts the library.
const { chromium } = createRequire(import.meta.url)('playwright-core');

/** A browser; to be closed by whoever asked for it. */
export function launchChromium() {
  const executablePath = execFileSync('sh', ['-c', 'command -v chromium || command -v chromium-browser'], { encoding: 'utf8' }).trim();
  return chromium.launch({ executablePath, args: ['--no-sandbox'] });
}
