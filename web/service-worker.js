// What runs in the browser while no page of this site is open: it shows pushes, takes away what was read on
// another device, and opens the conversation that somebody pressed.
//
// A push is `{act: 'show', tag, badge, title, text, threadId?}` or `{act: 'clear', tag, badge}`; one with the
// same tag replaces the one before. Nothing is kept, and no request of the page passes through here.

/** @type {any} The scope of a service worker, which the checker does not know beside that of a page. */
const worker = self;

worker.addEventListener('install', () => worker.skipWaiting());
worker.addEventListener('activate', (/** @type {any} */ event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener('push', (/** @type {any} */ event) => event.waitUntil(take(event.data)));
worker.addEventListener('notificationclick', (/** @type {any} */ event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.threadId));
});

/** @param {{ json: () => any } | null} data */
async function take(data) {
  const push = data?.json() ?? {};
  await setBadge(push.badge);
  if (push.act === 'clear') {
    const shown = await worker.registration.getNotifications({ tag: push.tag });
    for (const notification of shown) notification.close();
    return;
  }
  await worker.registration.showNotification(push.title ?? 'EventFlow messaging', {
    body: push.text ?? '',
    tag: push.tag,
    renotify: Boolean(push.tag),
    icon: '/assets/avatar.svg',
    data: { threadId: push.threadId },
  });
}

/** The number on the icon of an installed page, where there is one. @param {unknown} count */
async function setBadge(count) {
  if (typeof count === 'number') await worker.navigator.setAppBadge?.(count).catch(() => {});
}

/**
 * Brings a page of this site to the front, or opens one, with this conversation.
 * @param {string | undefined} threadId
 */
async function open(threadId) {
  const [page] = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
  if (!page) return worker.clients.openWindow(threadId ? `/#${threadId}` : '/');
  page.postMessage({ open: threadId });
  // A browser may leave the window where it is.
  return page.focus().catch(() => {});
}
