// Reads an AsyncAPI document with AsyncAPI's own parser. Exit code 1 if it finds an error or a warning.
'use strict';

const { Parser } = require('@asyncapi/parser');
const { readFileSync } = require('node:fs');

/** Of a diagnostic: 0 is an error, 1 a warning, the rest are remarks. */
const REMARK = 2;

new Parser().parse(readFileSync(process.argv[2], 'utf8')).then(({ document, diagnostics }) => {
  for (const { severity, message, path } of diagnostics) console.error(`${severity < REMARK ? 'problem' : 'remark'}: ${path.join('.')}: ${message}`);
  process.exitCode = document && diagnostics.every(({ severity }) => severity >= REMARK) ? 0 : 1;
});
