// What ESLint looks at: the page's scripts, which run in a browser, the tests and tools, which run in Node,
// the client package, which runs in both, and the examples. `.ci/checks` installs it.

import js from '@eslint/js';

const names = list => Object.fromEntries(list.split(/\s+/).map(name => [name, 'readonly']));

const BROWSER = names(`window document location history navigator sessionStorage localStorage matchMedia addEventListener
  innerHeight innerWidth console fetch crypto URL TextDecoder Intl WebSocket Event CustomEvent EventTarget AbortController
  AbortSignal ResizeObserver performance setTimeout clearTimeout setInterval clearInterval queueMicrotask atob getComputedStyle Element HTMLElement
  HTMLLIElement Node Notification DOMException AudioContext self IntersectionObserver Blob XMLHttpRequest TextEncoder btoa
  CSSStyleSheet HTMLScriptElement HTMLInputElement KeyboardEvent`);
const NODE = names(`process console fetch AbortController AbortSignal FormData ReadableStream Buffer URL performance setTimeout clearTimeout setInterval clearInterval setImmediate btoa Response
  Blob CompressionStream EventTarget`);
/** What browsers and Node 18 have alike; anything else is asked for by `typeof`. */
const EVERYWHERE = names(`console fetch Blob TextEncoder TextDecoderStream btoa crypto URL TextDecoder AbortController setTimeout clearTimeout queueMicrotask atob window
  location indexedDB IDBKeyRange`);
/** What a test names inside of `page.evaluate`, which runs in the page. */
const IN_PAGES = names(`window document location getComputedStyle innerHeight innerWidth Event sessionStorage localStorage
  WebSocket requestAnimationFrame IDBDatabase PushManager Notification NotificationEvent
  PageTransitionEvent DataTransfer File ClipboardEvent DragEvent PointerEvent dispatchEvent self navigator messagingClient socket io careless drawMessage drawNotification violated pwn`);

const RULES = {
  ...js.configs.recommended.rules,
  'array-callback-return': 'error',
  eqeqeq: 'error',
  'no-control-regex': 'off',
  'no-implicit-coercion': 'error',
  'no-throw-literal': 'error',
  'no-unused-private-class-members': 'error',
  'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
  'no-var': 'error',
  'prefer-const': ['error', { destructuring: 'all' }],
};

const files = (patterns, sourceType, globals) => ({
  files: patterns, rules: RULES, languageOptions: { ecmaVersion: 2024, sourceType, globals },
});

export default [
  { ...files(['web/*.js'], 'module', BROWSER), ignores: ['web/embed.js'] },
  files(['web/embed.js'], 'script', BROWSER),
  files(['tests/**/*.mjs', '.ci/**/*.mjs'], 'module', { ...IN_PAGES, ...NODE }),
  files(['clients/js/src/**/*.js'], 'module', EVERYWHERE),
  files(['examples/**/*.mjs'], 'module', NODE),
  {
    ...files(['examples/react/*.jsx'], 'module', BROWSER),
    languageOptions: { ecmaVersion: 2024, sourceType: 'module', globals: BROWSER, parserOptions: { ecmaFeatures: { jsx: true } } },
    // Without a plugin ESLint does not see that a component is used.
    rules: { ...RULES, 'no-unused-vars': 'off' },
  },
  files(['tests/browser/client/*.js'], 'script', { ...BROWSER, io: 'readonly', messagingClient: 'writable' }),
];
